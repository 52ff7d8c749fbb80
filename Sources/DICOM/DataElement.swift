// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

/// An element of a data set that is small enough to be held, such as a query's identifier.
package struct DataElement: Sendable, Equatable {
    package enum Value: Sendable, Equatable {
        /// As encoded; of US in little endian, whatever the transfer syntax.
        case bytes([UInt8])
        case items([[DataElement]])
    }

    package var tag: Tag
    /// Two letters; "UN" where the encoding does not tell.
    package var vr: String
    package var value: Value

    package init(_ tag: Tag, _ vr: String, _ value: Value) {
        self.tag = tag
        self.vr = vr
        self.value = value
    }

    package var isEmpty: Bool {
        switch value {
        case .bytes(let bytes): bytes.isEmpty
        case .items(let items): items.isEmpty
        }
    }

    package var bytes: [UInt8] { if case .bytes(let bytes) = value { bytes } else { [] } }
}

extension [DataElement] {
    package subscript(tag: Tag) -> DataElement? { first { $0.tag == tag } }

    /// Sequences nest far less in what is read this way; it bounds the reader's recursion.
    static let maximumDepth = 8
    static let maximumElements = 50_000

    /// Reads a whole data set of one of the native transfer syntaxes. The scan accepts its structure first (decision 2), with
    /// bounds tighter than those of an instance.
    package init(decoding bytes: [UInt8], transferSyntaxUID: UID) throws(ScanError) {
        var scan = DataSetScan(
            transferSyntaxUID: transferSyntaxUID,
            limits: .init(
                maximumDepth: Self.maximumDepth, maximumElements: Self.maximumElements,
                maximumHeaderValueLength: bytes.count))
        let result = bytes.withUnsafeBytes { buffer in
            Result { () throws(ScanError) -> [DataElement] in
                try scan.consume(buffer)
                do throws(ScanError) { _ = try scan.finish() } catch {
                    // It need not be an instance.
                    if error.isStructural { throw error }
                }
                var reader = ElementReader(bytes: buffer)
                return try reader.elements(
                    until: buffer.count, SyntaxTraits(transferSyntaxUID).encoding ?? .explicitLittle, depth: 0)
            }
        }
        self = try result.get()
    }

    /// In ascending order of tags, values padded to even length, sequences with defined lengths.
    package func encoded(as transferSyntax: TransferSyntax) -> [UInt8] {
        var bytes: [UInt8] = []
        for element in sorted(by: { $0.tag < $1.tag }) { element.append(to: &bytes, transferSyntax) }
        return bytes
    }
}

extension DataElement {
    fileprivate func append(to bytes: inout [UInt8], _ syntax: TransferSyntax) {
        func number(_ value: Int, _ count: Int) -> [UInt8] {
            let little = (0..<count).map { UInt8(value >> (8 * $0) & 0xFF) }
            return syntax.isBigEndian ? little.reversed() : little
        }
        func header(_ tag: Tag) -> [UInt8] { number(Int(tag.group), 2) + number(Int(tag.element), 2) }
        let body: [UInt8]
        switch value {
        case .bytes(let value) where vr == "US" && syntax.isBigEndian:
            body = stride(from: 0, to: value.count - 1, by: 2).flatMap { [value[$0 + 1], value[$0]] }
        case .bytes(let value):
            body = value.count & 1 == 0 ? value : value + [vr == "UI" || vr == "OB" || vr == "UN" ? 0 : 0x20]
        case .items(let items):
            body = items.reduce(into: []) { body, item in
                let encoded = item.encoded(as: syntax)
                body += header(Tag(0xFFFE, 0xE000)) + number(encoded.count, 4) + encoded
            }
        }
        bytes += header(tag)
        guard syntax.isExplicitVR else {
            bytes += number(body.count, 4) + body
            return
        }
        let form = Array(vr.utf8)
        bytes += form
        switch VRForm(UInt16(form[0]) << 8 | UInt16(form[1])) {
        case .short, .invalid:
            // A value that its length cannot tell is left out (PS3.5 6.2.2 would have it be UN, which few can read).
            bytes += body.count <= 0xFFFE ? number(body.count, 2) + body : [0, 0]
        case .word, .long, .sequence, .unknown: bytes += [0, 0] + number(body.count, 4) + body
        }
    }
}

