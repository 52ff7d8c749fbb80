// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import DICOM

@Suite("The scan accepts and refuses structure")
struct DataSetStructureTests {
    typealias Encoding = DataSetWriter.Encoding
    private let sequence: UInt32 = 0x0040_A730

    private func error(_ bytes: [UInt8], _ encoding: Encoding, limits: DataSetScan.Limits = .init()) -> ScanError? {
        do throws(ScanError) {
            _ = try DataSetScan.read(bytes, encoding.uid, limits: limits)
            return nil
        } catch {
            return error
        }
    }

    // MARK: nesting

    private func nested(_ encoding: Encoding, levels: Int, defined: Bool) -> [UInt8] {
        DataSetWriter.instance(encoding) { w in
            if defined {
                // From the outside in, each length by subtraction. What lies behind the first thousand is never reached.
                let step: UInt32 = encoding == .implicit ? 16 : 20
                for level in 0..<UInt32(min(levels, 1000)) {
                    let inside = (UInt32(levels) - level - 1) * step
                    w.header(sequence, "SQ", length: inside + 8)
                    w.item(length: inside)
                }
            } else {
                var begin = DataSetWriter(encoding)
                begin.header(sequence, "SQ", length: .max)
                begin.item(length: .max)
                var end = DataSetWriter(encoding)
                end.itemEnd()
                end.sequenceEnd()
                for _ in 0..<levels { w.bytes += begin.bytes }
                for _ in 0..<levels { w.bytes += end.bytes }
            }
        }
    }

    @Test("64 nested sequences pass, 65 do not", arguments: Encoding.allCases, [true, false])
    func depth(_ encoding: Encoding, defined: Bool) {
        #expect(error(nested(encoding, levels: 64, defined: defined), encoding) == nil)
        guard case .nestingTooDeep(limit: 64, _) = error(nested(encoding, levels: 65, defined: defined), encoding)
        else {
            Issue.record("65 levels were accepted")
            return
        }
    }

    @Test("200,000 nested sequences are refused", arguments: Encoding.allCases, [true, false])
    func bomb(_ encoding: Encoding, defined: Bool) {
        guard case .nestingTooDeep = error(nested(encoding, levels: 200_000, defined: defined), encoding) else {
            Issue.record("accepted")
            return
        }
    }

    @Test("nesting inside UN of undefined length and inside private sequences in Implicit VR counts")
    func hiddenNesting() {
        let unknown = DataSetWriter.instance(.explicit) { w in
            w.header(0x0009_1001, "UN", length: .max)
            var inner = DataSetWriter(.implicit)
            for _ in 0..<100 {
                inner.item(length: .max)
                inner.header(0x0009_1001, "", length: .max)
            }
            w.bytes += inner.bytes
        }
        guard case .nestingTooDeep = error(unknown, .explicit) else {
            Issue.record("UN accepted")
            return
        }
        let hidden = DataSetWriter.instance(.implicit) { w in
            for level in 0..<UInt32(100) {
                let inside = (100 - level - 1) * 16
                w.header(0x0009_1001, "", length: inside + 8)
                w.item(length: inside)
            }
        }
        guard case .nestingTooDeep = error(hidden, .implicit) else {
            Issue.record("private accepted")
            return
        }
    }

    // MARK: sequences

    @Test(
        "sequences pass with lengths and with delimiters, empty ones too", arguments: Encoding.allCases, [true, false])
    func sequences(_ encoding: Encoding, defined: Bool) {
        let bytes = DataSetWriter.instance(encoding) { w in
            w.sequence(sequence, defined: defined, [])
            w.sequence(sequence, defined: defined, [{ _ in }])
            w.sequence(
                sequence, defined: defined,
                [
                    { $0.element(0x0008_0100, "SH", "A") },
                    { $0.sequence(0x0040_A043, defined: !defined, [{ $0.element(0x0008_0100, "SH", "B") }]) },
                ])
            w.element(0x0040_A032, "DT", "2026")
        }
        #expect(error(bytes, encoding) == nil)
    }

