// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM
import Models

/// Inference: a model package and a volume in, findings and masks on the volume's grid out.
/// Takes a validated package and voxels in physical units; gives `AnalysisResult`, or the reason why there is none.
/// Keeps compiled networks and, while it runs, one working copy of the voxels and the network's channels.
/// Never reads a DICOM object, never decides whether a series is for a package, never writes a file.

/// Where the voxels of a tensor lie. Dimensions D, H and W in this order, W fastest in memory.
struct Lattice: Equatable, Sendable {
    /// Voxels along D, H, W.
    var shape: [Int]
    /// Centre of voxel (0, 0, 0), mm, patient coordinates.
    var origin: Vector3
    /// From one voxel to the next along D, H, W, mm; need not be perpendicular.
    var steps: [Vector3]

    init(shape: [Int], origin: Vector3, steps: [Vector3]) {
        self.shape = shape
        self.origin = origin
        self.steps = steps
    }

    /// D, H, W are slices, rows, columns: the memory order of a volume.
    init(_ grid: Grid) {
        self.init(
            shape: [grid.slices, grid.rows, grid.columns], origin: grid.origin,
            steps: [grid.sliceStep, grid.rowStep, grid.columnStep])
    }

    var count: Int { shape[0] * shape[1] * shape[2] }
    /// mm³.
    var voxelVolume: Double { abs(steps[0].cross(steps[1]).dot(steps[2])) }
    var spacing: [Double] { steps.map(\.length) }

    func point(_ index: [Double]) -> Vector3 {
        origin + steps[0] * index[0] + steps[1] * index[1] + steps[2] * index[2]
    }

    /// Index in this lattice of each index in another: `result = offset + Σ columns[i]·other[i]`.
    func map(from other: Lattice) -> IndexMap {
        // Rows of the inverse of [steps]: reciprocal vectors.
        let determinant = steps[0].cross(steps[1]).dot(steps[2])
        let reciprocal = [
            steps[1].cross(steps[2]) * (1 / determinant), steps[2].cross(steps[0]) * (1 / determinant),
            steps[0].cross(steps[1]) * (1 / determinant),
        ]
        return IndexMap(
            matrix: reciprocal.map { row in other.steps.map { row.dot($0) } },
            offset: reciprocal.map { $0.dot(other.origin - origin) })
    }
}

/// An affine map between voxel indices: result[i] = offset[i] + Σ matrix[i][j]·index[j].
struct IndexMap {
    var matrix: [[Double]]
    var offset: [Double]

    var inverse: IndexMap {
        let rows = matrix.map { Vector3($0[0], $0[1], $0[2]) }
        let scale = 1 / rows[0].cross(rows[1]).dot(rows[2])
        // Columns of the inverse are the reciprocal vectors of the rows.
        let columns = [rows[1].cross(rows[2]) * scale, rows[2].cross(rows[0]) * scale, rows[0].cross(rows[1]) * scale]
        let inverted = [columns.map(\.x), columns.map(\.y), columns.map(\.z)]
        return IndexMap(
            matrix: inverted, offset: inverted.map { -($0[0] * offset[0] + $0[1] * offset[1] + $0[2] * offset[2]) })
    }

    /// Which single source dimension each result dimension follows, where the axes are parallel; else nil.
    /// The tolerance is a thousandth of a voxel over a thousand voxels.
    var axes: [Int]? {
        var axes: [Int] = []
        for row in matrix {
            guard let main = row.indices.max(by: { abs(row[$0]) < abs(row[$1]) }) else { return nil }
            if row.indices.contains(where: { $0 != main && abs(row[$0]) > 1e-6 }) { return nil }
            axes.append(main)
        }
        return Set(axes).count == 3 ? axes : nil
    }
}

extension Lattice {
    /// The same voxels with dimensions exchanged and turned so that indices grow towards the letters of `codes`, each
    /// dimension taken by the axis that it follows most closely (as nibabel's io_orientation: by the rotation nearest to
    /// the direction cosines, the most decided axis first).
    func oriented(_ codes: AxisCodes) -> Lattice {
        let rotation = nearestRotation(steps.map { $0 * (1 / $0.length) })
        let wanted = codes.directions
        var taken: Set<Int> = []
        // source dimension and sign for each wanted dimension
        var choice = [(dimension: Int, sign: Double)](repeating: (0, 1), count: 3)
        let order = (0..<3).sorted { a, b in
            let strongestA = wanted.map { abs($0.dot(rotation[a])) }.max() ?? 0
            let strongestB = wanted.map { abs($0.dot(rotation[b])) }.max() ?? 0
            return (strongestB, a) < (strongestA, b)
        }
        for dimension in order {
            let free = (0..<3).filter { !taken.contains($0) }
            guard
                let target = free.max(by: {
                    abs(wanted[$0].dot(rotation[dimension])) < abs(wanted[$1].dot(rotation[dimension]))
                })
            else { continue }
            taken.insert(target)
            choice[target] = (dimension, wanted[target].dot(rotation[dimension]) < 0 ? -1 : 1)
        }
        var start = [0.0, 0.0, 0.0]
        for (dimension, sign) in choice where sign < 0 { start[dimension] = Double(shape[dimension] - 1) }
        return Lattice(
            shape: choice.map { shape[$0.dimension] }, origin: point(start),
            steps: choice.map { steps[$0.dimension] * $0.sign })
    }

