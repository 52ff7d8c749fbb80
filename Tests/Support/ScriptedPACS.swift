// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc
import Synchronization

/// A storage and query SCP that answers as it is told to: a PACS on a bad day. Accepts each presentation context with its
/// first transfer syntax, except those for C-FIND where it offers none.
package final class ScriptedPACS: Sendable {
    package enum Answer: Sendable {
        /// A C-STORE-RSP of this status; the object is kept unless the status is a failure (PS3.7 C).
        case status(UInt16)
        /// Keeps the object and closes the connection without a response.
        case keepAndHangUp
        /// Closes the connection without a response, and keeps nothing.
        case dropAndHangUp
    }

    package struct Reception: Sendable {
        package var sopInstanceUID: String
        package var dataSet: [UInt8]
    }

    private struct State {
        var receptions: [Reception] = []
        var held: [String] = []
        var queries: [String] = []
        var isStopped = false
    }

    private static let studyRootFind = "1.2.840.10008.5.1.4.1.2.2.1"

    package var port: Int { Int(listener.port) }
    private let listener: ScriptedListener
    private let offersFind: Bool
    private let state = Mutex(State())

    /// `answer` gets the number of the C-STORE, from 0, and its SOP class.
    package init(
        offersFind: Bool = true, answer: @escaping @Sendable (_ number: Int, _ sopClassUID: String) -> Answer
    ) throws {
        self.offersFind = offersFind
        listener = try ScriptedListener()
        let thread = Thread { [listener, weak self] in
            while true {
                let peer = listener.accept()
                guard let self, !self.state.withLock({ $0.isStopped }) else { return }
                self.serve(peer, answer)
            }
        }
        thread.start()
    }

    /// Each C-STORE request, answered or not.
    package var receptions: [Reception] { state.withLock { $0.receptions } }
    /// SOP Instance UIDs that C-FIND asked for.
    package var queries: [String] { state.withLock { $0.queries } }

    package func stop() {
        state.withLock { $0.isStopped = true }
        // Wakes the thread that accepts.
        _ = try? ScriptedPeer(port: listener.port)
    }

    deinit { stop() }

    // MARK: One association

    private func serve(_ peer: ScriptedPeer, _ answer: (Int, String) -> Answer) {
        guard let request = peer.readPDU(), request[0] == 1 else { return }
        peer.send(accept(request))
        while let message = Self.readMessage(from: peer) {
            let command = message.command
            guard let field = command[0x100], let messageID = command[0x110] else { return }
            switch PDUBytes.number(field) {
            case 0x0001:
                let (sopClass, uid) = (PDUBytes.text(command[0x2]), PDUBytes.text(command[0x1000]))
                let number = state.withLock { state in
                    state.receptions.append(Reception(sopInstanceUID: uid, dataSet: message.dataSet))
                    return state.receptions.count - 1
                }
                switch answer(number, sopClass) {
                case .dropAndHangUp: return
                case .keepAndHangUp:
                    state.withLock { $0.held.append(uid) }
                    return
                case .status(let status):
                    if status == 0 || status & 0xF000 == 0xB000 { state.withLock { $0.held.append(uid) } }
                    let response =
                        PDUBytes.element(2, PDUBytes.even(Array(sopClass.utf8))) + PDUBytes.element(0x100, [1, 0x80])
                        + PDUBytes.element(0x120, messageID) + PDUBytes.element(0x800, [1, 1])
                        + PDUBytes.element(0x900, PDUBytes.little16(status))
                        + PDUBytes.element(0x1000, PDUBytes.even(Array(uid.utf8)))
                    peer.send(PDUBytes.data(message.context, command: true, last: true, PDUBytes.commandSet(response)))
                }
            case 0x0020:
                let uid = Self.sopInstanceUID(inExplicit: message.dataSet)
                let isHeld = state.withLock { state in
                    state.queries.append(uid)
                    return state.held.contains(uid)
                }
                func response(_ status: UInt16, hasMatch: Bool) -> [UInt8] {
                    let elements =
                        PDUBytes.element(2, PDUBytes.even(Array(PDUBytes.text(command[2]).utf8)))
                        + PDUBytes.element(0x100, [0x20, 0x80]) + PDUBytes.element(0x120, messageID)
                        + PDUBytes.element(0x800, PDUBytes.little16(hasMatch ? 1 : 0x101))
                        + PDUBytes.element(0x900, PDUBytes.little16(status))
                    return PDUBytes.data(message.context, command: true, last: true, PDUBytes.commandSet(elements))
                }
                if isHeld {
                    peer.send(response(0xFF00, hasMatch: true))
                    // The keys were values to match, and so are the match.
                    peer.send(PDUBytes.data(message.context, command: false, last: true, message.dataSet))
                }
                peer.send(response(0, hasMatch: false))
            default: return
            }
        }
        peer.send(PDUBytes.releaseResponse)
    }

    /// A command set by element number, with the data set that follows it; nil at the end of the association.
    private static func readMessage(from peer: ScriptedPeer) -> (
        context: UInt8, command: [UInt16: [UInt8]], dataSet: [UInt8]
    )? {
        var (commandBytes, dataSet, context): ([UInt8], [UInt8], UInt8) = ([], [], 0)
        var command: [UInt16: [UInt8]]?
        while let pdu = peer.readPDU(), pdu[0] == 4 {
            var offset = 6
            while offset + 6 <= pdu.count {
                let length = pdu[offset..<offset + 4].reduce(0) { $0 << 8 | Int($1) }
                let fragment = pdu[offset + 6..<offset + 4 + length]
                let control = pdu[offset + 5]
                context = pdu[offset + 4]
                offset += 4 + length
                if control & 1 == 1 { commandBytes += fragment } else { dataSet += fragment }
                guard control & 2 == 2 else { continue }
                if control & 1 == 0, let command { return (context, command, dataSet) }
                let elements = PDUBytes.elements(ofCommandSet: commandBytes)
                // PS3.7 E.1: 0101H says that no data set follows.
                if elements[0x800].map(PDUBytes.number) == 0x101 { return (context, elements, []) }
                command = elements
            }
        }
        return nil
    }

    private static func sopInstanceUID(inExplicit identifier: [UInt8]) -> String {
        guard let tag = identifier.firstRange(of: [8, 0, 0x18, 0] + Array("UI".utf8)),
            tag.upperBound + 2 <= identifier.count
        else { return "" }
        let length = Int(identifier[tag.upperBound]) | Int(identifier[tag.upperBound + 1]) << 8
        return PDUBytes.text(Array(identifier[(tag.upperBound + 2)...].prefix(length)))
    }

    /// PS3.8 9.3.3; result 3 says that the abstract syntax is not supported.
    private func accept(_ request: [UInt8]) -> [UInt8] {
        var contexts: [UInt8] = []
        for (type, item) in PDUBytes.items(Array(request[74...])) where type == 0x20 {
            let syntaxes = PDUBytes.items(Array(item[4...]))
            let isFind = syntaxes.contains { $0.type == 0x30 && PDUBytes.text($0.value) == Self.studyRootFind }
            let transferSyntax = syntaxes.first { $0.type == 0x40 }.map(\.value) ?? []
            contexts += PDUBytes.item(
                0x21, [item[0], 0, isFind && !offersFind ? 3 : 0, 0] + PDUBytes.item(0x40, transferSyntax))
        }
        return PDUBytes.pdu(
            2,
            [0, 1, 0, 0] + request[10..<74] + PDUBytes.applicationContext + contexts
                + PDUBytes.item(0x50, PDUBytes.maximumLength() + PDUBytes.implementation))
    }
}

