// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

/// What the scan saw of the top-level Pixel Data, without looking at a pixel.
struct PixelRecord: Sendable {
    var offset: UInt64?
    /// True between Pixel Data and the next top-level element: private elements have fragments too.
    var isOpen = false
    var isEncapsulated = false
    /// Bytes of native Pixel Data; of encapsulated, bytes of all fragments after the Basic Offset Table.
    var length: UInt64 = 0
    /// Fragments that have bytes, without the Basic Offset Table.
    var fragments = 0
    private var sawOffsetTable = false

    mutating func begin(at offset: UInt64, length: UInt32) {
        self.offset = offset
        isOpen = true
        isEncapsulated = length == DataSetScan.undefinedLength
        self.length = isEncapsulated ? 0 : UInt64(length)
    }

    mutating func sawFragment(length: UInt32) {
        // PS3.5 A.4: the first item is the Basic Offset Table, also where it is empty.
        guard sawOffsetTable else {
            sawOffsetTable = true
            return
        }
        self.length += UInt64(length)
        if length > 0 { fragments += 1 }
    }
}

extension DataSetScan {
    /// Compares what Pixel Data has with what its description needs, in numbers that cannot overflow.
    func noteDefectsOfPixels(_ header: InstanceHeader, photometricInterpretation: String, in defects: inout DefectSet) {
        let traits = SyntaxTraits(transferSyntaxUID)
        let hasFrameCount =
            harvest.isPresent(.numberOfFrames) && !harvest.value(.numberOfFrames).allSatisfy { $0 == 0x20 || $0 == 0 }
        if hasFrameCount, (header.numberOfFrames ?? 0) <= 0 { defects.insert(.numberOfFramesMalformed) }
        guard pixels.offset != nil else {
            if header.rows != nil, header.columns != nil, !traits.isReferenced { defects.insert(.pixelDataMissing) }
            return
        }
        if pixels.isEncapsulated, !traits.isEncapsulated { defects.insert(.pixelDataEncapsulated) }
        if !pixels.isEncapsulated, traits.isEncapsulated { defects.insert(.pixelDataNotEncapsulated) }
        if pixels.length == 0 { defects.insert(.pixelDataEmpty) }

        guard let rows = header.rows, let columns = header.columns, rows > 0, columns > 0,
            let bits = harvest.unsignedShort(.bitsAllocated), bits > 0,
            let samples = harvest.unsignedShort(.samplesPerPixel), samples > 0
        else {
            defects.insert(.pixelGeometryMissing)
            return
        }
        // Two luminance and two chrominance samples for two pixels (PS3.3 C.7.6.3.1.2).
        let isSubsampled = samples == 3 && photometricInterpretation.hasSuffix("_422")
        let frameBits = UInt128(rows) * UInt128(columns) * UInt128(bits) * UInt128(isSubsampled ? 2 : samples)
        if frameBits > UInt128(1) << 34 { defects.insert(.frameTooLarge) }
        let frames = UInt128(max(1, header.numberOfFrames ?? 1))
        if pixels.isEncapsulated {
            if UInt128(pixels.fragments) < frames { defects.insert(.pixelDataShort) }
        } else {
            // Frames of one bit a pixel follow each other without padding (PS3.5 8.1.1).
            let needed = (frameBits * frames + 7) / 8
            if UInt128(pixels.length) < needed { defects.insert(.pixelDataShort) }
        }
    }
}
