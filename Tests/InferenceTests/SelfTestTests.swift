// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM
import Foundation
import Models
import Testing
import Volume

@testable import Inference

@Suite struct SelfTestTests {
    /// A package in a folder of its own.
    private func inFolder(_ network: String, _ body: (String) throws -> Void) throws {
        let folder = NSTemporaryDirectory() + "/triaged-golden-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        try FileManager.default.copyItem(atPath: "\(Fixtures.standIns)/\(network)", toPath: "\(folder)/\(network)")
        try body(folder)
    }

    @Test("Vectors of series on several grids hold what the engine reads of them, and fail where a value is another")
    func severalGrids() throws {
        try inFolder("glioma.onnx") { folder in
            let package = try Fixtures.package(
                network: "glioma.onnx", folder: folder, preprocess: "[{scaleRange: {from: [0, 504], to: [0, 3]}}]",
                decision: "{activation: sigmoid, rule: threshold, restore: linear}", channels: 4)
            let first = RestorationTests.volume([6, 9, 8])
            // Half a voxel off, so that its values lie between.
            let third = RestorationTests.volume([6, 9, 8], origin: Vector3(0.5, 0, 0))
            let test = SelfTest(engine: try Engine(threads: 1))
            let golden = try test.write(package, name: "g", runs: [[first, first, third, first]], made: "tests")
            #expect(golden.vectors.count == 1 && golden.vectors[0].findings.count == 1)
            #expect(golden.vectors[0].volumes.map(\.file) == ["g-0.i16", "g-1.i16", "g-2.f32", "g-3.i16"])
            #expect(try test.failures(of: package) == [])
            let file = folder + "/golden/g-2.f32"
            let bytes = try Data(contentsOf: URL(fileURLWithPath: file))
            try Data(bytes.reversed()).write(to: URL(fileURLWithPath: file))
            #expect(try test.failures(of: package).isEmpty == false)
        }
    }
}
