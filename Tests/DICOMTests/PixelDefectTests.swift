// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import DICOM

@Suite("Pixel Data that its description does not fit")
struct PixelDefectTests {
    struct Image {
        var rows: UInt16? = 4
        var columns: UInt16? = 4
        var bits: UInt16? = 16
        var samples: UInt16? = 1
        var frames: String?
        var photometric = "MONOCHROME2"
        /// Bytes of native Pixel Data, or nil for none.
        var length: Int? = 32
        /// Lengths of the fragments after the Basic Offset Table.
        var fragments: [Int]?
        var syntax = "1.2.840.10008.1.2.1"

        func header() throws -> InstanceHeader {
            let bytes = DataSetWriter.instance(.explicit) { w in
                if let samples { w.short(0x0028_0002, samples) }
                w.element(0x0028_0004, "CS", photometric)
                if let frames { w.element(0x0028_0008, "IS", frames) }
                if let rows { w.short(0x0028_0010, rows) }
                if let columns { w.short(0x0028_0011, columns) }
                if let bits { w.short(0x0028_0100, bits) }
                if let fragments {
                    w.header(0x7FE0_0010, "OB", length: .max)
                    w.item(length: 0)
                    for fragment in fragments {
                        w.item(length: UInt32(fragment))
                        w.bytes += [UInt8](repeating: 0xFE, count: fragment)
                    }
                    w.sequenceEnd()
                } else if let length {
                    w.element(0x7FE0_0010, "OW", [UInt8](repeating: 0, count: length))
                }
            }
            return try DataSetScan.read(bytes, UID(syntax)!)
        }
    }

    static let jpeg = "1.2.840.10008.1.2.4.70"

    static let images: [(String, Image, [String])] = [
        ("all there", Image(), []), ("padded", Image(rows: 3, columns: 3, bits: 8, length: 10), []),
        ("one bit", Image(rows: 3, columns: 3, bits: 1, frames: "3", length: 4), []),
        ("one bit short", Image(rows: 3, columns: 3, bits: 1, frames: "4", length: 4), ["pixelDataShort"]),
        ("three samples", Image(bits: 8, samples: 3, photometric: "RGB", length: 48), []),
        ("subsampled", Image(bits: 8, samples: 3, photometric: "YBR_FULL_422", length: 32), []),
        ("one byte short", Image(length: 31), ["pixelDataShort"]),
        ("empty", Image(length: 0), ["pixelDataEmpty", "pixelDataShort"]),
        ("none", Image(length: nil), ["pixelDataMissing"]),
        ("65,535 frames and none there", Image(frames: "65535", length: nil), ["pixelDataMissing"]),
        ("65,535 frames and one there", Image(frames: "65535"), ["pixelDataShort"]),
        (
            "frames beyond 64 bits", Image(rows: 65535, columns: 65535, frames: "9223372036854775807"),
            ["pixelDataShort", "frameTooLarge"]
        ),
        (
            "rows and columns beyond 32 bits", Image(rows: 65535, columns: 65535, samples: 65535),
            ["pixelDataShort", "frameTooLarge"]
        ),
        ("no frames", Image(frames: "0"), ["numberOfFramesMalformed"]),
        ("negative frames", Image(frames: "-1"), ["numberOfFramesMalformed"]),
        ("no number", Image(frames: "many"), ["numberOfFramesMalformed"]),
        ("an empty number", Image(frames: "  "), []), ("no rows", Image(rows: nil), ["pixelGeometryMissing"]),
        ("zero columns", Image(columns: 0), ["pixelGeometryMissing"]),
        ("no bits", Image(bits: nil), ["pixelGeometryMissing"]),
        ("fragments", Image(frames: "2", fragments: [10, 10], syntax: jpeg), []),
        ("many fragments", Image(fragments: [10, 10, 2], syntax: jpeg), []),
        ("too few fragments", Image(frames: "3", fragments: [10, 10], syntax: jpeg), ["pixelDataShort"]),
        ("no fragments", Image(fragments: [], syntax: jpeg), ["pixelDataEmpty", "pixelDataShort"]),
        ("empty fragments", Image(fragments: [0, 0], syntax: jpeg), ["pixelDataEmpty", "pixelDataShort"]),
        ("native among encapsulated", Image(syntax: jpeg), ["pixelDataNotEncapsulated"]),
        ("encapsulated among native", Image(fragments: [10]), ["pixelDataEncapsulated"]),
        ("pixels behind a URL", Image(length: nil, syntax: "1.2.840.10008.1.2.4.94"), []),
    ]