    @Test("UN of undefined length is a sequence in Implicit VR Little Endian", arguments: [Encoding.explicit, .big])
    func unknownSequence(_ encoding: Encoding) {
        let bytes = DataSetWriter.instance(encoding) { w in
            w.header(0x0021_1010, "UN", length: .max)
            var inner = DataSetWriter(.implicit)
            inner.item(length: .max)
            inner.element(0x0021_1011, "", "text")
            inner.sequence(0x0008_1140, defined: true, [{ $0.element(0x0008_1150, "", "1.2 ") }])
            inner.itemEnd()
            inner.sequenceEnd()
            w.bytes += inner.bytes
            w.element(0x0028_0301, "CS", "YES")
        }
        #expect((try? DataSetScan.read(bytes, encoding.uid))?.burnedInAnnotation == "YES")
    }

    @Test("UN of defined length is passed over whatever it holds")
    func opaqueUnknown() {
        let bytes = DataSetWriter.instance(.explicit) {
            $0.element(0x0021_1010, "UN", [0xFE, 0xFF, 0x00, 0xE0, 0xFF, 0xFF, 0xFF, 0x7F])
        }
        #expect(error(bytes, .explicit) == nil)
    }

    @Test("a length past its item or sequence is refused", arguments: Encoding.allCases)
    func pastParent(_ encoding: Encoding) {
        func check(_ expected: Tag, _ body: (inout DataSetWriter) -> Void) {
            guard case .pastParent(let tag, _) = error(DataSetWriter.instance(encoding, body), encoding) else {
                Issue.record("\(expected) was accepted")
                return
            }
            #expect(tag == expected)
        }
        check(Tag(0x0008, 0x0100)) { w in
            w.header(sequence, "SQ", length: 8 + 10)
            w.item(length: 10)
            w.element(0x0008_0100, "SH", "ABCD")
        }
        check(Tag(0xFFFE, 0xE000)) { w in
            w.header(sequence, "SQ", length: 8)
            w.item(length: 2)
            w.bytes += [0, 0, 0, 0]
        }
        // The header itself crosses the end of its item.
        check(Tag(0x0008, 0x0100)) { w in
            w.header(sequence, "SQ", length: 8 + 6)
            w.item(length: 6)
            w.element(0x0008_0100, "SH", "ABCD")
        }
        // A sequence of undefined length ends with the item around it.
        check(Tag(0xFFFE, 0xE0DD)) { w in
            w.header(sequence, "SQ", length: encoding == .implicit ? 16 : 20)
            w.item(length: encoding == .implicit ? 8 : 12)
            w.header(0x0040_A043, "SQ", length: .max)
            w.sequenceEnd()
        }
    }

    @Test("4 GB lengths and lengths past the end are truncated data sets", arguments: Encoding.allCases)
    func fourGigabytes(_ encoding: Encoding) {
        for length: UInt32 in [0xFFFF_FFFE, 0x8000_0000, 9] {
            let bytes = DataSetWriter.instance(encoding) { w in
                w.header(0x7FE0_0010, "OW", length: length)
                w.bytes += [1, 2, 3, 4, 5, 6, 7, 8]
            }
            #expect(error(bytes, encoding) == .truncated(offset: UInt64(bytes.count)))
        }
    }

    @Test("odd lengths are taken as they are", arguments: Encoding.allCases)
    func oddLength(_ encoding: Encoding) throws {
        let bytes = DataSetWriter.instance(encoding) { w in
            w.element(0x0020_0013, "IS", Array("123".utf8))
            w.element(0x0028_0301, "CS", "NO")
        }
        let header = try DataSetScan.read(bytes, encoding.uid)
        #expect(header.instanceNumber == 123)
        #expect(header.burnedInAnnotation == "NO")
    }

