// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

/// A block in the patient that a detector marks, and the rectangle that it makes on its key slice.
package struct FindingBox: Sendable, Codable, Equatable {
    /// In pixels of the key slice; (0, 0) is the outer corner of the first pixel (PS3.3 C.18.6.1.1).
    package struct Rectangle: Sendable, Codable, Equatable {
        package var left: Double
        package var top: Double
        package var right: Double
        package var bottom: Double

        package init(left: Double, top: Double, right: Double, bottom: Double) {
            self.left = left
            self.top = top
            self.right = right
            self.bottom = bottom
        }

        package mutating func move(right columns: Double, down rows: Double) {
            left += columns
            right += columns
            top += rows
            bottom += rows
        }
    }

    /// Patient coordinates, mm.
    package var center: Vector3
    /// Directions of its three edges, of length 1.
    package var axes: [Vector3]
    /// Lengths of the edges, mm.
    package var size: [Double]
    package var rectangle: Rectangle

    package init(center: Vector3, axes: [Vector3], size: [Double], rectangle: Rectangle) {
        self.center = center
        self.axes = axes
        self.size = size
        self.rectangle = rectangle
    }
}
