// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM
import Foundation
import Models
import Volume

extension SelfTest {
    /// Writes vectors from what the engine gives now, into the package folder.
    /// - Parameter runs: the volumes of each vector.
    package func write(
        _ package: ModelPackage, name: String, runs: [[VoxelVolume]], made: String
    ) throws(InferenceError) -> GoldenVectors {
        var vectors: [GoldenVectors.Vector] = []
        for (position, volumes) in runs.enumerated() {
            let own = runs.count == 1 ? name : "\(name)-image\(position + 1)"
            vectors.append(try vector(package, name: own, volumes))
        }
        let golden = GoldenVectors(origin: .regression, made: made, vectors: vectors)
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        guard let index = try? encoder.encode(golden) else {
            throw .unsupported("an index with values that are no numbers")
        }
        try put(index + Data("\n".utf8), "index.json", of: package)
        return golden
    }

    private func vector(
        _ package: ModelPackage, name: String, _ volumes: [VoxelVolume]
    ) throws(InferenceError) -> GoldenVectors.Vector {
        guard let first = volumes.first else { throw .unsupported("a golden vector without a volume") }
        let result = try Analysis(engine: engine).run(package, on: volumes)
        var arrays: [GoldenVectors.Array] = []
        // A file for each series, read at the voxels of the first, or for each colour of the only one.
        let field = try stack(volumes)
        let count = field.lattice.count
        for channel in 0..<field.channels {
            let made = Self.array(field.values[channel * count..<(channel + 1) * count], "\(name)-\(channel)")
            try put(made.bytes, made.array.file, of: package)
            arrays.append(made.array)
        }
        var findings: [GoldenVectors.Expected] = []
        for (position, finding) in result.findings.enumerated() {
            var mask: GoldenVectors.Array?
            if let index = finding.maskIndex {
                mask = .init(file: "\(name)-mask-\(position).u8", type: .uint8)
                try put(Data(result.masks[index].voxels), mask?.file ?? "", of: package)
            }
            findings.append(.init(label: finding.label, confidence: finding.confidence, mask: mask))
        }
        var vector = GoldenVectors.Vector(
            name: name, grid: first.grid, unit: first.unit.value, volumes: arrays, findings: findings)
        if first.placement != .patient { vector.placement = first.placement.rawValue }
        vector.stored = first.storedRange.map { [$0.lowerBound, $0.upperBound] }
        return vector
    }

    /// Whole numbers of 16 bits hold stored CT values; anything else is kept as it is.
    private static func array(_ values: ArraySlice<Float>, _ name: String) -> (
        bytes: Data, array: GoldenVectors.Array
    ) {
        let isWhole = values.allSatisfy { $0 == $0.rounded() && abs($0) < 32_768 }
        var bytes = Data()
        for value in values {
            if isWhole {
                withUnsafeBytes(of: Int16(value).littleEndian) { bytes.append(contentsOf: $0) }
            } else {
                withUnsafeBytes(of: value.bitPattern.littleEndian) { bytes.append(contentsOf: $0) }
            }
        }
        return (bytes, .init(file: "\(name).\(isWhole ? "i16" : "f32")", type: isWhole ? .int16 : .float32))
    }

    private func put(_ bytes: Data, _ file: String, of package: ModelPackage) throws(InferenceError) {
        let folder = package.folder + "/" + GoldenVectors.folder
        do {
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
            try bytes.write(to: URL(fileURLWithPath: folder + "/" + file), options: .atomic)
        } catch { throw .unsupported("writing \(folder)/\(file): \((error as NSError).localizedDescription)") }
    }
}
