// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DCMTK
import DICOM
import Glibc

/// The input is that of `ScanHarness`. What the scan accepts is read by DCMTK, as the worker does, which must survive it and find
/// the same instance (decision 2).
enum ParseHarness {
    static func violation(of input: [UInt8]) -> String? {
        guard input.count > 2 else { return nil }
        let syntax = ScanHarness.syntaxes[Int(input[0]) % ScanHarness.syntaxes.count]
        let body = Array(input[2...])
        guard case .success(let header) = ScanHarness.read(body, syntax, { body.count }).verdict else { return nil }

        var name = Array("/dev/shm/triaged-fuzz-XXXXXX".utf8CString)
        let file = mkstemp(&name)
        precondition(file >= 0, "no file")
        unlink(name)
        defer { close(file) }
        let bytes = head(syntax) + body
        precondition(bytes.withUnsafeBytes { write(file, $0.baseAddress, $0.count) } == bytes.count)
        // What DCMTK refuses after the scan is a failed analysis, no harm.
        guard let dataSet = try? DataSet(contentsOf: "/proc/self/fd/\(file)") else { return nil }
        return dataSet.withItem { difference(header, $0) }
    }

    private static func difference(_ header: InstanceHeader, _ item: Item) -> String? {
        for (tag, uid) in [
            (Tag(0x0008, 0x0016), header.sopClassUID), (Tag(0x0008, 0x0018), header.sopInstanceUID),
            (Tag(0x0020, 0x000D), header.studyInstanceUID), (Tag(0x0020, 0x000E), header.seriesInstanceUID),
        ] {
            // In a strange value representation DCMTK shows no UID at all; it must not show another.
            if let other = item.uid(tag), other != uid { return "\(tag) is \(uid) to the scan, \(other) to DCMTK" }
        }
        for (tag, value) in [
            (Tag(0x0028, 0x0010), header.rows), (Tag(0x0028, 0x0011), header.columns),
        ] {
            // The scan says nothing where it is in doubt.
            if let value, let other = item.integer(tag), value != other {
                return "\(tag) is \(value) to the scan, \(other) to DCMTK"
            }
        }
        for tag in [Tag(0x0010, 0x0010), Tag(0x0010, 0x0020), Tag(0x7FE0, 0x0010)] { _ = item.bytes(tag) }
        for tag in [Tag(0x0008, 0x1140), Tag(0x0009, 0x1001), Tag(0x0009, 0x1002)] {
            item.forEachChild(tag) { _ = $0.bytes(Tag(0x0008, 0x1150)) }
        }
        return nil
    }

    /// Preamble, prefix, group length and transfer syntax: all that DCMTK asks for.
    private static func head(_ syntax: UID) -> [UInt8] {
        var uid = Array(syntax.string.utf8)
        if uid.count & 1 == 1 { uid.append(0) }
        let element = [2, 0, 0x10, 0] + Array("UI".utf8) + [UInt8(uid.count), 0] + uid
        return [UInt8](repeating: 0, count: 128) + Array("DICM".utf8) + [2, 0, 0, 0] + Array("UL".utf8)
            + [4, 0, UInt8(element.count), 0, 0, 0] + element
    }
}
