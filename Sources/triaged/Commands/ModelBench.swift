// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import DICOM
import Foundation
import Inference
import Models
import Volume

struct ModelBench: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench", abstract: "Runs a synthetic volume through a package, and says where the time went.")

    @Argument(help: "Folder of a model package.") var package: String
    @Option(help: "Columns, rows and slices of the volume.") var size: String?
    @Option(help: "Spacing of columns, rows and slices, mm.") var spacing = "0.8x0.8x2"
    @Option(help: "Threads of the engine; its own choice where left out.") var threads: Int?
    @Option(help: "Runs after the first, which is not counted.") var runs = 1
    @Flag(help: "One line of JSON instead of words.") var json = false

    private struct Outcome: Encodable {
        var package: String
        var size: [Int]
        var windows: Int
        var compile, preprocessing, engine, postprocessing, total: Double
        var engineShare, overhead: Double
        var peakMiB: Int
        var findings: Int
    }

    func validate() throws {
        guard runs >= 1 else { throw ValidationError("--runs must be 1 or more") }
        _ = try numbers(spacing, "--spacing")
        if let size { _ = try numbers(size, "--size") }
    }

    private func numbers(_ text: String, _ option: String) throws -> [Double] {
        let numbers = text.split(separator: "x").compactMap { Double($0) }
        guard numbers.count == 3, numbers.allSatisfy({ $0 > 0 && $0 <= 4096 }) else {
            throw ValidationError("\(option) must be three numbers, such as 512x512x300")
        }
        return numbers
    }

    func run() throws {
        do {
            let package = try ModelPackage.load(folder: package)
            let isFlat = package.manifest.inference == .projection
            let size = try numbers(self.size ?? (isFlat ? "2048x2048x1" : "512x512x100"), "--size").map { Int($0) }
            let volume = SyntheticVolume.make(
                size: size, spacing: try numbers(spacing, "--spacing"),
                isHounsfield: package.manifest.quality.unit == VoxelVolume.hounsfieldUnit.value)
            let engine = try Engine(EngineOptions(threads: threads))
            let clock = ContinuousClock()
            let start = clock.now
            try engine.prepare(package)
            let compile =
                Double((clock.now - start).components.seconds) + Double((clock.now - start).components.attoseconds)
                / 1e18
            let volumes = [VoxelVolume](repeating: volume, count: max(1, package.manifest.channels.count))
            var windows = 0
            var result = try analyse(package, volumes, engine, &windows)
            for _ in 0..<runs { result = try analyse(package, volumes, engine, &windows) }
            report(package, size, windows, compile, result)
        } catch { throw Failure(error) }
    }

    private func analyse(_ package: ModelPackage, _ volumes: [VoxelVolume], _ engine: Engine, _ windows: inout Int)
        throws(InferenceError) -> AnalysisResult
    {
        guard volumes.count == 1 else { return try Analysis(engine: engine).run(package, on: volumes) }
        // Progress is told after each window.
        let count = WindowCount()
        let result = try Analysis(engine: engine).run(package, on: volumes[0], progress: { _ in count.value += 1 })
        windows = count.value
        return result
    }

    private func report(
        _ package: ModelPackage, _ size: [Int], _ windows: Int, _ compile: Double, _ result: AnalysisResult
    ) {
        let timing = result.timing
        let outcome = Outcome(
            package: "\(package.identity.name) \(package.identity.version)", size: size, windows: windows,
            compile: compile, preprocessing: timing.preprocessing, engine: timing.engine,
            postprocessing: timing.postprocessing, total: timing.total,
            engineShare: timing.total > 0 ? timing.engine / timing.total : 0,
            overhead: timing.engine > 0 ? timing.total / timing.engine : 0, peakMiB: Self.peakMiB(),
            findings: result.findings.count)
        if json {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
            print((try? encoder.encode(outcome)).map { String(decoding: $0, as: UTF8.self) } ?? "{}")
            return
        }
        func seconds(_ value: Double) -> String { String(format: "%9.3f s", value) }
        print("\(outcome.package), \(size.map(String.init).joined(separator: " x ")), \(windows) windows")
        print("  compiling       \(seconds(compile)), once")
        print("  preprocessing   \(seconds(timing.preprocessing))")
        print(
            "  engine          \(seconds(timing.engine)), \(String(format: "%.0f", 100 * outcome.engineShare)) % of the total"
        )
        print("  postprocessing  \(seconds(timing.postprocessing))")
        print("  total           \(seconds(timing.total)), \(String(format: "%.2f", outcome.overhead)) of the engine's")
        print("  peak memory     \(String(format: "%9d", outcome.peakMiB)) MiB resident")
        print("  findings        \(String(format: "%9d", outcome.findings))")
    }

    /// The process's greatest resident size: VmHWM of proc(5).
    private static func peakMiB() -> Int {
        let status = (try? String(contentsOfFile: "/proc/self/status", encoding: .utf8)) ?? ""
        let line = status.split(separator: "\n").first { $0.hasPrefix("VmHWM:") }
        return (line?.split(separator: " ").dropLast().last.flatMap { Int($0) } ?? 0) >> 10
    }
}

private final class WindowCount {
    var value = 0
}

/// A body of soft tissue in air, with noise that is the same in every run.
private enum SyntheticVolume {
    static func make(size: [Int], spacing: [Double], isHounsfield: Bool) -> VoxelVolume {
        let (columns, rows, slices) = (size[0], size[1], size[2])
        let (air, tissue): (Float, Float) = isHounsfield ? (-1000, 40) : (0, 400)
        var voxels = [Float](repeating: air, count: columns * rows * slices)
        var state: UInt32 = 1
        for slice in 0..<slices {
            for row in 0..<rows {
                let y = 2 * (Float(row) + 0.5) / Float(rows) - 1
                for column in 0..<columns {
                    let x = 2 * (Float(column) + 0.5) / Float(columns) - 1
                    // Marsaglia's xorshift: cheap, and no matter for what it is.
                    state ^= state << 13
                    state ^= state >> 17
                    state ^= state << 5
                    guard x * x / 0.8 + y * y / 0.6 < 1 else { continue }
                    voxels[(slice * rows + row) * columns + column] = tissue + Float(state >> 27)
                }
            }
        }
        let frames = (0..<slices).map {
            SourceFrame(
                sopClassUID: UID(literal: "1.2.840.10008.5.1.4.1.1.7"),
                sopInstanceUID: UID("2.25.\($0 + 1)") ?? UID(literal: "2.25.1"), frameNumber: nil)
        }
        return VoxelVolume(
            grid: Grid(
                origin: Vector3(0, 0, 0), columnStep: Vector3(spacing[0], 0, 0), rowStep: Vector3(0, spacing[1], 0),
                sliceStep: Vector3(0, 0, spacing[2]), columns: columns, rows: rows, slices: slices), voxels: voxels,
            unit: isHounsfield ? VoxelVolume.hounsfieldUnit : VoxelVolume.arbitraryUnit, frames: frames)
    }
}