/// Reads what the scan has accepted; the depth is bounded by it.
private struct ElementReader {
    let bytes: UnsafeRawBufferPointer
    var offset = 0

    init(bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

    private func at(_ count: Int) throws(ScanError) -> UnsafeRawPointer {
        guard let base = bytes.baseAddress, bytes.count - offset >= count else {
            throw .truncated(offset: UInt64(bytes.count))
        }
        return base + offset
    }

    /// Up to `end`, or to an item delimitation.
    mutating func elements(until end: Int, _ encoding: DataSetEncoding, depth: Int) throws(ScanError) -> [DataElement] {
        var elements: [DataElement] = []
        while offset < end {
            let head = try at(8)
            let tag = encoding.tag(head)
            if tag == 0xFFFE_E00D {
                offset += 8
                break
            }
            elements.append(try element(tag, head, encoding, depth: depth))
        }
        return elements
    }

    private mutating func element(
        _ tag: UInt32, _ head: UnsafeRawPointer, _ encoding: DataSetEncoding, depth: Int
    ) throws(ScanError) -> DataElement {
        guard encoding != .implicitLittle else {
            let length = encoding.length(head + 4)
            offset += 8
            let isSequence = length == DataSetScan.undefinedLength || SequenceTags.contains(tag)
            return DataElement(
                Tag(tag), isSequence ? "SQ" : "UN",
                isSequence ? try sequence(length, encoding, depth: depth) : try value(Int(length)))
        }
        let name = VRForm.name(head + 4)
        let form = VRForm(name)
        let length: UInt32
        if form == .short {
            length = UInt32(encoding.shortLength(head + 6))
            offset += 8
        } else {
            length = encoding.length(try at(12) + 8)
            offset += 12
        }
        // UN of undefined length is a sequence in Implicit VR Little Endian (PS3.5 6.2.2).
        if form == .sequence || length == DataSetScan.undefinedLength {
            if form == .word { return DataElement(Tag(tag), "OB", try skippedFragments(encoding)) }
            return DataElement(
                Tag(tag), "SQ",
                try sequence(length, form == .unknown ? .implicitLittle : encoding, depth: depth))
        }
        let vr =
            VRForm.isStandard(name) ? String(decoding: [UInt8(name >> 8), UInt8(name & 0xFF)], as: UTF8.self) : "UN"
        var value = try value(Int(length))
        if encoding == .explicitBig, vr == "US", case .bytes(let big) = value {
            value = .bytes(stride(from: 0, to: big.count - 1, by: 2).flatMap { [big[$0 + 1], big[$0]] })
        }
        return DataElement(Tag(tag), vr, value)
    }

    private mutating func value(_ length: Int) throws(ScanError) -> DataElement.Value {
        let start = try at(length)
        offset += length
        return .bytes(Array(UnsafeRawBufferPointer(start: start, count: length)))
    }

    /// Encapsulated pixels, which nobody here wants.
    private mutating func skippedFragments(_ encoding: DataSetEncoding) throws(ScanError) -> DataElement.Value {
        while true {
            let head = try at(8)
            offset += 8
            if encoding.tag(head) == 0xFFFE_E0DD { return .bytes([]) }
            let length = Int(encoding.length(head + 4))
            _ = try at(length)
            offset += length
        }
    }

    private mutating func sequence(
        _ length: UInt32, _ encoding: DataSetEncoding, depth: Int
    ) throws(ScanError) -> DataElement.Value {
        guard depth < [DataElement].maximumDepth else {
            throw .nestingTooDeep(limit: [DataElement].maximumDepth, offset: UInt64(offset))
        }
        let isUndefined = length == DataSetScan.undefinedLength
        let end = isUndefined ? bytes.count : offset + Int(length)
        var items: [[DataElement]] = []
        while offset < end {
            let head = try at(8)
            let tag = encoding.tag(head)
            let itemLength = encoding.length(head + 4)
            offset += 8
            if tag == 0xFFFE_E0DD { break }
            let itemEnd = itemLength == DataSetScan.undefinedLength ? bytes.count : offset + Int(itemLength)
            items.append(try elements(until: min(itemEnd, bytes.count), encoding, depth: depth + 1))
        }
        return .items(items)
    }
}
