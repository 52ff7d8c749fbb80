// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

extension Tag {
    init(_ number: UInt32) { self.init(UInt16(truncatingIfNeeded: number >> 16), UInt16(truncatingIfNeeded: number)) }
}

extension DataSetScan {
    static let undefinedLength: UInt32 = 0xFFFF_FFFF
    private static let item: UInt32 = 0xFFFE_E000
    private static let itemDelimitation: UInt32 = 0xFFFE_E00D
    private static let sequenceDelimitation: UInt32 = 0xFFFE_E0DD
    private static let pixelData: UInt32 = 0x7FE0_0010

    /// How many bytes must be at hand before the header that begins with these 8 can be read: 8 to 12.
    func headerLength(_ bytes: UnsafeRawPointer) -> Int {
        guard level.kind == .dataSet || level.kind == .item else { return 8 }
        let tag = level.encoding.tag(bytes)
        if tag >> 16 == 0xFFFE { return 8 }
        switch level.encoding {
        case .implicitLittle:
            // The first bytes of a private value tell whether it is a sequence: see `looksLikeSequence`.
            return tag & 0x1_0000 == 0 ? 8 : 8 + Int(min(level.encoding.length(bytes + 4), 4))
        case .explicitLittle, .explicitBig:
            return VRForm(VRForm.name(bytes + 4)) == .short ? 8 : 12
        }
    }

    /// Reads one header; returns its length without any look ahead. `longestHeader` bytes, or `headerLength`, are there.
    mutating func readHeader(_ bytes: UnsafeRawPointer) throws(ScanError) -> Int {
        let offset = position
        let encoding = level.encoding
        let tag = encoding.tag(bytes)
        elements += 1
        guard elements <= limits.maximumElements else {
            throw .tooManyElements(limit: limits.maximumElements, offset: offset)
        }

        if level.kind == .sequence || level.kind == .fragments || tag >> 16 == 0xFFFE {
            try step(over: 8, tag)
            let length = encoding.length(bytes + 4)
            switch level.kind {
            case .sequence: try readItem(tag, length, at: offset)
            case .fragments: try readFragment(tag, length, at: offset)
            case .dataSet, .item: try readDelimiter(tag, length, at: offset)
            }
            return 8
        }

        switch encoding {
        case .implicitLittle:
            try step(over: 8, tag)
            let length = encoding.length(bytes + 4)
            try admit(tag, at: offset)
            if mustBeginPlainly, offset == 0 { try checkBeginning(tag, nil) }
            let form: VRForm
            if length == DataSetScan.undefinedLength {
                form = tag == DataSetScan.pixelData ? .word : .sequence
            } else if tag & 0x1_0000 != 0 {
                form = try looksLikeSequence(bytes + 8, length, tag, at: offset) ? .sequence : .word
            } else {
                form = SequenceTags.contains(tag) ? .sequence : .word
            }
            try readElement(tag, form, vr: 0, length, at: offset)
            return 8
        case .explicitLittle, .explicitBig:
            let vr = VRForm.name(bytes + 4)
            let form = VRForm(vr)
            let size = form == .short ? 8 : 12
            try step(over: size, tag)
            try admit(tag, at: offset)
            if mustBeginPlainly, offset == 0 { try checkBeginning(tag, vr) }
            if form == .short {
                try readElement(tag, form, vr: vr, UInt32(encoding.shortLength(bytes + 6)), at: offset)
            } else {
                try readElement(tag, form, vr: vr, encoding.length(bytes + 8), at: offset)
            }
            return size
        }
    }

    private mutating func step(over size: Int, _ tag: UInt32) throws(ScanError) {
        guard level.end - position >= UInt64(size) else { throw .pastParent(Tag(tag), offset: position) }
        position += UInt64(size)
    }

    private func admit(_ tag: UInt32, at offset: UInt64) throws(ScanError) {
        let group = tag >> 16
        if group == 0 || group == 2 { throw .forbiddenGroup(Tag(tag), offset: offset) }
        // The second half of an item tag after a two-byte value: see `looksLikeSequence`.
        if group == 0xE000 { throw .misplacedDelimiter(Tag(tag), offset: offset) }
    }

    /// DCMTK takes an encoding that it does not know by name from the first element. Group 0008 with a known value
    /// representation leaves it no choice but Explicit VR Little Endian.
    private func checkBeginning(_ tag: UInt32, _ vr: UInt16?) throws(ScanError) {
        guard tag >> 16 == 0x0008, let vr, VRForm.isStandard(vr) else { throw .invalidVR(Tag(tag), offset: 0) }
    }

    /// DCMTK's dictionary says for some private tags that they are sequences; in Implicit VR nothing else does. So a
    /// private value that begins as a sequence must be one to the end, whoever reads it.
    private func looksLikeSequence(
        _ value: UnsafeRawPointer, _ length: UInt32, _ tag: UInt32, at offset: UInt64
    ) throws(ScanError) -> Bool {
        guard length >= 2 else {
            // DCMTK reads 8 bytes of a sequence even where its length says fewer.
            if length == 1, value.load(as: UInt8.self) == 0xFE { throw .invalidVR(Tag(tag), offset: offset) }
            return false
        }
        guard value.loadUnaligned(as: UInt16.self).littleEndian == 0xFFFE else { return false }
        if length == 2 { return false }
        if length == 3 { throw .invalidVR(Tag(tag), offset: offset) }
        switch (value + 2).loadUnaligned(as: UInt16.self).littleEndian {
        case 0xE000, 0xE00D, 0xE0DD: return true
        default: return false
        }
    }

