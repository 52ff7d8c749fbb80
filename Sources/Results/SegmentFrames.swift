// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM

/// How the voxels of segments are written (PS3.3 C.8.20.2.3).
package enum SegmentationForm: String, Sendable, Codable, CaseIterable {
    /// A bit for each voxel of each segment.
    case binary
    /// One number for each voxel, in Label Map Segmentation Storage.
    case labelMap
    /// How probable each segment is at each voxel.
    case fractional
}

/// The frames of a Segmentation as its Pixel Data holds them, those without a set voxel left out.
struct SegmentFrames {
    struct Frame: Equatable {
        /// From 0; nil where a frame holds all segments.
        var segment: Int?
        var slice: Int
    }

    /// Where a segment has voxels.
    struct Region: Equatable {
        /// Ascending.
        var slices: [Int] = []
        /// Set voxels of each of `slices`.
        var counts: [Int] = []
    }

    /// Binary where what was asked for cannot be: segments that overlap are no label map, and masks are no probabilities.
    let form: SegmentationForm
    let regions: [Region]
    let frames: [Frame]
    /// Two segments share a voxel.
    let overlap: Bool
    let bitsAllocated: Int
    /// The value of Pixel Data, of even length.
    let pixelData: [UInt8]

    /// - Parameter masks: one for each segment, all of one size, of which none is empty.
    /// - Parameter probabilities: for each mask one byte a voxel of its block, 255 for certainty; may be empty.
    init(_ masks: [Mask], probabilities: [[UInt8]] = [], form asked: SegmentationForm = .binary) {
        regions = masks.map(Region.init)
        overlap = Self.overlap(masks, regions)
        switch asked {
        case .labelMap where !overlap: form = .labelMap
        case .fractional where !masks.isEmpty && probabilities.count == masks.count: form = .fractional
        default: form = .binary
        }
        guard let size = masks.first.map({ $0.columns * $0.rows }) else {
            (frames, bitsAllocated, pixelData) = ([], 1, [])
            return
        }
        let bySegment = regions.enumerated().flatMap { segment, region in
            region.slices.map { Frame(segment: segment, slice: $0) }
        }
        switch form {
        case .binary:
            bitsAllocated = 1
            frames = bySegment
            pixelData = Self.bits(masks, bySegment, size)
        case .labelMap:
            bitsAllocated = masks.count <= 255 ? 8 : 16
            frames = Set(regions.flatMap(\.slices)).sorted().map { Frame(segment: nil, slice: $0) }
            pixelData = Self.labels(masks, frames.map(\.slice), size, bytes: bitsAllocated / 8)
        case .fractional:
            bitsAllocated = 8
            frames = bySegment
            pixelData = Self.values(masks, probabilities, bySegment, size)
        }
    }

    private static func even(_ count: Int) -> Int { (count + 1) / 2 * 2 }

    /// The bits of all frames follow each other without padding, the first pixel in the lowest bit, whatever Rows × Columns
    /// (PS3.5 8.1.1, PS3.3 C.8.20.2.2).
    private static func bits(_ masks: [Mask], _ frames: [Frame], _ size: Int) -> [UInt8] {
        var data = [UInt8](repeating: 0, count: even((frames.count * size + 7) / 8))
        data.withUnsafeMutableBufferPointer { data in
            for (place, frame) in frames.enumerated() {
                masks[frame.segment ?? 0].forEachRun(slice: frame.slice) { run in
                    set(run.lowerBound + place * size..<run.upperBound + place * size, in: data)
                }
            }
        }
        return data
    }

    private static func set(_ bits: Range<Int>, in data: UnsafeMutableBufferPointer<UInt8>) {
        let (first, last) = (bits.lowerBound / 8, (bits.upperBound - 1) / 8)
        let low = UInt8(truncatingIfNeeded: 0xFF << (bits.lowerBound % 8))
        let high = UInt8(truncatingIfNeeded: 0xFF >> (7 - (bits.upperBound - 1) % 8))
        guard first < last else {
            data[first] |= low & high
            return
        }
        data[first] |= low
        for byte in first + 1..<last { data[byte] = 0xFF }
        data[last] |= high
    }

    private static func labels(_ masks: [Mask], _ slices: [Int], _ size: Int, bytes: Int) -> [UInt8] {
        var data = [UInt8](repeating: 0, count: even(slices.count * size * bytes))
        data.withUnsafeMutableBufferPointer { data in
            for (place, slice) in slices.enumerated() {
                for (segment, mask) in masks.enumerated() {
                    let number = segment + 1
                    mask.forEachRun(slice: slice) { run in
                        for pixel in run {
                            let byte = (place * size + pixel) * bytes
                            data[byte] = UInt8(truncatingIfNeeded: number)
                            if bytes == 2 { data[byte + 1] = UInt8(truncatingIfNeeded: number >> 8) }
                        }
                    }
                }
            }
        }
        return data
    }

    /// Of the mask's voxels only; none of them becomes zero.
    private static func values(
        _ masks: [Mask], _ probabilities: [[UInt8]], _ frames: [Frame], _ size: Int
    ) -> [UInt8] {
        var data = [UInt8](repeating: 0, count: even(frames.count * size))
        data.withUnsafeMutableBufferPointer { data in
            for (place, frame) in frames.enumerated() {
                let mask = masks[frame.segment ?? 0]
                let lines = (frame.slice - mask.blockSlices.lowerBound) * mask.blockRows.count
                probabilities[frame.segment ?? 0].withUnsafeBufferPointer { values in
                    mask.forEachStretch(slice: frame.slice) { row, columns in
                        let line = (lines + row - mask.blockRows.lowerBound) * mask.blockColumns.count
                        for column in columns {
                            data[place * size + row * mask.columns + column] = max(
                                1, values[line + column - mask.blockColumns.lowerBound])
                        }
                    }
                }
            }
        }
        return data
    }

    private static func overlap(_ masks: [Mask], _ regions: [Region]) -> Bool {
        guard masks.count > 1, let first = masks.first else { return false }
        var present = [[Int]](repeating: [], count: first.slices)
        for (segment, region) in regions.enumerated() { for slice in region.slices { present[slice].append(segment) } }
        var union = [Bool](repeating: false, count: first.columns * first.rows)
        return union.withUnsafeMutableBufferPointer { union in
            for (slice, segments) in present.enumerated() where segments.count > 1 {
                union.update(repeating: false)
                for segment in segments {
                    var isShared = false
                    masks[segment].forEachRun(slice: slice) { run in
                        for pixel in run where !isShared {
                            isShared = union[pixel]
                            union[pixel] = true
                        }
                    }
                    if isShared { return true }
                }
            }
            return false
        }
    }
}

extension SegmentFrames.Region {
    fileprivate init(_ mask: Mask) {
        for slice in mask.blockSlices {
            var count = 0
            mask.forEachStretch(slice: slice) { _, columns in count += columns.count }
            guard count > 0 else { continue }
            slices.append(slice)
            counts.append(count)
        }
    }
}

extension Mask {
    /// Visits what is marked in a slice, as stretches of its pixels, ascending.
    fileprivate func forEachRun(slice: Int, _ visit: (Range<Int>) -> Void) {
        forEachStretch(slice: slice) { row, columns in
            visit(row * self.columns + columns.lowerBound..<row * self.columns + columns.upperBound)
        }
    }
}
