// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DCMTK
import DICOM

/// DIMSE messages over an association (PS3.7 6.3, PS3.8 E). Used by one thread; not Sendable.
///
/// Commands are bounded to 64 KiB. A data set passes through fragment by fragment and is never held.
final class MessageStream {
    private let handle: AssociationHandle
    private let contexts: [UInt8: PresentationContext]
    let timeouts: Timeouts
    private let isStopped: () -> Bool

    /// `isStopped` is asked before each PDU.
    init(
        handle: consuming AssociationHandle, contexts: [PresentationContext], timeouts: Timeouts,
        isStopped: @escaping () -> Bool = { false }
    ) {
        self.handle = handle
        self.contexts = Dictionary(uniqueKeysWithValues: contexts.map { ($0.id, $0) })
        self.timeouts = timeouts
        self.isStopped = isStopped
    }

    // MARK: reading

    /// The first fragment of the next message, which `hasMessage` found.
    private var ahead: AssociationHandle.Fragment?

    /// False where the peer has said nothing for so long.
    func hasMessage(within silence: Duration) throws(Ending) -> Bool {
        while ahead == nil {
            ahead = handle.nextFragment()
            if ahead == nil, try !readPDU(idle: silence) { return false }
        }
        return true
    }

    private func nextFragment(idle: Duration) throws(Ending) -> AssociationHandle.Fragment {
        if let fragment = ahead.take() { return fragment }
        while true {
            if let fragment = handle.nextFragment() { return fragment }
            guard try readPDU(idle: idle) else { throw .timedOut }
        }
    }

    /// False where none began in time.
    private func readPDU(idle: Duration) throws(Ending) -> Bool {
        guard !isStopped() else { throw .stopped }
        switch handle.read(idle: idle, pdu: timeouts.pdu) {
        case .data: return true
        case .idleTimeout: return false
        case .releaseRequested: throw .releaseRequested
        case .aborted: throw .aborted
        case .closed: throw isStopped() ? .stopped : .lost
        case .pduTimeout: throw .timedOut
        case .illegal(let words): throw .violated(words, reason: Ending.invalidParameter)
        }
    }

    /// The next command set, and the context it came on. `idle` bounds the wait for it.
    func readCommand(idle: Duration) throws(Ending) -> (context: PresentationContext, command: CommandSet) {
        try readCommand(from: try nextFragment(idle: idle))
    }

    /// Whether the peer cancels the operation that is being answered (PS3.7 9.3.2.3): looks, and does not wait. A peer that
    /// asks for anything else meanwhile breaks the protocol, for no asynchronous operations were agreed on.
    func isCanceled(_ messageID: UInt16) throws(Ending) -> Bool {
        while true {
            guard let fragment = try fragmentAtHand() else { return false }
            let (context, command) = try readCommand(from: fragment)
            if try takeCancel(command, on: context, of: messageID) { return true }
        }
    }

    /// True where `command` cancels this operation; one that would cancel another is dropped.
    func takeCancel(
        _ command: CommandSet, on context: PresentationContext, of messageID: UInt16
    ) throws(Ending) -> Bool {
        let field = try value { () throws(CommandSet.Malformation) in try command.field() }
        guard field == .cCancelRequest else {
            throw .violated("command \(field.rawValue) while another operation is under way")
        }
        try dropDataSet(of: command, on: context)
        return try value { () throws(CommandSet.Malformation) in try command.messageIDBeingRespondedTo() } == messageID
    }

    private func fragmentAtHand() throws(Ending) -> AssociationHandle.Fragment? {
        while true {
            if let fragment = handle.nextFragment() { return fragment }
            guard !isStopped() else { throw .stopped }
            switch handle.read(idle: .zero, pdu: timeouts.pdu) {
            case .data: continue
            case .idleTimeout: return nil
            case .releaseRequested: throw .releaseRequested
            case .aborted: throw .aborted
            case .closed: throw isStopped() ? .stopped : .lost
            case .pduTimeout: throw .timedOut
            case .illegal(let words): throw .violated(words, reason: Ending.invalidParameter)
            }
        }
    }

