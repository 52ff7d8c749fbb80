// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import Models

/// Finished voxels of neighbouring planes of the network's lattice. Lent: valid only while it is handed on.
struct Slab {
    /// What is known of each voxel.
    struct Form {
        enum Greatest {
            case none
            /// Which channel is the greatest, beside the channels.
            case beside
            /// Which channel is the greatest and its activated value, in place of the channels, which stay sums.
            case alone
        }
        var activation: Manifest.Decision.Activation
        var greatest = Greatest.none
        /// By channel: whether its value is asked for where it is the greatest.
        var valued: [Bool] = []

        /// Planes of one value a voxel beside the sums.
        var marks: Int {
            switch greatest {
            case .none: 0
            case .beside: 1
            case .alone: 2
            }
        }
    }

    enum Wanted {
        case channels(Manifest.Decision.Activation)
        /// What the manifest's decision needs.
        case decision(Manifest)

        func form(channels: Int) -> Form {
            switch self {
            case .channels(let activation): Form(activation: activation)
            case .decision(let manifest): manifest.slabForm(channels: channels)
            }
        }
    }

    /// Dimensions of the network's lattice in the order of the slab: the one that it is cut along first.
    var order: [Int]
    /// Of the whole volume, in that order.
    var shape: [Int]
    /// Planes that are here. The first was the last of the slab before, except at the start.
    var planes: Range<Int>
    var channels: Int
    /// [channels, planes, shape[1], shape[2]], with this many values from one channel to the next.
    var stride: Int
    var values: UnsafeMutablePointer<Float>
    /// [planes, shape[1], shape[2]]: the number of the greatest channel, and its value; by the slab's form.
    var owners: UnsafePointer<Float>?
    var best: UnsafePointer<Float>?

    var isLast: Bool { planes.upperBound == shape[0] }
    /// Planes whose upper neighbour is here too: over all slabs, each plane of the volume is in one of these.
    var readable: Range<Int> { planes.lowerBound..<(isLast ? planes.upperBound : planes.upperBound - 1) }
}

extension Manifest {
    /// What deciding asks of the slabs of a network with so many channels.
    func slabForm(channels: Int) -> Slab.Form {
        var form = Slab.Form(activation: decision.activatesAfterRestore ? .none : decision.activation)
        // A saturated sigmoid has equals that its logits have not; what was examined asks for one channel everywhere.
        guard decision.rule == .argmax, decision.activation != .sigmoid, quality.examined == nil else { return form }
        switch decision.restore {
        case .nearest: form.greatest = .alone
        // For a few channels, reading all of them is quicker than asking which.
        default: form.greatest = channels > 4 ? .beside : .none
        }
        form.valued = [Bool](repeating: false, count: channels)
        for output in outputs where output.channel < channels {
            if case .fixed = output.confidence { continue }
            form.valued[output.channel] = true
        }
        return form
    }
}
