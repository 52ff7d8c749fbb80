// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM
import Foundation
import GRPCCore
import Models
import SwiftProtobuf
import Testing

@testable import Inference
@testable import OpenInference

/// A network of a package on a server that misbehaves. The model of the scripts gives one channel, its input.
@Suite(.serialized) struct RemoteNetworkTests {
    typealias Script = ScriptedServer.Script

    private func outcome(
        _ script: Script, package: ModelPackage? = nil, windows: Int = 3, deadline: Double = 20
    ) async throws -> Result<[Float], InferenceError> {
        let package = try package ?? RemoteFixtures.package(channel: 0)
        let server = try await ScriptedServer(script)
        let entry = server.entry(deadline: deadline)
        let result = try await blocking { () -> Result<[Float], InferenceError> in
            do throws(InferenceError) {
                let servers = RemoteFixtures.servers(entry, model: "net")
                let network = try servers.network(.main, fold: 0, of: package)!
                return .success(try RemoteFixtures.outputs(network, RemoteFixtures.windows(windows)))
            } catch { return .failure(error) }
        }
        await server.stop()
        return result
    }

    private func failure(
        _ script: Script, package: ModelPackage? = nil, deadline: Double = 20
    ) async throws -> InferenceError? {
        if case .failure(let error) = try await outcome(script, package: package, deadline: deadline) {
            error
        } else {
            nil
        }
    }

    private static func says(_ error: InferenceError?, _ words: String) -> Bool {
        error?.description.contains(words) == true
    }

    @Test("Windows go out and come back as they are, in f32, with and without a dimension for batches")
    func values() async throws {
        let sent = RemoteFixtures.windows(5).flatMap(\.values)
        #expect(try await outcome(Script(), windows: 5).get() == sent)
        var bare = Script()
        bare.inputs = [ScriptedServer.tensor("image", [1, -1, -1, -1])]
        bare.outputs = [ScriptedServer.tensor("logits", [1, -1, -1, -1])]
        bare.infer = { request, _ in
            guard request.inputs[0].shape == [1, 16, 24, 32] else {
                throw RPCError(code: .invalidArgument, message: "\(request.inputs[0].shape)")
            }
            return ScriptedServer.echo(request)
        }
        #expect(try await outcome(bare, windows: 5).get() == sent)
    }

    @Test("A server that has halves is sent halves", arguments: ["FP16", "BF16"])
    func halves(type: String) async throws {
        var script = Script()
        script.inputs = [ScriptedServer.tensor("image", [1, 1, -1, -1, -1], type)]
        script.outputs = [ScriptedServer.tensor("logits", [1, 1, -1, -1, -1], type)]
        let sent = RemoteFixtures.windows(2).flatMap(\.values)
        let got = try await outcome(script, windows: 2).get()
        let apart = zip(sent, got).map { abs($0 - $1) }.max() ?? 1
        // Half a step of the significand: 11 bits and 8.
        #expect(got.count == sent.count && apart > 0 && apart <= (type == "FP16" ? 1.0 / 4096 : 1.0 / 512))
    }

    /// As OpenVINO Model Server answers: all outputs whatever was asked for, by name, raw or as numbers, with the version.
    @Test("Of several outputs the one that the manifest names is taken, in whatever order and form they come")
    func severalOutputs() async throws {
        var script = Script()
        script.platform = "OpenVINO"
        script.versions = ["1", "3"]
        script.inputs = [ScriptedServer.tensor("image", [1, 1, 16, 24, 32])]
        script.outputs = [
            ScriptedServer.tensor("aux", [1, 2], "INT64"), ScriptedServer.tensor("logits", [1, 1, -1, -1, -1]),
        ]
        let sent = RemoteFixtures.windows(2).flatMap(\.values)
        let named = try RemoteFixtures.package(channel: 0, outputs: ", outputs: {voxels: logits}")
        for isRaw in [true, false] {
            script.infer = { request, _ in
                guard request.outputs.map(\.name) == ["logits"] else {
                    throw RPCError(code: .invalidArgument, message: "\(request.outputs.map(\.name))")
                }
                var answer = ScriptedServer.echo(request)
                answer.modelVersion = "3"
                answer.outputs.insert(
                    .with {
                        $0.name = "aux"
                        $0.datatype = "INT64"
                        $0.shape = [1, 2]
                    }, at: 0)
                if isRaw {
                    answer.rawOutputContents.insert(Data(repeating: 7, count: 16), at: 0)
                } else {
                    let bytes = answer.rawOutputContents[0]
                    answer.rawOutputContents = []
                    answer.outputs[0].contents.int64Contents = [1, 2]
                    answer.outputs[1].contents.fp32Contents = bytes.withUnsafeBytes {
                        Array($0.bindMemory(to: Float.self))
                    }
                }
                return answer
            }
            #expect(try await outcome(script, package: named, windows: 2).get() == sent)
        }
        #expect(Self.says(try await failure(script), "has 2 outputs; name the one that is needed"))
    }

