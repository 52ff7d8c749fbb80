// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

/// What a JPEG or JPEG-LS stream says of itself before its first scan (ISO/IEC 10918-1 B.2, 14495-1 C.2).
struct JPEGHeader {
    enum Process { case sequential, lossless, jpegLS }

    var process: Process
    var precision: Int
    var rows: Int
    var columns: Int
    var components: Int

    init(_ stream: [UInt8]) throws(FrameDefect) {
        guard stream.count >= 4, stream[0] == 0xFF, stream[1] == 0xD8 else { throw FrameDefect("no JPEG stream") }
        var at = 2
        while at + 4 <= stream.count {
            guard stream[at] == 0xFF else { throw FrameDefect("no marker where the JPEG header has one") }
            let marker = stream[at + 1]
            // Fill bytes may precede a marker.
            if marker == 0xFF {
                at += 1
                continue
            }
            let length = Int(stream[at + 2]) << 8 | Int(stream[at + 3])
            guard length >= 2, at + 2 + length <= stream.count else { throw FrameDefect("a JPEG segment is cut off") }
            switch marker {
            case 0xC0, 0xC1: process = .sequential
            case 0xC3: process = .lossless
            case 0xF7: process = .jpegLS
            // The other start-of-frame markers: progressive, hierarchical and arithmetic, all retired in DICOM.
            case 0xC2, 0xC5...0xC7, 0xC9...0xCB, 0xCD...0xCF: throw FrameDefect("a JPEG process that DICOM has retired")
            case 0xDA: throw FrameDefect("a JPEG scan before the frame header")
            default:
                at += 2 + length
                continue
            }
            guard length >= 8 else { throw FrameDefect("the JPEG frame header is cut off") }
            precision = Int(stream[at + 4])
            rows = Int(stream[at + 5]) << 8 | Int(stream[at + 6])
            columns = Int(stream[at + 7]) << 8 | Int(stream[at + 8])
            components = Int(stream[at + 9])
            guard (2...16).contains(precision) else { throw FrameDefect("\(precision) bits a sample") }
            return
        }
        throw FrameDefect("the JPEG stream has no frame header")
    }
}