    @Test("delimiters in wrong places are refused", arguments: Encoding.allCases)
    func delimiters(_ encoding: Encoding) {
        let wrong: [(inout DataSetWriter) -> Void] = [
            { $0.itemEnd() },
            { $0.sequenceEnd() },
            { $0.item(length: 0) },
            // An item ends as a sequence, a sequence as an item.
            {
                $0.header(0x0040_A730, "SQ", length: .max)
                $0.item(length: .max)
                $0.sequenceEnd()
                $0.sequenceEnd()
            },
            {
                $0.header(0x0040_A730, "SQ", length: .max)
                $0.item(length: .max)
                $0.itemEnd()
                $0.itemEnd()
            },
            // DCMTK ends a sequence, or an item, of defined length here and reads the rest as part of what is around it.
            {
                $0.header(0x0040_A730, "SQ", length: 16)
                $0.sequenceEnd()
                $0.element(0x0040_A732, "LO", [])
            },
            {
                $0.header(0x0040_A730, "SQ", length: 24)
                $0.item(length: 16)
                $0.itemEnd()
                $0.item(length: 0)
            },
            // An item inside an item.
            {
                $0.header(0x0040_A730, "SQ", length: .max)
                $0.item(length: .max)
                $0.item(length: 0)
            },
        ]
        for (index, body) in wrong.enumerated() {
            guard case .misplacedDelimiter = error(DataSetWriter.instance(encoding, body), encoding) else {
                Issue.record("case \(index) was accepted")
                continue
            }
        }
    }

    @Test("a delimiter that agrees with the length is harmless", arguments: Encoding.allCases)
    func superfluousDelimiters(_ encoding: Encoding) throws {
        let bytes = DataSetWriter.instance(encoding) { w in
            w.header(sequence, "SQ", length: 24)
            w.item(length: 8)
            w.itemEnd()
            w.sequenceEnd()
            w.element(0x0028_0301, "CS", "NO")
        }
        #expect(try DataSetScan.read(bytes, encoding.uid).burnedInAnnotation == "NO")
    }

    @Test("an element where an item should be is refused", arguments: Encoding.allCases)
    func notAnItem(_ encoding: Encoding) {
        for length: UInt32 in [.max, 40] {
            let bytes = DataSetWriter.instance(encoding) { w in
                w.header(sequence, "SQ", length: length)
                w.element(0x0008_0100, "SH", "A")
                w.bytes += [UInt8](repeating: 0, count: 40)
            }
            guard case .notAnItem(Tag(0x0008, 0x0100), _) = error(bytes, encoding) else {
                Issue.record("accepted")
                continue
            }
        }
    }

    // MARK: value representations

    @Test(
        "undefined length is refused where the value representation has none",
        arguments: ["OB", "OW", "OF", "UT", "UC"])
    func undefinedLength(_ vr: String) {
        let bytes = DataSetWriter.instance(.explicit) { $0.header(0x0028_3006, vr, length: .max) }
        guard case .undefinedLength(Tag(0x0028, 0x3006), _) = error(bytes, .explicit) else {
            Issue.record("accepted")
            return
        }
    }

    @Test("value representations of the future have long lengths, broken ones short")
    func unknownVR() throws {
        let future = DataSetWriter.instance(.explicit) {
            $0.element(0x0009_1001, "ZZ", [1, 2, 3, 4])
            $0.element(0x0028_0301, "CS", "NO")
        }
        #expect(try DataSetScan.read(future, Encoding.explicit.uid).burnedInAnnotation == "NO")
        for vr in ["??", "  ", "\0\0", "l?"] {
            let broken = DataSetWriter.instance(.explicit) {
                $0.element(0x0009_1001, vr, [1, 2, 3, 4])
                $0.element(0x0028_0301, "CS", "NO")
            }
            #expect(try DataSetScan.read(broken, Encoding.explicit.uid).burnedInAnnotation == "NO")
        }
    }

