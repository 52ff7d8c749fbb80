// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import Glibc

/// What goes wrong on disk, in words for the operator.
package enum StorageError: Error, Sendable, Equatable, CustomStringConvertible {
    /// A system call failed; `operation` names it, `path` is relative to the store or that of the store itself.
    case system(operation: String, path: String, errno: Int32)
    /// Another process has the store.
    case inUse(directory: String)
    /// A path that does not lead into the store.
    case foreignPath(String)
    case notPart10(path: String)
    /// A file that was begun and never acknowledged.
    case unfinished(path: String)
    /// A file whose bytes are not those that were sealed.
    case damaged(path: String)
    /// The scan named the place of Pixel Data after the bytes there had gone by.
    case pixelDataOffsetTooLate
    /// An object is kept already under this name with other bytes.
    case exists(path: String)

    /// The peer is told that it may try again later: A700 (PS3.4 B.2.3).
    package var isOutOfSpace: Bool {
        guard case .system(_, _, let code) = self else { return false }
        return code == ENOSPC || code == EDQUOT || code == EIO || code == EFBIG
    }

    package var description: String {
        switch self {
        case .system(let operation, let path, let code):
            "\(path): \(operation) failed: \(String(cString: strerror(code)))"
                + (code == ENOSPC || code == EDQUOT ? "; free space or enlarge the file system of the store" : "")
        case .inUse(let directory):
            "\(directory): another triaged has this store; stop it or configure another directory"
        case .foreignPath(let path): "\(path): not a path in the store"
        case .notPart10(let path): "\(path): no DICOM Part 10 file, or damaged"
        case .unfinished(let path): "\(path): was not received whole"
        case .damaged(let path): "\(path): its bytes are not those that were written"
        case .pixelDataOffsetTooLate: "internal error: the place of Pixel Data was named too late"
        case .exists(let path): "\(path): exists with other bytes"
        }
    }

    static func last(_ operation: String, _ path: String) -> StorageError {
        .system(operation: operation, path: path, errno: errno)
    }
}
