// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import Dispatch
import Foundation
import Glibc
import Synchronization

/// A storage and query SCP that answers as it is told to: a PACS on a bad day. Accepts each presentation context with its
/// first transfer syntax, except those that it is told to refuse.
package final class ScriptedPACS: Sendable {
    package enum Answer: Sendable {
        /// A C-STORE-RSP of this status; the object is kept unless the status is a failure (PS3.7 C).
        case status(UInt16)
        /// Keeps the object and closes the connection without a response.
        case keepAndHangUp
        /// Closes the connection without a response, and keeps nothing.
        case dropAndHangUp
        /// A-ABORT once the first data of the object has come.
        case abortInTransfer
        /// A response to another operation.
        case wrongMessage
        /// Nothing at all, until the other side gives up.
        case silence
        /// Keeps the object, and answers with success after so many milliseconds.
        case slow(milliseconds: UInt32)
        /// Keeps the object, and answers with success once the semaphore is signalled.
        case waits(DispatchSemaphore)
    }

    /// What it makes of Storage Commitment.
    package enum Commitment: Sendable {
        /// Refuses the presentation context.
        case none
        /// Answers the N-ACTION with this status, and reports nothing.
        case answers(UInt16)
        /// Reports on the association of the request: Failure Reason for each SOP Instance UID, 0 for none.
        case reports(@Sendable (String) -> UInt16)
    }

    package struct Reception: Sendable {
        package var sopInstanceUID: String
        package var dataSet: [UInt8]
    }

    private struct State {
        var receptions: [Reception] = []
        var held: [String] = []
        var queries: [String] = []
        var commitments: [(transactionUID: String, instances: [String])] = []
        var reportStatuses: [UInt16] = []
        var associations = 0
        var mostAssociations = 0
        var isStopped = false
    }

    private static let commitmentPush = "1.2.840.10008.1.20.1"
    private static let studyRootFind = "1.2.840.10008.5.1.4.1.2.2.1"

    package var port: Int { Int(listener.port) }
    private let listener: ScriptedListener
    private let offersFind: Bool
    private let refuses: Set<String>
    private let commitment: Commitment
    private let silentRequests: Int
    private let state = Mutex(State())

    /// `answer` gets the number of the C-STORE, from 0, and its SOP class.
    /// `refuses` lists abstract syntaxes. The first `silentRequests` requests for storage commitment are answered and never reported on.
    package init(
        port: Int = 0, offersFind: Bool = true, refuses: Set<String> = [], commitment: Commitment = .none,
        silentRequests: Int = 0,
        answer: @escaping @Sendable (_ number: Int, _ sopClassUID: String) -> Answer
    ) throws {
        self.offersFind = offersFind
        self.refuses = refuses
        self.commitment = commitment
        self.silentRequests = silentRequests
        listener = try ScriptedListener(port: UInt16(port))
        let thread = Thread { [listener, weak self] in
            while true {
                let peer = listener.accept()
                guard let self, !self.state.withLock({ $0.isStopped }) else { return }
                // An association is served to its end by a thread of its own.
                let handed = Handed(peer: peer)
                Thread {
                    self.state.withLock {
                        $0.associations += 1
                        $0.mostAssociations = max($0.mostAssociations, $0.associations)
                    }
                    self.serve(handed.peer, answer)
                    self.state.withLock { $0.associations -= 1 }
                }.start()
            }
        }
        thread.start()
    }

    /// Each C-STORE request, answered or not.
    package var receptions: [Reception] { state.withLock { $0.receptions } }
    /// SOP Instance UIDs that C-FIND asked for.
    package var queries: [String] { state.withLock { $0.queries } }

    /// Requests for storage commitment.
    package var commitments: [(transactionUID: String, instances: [String])] { state.withLock { $0.commitments } }
    /// What reports were answered with.
    package var reportStatuses: [UInt16] { state.withLock { $0.reportStatuses } }
    /// Associations at once, at most so far.
    package var mostAssociations: Int { state.withLock { $0.mostAssociations } }

    /// One thread gives it to another.
    private struct Handed: @unchecked Sendable { let peer: ScriptedPeer }

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
        while let message = Self.readMessage(
            from: peer,
            isCutOff: { sopClass in
                let number = state.withLock { $0.receptions.count }
                guard case .abortInTransfer = answer(number, sopClass) else { return false }
                return true
            })
        {
            let command = message.command
            guard let field = command[0x100], let messageID = command[0x110] ?? command[0x120] else { return }
            switch PDUBytes.number(field) {
            case 0x0001:
                let (sopClass, uid) = (PDUBytes.text(command[0x2]), PDUBytes.text(command[0x1000]))
                let number = state.withLock { state in
                    state.receptions.append(Reception(sopInstanceUID: uid, dataSet: message.dataSet))
                    return state.receptions.count - 1
                }
                func respond(_ status: UInt16, field: [UInt8] = [1, 0x80]) {
                    let response =
                        PDUBytes.element(2, PDUBytes.even(Array(sopClass.utf8))) + PDUBytes.element(0x100, field)
                        + PDUBytes.element(0x120, messageID) + PDUBytes.element(0x800, [1, 1])
                        + PDUBytes.element(0x900, PDUBytes.little16(status))
                        + PDUBytes.element(0x1000, PDUBytes.even(Array(uid.utf8)))
                    peer.send(PDUBytes.data(message.context, command: true, last: true, PDUBytes.commandSet(response)))
                }
                switch answer(number, sopClass) {
                case .abortInTransfer:
                    peer.send(PDUBytes.abort)
                    return
                case .wrongMessage: respond(0, field: [0x20, 0x80])
                case .silence:
                    _ = peer.endsAfterReading()
                    return
                case .slow(let milliseconds):
                    usleep(milliseconds * 1000)
                    state.withLock { $0.held.append(uid) }
                    respond(0)
                case .waits(let gate):
                    gate.wait()
                    state.withLock { $0.held.append(uid) }
                    respond(0)
                case .dropAndHangUp: return
                case .keepAndHangUp:
                    state.withLock { $0.held.append(uid) }
                    return
                case .status(let status):
                    if status == 0 || status & 0xF000 == 0xB000 { state.withLock { $0.held.append(uid) } }
                    respond(status)
                }
            case 0x0130: commit(message, over: peer)
            case 0x8100:
                let status = UInt16(PDUBytes.number(command[0x900] ?? []))
                state.withLock { $0.reportStatuses.append(status) }
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
    private static func readMessage(
        from peer: ScriptedPeer, isCutOff: (_ sopClassUID: String) -> Bool
    ) -> Message? {
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
                if control & 1 == 0, let command, PDUBytes.number(command[0x100] ?? []) == 1,
                    isCutOff(PDUBytes.text(command[2]))
                {
                    return Message(context: context, command: command, dataSet: dataSet)
                }
                guard control & 2 == 2 else { continue }
                if control & 1 == 0, let command {
                    return Message(context: context, command: command, dataSet: dataSet)
                }
                let elements = PDUBytes.elements(ofCommandSet: commandBytes)
                // PS3.7 E.1: 0101H says that no data set follows.
                if elements[0x800].map(PDUBytes.number) == 0x101 {
                    return Message(context: context, command: elements, dataSet: [])
                }
                command = elements
            }
        }
        return nil
    }

    private struct Message {
        var context: UInt8
        var command: [UInt16: [UInt8]]
        var dataSet: [UInt8]
    }

    private func commit(_ message: Message, over peer: ScriptedPeer) {
        let transaction = Self.uids(0x1195, in: message.dataSet).first ?? ""
        let classes = Self.uids(0x1150, in: message.dataSet)
        let instances = Self.uids(0x1155, in: message.dataSet)
        let request = state.withLock { state in
            state.commitments.append((transaction, instances))
            return state.commitments.count
        }
        let status: UInt16 = if case .answers(let status) = commitment { status } else { 0 }
        let well = PDUBytes.element(2, PDUBytes.even(Array("1.2.840.10008.1.20.1".utf8)))
        let known = PDUBytes.element(0x1000, PDUBytes.even(Array("1.2.840.10008.1.20.1.1".utf8)))
        peer.send(
            PDUBytes.data(
                message.context, command: true, last: true,
                PDUBytes.commandSet(
                    well + PDUBytes.element(0x100, [0x30, 0x81])
                        + PDUBytes.element(0x120, message.command[0x110] ?? [])
                        + PDUBytes.element(0x800, PDUBytes.little16(0x101))
                        + PDUBytes.element(0x900, PDUBytes.little16(status)) + known)))
        guard request > silentRequests, case .reports(let reason) = commitment else { return }
        func element(_ number: UInt16, _ vr: String, _ value: [UInt8]) -> [UInt8] {
            var bytes: [UInt8] = [8, 0]
            bytes += PDUBytes.little16(number)
            bytes += Array(vr.utf8)
            if vr == "SQ" {
                bytes += [0, 0]
                bytes += PDUBytes.little32(UInt32(value.count))
            } else {
                bytes += PDUBytes.little16(UInt16(value.count))
            }
            return bytes + value
        }
        func ui(_ number: UInt16, _ uid: String) -> [UInt8] { element(number, "UI", PDUBytes.even(Array(uid.utf8))) }
        func sequence(_ number: UInt16, _ items: [[UInt8]]) -> [UInt8] {
            guard !items.isEmpty else { return [] }
            var body: [UInt8] = []
            for item in items {
                body += [0xFE, 0xFF, 0x00, 0xE0]
                body += PDUBytes.little32(UInt32(item.count))
                body += item
            }
            return element(number, "SQ", body)
        }
        var (failed, held): ([[UInt8]], [[UInt8]]) = ([], [])
        for (sopClass, instance) in zip(classes, instances) {
            let item = ui(0x1150, sopClass) + ui(0x1155, instance)
            let reason = reason(instance)
            if reason == 0 {
                held.append(item)
            } else {
                failed.append(item + element(0x1197, "US", PDUBytes.little16(reason)))
            }
        }
        peer.send(
            PDUBytes.data(
                message.context, command: true, last: true,
                PDUBytes.commandSet(
                    well + PDUBytes.element(0x100, [0, 1]) + PDUBytes.element(0x110, [1, 0])
                        + PDUBytes.element(0x800, [1, 0]) + known
                        + PDUBytes.element(0x1002, PDUBytes.little16(failed.isEmpty ? 1 : 2)))))
        peer.send(
            PDUBytes.data(
                message.context, command: false, last: true,
                ui(0x1195, transaction) + sequence(0x1198, failed) + sequence(0x1199, held)))
    }

    /// All values of an attribute of group 0008 with VR UI, wherever they lie.
    private static func uids(_ element: UInt16, in dataSet: [UInt8]) -> [String] {
        let tag = [8, 0] + PDUBytes.little16(element) + Array("UI".utf8)
        var found: [String] = []
        var rest = dataSet[...]
        while let range = rest.firstRange(of: tag), range.upperBound + 2 <= rest.endIndex {
            let length = Int(rest[range.upperBound]) | Int(rest[range.upperBound + 1]) << 8
            found.append(PDUBytes.text(Array(rest[(range.upperBound + 2)...].prefix(length))))
            rest = rest[(range.upperBound + 2)...].dropFirst(length)
        }
        return found
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
            let abstract = syntaxes.first { $0.type == 0x30 }.map { PDUBytes.text($0.value) } ?? ""
            var isRefused = refuses.contains(abstract) || (abstract == Self.studyRootFind && !offersFind)
            if case .none = commitment, abstract == Self.commitmentPush { isRefused = true }
            let transferSyntax = syntaxes.first { $0.type == 0x40 }.map(\.value) ?? []
            contexts += PDUBytes.item(
                0x21, [item[0], 0, isRefused ? 3 : 0, 0] + PDUBytes.item(0x40, transferSyntax))
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
