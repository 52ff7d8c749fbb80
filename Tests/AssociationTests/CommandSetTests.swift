// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM
import Support
import Testing

@Suite struct CommandSetTests {
    @Test("a C-STORE request written by hand is read")
    func reads() throws {
        let command = try CommandSet(decoding: PDUBytes.storeRequest(messageID: 513))
        #expect(try command.field() == .cStoreRequest)
        #expect(try command.messageID() == 513)
        #expect(try command.hasDataSet())
        #expect(try command.affectedSOPClassUID()?.string == PDUBytes.ctImageStorage)
        #expect(try command.affectedSOPInstanceUID()?.string == "1.2.3.4.5")
    }

    @Test("what is encoded has a group length and is read back")
    func roundTrip() throws {
        var command = CommandSet.request(
            .cEchoRequest, messageID: 65_535, affectedSOPClassUID: UID(literal: "1.2.840.10008.1.1"), hasDataSet: false)
        command.set(0x0902, "odd")
        let bytes = command.encoded()
        #expect(Array(bytes.prefix(12)) == PDUBytes.element(0, PDUBytes.little32(UInt32(bytes.count - 12))))
        #expect(try CommandSet(decoding: bytes) == command)
    }

    @Test(
        "a response repeats the request's UIDs, leaves out what is no UID, and cuts the comment to 64 characters of ASCII"
    )
    func response() throws {
        let request = try CommandSet(decoding: PDUBytes.storeRequest())
        let response = try CommandSet.response(
            to: request, status: .outOfResources, errorComment: String(repeating: "é123456789", count: 10))
        #expect(try response.field().rawValue == 0x8001)
        #expect(try response.messageIDBeingRespondedTo() == 7)
        #expect(try response.status() == .outOfResources)
        #expect(try response.affectedSOPInstanceUID()?.string == "1.2.3.4.5")
        #expect(response.errorComment?.utf8.count == 64)
        let bad = try CommandSet(decoding: PDUBytes.storeRequest(instance: Array("../../x".utf8)))
        #expect(try CommandSet.response(to: bad, status: .invalidSOPInstance).bytes(0x1000) == nil)
    }

    @Test(
        "a malformed command set is refused for what is wrong with it",
        arguments: [
            (PDUBytes.element(0x100, [1]) + [0, 0, 0], CommandSet.Malformation.truncated(offset: 9)),
            (PDUBytes.element(0x100, [1, 0]) + PDUBytes.element(0x100, [1, 0]), .notAscending(element: 0x100)),
            (PDUBytes.element(0x110, [1, 0]) + PDUBytes.element(0x100, [1, 0]), .notAscending(element: 0x100)),
            (PDUBytes.element(0x10, [1, 0], group: 8), .notACommandElement(offset: 0)),
            ([0, 0, 0, 1, 255, 255, 255, 255], .lengthBeyondEnd(element: 0x100)),
            ([0, 0, 0, 1, 4, 0, 0, 0, 1, 0], .lengthBeyondEnd(element: 0x100)),
            ([UInt8](repeating: 0, count: 65_537), .tooLong(65_537)),
        ])
    func malformed(bytes: [UInt8], expected: CommandSet.Malformation) {
        #expect(throws: expected) { try CommandSet(decoding: bytes) }
    }

    @Test("a sequence of 200,000 levels is refused at its first length, without going down")
    func nested() {
        let levels = Array(repeating: [0, 0, 0, 0x10, 255, 255, 255, 255] as [UInt8], count: 8_000).joined()
        #expect(throws: CommandSet.Malformation.lengthBeyondEnd(element: 0x1000)) {
            try CommandSet(decoding: Array(levels))
        }
    }

    @Test("an unpadded UID is read, for old modalities send them")
    func oddLength() throws {
        let command = try CommandSet(decoding: PDUBytes.element(2, Array("1.2.840.10008.1.1".utf8)))
        #expect(try command.affectedSOPClassUID()?.string == "1.2.840.10008.1.1")
    }

    @Test("a value of the wrong size or kind is refused when it is asked for")
    func badValues() throws {
        let command = try CommandSet(
            decoding: PDUBytes.element(2, [0x2E, 0x2E]) + PDUBytes.element(0x100, [1, 0, 0, 0]))
        #expect(throws: CommandSet.Malformation.badValue(element: 2)) { try command.affectedSOPClassUID() }
        #expect(throws: CommandSet.Malformation.badValue(element: 0x100)) { try command.field() }
        #expect(throws: CommandSet.Malformation.missing(element: 0x110)) { try command.messageID() }
    }
}
