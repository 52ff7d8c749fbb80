// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

/// Preamble and file meta information of a DICOM file (PS3.10 7.1), from its first bytes.
///
/// Where its end, or the transfer syntax, could be read in two ways, it is refused: DCMTK would then parse another data set
/// than the one that was scanned.
package struct Part10Header: Sendable, Equatable {
    package var mediaStorageSOPClassUID: UID?
    package var mediaStorageSOPInstanceUID: UID?
    package var transferSyntaxUID: UID
    /// Where the data set begins, from the beginning of the file.
    package var dataSetOffset: Int

    /// File meta information is a few hundred bytes; nothing longer is read.
    package static let maximumLength = 1 << 20

    /// Nil where more bytes are needed to see where the data set begins; `maximumLength` and two are always enough.
    package init?(prefix bytes: UnsafeRawBufferPointer) throws(Part10Error) {
        guard bytes.count >= 132 else { return nil }
        guard bytes[128..<132].elementsEqual("DICM".utf8) else { throw .notPart10 }
        let encoding = DataSetEncoding.explicitLittle
        var offset = 132
        var end: Int?
        var sopClass: UID?
        var instance: UID?
        var syntax: UID?
        var last: UInt32 = 0

        while offset != end {
            if offset > Part10Header.maximumLength { throw .malformedFileMeta(Tag(last)) }
            guard let base = bytes.baseAddress, bytes.count - offset >= 2 else { return nil }
            if end == nil {
                // Without a group length DCMTK takes 02 00 and 00 02 for file meta information.
                let group = encoding.shortLength(base + offset)
                if group == 0x0200 { throw .malformedFileMeta(Tag(last)) }
                if group != 0x0002 { break }
            }
            guard bytes.count - offset >= 12 else { return nil }
            let tag = encoding.tag(base + offset)
            let form = VRForm(VRForm.name(base + offset + 4))
            // Ascending, so once each; the first tells every reader that this is Explicit VR Little Endian.
            guard tag >> 16 == 0x0002, tag > last, last != 0 || [0, 1, 2, 3, 0x10].contains(tag & 0xFFFF),
                form == .short || form == .word || form == .long || form == .unknown,
                VRForm.isStandard(VRForm.name(base + offset + 4))
            else { throw .malformedFileMeta(Tag(tag)) }
            let size = form == .short ? 8 : 12
            let length =
                form == .short ? Int(encoding.shortLength(base + offset + 6)) : Int(encoding.length(base + offset + 8))
            let next = offset + size + length
            if next > end ?? Part10Header.maximumLength { throw .malformedFileMeta(Tag(tag)) }
            guard bytes.count >= next else { return nil }
            let value = bytes[offset + size..<next]
            switch tag & 0xFFFF {
            case 0x0000:
                guard length == 4, VRForm.name(base + offset + 4) == VRForm.code("UL") else {
                    throw .malformedFileMeta(Tag(tag))
                }
                end = next + Int(encoding.length(base + offset + size))
                if end! > Part10Header.maximumLength { throw .malformedFileMeta(Tag(tag)) }
            case 0x0002: sopClass = UID(bytes: value)
            case 0x0003: instance = UID(bytes: value)
            case 0x0010:
                // Padded as the standard says, or not at all: DCMTK knows no other spelling.
                syntax = value.last == 0x20 || value.dropLast().last == 0 ? nil : UID(bytes: value)
            default: break
            }
            last = tag
            offset = next
        }
        guard let syntax else { throw .malformedFileMeta(Tag(0x0002, 0x0010)) }
        mediaStorageSOPClassUID = sopClass
        mediaStorageSOPInstanceUID = instance
        transferSyntaxUID = syntax
        dataSetOffset = offset
    }
}
