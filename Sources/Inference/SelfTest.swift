// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM
import Foundation
import Models
import Volume

/// Runs a package on its own golden vectors and compares: on the whole volumes, whatever region it has in the node.
package struct SelfTest {
    let engine: Engine

    package init(engine: Engine) { self.engine = engine }

    /// What differs, a line each; empty: everything is as it was, or the package has no vectors.
    package func failures(of package: ModelPackage) throws(PackageError) -> [String] {
        guard let golden = try GoldenVectors.read(in: package.folder) else { return [] }
        var failures: [String] = []
        for vector in golden.vectors {
            let volumes = try Self.volumes(vector, in: package.folder)
            do throws(InferenceError) {
                let result = try Analysis(engine: engine).run(package, on: volumes)
                failures += try compare(result, vector, package)
            } catch {
                failures.append("golden vector \(vector.name): \(error)")
            }
        }
        return failures
    }

    private static func volumes(_ vector: GoldenVectors.Vector, in folder: String) throws(PackageError) -> [VoxelVolume]
    {
        // No file was read: the frames' names are never written anywhere.
        let frames = (0..<vector.grid.slices).map {
            SourceFrame(
                sopClassUID: UID(literal: "1.2.840.10008.5.1.4.1.1.7"),
                sopInstanceUID: UID("2.25.\($0 + 1)") ?? UID(literal: "2.25.1"), frameNumber: nil)
        }
        let unit =
            vector.unit == VoxelVolume.hounsfieldUnit.value ? VoxelVolume.hounsfieldUnit : VoxelVolume.arbitraryUnit
        var volumes: [VoxelVolume] = []
        for array in vector.volumes {
            volumes.append(
                VoxelVolume(
                    grid: vector.grid, voxels: try GoldenVectors.values(array, of: vector.grid, in: folder), unit: unit,
                    frames: frames))
        }
        return volumes
    }

    private func compare(_ result: AnalysisResult, _ vector: GoldenVectors.Vector, _ package: ModelPackage)
        throws(InferenceError) -> [String]
    {
        var failures: [String] = []
        func fail(_ text: String) { failures.append("golden vector \(vector.name): \(text)") }
        let found = Dictionary(grouping: result.findings, by: \.label)
        let expected = Dictionary(grouping: vector.findings, by: \.label)
        for label in Set(found.keys).union(expected.keys).sorted() {
            let (here, there) = (found[label] ?? [], expected[label] ?? [])
            guard here.count == there.count else {
                fail("\(label) was found \(here.count) times, and \(there.count) were expected")
                continue
            }
            for (finding, want) in zip(here, there) {
                if !(abs(finding.confidence - want.confidence) <= vector.confidence) {
                    fail("\(label) has a confidence of \(finding.confidence), and \(want.confidence) was expected")
                }
                guard let array = want.mask else { continue }
                guard let index = finding.maskIndex else {
                    fail("\(label) has no mask, and one was expected")
                    continue
                }
                do throws(PackageError) {
                    let wanted = try GoldenVectors.values(array, of: vector.grid, in: package.folder)
                    let differing = zip(Self.voxels(of: result.masks[index]), wanted).count { ($0 != 0) != ($1 != 0) }
                    if Double(differing) > vector.disagreement * Double(vector.grid.count) {
                        fail("the mask of \(label) differs in \(differing) of \(vector.grid.count) voxels")
                    }
                } catch { fail("\(error)") }
            }
        }
        return failures
    }

    /// One byte a voxel.
    private static func voxels(of mask: Mask) -> [UInt8] { mask.voxels }

    /// Writes vectors from what the engine gives now, into the package folder.
    package func write(
        _ package: ModelPackage, name: String, volumes: [VoxelVolume], made: String
    ) throws(InferenceError) -> GoldenVectors {
        guard let first = volumes.first else { throw .unsupported("a golden vector without a volume") }
        let result = try Analysis(engine: engine).run(package, on: volumes)
        let folder = package.folder + "/" + GoldenVectors.folder
        func put(_ bytes: Data, _ file: String) throws(InferenceError) {
            do {
                try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
                try bytes.write(to: URL(fileURLWithPath: folder + "/" + file), options: .atomic)
            } catch { throw .unsupported("writing \(folder)/\(file): \((error as NSError).localizedDescription)") }
        }
        var arrays: [GoldenVectors.Array] = []
        for (position, volume) in volumes.enumerated() {
            // Whole numbers of 16 bits hold stored CT values; anything else is kept as it is.
            let isWhole = volume.voxels.allSatisfy { $0 == $0.rounded() && abs($0) < 32_768 }
            let file = "\(name)-\(position).\(isWhole ? "i16" : "f32")"
            var bytes = Data()
            if isWhole {
                for value in volume.voxels {
                    withUnsafeBytes(of: Int16(value).littleEndian) { bytes.append(contentsOf: $0) }
                }
            } else {
                for value in volume.voxels {
                    withUnsafeBytes(of: value.bitPattern.littleEndian) { bytes.append(contentsOf: $0) }
                }
            }
            try put(bytes, file)
            arrays.append(.init(file: file, type: isWhole ? .int16 : .float32))
        }
        var findings: [GoldenVectors.Expected] = []
        for (position, finding) in result.findings.enumerated() {
            var mask: GoldenVectors.Array?
            if let index = finding.maskIndex {
                mask = .init(file: "\(name)-mask-\(position).u8", type: .uint8)
                try put(Data(Self.voxels(of: result.masks[index])), mask?.file ?? "")
            }
            findings.append(.init(label: finding.label, confidence: finding.confidence, mask: mask))
        }
        let golden = GoldenVectors(
            origin: .regression, made: made,
            vectors: [
                .init(name: name, grid: first.grid, unit: first.unit.value, volumes: arrays, findings: findings)
            ])
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        guard let index = try? encoder.encode(golden) else {
            throw .unsupported("an index with values that are no numbers")
        }
        try put(index + Data("\n".utf8), "index.json")
        return golden
    }
}
