// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM
import Foundation
import Glibc
import Support
import Synchronization
import Testing

@testable import Association

/// C-FIND, C-MOVE and C-GET byte by byte, with matches and instances that are made up.
@Suite("Query and retrieve") struct QueryRetrieveTests {
    static let find = "1.2.840.10008.5.1.4.1.2.2.1"
    static let move = "1.2.840.10008.5.1.4.1.2.2.2"
    static let get = "1.2.840.10008.5.1.4.1.2.2.3"

    /// So many matches, one a page; none of them before it is asked for.
    final class Matches: QueryAnswers {
        let count: Int
        private let given: Counter
        init(_ count: Int, _ given: Counter) { (self.count, self.given) = (count, given) }
        func next() throws(QueryRefusal) -> [[DataElement]]? {
            guard given.value < count else { return nil }
            return [[DataElement(.patientID, "LO", .bytes(Array("P\(given.increment())".utf8)))]]
        }
    }

    final class Counter: Sendable {
        private let count = Mutex(0)
        var value: Int { count.withLock { $0 } }
        func increment() -> Int {
            count.withLock { count in
                count += 1
                return count
            }
        }
    }

    private func acceptor(
        matches: Int = 3, given: Counter = Counter(), instances: [StoredInstance] = [],
        destinations: [String: UInt16] = [:], refusal: QueryRefusal? = nil
    ) throws -> Acceptor {
        var quick = Node.quick
        quick.response = .seconds(5)
        let timeouts = quick
        let acceptor = try Acceptor(
            configuration: Acceptor.Configuration(
                host: "127.0.0.1", port: 0,
                policy: AcceptancePolicy(
                    calledAETitle: nil, callingAETitles: nil,
                    services: [.verification, .storage, .query, .retrieve]), timeouts: timeouts),
            needs: AcceptorNeeds(
                storage: StorageNeeds { _, _ throws(StoreRefusal) in
                    throw StoreRefusal(status: .outOfResources, comment: "")
                },
                query: QueryNeeds { _, _ throws(QueryRefusal) in
                    if let refusal { throw refusal }
                    return Matches(matches, given)
                },
                retrieve: RetrieveNeeds(
                    instances: { _, _ throws(QueryRefusal) in instances },
                    destination: { title in
                        destinations[title.string].map {
                            Requestor(
                                callingAETitle: AETitle(literal: "TRIAGED"), calledAETitle: title, host: "127.0.0.1",
                                port: $0, timeouts: timeouts)
                        }
                    })))
        acceptor.start()
        return acceptor
    }

    private func request(
        _ field: UInt16, _ sopClass: String, messageID: UInt16 = 5, destination: String? = nil
    ) -> [UInt8] {
        PDUBytes.commandSet(
            PDUBytes.element(2, PDUBytes.even(Array(sopClass.utf8))) + PDUBytes.element(0x100, PDUBytes.little16(field))
                + PDUBytes.element(0x110, PDUBytes.little16(messageID))
                + (destination.map { PDUBytes.element(0x600, PDUBytes.even(Array($0.utf8))) } ?? [])
                + PDUBytes.element(0x700, PDUBytes.little16(0)) + PDUBytes.element(0x800, PDUBytes.little16(1)))
    }

    private func cancel(_ messageID: UInt16 = 5) -> [UInt8] {
        PDUBytes.commandSet(
            PDUBytes.element(0x100, PDUBytes.little16(0x0FFF)) + PDUBytes.element(0x120, PDUBytes.little16(messageID))
                + PDUBytes.element(0x800, PDUBytes.little16(0x101)))
    }

    /// Implicit VR Little Endian.
    private func element(_ group: UInt16, _ number: UInt16, _ value: String) -> [UInt8] {
        PDUBytes.element(number, PDUBytes.even(Array(value.utf8)), group: group)
    }

    private var identifier: [UInt8] { element(8, 0x52, "STUDY ") + element(0x20, 0x0D, "1.2.3.4 ") }

