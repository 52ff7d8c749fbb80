// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM
import Support
import Synchronization
import Testing

@testable import Association

/// An archive whose reports are ready at once, or when the test says so.
private final class Archive: Sendable {
    struct State: Sendable {
        var requests: [CommitmentRequest] = []
        var ready: [CommitmentReport] = []
        var outcomes: [RequestOutcome<StatusAnswer>] = []
        var awaited = 0
        var ended = 0
    }
    private let state = Mutex(State())
    let acceptor: Acceptor
    let stored = Record()
    var now: State { state.withLock { $0 } }

    init(offered: Bool = true, isReady: Bool = true, answer: StatusAnswer = StatusAnswer(status: .success)) throws {
        let stored = stored
        let holder = Holder()
        let needs = CommitmentNeeds(
            request: { request, _ in holder.archive?.take(request, answer, isReady: isReady) ?? answer },
            isAwaited: { _ in (holder.archive?.now.awaited ?? 0) > 0 },
            nextReport: { _ in holder.archive?.next() },
            reported: { _, _, outcome in holder.archive?.reported(outcome) },
            ended: { _ in holder.archive?.close() })
        acceptor = try Acceptor(
            configuration: Acceptor.Configuration(
                host: "127.0.0.1", port: 0,
                policy: AcceptancePolicy(
                    calledAETitle: AETitle(literal: "TRIAGED"), callingAETitles: nil,
                    services: offered ? [.verification, .storage, .storageCommitment] : [.verification, .storage]),
                timeouts: Node.quick),
            needs: AcceptorNeeds(
                storage: StorageNeeds { _, _ throws(StoreRefusal) in
                    throw StoreRefusal(status: .outOfResources, comment: "no")
                },
                commitment: offered ? needs : nil,
                ended: { _, end in stored.change { $0.ended.append(end) } }))
        holder.set(self)
        acceptor.start()
    }

    deinit { acceptor.drain(within: .zero) }

    private final class Holder: Sendable {
        private let value = Mutex<Weak>(Weak())
        struct Weak: Sendable { weak var archive: Archive? }
        var archive: Archive? { value.withLock { $0.archive } }
        func set(_ archive: Archive) { value.withLock { $0.archive = archive } }
    }

    private func take(_ request: CommitmentRequest, _ answer: StatusAnswer, isReady: Bool) -> StatusAnswer {
        state.withLock {
            $0.requests.append(request)
            guard answer.status == .success else { return }
            $0.awaited += 1
            if isReady { $0.ready.append(Self.report(on: request)) }
        }
        return answer
    }

    static func report(on request: CommitmentRequest) -> CommitmentReport {
        CommitmentReport(transactionUID: request.transactionUID, committed: request.instances, failed: [])
    }

    private func next() -> CommitmentReport? { state.withLock { $0.ready.isEmpty ? nil : $0.ready.removeFirst() } }
    private func reported(_ outcome: RequestOutcome<StatusAnswer>) {
        state.withLock {
            $0.outcomes.append(outcome)
            $0.awaited -= 1
        }
    }
    private func close() { state.withLock { $0.ended += 1 } }
    func waitForOutcome() -> RequestOutcome<StatusAnswer>? { eventually(within: 20) { self.now.outcomes.first } }
}

@Suite struct StorageCommitmentTests {
    static let pushModel = "1.2.840.10008.1.20.1"

