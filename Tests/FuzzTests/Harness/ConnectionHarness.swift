// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DCMTK
import DICOM
import Glibc
import Synchronization

@testable import Association

/// Byte 0 says whether a good association request goes before the rest, byte 1 where the stream is cut; the rest is what a peer
/// sends. It goes over a pair of sockets into the acceptor's own code, once whole and once in pieces.
enum ConnectionHarness {
    static func violation(of input: [UInt8]) -> String? {
        guard input.count > 2, input.count <= 65_536 else { return nil }
        let stream = (input[0] & 1 == 0 ? request : []) + input[2...]
        let whole = Conversation.play(stream) { stream.count }
        if let words = whole.violation { return words }
        guard input[0] & 2 == 0 else { return nil }
        var random = SeededGenerator(state: UInt64(input[1]))
        // A few pieces: each waits until it was read.
        let longest = max(1, stream.count / (1 + Int(input[1] % 16)))
        let cut = Conversation.play(stream) { Int.random(in: 1...longest, using: &random) }
        if let words = cut.violation { return words }
        return whole == cut ? nil : "cut differently, read differently\nwhole: \(whole)\ncut: \(cut)"
    }

    /// CT in three kinds of transfer syntax, one each of the others, and Verification.
    static let request: [UInt8] = {
        let syntaxes = ScanHarness.syntaxes
        let ct = UID(literal: "1.2.840.10008.5.1.4.1.1.2")
        var contexts = [
            ProposedPresentationContext(
                id: 1, abstractSyntax: AssociateRequest.verification,
                transferSyntaxes: [TransferSyntax.implicitVRLittleEndian.uid])
        ]
        for (index, syntax) in syntaxes.enumerated() {
            contexts.append(
                ProposedPresentationContext(id: UInt8(2 * index + 3), abstractSyntax: ct, transferSyntaxes: [syntax]))
        }
        return AssociateRequest(
            calledAETitle: AETitle(literal: "TRIAGED"), callingAETitle: AETitle(literal: "CT1"), contexts: contexts,
            maximumPDULength: 16_384
        ).encoded()
    }()
}

/// What the node made of one connection.
struct Conversation: Equatable, Sendable {
    struct Instance: Equatable, Sendable {
        var request: StoreRequest
        var bytes: [UInt8] = []
        var failure: ScanError?
        var finished = 0
        var abandoned = 0
    }
    var opened = 0
    var ended: [AssociationEnd] = []
    var refused: [String] = []
    var instances: [Instance] = []
    /// What the node sent.
    var answers: [UInt8] = []
    var hasEnded = true

    /// What no peer may bring about.
    var violation: String? {
        guard hasEnded else { return "the connection does not end" }
        guard opened == ended.count, opened + refused.count == 1 else {
            return "\(opened) opened, \(ended.count) ended, refused: \(refused)"
        }
        for instance in instances {
            guard instance.finished + instance.abandoned == 1 else {
                return "an instance is finished \(instance.finished) and abandoned \(instance.abandoned) times"
            }
            guard instance.finished == 0 || instance.failure == nil else { return "a refused instance is finished" }
            guard CommandHarness.isSafe(instance.request.affectedSOPInstanceUID.string) else {
                return "an instance under a UID that is none"
            }
        }
        return nil
    }

