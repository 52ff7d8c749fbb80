// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc
import Support
import Testing

extension EndToEnd {
    /// Networks and files that are not right, on a running node: one line in the log, the reason on the worklist, and the next
    /// study is analysed.
    @Suite("Bad packages", .serialized) struct BadPackageTests {
        /// A package that takes series of its own name alone.
        private struct Wrong {
            var name: String
            /// Below Tests/InferenceTests/Goldens.
            var network = "StandIns/threshold.onnx"
            var bytes: Int?
            var digest: String?
            var inference = "fullVolume: {}"
            var channel = 1
            var memory = 2000
            var time = 60.0
            var state: String
            var reason: String
            /// How its line in the log begins.
            var logged = "analysis failed: "

            private static func sha256(_ path: String) throws -> String {
                String(try Tool.run("/usr/bin/sha256sum", [path], seconds: 10).output.prefix(64))
            }

            func write(in directory: String) throws {
                let folder = directory + "/" + name
                try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
                var graph = try Data(
                    contentsOf: URL(
                        fileURLWithPath: Daemon.repository + "/Tests/InferenceTests/Goldens/" + network))
                if let bytes { graph = graph.prefix(bytes) }
                try graph.write(to: URL(fileURLWithPath: folder + "/network.onnx"))
                for file in ["CARD.md", "LICENSE"] {
                    try Data("of tests".utf8).write(to: URL(fileURLWithPath: "\(folder)/\(file)"))
                }
                let digest = try digest ?? Self.sha256(folder + "/network.onnx")
                let text = """
                    schema: 1
                    name: \(name)
                    version: "1"
                    title: Stand-in
                    manufacturer: tests
                    use: research
                    licence: {spdx: Apache-2.0, file: LICENSE}
                    card: CARD.md
                    intendedUse: tests
                    network: {file: network.onnx, sha256: \(digest)}
                    claim: {modality: [CT], seriesDescription: {include: '^\(name)$'}}
                    quality: {unit: "[hnsf'U]"}
                    preprocess: [{scaleRange: {from: [-57, 164], to: [0, 1]}}]
                    inference: {\(inference)}
                    decision: {activation: none, rule: threshold, restore: linear}
                    outputs: [{channel: \(channel), label: Bone, code: ["272673000", SCT, Bone],
                      category: ["123037004", SCT, Anatomical Structure], type: ["272673000", SCT, Bone],
                      priority: routine, confidence: {fixed: 0.5}}]
                    budget: {memory: \(memory), time: \(time)}
                    """
                try Data(text.utf8).write(to: URL(fileURLWithPath: folder + "/manifest.yaml"))
            }
        }

        private static let wrong = [
            Wrong(
                name: "misfit", network: "Windows/two-channels.onnx", state: "failed",
                reason: "the network's input is [-1, 2, -1, -1, -1], and the manifest gives it [1, 1, -1, -1, -1]"),
            Wrong(
                name: "digest", digest: String(repeating: "0", count: 64), state: "notAnalysed",
                reason: "`sha256` does not match network.onnx", logged: "not analysed: "),
            Wrong(
                name: "operator", network: "Windows/unknown-operator.onnx", channel: 0, state: "failed",
                reason: "com.example.Frobnicate"),
            Wrong(
                name: "nan", network: "logarithm.onnx", channel: 0, state: "failed",
                reason: "a value that is not a finite number"),
            Wrong(
                name: "slow", inference: "slidingWindow: {roi: [8, 8, 8], overlap: 0.9}", time: 0.1, state: "failed",
                reason: "not finished within the package's budget of 0.1 seconds"),
            Wrong(
                name: "large", memory: 1, state: "notAnalysed", reason: "and the package's budget is 1 MiB",
                logged: "not analysed: "),
            Wrong(
                name: "truncated", bytes: 100, state: "failed", reason: "OpenVINO could not read the graph /"),
        ]

        /// Copies of one study that differ in their UIDs and in the description of their series.
        private final class Copies {
            private let phantom: Phantom
            private let directory: TemporaryDirectory

            init() throws {
                phantom = try Fixtures.smallHead(["--seed", "580"])
                directory = try TemporaryDirectory()
            }

            static func study(_ number: Int) -> String { "1.2.826.0.1.58.\(number)" }
            static func series(_ number: Int) -> String { "1.2.826.0.1.58.\(number).1" }

