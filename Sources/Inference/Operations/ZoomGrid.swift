// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM

/// Grids that are made by counting voxels, not by measuring: each dimension is stretched to a whole number of voxels.
enum ZoomGrid: Equatable {
    /// The outer edges of the voxels stay: scikit-image `resize`, torch `interpolate(align_corners=False)`.
    case halfPixel
    /// The centres of the first and of the last voxels stay: scipy.ndimage.zoom with `grid_mode=False`.
    case endpoint

    /// Where voxel `index` of `count` lies among `sourceCount`, in the arithmetic of NI_ZoomShift of scipy's
    /// ndimage/src/ni_interpolation.c: nearest neighbours turn on the last digit.
    func coordinate(_ index: Int, of count: Int, in sourceCount: Int) -> Double {
        switch self {
        case .halfPixel: (Double(index) + 0.5) * (Double(sourceCount) / Double(count)) - 0.5
        case .endpoint:
            Double(index) * (count > 1 ? Double(sourceCount - 1) / Double(count - 1) : 1)
        }
    }
}

extension Lattice {
    /// The same extent in another number of voxels.
    func resized(to shape: [Int], _ grid: ZoomGrid) -> Lattice {
        var result = self
        result.shape = shape
        for i in 0..<3 {
            let ratio = Double(self.shape[i]) / Double(shape[i])
            switch grid {
            case .halfPixel:
                result.steps[i] = steps[i] * ratio
                result.origin = result.origin + steps[i] * (ratio * 0.5 - 0.5)
            case .endpoint:
                // One voxel has no step; the extent's keeps the lattice from collapsing.
                let isOne = self.shape[i] == 1 || shape[i] == 1
                result.steps[i] = steps[i] * (isOne ? ratio : Double(self.shape[i] - 1) / Double(shape[i] - 1))
            }
        }
        return result
    }

    /// Voxels along each dimension for a spacing in mm, nil keeping it: half to even, as Python's `round` in nnU-Net's
    /// `compute_new_shape` and in scipy's `zoom`.
    func shape(for spacing: [Double?]) -> [Int] {
        (0..<3).map { i in
            guard let target = spacing[i] else { return shape[i] }
            return max(1, Int((self.spacing[i] / target * Double(shape[i])).rounded(.toNearestOrEven)))
        }
    }
}
