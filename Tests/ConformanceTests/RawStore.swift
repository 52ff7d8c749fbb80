// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Support

/// A C-STORE byte by byte, over a socket of its own.
struct RawStore {
    enum Answer: Equatable, CustomStringConvertible {
        case status(UInt16)
        /// An A-ABORT, or the end of the connection.
        case ended

        var description: String {
            switch self {
            case .status(let status): "status " + String(status, radix: 16, uppercase: true)
            case .ended: "abort"
            }
        }
    }

    static let deflated = "1.2.840.10008.1.2.1.99"

    var sopClass = PDUBytes.ctImageStorage
    var instance: [UInt8]
    var transferSyntax = PDUBytes.explicitLittleEndian
    var dataSet: [UInt8]

    /// Sends it on a new association; a status is followed by a release, which must be answered.
    func send(to node: Daemon) throws -> Answer {
        let peer = try ScriptedPeer(port: UInt16(node.dicomPort))
        try peer.play([
            .send(PDUBytes.associateRequest(contexts: PDUBytes.context(1, sopClass, [transferSyntax]))), .expect(2),
            .send(
                PDUBytes.data(
                    1, command: true, last: true, PDUBytes.storeRequest(sopClass: sopClass, instance: instance))),
        ])
        let size = 16_000
        for start in stride(from: 0, to: max(dataSet.count, 1), by: size) {
            let end = min(start + size, dataSet.count)
            peer.send(PDUBytes.data(1, command: false, last: end == dataSet.count, Array(dataSet[start..<end])))
        }
        guard let pdu = peer.readPDU(), pdu[0] == 4 else { return .ended }
        guard let status = Self.status(inCommand: Array(pdu[12...])) else {
            throw ToolError("a response without a status: \(pdu)")
        }
        try peer.play([.send(PDUBytes.releaseRequest), .expect(6)])
        return .status(status)
    }

    /// (0000,0900) of an Implicit VR Little Endian command set.
    private static func status(inCommand bytes: [UInt8]) -> UInt16? {
        var offset = 0
        while offset + 8 <= bytes.count {
            let element = UInt16(bytes[offset + 2]) | UInt16(bytes[offset + 3]) << 8
            let length = bytes[(offset + 4)..<(offset + 8)].reversed().reduce(0) { $0 << 8 | Int($1) }
            if element == 0x0900, offset + 10 <= bytes.count {
                return UInt16(bytes[offset + 8]) | UInt16(bytes[offset + 9]) << 8
            }
            offset += 8 + length
        }
        return nil
    }
}

/// A data set in Explicit VR Little Endian, for making right things wrong.
struct RawDataSet {
    var bytes: [UInt8]

    init(file path: String) throws { bytes = [UInt8](try dataSet(ofFile: path)) }

    private static let longForms: Set<String> = ["OB", "OD", "OF", "OL", "OV", "OW", "SQ", "UC", "UN", "UR", "UT"]

    static func element(_ group: UInt16, _ number: UInt16, _ vr: String, _ value: [UInt8], length: UInt32? = nil)
        -> [UInt8]
    {
        let value = value.count & 1 == 0 ? value : value + [vr == "UI" || vr == "OB" ? 0 : 0x20]
        let count = length ?? UInt32(value.count)
        let head = PDUBytes.little16(group) + PDUBytes.little16(number) + Array(vr.utf8)
        return head + (longForms.contains(vr) ? [0, 0] + PDUBytes.little32(count) : PDUBytes.little16(UInt16(count)))
            + value
    }

    /// Where an element of the top level begins, where its value begins, and where it ends. Defined lengths only.
    func place(of group: UInt16, _ number: UInt16) -> (start: Int, value: Int, end: Int)? {
        var offset = 0
        while offset + 8 <= bytes.count {
            let isLong = Self.longForms.contains(String(decoding: bytes[(offset + 4)..<(offset + 6)], as: UTF8.self))
            let value = offset + (isLong ? 12 : 8)
            let lengthBytes = isLong ? bytes[(offset + 8)..<(offset + 12)] : bytes[(offset + 6)..<(offset + 8)]
            let end = value + lengthBytes.reversed().reduce(0) { $0 << 8 | Int($1) }
            if bytes[offset...].starts(with: PDUBytes.little16(group) + PDUBytes.little16(number)) {
                return (offset, value, end)
            }
            offset = end
        }
        return nil
    }

    func value(_ group: UInt16, _ number: UInt16) -> [UInt8] {
        place(of: group, number).map { Array(bytes[$0.value..<$0.end]) } ?? []
    }

    /// Replaces an element that is there.
    func replacing(_ group: UInt16, _ number: UInt16, _ vr: String, _ value: [UInt8], length: UInt32? = nil)
        -> RawDataSet
    {
        guard let place = place(of: group, number) else { preconditionFailure("no such element") }
        var copy = self
        copy.bytes.replaceSubrange(
            place.start..<place.end, with: Self.element(group, number, vr, value, length: length))
        return copy
    }

    /// Puts bytes before an element that is there.
    func inserting(_ new: [UInt8], before group: UInt16, _ number: UInt16) -> RawDataSet {
        guard let place = place(of: group, number) else { preconditionFailure("no such element") }
        var copy = self
        copy.bytes.insert(contentsOf: new, at: place.start)
        return copy
    }

    /// A Part 10 file with this data set, made from the head of another.
    func write(to path: String, headOf other: String) throws {
        let all = try Data(contentsOf: URL(fileURLWithPath: other))
        let head = all.prefix(all.count - (try dataSet(ofFile: other)).count)
        try (head + Data(bytes)).write(to: URL(fileURLWithPath: path))
    }
}
