// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

/// Turns deflated bytes (RFC 1951) back, piece by piece and within bounds; the C library behind it stays out of this target.
/// One inflater serves one data set, on one thread at a time.
package protocol Inflater: AnyObject, Sendable {
    /// Hands on what the bytes inflate to, in pieces that are valid during the call only.
    func inflate(
        _ bytes: UnsafeRawBufferPointer, _ body: (UnsafeRawBufferPointer) throws(ScanError) -> Void
    ) throws(ScanError)
    /// Throws where the stream has not come to its end.
    func finish() throws(ScanError)
}
