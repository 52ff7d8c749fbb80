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
        commandName: "bench", abstract: "Runs a volume through a package, and says where the time went.",
        discussion: """
            The volume is a synthetic one, or that of a series of DICOM files, which are then read anew in each run. A package \
            with another precision than f32 is also run in f32: how far the two results differ is told, and not counted.
            """)

    @Argument(help: "Folder of a model package.") var package: String
    @Option(help: "Folder with the DICOM files of one series, in place of a synthetic volume.") var series: String?
    @Option(help: "Columns, rows and slices of the volume.") var size: String?
    @Option(help: "Spacing of columns, rows and slices, mm.") var spacing = "0.8x0.8x2"
    @Option(help: "Threads of the engine; its own choice where left out.") var threads: Int?
    @Option(help: "Runs after the first, which is not counted; with 0 it is.") var runs = 1
    @Flag(help: "One line of JSON instead of words.") var json = false

    private struct Outcome: Encodable {
        var package: String
        var size: [Int]
        var windows: Int
        var compile, decoding, preprocessing, engine, postprocessing, total: Double
        var engineShare, overhead: Double
        var peakMiB: Int
        var findings: Int
        /// nil for a package in f32.
        var effect: PrecisionEffect?
    }

    func validate() throws {
        guard runs >= 0 else { throw ValidationError("--runs must be 0 or more") }
        guard series == nil || size == nil else { throw ValidationError("--series has a size of its own") }
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
            let engine = try Engine(EngineOptions(threads: threads))
            let clock = ContinuousClock()
            let compile = try clock.measure { try engine.prepare(package) }
            let synthetic = try series == nil ? syntheticVolume(for: package) : nil
            func runOnce() throws -> Run {
                let start = clock.now
                let images = try series.map { try PackageImages(folders: [$0], for: package) }
                let decoding = clock.now - start
                // Progress is told after each window.
                let windows = WindowCount()
                let volumes = images?.volumes ?? [synthetic].compactMap(\.self)
                let result = try analyse(package, volumes, engine) { windows.value += 1 }
                return Run(
                    volumes: volumes, decoding: images == nil ? .zero : decoding, windows: windows.value,
                    result: result)
            }
            var run = try runOnce()
            for _ in 0..<runs { run = try runOnce() }
            // Before anything else is run.
            let peak = Self.peakMiB()
            let effect = try effect(of: package, run)
            report(package, run, compile: compile, peak: peak, effect)
        } catch { throw Failure(error) }
    }

    private struct Run {
        var volumes: [VoxelVolume]
        var decoding: Duration
        var windows: Int
        var result: AnalysisResult
    }

    private func syntheticVolume(for package: ModelPackage) throws -> VoxelVolume {
        let isFlat = package.manifest.inference == .projection
        return SyntheticVolume.make(
            size: try numbers(self.size ?? (isFlat ? "2048x2048x1" : "512x512x100"), "--size").map { Int($0) },
            spacing: try numbers(spacing, "--spacing"),
            isHounsfield: package.manifest.quality.unit == VoxelVolume.hounsfieldUnit.value,
            channels: package.manifest.images.colour == .rgb ? 3 : 1)
    }

    /// - Parameter volumes: one, which stands for each channel, or the radiographs of a series.
    private func analyse(
        _ package: ModelPackage, _ volumes: [VoxelVolume], _ engine: Engine, progress: @escaping () -> Void = {}
    ) throws(InferenceError) -> AnalysisResult {
        let analysis = Analysis(engine: engine)
        let channels = package.manifest.channels.count
        if channels > 1 { return try analysis.run(package, on: [VoxelVolume](repeating: volumes[0], count: channels)) }
        if volumes.count > 1 { return try analysis.run(package, onImages: volumes) }
        return try analysis.run(package, on: volumes[0], progress: { _ in progress() })
    }

    /// The same package once more, in 32-bit floats and by an engine of its own.
    private func effect(of package: ModelPackage, _ run: Run) throws -> PrecisionEffect? {
        guard package.manifest.networks.contains(where: { $0.precision != .f32 }) else { return nil }
        var exact = package
        for index in exact.manifest.networks.indices { exact.manifest.networks[index].precision = .f32 }
        let result = try analyse(exact, run.volumes, try Engine(EngineOptions(threads: threads)))
        return PrecisionEffect(of: run.result, against: result)
    }

    private func report(
        _ package: ModelPackage, _ run: Run, compile: Duration, peak: Int, _ effect: PrecisionEffect?
    ) {
        func seconds(_ duration: Duration) -> Double { duration / .seconds(1) }
        let (timing, grid) = (run.result.timing, run.volumes[0].grid)
        let total = timing.total + seconds(run.decoding)
        let outcome = Outcome(
            package: "\(package.identity.name) \(package.identity.version)",
            size: [grid.columns, grid.rows, grid.slices], windows: run.windows, compile: seconds(compile),
            decoding: seconds(run.decoding), preprocessing: timing.preprocessing, engine: timing.engine,
            postprocessing: timing.postprocessing, total: total,
            engineShare: total > 0 ? timing.engine / total : 0, overhead: timing.engine > 0 ? total / timing.engine : 0,
            peakMiB: peak, findings: run.result.findings.count, effect: effect)
        print(outcome)
    }

    private func print(_ outcome: Outcome) {
        if json {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
            return Swift.print((try? encoder.encode(outcome)).map { String(decoding: $0, as: UTF8.self) } ?? "{}")
        }
        func line(_ name: String, _ value: Double, _ note: String = "") {
            Swift.print(
                "  \(name.padding(toLength: 14, withPad: " ", startingAt: 0))  \(String(format: "%9.3f", value)) s\(note)"
            )
        }
        Swift.print(
            "\(outcome.package), \(outcome.size.map(String.init).joined(separator: " x ")), \(outcome.windows) windows")
        line("compiling", outcome.compile, ", once")
        if series != nil { line("decoding", outcome.decoding) }
        line("preprocessing", outcome.preprocessing)
        line("engine", outcome.engine, String(format: ", %.0f %% of the total", 100 * outcome.engineShare))
        line("postprocessing", outcome.postprocessing)
        line("total", outcome.total, String(format: ", %.2f of the engine's", outcome.overhead))
        Swift.print("  peak memory     \(String(format: "%9d", outcome.peakMiB)) MiB resident")
        Swift.print("  findings        \(String(format: "%9d", outcome.findings))")
        if let effect = outcome.effect { print(effect) }
    }

    private func print(_ effect: PrecisionEffect) {
        func volume(_ value: Double?) -> String { value.map { String(format: "%.3f mL", $0) } ?? "nothing" }
        Swift.print("  against f32, voxels of another label: \(String(format: "%.6f", effect.changedVoxels)) of all")
        for each in effect.structures {
            var text = "    \(each.label): "
            if each.volumeF32 != nil || each.volume != nil {
                text += "\(volume(each.volumeF32)) in f32, \(volume(each.volume)) here, "
            }
            if let disagreement = each.disagreement {
                text += "\(String(format: "%.5f", disagreement)) of its voxels differ, "
            }
            Swift.print(text + "score or confidence \(String(format: "%.5f", each.scoreChange)) off")
        }
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
    static func make(size: [Int], spacing: [Double], isHounsfield: Bool, channels: Int) -> VoxelVolume {
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
        var declared = DeclaredFacts()
        // As of 12 bits.
        declared.valueRange = isHounsfield ? -1024...3071 : 0...4095
        return VoxelVolume(
            grid: Grid(
                origin: Vector3(0, 0, 0), columnStep: Vector3(spacing[0], 0, 0), rowStep: Vector3(0, spacing[1], 0),
                sliceStep: Vector3(0, 0, spacing[2]), columns: columns, rows: rows, slices: slices),
            voxels: Array(repeatElement(voxels, count: channels).joined()),
            unit: isHounsfield ? VoxelVolume.hounsfieldUnit : VoxelVolume.arbitraryUnit, frames: frames,
            channels: channels, declared: declared)
    }
}