    private mutating func readItem(_ tag: UInt32, _ length: UInt32, at offset: UInt64) throws(ScanError) {
        switch tag {
        case DataSetScan.item:
            if parents.count == 1 { harvest.sawTopLevelItem() }
            try enter(.item, level.encoding, length: length, tag: tag, at: offset)
        case DataSetScan.sequenceDelimitation: try close(tag, length, at: offset)
        case DataSetScan.itemDelimitation: throw .misplacedDelimiter(Tag(tag), offset: offset)
        default: throw .notAnItem(Tag(tag), offset: offset)
        }
    }

    private mutating func readFragment(_ tag: UInt32, _ length: UInt32, at offset: UInt64) throws(ScanError) {
        switch tag {
        case DataSetScan.item:
            guard length != DataSetScan.undefinedLength else { throw .undefinedLength(Tag(tag), offset: offset) }
            if parents.count == 1, pixels.isOpen { pixels.sawFragment(length: length) }
            try pass(length, tag, at: offset)
        case DataSetScan.sequenceDelimitation: try close(tag, length, at: offset)
        case DataSetScan.itemDelimitation: throw .misplacedDelimiter(Tag(tag), offset: offset)
        default: throw .notAnItem(Tag(tag), offset: offset)
        }
    }

    private mutating func readDelimiter(_ tag: UInt32, _ length: UInt32, at offset: UInt64) throws(ScanError) {
        guard tag == DataSetScan.itemDelimitation, level.kind == .item else {
            throw .misplacedDelimiter(Tag(tag), offset: offset)
        }
        try close(tag, length, at: offset)
    }

    /// Some writers delimit what has a length too; that is harmless where both say the same. A delimiter's own length
    /// is read by nobody.
    private mutating func close(_ tag: UInt32, _ length: UInt32, at offset: UInt64) throws(ScanError) {
        guard level.hasUndefinedLength || position == level.end else {
            throw .misplacedDelimiter(Tag(tag), offset: offset)
        }
        if length != 0 { harvest.defects.insert(.delimiterLength) }
        leave()
    }

    private mutating func pass(_ length: UInt32, _ tag: UInt32, at offset: UInt64) throws(ScanError) {
        guard UInt64(length) <= level.end - position else { throw .pastParent(Tag(tag), offset: offset) }
        remaining = UInt64(length)
    }

    private mutating func readElement(
        _ tag: UInt32, _ form: VRForm, vr: UInt16, _ length: UInt32, at offset: UInt64
    ) throws(ScanError) {
        let isUndefined = length == DataSetScan.undefinedLength
        let slot = parents.isEmpty ? try note(tag, vr: vr, form, length, at: offset) : nil

        switch form {
        case .sequence:
            try enter(.sequence, level.encoding, length: length, tag: tag, at: offset)
        case .unknown where isUndefined:
            // PS3.5 6.2.2 Note 4: a sequence in Implicit VR Little Endian, whatever is around it.
            guard tag != DataSetScan.pixelData || vr == VRForm.ox else { throw .invalidVR(Tag(tag), offset: offset) }
            if tag == DataSetScan.pixelData {
                try enter(.fragments, level.encoding, length: length, tag: tag, at: offset)
            } else {
                try enter(.sequence, .implicitLittle, length: length, tag: tag, at: offset)
            }
        case .word where isUndefined && (tag == DataSetScan.pixelData || tag & 0x1_0000 != 0):
            try enter(.fragments, level.encoding, length: length, tag: tag, at: offset)
        case .invalid: throw .invalidVR(Tag(tag), offset: offset)
        case .word, .long, .short, .unknown:
            // 0xFFFFFFFF cannot be reached by a 16-bit length.
            if isUndefined { throw .undefinedLength(Tag(tag), offset: offset) }
            try pass(length, tag, at: offset)
            if let slot, try harvest.begin(slot, vr: vr, length: length, limits, at: offset) {
                captured = slot
            } else if harvest.watchesRequests, parents.count == 2 {
                captured = harvest.begin(request: tag, length: length)
            }
        }
        if captured != nil, remaining == 0 { captured = nil }
    }

    /// Keeps account of the top level: order, duplicates, pixel data, and what is to be gathered.
    private mutating func note(
        _ tag: UInt32, vr: UInt16, _ form: VRForm, _ length: UInt32, at offset: UInt64
    ) throws(ScanError) -> Slot? {
        // DCMTK sorts on reading, so disorder is no reason to refuse; peers send it.
        if tag < lastTag { harvest.defects.insert(.elementOrder) }
        lastTag = tag
        pixels.isOpen = false
        harvest.watchesItems = tag == Slot.contrastBolusAgentSequence
        harvest.watchesRequests = tag == Slot.requestAttributesSequence && harvest.requests.isEmpty

        if tag == DataSetScan.pixelData || tag == 0x7FE0_0008 || tag == 0x7FE0_0009 {
            guard form != .sequence, pixels.offset == nil else {
                throw form == .sequence
                    ? .invalidVR(Tag(tag), offset: offset) : .duplicateAttribute(Tag(tag), offset: offset)
            }
            pixels.begin(at: offset, length: length)
            return nil
        }
        guard tag < 0xFFFF_0000, let slot = Slot(rawValue: tag) else { return nil }
        if form == .sequence || length == DataSetScan.undefinedLength { throw .invalidVR(Tag(tag), offset: offset) }
        // DCMTK shows the bytes of a binary value as other digits, so a UID or an ID would be another one to it.
        if slot.isIdentity, VRForm.isBinary(vr) { throw .invalidVR(Tag(tag), offset: offset) }
        if form == .short, vr != 0, !VRForm.isStandard(vr) { harvest.defects.insert(.unknownVR) }
        return slot
    }
}
