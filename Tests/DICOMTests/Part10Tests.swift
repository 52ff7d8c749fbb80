// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import DICOM

@Suite("A DICOM file")
struct Part10Tests {
    private func meta(_ body: (inout DataSetWriter) -> Void, lengthOff: Int? = 0) -> [UInt8] {
        var w = DataSetWriter(.explicit)
        body(&w)
        var file = DataSetWriter(.explicit)
        file.bytes = [UInt8](repeating: 0, count: 128) + Array("DICM".utf8)
        if let lengthOff {
            file.header(0x0002_0000, "UL", length: 4)
            file.u32(UInt32(w.bytes.count + lengthOff))
        }
        return file.bytes + w.bytes
    }
    private func usual(_ w: inout DataSetWriter, syntax: String = "1.2.840.10008.1.2.1") {
        w.element(0x0002_0001, "OB", [0, 1])
        w.element(0x0002_0002, "UI", "1.2.840.10008.5.1.4.1.1.2")
        w.element(0x0002_0003, "UI", "1.2.3.4")
        w.element(0x0002_0010, "UI", syntax)
        w.element(0x0002_0016, "AE", "CT1")
    }
    private func read(_ bytes: [UInt8], piece: Int = .max) throws(Part10Error) -> (
        Part10Header?, InstanceHeader, UInt64?
    ) {
        var scan = Part10Scan()
        for start in stride(from: 0, to: bytes.count, by: max(1, min(piece, bytes.count))) {
            let part = bytes[start..<min(start + min(piece, bytes.count), bytes.count)]
            let result: Result<Void, Part10Error> = part.withUnsafeBytes { part in
                do throws(Part10Error) { return .success(try scan.consume(part)) } catch { return .failure(error) }
            }
            try result.get()
        }
        return (scan.fileHeader, try scan.finish(), scan.pixelDataOffset)
    }
    private func error(_ bytes: [UInt8]) -> Part10Error? {
        do throws(Part10Error) {
            _ = try read(bytes)
            return nil
        } catch { return error }
    }

    @Test(
        "gives its meta information, its header and where its pixels lie, in pieces of any size",
        arguments: [1, 7, 131, 132, 133, 400, .max])
    func reads(piece: Int) throws {
        let head = meta { usual(&$0) }
        let (file, header, pixels) = try read(head + DataSetWriter.slice(.explicit), piece: piece)
        #expect(file?.mediaStorageSOPClassUID?.string == "1.2.840.10008.5.1.4.1.1.2")
        #expect(file?.mediaStorageSOPInstanceUID?.string == "1.2.3.4")
        #expect(file?.transferSyntaxUID.string == "1.2.840.10008.1.2.1")
        #expect(file?.dataSetOffset == head.count)
        #expect(header.patient.patientID == "P-1")
        #expect(pixels == UInt64(head.count + DataSetWriter.slice(.explicit, pixels: false).count))
    }

    @Test("may lack its group length")
    func withoutLength() throws {
        let head = meta({ usual(&$0) }, lengthOff: nil)
        #expect(try read(head + DataSetWriter.slice(.explicit)).0?.dataSetOffset == head.count)
    }

    @Test(
        "is refused where its meta information ends in two places",
        arguments: [-8, -1, 1, 14, 100_000, Int(UInt32.max) - 200])
    func wrongLength(_ off: Int) {
        guard case .malformedFileMeta = error(meta({ usual(&$0) }, lengthOff: off) + DataSetWriter.slice(.explicit))
        else {
            Issue.record("accepted")
            return
        }
    }

    @Test("is refused where the transfer syntax is missing, twice, padded with spaces or no UID")
    func syntax() {
        let wrong: [(inout DataSetWriter) -> Void] = [
            { $0.element(0x0002_0002, "UI", "1.2 ") },
            {
                usual(&$0)
                $0.element(0x0002_0010, "UI", "1.2.840.10008.1.2")
            },
            { usual(&$0, syntax: "1.2.840.10008.1.2.1 ") }, { usual(&$0, syntax: "1.2..3") },
            { $0.element(0x0002_0010, "UI", Array("1.2.840.10008.1.2.1\0\0".utf8)) },
            {
                $0.header(0x0002_0001, "SQ", length: 0)
                usual(&$0)
            },
            { $0.header(0x0002_0102, "OB", length: .max) },
        ]
        for (index, body) in wrong.enumerated() {
            guard case .malformedFileMeta = error(meta(body) + DataSetWriter.slice(.explicit)) else {
                Issue.record("case \(index) was accepted")
                continue
            }
        }
    }

    @Test("is no file without a preamble")
    func notPart10() {
        #expect(error(DataSetWriter.slice(.explicit)) == .notPart10)
        #expect(error(Array("MZ".utf8)) == .notPart10)
        #expect(error([UInt8](repeating: 0, count: 5000)) == .notPart10)
    }

    @Test("cut at any byte of its head is refused")
    func cut() {
        let head = meta { usual(&$0) }
        for end in 0..<head.count { #expect(error(Array(head[..<end])) != nil) }
        #expect(error(head) == .dataSet(.missingUID(Tag(0x0008, 0x0016))))
    }
}