    @Test("is stored and flagged", arguments: images.indices)
    func flags(_ index: Int) throws {
        let (name, image, expected) = PixelDefectTests.images[index]
        #expect(try image.header().defects == expected, "\(name)")
    }

    @Test("is flagged where Rows is no unsigned short")
    func rowsAsLong() throws {
        let bytes = DataSetWriter.instance(.explicit) { w in
            w.element(0x0028_0010, "UL", [0, 0, 1, 0])
            w.short(0x0028_0011, 4)
            w.element(0x7FE0_0010, "OW", [0, 0])
        }
        let header = try DataSetScan.read(bytes, DataSetWriter.Encoding.explicit.uid)
        #expect(header.rows == nil)
        #expect(header.defects == ["pixelGeometryMissing", "vrMismatch"])
    }

    @Test("fragments with undefined length, or cut, or with elements between them are refused")
    func fragments() {
        let wrong: [(inout DataSetWriter) -> Void] = [
            { $0.item(length: .max) }, { $0.item(length: 4) }, { $0.itemEnd() },
            { $0.element(0x0008_0005, "CS", "") }, { $0.item(length: 0) },
        ]
        for (index, body) in wrong.enumerated() {
            let bytes = DataSetWriter.instance(.explicit) { w in
                w.header(0x7FE0_0010, "OB", length: .max)
                body(&w)
            }
            #expect(throws: ScanError.self, "case \(index)") {
                _ = try DataSetScan.read(bytes, UID(PixelDefectTests.jpeg)!)
            }
        }
    }

    @Test("an icon's Pixel Data inside a sequence is not the instance's")
    func icon() throws {
        let bytes = DataSetWriter.instance(.explicit) { w in
            w.sequence(
                0x0088_0200, defined: false,
                [
                    {
                        $0.short(0x0028_0010, 64)
                        $0.header(0x7FE0_0010, "OB", length: .max)
                        $0.item(length: 0)
                        $0.item(length: 4)
                        $0.bytes += [1, 2, 3, 4]
                        $0.sequenceEnd()
                    }
                ])
        }
        let header = try DataSetScan.read(bytes, UID(PixelDefectTests.jpeg)!)
        #expect(!header.hasPixelData)
        #expect(header.rows == nil)
        #expect(header.defects == [])
    }

    @Test("fragments of an icon and of a private element are no frames")
    func otherFragments() throws {
        func fragments(_ w: inout DataSetWriter, _ tag: UInt32, _ count: Int) {
            w.header(tag, "OB", length: .max)
            w.item(length: 0)
            for _ in 0..<count {
                w.item(length: 4)
                w.bytes += [1, 2, 3, 4]
            }
            w.sequenceEnd()
        }
        for icon in [true, false] {
            let bytes = DataSetWriter.instance(.explicit) { w in
                w.short(0x0028_0002, 1)
                w.element(0x0028_0008, "IS", "2")
                w.short(0x0028_0010, 4)
                w.short(0x0028_0011, 4)
                w.short(0x0028_0100, 16)
                if icon {
                    w.sequence(0x0088_0200, defined: false, [{ fragments(&$0, 0x7FE0_0010, 3) }])
                } else {
                    fragments(&w, 0x0029_1010, 3)
                }
                fragments(&w, 0x7FE0_0010, 1)
            }
            #expect(try DataSetScan.read(bytes, UID(PixelDefectTests.jpeg)!).defects == ["pixelDataShort"])
        }
    }
}
