// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DCMTK
import DICOM
import Support
import Synchronization

@testable import Association

/// What an acceptor told the node, and what it was told.
final class Record: Sendable {
    struct Instance: Sendable {
        var request: StoreRequest
        var bytes: [UInt8] = []
        var finished = 0
        var abandoned = 0
    }
    struct State: Sendable {
        var instances: [Instance] = []
        var opened: [AssociationInfo] = []
        var ended: [AssociationEnd] = []
        var refused: [AssociationRefusal] = []
    }
    private let state = Mutex(State())
    func change<Result: Sendable>(_ body: (inout State) -> Result) -> Result { state.withLock { body(&$0) } }
    var now: State { state.withLock { $0 } }
}

/// An acceptor on a free port of the loopback interface, with a storage that keeps all in memory.
final class Node {
    let record = Record()
    let acceptor: Acceptor
    var port: UInt16 { acceptor.port }
    var tlsPort: UInt16 { acceptor.tlsPort }

    /// `refusal` is thrown by `append` once `after` bytes came; `openRefusal` by `open`.
    init(
        peers: [String]? = nil, policy: AcceptancePolicy? = nil, maximumAssociations: Int = 64, urgentReserve: Int = 0,
        maximumHalfOpen: Int = 64, timeouts: Timeouts = quick,
        keepsBytes: Bool = true, refusal: (after: Int, StoreRefusal)? = nil, openRefusal: StoreRefusal? = nil,
        answer: StoreAnswer = StoreAnswer(.success), tls: TLSContext? = nil, certificateNames: [String: String] = [:]
    ) throws {
        let record = record
        let policy =
            policy
            ?? AcceptancePolicy(
                calledAETitle: AETitle(literal: "TRIAGED"),
                callingAETitles: peers.map { Set($0.compactMap { AETitle($0) }) })
        var configuration = Acceptor.Configuration(
            host: "127.0.0.1", port: 0, policy: policy, maximumAssociations: maximumAssociations,
            urgentReserve: urgentReserve, maximumHalfOpen: maximumHalfOpen, timeouts: timeouts)
        if let tls { configuration.tls = .init(port: 0) { tls } }
        for (title, name) in certificateNames { configuration.certificateNames[AETitle(title)!] = name }
        acceptor = try Acceptor(
            configuration: configuration,
            needs: AcceptorNeeds(
                storage: StorageNeeds { request, _ throws(StoreRefusal) in
                    if let openRefusal { throw openRefusal }
                    return Sink(request, record, keepsBytes: keepsBytes, refusal: refusal, answer: answer)
                },
                opened: { info in record.change { $0.opened.append(info) } },
                ended: { _, end in record.change { $0.ended.append(end) } },
                refused: { refusal in record.change { $0.refused.append(refusal) } }))
        acceptor.start()
    }

    deinit { acceptor.drain(within: .zero) }

    static let quick: Timeouts = {
        var timeouts = Timeouts()
        timeouts.associate = .seconds(10)
        timeouts.close = .milliseconds(500)
        return timeouts
    }()

    /// DCMTK's echoscu gets an answer.
    func answersEcho() throws -> Bool {
        try Tool.run("/usr/bin/echoscu", ["-aet", "CT1", "-aec", "TRIAGED", "127.0.0.1", String(port)], seconds: 30)
            .status == 0
    }

    func waitForEnd(_ count: Int = 1) -> [AssociationEnd] {
        eventually(within: 20) { record.now.ended.count >= count ? record.now.ended : nil } ?? record.now.ended
    }
}

private final class Sink: InstanceSink {
    private let record: Record
    private let index: Int
    private let keepsBytes: Bool
    private let refusal: (after: Int, StoreRefusal)?
    private let answer: StoreAnswer
    private var count = 0

    init(
        _ request: StoreRequest, _ record: Record, keepsBytes: Bool, refusal: (after: Int, StoreRefusal)?,
        answer: StoreAnswer
    ) {
        self.record = record
        self.keepsBytes = keepsBytes
        self.refusal = refusal
        self.answer = answer
        index = record.change { state in
            state.instances.append(Record.Instance(request: request))
            return state.instances.count - 1
        }
    }

    func append(_ bytes: UnsafeRawBufferPointer) throws(StoreRefusal) {
        count += bytes.count
        if let refusal, count > refusal.after { throw refusal.1 }
        if keepsBytes {
            let copy = Array(bytes)
            record.change { $0.instances[index].bytes += copy }
        }
    }
    func finish() -> StoreAnswer {
        record.change { $0.instances[index].finished += 1 }
        return answer
    }
    func abandon() { record.change { $0.instances[index].abandoned += 1 } }
}
