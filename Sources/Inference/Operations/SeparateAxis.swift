// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

/// Whether thick slices are resampled each in its plane, with the nearest slice between them: nnU-Net's
/// `determine_do_sep_z_and_axis` (preprocessing/resampling/default_resampling.py).
enum SeparateAxis: Equatable {
    /// Where the largest spacing is more than 3 times the smallest, before or else after (`ANISO_THRESHOLD`).
    case automatic
    case always, never

    static let threshold = 3.0

    /// The dimension of the largest spacing, if it is alone with it.
    func dimension(from current: [Double], to new: [Double]) -> Int? {
        func isAnisotropic(_ spacing: [Double]) -> Bool {
            (spacing.max() ?? 1) / (spacing.min() ?? 1) > Self.threshold
        }
        func coarsest(_ spacing: [Double]) -> Int? {
            let largest = spacing.max() ?? 0
            let at = spacing.indices.filter { largest / spacing[$0] == 1 }
            return at.count == 1 ? at[0] : nil
        }
        switch self {
        case .never: return nil
        case .always: return coarsest(current)
        case .automatic:
            if isAnisotropic(current) { return coarsest(current) }
            return isAnisotropic(new) ? coarsest(new) : nil
        }
    }
}