            func files(_ number: Int, _ description: String) throws -> [String] {
                let files = phantom.files.map { directory.file("\(number)-" + ($0 as NSString).lastPathComponent) }
                for (from, to) in zip(phantom.files, files) {
                    try FileManager.default.copyItem(atPath: from, toPath: to)
                }
                let made = try Tool.run(
                    "/usr/bin/dcmodify",
                    [
                        "-nb", "-gin", "-m", "SeriesDescription=\(description)", "-m",
                        "StudyInstanceUID=\(Self.study(number))", "-m", "SeriesInstanceUID=\(Self.series(number))",
                    ] + files)
                guard made.status == 0 else { throw ToolError(made.output) }
                return files
            }
        }

        @Test(
            "a network that does not fit, is another, cannot be read, gives NaN, is too slow or too large, and a file that is cut: each one line and a reason, and the node goes on [ROBUST-11]"
        )
        func reasons() throws {
            let models = try TemporaryDirectory()
            for package in Self.wrong { try package.write(in: models.path) }
            try Wrong(name: "sound", state: "analysed", reason: "").write(in: models.path)
            let node = try Daemon(quietPeriod: 0.5, models: models.path)
            // What is wrong with the installation is said before, too.
            let check = try node.check()
            #expect(check.status == 1 && check.lines.count == 1, "\(check.output)")
            #expect(check.output.contains("/digest/manifest.yaml:10: `sha256` does not match network.onnx"))
            try node.start()
            #expect(node.output.contains("model package digest 1 does not run, and what it claims is not analysed"))
            let copies = try Copies()
            for (number, package) in Self.wrong.enumerated() {
                try Self.send(try copies.files(number, package.name), to: node)
            }
            for (number, package) in Self.wrong.enumerated() {
                let item = try node.endedItem(study: Copies.study(number))
                #expect(item.state == package.state, "\(package.name): \(item)")
                #expect(item.reason.contains(package.reason), "\(package.name): \(item.reason)")
                #expect(item.findings.isEmpty)
                expectOneLine(node, number, package.logged, package.reason)
            }

            // A file that is cut in the store, before the worker reads it.
            let worker = try node.worker()
            #expect(kill(worker, SIGSTOP) == 0)
            let number = Self.wrong.count
            try Self.send(try copies.files(number, "sound"), to: node)
            #expect(try node.item(study: Copies.study(number), state: "analysing") != nil, "\(node.output)")
            let stored = try #require(node.storedFile(ofSeries: Copies.series(number)))
            #expect(truncate(stored, 20_000) == 0)
            #expect(kill(worker, SIGCONT) == 0)
            let cut = try node.endedItem(study: Copies.study(number))
            let words = "cannot be read: the data set ends at byte "
            #expect(cut.state == "notAnalysed" && cut.reason.contains(words), "\(cut)")
            expectOneLine(node, number, "not analysed: ", words)

            try Self.send(try copies.files(number + 1, "sound"), to: node)
            let next = try node.endedItem(study: Copies.study(number + 1))
            #expect(next.state == "analysed" && next.findings.count == 1, "\(next)\n\(node.output.suffix(2000))")
            // All by one worker: nothing of it took the process down.
            #expect(try node.worker() == worker)
            #expect(node.stop() == 0)
        }

        /// Without a provisional run, so that each study has one job.
        private static func send(_ files: [String], to node: Daemon) throws {
            _ = try node.store(files, arguments: ["--abort"])
        }

        private func expectOneLine(
            _ node: Daemon, _ number: Int, _ logged: String, _ reason: String,
            sourceLocation: SourceLocation = #_sourceLocation
        ) {
            // The worklist is written first.
            var lines: [Substring] = []
            _ = eventually(within: 20) {
                lines = node.output.split(separator: "\n").filter {
                    $0.contains("seriesInstanceUID=\(Copies.series(number))") && $0.contains(logged)
                }
                return lines.isEmpty ? nil : true
            }
            #expect(
                lines.count == 1 && lines.first?.contains(reason) == true, "\(lines)", sourceLocation: sourceLocation)
        }
    }
}

extension Daemon {
    /// One of the series' files in the store.
    fileprivate func storedFile(ofSeries uid: String) -> String? {
        let query =
            "SELECT i.path FROM instance i JOIN series s ON s.id = i.series WHERE s.seriesInstanceUID = '\(uid)'"
        return (try? rows(query))?.first?.first.map { storeDirectory + "/" + $0 }
    }
}