    /// The grid of MONAI's `Spacing(pixdim, diagonal=False)`: axes made perpendicular in the order D, H, W (Gram-Schmidt,
    /// as its Cholesky factor), extent between voxel centres kept, size rounded half to even, and the corner from which
    /// all indices are positive laid on voxel (0, 0, 0).
    /// What is no change within MONAI's AFFINE_TOL is none.
    func respaced(_ target: [Double?]) -> Lattice {
        let tolerance = 1e-3
        let spacing = zip(self.spacing, target).map { own, target in
            target.map { abs($0 - own) <= tolerance ? own : $0 } ?? own
        }
        var axes: [Vector3] = []
        for step in steps {
            let rest = axes.reduce(step) { $0 - $1 * $1.dot(step) }
            axes.append(rest * (1 / rest.length))
        }
        var result = Lattice(shape: shape, origin: Vector3(0, 0, 0), steps: zip(axes, spacing).map { $0 * $1 })
        let corners = (0..<8).map { corner in
            point((0..<3).map { corner >> (2 - $0) & 1 == 1 ? Double(shape[$0] - 1) : 0 })
        }
        let map = result.map(
            from: Lattice(
                shape: shape, origin: Vector3(0, 0, 0), steps: [Vector3(1, 0, 0), Vector3(0, 1, 0), Vector3(0, 0, 1)]))
        let indices = corners.map { corner in map.matrix.map { $0[0] * corner.x + $0[1] * corner.y + $0[2] * corner.z }
        }
        let lower = (0..<3).map { d in indices.map { $0[d] }.min() ?? 0 }
        let upper = (0..<3).map { d in indices.map { $0[d] }.max() ?? 0 }
        result.shape = zip(lower, upper).map { Int(($1 - $0 + 1).rounded(.toNearestOrEven)) }
        if let first = indices.firstIndex(where: { index in (0..<3).allSatisfy { abs(index[$0] - lower[$0]) <= 1e-8 } })
        {
            result.origin = corners[first]
        } else {
            // A sheared grid may have no such corner: the centres of both are laid on each other.
            let middle = point(shape.map { Double($0) / 2 })
            let half = result.shape.map { Double($0) / 2 }
            result.origin = middle - result.steps[0] * half[0] - result.steps[1] * half[1] - result.steps[2] * half[2]
        }
        return result.isSame(as: self, within: tolerance) ? self : result
    }

    /// As voxel indices or as millimetres, either way (MONAI's `spatial_resample`).
    private func isSame(as other: Lattice, within tolerance: Double) -> Bool {
        guard shape == other.shape else { return false }
        let map = other.map(from: self)
        let identity = (0..<3).allSatisfy { i in
            abs(map.offset[i]) <= tolerance
                && (0..<3).allSatisfy { abs(map.matrix[i][$0] - (i == $0 ? 1 : 0)) <= tolerance }
        }
        if identity { return true }
        return zip(steps + [origin], other.steps + [other.origin]).allSatisfy { a, b in
            [(a.x, b.x), (a.y, b.y), (a.z, b.z)].allSatisfy { abs($0 - $1) <= tolerance + 1e-5 * abs($0) }
        }
    }
}

/// The rotation (or reflection) nearest to three column vectors: polar decomposition by Newton's iteration
/// X ← (X + X⁻ᵀ)/2.
private func nearestRotation(_ columns: [Vector3]) -> [Vector3] {
    var x = columns
    for _ in 0..<30 {
        let determinant = x[0].cross(x[1]).dot(x[2])
        guard abs(determinant) > 1e-12 else { return columns }
        let inverseTransposed = [x[1].cross(x[2]), x[2].cross(x[0]), x[0].cross(x[1])].map { $0 * (1 / determinant) }
        x = zip(x, inverseTransposed).map { ($0 + $1) * 0.5 }
    }
    return x
}
