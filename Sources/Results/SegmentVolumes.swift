// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DCMTK
import DICOM
import Glibc

/// What the pixels of a Segmentation amount to, counted in the file itself.
struct SegmentVolumes {
    /// By segment number.
    private(set) var cubicMillimetres: [Int: Double] = [:]
    /// False where the distance of slices was taken from marked ones, and may be a multiple of it.
    let isExact: Bool

    /// Nil where the distance of slices is not stated. The file must not be compressed.
    init?(_ item: Item, path: String) throws(ResultAudit.Defect) {
        let measures = item.child(Attribute.sharedFunctionalGroupsSequence)?.child(Attribute.pixelMeasuresSequence)
        guard let bits = item.integer(Attribute.bitsAllocated), [1, 8, 16].contains(bits),
            let rows = item.integer(Attribute.rows), let columns = item.integer(Attribute.columns),
            let spacing = measures?.numbers(Attribute.pixelSpacing, count: 2),
            let distance = measures?.number(Attribute.spacingBetweenSlices) ?? Self.gap(item)
        else { return nil }
        isExact = measures?.has(Attribute.spacingBetweenSlices) == true
        var segments: [Int] = []
        item.forEachChild(Attribute.perFrameFunctionalGroupsSequence) { frame in
            let identification = frame.child(Attribute.segmentIdentificationSequence)
            segments.append(identification?.integer(Attribute.referencedSegmentNumber) ?? 0)
        }
        let isLabelMap = item.uid(Attribute.sopClassUID) == SOPClass.labelMapSegmentation
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw ResultAudit.Defect(reason: "it cannot be read again") }
        defer { close(descriptor) }
        let length = ((segments.count * rows * columns * bits + 7) / 8 + 1) / 2 * 2
        let pixels = try PixelFile(descriptor, length: length)
        var counts: [Int: Int] = [:]
        var labels = [Int](repeating: 0, count: 1 << bits)
        for (frame, segment) in segments.enumerated() {
            let range = frame * rows * columns * bits..<(frame + 1) * rows * columns * bits
            try pixels.withBits(range) { bytes, first in
                if bits == 1 {
                    counts[segment, default: 0] += Self.ones(bytes, first..<first + range.count)
                } else {
                    Self.count(bytes, bytesEach: bits / 8, in: &labels)
                }
            }
            // Of probabilities it is only asked where there are any.
            if bits > 1, !isLabelMap {
                counts[segment, default: 0] += labels.reduce(0, +)
                for value in labels.indices { labels[value] = 0 }
            }
        }
        if isLabelMap { for (label, count) in labels.enumerated() where count > 0 { counts[label] = count } }
        cubicMillimetres = counts.mapValues { Double($0) * spacing[0] * spacing[1] * distance }
    }

    /// mm between the nearest two planes of frames; nil where all lie in one.
    private static func gap(_ item: Item) -> Double? {
        let orientation = item.child(Attribute.sharedFunctionalGroupsSequence)?
            .child(Attribute.planeOrientationSequence)?.numbers(Attribute.imageOrientationPatient, count: 6)
        guard let o = orientation else { return nil }
        let normal = Vector3(o[0], o[1], o[2]).cross(Vector3(o[3], o[4], o[5]))
        var places: [Double] = []
        item.forEachChild(Attribute.perFrameFunctionalGroupsSequence) { frame in
            let plane = frame.child(Attribute.planePositionSequence)
            if let p = plane?.numbers(Attribute.imagePositionPatient, count: 3) {
                places.append(Vector3(p[0], p[1], p[2]).dot(normal) / normal.length)
            }
        }
        places.sort()
        return zip(places, places.dropFirst()).map { $1 - $0 }.filter { $0 > 1e-3 }.min()
    }

    /// Set bits in a range of them, the lowest of a byte first.
    private static func ones(_ bytes: UnsafeRawBufferPointer, _ bits: Range<Int>) -> Int {
        var count = 0
        var bit = bits.lowerBound
        while bit < bits.upperBound {
            if bit % 8 == 0, bit + 64 <= bits.upperBound {
                count += bytes.loadUnaligned(fromByteOffset: bit / 8, as: UInt64.self).nonzeroBitCount
                bit += 64
            } else {
                count += Int(bytes[bit / 8] >> (bit % 8) & 1)
                bit += 1
            }
        }
        return count
    }

    /// Pixels of each value but 0, of which most are: it is passed over eight bytes at a time.
    private static func count(_ bytes: UnsafeRawBufferPointer, bytesEach: Int, in counts: inout [Int]) {
        var byte = 0
        while byte < bytes.count {
            if byte + 8 <= bytes.count, bytes.loadUnaligned(fromByteOffset: byte, as: UInt64.self) == 0 {
                byte += 8
                continue
            }
            let value = Int(bytes[byte]) | (bytesEach == 2 ? Int(bytes[byte + 1]) << 8 : 0)
            if value > 0 { counts[value] += 1 }
            byte += bytesEach
        }
    }
}

/// Pixel Data at the end of an uncompressed little endian file, a frame at a time: mapped or read as a whole it would be in
/// memory next to the frames that were written.
private struct PixelFile {
    private let descriptor: Int32
    private let start: Int

    /// - Parameter length: of the value, in bytes.
    init(_ descriptor: Int32, length: Int) throws(ResultAudit.Defect) {
        self.descriptor = descriptor
        start = Int(lseek(descriptor, 0, SEEK_END)) - length
        // Explicit: tag, VR, two bytes, length. Implicit: tag, length.
        let header = (start < 12 ? nil : try read(-12..<0)) ?? []
        let tag: [UInt8] = [0xE0, 0x7F, 0x10, 0x00]
        let stated = header.suffix(4).reversed().reduce(0) { $0 << 8 | Int($1) }
        guard header.prefix(4).elementsEqual(tag) || header.dropFirst(4).prefix(4).elementsEqual(tag),
            stated == length
        else { throw ResultAudit.Defect(reason: "its pixel data has another length") }
    }

    private func read(_ range: Range<Int>) throws(ResultAudit.Defect) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: range.count)
        let count = bytes.withUnsafeMutableBytes {
            pread(descriptor, $0.baseAddress, $0.count, start + range.lowerBound)
        }
        guard count == range.count else { throw ResultAudit.Defect(reason: "it cannot be read again") }
        return bytes
    }

    /// The bytes that hold a range of bits, and where in the first of them it begins.
    func withBits(_ range: Range<Int>, _ body: (UnsafeRawBufferPointer, Int) -> Void) throws(ResultAudit.Defect) {
        let bytes = try read(range.lowerBound / 8..<(range.upperBound + 7) / 8)
        bytes.withUnsafeBytes { body($0, range.lowerBound % 8) }
    }
}
