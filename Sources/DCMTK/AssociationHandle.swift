// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import CDCMTK
import DICOM

/// An association in its data transfer state, over DCMTK's upper layer. Blocking; used by one thread at a time.
package struct AssociationHandle: ~Copyable {
    private let pointer: OpaquePointer

    /// A fragment of a message (PS3.8 E.2). Its bytes belong to the handle, until the next `read`.
    package struct Fragment {
        package let contextID: UInt8
        package let isCommand: Bool
        package let isLast: Bool
        package let bytes: UnsafeRawBufferPointer
    }

    package enum Event: Sendable, Equatable {
        case data, releaseRequested, aborted, closed, idleTimeout, pduTimeout
        case illegal(String)
    }

    /// Takes the socket and its TLS session, if any, in every case, after the handshake. `request` is a whole A-ASSOCIATE-RQ of our own making: DUL parses no
    /// peer's.
    package init(
        socket: Int32, session: TLSSession?, request: [UInt8], maximumPDULength: UInt32
    ) throws(DCMTKError) {
        var pointer: OpaquePointer?
        let condition = cdcmtk_association_establish(
            socket, session?.pointer, request, request.count, maximumPDULength, &pointer)
        try DCMTKError.check(condition, "establish an association")
        guard let pointer else { preconditionFailure("a good condition without an association") }
        self.pointer = pointer
    }

    deinit { cdcmtk_association_destroy(pointer) }

    /// `idle` bounds the wait for the first byte of a PDU, `pdu` its arrival from there.
    package func read(idle: Duration, pdu: Duration) -> Event {
        var condition = cdcmtk_condition()
        switch cdcmtk_association_read(pointer, idle.milliseconds, pdu.milliseconds, &condition) {
        case CDCMTK_EVENT_DATA: return .data
        case CDCMTK_EVENT_RELEASE_REQUESTED: return .releaseRequested
        case CDCMTK_EVENT_ABORTED: return .aborted
        case CDCMTK_EVENT_CLOSED: return .closed
        case CDCMTK_EVENT_IDLE_TIMEOUT: return .idleTimeout
        case CDCMTK_EVENT_PDU_TIMEOUT: return .pduTimeout
        default: return .illegal(condition.words)
        }
    }

    /// The next fragment of the PDU that was read last.
    package func nextFragment() -> Fragment? {
        var fragment = cdcmtk_fragment()
        guard cdcmtk_association_next_fragment(pointer, &fragment) else { return nil }
        return Fragment(
            contextID: fragment.context_id, isCommand: fragment.is_command, isLast: fragment.is_last,
            bytes: UnsafeRawBufferPointer(start: fragment.bytes, count: fragment.length))
    }

    package func write(
        _ bytes: UnsafeRawBufferPointer, contextID: UInt8, isCommand: Bool, isLast: Bool, timeout: Duration
    ) throws(DCMTKError) {
        var fragment = cdcmtk_fragment(
            context_id: contextID, is_command: isCommand, is_last: isLast,
            bytes: bytes.baseAddress?.assumingMemoryBound(to: UInt8.self), length: bytes.count)
        try DCMTKError.check(cdcmtk_association_write(pointer, &fragment, timeout.milliseconds), "send a message")
    }

    /// The most bytes of a fragment that fit in one PDU to the peer.
    package var fragmentLimit: Int { cdcmtk_association_fragment_limit(pointer) }

    package func acknowledgeRelease(timeout: Duration) throws(DCMTKError) {
        try DCMTKError.check(
            cdcmtk_association_acknowledge_release(pointer, timeout.milliseconds), "acknowledge a release")
    }

    package func release(timeout: Duration) throws(DCMTKError) {
        try DCMTKError.check(cdcmtk_association_release(pointer, timeout.milliseconds), "release an association")
    }

    /// PS3.8 9.3.8: source 0 service user, 2 service provider with a reason.
    package func abort(source: UInt8 = 0, reason: UInt8 = 0, timeout: Duration) {
        cdcmtk_association_abort(pointer, source, reason, timeout.milliseconds)
    }

    /// Lets the peer close first, so that what was sent last is not lost in a reset.
    package func linger(timeout: Duration) { cdcmtk_association_linger(pointer, timeout.milliseconds) }

    /// A connection from a listening socket, and the peer's numeric address; nil, with errno, where there is none.
    /// The descriptor is close-on-exec from the start, so that no worker inherits it.
    package static func accept(on listener: Int32) -> (descriptor: Int32, peerAddress: String)? {
        // NI_MAXHOST
        withUnsafeTemporaryAllocation(of: CChar.self, capacity: 1025) { host in
            guard let base = host.baseAddress else { return nil }
            let descriptor = cdcmtk_socket_accept(listener, base, host.count)
            return descriptor < 0 ? nil : (descriptor, String(cString: base))
        }
    }

    /// The storage SOP classes that this DCMTK knows.
    package static var knownStorageSOPClasses: [UID] {
        var uids: [UID] = []
        var index = 0
        while let text = cdcmtk_storage_sop_class(index) {
            if let uid = UID(String(cString: text)) { uids.append(uid) }
            index += 1
        }
        return uids
    }
}

extension cdcmtk_condition {
    fileprivate var words: String {
        withUnsafeBytes(of: text) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
    }
}

extension Duration {
    /// Rounded up, and kept within what the C interface takes.
    fileprivate var milliseconds: Int32 {
        let (seconds, attoseconds) = components
        guard seconds < 2_000_000 else { return 2_000_000_000 }
        return max(0, Int32(seconds) * 1000 + Int32((attoseconds + 999_999_999_999_999) / 1_000_000_000_000_000))
    }
}
