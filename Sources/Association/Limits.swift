// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

/// How long the node waits for a peer, each measured by the monotonic clock.
package struct Timeouts: Sendable, Hashable {
    /// From the connection to the last byte of the association request (or of its answer, for a requestor).
    package var associate: Duration = .seconds(15)
    /// From the first byte of a PDU to its last; also for writing one.
    package var pdu: Duration = .seconds(60)
    /// From one PDU to the next within a message.
    package var message: Duration = .seconds(120)
    /// Between messages. Modalities keep associations open while they scan (reference §4).
    package var idle: Duration = .seconds(3600)
    /// For the peer to close the connection after a release, rejection or abort.
    package var close: Duration = .seconds(2)
    /// For a TCP connection, as requestor.
    package var connect: Duration = .seconds(10)
    /// For a response, as requestor, once the request is out: archives sync and index before they answer.
    package var response: Duration = .seconds(300)

    package init() {}
}

enum Limits {
    /// Of P-DATA-TF PDUs that we receive: the most that DUL takes.
    static let maximumPDULength: UInt32 = 131_072
    static let identifier = 1 << 20
    /// Of an N-ACTION: modalities commit studies of several thousand instances in one request, 160 bytes each at most.
    static let actionInformation = 4 << 20
    /// What is read and dropped of a data set that is refused, so that the peer sees the refusal.
    static let droppedBytes = 4 << 30
}