    private func connect(_ acceptor: Acceptor, _ sopClass: String) throws -> ScriptedPeer {
        let peer = try ScriptedPeer(port: acceptor.port)
        let contexts = PDUBytes.context(1, sopClass, [PDUBytes.implicitLittleEndian])
        try peer.play([.send(PDUBytes.associateRequest(contexts: contexts)), .expect(2)])
        return peer
    }

    /// Command sets of the responses up to the final one.
    private func responses(_ peer: ScriptedPeer) throws -> [CommandSet] {
        var commands: [CommandSet] = []
        while let pdu = peer.readPDU() {
            guard pdu[0] == 4 else { throw ToolError("PDU \(pdu[0])") }
            guard pdu[11] & 1 == 1 else { continue }
            let command = try CommandSet(decoding: Array(pdu[12...]))
            commands.append(command)
            if try command.status().category != .pending {
                if try command.hasDataSet() { _ = peer.readPDU() }
                return commands
            }
        }
        throw ToolError("the connection ended after \(commands.count) responses")
    }

    private func send(_ peer: ScriptedPeer, _ command: [UInt8], _ data: [UInt8]) {
        peer.send(
            PDUBytes.data(1, command: true, last: true, command) + PDUBytes.data(1, command: false, last: true, data))
    }

    private func statuses(_ commands: [CommandSet]) throws -> [UInt16] { try commands.map { try $0.status().rawValue } }

    @Test("a C-FIND gets one response a match, and a last one")
    func matches() throws {
        let acceptor = try acceptor()
        defer { acceptor.drain(within: .zero) }
        let peer = try connect(acceptor, Self.find)
        send(peer, request(0x20, Self.find), identifier)
        let answers = try responses(peer)
        #expect(try statuses(answers) == [0xFF00, 0xFF00, 0xFF00, 0])
        #expect(try answers.map { try $0.messageIDBeingRespondedTo() } == [5, 5, 5, 5])
        // A key that nobody supports.
        send(peer, request(0x20, Self.find), element(8, 0x52, "STUDY ") + element(0x32, 0x4000, ""))
        #expect(try statuses(responses(peer)).last == 0)
        try peer.play([.send(PDUBytes.releaseRequest), .expect(6)])
    }

    @Test("matches of a query with keys that are not supported say so")
    func unsupported() throws {
        let acceptor = try acceptor()
        defer { acceptor.drain(within: .zero) }
        let peer = try connect(acceptor, Self.find)
        send(peer, request(0x20, Self.find), element(8, 0x52, "STUDY ") + element(0x32, 0x4000, ""))
        #expect(try statuses(responses(peer)) == [0xFF01, 0xFF01, 0xFF01, 0])
    }

