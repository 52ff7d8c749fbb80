// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import OpenInference
import Support

/// MLServer or Triton with unet.onnx, on free ports of the loopback. Ended with `stop`, by its process.
final class RealServer: Sendable {
    enum Kind: String, CaseIterable { case mlserver, triton }

    /// Set where their absence is to fail a test; then this is where scripts/setup puts them.
    private static let environment = ProcessInfo.processInfo.environment["TRIAGED_SERVERS"]
    private static let sources = URL(fileURLWithPath: #filePath).deletingLastPathComponent().path + "/Servers"

    static var areInstalled: Bool {
        guard environment == nil else { return true }
        print("skipped without MLServer and Triton; set TRIAGED_SERVERS to require")
        return false
    }

    let port = freePort()
    private let directory: TemporaryDirectory
    private let process: Tool

    init(_ kind: Kind, limit: Int? = nil) throws {
        guard let environment = Self.environment else { throw ToolError("TRIAGED_SERVERS is not set") }
        directory = try TemporaryDirectory()
        let bin = "\(environment)/\(kind.rawValue)/bin"
        let (http, metrics) = (freePort(), freePort())
        switch kind {
        case .mlserver:
            try FileManager.default.copyItem(
                atPath: Self.sources + "/served_network.py", toPath: directory.file("served_network.py"))
            let longest = limit.map { ", \"grpc_max_message_length\": \($0)" } ?? ""
            try """
            {"host": "127.0.0.1", "http_port": \(http), "grpc_port": \(port), "metrics_port": \(metrics),
             "parallel_workers": 0, "debug": false\(longest)}
            """.write(toFile: directory.file("settings.json"), atomically: true, encoding: .utf8)
            try """
            {"name": "unet", "implementation": "served_network.ServedNetwork",
             "parameters": {"uri": "\(RemoteFixtures.network)"}}
            """.write(toFile: directory.file("model-settings.json"), atomically: true, encoding: .utf8)
            process = try Tool(bin + "/mlserver", ["start", directory.path], log: directory.file("log"))
        case .triton:
            process = try Tool(
                bin + "/python",
                [Self.sources + "/triton_server.py", RemoteFixtures.network, "\(http)", "\(port)", "\(metrics)"],
                environment: ["PYTRITON_HOME": directory.file("home")], log: directory.file("log"))
        }
    }

    func entry(deadline: Double = 30, inFlight: Int = 3) -> InferenceServer {
        InferenceServer(
            name: "gpu1", host: "127.0.0.1", port: port, inFlight: inFlight, deadline: deadline)
    }

    /// Blocks until the models are ready.
    func wait(for models: [String]) throws {
        let connection = ServerConnection(entry())
        var last = ""
        let isUp = try eventually(within: 120) { () -> Bool? in
            if let status = process.poll() { throw ToolError("it ended with \(status):\n\(process.output)") }
            do {
                _ = try connection.greet()
                for model in models { _ = try connection.interface(of: ServedModel(name: model)) }
                return true
            } catch {
                last = "\(error)"
                connection.drop()
                return nil
            }
        }
        guard isUp != nil else { throw ToolError("it did not start: \(last)\n\(process.output)") }
    }

    func stop() { process.signal(SIGTERM, within: 20) }
    func kill() { process.signal(SIGKILL, within: 5) }
}
