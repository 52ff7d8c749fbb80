// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import Models

/// Puts the outputs of windows together, group by group along the slab's dimension, and closes the planes behind each.
/// Belongs to one thread.
final class Assembly {
    struct Group {
        /// Every window that begins in one plane, and those of them that are run.
        var all: [[Int]]
        var run: [[Int]]
        /// Where the next group begins: planes before it are finished with this one.
        var end: Int
    }

    let groups: [Group]
    private let shape: [Int]
    private let windows: Windows
    private let background: Background?
    private let weights: [Float]
    private let form: (_ channels: Int) -> Slab.Form
    private var sums: Accumulator?
    /// Known from the first output on.
    private(set) var channels: Int?
    /// The group whose windows come in now.
    private var current = -1

    /// - Parameter share: what an output weighs in the mean over folds and mirrored copies.
    init(
        shape: [Int], windows: Windows, background: Background?, share: Float,
        form: @escaping (_ channels: Int) -> Slab.Form
    ) {
        self.form = form
        self.shape = shape
        self.windows = windows
        self.background = background
        weights = share == 1 ? windows.weights : windows.weights.map { $0 * share }
        let axis = Accumulator.axis(of: shape, roi: windows.roi)
        let starts = windows.starts
        let positions = windows.positions[axis]
        groups = positions.enumerated().map { place, position in
            let all = starts.filter { $0[axis] == position }
            return Group(
                all: all, run: all.filter { !(background?.holds($0) ?? false) },
                end: place + 1 < positions.count ? positions[place + 1] : windows.size[axis])
        }
    }

    /// Finishes the groups before `group`, and makes it ready for its outputs.
    func advance(
        to group: Int, channels: Int, _ body: (Slab) throws(InferenceError) -> Void
    ) throws(InferenceError) {
        guard current < group else { return }
        let sums =
            sums
            ?? Accumulator(
                shape: shape, windows: windows, channels: channels, form: form(channels))
        self.sums = sums
        self.channels = channels
        while current < group {
            if current >= 0 { try sums.close(before: groups[current].end, body) }
            current += 1
            guard current < groups.count else { break }
            for start in groups[current].all { sums.weigh(at: start) }
            guard let background else { continue }
            for start in groups[current].all where background.holds(start) {
                background.add(to: sums, at: start, weights: weights, whole: windows.weights)
            }
        }
    }

    func add(_ output: UnsafePointer<Float>, mirrored: [Int], at start: [Int]) {
        sums?.add(output, mirrored: mirrored, weights: weights, at: start)
    }
}
