// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM
import Models
import Volume

/// The network's tensor, and the way back to the series.
struct Prepared {
    var field: Field
    var restoration: Restoration
}

/// From the volumes to the network's tensor, step by step as the manifest lists them.
/// - Parameters:
///   - volumes: one, or the series of `channels` in their order.
///   - region: what another package found, on the grid of the first volume, and the mm around it to keep.
func prepare(
    _ volumes: [VoxelVolume], _ steps: [Manifest.Preprocessing], region: (marking: Marking, margin: Double)? = nil
) throws(InferenceError) -> Prepared {
    var preparation = Preparation(try stack(volumes))
    if let region { try preparation.crop(to: region.marking, margin: region.margin) }
    for step in steps {
        switch step {
        case .orientation(let codes): preparation.orient(codes)
        case .transpose(let order): preparation.transpose(order)
        case .spacing(let spacing): try preparation.resample(spacing)
        case .cropForeground(let foreground): try preparation.cropForeground(foreground)
        case .cropNonzero: try preparation.cropNonzero()
        default: try preparation.change { (field) throws(InferenceError) in try field.apply(step) }
        }
    }
    preparation.settle()
    return Prepared(field: preparation.field, restoration: preparation.restoration)
}

func preprocess(_ volume: VoxelVolume, _ steps: [Manifest.Preprocessing]) throws(InferenceError) -> Field {
    try prepare([volume], steps).field
}

extension Field {
    /// A step that moves no voxel.
    /// - Parameter filled: the foreground where it is not that of these channels.
    mutating func apply(_ step: Manifest.Preprocessing, filled: [UInt8]? = nil) throws(InferenceError) {
        switch step {
        case .clip(let range): clip(range)
        case .scaleRange(let from, let to, let isClipped): scaleRange(from: from, to: to, clip: isClipped)
        case .clipPercentiles(let lower, let upper, let nonzero):
            clipPercentiles(lower: lower, upper: upper, nonzero: nonzero)
        case .scaleMinMax(let to, let channelWise): scaleMinMax(to: to, channelWise: channelWise)
        case .normalize(let normalization): normalize(normalization, filled: filled)
        case .toByte: toByte()
        case .truncate: truncate()
        case .perChannel(let lists): try perChannel(lists)
        default: throw .unsupported("a step of `preprocess` for single images")
        }
    }
}
