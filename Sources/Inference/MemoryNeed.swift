// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM
import Models

/// Bytes that a run holds at its peak, beside the engine's own: told before it begins. docs/model-packages.md has the
/// formula.
struct MemoryNeed {
    /// While windows run: the series, the tensor, the open planes, the outputs of two passes.
    let running: Int
    /// While findings are made: the series, the marked voxels' bytes on either lattice.
    let reporting: Int

    /// - Parameter channels: that the network gives; nil counts those that the manifest names.
    init(_ manifest: Manifest, grid: Grid, channels: Int?) {
        let lattice = Lattice(grid).planned(manifest.preprocess)
        let channels = channels ?? manifest.minimumChannels
        let tensor = 4 * manifest.tensorChannels * lattice.count
        let source = 4 * grid.count * max(1, manifest.channels.count)
        let roi: [Int]
        var outputs = 2
        switch manifest.inference {
        case .slidingWindow(let window):
            roi = window.roi
            if window.background.map({ $0.outputs == nil }) ?? false {
                outputs += manifest.networks.map(\.graphs.count).max() ?? 1
            }
            outputs += 2 * (window.batch - 1)
        default:
            roi = lattice.shape
            outputs = 1
        }
        let open = Accumulator.bytes(
            shape: lattice.shape, roi: roi, channels: channels, marks: manifest.slabForm(channels: channels).marks)
        let passes = outputs * 4 * channels * roi.reduce(1, *)
        // Before the windows, a step that moves voxels holds what it reads and what it writes.
        running = source + tensor + max(tensor, open + passes)
        let isRestored = manifest.decision.restore != .linear
        let probabilities = manifest.decision.keepsProbabilities ? manifest.outputs.count(where: \.isReported) : 0
        reporting = source + grid.count * (1 + probabilities) + (isRestored ? 5 * lattice.count : 0)
    }

    var peak: Int { max(running, reporting) }
    func left(of budget: Int) -> Int { max(0, budget - peak) }

    func refusals(budget: Int) -> [String] {
        guard peak > budget else { return [] }
        // Rounded up and down, so that the two never read the same.
        return ["the volume needs \((peak + (1 << 20) - 1) >> 20) MiB, and the package's budget is \(budget >> 20) MiB"]
    }
}

extension Manifest {
    /// Channels of the network's tensor, as the series and the steps make them.
    var tensorChannels: Int {
        preprocess.reduce(images.colour == .rgb ? 3 : max(1, channels.count)) { count, step in
            step.channels(from: count)
        }
    }
}
