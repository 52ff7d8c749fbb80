// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DCMTK

/// The segments of a JPEG 2000 code stream (ISO/IEC 15444-1 A), walked before OpenJPEG sees them: OpenJPEG 2.5.0 reads
/// and asserts its way out of bounds on unknown markers and impossible lengths.
struct JPEG2000Structure {
    /// Tiles that a frame may be cut into; OpenJPEG keeps state for each before it decodes one.
    private static let maximumTiles = 4096

    private let stream: [UInt8]
    private var at = 0
    private var tiles = 0

    /// The stream up to the end of its last tile-part, closed by EOC; throws unless it is of `format` and all of it is
    /// there. OpenJPEG 2.5.0 asserts on a stream that ends without EOC, as some encoders write it.
    static func checked(_ stream: [UInt8], format: FrameFormat) throws(FrameDefect) -> [UInt8] {
        var structure = JPEG2000Structure(stream: stream)
        try structure.checkSize(format)
        try structure.checkMainHeader()
        try structure.checkTileParts()
        return stream[..<structure.at] + [0xFF, 0xD9]
    }

    private init(stream: [UInt8]) { self.stream = stream }

    private func word(_ at: Int) -> Int { Int(stream[at]) << 8 | Int(stream[at + 1]) }
    private func long(_ at: Int) -> Int { word(at) << 16 | word(at + 2) }

    /// SOC and SIZ (A.4.1, A.5.1).
    private mutating func checkSize(_ format: FrameFormat) throws(FrameDefect) {
        guard stream.count > 48, word(0) == 0xFF4F, word(2) == 0xFF51 else {
            throw FrameDefect("no JPEG 2000 code stream")
        }
        let (width, height, left, top) = (long(8), long(12), long(16), long(20))
        let (tileWidth, tileHeight, tileLeft, tileTop) = (long(24), long(28), long(32), long(36))
        let components = word(40)
        guard width - left == format.columns, height - top == format.rows, components == format.samplesPerPixel else {
            throw FrameDefect("the stream has another size than the data set says")
        }
        guard word(4) == 38 + 3 * components, stream.count > 42 + 3 * components, tileWidth > 0, tileHeight > 0,
            tileLeft <= left, tileTop <= top, tileLeft + tileWidth > left, tileTop + tileHeight > top
        else { throw FrameDefect("impossible JPEG 2000 tiles") }
        let across = (width - tileLeft + tileWidth - 1) / tileWidth
        let down = (height - tileTop + tileHeight - 1) / tileHeight
        let (count, overflow) = across.multipliedReportingOverflow(by: down)
        guard !overflow, count <= JPEG2000Structure.maximumTiles else {
            throw FrameDefect("more than \(JPEG2000Structure.maximumTiles) JPEG 2000 tiles")
        }
        tiles = count
        for component in 0..<components {
            let at = 42 + component * 3
            guard Int(stream[at] & 0x7F) + 1 <= format.bitsAllocated else {
                throw FrameDefect("the stream has more bits a sample than BitsAllocated")
            }
            guard stream[at + 1] == 1, stream[at + 2] == 1 else { throw FrameDefect("subsampled JPEG 2000") }
        }
        at = 4 + word(4)
    }

    private mutating func checkMainHeader() throws(FrameDefect) {
        var hasCoding = false
        var hasQuantization = false
        while true {
            guard at + 4 <= stream.count else { throw FrameDefect("the JPEG 2000 header is cut off") }
            switch word(at) {
            case 0xFF90:
                guard hasCoding, hasQuantization else { throw FrameDefect("a JPEG 2000 header without coding style") }
                return
            case 0xFF52: hasCoding = true
            case 0xFF5C: hasQuantization = true
            // COC, TLM, PLM, QCC, RGN, POC, CRG, COM. Packed packet headers (PPM) are not for images of this size.
            case 0xFF53, 0xFF55, 0xFF57, 0xFF5D...0xFF5F, 0xFF63, 0xFF64: break
            default: throw FrameDefect("an unknown marker in the JPEG 2000 header")
            }
            try skipSegment()
        }
    }

    /// SOT, its header up to SOD, and its data, each at its length (A.4.2, A.4.3).
    private mutating func checkTileParts() throws(FrameDefect) {
        var seen = Set<Int>()
        // A fragment is padded to even length.
        while at + 2 <= stream.count, word(at) != 0xFFD9 {
            guard word(at) == 0xFF90 else { throw FrameDefect("no tile-part where the JPEG 2000 stream has one") }
            guard at + 12 <= stream.count, word(at + 2) == 10, word(at + 4) < tiles else {
                throw FrameDefect("an impossible JPEG 2000 tile-part")
            }
            let length = long(at + 6)
            let end = length == 0 ? stream.count : at + length
            guard length == 0 || length >= 14, end <= stream.count else {
                throw FrameDefect("a JPEG 2000 tile-part is cut off")
            }
            seen.insert(word(at + 4))
            at += 12
            try skipTilePartHeader(end)
            at = end
        }
        // A tile that is not there would be decoded as black.
        guard seen.count == tiles else { throw FrameDefect("\(tiles - seen.count) JPEG 2000 tiles are missing") }
    }

    private mutating func skipTilePartHeader(_ end: Int) throws(FrameDefect) {
        while true {
            guard at + 2 <= end else { throw FrameDefect("a JPEG 2000 tile-part without data") }
            switch word(at) {
            case 0xFF93: return
            // COD, COC, QCD, QCC, RGN, POC, PLT, COM; not PPT.
            case 0xFF52, 0xFF53, 0xFF58, 0xFF5C...0xFF5F, 0xFF64: break
            default: throw FrameDefect("an unknown marker in a JPEG 2000 tile-part")
            }
            guard at + 4 <= end else { throw FrameDefect("a JPEG 2000 tile-part is cut off") }
            try skipSegment()
        }
    }

    private mutating func skipSegment() throws(FrameDefect) {
        let length = word(at + 2)
        guard length > 2, at + 2 + length <= stream.count else { throw FrameDefect("a JPEG 2000 segment is cut off") }
        at += 2 + length
    }
}