    @Test("names that DCMTK uses inside itself are refused", arguments: ["ox", "px", "lt", "na", "pi"])
    func internalVR(_ vr: String) {
        let bytes = DataSetWriter.instance(.explicit) { $0.element(0x0009_1001, vr, [1, 2, 3, 4]) }
        guard case .invalidVR = error(bytes, .explicit) else {
            Issue.record("accepted")
            return
        }
    }

    @Test("a known attribute that comes as a sequence is refused", arguments: Encoding.allCases)
    func identityAsSequence(_ encoding: Encoding) {
        let bytes = DataSetWriter.instance(encoding) { w in
            w.header(0x0010_0020, "SQ", length: .max)
            w.sequenceEnd()
        }
        guard case .invalidVR(Tag(0x0010, 0x0020), _) = error(bytes, encoding) else {
            Issue.record("accepted")
            return
        }
    }

    @Test(
        "a UID or a patient's identity in binary is refused, for DCMTK would read other digits",
        arguments: [0x0008_0018, 0x0020_000D, 0x0010_0020] as [UInt32], ["SL", "UL", "FD", "US", "OB", "OW", "UV"])
    func identityInBinary(_ tag: UInt32, vr: String) {
        var w = DataSetWriter(.explicit)
        for place in [0x0008_0016, 0x0008_0018, 0x0010_0020, 0x0020_000D, 0x0020_000E] as [UInt32] {
            w.element(place, place == tag ? vr : place == 0x0010_0020 ? "LO" : "UI", "1.2.3.45")
        }
        guard case .invalidVR(Tag(tag), _) = error(w.bytes, .explicit) else {
            Issue.record("accepted")
            return
        }
    }

    @Test("private values in Implicit VR that only begin like an item tag are values")
    func privateValues() throws {
        let values: [[UInt8]] = [[0xFE, 0xFF], [0xFE, 0xFF, 0xFF, 0xFF], [0xFE, 0xFF, 1, 0xE0, 0, 0], [0], []]
        for value in values {
            let bytes = DataSetWriter.instance(.implicit) { w in
                w.element(0x0019_1001, "", value)
                w.element(0x0028_0301, "CS", "NO")
            }
            for cut in 1...bytes.count {
                let header = try DataSetScan.read(bytes, Encoding.implicit.uid, pieces: [cut, 1])
                #expect(header.burnedInAnnotation == "NO", "\(value) cut at \(cut)")
            }
        }
    }

    @Test("an item tag cut in two by a short private value cannot hide a sequence")
    func splitItemTag() {
        let two = DataSetWriter.instance(.implicit) { w in
            w.element(0x0019_1001, "", [0xFE, 0xFF])
            w.element(0xE000_0000, "", [])
        }
        #expect(error(two, .implicit) == .misplacedDelimiter(Tag(0xE000, 0x0000), offset: UInt64(two.count - 8)))
        for value: [UInt8] in [[0xFE], [0xFE, 0xFF, 0x00]] {
            let bytes = DataSetWriter.instance(.implicit) { $0.element(0x0019_1001, "", value) }
            #expect(error(bytes, .implicit)?.isStructural == true)
        }
    }

    // MARK: content of the top level

    @Test(
        "command and file meta elements are refused", arguments: Encoding.allCases,
        [0x0000_0100, 0x0002_0010] as [UInt32])
    func forbiddenGroups(_ encoding: Encoding, tag: UInt32) {
        let bytes = DataSetWriter.instance(encoding) { $0.element(tag, "UI", "1.2 ") }
        guard case .forbiddenGroup = error(bytes, encoding) else {
            Issue.record("accepted")
            return
        }
    }

    static let unique: [UInt32] = [
        0x0008_0005, 0x0008_0016, 0x0008_0018, 0x0020_000D, 0x0020_000E, 0x0010_0010, 0x0010_0020, 0x0010_0021,
        0x0010_0030, 0x0010_0040, 0x0028_0010, 0x0028_0011, 0x0028_0100, 0x0028_0008, 0x7FE0_0010,
    ]

