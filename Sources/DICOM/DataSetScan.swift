// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

/// Reads a data set once, as it arrives, in pieces cut anywhere: accepts or refuses its structure without recursion and
/// within bounds, and gathers the attributes of `InstanceHeader` from its top level.
///
/// Where readers disagree, it follows DCMTK 3.6.7 with its default settings or refuses, so that what DCMTK parses
/// afterwards nests no deeper than what was accepted here. Values that are not gathered are passed over, never copied.
package struct DataSetScan: Sendable {
    package struct Limits: Sendable, Equatable {
        /// Sequences inside sequences; pixel data fragments count as one.
        package var maximumDepth: Int
        /// Elements, items and fragments at all levels together.
        package var maximumElements: Int
        /// Bytes of one gathered value.
        package var maximumHeaderValueLength: Int

        package init(maximumDepth: Int = 64, maximumElements: Int = 2_000_000, maximumHeaderValueLength: Int = 65_536) {
            self.maximumDepth = maximumDepth
            self.maximumElements = maximumElements
            self.maximumHeaderValueLength = maximumHeaderValueLength
        }
    }

    /// What encloses the next header.
    struct Level {
        enum Kind: UInt8 { case dataSet, sequence, item, fragments }

        var kind: Kind
        var encoding: DataSetEncoding
        var hasUndefinedLength: Bool
        /// No byte of this level lies at or after this offset; inherited where the length is undefined.
        var end: UInt64
    }

    let transferSyntaxUID: UID
    let limits: Limits
    let inflater: (any Inflater)?
    /// DCMTK guesses the encoding from the first element where it does not know the transfer syntax.
    let mustBeginPlainly: Bool

    var failure: ScanError?
    /// Bytes consumed, less those that wait in `partial`.
    var position: UInt64 = 0
    /// Value bytes that are still to come for the current element.
    var remaining: UInt64 = 0
    var captured: Slot?
    /// A header that was cut by the end of a piece.
    var partial: (UInt64, UInt64) = (0, 0)
    var partialCount = 0

    var level: Level
    var parents: [Level] = []
    var depth = 0
    var elements = 0

    var lastTag: UInt32 = 0
    var harvest: Harvest
    var pixels = PixelRecord()

    /// - Parameter inflater: needed for the deflated transfer syntaxes, which are refused without one.
    package init(transferSyntaxUID: UID, limits: Limits = .init(), inflater: (any Inflater)? = nil) {
        self.transferSyntaxUID = transferSyntaxUID
        self.limits = limits
        let syntax = SyntaxTraits(transferSyntaxUID)
        self.inflater = syntax.isDeflated ? inflater : nil
        mustBeginPlainly = syntax.isEncapsulated
        level = Level(kind: .dataSet, encoding: syntax.encoding ?? .explicitLittle, hasUndefinedLength: true, end: .max)
        harvest = Harvest(encoding: syntax.encoding ?? .explicitLittle)
        if syntax.encoding == nil || (syntax.isDeflated && inflater == nil) {
            failure = .unsupportedTransferSyntax(transferSyntaxUID)
        }
        parents.reserveCapacity(8)
    }

    /// Offset, from the first byte of the data set, at which the top-level Pixel Data (also Float or Double Float)
    /// element begins; nil until it was seen, and in deflated data sets, whose bytes are others than those scanned.
    package var pixelDataOffset: UInt64? { inflater == nil ? pixels.offset : nil }

    /// Takes the bytes that follow those of the last call. After it has thrown, every further call throws the same.
    package mutating func consume(_ bytes: UnsafeRawBufferPointer) throws(ScanError) {
        if let failure { throw failure }
        do throws(ScanError) {
            if let inflater {
                try inflater.inflate(bytes) { inflated throws(ScanError) in try advance(over: inflated) }
            } else {
                try advance(over: bytes)
            }
        } catch {
            failure = error
            throw error
        }
    }

    /// The data set ended here. Throws when it is cut short or does not say which instance it is.
    package mutating func finish() throws(ScanError) -> InstanceHeader {
        if let failure { throw failure }
        do throws(ScanError) {
            if let inflater { try inflater.finish() }
            guard partialCount == 0, remaining == 0, parents.isEmpty else {
                throw .truncated(offset: position + UInt64(partialCount))
            }
            return try header()
        } catch {
            failure = error
            throw error
        }
    }

    mutating func advance(over bytes: UnsafeRawBufferPointer) throws(ScanError) {
        guard let base = bytes.baseAddress else { return }
        var offset = 0
        while true {
            if remaining > 0 {
                let count = Int(min(remaining, UInt64(bytes.count - offset)))
                if captured != nil {
                    harvest.bytes.append(contentsOf: UnsafeRawBufferPointer(start: base + offset, count: count))
                }
                offset += count
                position += UInt64(count)
                remaining -= UInt64(count)
                if remaining > 0 { return }
                captured = nil
            }
            while position == level.end, !level.hasUndefinedLength { leave() }

            let available = bytes.count - offset
            if partialCount == 0, available >= DataSetScan.longestHeader {
                offset += try readHeader(UnsafeRawPointer(base + offset))
                continue
            }
            if available == 0 { return }
            offset += try readCutHeader(UnsafeRawBufferPointer(start: base + offset, count: available))
        }
    }

    static let longestHeader = 12

    /// Gathers a header from the end of one piece and the beginning of the next; returns how many bytes it took.
    mutating func readCutHeader(_ bytes: UnsafeRawBufferPointer) throws(ScanError) -> Int {
        var taken = 0
        var needed = 8
        while true {
            let count = min(needed - partialCount, bytes.count - taken)
            if count > 0 {
                let from = UnsafeRawBufferPointer(rebasing: bytes[taken..<taken + count])
                withUnsafeMutableBytes(of: &partial) { [partialCount] to in
                    UnsafeMutableRawBufferPointer(rebasing: to[partialCount...]).copyMemory(from: from)
                }
                taken += count
                partialCount += count
            }
            if partialCount < needed { return taken }
            let full = withUnsafeBytes(of: partial) { headerLength($0.baseAddress!) }
            if full <= needed { break }
            needed = full
        }

        let copy = partial
        let used = try DataSetScan.withHeader(copy) { pointer throws(ScanError) in try readHeader(pointer) }
        // A look ahead into the value took more bytes than the header has: they are value, or the next header's first.
        let surplus = partialCount - used
        partialCount = 0
        if surplus > 0, remaining > 0 {
            remaining -= UInt64(surplus)
            position += UInt64(surplus)
        } else if surplus > 0 {
            partialCount = surplus
            withUnsafeMutableBytes(of: &partial) { to in
                withUnsafeBytes(of: copy) { from in
                    to.copyMemory(from: UnsafeRawBufferPointer(rebasing: from[used..<used + surplus]))
                }
            }
        }
        return taken
    }

    private static func withHeader(
        _ header: (UInt64, UInt64), _ body: (UnsafeRawPointer) throws(ScanError) -> Int
    ) throws(ScanError) -> Int {
        try withUnsafeBytes(of: header) { bytes throws(ScanError) in try body(bytes.baseAddress!) }
    }

    mutating func enter(
        _ kind: Level.Kind, _ encoding: DataSetEncoding, length: UInt32, tag: UInt32, at offset: UInt64
    ) throws(ScanError) {
        let isUndefined = length == DataSetScan.undefinedLength
        let end = isUndefined ? level.end : position + UInt64(length)
        guard end <= level.end else { throw .pastParent(Tag(tag), offset: offset) }
        if kind != .item {
            guard depth < limits.maximumDepth else {
                throw .nestingTooDeep(limit: limits.maximumDepth, offset: offset)
            }
            depth += 1
        }
        parents.append(level)
        level = Level(kind: kind, encoding: encoding, hasUndefinedLength: isUndefined, end: end)
    }

    mutating func leave() {
        if level.kind != .item { depth -= 1 }
        level = parents.removeLast()
    }
}
