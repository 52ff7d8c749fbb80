// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM
import Foundation

/// What a package must give for volumes of its own: `golden/index.json` of a package folder, and the files that it names.
/// Described in docs/model-packages.md.
package struct GoldenVectors: Sendable, Codable, Equatable {
    package enum Origin: String, Sendable, Codable {
        /// Made by upstream's own code.
        case parity
        /// Made by this node: it shows that nothing has changed, not that it was right.
        case regression
    }

    package enum Element: String, Sendable, Codable {
        case float32, int16, uint8
        package var size: Int {
            switch self {
            case .float32: 4
            case .int16: 2
            case .uint8: 1
            }
        }
    }

    /// Little-endian values; columns vary fastest, then rows, then slices.
    package struct Array: Sendable, Codable, Equatable {
        package var file: String
        package var type: Element

        package init(file: String, type: Element) {
            self.file = file
            self.type = type
        }
    }

    package struct Expected: Sendable, Codable, Equatable {
        package var label: String
        package var confidence: Double
        /// Where the output marks voxels: 1 inside, 0 outside.
        package var mask: Array?

        package init(label: String, confidence: Double, mask: Array?) {
            self.label = label
            self.confidence = confidence
            self.mask = mask
        }
    }

    package struct Vector: Sendable, Codable, Equatable {
        package var name: String
        package var grid: Grid
        /// UCUM unit of the values.
        package var unit: String
        /// Whether `grid` is millimetres in the patient (where it is left out), millimetres in an image, or pixels.
        package var placement: String?
        /// The values that the stored bits can express, lower and upper; needed by `scaleStored`.
        package var stored: [Float]?
        /// One a channel of the package, or of a colour.
        package var volumes: [Array]
        /// Every finding; a label that is not named must not be found.
        package var findings: [Expected]
        /// Share of the voxels that a mask may differ in.
        package var disagreement: Double
        /// How far a confidence may be off.
        package var confidence: Double

        package init(
            name: String, grid: Grid, unit: String, volumes: [Array], findings: [Expected], disagreement: Double = 1e-4,
            confidence: Double = 1e-4
        ) {
            self.name = name
            self.grid = grid
            self.unit = unit
            self.volumes = volumes
            self.findings = findings
            self.disagreement = disagreement
            self.confidence = confidence
        }
    }

    package var schema: Int
    package var origin: Origin
    /// By what, of which version, from what.
    package var made: String
    package var vectors: [Vector]

    package init(origin: Origin, made: String, vectors: [Vector]) {
        schema = 1
        self.origin = origin
        self.made = made
        self.vectors = vectors
    }

    package static let folder = "golden"
    package static let index = "golden/index.json"
    /// Bytes that one file may have.
    private static let maximumBytes = 256 << 20

    /// nil where a package has none.
    package static func read(in package: String) throws(PackageError) -> GoldenVectors? {
        let path = package + "/" + index
        guard let bytes = FileManager.default.contents(atPath: path) else {
            if FileManager.default.fileExists(atPath: path) {
                throw .unreadable(file: path, reason: "cannot be read")
            }
            return nil
        }
        func fault(_ message: String) -> PackageError { .invalid([.init(file: path, line: nil, message: message)]) }
        guard bytes.count <= 1 << 20, let golden = try? JSONDecoder().decode(GoldenVectors.self, from: bytes) else {
            throw fault("is no index of golden vectors; see docs/model-packages.md")
        }
        guard golden.schema == 1 else { throw fault("schema must be 1") }
        guard !golden.vectors.isEmpty else { throw fault("has no vectors") }
        for vector in golden.vectors {
            let sizes = [vector.grid.columns, vector.grid.rows, vector.grid.slices]
            guard sizes.allSatisfy({ (1...4096).contains($0) }), !vector.volumes.isEmpty else {
                throw fault("vector \(vector.name) has no voxels, or more than 4096 along an axis")
            }
            guard vector.stored.map({ $0.count == 2 && $0[0] < $0[1] }) ?? true else {
                throw fault("vector \(vector.name) has a range `stored` that is not [lower, upper]")
            }
            for array in vector.volumes + vector.findings.compactMap(\.mask) where !isInside(array.file) {
                throw fault("vector \(vector.name) names \(array.file), which must be a file beside the index")
            }
        }
        return golden
    }

    private static func isInside(_ name: String) -> Bool {
        !name.isEmpty && !name.contains("/") && !name.contains("\0") && name != "." && name != ".."
    }

    /// The values of a file, as many as the grid has voxels.
    package static func values(_ array: Array, of grid: Grid, in package: String) throws(PackageError) -> [Float] {
        let path = package + "/" + folder + "/" + array.file
        let expected = grid.count * array.type.size
        guard expected <= maximumBytes, let bytes = FileManager.default.contents(atPath: path) else {
            throw .unreadable(file: path, reason: "cannot be read")
        }
        guard bytes.count == expected else {
            throw .invalid([
                .init(file: path, line: nil, message: "has \(bytes.count) bytes, and its grid needs \(expected)")
            ])
        }
        return bytes.withUnsafeBytes { raw in
            switch array.type {
            case .uint8: raw.map { Float($0) }
            case .int16:
                (0..<grid.count).map {
                    Float(Int16(littleEndian: raw.loadUnaligned(fromByteOffset: 2 * $0, as: Int16.self)))
                }
            case .float32:
                (0..<grid.count).map {
                    Float(bitPattern: UInt32(littleEndian: raw.loadUnaligned(fromByteOffset: 4 * $0, as: UInt32.self)))
                }
            }
        }
    }
}
