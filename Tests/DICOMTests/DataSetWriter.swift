// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import DICOM

/// Testing has tags of its own.
typealias Tag = DICOM.Tag

/// Writes data sets, right and wrong ones, for the scan to read.
struct DataSetWriter {
    enum Encoding: String, CaseIterable, CustomTestStringConvertible, Sendable {
        case implicit, explicit, big

        var uid: UID {
            switch self {
            case .implicit: UID(literal: "1.2.840.10008.1.2")
            case .explicit: UID(literal: "1.2.840.10008.1.2.1")
            case .big: UID(literal: "1.2.840.10008.1.2.2")
            }
        }
        var testDescription: String { rawValue }
    }

    let encoding: Encoding
    var bytes: [UInt8] = []

    init(_ encoding: Encoding) { self.encoding = encoding }

    mutating func u16(_ value: UInt16) {
        let halves = [UInt8(truncatingIfNeeded: value), UInt8(value >> 8)]
        bytes += encoding == .big ? halves.reversed() : halves
    }
    mutating func u32(_ value: UInt32) {
        let (low, high) = (UInt16(truncatingIfNeeded: value), UInt16(value >> 16))
        if encoding == .big {
            u16(high)
            u16(low)
        } else {
            u16(low)
            u16(high)
        }
    }
    mutating func tag(_ tag: UInt32) {
        u16(UInt16(tag >> 16))
        u16(UInt16(truncatingIfNeeded: tag))
    }

    mutating func header(_ tag: UInt32, _ vr: String, length: UInt32) {
        self.tag(tag)
        if encoding == .implicit { return u32(length) }
        bytes += Array(vr.utf8)
        if ["OB", "OW", "OF", "OD", "OL", "OV", "SQ", "UC", "UN", "UR", "UT", "SV", "UV", "OX", "ZZ"].contains(vr) {
            u16(0)
            u32(length)
        } else {
            u16(UInt16(length))
        }
    }
    mutating func element(_ tag: UInt32, _ vr: String, _ value: [UInt8]) {
        header(tag, vr, length: UInt32(value.count))
        bytes += value
    }
    /// Padded to an even length.
    mutating func element(_ tag: UInt32, _ vr: String, _ value: String) {
        var value = Array(value.utf8)
        if value.count % 2 == 1 { value.append(vr == "UI" ? 0 : 0x20) }
        element(tag, vr, value)
    }
    mutating func short(_ tag: UInt32, _ value: UInt16) {
        header(tag, "US", length: 2)
        u16(value)
    }
    mutating func item(length: UInt32) {
        tag(0xFFFE_E000)
        u32(length)
    }
    mutating func itemEnd() {
        tag(0xFFFE_E00D)
        u32(0)
    }
    mutating func sequenceEnd() {
        tag(0xFFFE_E0DD)
        u32(0)
    }

    /// A sequence of items, with lengths or delimiters.
    mutating func sequence(_ tag: UInt32, defined: Bool, _ items: [(inout DataSetWriter) -> Void]) {
        if defined {
            var inner = DataSetWriter(encoding)
            for item in items {
                var body = DataSetWriter(encoding)
                item(&body)
                inner.item(length: UInt32(body.bytes.count))
                inner.bytes += body.bytes
            }
            header(tag, "SQ", length: UInt32(inner.bytes.count))
            bytes += inner.bytes
        } else {
            header(tag, "SQ", length: .max)
            for item in items {
                self.item(length: .max)
                item(&self)
                itemEnd()
            }
            sequenceEnd()
        }
    }

    /// What every instance has, in front of `rest`.
    static func instance(_ encoding: Encoding, _ rest: (inout DataSetWriter) -> Void = { _ in }) -> [UInt8] {
        var writer = DataSetWriter(encoding)
        writer.element(0x0008_0016, "UI", "1.2.840.10008.5.1.4.1.1.2")
        writer.element(0x0008_0018, "UI", "1.2.3.4")
        writer.element(0x0020_000D, "UI", "1.2.3")
        writer.element(0x0020_000E, "UI", "1.2.3.1")
        rest(&writer)
        return writer.bytes
    }