    private static func peer(_ archive: Archive, syntaxes: [String] = [PDUBytes.implicitLittleEndian]) throws
        -> (ScriptedPeer, accept: [UInt8])
    {
        let peer = try ScriptedPeer(port: archive.acceptor.port)
        peer.send(
            PDUBytes.associateRequest(
                contexts: PDUBytes.context(1, pushModel, syntaxes)
                    + PDUBytes.context(3, PDUBytes.ctImageStorage, [PDUBytes.explicitLittleEndian])))
        return (peer, try #require(peer.readPDU()))
    }

    /// N-ACTION-RQ (PS3.7 10.3.5.1).
    private static func action(
        sopClass: String = pushModel, instance: String = "1.2.840.10008.1.20.1.1", type: UInt16? = 1, dataSet: [UInt8]?
    ) -> [UInt8] {
        var command =
            PDUBytes.element(3, PDUBytes.even(Array(sopClass.utf8))) + PDUBytes.element(0x100, [0x30, 1])
            + PDUBytes.element(0x110, [5, 0]) + PDUBytes.element(0x800, PDUBytes.little16(dataSet == nil ? 0x101 : 1))
            + PDUBytes.element(0x1001, PDUBytes.even(Array(instance.utf8)))
        if let type { command += PDUBytes.element(0x1008, PDUBytes.little16(type)) }
        var bytes = PDUBytes.data(1, command: true, last: true, PDUBytes.commandSet(command))
        if let dataSet {
            var rest = dataSet[...]
            repeat {
                let part = rest.prefix(100_000)
                rest = rest.dropFirst(part.count)
                bytes += PDUBytes.data(1, command: false, last: rest.isEmpty, Array(part))
            } while !rest.isEmpty
        }
        return bytes
    }

    private static func list(_ count: Int = 1, uid: String? = "2.25.1") -> [UInt8] {
        var list = AttributeList()
        if let uid { list.set(StorageCommitment.transactionUID, "UI", uid) }
        list.set(
            StorageCommitment.referencedSOPSequence,
            items: (0..<count).map { number in
                var item = AttributeList()
                item.set(StorageCommitment.referencedSOPClassUID, "UI", PDUBytes.ctImageStorage)
                item.set(StorageCommitment.referencedSOPInstanceUID, "UI", "1.2.\(number)")
                return item
            })
        return list.encoded(isExplicitVR: false)
    }

    /// The next command set.
    private static func command(_ peer: ScriptedPeer) throws -> CommandSet {
        let pdu = try #require(peer.readPDU())
        try #require(pdu[0] == 4 && pdu[11] & 1 == 1, "\(pdu.prefix(20))")
        return try CommandSet(decoding: Array(pdu[12...]))
    }

    private static func reportResponse(status: UInt16 = 0, messageID: UInt16 = 1) -> [UInt8] {
        PDUBytes.data(
            1, command: true, last: true,
            PDUBytes.commandSet(
                PDUBytes.element(2, PDUBytes.even(Array(pushModel.utf8))) + PDUBytes.element(0x100, [0, 0x81])
                    + PDUBytes.element(0x120, PDUBytes.little16(messageID)) + PDUBytes.element(0x800, [1, 1])
                    + PDUBytes.element(0x900, PDUBytes.little16(status))))
    }

    @Test(
        "a node that is no archive refuses the context with result 3; an archive takes it in the little-endian encodings only"
    )
    func offered() throws {
        for (archive, syntaxes, result) in [
            (try Archive(offered: false), [PDUBytes.implicitLittleEndian], UInt8(3)),
            (try Archive(), [PDUBytes.implicitLittleEndian], 0),
            (try Archive(), ["1.2.840.10008.1.2.1.99", PDUBytes.explicitLittleEndian], 0),
            (try Archive(), ["1.2.840.10008.1.2.2"], 4),
        ] {
            let (_, accept) = try Self.peer(archive, syntaxes: syntaxes)
            let answer = try #require(try AssociateAccept(parsing: accept).answers.first)
            #expect(answer.result.rawValue == result, "\(syntaxes)")
            if result == 0 { #expect(answer.transferSyntax?.string == syntaxes.last) }
        }
    }

    struct Case: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var bytes: [UInt8]
        var status: UInt16
    }

    @Test(
        "an N-ACTION that is wrong is refused with the status that says why, and the association goes on [COMMIT-8]",
        arguments: [
            Case(testDescription: "another class", bytes: action(sopClass: "1.2.3", dataSet: list()), status: 0x0122),
            Case(
                testDescription: "another instance", bytes: action(instance: "1.2.3", dataSet: list()), status: 0x0112),
            Case(testDescription: "action type 2", bytes: action(type: 2, dataSet: list()), status: 0x0123),
            Case(testDescription: "no action type", bytes: action(type: nil, dataSet: list()), status: 0x0123),
            Case(testDescription: "no data set", bytes: action(dataSet: nil), status: 0x0115),
            Case(testDescription: "no transaction", bytes: action(dataSet: list(uid: nil)), status: 0x0115),
            Case(testDescription: "no instances", bytes: action(dataSet: list(0)), status: 0x0115),
            Case(
                testDescription: "rubbish", bytes: action(dataSet: [UInt8](repeating: 0xFF, count: 99)), status: 0x0115),
            Case(
                testDescription: "5 MiB", bytes: action(dataSet: [UInt8](repeating: 0, count: 5 << 20)), status: 0x0213),
        ])
    func refused(wrong: Case) throws {
        let archive = try Archive()
        let (peer, _) = try Self.peer(archive)
        peer.send(wrong.bytes)
        let answer = try Self.command(peer)
        #expect(answer.bytes(0x0100) == [0x30, 0x81])
        #expect(try answer.status().rawValue == wrong.status)
        #expect(archive.now.requests.isEmpty)
        try peer.play([.send(PDUBytes.releaseRequest), .expect(6), .expectEnd])
        #expect(archive.now.outcomes.isEmpty)
    }

    @Test("a request is answered at once, and reported on the same association, between other messages of the peer")
    func sameAssociation() throws {
        let archive = try Archive()
        let (peer, _) = try Self.peer(archive)
        peer.send(Self.action(dataSet: Self.list(3000)))
        let answer = try Self.command(peer)
        #expect(try answer.status() == .success)
        #expect(try answer.uid(0x1000)?.string == "1.2.840.10008.1.20.1.1")
        let report = try Self.command(peer)
        #expect(report.bytes(0x0100) == [0, 1] && report.bytes(0x1002) == [1, 0])
        #expect(try report.uid(0x1000)?.string == "1.2.840.10008.1.20.1.1")
        var event: [UInt8] = []
        while let pdu = peer.readPDU() {
            event += pdu[12...]
            if pdu[11] & 2 == 2 { break }
        }
        #expect(event == CommitmentReport.sample(3000).encoded(isExplicitVR: false))
        // A request of the peer crosses the report: it is answered first.
        peer.send(PDUBytes.data(3, command: true, last: true, PDUBytes.storeRequest()))
        peer.send(PDUBytes.data(3, command: false, last: true, [8, 0, 0x18, 0]))
        #expect(try Self.command(peer).status() == .outOfResources)
        #expect(archive.now.outcomes.isEmpty)
        peer.send(Self.reportResponse())
        #expect(archive.waitForOutcome() == .answered(StatusAnswer(status: .success)))
        try peer.play([.send(PDUBytes.releaseRequest), .expect(6), .expectEnd])
        #expect(archive.stored.now.ended == [.released])
        #expect(archive.now.ended == 1 && archive.now.outcomes.count == 1)
    }

    @Test(
        "a peer that releases at once gets no report there, and one that ends with a report open gets it again elsewhere"
    )
    func released() throws {
        let archive = try Archive(isReady: false)
        let (peer, _) = try Self.peer(archive)
        peer.send(Self.action(dataSet: Self.list()))
        try peer.play([.expect(4), .send(PDUBytes.releaseRequest), .expect(6), .expectEnd])
        #expect(eventually(within: 10) { archive.now.ended == 1 ? true : nil } == true)
        #expect(archive.now.outcomes.isEmpty)

        let other = try Archive()
        let (rude, _) = try Self.peer(other)
        rude.send(Self.action(dataSet: Self.list()))
        try rude.play([.expect(4), .expect(4), .expect(4), .reset])
        guard case .unanswered? = other.waitForOutcome() else {
            Issue.record("\(other.now.outcomes)")
            return
        }
    }

    @Test("a failure status is passed on; a response to nothing ends the association")
    func responses() throws {
        let archive = try Archive()
        let (peer, _) = try Self.peer(archive)
        peer.send(Self.action(dataSet: Self.list()))
        try peer.play([.expect(4), .expect(4), .expect(4), .send(Self.reportResponse(status: 0x0110))])
        #expect(archive.waitForOutcome() == .answered(StatusAnswer(status: .processingFailure)))
        try peer.play([.send(Self.reportResponse()), .expect(7), .expectEnd])
        #expect(archive.now.outcomes.count == 1)
    }

    @Test(
        "a report that is not answered in ten seconds is left to another association, and a late response still counts")
    func late() throws {
        let archive = try Archive()
        let (peer, _) = try Self.peer(archive)
        peer.send(Self.action(dataSet: Self.list()))
        try peer.play([.expect(4), .expect(4), .expect(4)])
        guard case .unanswered? = archive.waitForOutcome() else {
            Issue.record("\(archive.now.outcomes)")
            return
        }
        peer.send(Self.reportResponse())
        let outcomes = eventually(within: 10) { archive.now.outcomes.count == 2 ? archive.now.outcomes : nil }
        #expect(outcomes?.last == .answered(StatusAnswer(status: .success)))
        try peer.play([.send(PDUBytes.releaseRequest), .expect(6), .expectEnd])
    }

    @Test("a refusal of the node is the status of the answer, and nothing is reported")
    func nodeRefuses() throws {
        let archive = try Archive(answer: StatusAnswer(status: .processingFailure, errorComment: "no"))
        let (peer, _) = try Self.peer(archive)
        peer.send(Self.action(dataSet: Self.list()))
        let answer = try Self.command(peer)
        #expect(try answer.status() == .processingFailure && answer.errorComment == "no")
        try peer.play([.send(PDUBytes.releaseRequest), .expect(6), .expectEnd])
    }
}

extension CommitmentReport {
    fileprivate static func sample(_ count: Int) -> CommitmentReport {
        CommitmentReport(
            transactionUID: UID(literal: "2.25.1"),
            committed: (0..<count).compactMap { number in
                UID("1.2.\(number)").map {
                    SOPReference(sopClassUID: UID(literal: "1.2.840.10008.5.1.4.1.1.2"), sopInstanceUID: $0)
                }
            }, failed: [])
    }
}
