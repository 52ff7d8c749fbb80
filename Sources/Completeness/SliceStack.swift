// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM

/// The slices of a series along their common normal.
struct SliceStack {
    /// Slice positions may differ from even spacing by this share of the spacing, or by `tolerance` mm where that is more.
    static let relativeTolerance = 0.01
    static let tolerance = 0.1
    /// Components of unit vectors that differ by less are the same direction.
    static let cosineTolerance = 1e-3

    enum Shape: Equatable {
        /// Slices evenly spaced, mm along the normal.
        case even(spacing: Double)
        case positionsMissing(Int)
        case orientationsDiffer
        case positionsRepeat(Int)
        case gaps(Int, spacing: Double)
        case uneven
    }

    let count: Int
    let shape: Shape

    init(_ instances: [SeriesEvidence.Instance]) {
        count = instances.count
        shape = Self.shape(of: instances)
    }

    private static func shape(of instances: [SeriesEvidence.Instance]) -> Shape {
        var slices: [(position: Vector3, row: Vector3, column: Vector3)] = []
        for instance in instances {
            if let position = instance.position, let row = instance.row, let column = instance.column {
                slices.append((position, row, column))
            }
        }
        guard slices.count == instances.count, let first = slices.first else {
            return .positionsMissing(instances.count - slices.count)
        }
        let normal = first.row.cross(first.column)
        guard abs(normal.length - 1) < 0.01 else { return .positionsMissing(instances.count) }
        let isParallel = slices.allSatisfy { isSame($0.row, first.row) && isSame($0.column, first.column) }
        guard isParallel else { return .orientationsDiffer }

        let sorted = slices.map { (height: $0.position.dot(normal), position: $0.position) }
            .sorted { $0.height < $1.height }
        guard sorted.count > 1 else { return .even(spacing: 0) }
        let steps = zip(sorted, sorted.dropFirst()).map { $1.height - $0.height }
        let spacing = steps.sorted()[steps.count / 2]
        let repeats = steps.count { $0 < 0.01 }
        guard repeats == 0, spacing > 0 else { return .positionsRepeat(max(repeats, 1)) }
        let allowed = max(spacing * relativeTolerance, tolerance)
        // Where the median lies nearer to zero than the tolerance, evenness could not be told from repetition.
        guard allowed < spacing / 2 else { return .uneven }
        let gaps = steps.count { $0 > spacing * 1.5 }
        guard gaps == 0 else { return .gaps(gaps, spacing: spacing) }
        guard steps.allSatisfy({ abs($0 - spacing) <= allowed }) else { return .uneven }

        // A tilted gantry shears the stack by the same vector each time; anything else is not one volume.
        let step = (sorted[sorted.count - 1].position - sorted[0].position) * (1 / Double(sorted.count - 1))
        let isStraight = zip(sorted, sorted.dropFirst()).allSatisfy {
            ($1.position - $0.position - step).length <= 2 * allowed
        }
        return isStraight ? .even(spacing: spacing) : .uneven
    }

    private static func isSame(_ a: Vector3, _ b: Vector3) -> Bool {
        let difference = a - b
        return max(abs(difference.x), abs(difference.y), abs(difference.z)) < cosineTolerance
    }

    /// Nil where the instances have no positions to speak of.
    var words: String? {
        switch shape {
        case .even(let spacing) where count > 1: "\(count) positions, \(decimal(spacing, places: 3)) mm apart"
        case .even, .positionsMissing: nil
        case .orientationsDiffer: "\(count) instances, orientations differ"
        case .positionsRepeat(let repeats): "\(count) instances, \(repeats) at a position already taken"
        case .gaps(let gaps, let spacing):
            "\(count) positions, \(decimal(spacing, places: 3)) mm apart, \(gaps) \(gaps == 1 ? "gap" : "gaps")"
        case .uneven: "\(count) positions, unevenly spaced"
        }
    }

    var doubt: String? {
        switch shape {
        case .even: nil
        case .positionsMissing(let missing): "\(missing) of \(count) without position"
        case .orientationsDiffer: "orientations differ"
        case .positionsRepeat(let repeats): "\(repeats) at a position already taken"
        case .gaps(let gaps, _): "\(gaps) \(gaps == 1 ? "gap" : "gaps") between positions"
        case .uneven: "positions unevenly spaced"
        }
    }
}
