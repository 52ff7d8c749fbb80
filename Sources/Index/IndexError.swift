// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import GRDB

/// What goes wrong with the index, in words for the operator.
package enum IndexError: Error, Sendable, CustomStringConvertible {
    /// The database was written by a later release.
    case newer(path: String, version: Int, supported: Int)
    /// A file that is no index of ours, or is damaged.
    case unreadable(path: String, message: String)
    case cannotOpen(path: String, message: String)
    /// A transaction failed and changed nothing.
    case failed(code: Int, message: String)
    /// An encoded result has the UID of another whose bytes differ: two results must never share a UID.
    case resultUIDReused(sopInstanceUID: String)
    case noSuchRow(table: String, id: Int64)

    package var isOutOfSpace: Bool {
        if case .failed(let code, _) = self { return code == ResultCode.SQLITE_FULL.rawValue }
        return false
    }
    /// The same call may succeed later.
    package var isTransient: Bool {
        guard case .failed(let code, _) = self else { return false }
        return [ResultCode.SQLITE_FULL, .SQLITE_BUSY, .SQLITE_LOCKED, .SQLITE_IOERR, .SQLITE_NOMEM]
            .contains { Int($0.rawValue) == code }
    }

    package var description: String {
        switch self {
        case .newer(let path, let version, let supported):
            "\(path): the index has schema \(version), this release knows up to \(supported); install the later release again"
        case .unreadable(let path, let message):
            "\(path): not an index of triaged, or damaged (\(message)); restore it from a backup or move it away"
        case .cannotOpen(let path, let message): "\(path): cannot open the index (\(message))"
        case .failed(let code, let message): "index: \(message) (SQLite \(code))"
        case .resultUIDReused(let uid): "index: result \(uid) exists with other bytes"
        case .noSuchRow(let table, let id): "index: no \(table) \(id)"
        }
    }

    /// SQLite's own message never carries values of ours except names of columns.
    static func wrapping(_ error: any Error) -> IndexError {
        switch error {
        case let error as IndexError: error
        case let error as DatabaseError:
            .failed(code: Int(error.resultCode.rawValue), message: error.message ?? "unknown error")
        default: .failed(code: -1, message: "\(type(of: error))")
        }
    }
}
