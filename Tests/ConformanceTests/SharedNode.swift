// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Support
import Testing

/// One running node for the tests of a suite, whose studies differ.
struct SharedNode: SuiteTrait, TestScoping {
    /// Unchecked: the suites that have it are serialized.
    private struct Shared: @unchecked Sendable { let node: Daemon }
    @TaskLocal private static var shared: Shared?

    let make: @Sendable () throws -> Daemon

    func provideScope(
        for test: Test, testCase: Test.Case?, performing function: @Sendable () async throws -> Void
    ) async throws {
        let node = try make()
        try node.start()
        defer { node.stop() }
        try await SharedNode.$shared.withValue(Shared(node: node)) { try await function() }
    }

    static func node() throws -> Daemon {
        guard let shared else { throw ToolError("the suite has no node: it lacks the trait .sharedNode") }
        return shared.node
    }
}

extension Trait where Self == SharedNode {
    static func sharedNode(_ make: @escaping @Sendable () throws -> Daemon = { try Daemon(quietPeriod: 0.5) }) -> Self {
        SharedNode(make: make)
    }
}

extension Fixtures {
    /// As few slices, as coarse, as the reference package takes: `arguments` follow.
    static func smallHead(_ arguments: [String] = [], slices: Int = 12) throws -> Phantom {
        try Phantom(
            [
                "--slices", "\(slices)", "--matrix", "128", "--pixel-spacing", "1.5", "--slice-spacing", "5",
                "--slice-thickness", "5",
            ] + arguments)
    }
}

extension Daemon {
    /// The study's item once it is neither arriving nor waiting nor being analysed.
    func endedItem(study: String, within seconds: Double = 60) throws -> [String: Any] {
        let ended: [String: Any]? = try eventually(within: seconds) {
            guard let now = try self.item(study: study), !["arriving", "waiting", "analysing"].contains(now.state)
            else { return nil }
            return now
        }
        guard let ended else {
            throw ToolError(
                "the study does not come to an end; it is \(try self.item(study: study) ?? [:])\n\(output.suffix(2000))"
            )
        }
        return ended
    }

    func storeAll(_ paths: [String], calling: String = "CT1", arguments: [String] = []) throws {
        let sent = try store(paths, calling: calling, arguments: arguments)
        guard sent.status == 0 else {
            throw ToolError("storescu ended with \(sent.status): \(sent.output.suffix(2000))")
        }
    }

    func echoes(calling: String = "CT1") throws -> Bool {
        try Tool.run(
            "/usr/bin/echoscu", ["-aet", calling, "-aec", "TRIAGED", "-to", "20", "127.0.0.1", "\(dicomPort)"]
        ).status == 0
    }

    /// Rows that a query of the index gives, by way of another SQLite.
    func rows(_ query: String) throws -> [[String]] {
        let script = """
            import sys, sqlite3, json
            print(json.dumps([[str(v) for v in r] for r in sqlite3.connect("file:" + sys.argv[1] + "?mode=ro", uri=True).execute(sys.argv[2])]))
            """
        let outcome = try Tool.run("/usr/bin/python3", ["-c", script, storeDirectory + "/index.sqlite", query])
        guard outcome.status == 0 else { throw ToolError(outcome.output) }
        return try JSONDecoder().decode([[String]].self, from: Data(outcome.output.utf8))
    }
}

/// An item of the worklist, or a series of it.
extension [String: Any] {
    var state: String { self["state"] as? String ?? "" }
    var reason: String { self["reason"] as? String ?? "" }
    var priority: String { self["priority"] as? String ?? "" }
    var warnings: [String] { self["warnings"] as? [String] ?? [] }
    var series: [[String: Any]] { self["series"] as? [[String: Any]] ?? [] }
    var findings: [[String: Any]] { self["findings"] as? [[String: Any]] ?? [] }
}

/// What no rude peer may change: the process, and every file that was acknowledged before.
struct Witness {
    private let node: Daemon
    private let processID: pid_t?
    private let files: [String: Data]
    private let items: Int

    init(_ node: Daemon) throws {
        self.node = node
        processID = node.process?.processID
        files = try Self.contents(node)
        items = try node.worklist().count
    }

    private static func contents(_ node: Daemon) throws -> [String: Data] {
        var contents: [String: Data] = [:]
        for path in node.storedFiles().values.joined() {
            contents[path] = try Data(contentsOf: URL(fileURLWithPath: path))
        }
        return contents
    }

    /// The node answers, in the same process; what was stored is as it was; nothing half-received is left.
    func expectUnharmed(hasNewFiles: Bool = false, sourceLocation: SourceLocation = #_sourceLocation) throws {
        #expect(node.process?.poll() == nil, "\(node.output.suffix(2000))", sourceLocation: sourceLocation)
        #expect(node.process?.processID == processID, sourceLocation: sourceLocation)
        #expect(try node.echoes(), sourceLocation: sourceLocation)
        let left = eventually(within: 20) { node.incomingFiles().isEmpty ? true : nil }
        #expect(left == true, "left: \(node.incomingFiles())", sourceLocation: sourceLocation)
        let now = try Self.contents(node)
        for (path, content) in files {
            #expect(now[path] == content, "\(path) changed", sourceLocation: sourceLocation)
        }
        if !hasNewFiles {
            #expect(now.count == files.count, "something refused was kept", sourceLocation: sourceLocation)
            #expect(try node.worklist().count == items, sourceLocation: sourceLocation)
        }
    }
}
