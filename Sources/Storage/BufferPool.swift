// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// Buffers that outlive one instance, so that the kernel need not hand out and clear memory for each.
final class BufferPool: Sendable {
    /// So many bytes are written at a time; whole blocks of `Tally`.
    static let size = 256 << 10

    /// Belongs to one writer at a time.
    struct Buffer: @unchecked Sendable { let bytes: UnsafeMutableRawBufferPointer }

    private let free = Mutex<[Buffer]>([])
    private let limit = 64

    func take() -> Buffer {
        free.withLock { $0.popLast() }
            ?? Buffer(bytes: .allocate(byteCount: Self.size, alignment: 4096))
    }

    func give(_ buffer: Buffer) {
        let isKept = free.withLock { free in
            guard free.count < limit else { return false }
            free.append(buffer)
            return true
        }
        if !isKept { buffer.bytes.deallocate() }
    }

    deinit { free.withLock { for buffer in $0 { buffer.bytes.deallocate() } } }
}