    @Test("NaN and infinity from a server are refused as the embedded engine's are")
    func notFinite() async throws {
        for value in [Float.nan, .infinity] {
            var script = Script()
            script.infer = { request, before in
                var bytes = request.rawInputContents[0]
                if before == 1 { withUnsafeBytes(of: value) { bytes.replaceSubrange(400..<404, with: $0) } }
                return ScriptedServer.echo(request, bytes)
            }
            let error = try await failure(script)
            #expect(error == .notFinite(package: "test") && error?.isTransient == false)
        }
    }

    @Test("A model that does not fit the manifest is refused before anything is sent")
    func misfit() async throws {
        let cases: [(String, @Sendable (inout Script) -> Void)] = [
            ("the input is", { $0.inputs = [ScriptedServer.tensor("image", [-1, 1, 96, 96, 96])] }),
            ("the input is", { $0.inputs = [ScriptedServer.tensor("image", [-1, 1])] }),
            ("2 inputs", { $0.inputs.append(ScriptedServer.tensor("other", [1])) }),
            ("cannot convert", { $0.inputs = [ScriptedServer.tensor("image", [-1, 1, -1, -1, -1], "BYTES")] }),
            ("at least 2 channels", { $0.outputs = [ScriptedServer.tensor("logits", [-1, 1, -1, -1, -1])] }),
            ("the output is", { $0.outputs = [ScriptedServer.tensor("logits", [-1, 4])] }),
            ("no output", { $0.outputs = [] }),
        ]
        for (words, change) in cases {
            var script = Script()
            script.outputs = [ScriptedServer.tensor("logits", [-1, 2, -1, -1, -1])]
            change(&script)
            let error = try await failure(script, package: RemoteFixtures.package(channel: 1))
            #expect(Self.says(error, words), "\(error?.description ?? "taken")")
            #expect(error?.isTransient == false && error?.isUnavailability == false)
        }
    }

    @Test("An answer that is not what the server had declared is refused")
    func undeclared() async throws {
        var halved = Script()
        halved.infer = { request, _ in
            ScriptedServer.echo(request, Data(count: request.rawInputContents[0].count / 2), type: "FP16")
        }
        #expect(Self.says(try await failure(halved), "had declared"))
        var flat = Script()
        flat.infer = { request, _ in ScriptedServer.echo(request, shape: [16 * 24 * 32]) }
        #expect(Self.says(try await failure(flat), "had declared"))
    }

    @Test("A server that is away or silent is no fault of the job, and one that refuses the request is")
    func unavailability() async throws {
        var silent = Script()
        silent.infer = { _, _ in
            try await Task.sleep(for: .seconds(60))
            throw CancellationError()
        }
        let late = try await failure(silent, deadline: 0.5)
        #expect(late?.isUnavailability == true && late?.isTransient == true && late?.isRefusal == false)
        let slow = try await failure(silent, package: RemoteFixtures.package(channel: 0, time: 1))
        #expect(slow?.isUnavailability == true && Self.says(slow, "budget of 1 s"), "\(slow?.description ?? "")")
        var rude = Script()
        rude.infer = { _, _ in throw RPCError(code: .invalidArgument, message: "bad tensor") }
        let refused = try await failure(rude)
        #expect(refused?.isUnavailability == false && refused?.isTransient == false && Self.says(refused, "bad tensor"))
    }

