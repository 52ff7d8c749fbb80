// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc

/// The built `triaged`, and a running `triaged serve` with directories and ports of its own.
package final class Daemon {
    /// Beside the test bundle, where SwiftPM puts it, or where TRIAGED_EXECUTABLE says.
    package static let executable: String = {
        if let named = ProcessInfo.processInfo.environment["TRIAGED_EXECUTABLE"] { return named }
        var path = [CChar](repeating: 0, count: 4096)
        let count = readlink("/proc/self/exe", &path, path.count - 1)
        let own = String(decoding: path.prefix(max(count, 0)).map { UInt8(bitPattern: $0) }, as: UTF8.self)
        let arguments = CommandLine.arguments.first { $0.hasSuffix(".xctest") } ?? own
        return URL(fileURLWithPath: arguments).deletingLastPathComponent().appendingPathComponent("triaged").path
    }()

    /// The root of this repository.
    package static let repository: String = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent().path

    package let directory: TemporaryDirectory
    package let dicomPort: Int
    package let webPort: Int
    package var configurationPath: String { directory.file("triaged.yaml") }
    package let storeDirectory: String
    package private(set) var process: Tool?
    private var starts = 0

    /// `peers` lists calling AE titles. `store` lies in a directory of the test's where it is named; `reserve` is in GB.
    package init(
        peers: [String] = ["CT1"], destinations: String = "destinations: []", quietPeriod: Double = 1,
        allowDemonstration: Bool = true, models: String = Daemon.repository + "/etc/models",
        unknownPeers: String = "reject", store: String? = nil, reserve: Double = 0
    ) throws {
        directory = try TemporaryDirectory()
        storeDirectory = store ?? directory.file("store")
        dicomPort = freePort()
        webPort = freePort()
        let peerLines = peers.map { "  - {aeTitle: \($0), host: 127.0.0.1, port: 11119}" }
        let text = """
            dicom:
              aeTitle: TRIAGED
              host: 127.0.0.1
              port: \(dicomPort)
              unknownPeers: \(unknownPeers)
            peers:\(peerLines.isEmpty ? " []" : "\n" + peerLines.joined(separator: "\n"))
            storage:
              directory: \(storeDirectory)
              reserve: \(reserve)
            models:
              directory: \(models)
              allowDemonstration: \(allowDemonstration)
              workers: 1
            \(destinations)
            completeness:
              quietPeriod: \(quietPeriod)
            web:
              host: 127.0.0.1
              port: \(webPort)

            """
        try text.write(toFile: configurationPath, atomically: true, encoding: .utf8)
    }

    /// Returns once the node is ready, or at once where a test expects that it never will be.
    package func start(
        environment: [String: String] = [:], wrapper: [String] = [], awaitsReadiness: Bool = true
    ) throws {
        starts += 1
        let command = wrapper + [Daemon.executable, "serve", "--config", configurationPath]
        let process = try Tool(
            command[0], Array(command.dropFirst()), environment: environment, log: directory.file("serve-\(starts).log")
        )
        self.process = process
        guard awaitsReadiness else { return }
        let isReady = try eventually(within: 60) {
            if let status = process.poll() { throw ToolError("triaged serve ended with \(status):\n\(process.output)") }
            return (try? HTTP.get(url("/readyz"), seconds: 2)).flatMap { $0.status == 200 ? true : nil }
        }
        guard isReady != nil else { throw ToolError("triaged serve is not ready:\n\(process.output)") }
    }

    package func url(_ path: String) -> String { "http://127.0.0.1:\(webPort)\(path)" }
    package var output: String { process?.output ?? "" }

    @discardableResult
    package func stop(_ signal: Int32 = SIGTERM, within seconds: Double = 30) -> Int32? {
        process?.signal(signal, within: seconds)
    }

    deinit { process?.signal(SIGKILL, within: 5) }

    /// The items of GET /api/worklist.
    package func worklist() throws -> [[String: Any]] {
        let answer = try HTTP.get(url("/api/worklist"))
        guard answer.status == 200,
            let object = try JSONSerialization.jsonObject(with: answer.body) as? [String: Any],
            let items = object["items"] as? [[String: Any]]
        else { throw ToolError("no worklist: \(answer.status) \(answer.text)") }
        return items
    }

    package func item(study: String) throws -> [String: Any]? {
        try worklist().first { $0["studyInstanceUID"] as? String == study }
    }

    /// Sends files or folders with DCMTK's storescu and gives its outcome.
    package func store(_ paths: [String], calling: String = "CT1", arguments: [String] = [], seconds: Double = 120)
        throws
        -> Tool.Outcome
    {
        try Tool.run(
            "/usr/bin/storescu",
            ["-aet", calling, "-aec", "TRIAGED", "+sd", "+r", "-v"] + arguments + ["127.0.0.1", "\(dicomPort)"] + paths,
            environment: ["TCP_NODELAY": "1"], seconds: seconds)
    }
}
