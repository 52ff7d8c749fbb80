// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import Dispatch

/// Digests one instance on a thread of its own while the next pieces arrive and are written, and after it was answered.
///
/// Sendable: the digest is touched on `queue` only.
final class DigestLane: @unchecked Sendable {
    private let pool: BufferPool
    private let queue = DispatchQueue(label: "storage.digest")
    /// Pieces that wait, so that a fast peer cannot fill the memory.
    private let room = DispatchSemaphore(value: 4)
    private var digest = SplitDigest()

    init(pool: BufferPool) { self.pool = pool }

    /// Takes over the buffer and gives it back to the pool. Blocks while too many wait.
    func take(_ buffer: BufferPool.Buffer, _ range: Range<Int>, pixelDataOffset: UInt64?) {
        room.wait()
        queue.async { [self] in
            digest.update(UnsafeRawBufferPointer(rebasing: buffer.bytes[range]), pixelDataOffset: pixelDataOffset)
            pool.give(buffer)
            room.signal()
        }
    }

    /// To be called once, as the last call; waits for what was taken.
    func finish() -> (header: [UInt8], pixels: [UInt8]?) { queue.sync { digest.finish() } }
}
