// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

/// PDUs byte by byte (PS3.8 9.3), written without the code under test.
package enum PDUBytes {
    package static let ctImageStorage = "1.2.840.10008.5.1.4.1.1.2"
    package static let verification = "1.2.840.10008.1.1"
    package static let explicitLittleEndian = "1.2.840.10008.1.2.1"
    package static let implicitLittleEndian = "1.2.840.10008.1.2"

    package static func pdu(_ type: UInt8, _ body: [UInt8], length: UInt32? = nil) -> [UInt8] {
        [type, 0] + big32(length ?? UInt32(body.count)) + body
    }

    package static func item(_ type: UInt8, _ body: [UInt8], length: Int? = nil) -> [UInt8] {
        let count = length ?? body.count
        return [type, 0, UInt8(count >> 8 & 0xFF), UInt8(count & 0xFF)] + body
    }

    package static func context(_ id: UInt8, _ abstractSyntax: String, _ transferSyntaxes: [String]) -> [UInt8] {
        item(
            0x20,
            [id, 0, 0, 0] + item(0x30, Array(abstractSyntax.utf8))
                + transferSyntaxes.reduce(into: []) { $0 += item(0x40, Array($1.utf8)) })
    }

    package static func maximumLength(_ length: UInt32 = 16_384) -> [UInt8] { item(0x51, big32(length)) }
    package static let implementation = item(0x52, Array("1.2.3.4".utf8))
    package static let applicationContext = item(0x10, Array("1.2.840.10008.3.1.1.1".utf8))
    package static let userIdentity = item(0x58, [1, 0, 0, 4] + Array("user".utf8) + [0, 0])

    package static func associateRequest(
        calling: String = "CT1", called: String = "TRIAGED", version: UInt8 = 1,
        applicationContext: [UInt8] = PDUBytes.applicationContext,
        contexts: [UInt8] = context(1, ctImageStorage, [explicitLittleEndian])
            + context(3, verification, [implicitLittleEndian]),
        user: [UInt8] = maximumLength() + implementation, extra: [UInt8] = []
    ) -> [UInt8] {
        pdu(
            1,
            [0, version, 0, 0] + title(called) + title(calling) + [UInt8](repeating: 0, count: 32) + applicationContext
                + contexts
                + item(0x50, user) + extra)
    }

    /// PS3.8 E.2: control bit 0 is set for a command, bit 1 for the last fragment.
    package static func data(_ context: UInt8, command: Bool, last: Bool, _ bytes: [UInt8]) -> [UInt8] {
        pdu(4, big32(UInt32(bytes.count + 2)) + [context, (command ? 1 : 0) | (last ? 2 : 0)] + bytes)
    }

    package static let releaseRequest = pdu(5, [0, 0, 0, 0])
    package static let releaseResponse = pdu(6, [0, 0, 0, 0])
    package static let abort = pdu(7, [0, 0, 0, 0])

    /// An element of a command set: Implicit VR Little Endian.
    package static func element(_ number: UInt16, _ value: [UInt8], group: UInt16 = 0) -> [UInt8] {
        little16(group) + little16(number) + little32(UInt32(value.count)) + value
    }

    package static func commandSet(_ elements: [UInt8]) -> [UInt8] {
        element(0, little32(UInt32(elements.count))) + elements
    }

    package static func storeRequest(
        sopClass: String = ctImageStorage, instance: [UInt8] = Array("1.2.3.4.5".utf8) + [0], messageID: UInt16 = 7,
        hasDataSet: Bool = true
    ) -> [UInt8] {
        commandSet(
            element(2, even(Array(sopClass.utf8))) + element(0x100, little16(1)) + element(0x110, little16(messageID))
                + element(0x700, little16(0)) + element(0x800, little16(hasDataSet ? 1 : 0x101))
                + element(0x1000, even(instance)))
    }

    package static func echoRequest(messageID: UInt16 = 9, field: UInt16 = 0x30) -> [UInt8] {
        commandSet(
            element(2, even(Array(verification.utf8))) + element(0x100, little16(field))
                + element(0x110, little16(messageID))
                + element(0x800, little16(0x101)))
    }

    package static func even(_ bytes: [UInt8]) -> [UInt8] { bytes.count & 1 == 0 ? bytes : bytes + [0] }
    package static func little16(_ value: UInt16) -> [UInt8] { [UInt8(value & 0xFF), UInt8(value >> 8)] }
    package static func little32(_ value: UInt32) -> [UInt8] {
        little16(UInt16(value & 0xFFFF)) + little16(UInt16(value >> 16))
    }
    package static func big32(_ value: UInt32) -> [UInt8] { little32(value).reversed() }

    private static func title(_ text: String) -> [UInt8] {
        Array((text + String(repeating: " ", count: 16)).utf8.prefix(16))
    }
}
