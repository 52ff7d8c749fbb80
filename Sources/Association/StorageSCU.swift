// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM
import Glibc

/// An instance in a Part 10 file, to be sent as it is stored.
package struct StoredInstance: Sendable, Hashable {
    package var path: String
    package var sopClassUID: UID
    package var sopInstanceUID: UID
    /// Of the data set in the file.
    package var transferSyntaxUID: UID

    package init(path: String, sopClassUID: UID, sopInstanceUID: UID, transferSyntaxUID: UID) {
        self.path = path
        self.sopClassUID = sopClassUID
        self.sopInstanceUID = sopInstanceUID
        self.transferSyntaxUID = transferSyntaxUID
    }

    package var proposal: Requestor.Proposal {
        Requestor.Proposal(abstractSyntax: sopClassUID, transferSyntaxes: [transferSyntaxUID])
    }
}

/// Whose C-MOVE a C-STORE is a sub-operation of (PS3.7 9.1.1.1.6).
package struct MoveOriginator: Sendable, Hashable {
    package var aeTitle: AETitle
    package var messageID: UInt16
}

extension RequestedAssociation {
    /// C-STORE (PS3.7 9.1.1) of the stored bytes, in the transfer syntax that they are in. Each byte is read once, and none held.
    package func store(
        _ instance: StoredInstance, for originator: MoveOriginator? = nil
    ) -> RequestOutcome<StatusAnswer> {
        perform(instance.sopClassUID, in: instance.transferSyntaxUID) { context, messageID throws(Interruption) in
            let file: Part10Body
            do throws(Part10Body.Failure) {
                file = try Part10Body.open(path: instance.path, transferSyntaxUID: instance.transferSyntaxUID)
            } catch {
                throw .before(.local(reason: "\(instance.path): \(error.reason)"))
            }
            let command = CommandSet.storeRequest(instance, messageID: messageID, for: originator)
            try self.prepare { () throws(Ending) in try self.stream.write(command, on: context) }
            try self.send(file, on: context, path: instance.path)
            return try self.response(to: messageID, of: .cStoreRequest, on: context).answer
        }
    }

    private func send(_ file: borrowing Part10Body, on context: PresentationContext, path: String) throws(Interruption)
    {
        let isWhole = try file.forEachFragment(limit: stream.fragmentLimit) { fragment, isLast throws(Interruption) in
            let write = { () throws(Ending) in
                try self.stream.writeFragment(fragment, on: context, isCommand: false, isLast: isLast)
            }
            // Without its last fragment no acceptor has a data set to store.
            if isLast { try self.send(write) } else { try self.prepare(write) }
        }
        guard isWhole else {
            throw .before(.associationEnded(reason: "\(path) cannot be read to its end; the association was aborted"))
        }
    }
}

extension CommandSet {
    /// C-STORE-RQ (PS3.7 9.3.1.1).
    static func storeRequest(
        _ instance: StoredInstance, messageID: UInt16, for originator: MoveOriginator? = nil
    ) -> CommandSet {
        var command = request(
            .cStoreRequest, messageID: messageID, affectedSOPClassUID: instance.sopClassUID, hasDataSet: true)
        // Priority MEDIUM.
        command.set(0x0700, UInt16(0))
        command.set(0x1000, instance.sopInstanceUID)
        if let originator {
            command.set(0x1030, originator.aeTitle.string)
            command.set(0x1031, originator.messageID)
        }
        return command
    }
}

/// The data set of a Part 10 file (PS3.10 7.1), found by walking the file meta information.
struct Part10Body: ~Copyable {
    struct Failure: Error, Equatable {
        var reason: String
    }

    let start: Int
    let end: Int
    private let descriptor: Int32

    private init(start: Int, end: Int, owning descriptor: Int32) {
        self.start = start
        self.end = end
        self.descriptor = descriptor
    }

    static func open(path: String, transferSyntaxUID: UID) throws(Failure) -> Part10Body {
        let descriptor = Glibc.open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw Failure(reason: String(cString: strerror(errno))) }
        do throws(Failure) {
            var status = stat()
            guard fstat(descriptor, &status) == 0 else { throw Failure(reason: String(cString: strerror(errno))) }
            let end = Int(status.st_size)
            // File meta information has a few short elements; 64 KiB is generous.
            var head = [UInt8](repeating: 0, count: min(end, 65_536))
            guard pread(descriptor, &head, head.count, 0) == head.count else { throw Failure(reason: "cannot be read") }
            let start = try bodyStart(head, transferSyntaxUID: transferSyntaxUID)
            guard start < end else { throw Failure(reason: "has no data set") }
            return Part10Body(start: start, end: end, owning: descriptor)
        } catch {
            close(descriptor)
            throw error
        }
    }

    deinit { close(descriptor) }

    /// Elements of group 0002, Explicit VR Little Endian, after preamble and prefix.
    static func bodyStart(_ head: [UInt8], transferSyntaxUID: UID) throws(Failure) -> Int {
        guard head.count >= 132, Array(head[128..<132]) == Array("DICM".utf8) else {
            throw Failure(reason: "is no Part 10 file")
        }
        var offset = 132
        while offset + 8 <= head.count, head[offset] == 2, head[offset + 1] == 0 {
            let element = UInt16(head[offset + 2]) | UInt16(head[offset + 3]) << 8
            let isLong = ["OB", "UN", "OW", "UT"].contains {
                Array($0.utf8) == Array(head[(offset + 4)..<(offset + 6)])
            }
            let header = isLong ? 12 : 8
            guard offset + header <= head.count else { break }
            let length =
                isLong
                ? (8..<12).reversed().reduce(0) { $0 << 8 | Int(head[offset + $1]) }
                : Int(head[offset + 6]) | Int(head[offset + 7]) << 8
            guard length <= head.count - offset - header else {
                throw Failure(reason: "its file meta information is broken")
            }
            let value = head[(offset + header)..<(offset + header + length)]
            if element == 0x0010, UID(bytes: value) != transferSyntaxUID {
                throw Failure(reason: "is not in transfer syntax \(transferSyntaxUID)")
            }
            offset += header + length
        }
        return offset
    }

    /// The data set in pieces of at most `limit` bytes; false where the file cannot be read to its end.
    borrowing func forEachFragment<E: Error>(
        limit: Int, _ body: (UnsafeRawBufferPointer, _ isLast: Bool) throws(E) -> Void
    ) throws(E) -> Bool {
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: limit, alignment: 16)
        defer { buffer.deallocate() }
        var offset = start
        while offset < end {
            let count = min(limit, end - offset)
            guard read(into: UnsafeMutableRawBufferPointer(rebasing: buffer[..<count]), at: offset) else {
                return false
            }
            offset += count
            try body(UnsafeRawBufferPointer(rebasing: buffer[..<count]), offset == end)
        }
        return true
    }

    private borrowing func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int) -> Bool {
        var done = 0
        while done < buffer.count {
            let count = pread(descriptor, buffer.baseAddress! + done, buffer.count - done, off_t(offset + done))
            if count > 0 { done += count } else if count == 0 || errno != EINTR { return false }
        }
        return true
    }
}