    @Test("an attribute that identifies is refused a second time", arguments: Encoding.allCases, unique)
    func duplicates(_ encoding: Encoding, tag: UInt32) {
        func element(_ w: inout DataSetWriter) {
            w.element(tag, tag >> 16 == 0x28 ? "US" : tag >> 16 == 0x7FE0 ? "OW" : "UI", [0x31, 0x20])
        }
        let bytes = DataSetWriter.instance(encoding) { w in
            element(&w)
            w.element(0x0040_0254, "LO", "between")
            element(&w)
        }
        guard case .duplicateAttribute(_, _) = error(bytes, encoding) else {
            Issue.record("accepted")
            return
        }
    }

    @Test("of other attributes the first counts, and the header says so")
    func harmlessDuplicate() throws {
        let bytes = DataSetWriter.instance(.explicit) { w in
            w.element(0x0008_1030, "LO", "first")
            w.element(0x0008_1030, "LO", "second")
        }
        let header = try DataSetScan.read(bytes, Encoding.explicit.uid)
        #expect(header.studyDescription == "first")
        #expect(header.defects == ["elementOrder", "duplicateElement"])
    }

    @Test("an empty and a long value of an identifying attribute differ from a short one")
    func lengths() throws {
        let empty = DataSetWriter.instance(.explicit) { $0.element(0x0010_0020, "LO", "") }
        #expect(try DataSetScan.read(empty, Encoding.explicit.uid).patient.patientID == "")
        let long = DataSetWriter.instance(.implicit) {
            $0.element(0x0010_0020, "", [UInt8](repeating: 65, count: 70_000))
        }
        guard case .valueTooLong(Tag(0x0010, 0x0020), _) = error(long, .implicit) else {
            Issue.record("accepted")
            return
        }
        let description = DataSetWriter.instance(.implicit) {
            $0.element(0x0008_1030, "", [UInt8](repeating: 65, count: 70_000))
        }
        #expect(try DataSetScan.read(description, Encoding.implicit.uid).defects == ["elementOrder", "valueTooLong"])
    }

    @Test("the number of elements is bounded")
    func elementCount() {
        let bytes = DataSetWriter.instance(.explicit) { w in
            for _ in 0..<10 { w.element(0x0009_1001, "LO", "") }
        }
        #expect(error(bytes, .explicit, limits: .init(maximumElements: 14)) == nil)
        guard case .tooManyElements(limit: 13, _) = error(bytes, .explicit, limits: .init(maximumElements: 13)) else {
            Issue.record("accepted")
            return
        }
    }

    // MARK: UIDs

    static let badUIDs: [[UInt8]] = [
        Array("1.2..3".utf8), Array("../../etc/passwd".utf8), Array("1.2/3".utf8), Array("..".utf8),
        Array("1.2\03.4".utf8), Array("1.2.3 4".utf8), Array("1.2\\1.3".utf8), Array("a.b".utf8), Array(".1".utf8),
        Array((String(repeating: "1.2", count: 33) + "1").utf8), Array("1.2'; DROP TABLE".utf8), [0xFF, 0xFE],
    ]

    @Test("a UID that could harm is refused", arguments: [0, 1, 2, 3], badUIDs)
    func malformedUIDs(_ place: Int, value: [UInt8]) {
        var w = DataSetWriter(.explicit)
        let tags: [UInt32] = [0x0008_0016, 0x0008_0018, 0x0020_000D, 0x0020_000E]
        for (index, tag) in tags.enumerated() {
            w.element(tag, "UI", index == place ? value : Array("1.2.3\0".utf8))
        }
        #expect(error(w.bytes, .explicit) == .malformedUID(Tag(tags[place])))
    }

