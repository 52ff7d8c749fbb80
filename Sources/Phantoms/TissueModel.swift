// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM

/// Tissues as ellipsoids that cover each other in their order, as functions of place; each has a value for every
/// sequence that shows it. Values are sampled at voxel centres with an edge that is 1 mm soft.
struct TissueModel: Sendable {
    struct Part: Sendable {
        var shape: Ellipsoid
        /// One for each sequence.
        var values: [Float]
        /// Of the finding: 1, or 1 to n from the outside in; 0 for anatomy.
        var label: UInt8 = 0
    }

    var background: [Float]
    var parts: [Part]
    var noise: Float
    var seed: UInt64
    /// What a voxel may be.
    var limits: ClosedRange<Float>

    /// Renders a plane of one sequence: values, and the innermost label whose ellipsoid holds the voxel's centre.
    func slice(
        _ plane: PlaneStack.Plane, of stack: PlaneStack, sequence: Int
    ) -> (values: [Int16], labels: [UInt8]) {
        var values = [Int16](repeating: 0, count: stack.columns * stack.rows)
        var labels = [UInt8](repeating: 0, count: values.count)
        let columnStep = plane.rowCosines * stack.pixelSpacing
        let rowStep = plane.columnCosines * stack.pixelSpacing
        let (dx, dy, dz) = (Float(columnStep.x), Float(columnStep.y), Float(columnStep.z))
        let length = Float(stack.pixelSpacing)
        values.withUnsafeMutableBufferPointer { values in
            labels.withUnsafeMutableBufferPointer { labels in
                for row in 0..<stack.rows {
                    let start = plane.position + rowStep * Double(row)
                    let (x0, y0, z0) = (Float(start.x), Float(start.y), Float(start.z))
                    let near = parts.filter { $0.shape.mayTouch(x0, y0, z0, dx, dy, dz, stack.columns, length) }
                    var random = NoiseGenerator(seed: seed &+ UInt64(sequence) << 32, slice: plane.number, row: row)
                    for column in 0..<stack.columns {
                        let k = Float(column)
                        let (x, y, z) = (x0 + dx * k, y0 + dy * k, z0 + dz * k)
                        var value = background[sequence]
                        for part in near {
                            value += (part.values[sequence] - value) * part.shape.coverage(x, y, z)
                            if part.label > 0, part.shape.squared(x, y, z) <= 1 {
                                labels[row * stack.columns + column] = part.label
                            }
                        }
                        value += noise * random.next()
                        value.round()
                        values[row * stack.columns + column] = Int16(
                            min(max(value, limits.lowerBound), limits.upperBound))
                    }
                }
            }
        }
        return (values, labels)
    }
}