    /// A CT slice with all that the scan gathers.
    static func slice(_ encoding: Encoding, rows: UInt16 = 4, columns: UInt16 = 4, pixels: Bool = true) -> [UInt8] {
        var w = DataSetWriter(encoding)
        w.element(0x0008_0005, "CS", "ISO_IR 100")
        w.element(0x0008_0008, "CS", "ORIGINAL\\PRIMARY\\AXIAL")
        w.element(0x0008_0016, "UI", "1.2.840.10008.5.1.4.1.1.2")
        w.element(0x0008_0018, "UI", "1.2.3.4")
        w.element(0x0008_0020, "DA", "20261121")
        w.element(0x0008_0030, "TM", "101500")
        w.element(0x0008_0050, "SH", "A100")
        w.element(0x0008_0060, "CS", "CT")
        w.element(0x0008_0070, "LO", "Maker")
        w.element(0x0008_1030, "LO", "Head")
        w.element(0x0008_103E, "LO", "Axial 5 mm")
        w.sequence(
            0x0008_1140, defined: true,
            [
                {
                    $0.element(0x0008_1150, "UI", "1.2")
                    // Its own, not the instance's.
                    $0.element(0x0010_0020, "LO", "NESTED")
                }
            ])
        w.element(0x0010_0010, "PN", Array("Buc^J".utf8) + [0xE9] + Array("r".utf8) + [0xF4] + Array("me".utf8))
        w.element(0x0010_0020, "LO", " P-1")
        w.element(0x0010_0021, "LO", "HOSPITAL")
        w.element(0x0010_0030, "DA", "19700102")
        w.element(0x0010_0040, "CS", "F")
        w.element(0x0018_0015, "CS", "HEAD")
        w.element(0x0018_0050, "DS", "5.000 ")
        w.element(0x0018_0088, "DS", "5")
        w.element(0x0018_1030, "LO", "Routine")
        w.element(0x0018_1120, "DS", "-12.5")
        w.element(0x0018_1210, "SH", "H30s\\3")
        w.element(0x0020_000D, "UI", "1.2.3")
        w.element(0x0020_000E, "UI", "1.2.3.1")
        w.element(0x0020_0010, "SH", "S1")
        w.element(0x0020_0011, "IS", "3 ")
        w.element(0x0020_0012, "IS", "1")
        w.element(0x0020_0013, "IS", Array("17".utf8) + [0, 0])
        w.element(0x0020_0032, "DS", "-125.5\\-100\\1e1")
        w.element(0x0020_0037, "DS", "1\\0\\0\\0\\1\\0")
        w.element(0x0020_0052, "UI", "1.2.3.9")
        w.element(0x0020_1002, "IS", "30")
        w.short(0x0028_0002, 1)
        w.element(0x0028_0004, "CS", "MONOCHROME2")
        w.short(0x0028_0010, rows)
        w.short(0x0028_0011, columns)
        w.element(0x0028_0030, "DS", "0.488281\\0.488281")
        w.short(0x0028_0100, 16)
        w.element(0x0028_0301, "CS", "NO")
        if pixels {
            w.element(0x7FE0_0010, "OW", [UInt8](repeating: 7, count: Int(rows) * Int(columns) * 2))
        }
        return w.bytes
    }
}

extension DataSetScan {
    /// The whole of `bytes` in pieces of `pieces` bytes, the last size repeated.
    static func read(
        _ bytes: [UInt8], _ uid: UID, limits: Limits = .init(), pieces: [Int] = [.max]
    ) throws(ScanError) -> InstanceHeader {
        var scan = DataSetScan(transferSyntaxUID: uid, limits: limits)
        try scan.consume(bytes, pieces: pieces)
        return try scan.finish()
    }

    mutating func consume(_ bytes: [UInt8], pieces: [Int] = [.max]) throws(ScanError) {
        var start = 0
        var index = 0
        while start < bytes.count {
            let end = start + min(pieces[min(index, pieces.count - 1)], bytes.count - start)
            try consumeOne(bytes[start..<end])
            start = end
            index += 1
        }
    }

    /// `Array.withUnsafeBytes` does not know typed errors.
    private mutating func consumeOne(_ bytes: ArraySlice<UInt8>) throws(ScanError) {
        let result: Result<Void, ScanError> = bytes.withUnsafeBytes { piece in
            do throws(ScanError) {
                return .success(try consume(piece))
            } catch {
                return .failure(error)
            }
        }
        try result.get()
    }
}
