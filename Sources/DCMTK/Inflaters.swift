// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import CDCMTK
import DICOM

/// Which data sets the scan can only read through an inflater.
package enum Inflaters {
    /// A new inflater for one data set; nil where the transfer syntax is no deflated one, or memory is short.
    package static func inflater(for transferSyntaxUID: UID) -> (any Inflater)? {
        transferSyntaxUID.isDeflatedTransferSyntax ? ZlibInflater() : nil
    }
}

/// zlib, within bounds: a few kilobytes must not become gigabytes for DCMTK to hold.
final class ZlibInflater: Inflater {
    struct Limits: Sendable {
        /// Bytes that one data set may inflate to.
        var maximumLength: UInt64 = 2 << 30
        /// How many bytes one byte may become on average; real images reach some 20, empty ones 1000.
        var maximumRatio: UInt64 = 200
        /// Up to here any ratio will do.
        var freeLength: UInt64 = 64 << 20
    }

    private let limits: Limits
    // `Inflater` promises one thread at a time, and the scan that owns it keeps the promise.
    private nonisolated(unsafe) let handle: OpaquePointer
    private nonisolated(unsafe) let buffer: UnsafeMutableBufferPointer<UInt8>
    private nonisolated(unsafe) var taken: UInt64 = 0
    private nonisolated(unsafe) var written: UInt64 = 0
    private nonisolated(unsafe) var hasEnded = false
    private nonisolated(unsafe) var surplus = 0

    init?(limits: Limits = .init()) {
        guard let handle = cdcmtk_inflater_create() else { return nil }
        self.limits = limits
        self.handle = handle
        buffer = .allocate(capacity: 128 << 10)
    }

    deinit {
        cdcmtk_inflater_destroy(handle)
        buffer.deallocate()
    }

    func inflate(
        _ bytes: UnsafeRawBufferPointer, _ body: (UnsafeRawBufferPointer) throws(ScanError) -> Void
    ) throws(ScanError) {
        var rest = bytes[...]
        while !hasEnded {
            var tookNow = 0
            var wroteNow = 0
            let input = UnsafeRawBufferPointer(rebasing: rest).bindMemory(to: UInt8.self)
            let result = cdcmtk_inflater_run(
                handle, input.baseAddress, input.count, &tookNow, buffer.baseAddress!, buffer.count, &wroteNow)
            rest = rest.dropFirst(tookNow)
            taken += UInt64(tookNow)
            written += UInt64(wroteNow)
            if written > limits.maximumLength
                || (written > limits.freeLength && written / max(taken, 1) > limits.maximumRatio)
            {
                throw .inflateLimit(offset: taken)
            }
            if wroteNow > 0 {
                try body(UnsafeRawBufferPointer(UnsafeMutableBufferPointer(rebasing: buffer[..<wroteNow])))
            }
            switch result {
            case CDCMTK_INFLATE_NEEDS_INPUT: return
            case CDCMTK_INFLATE_NEEDS_ROOM: continue
            case CDCMTK_INFLATE_ENDED: hasEnded = true
            default: throw .inflateFailed(offset: taken)
            }
        }
        // PS3.5 A.5 lets one byte follow, to make the length even; some writers leave the eight of a gzip trailer too.
        // DCMTK reads none of them.
        surplus += rest.count
        guard surplus <= 9 else { throw .inflateFailed(offset: taken) }
    }

    func finish() throws(ScanError) {
        guard hasEnded else { throw .truncated(offset: taken) }
    }
}
