// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import Models

/// The way back: how the network's lattice is read at the voxels of the series.
///
/// Undoes orientation, transposition, cropping and one resampling exactly as their originals do. What a crop cut off
/// before the resampling counts as 0 in every channel (nnU-Net: background); what a crop cut off after it is 0 in the
/// network's lattice, so that values fade towards it (MONAI: the inverse of a crop pads with 0 before the inverse of
/// `Spacing`). After a second resampling the lattices are read as they lie in space.
struct Restoration {
    /// The grid of the series.
    let source: Lattice
    /// Of the network's tensor and of its channels.
    var network: Lattice
    /// The block of the series outside of which every channel is 0.
    var within: Box
    /// In voxels of `network`: coordinates are clamped to it, and what of it the network's lattice lacks is 0.
    var border: Box
    /// Where the only resampling counted voxels.
    var zoom: ZoomGrid?
    /// The dimension of `network` that is read by itself, and how.
    var separate: (dimension: Int, isNearest: Bool)?

    init(source: Lattice) {
        self.source = source
        network = source
        within = Box(shape: source.shape)
        border = Box(shape: source.shape)
    }

    /// Reads channels of the network's lattice at the voxels of the series.
    func sampler(_ interpolation: Manifest.Interpolation) -> Sampler {
        let nearest: Sampler.Rule = zoom.map { .nearestZoomed($0) } ?? .nearest
        var rules = [Sampler.Rule](repeating: interpolation == .nearest ? nearest : .linear, count: 3)
        if let separate, separate.isNearest { rules[separate.dimension] = nearest }
        return Sampler(source: network, target: source, rules: rules, border: border, within: within)
    }

    /// Reads channels where they are: for decisions on the network's lattice.
    var identity: Sampler { Sampler(source: network, target: network, rules: [.nearest, .nearest, .nearest]) }

    /// The same for channels whose dimension `order[i]` is laid down as dimension i.
    func reordered(_ order: [Int]) -> Restoration {
        var result = self
        result.network = network.transposed(order)
        result.border = Box(lower: order.map { border.lower[$0] }, upper: order.map { border.upper[$0] })
        if let separate, let dimension = order.firstIndex(of: separate.dimension) {
            result.separate = (dimension, separate.isNearest)
        }
        return result
    }
}
