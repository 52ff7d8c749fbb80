// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import DICOM

@Suite struct AttributeListTests {
    static let explicit = TransferSyntax.explicitVRLittleEndian.uid
    static let implicit = TransferSyntax.implicitVRLittleEndian.uid
    static let transactionUID = Tag(0x0008, 0x1195)
    static let referencedSOPSequence = Tag(0x0008, 0x1199)
    static let referencedSOPInstanceUID = Tag(0x0008, 0x1155)

    private var sample: AttributeList {
        var item = AttributeList()
        item.set(Self.referencedSOPInstanceUID, UID(literal: "1.2.3"))
        item.set(Tag(0x0028, 0x0010), 512)
        var list = AttributeList()
        list.set(Self.referencedSOPSequence, items: [item, AttributeList(), item])
        list.set(Self.transactionUID, UID(literal: "1.2.3.4"))
        list.set(Tag(0x0008, 0x0052), "CS", "IMAGE")
        list.set(Tag(0x0040, 0x0275), items: [])
        return list
    }

    @Test("what is written is read back, in both encodings", arguments: [explicit, implicit])
    func roundTrip(syntax: UID) throws {
        let read = try AttributeList(
            decoding: sample.encoded(isExplicitVR: syntax == Self.explicit), transferSyntax: syntax)
        #expect(read.elements.map(\.tag) == sample.elements.map(\.tag))
        #expect(read.uid(Self.transactionUID) == UID(literal: "1.2.3.4"))
        #expect(read.string(Tag(0x0008, 0x0052)) == "IMAGE")
        #expect(read.items(Self.referencedSOPSequence).count == 3)
        #expect(read.items(Self.referencedSOPSequence)[2].uid(Self.referencedSOPInstanceUID) == UID(literal: "1.2.3"))
        #expect(read.items(Self.referencedSOPSequence)[0].bytes(Tag(0x0028, 0x0010)) == [0, 2])
        #expect(read[Tag(0x0040, 0x0275)]?.value == .items([]))
        if syntax == Self.explicit { #expect(read == sample) }
    }

    @Test("undefined lengths, and UN that holds a sequence, are read alike")
    func undefinedLengths() throws {
        let element: [UInt8] = [0x08, 0, 0x55, 0x11, 6, 0, 0, 0] + Array("1.2.3\0".utf8)
        let item: [UInt8] =
            [0xFE, 0xFF, 0, 0xE0, 0xFF, 0xFF, 0xFF, 0xFF] + element + [0xFE, 0xFF, 0x0D, 0xE0, 0, 0, 0, 0]
        let end: [UInt8] = [0xFE, 0xFF, 0xDD, 0xE0, 0, 0, 0, 0]
        let tag: [UInt8] = [0x08, 0, 0x99, 0x11]
        let undefined: [UInt8] = [0xFF, 0xFF, 0xFF, 0xFF]
        let implicit = try AttributeList(decoding: tag + undefined + item + end, transferSyntax: Self.implicit)
        let unknown = try AttributeList(
            decoding: tag + Array("UN".utf8) + [0, 0] + undefined + item + end, transferSyntax: Self.explicit)
        #expect(implicit == unknown)
        #expect(implicit.items(Self.referencedSOPSequence).first?.uid(Self.referencedSOPInstanceUID)?.string == "1.2.3")
    }

    @Test("every cut of a data set is refused or read, and none is followed beyond its end")
    func cut() throws {
        let whole = sample.encoded(isExplicitVR: true)
        for count in 0..<whole.count {
            guard let read = try? AttributeList(decoding: Array(whole[..<count]), transferSyntax: Self.explicit) else {
                continue
            }
            // A cut between two top-level elements leaves a data set.
            #expect(read.elements.count < sample.elements.count)
        }
    }

    @Test(
        "a data set that cannot be one is refused, with the place",
        arguments: [
            // Nested 200,000 deep.
            Array(
                repeating: [0x08, 0, 0x99, 0x11, 0xFF, 0xFF, 0xFF, 0xFF, 0xFE, 0xFF, 0, 0xE0, 0xFF, 0xFF, 0xFF, 0xFF],
                count: 200_000
            )
            .flatMap { $0 },
            // Length of 4 GiB less two.
            [0x08, 0, 0x18, 0, 0xFE, 0xFF, 0xFF, 0xFF],
            // An undefined length of a UID.
            [0x08, 0, 0x18, 0, 0xFF, 0xFF, 0xFF, 0xFF],
            // A command element, an item outside a sequence, half a header.
            [0, 0, 0, 1, 2, 0, 0, 0, 1, 0], [0xFE, 0xFF, 0, 0xE0, 0, 0, 0, 0], [0x08, 0, 0x18],
            // The same element twice.
            [0x08, 0, 0x18, 0, 0, 0, 0, 0, 0x08, 0, 0x18, 0, 0, 0, 0, 0],
        ] as [[UInt8]])
    func malformed(bytes: [UInt8]) {
        #expect(throws: AttributeList.Malformation.self) {
            try AttributeList(decoding: bytes, transferSyntax: Self.implicit)
        }
    }

    @Test("random bytes never trap")
    func random() {
        var generator = SystemRandomNumberGenerator()
        let whole = sample.encoded(isExplicitVR: true)
        for _ in 0..<5_000 {
            var bytes = whole
            for _ in 0..<Int.random(in: 1...6, using: &generator) {
                bytes[Int.random(in: 0..<bytes.count, using: &generator)] = UInt8.random(in: 0...255, using: &generator)
            }
            _ = try? AttributeList(decoding: bytes, transferSyntax: Self.explicit)
            _ = try? AttributeList(decoding: bytes, transferSyntax: Self.implicit)
        }
    }
}