extension PDUBytes {
    /// Items of a PDU: type, a reserved byte, a length of 2 bytes, a value.
    static func items(_ bytes: [UInt8]) -> [(type: UInt8, value: [UInt8])] {
        var items: [(UInt8, [UInt8])] = []
        var rest = bytes[...]
        while rest.count >= 4 {
            let start = rest.startIndex
            let length = Int(rest[start + 2]) << 8 | Int(rest[start + 3])
            items.append((rest[start], Array(rest.dropFirst(4).prefix(length))))
            rest = rest.dropFirst(4 + length)
        }
        return items
    }

    /// Of group 0000, in Implicit VR Little Endian.
    static func elements(ofCommandSet bytes: [UInt8]) -> [UInt16: [UInt8]] {
        var elements: [UInt16: [UInt8]] = [:]
        var rest = bytes[...]
        while rest.count >= 8 {
            let head = Array(rest.prefix(8))
            let length = head[4..<8].reversed().reduce(0) { $0 << 8 | Int($1) }
            elements[UInt16(head[2]) | UInt16(head[3]) << 8] = Array(rest.dropFirst(8).prefix(length))
            rest = rest.dropFirst(8 + length)
        }
        return elements
    }

    static func number(_ value: [UInt8]) -> Int { value.reversed().reduce(0) { $0 << 8 | Int($1) } }

    static func text(_ value: [UInt8]?) -> String {
        String(decoding: (value ?? []).filter { $0 != 0 && $0 != 0x20 }, as: UTF8.self)
    }
}