    private func readCommand(from first: AssociationHandle.Fragment) throws(Ending) -> (
        context: PresentationContext, command: CommandSet
    ) {
        var fragment = first
        guard let context = contexts[fragment.contextID] else {
            throw .violated("message on presentation context \(fragment.contextID), which was not accepted")
        }
        var bytes: [UInt8] = []
        while true {
            guard fragment.isCommand else { throw .violated("data where a command was due") }
            guard fragment.contextID == context.id else {
                throw .violated("a command changes its presentation context")
            }
            guard bytes.count + fragment.bytes.count <= CommandSet.maximumLength else {
                throw .violated("a command set of more than \(CommandSet.maximumLength) bytes")
            }
            bytes += fragment.bytes
            if fragment.isLast { break }
            fragment = try nextFragmentOfMessage()
        }
        do throws(CommandSet.Malformation) {
            return (context, try CommandSet(decoding: bytes))
        } catch {
            throw .violated("\(error)")
        }
    }

    /// Reads the data set that follows a command, and gives each fragment to `take`.
    func readDataSet(on context: PresentationContext, _ take: (UnsafeRawBufferPointer) throws(Ending) -> Void)
        throws(Ending)
    {
        while true {
            let fragment = try nextFragmentOfMessage()
            guard !fragment.isCommand else { throw .violated("a command within a data set") }
            guard fragment.contextID == context.id else {
                throw .violated("a data set changes its presentation context")
            }
            try take(fragment.bytes)
            if fragment.isLast { return }
        }
    }

    private func nextFragmentOfMessage() throws(Ending) -> AssociationHandle.Fragment {
        do throws(Ending) {
            return try nextFragment(idle: timeouts.message)
        } catch {
            throw error == .releaseRequested
                ? .violated("release requested within a message", reason: Ending.unexpectedPDU) : error
        }
    }

    /// Reads a data set that nobody wants, as far as is reasonable.
    func dropDataSet(on context: PresentationContext) throws(Ending) {
        var dropped = 0
        try readDataSet(on: context) { bytes throws(Ending) in
            dropped += bytes.count
            guard dropped <= Limits.droppedBytes else { throw .violated("a refused data set without end") }
        }
    }

    /// A data set small enough to hold, such as a C-FIND identifier.
    func readIdentifier(on context: PresentationContext) throws(Ending) -> [UInt8] {
        var identifier: [UInt8] = []
        try readDataSet(on: context) { bytes throws(Ending) in
            guard identifier.count + bytes.count <= Limits.identifier else {
                throw .violated("an identifier of more than \(Limits.identifier) bytes")
            }
            identifier += bytes
        }
        return identifier
    }

    // MARK: writing

    func write(_ command: CommandSet, on context: PresentationContext) throws(Ending) {
        try write(command.encoded(), on: context, isCommand: true)
    }

    func write(identifier: [UInt8], on context: PresentationContext) throws(Ending) {
        try write(identifier, on: context, isCommand: false)
    }

    private func write(_ bytes: [UInt8], on context: PresentationContext, isCommand: Bool) throws(Ending) {
        let result = bytes.withUnsafeBytes { buffer in
            Result { () throws(Ending) in
                try writeFragment(buffer, on: context, isCommand: isCommand, isLast: true)
            }
        }
        try result.get()
    }

    func writeFragment(
        _ bytes: UnsafeRawBufferPointer, on context: PresentationContext, isCommand: Bool, isLast: Bool
    ) throws(Ending) {
        do throws(DCMTKError) {
            try handle.write(bytes, contextID: context.id, isCommand: isCommand, isLast: isLast, timeout: timeouts.pdu)
        } catch {
            throw isStopped() ? .stopped : .lost
        }
    }

    var fragmentLimit: Int { handle.fragmentLimit }

    // MARK: ending

    func acknowledgeRelease() { try? handle.acknowledgeRelease(timeout: timeouts.close) }

    /// True where the peer confirmed.
    func release() -> Bool {
        do throws(DCMTKError) {
            try handle.release(timeout: timeouts.close)
            return true
        } catch {
            return false
        }
    }

    /// Tells the peer that the association is over: service user where DIMSE was broken, provider where the upper layer was.
    func abort(reason: UInt8 = Ending.noReason) {
        handle.abort(source: reason == Ending.noReason ? 0 : 2, reason: reason, timeout: timeouts.close)
    }

    func linger() { handle.linger(timeout: timeouts.close) }
}
