// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM
import Foundation
import Models
import OpenInference
import Support
import Testing

@testable import Inference

/// The same network here, in MLServer and in Triton.
@Suite(.serialized, .enabled(if: RealServer.areInstalled)) struct RealServerTests {
    private static func apart(_ a: [Float], _ b: [Float]) -> Float {
        a.count == b.count && !a.isEmpty ? zip(a, b).reduce(0) { max($0, abs($1.0 - $1.1)) } : .infinity
    }

    /// The largest difference between the server's outputs and the embedded engine's, over windows and over a whole run.
    private static func compare(_ server: RealServer, model: String) throws -> (windows: Float, voxels: Int) {
        let package = try RemoteFixtures.package()
        let servers = RemoteFixtures.servers(server.entry(), model: model)
        let windows = RemoteFixtures.windows(6)
        let local = try Engine(threads: 1)
        let here = try RemoteFixtures.outputs(
            try local.network(of: package, shapes: [0: [1, 1] + RemoteFixtures.roi]), windows)
        let there = try RemoteFixtures.outputs(try #require(try servers.network(.main, fold: 0, of: package)), windows)
        let volume = RemoteFixtures.volume([20, 40, 50])
        let mine = try Analysis(engine: local).run(package, on: volume)
        let theirs = try Analysis(engine: Engine(EngineOptions(remote: servers))).run(package, on: volume)
        #expect(!mine.masks.isEmpty && mine.masks.count == theirs.masks.count)
        let voxels = zip(mine.masks, theirs.masks).reduce(0) { sum, pair in
            sum + zip(pair.0.voxels, pair.1.voxels).count { $0 != $1 }
        }
        return (apart(here, there), voxels)
    }

    @Test(
        "MLServer gives what the embedded engine gives; its limit on messages is named; killed in the middle, it is away"
    )
    func mlserver() async throws {
        let server = try RealServer(.mlserver)
        try await blocking {
            defer { server.stop() }
            try server.wait(for: ["unet"])
            let (windows, voxels) = try Self.compare(server, model: "unet")
            print("MLServer: \(windows) apart, \(voxels) voxels")
            #expect(windows <= 1e-4 && voxels <= 4)

            let package = try RemoteFixtures.package()
            let servers = RemoteFixtures.servers(server.entry(), model: "unet")
            let network = try #require(try servers.network(.main, fold: 0, of: package))
            // 4 MiB is what MLServer lets through where nothing is said.
            let large = RemoteFixtures.windows(1, shape: [1, 1, 104, 104, 104])
            var error: InferenceError?
            do throws(InferenceError) { _ = try RemoteFixtures.outputs(network, large) } catch let caught {
                error = caught
            }
            #expect(
                error?.isTransient == false && error?.description.contains("the server's own limit") == true,
                "\(error?.description ?? "taken")")

            let many = RemoteFixtures.windows(40)
            Thread {
                usleep(200_000)
                server.kill()
            }.start()
            do throws(InferenceError) { _ = try RemoteFixtures.outputs(network, many) } catch let caught {
                error = caught
            }
            #expect(error?.isUnavailability == true, "\(error?.description ?? "taken")")
        }
    }

    @Test(
        "Triton gives what the embedded engine gives, batched by it, unbatched, without the dimension, and nearly so in halves"
    )
    func triton() async throws {
        let server = try RealServer(.triton)
        try await blocking {
            defer { server.stop() }
            try server.wait(for: ["unet", "unet-static", "unet-bare", "unet-half"])
            for model in ["unet", "unet-static", "unet-bare", "unet-half"] {
                let (windows, voxels) = try Self.compare(server, model: model)
                print("Triton \(model): \(windows) apart, \(voxels) voxels")
                let isHalf = model == "unet-half"
                #expect(windows <= (isHalf ? 1e-2 : 1e-4) && voxels <= (isHalf ? 400 : 4))
            }
            let servers = RemoteFixtures.servers(server.entry(), model: "unet")
            let (package, engine) = (try RemoteFixtures.package(), try Engine(threads: 1))
            let problems = servers.problems(among: [package], comparedBy: engine)
            #expect(problems == [])
        }
    }
}