    @Test("a C-CANCEL ends the query with FE00; one for another message does not, and nothing is searched on [FIND-6]")
    func canceled() throws {
        let given = Counter()
        let acceptor = try acceptor(matches: 100_000_000, given: given)
        defer { acceptor.drain(within: .zero) }
        let peer = try connect(acceptor, Self.find)
        send(peer, request(0x20, Self.find), identifier)
        _ = peer.readPDU()
        peer.send(PDUBytes.data(1, command: true, last: true, cancel(6)))
        for _ in 0..<200 { _ = try #require(peer.readPDU()) }
        peer.send(PDUBytes.data(1, command: true, last: true, cancel(5)))
        #expect(try statuses(responses(peer)).last == 0xFE00)
        let atCancel = given.value
        try peer.play([.send(PDUBytes.data(1, command: true, last: true, cancel(5)))])
        // The association goes on.
        try peer.play([.send(PDUBytes.releaseRequest), .expect(6)])
        #expect(given.value == atCancel)
    }

    @Test("a peer that asks for something else while its query is answered is cut off; one that vanishes ends it")
    func impatient() throws {
        let given = Counter()
        let acceptor = try acceptor(matches: 100_000_000, given: given)
        defer { acceptor.drain(within: .zero) }
        let peer = try connect(acceptor, Self.find)
        send(peer, request(0x20, Self.find), identifier)
        _ = peer.readPDU()
        send(peer, request(0x20, Self.find, messageID: 6), identifier)
        #expect(peer.endsAfterReading())
        let other = try connect(acceptor, Self.find)
        send(other, request(0x20, Self.find), identifier)
        _ = other.readPDU()
        other.reset()
        #expect(eventually(within: 20) { acceptor.associationCount == 0 ? true : nil } == true)
    }

    @Test("a refusal is the answer, with its comment, and the association goes on")
    func refused() throws {
        let acceptor = try acceptor(refusal: QueryRefusal(.outOfResources, "busy"))
        defer { acceptor.drain(within: .zero) }
        let peer = try connect(acceptor, Self.find)
        send(peer, request(0x20, Self.find), identifier)
        let answers = try responses(peer)
        #expect(try statuses(answers) == [0xA700])
        #expect(answers[0].errorComment == "busy")
        // No level; no data set that can be read.
        send(peer, request(0x20, Self.find), element(0x20, 0x0D, "1.2 "))
        #expect(try statuses(responses(peer)) == [0xA900])
        send(peer, request(0x20, Self.find), [8, 0, 0x52, 0, 0xFF, 0, 0, 0, 1])
        #expect(try statuses(responses(peer)) == [0xC000])
        send(peer, request(0x21, Self.find), identifier)
        #expect(try statuses(responses(peer)) == [0x0211])
        try peer.play([.send(PDUBytes.releaseRequest), .expect(6)])
    }

    @Test("an identifier of more than 1 MiB ends the association")
    func tooLong() throws {
        let acceptor = try acceptor()
        defer { acceptor.drain(within: .zero) }
        let peer = try connect(acceptor, Self.find)
        peer.send(PDUBytes.data(1, command: true, last: true, request(0x20, Self.find)))
        for _ in 0..<20 {
            peer.send(PDUBytes.data(1, command: false, last: false, [UInt8](repeating: 0x20, count: 65_536)))
        }
        #expect(peer.endsAfterReading())
    }

    @Test("a peer that does not read its matches holds nobody up [FIND-7]")
    func slow() throws {
        let given = Counter()
        let acceptor = try acceptor(matches: 100_000_000, given: given)
        defer { acceptor.drain(within: .zero) }
        let slow = try connect(acceptor, Self.find)
        send(slow, request(0x20, Self.find), identifier)
        // Its buffers are full once the count stands still.
        var before = -1
        let isStuck = eventually(within: 20) { () -> Bool? in
            defer { before = given.value }
            return given.value > 0 && given.value == before ? true : nil
        }
        #expect(isStuck == true)
        let echo = try Tool.run("/usr/bin/echoscu", ["127.0.0.1", String(acceptor.port)], seconds: 30)
        #expect(echo.status == 0)
        // It goes on once the peer reads on, and ends once it cancels.
        for _ in 0..<1000 { _ = try #require(slow.readPDU()) }
        slow.send(PDUBytes.data(1, command: true, last: true, cancel()))
        #expect(try statuses(responses(slow)).last == 0xFE00)
    }

    // MARK: retrieval

    private func count(_ command: CommandSet) throws -> [UInt16?] {
        try [0x1020, 0x1021, 0x1022, 0x1023].map { try command.unsignedShort($0) }
    }

    private func instances(_ directory: TemporaryDirectory, _ count: Int, missing: Set<Int> = []) throws
        -> [StoredInstance]
    {
        try (0..<count).map { number in
            let uid = "1.2.3.\(number + 1)"
            let path = directory.file("\(number).dcm")
            if !missing.contains(number) {
                var file = [UInt8](repeating: 0, count: 128) + Array("DICM".utf8)
                let syntax = PDUBytes.even(Array(PDUBytes.explicitLittleEndian.utf8))
                file += [2, 0, 0x10, 0] + Array("UI".utf8) + PDUBytes.little16(UInt16(syntax.count)) + syntax
                file += [8, 0, 0x18, 0] + Array("UI".utf8) + [UInt8(8), 0] + PDUBytes.even(Array(uid.utf8))
                try Data(file).write(to: URL(fileURLWithPath: path))
            }
            return StoredInstance(
                path: path, sopClassUID: UID(literal: "1.2.840.10008.5.1.4.1.1.2"),
                sopInstanceUID: try #require(UID(uid)),
                transferSyntaxUID: UID(literal: "1.2.840.10008.1.2.1"))
        }
    }

    @Test("a C-MOVE to nobody that is known is refused with A801")
    func unknownDestination() throws {
        let acceptor = try acceptor()
        defer { acceptor.drain(within: .zero) }
        let peer = try connect(acceptor, Self.move)
        for destination in ["NOBODY", " ", nil] as [String?] {
            send(peer, request(0x21, Self.move, destination: destination), identifier)
            #expect(try statuses(responses(peer)) == [0xA801])
        }
    }

    @Test("a sub-operation of a C-MOVE names its originator, and a C-STORE of our own names none [MOVE-1]")
    func originator() throws {
        let directory = try TemporaryDirectory()
        let instance = try instances(directory, 1)[0]
        let originator = MoveOriginator(aeTitle: AETitle(literal: "VIEWER"), messageID: 258)
        let command = CommandSet.storeRequest(instance, messageID: 1, for: originator)
        #expect(command.bytes(0x1030) == Array("VIEWER".utf8))
        #expect(try command.unsignedShort(0x1031) == 258)
        #expect(CommandSet.storeRequest(instance, messageID: 1).bytes(0x1030) == nil)
    }

    @Test("a C-MOVE counts what went through, and names what did not [MOVE-4]")
    func counts() throws {
        let directory = try TemporaryDirectory()
        let destination = try Node()
        let acceptor = try acceptor(
            instances: try instances(directory, 4, missing: [1]), destinations: ["TRIAGED": destination.port])
        defer { acceptor.drain(within: .zero) }
        let peer = try connect(acceptor, Self.move)
        send(peer, request(0x21, Self.move, destination: "TRIAGED"), identifier)
        let answers = try responses(peer)
        #expect(try statuses(answers) == [0xFF00, 0xFF00, 0xFF00, 0xB000])
        #expect(try answers.map(count) == [[3, 1, 0, 0], [2, 1, 1, 0], [1, 2, 1, 0], [nil, 3, 1, 0]])
        let list = try #require(peer.received.last)
        #expect(String(decoding: list, as: UTF8.self).contains("1.2.3.2"))
        #expect(
            destination.record.now.instances.map { $0.request.affectedSOPInstanceUID.string } == [
                "1.2.3.1", "1.2.3.3", "1.2.3.4",
            ])
    }

    @Test(
        "what the destination answers is counted as what it is",
        arguments: [
            (0x0000, [nil, 2, 0, 0], 0x0000), (0xB000, [nil, 0, 0, 2], 0xB000), (0xA700, [nil, 0, 2, 0], 0xA702),
        ]
            as [(UInt16, [UInt16?], UInt16)])
    func answers(status: UInt16, counts: [UInt16?], final: UInt16) throws {
        let directory = try TemporaryDirectory()
        let destination = try Node(answer: StoreAnswer(Status(rawValue: status)))
        let acceptor = try acceptor(
            instances: try instances(directory, 2), destinations: ["TRIAGED": destination.port])
        defer { acceptor.drain(within: .zero) }
        let peer = try connect(acceptor, Self.move)
        send(peer, request(0x21, Self.move, destination: "TRIAGED"), identifier)
        let answers = try responses(peer)
        #expect(try answers.last.map(count) == counts)
        #expect(try statuses(answers).last == final)
    }

    @Test("a destination that is not there, or rejects us, ends in A702 and holds nothing up")
    func unreachable() throws {
        let directory = try TemporaryDirectory()
        let other = try Node()
        let acceptor = try acceptor(
            instances: try instances(directory, 2), destinations: ["GONE": 1, "OTHER": other.port])
        defer { acceptor.drain(within: .zero) }
        for destination in ["GONE", "OTHER"] {
            let peer = try connect(acceptor, Self.move)
            send(peer, request(0x21, Self.move, destination: destination), identifier)
            let answers = try responses(peer)
            #expect(try statuses(answers) == [0xFF00, 0xA702])
            #expect(try answers.last.map(count) == [nil, 0, 2, 0])
            #expect(answers.last?.errorComment?.hasPrefix("destination: ") == true)
        }
    }

    @Test("a C-GET without a context in which the requestor is the SCP sends nothing")
    func withoutRole() throws {
        let directory = try TemporaryDirectory()
        let acceptor = try acceptor(instances: try instances(directory, 2))
        defer { acceptor.drain(within: .zero) }
        let peer = try ScriptedPeer(port: acceptor.port)
        let contexts =
            PDUBytes.context(1, Self.get, [PDUBytes.implicitLittleEndian])
            + PDUBytes.context(3, PDUBytes.ctImageStorage, [PDUBytes.explicitLittleEndian])
        try peer.play([.send(PDUBytes.associateRequest(contexts: contexts)), .expect(2)])
        send(peer, request(0x10, Self.get), identifier)
        let answers = try responses(peer)
        #expect(try statuses(answers) == [0xFF00, 0xA702])
        #expect(try answers.last.map(count) == [nil, 0, 2, 0])
    }

    @Test("a C-GET is canceled while a sub-operation waits for its response [GET-2]")
    func canceledGet() throws {
        let directory = try TemporaryDirectory()
        let acceptor = try acceptor(instances: try instances(directory, 3))
        defer { acceptor.drain(within: .zero) }
        let peer = try ScriptedPeer(port: acceptor.port)
        let ct = Array(PDUBytes.ctImageStorage.utf8)
        let role = PDUBytes.item(0x54, [0, UInt8(ct.count)] + ct + [0, 1])
        let contexts =
            PDUBytes.context(1, Self.get, [PDUBytes.implicitLittleEndian])
            + PDUBytes.context(3, PDUBytes.ctImageStorage, [PDUBytes.explicitLittleEndian])
        try peer.play([
            .send(
                PDUBytes.associateRequest(
                    contexts: contexts, user: PDUBytes.maximumLength() + PDUBytes.implementation + role)), .expect(2),
        ])
        send(peer, request(0x10, Self.get), identifier)
        // C-STORE-RQ and its data set.
        try peer.play([.expect(4), .expect(4)])
        let store = try CommandSet(decoding: Array(peer.received[1][12...]))
        #expect(try store.field() == .cStoreRequest)
        peer.send(PDUBytes.data(1, command: true, last: true, cancel()))
        let response = try CommandSet.response(to: store, status: .success)
        peer.send(PDUBytes.data(3, command: true, last: true, response.encoded()))
        let answers = try responses(peer)
        #expect(try statuses(answers) == [0xFE00])
        #expect(try answers.last.map(count) == [2, 1, 0, 0])
        try peer.play([.send(PDUBytes.releaseRequest), .expect(6)])
    }

    @Test(
        "the final status follows from the counts",
        arguments: [
            ([0x0000, 0x0000], false, 0x0000), ([], false, 0x0000), ([0x0000, 0xA700], false, 0xB000),
            ([0x0000, 0xB000], false, 0xB000), ([0xA700, 0x0110], false, 0xA702), ([0xA700, 0xB000], false, 0xB000),
            ([0x0000], true, 0xFE00),
        ] as [([UInt16], Bool, UInt16)])
    func finalStatus(statuses: [UInt16], isCanceled: Bool, final: UInt16) {
        var progress = SubOperations(count: statuses.count)
        for status in statuses { progress.ended(UID(literal: "1.2"), with: Status(rawValue: status)) }
        #expect(progress.finalStatus(isCanceled: isCanceled).rawValue == final)
    }
}
