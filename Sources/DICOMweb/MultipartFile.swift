// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import AsyncHTTPClient
import Foundation
import Glibc
import NIOCore

/// A body of one part (PS3.18 8.6.1.2, RFC 2387): a Part 10 file, read as it goes out.
struct MultipartFile: Sendable {
    struct Failure: Error {
        var reason: String
    }

    private let path: String
    private let size: Int64
    private let head: [UInt8]
    private let tail: [UInt8]
    let contentType: String

    var length: Int64 { Int64(head.count) + size + Int64(tail.count) }

    init(path: String) throws(Failure) {
        var status = stat()
        guard stat(path, &status) == 0 else { throw Failure(reason: "\(path): \(String(cString: strerror(errno)))") }
        self.path = path
        size = Int64(status.st_size)
        // Of 122 random bits: no file holds it.
        let boundary = "triaged-\(UUID().uuidString)"
        contentType = "multipart/related; type=\"application/dicom\"; boundary=\"\(boundary)\""
        head = Array(
            // The file says in which transfer syntax it is; Orthanc takes no part whose type has parameters, and answers 200.
            "--\(boundary)\r\nContent-Type: application/dicom\r\n\r\n".utf8)
        tail = Array("\r\n--\(boundary)--\r\n".utf8)
    }

    /// Reads on a thread of its own, which waits for the connection: an event loop must not wait for a disk, nor hold the file.
    ///
    /// - Parameters:
    ///   - collector: of the answer, which may come before the end.
    ///   - sent: called before the last fragment goes out; without it no server has an instance to store.
    func stream(
        to writer: HTTPClient.Body.StreamWriter, fragment: Int, collector: AnswerCollector,
        sent: @escaping @Sendable () -> Void
    ) -> EventLoopFuture<Void> {
        writer.write(.byteBuffer(ByteBuffer(bytes: head))).flatMapWithEventLoop { _, loop in
            let done = loop.makePromise(of: Void.self)
            let thread = Thread {
                do {
                    try read(fragment) { try collector.wait(for: writer.write(.byteBuffer($0))) }
                    sent()
                    try collector.wait(for: writer.write(.byteBuffer(ByteBuffer(bytes: tail))))
                    done.succeed()
                } catch {
                    done.fail(error)
                }
            }
            thread.start()
            return done.futureResult
        }
    }

    private func read(_ fragment: Int, _ body: (ByteBuffer) throws -> Void) throws {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw Failure(reason: "\(path): \(String(cString: strerror(errno)))") }
        defer { close(descriptor) }
        var offset: Int64 = 0
        while offset < size {
            var buffer = ByteBufferAllocator().buffer(capacity: fragment)
            let wanted = min(fragment, Int(size - offset))
            let count = buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: wanted) { room in
                max(0, pread(descriptor, room.baseAddress, wanted, off_t(offset)))
            }
            guard count > 0 else { throw Failure(reason: "\(path): cannot be read to its end") }
            offset += Int64(count)
            try body(buffer)
        }
    }
}
