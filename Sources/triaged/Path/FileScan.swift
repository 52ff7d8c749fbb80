// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DCMTK
import DICOM
import Storage

/// The bounded scan over a Part 10 file on disk: what lets a file near DCMTK's parser (decision 2).
enum FileScan {
    /// Throws where the file is no Part 10 file or its structure is refused.
    @discardableResult
    static func admit(_ path: String) throws -> InstanceHeader {
        let file = try Part10File(path: path)
        var scan = DataSetScan(
            transferSyntaxUID: file.meta.transferSyntaxUID,
            inflater: Inflaters.inflater(for: file.meta.transferSyntaxUID))
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 18, alignment: 16)
        defer { buffer.deallocate() }
        while true {
            let count = try file.read(into: buffer)
            guard count > 0 else { break }
            try scan.consume(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
        }
        return try scan.finish()
    }
}
