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
                let mask = masks[frame.segment ?? 0]
                mask.forEachLine(slice: frame.slice) { line, start in
                    Words.pack(line, into: data, bit: place * size + start)
                }
            }
        }
        return data
    }

    private static func labels(_ masks: [Mask], _ slices: [Int], _ size: Int, bytes: Int) -> [UInt8] {
        var data = [UInt8](repeating: 0, count: even(slices.count * size * bytes))
        data.withUnsafeMutableBufferPointer { data in
            for (place, slice) in slices.enumerated() {
                for (segment, mask) in masks.enumerated() where mask.blockSlices.contains(slice) {
                    let number = segment + 1
                    mask.forEachLine(slice: slice) { line, start in
                        let base = (place * size + start) * bytes
                        for index in line.indices where line[index] != 0 {
                            data[base + index * bytes] = UInt8(truncatingIfNeeded: number)
                            if bytes == 2 { data[base + index * bytes + 1] = UInt8(truncatingIfNeeded: number >> 8) }
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
                let segment = frame.segment ?? 0
                let mask = masks[segment]
                probabilities[segment].withUnsafeBufferPointer { values in
                    var offset =
                        (frame.slice - mask.blockSlices.lowerBound) * mask.blockRows.count
                        * mask.blockColumns.count
                    mask.forEachLine(slice: frame.slice) { line, start in
                        for index in line.indices where line[index] != 0 {
                            data[place * size + start + index] = max(1, values[offset + index])
                        }
                        offset += line.count
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
        var union = [UInt8](repeating: 0, count: first.columns * first.rows)
        return union.withUnsafeMutableBytes { union in
            for (slice, segments) in present.enumerated() where segments.count > 1 {
                union.initializeMemory(as: UInt8.self, repeating: 0)
                for segment in segments {
                    var isShared = false
                    masks[segment].forEachLine(slice: slice) { line, start in
                        let target = UnsafeMutableRawBufferPointer(rebasing: union[start..<start + line.count])
                        if !isShared { isShared = Words.merge(UnsafeRawBufferPointer(line), into: target) }
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
            mask.forEachLine(slice: slice) { line, _ in count += Words.count(line) }
            guard count > 0 else { continue }
            slices.append(slice)
            counts.append(count)
        }
    }
}

extension Mask {
    /// Visits the rows of the block in a slice: their voxels, and where in the slice the first of them lies.
    fileprivate func forEachLine(slice: Int, _ visit: (UnsafeBufferPointer<UInt8>, Int) -> Void) {
        guard blockSlices.contains(slice) else { return }
        block.withUnsafeBufferPointer { block in
            let width = blockColumns.count
            var offset = (slice - blockSlices.lowerBound) * blockRows.count * width
            for row in blockRows {
                let line = UnsafeBufferPointer(rebasing: block[offset..<offset + width])
                visit(line, row * columns + blockColumns.lowerBound)
                offset += width
            }
        }
    }
}

/// Voxels, eight at a time.
private enum Words {
    private static let low: UInt64 = 0x7F7F_7F7F_7F7F_7F7F

    /// The highest bit of each byte that is not zero.
    private static func marks(_ bytes: UInt64) -> UInt64 { (((bytes & low) &+ low) | bytes) & ~low }

    /// Bytes that are missing at the end are zero.
    @inline(__always)
    private static func load(_ line: UnsafeRawBufferPointer, _ offset: Int) -> UInt64 {
        if offset + 8 <= line.count {
            return UInt64(littleEndian: line.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
        }
        var word: UInt64 = 0
        for rest in offset..<line.count { word |= UInt64(line[rest]) << UInt64(8 * (rest - offset)) }
        return word
    }

    static func count(_ line: UnsafeBufferPointer<UInt8>) -> Int {
        let line = UnsafeRawBufferPointer(line)
        var count = 0
        for offset in stride(from: 0, to: line.count, by: 8) { count += marks(load(line, offset)).nonzeroBitCount }
        return count
    }

    /// Sets a bit for each byte that is not zero; the bits were zero before.
    static func pack(_ line: UnsafeBufferPointer<UInt8>, into data: UnsafeMutableBufferPointer<UInt8>, bit: Int) {
        let line = UnsafeRawBufferPointer(line)
        for offset in stride(from: 0, to: line.count, by: 8) {
            let word = load(line, offset)
            if word == 0 { continue }
            // Byte i holds one bit at 8·i; the multiplication moves it to 56 + i, and no two products meet.
            let packed = (marks(word) >> 7 &* 0x0102_0408_1020_4080) >> 56
            let place = bit + offset
            let shifted = packed << UInt64(place % 8)
            data[place / 8] |= UInt8(truncatingIfNeeded: shifted)
            if shifted > 0xFF { data[place / 8 + 1] |= UInt8(truncatingIfNeeded: shifted >> 8) }
        }
    }

    /// True, and stopped there, where a voxel is set in both.
    static func merge(_ voxels: UnsafeRawBufferPointer, into union: UnsafeMutableRawBufferPointer) -> Bool {
        var offset = 0
        while offset + 8 <= voxels.count {
            let word = voxels.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
            if word != 0 {
                let other = union.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
                if marks(word) & marks(other) != 0 { return true }
                union.storeBytes(of: word | other, toByteOffset: offset, as: UInt64.self)
            }
            offset += 8
        }
        while offset < voxels.count {
            if voxels[offset] != 0 && union[offset] != 0 { return true }
            union[offset] |= voxels[offset]
            offset += 1
        }
        return false
    }
}
