// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM

/// Covers the cells of a map that contribute most, and random ones, and looks at what becomes of the score.
struct DeletionCheck {
    /// Of all cells, how many are covered.
    static let share = 0.1
    static let draws = 4
    /// Rows and columns of the map.
    let cells: [Int]
    let score: ([Plane]) throws(InferenceError) -> [Float]

    /// - Parameter map: one value a cell.
    func run(_ plane: Plane, map: [Float]) throws(InferenceError) -> Explanation.Deletion? {
        let count = max(1, Int(Double(map.count) * Self.share))
        guard map.count > 2 * count, plane.height >= cells[0], plane.width >= cells[1] else { return nil }
        let greatest = map.indices.sorted { map[$0] == map[$1] ? $0 < $1 : map[$0] > map[$1] }.prefix(count)
        var random = SplitMix(seed: 8_104)
        var images = [plane, covered(plane, Array(greatest))]
        for _ in 0..<Self.draws {
            images.append(covered(plane, Array(map.indices.shuffled(using: &random).prefix(count))))
        }
        let scores = try score(images).map { Double($0) }
        return .init(
            score: scores[0], withoutGreatest: scores[1],
            withoutRandom: scores[2...].reduce(0, +) / Double(Self.draws))
    }

    /// Those cells become the mean of their channel.
    private func covered(_ plane: Plane, _ chosen: [Int]) -> Plane {
        var plane = plane
        for c in 0..<plane.channels {
            let channel = c * plane.pixels..<(c + 1) * plane.pixels
            let mean = Float(plane.values[channel].reduce(0) { $0 + Double($1) } / Double(plane.pixels))
            for cell in chosen {
                let (row, column) = (cell / cells[1], cell % cells[1])
                for h in row * plane.height / cells[0]..<(row + 1) * plane.height / cells[0] {
                    for w in column * plane.width / cells[1]..<(column + 1) * plane.width / cells[1] {
                        plane.values[channel.lowerBound + h * plane.width + w] = mean
                    }
                }
            }
        }
        return plane
    }
}
