// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import GRPCCore
import Support
import Synchronization
import Testing

@testable import OpenInference

/// The whole node with packages on servers: a server that is away and one that is slow keep nobody else waiting.
@Suite(.serialized) struct RemoteNodeTests {
    /// Opened by the test; until then whoever asks waits.
    private final class Gate: Sendable {
        private let isOpen = Mutex(false)
        func open() { isOpen.withLock { $0 = true } }
        func pass() async throws {
            while !isOpen.withLock({ $0 }) { try await Task.sleep(for: .milliseconds(50)) }
        }
    }

    /// Marks what is brighter than the middle of the window, as the package's one channel.
    private static let script = ScriptedServer.Script(
        inputs: [ScriptedServer.tensor("image", [-1, 1, -1, -1, -1])],
        outputs: [ScriptedServer.tensor("logits", [-1, 1, -1, -1, -1])])

    private static func package(_ name: String, in models: TemporaryDirectory, channel: Int) throws {
        let folder = models.file(name)
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        let network = folder + "/network.onnx"
        try FileManager.default.copyItem(
            atPath: Daemon.repository + "/Tests/InferenceTests/Goldens/StandIns/threshold.onnx", toPath: network)
        for file in ["CARD.md", "LICENSE"] {
            try Data("of tests".utf8).write(to: URL(fileURLWithPath: "\(folder)/\(file)"))
        }
        let digest = try Tool.run("/usr/bin/sha256sum", [network], seconds: 10).output.prefix(64)
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
            inference: {fullVolume: {}}
            decision: {activation: none, rule: threshold, restore: linear}
            outputs: [{channel: \(channel), label: Bone, code: ["272673000", SCT, Bone],
              category: ["123037004", SCT, Anatomical Structure], type: ["272673000", SCT, Bone],
              priority: routine, confidence: {fixed: 0.5}}]
            budget: {memory: 2000, time: 60}
            """
        try Data(text.utf8).write(to: URL(fileURLWithPath: folder + "/manifest.yaml"))
    }

    /// A study of one series with this description. Returns its Study Instance UID.
    private static func send(_ description: String, _ number: Int, to node: Daemon) throws -> String {
        let directory = try TemporaryDirectory()
        let made = try Tool.run(
            Daemon.executable,
            [
                "phantom", "head-ct", "--output", directory.path, "--seed", "59\(number)", "--slices", "12", "--matrix",
                "64", "--pixel-spacing", "3", "--slice-spacing", "5",
            ])
        let files = try FileManager.default.contentsOfDirectory(atPath: directory.path).filter {
            $0.hasSuffix(".dcm")
        }.map(directory.file)
        try #require(made.status == 0 && files.count == 12, "\(made.output)")
        let study = "1.2.826.0.1.59.\(number)"
        let changed = try Tool.run(
            "/usr/bin/dcmodify",
            ["-nb", "-m", "SeriesDescription=\(description)", "-m", "StudyInstanceUID=\(study)"] + files)
        try #require(changed.status == 0, "\(changed.output)")
        let sent = try node.store(files)
        try #require(sent.status == 0, "\(sent.output)")
        return study
    }

    private static func item(_ study: String, of node: Daemon, until: (String, String) -> Bool) throws -> (
        state: String, reason: String, findings: Int
    )? {
        try eventually(within: 60) {
            guard let item = try node.item(study: study) else { return nil }
            let (state, reason) = (item["state"] as? String ?? "", item["reason"] as? String ?? "")
            return until(state, reason) ? (state, reason, (item["findings"] as? [Any])?.count ?? 0) : nil
        }
    }

    @Test("A dead and a slow server delay their own jobs alone, which wait with a reason and end when the server comes")
    func deadAndSlow() async throws {
        let gate = Gate()
        var slow = Self.script
        slow.infer = { request, _ in
            try await gate.pass()
            return ScriptedServer.echo(request)
        }
        let slowServer = try await ScriptedServer(slow)
        // A port on which nobody listens yet.
        let deadPort = freePort()
        let slowPort = slowServer.port
        try await blocking {
            let models = try TemporaryDirectory()
            for name in ["dead", "slow"] { try Self.package(name, in: models, channel: 0) }
            try Self.package("here", in: models, channel: 1)
            let node = try Daemon(quietPeriod: 0.5, models: models.path)
            let text = try String(contentsOfFile: node.configurationPath, encoding: .utf8)
            func server(_ name: String, _ port: Int, deadline: Int) -> String {
                """
                    - {name: \(name), host: 127.0.0.1, port: \(port), deadline: \(deadline), packages: [{package: \(name), model: net}]}

                """
            }
            try text.replacingOccurrences(
                of: "  workers: 1\n",
                with: "  workers: 1\n  servers:\n" + server("dead", deadPort, deadline: 2)
                    + server("slow", slowPort, deadline: 50)
            ).write(toFile: node.configurationPath, atomically: true, encoding: .utf8)
            try node.start()
            let dead = try Self.send("dead", 1, to: node)
            let slow = try Self.send("slow", 2, to: node)
            _ = try #require(try Self.item(slow, of: node) { state, _ in state == "analysing" }, "\(node.output)")

            let here = try Self.send("here", 3, to: node)
            let local = try #require(
                try Self.item(here, of: node) { state, _ in state == "analysed" }, "\(node.output)")
            #expect(local.findings == 1)
            #expect(try node.item(study: slow)?["state"] as? String == "analysing")
            let waiting = try #require(
                try Self.item(dead, of: node) { $0 == "waiting" && $1.contains("inference server dead") },
                "\(node.output)")
            #expect(waiting.reason.contains("waits, inference server dead: ModelReady: "), "\(waiting.reason)")

            gate.open()
            let late = try #require(try Self.item(slow, of: node) { state, _ in state == "analysed" }, "\(node.output)")
            #expect(late.findings == 1)
            // The server comes: nobody has to send the study again.
            let came = try Self.listen(deadPort)
            defer { came.stop() }
            let ended = try #require(
                try Self.item(dead, of: node) { state, _ in state == "analysed" }, "\(node.output)")
            #expect(ended.findings == 1)
            #expect(node.stop() == 0)
        }
        await slowServer.stop()
    }

    /// Started and stopped from a thread that blocks.
    private struct Listening: Sendable {
        let server: ScriptedServer
        func stop() {
            let done = DispatchSemaphore(value: 0)
            Task {
                await server.stop()
                done.signal()
            }
            done.wait()
        }
    }

    private static func listen(_ port: Int) throws -> Listening {
        let made = Mutex<Result<ScriptedServer, any Error>?>(nil)
        let done = DispatchSemaphore(value: 0)
        Task {
            let result: Result<ScriptedServer, any Error>
            do { result = .success(try await ScriptedServer(script, port: port)) } catch { result = .failure(error) }
            made.withLock { $0 = result }
            done.signal()
        }
        done.wait()
        return Listening(server: try #require(made.withLock { $0 }).get())
    }
}
