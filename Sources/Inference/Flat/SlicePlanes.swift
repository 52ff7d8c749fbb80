// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM
import Models

/// The slices of a field along D as a 2-D network takes them, made one by one.
///
/// Steps up to the first that works in the plane of a slice concern the volume; from there on each step sees a slice by
/// itself, so that one which measures (`scaleMinMax`, `normalize`) measures the slice.
struct SlicePlanes: Sendable {
    /// Before `neighbours`, or ready where there is none.
    private let planes: [Plane]
    private let offsets: [Int]
    private let later: [Manifest.Preprocessing]
    private let stored: ClosedRange<Float>?

    var count: Int { planes.count }

    /// Where in the list the slices begin.
    static func split(_ steps: [Manifest.Preprocessing]) -> Int {
        steps.firstIndex {
            switch $0 {
            case .scaleStored, .windows, .stretchWindows, .neighbours, .repeatChannels, .resize, .centerCropSquare,
                .autocrop, .toByte:
                true
            default: false
            }
        } ?? steps.count
    }

    /// - Parameters:
    ///   - steps: from `split` on.
    ///   - stored: the values that the stored bits can express, in the field's unit.
    init(
        _ field: Field, _ steps: ArraySlice<Manifest.Preprocessing>, stored: ClosedRange<Float>?
    ) throws(InferenceError) {
        let stacking = steps.firstIndex { if case .neighbours = $0 { true } else { false } }
        let first = Array(steps[..<(stacking ?? steps.endIndex)])
        if let stacking, case .neighbours(let offsets) = steps[stacking] {
            self.offsets = offsets
            later = Array(steps[(stacking + 1)...])
        } else {
            offsets = [0]
            later = []
        }
        self.stored = stored
        let shape = field.lattice.shape
        let (channels, values) = (field.channels, field.values)
        let made = mapSlices(shape[0]) { slice -> Result<Plane, InferenceError> in
            let size = shape[1] * shape[2]
            var pixels: [Float] = []
            pixels.reserveCapacity(channels * size)
            for c in 0..<channels {
                let start = (c * shape[0] + slice) * size
                pixels += values[start..<start + size]
            }
            var plane = Plane(channels: channels, height: shape[1], width: shape[2], values: pixels)
            do throws(InferenceError) {
                for step in first { try plane.apply(step, stored: stored) }
                return .success(plane)
            } catch {
                return .failure(error)
            }
        }
        var planes: [Plane] = []
        planes.reserveCapacity(made.count)
        for plane in made { planes.append(try plane.get()) }
        guard planes.allSatisfy({ $0.rows == planes[0].rows && $0.columns == planes[0].columns }) || offsets == [0]
        else { throw .unsupported("`neighbours` after a step that crops each slice by itself") }
        self.planes = planes
    }

    /// As the network takes it.
    func plane(_ slice: Int) throws(InferenceError) -> Plane {
        var plane = offsets == [0] ? planes[slice] : neighbours(of: slice, offsets: offsets, in: planes)
        for step in later { try plane.apply(step, stored: stored) }
        return plane
    }
}

extension Plane {
    /// A step in the plane of a slice.
    mutating func apply(_ step: Manifest.Preprocessing, stored: ClosedRange<Float>?) throws(InferenceError) {
        switch step {
        case .windows(let windows):
            guard channels == 1 else { throw .unsupported("`windows` on more than one channel") }
            self = self.windows(windows)
        case .stretchWindows(let windows):
            guard channels == 1 else { throw .unsupported("`stretchWindows` on more than one channel") }
            self = stretchedWindows(windows)
        case .scaleStored(let range):
            guard let stored else { throw .refused(["the images do not say which values their bits can express"]) }
            self = scaled(from: stored, to: range)
        case .repeatChannels(let count): self = repeated(count)
        case .centerCropSquare: self = centreSquare()
        case .autocrop: self = autocropped()
        case .resize(let rule):
            switch rule.fit {
            case .stretch: self = resized(height: rule.size[0], width: rule.size[1], rule.method)
            case .longestSide:
                self = resized(longest: max(rule.size[0], rule.size[1]), rule.method)
                    .cropped(top: 0, left: 0, height: rule.size[0], width: rule.size[1])
            }
        default:
            // What moves no pixel is the volume's own operation on a volume of one slice.
            var field = Field(lattice: .pixels(height: height, width: width), channels: channels, values: values)
            try field.apply(step)
            values = field.values
        }
    }
}

extension Lattice {
    /// One slice of unit pixels.
    static func pixels(height: Int, width: Int) -> Lattice {
        Lattice(
            shape: [1, height, width], origin: .init(0, 0, 0),
            steps: [.init(0, 0, 1), .init(0, 1, 0), .init(1, 0, 0)])
    }
}