    /// Sends `stream` in pieces as long as `next` says, ends that direction, and reads until the node has closed.
    static func play(_ stream: [UInt8], _ next: () -> Int) -> Conversation {
        var pair: [Int32] = [-1, -1]
        guard socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue), 0, &pair) == 0 else {
            preconditionFailure("no pair of sockets")
        }
        let own = pair[0]
        defer { close(own) }
        let connections = Connections(
            Connections.Bounds(associations: 1, urgentReserve: 0, halfOpen: 1, halfOpenPerAddress: 1))
        let shared = Recorder()
        var timeouts = Timeouts()
        timeouts.close = .seconds(5)
        let connection = Connection(
            configuration: Acceptor.Configuration(
                host: "", port: 0,
                policy: AcceptancePolicy(calledAETitle: AETitle(literal: "TRIAGED"), callingAETitles: nil),
                maximumAssociations: 1, timeouts: timeouts),
            needs: shared.needs, connections: connections, peerAddress: "127.0.0.1", tlsContext: nil)
        connection.start(owning: pair[1])

        var answers: [UInt8] = []
        var start = 0
        while start < stream.count {
            let end = min(start + next(), stream.count)
            guard send(own, stream[start..<end], reading: &answers) else { break }
            start = end
        }
        shutdown(own, Int32(SHUT_WR))
        drain(own, into: &answers, untilEnd: true)
        let hasEnded = connections.waitUntilEmpty(until: .now + .seconds(30))
        var conversation = shared.conversation
        conversation.answers = answers
        conversation.hasEnded = hasEnded
        return conversation
    }

    /// Returns once the other side has read it all; false where it listens no more.
    private static func send(_ own: Int32, _ piece: ArraySlice<UInt8>, reading answers: inout [UInt8]) -> Bool {
        var offset = 0
        let count = piece.count
        while offset < count {
            let sent = piece.withUnsafeBytes {
                Glibc.send(own, $0.baseAddress! + offset, count - offset, Int32(MSG_NOSIGNAL))
            }
            if sent > 0 { offset += sent } else if errno != EAGAIN, errno != EINTR { return false }
            drain(own, into: &answers, untilEnd: false)
        }
        // A connection that is being refused reads no more; then there is nothing to wait for.
        for _ in 0..<2000 {
            var unread: Int32 = 0
            guard ioctlUnread(own, &unread), unread > 0 else { return true }
            drain(own, into: &answers, untilEnd: false)
            sched_yield()
        }
        return true
    }

    private static func drain(_ own: Int32, into answers: inout [UInt8], untilEnd: Bool) {
        var buffer = [UInt8](repeating: 0, count: 16_384)
        while true {
            let count = recv(own, &buffer, buffer.count, 0)
            if count > 0 {
                answers += buffer[..<count]
            } else if count < 0, errno == EAGAIN, untilEnd {
                var entry = pollfd(fd: own, events: Int16(POLLIN), revents: 0)
                guard poll(&entry, 1, 30_000) > 0 else { return }
            } else if count < 0, errno == EINTR {
                continue
            } else {
                return
            }
        }
    }

    /// SIOCOUTQ of a Unix socket: bytes that the other side has not read.
    private static func ioctlUnread(_ own: Int32, _ unread: inout Int32) -> Bool {
        ioctl(own, UInt(0x5411), &unread) == 0
    }
}

/// Takes down what the acceptor tells the node.
private final class Recorder: Sendable {
    private let state = Mutex(Conversation())
    var conversation: Conversation { state.withLock { $0 } }

    var needs: AcceptorNeeds {
        AcceptorNeeds(
            storage: StorageNeeds { [self] request, _ throws(StoreRefusal) in
                let index = state.withLock { state in
                    state.instances.append(Conversation.Instance(request: request))
                    return state.instances.count - 1
                }
                return RecordingSink(request) { [self] change in state.withLock { change(&$0.instances[index]) } }
            },
            opened: { [self] _ in state.withLock { $0.opened += 1 } },
            ended: { [self] _, end in state.withLock { $0.ended.append(end) } },
            refused: { [self] refusal in
                // What is refused on an association that stands is no end of it.
                guard refusal.endsConnection else { return }
                state.withLock { $0.refused.append(refusal.reason) }
            })
    }
}

/// Scans what arrives, as the node does, and keeps it.
private final class RecordingSink: InstanceSink {
    private let change: ((inout Conversation.Instance) -> Void) -> Void
    private var scan: DataSetScan

    init(_ request: StoreRequest, change: @escaping ((inout Conversation.Instance) -> Void) -> Void) {
        self.change = change
        scan = DataSetScan(
            transferSyntaxUID: request.transferSyntaxUID, inflater: Inflaters.inflater(for: request.transferSyntaxUID))
    }

    func append(_ bytes: UnsafeRawBufferPointer) throws(StoreRefusal) {
        do throws(ScanError) { try scan.consume(bytes) } catch { throw refusal(error) }
        let copy = Array(bytes)
        change { $0.bytes += copy }
    }

    func finish() -> StoreAnswer {
        do throws(ScanError) {
            _ = try scan.finish()
            change { $0.finished += 1 }
            return StoreAnswer(.success)
        } catch {
            let refusal = refusal(error)
            abandon()
            return StoreAnswer(refusal.status, comment: refusal.comment)
        }
    }

    func abandon() { change { $0.abandoned += 1 } }

    private func refusal(_ error: ScanError) -> StoreRefusal {
        change { $0.failure = error }
        return StoreRefusal(status: .cannotUnderstand, comment: String("\(error)".prefix(64)))
    }
}