    @Test("A stop is heard within a pass, and gives up what is under way")
    func stopped() async throws {
        var silent = Script()
        silent.infer = { _, _ in
            try await Task.sleep(for: .seconds(60))
            throw CancellationError()
        }
        let package = try RemoteFixtures.package(channel: 0)
        let server = try await ScriptedServer(silent)
        let entry = server.entry(deadline: 50)
        let began = ContinuousClock.now
        let error = try await OpenInferenceTests.failure(as: InferenceError.self) {
            let servers = RemoteFixtures.servers(entry, model: "net")
            let network = try servers.network(.main, fold: 0, of: package)!
            // Not before the passes are on their way.
            servers.shouldStop = { server.requests.count == 3 }
            _ = try RemoteFixtures.outputs(network, RemoteFixtures.windows(5))
        }
        #expect(error == .cancelled && began.duration(to: .now) < .seconds(40))
        await server.stop()
    }

    @Test("A network of slices on a server takes windows of one slice")
    func planar() async throws {
        var script = Script()
        script.inputs = [ScriptedServer.tensor("image", [-1, 1, -1, -1])]
        script.outputs = [ScriptedServer.tensor("logits", [-1, 2, -1, -1])]
        script.infer = { request, _ in
            let bytes = request.rawInputContents[0]
            return ScriptedServer.echo(request, bytes + bytes, shape: [1, 2] + request.inputs[0].shape.dropFirst(2))
        }
        var package = try RemoteFixtures.package(channel: 1)
        package.manifest.inference = .slidingWindow(
            .init(roi: [1, 24, 32], overlap: [0, 0.25, 0.25], weighting: .constant, padding: .constant(0)))
        let fixed = package
        let server = try await ScriptedServer(script)
        let entry = server.entry()
        let outputs = try await blocking {
            let engine = try Engine(EngineOptions(remote: RemoteFixtures.servers(entry, model: "net")))
            let network = try engine.volumetricNetworks(of: fixed)[0]
            return try RemoteFixtures.outputs(network, RemoteFixtures.windows(2, shape: [1, 1, 1, 24, 32]))
        }
        #expect(outputs == RemoteFixtures.windows(2, shape: [1, 1, 1, 24, 32]).flatMap { $0.values + $0.values })
        #expect(server.requests.first?.inputs.first?.shape == [1, 1, 24, 32])
        await server.stop()
    }

    @Test("A package that a server does not know here, or knows without its network, is named by the check")
    func problems() async throws {
        let package = try RemoteFixtures.package(channel: 0)
        let server = try await ScriptedServer()
        let entry = server.entry()
        let (unknown, misnamed, fine) = try await blocking {
            (
                RemoteFixtures.servers(entry, model: "net").problems(among: [], comparedBy: nil),
                RemoteFixtures.servers(entry, model: "other").problems(among: [package], comparedBy: nil),
                RemoteFixtures.servers(entry, model: "net").problems(among: [package], comparedBy: nil)
            )
        }
        #expect(unknown.count == 1 && unknown[0].contains("no runnable package test"))
        #expect(misnamed.count == 1 && misnamed[0].contains("no model other"))
        #expect(fine.isEmpty)
        await server.stop()
        let gone = try await blocking {
            RemoteFixtures.servers(entry, model: "net").problems(among: [package], comparedBy: nil)
        }
        #expect(gone.count == 1 && gone[0].contains("gpu1") && gone[0].contains("not available"))
    }

    @Test("The check finds another network behind the right signature")
    func comparison() async throws {
        var script = Script()
        script.outputs = [ScriptedServer.tensor("logits", [-1, 2, -1, -1, -1])]
        script.infer = { request, _ in
            let bytes = request.rawInputContents[0]
            return ScriptedServer.echo(request, bytes + bytes, shape: [1, 2] + request.inputs[0].shape.dropFirst(2))
        }
        let package = try RemoteFixtures.package()
        let server = try await ScriptedServer(script)
        let entry = server.entry()
        let problems = try await blocking {
            RemoteFixtures.servers(entry, model: "net").problems(among: [package], comparedBy: try Engine())
        }
        #expect(problems.count == 1 && problems[0].contains("other values than the package's network"), "\(problems)")
        await server.stop()
    }
}
