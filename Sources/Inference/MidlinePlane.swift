// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM

/// The plane through the voxels of a landmark that has their least squared distance, such as the midline of a brain
/// through its falx.
struct MidlinePlane {
    /// On it, mm, patient coordinates.
    let center: Vector3
    /// Of length 1.
    let normal: Vector3

    /// Nil where the voxels make no plane: too few, or spread across it more than half as far as along it.
    init?(through marking: Marking, on lattice: Lattice) {
        guard marking.count() >= 3 else { return nil }
        center = marking.center(on: lattice)
        var moments = [Double](repeating: 0, count: 6)
        let center = center
        marking.forEachPoint(on: lattice) { point in
            let p = point - center
            for (i, product) in [p.x * p.x, p.y * p.y, p.z * p.z, p.x * p.y, p.x * p.z, p.y * p.z].enumerated() {
                moments[i] += product
            }
        }
        let axes = principalAxes(moments)
        guard axes[1].spread > 0, axes[0].spread <= axes[1].spread / 4 else { return nil }
        normal = axes[0].direction
    }

    func distance(of point: Vector3) -> Double { abs((point - center).dot(normal)) }
}

extension Marking {
    /// Mean of the centres of its voxels. Of a marking that is not empty.
    func center(on lattice: Lattice) -> Vector3 {
        var sum = Vector3(0, 0, 0)
        forEachPoint(on: lattice) { sum = sum + $0 }
        return sum * (1 / Double(count()))
    }

    fileprivate func forEachPoint(on lattice: Lattice, _ body: (Vector3) -> Void) {
        for d in box.lower[0]..<box.upper[0] {
            for h in box.lower[1]..<box.upper[1] {
                let line = (d * shape[1] + h) * shape[2]
                for w in box.lower[2]..<box.upper[2] where voxels[line + w] != 0 {
                    body(lattice.point([Double(d), Double(h), Double(w)]))
                }
            }
        }
    }
}

/// Eigenvectors of the symmetric matrix [xx, yy, zz, xy, xz, yz], the smallest eigenvalue first, by Jacobi's rotations.
private func principalAxes(_ m: [Double]) -> [(spread: Double, direction: Vector3)] {
    var a = [[m[0], m[3], m[4]], [m[3], m[1], m[5]], [m[4], m[5], m[2]]]
    var v: [[Double]] = [[1, 0, 0], [0, 1, 0], [0, 0, 1]]
    for _ in 0..<12 {
        for (p, q) in [(0, 1), (0, 2), (1, 2)] where a[p][q] != 0 {
            let theta = (a[q][q] - a[p][p]) / (2 * a[p][q])
            let t = (theta < 0 ? -1 : 1) / (abs(theta) + (theta * theta + 1).squareRoot())
            let c = 1 / (t * t + 1).squareRoot()
            let s = t * c
            for k in 0..<3 { (a[k][p], a[k][q]) = (c * a[k][p] - s * a[k][q], s * a[k][p] + c * a[k][q]) }
            for k in 0..<3 { (a[p][k], a[q][k]) = (c * a[p][k] - s * a[q][k], s * a[p][k] + c * a[q][k]) }
            for k in 0..<3 { (v[k][p], v[k][q]) = (c * v[k][p] - s * v[k][q], s * v[k][p] + c * v[k][q]) }
        }
    }
    return (0..<3).map { (a[$0][$0], Vector3(v[0][$0], v[1][$0], v[2][$0])) }.sorted { $0.0 < $1.0 }
}