    @Test("a missing or empty UID is named", arguments: [0, 1, 2, 3], [nil, "", "\0\0", "  "] as [String?])
    func missingUIDs(_ place: Int, value: String?) {
        var w = DataSetWriter(.implicit)
        let tags: [UInt32] = [0x0008_0016, 0x0008_0018, 0x0020_000D, 0x0020_000E]
        for (index, tag) in tags.enumerated() {
            if index != place { w.element(tag, "UI", "1.2.3") } else if let value { w.element(tag, "UI", value) }
        }
        let error = error(w.bytes, .implicit)
        #expect(error == .missingUID(Tag(tags[place])))
        #expect(error?.isStructural == false)
    }

    // MARK: ends

    @Test("a data set cut at any byte is refused, or is a shorter one", arguments: Encoding.allCases)
    func cut(_ encoding: Encoding) throws {
        var w = DataSetWriter(encoding)
        w.bytes = DataSetWriter.slice(encoding)
        w.sequence(0xFFFA_FFFA, defined: false, [{ $0.element(0x0400_0005, "US", [1, 0]) }])
        let whole = w.bytes
        var accepted = 0
        for end in 0..<whole.count {
            switch error(Array(whole[..<end]), encoding) {
            case nil: accepted += 1
            case .missingUID: break
            case .truncated(let offset): #expect(offset == UInt64(end))
            case let other: Issue.record("cut at \(end): \(other!)")
            }
        }
        // Between the elements after Series Instance UID.
        #expect(accepted == 17)
    }

    @Test("after an error the scan says the same again")
    func deadScan() {
        var scan = DataSetScan(transferSyntaxUID: Encoding.explicit.uid)
        var w = DataSetWriter(.explicit)
        w.itemEnd()
        #expect(throws: ScanError.misplacedDelimiter(Tag(0xFFFE, 0xE00D), offset: 0)) { try scan.consume(w.bytes) }
        #expect(throws: ScanError.misplacedDelimiter(Tag(0xFFFE, 0xE00D), offset: 0)) { try scan.consume(w.bytes) }
        #expect(throws: ScanError.misplacedDelimiter(Tag(0xFFFE, 0xE00D), offset: 0)) { _ = try scan.finish() }
    }

    @Test("garbage is refused")
    func garbage() {
        for bytes: [UInt8] in [
            [], Array("GET / HTTP/1.1\r\nHost: x\r\n\r\n".utf8), [UInt8](repeating: 0, count: 1000),
            [UInt8](repeating: 0xFF, count: 1000), Array("<html><body>Hello</body></html>".utf8),
        ] {
            for encoding in Encoding.allCases { #expect(error(bytes, encoding) != nil) }
        }
    }

    @Test(
        "syntaxes that cannot be followed are refused",
        arguments: ["1.2.840.113619.5.2", "1.2.3.4", "1.2.840.10008.1.2.1.99"])
    func unsupported(_ uid: String) throws {
        let uid = try #require(UID(uid))
        #expect(throws: ScanError.unsupportedTransferSyntax(uid)) {
            _ = try DataSetScan.read(DataSetWriter.slice(.explicit), uid)
        }
    }

    @Test("in a syntax that DCMTK may have to guess, the first element leaves no choice")
    func plainBeginning() throws {
        let highThroughput = UID(literal: "1.2.840.10008.1.2.4.201")
        #expect(throws: Never.self) { _ = try DataSetScan.read(DataSetWriter.instance(.explicit), highThroughput) }
        var w = DataSetWriter(.explicit)
        w.element(0x0020_5000, "LO", "")
        #expect(throws: ScanError.invalidVR(Tag(0x0020, 0x5000), offset: 0)) {
            _ = try DataSetScan.read(w.bytes + DataSetWriter.instance(.explicit), highThroughput)
        }
        w = DataSetWriter(.explicit)
        w.element(0x0008_0001, "??", "")
        #expect(throws: ScanError.invalidVR(Tag(0x0008, 0x0001), offset: 0)) {
            _ = try DataSetScan.read(w.bytes + DataSetWriter.instance(.explicit), highThroughput)
        }
    }
}
