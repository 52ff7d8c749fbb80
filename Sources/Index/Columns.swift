// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM
import Foundation
import GRDB

extension Row {
    /// An enumeration that is stored as text. A value that this release does not know is an error, never a default.
    func stored<E: RawRepresentable>(_ column: String) throws -> E where E.RawValue == String {
        let text: String = self[column]
        guard let value = E(rawValue: text) else {
            throw DatabaseError(resultCode: .SQLITE_MISMATCH, message: "\(column) holds a word of another release")
        }
        return value
    }

    func storedIfPresent<E: RawRepresentable>(_ column: String) throws -> E? where E.RawValue == String {
        let text: String? = self[column]
        return try text == nil ? nil : stored(column) as E
    }

    func uid(_ column: String) throws -> UID {
        let text: String = self[column]
        guard let uid = UID(text) else {
            throw DatabaseError(resultCode: .SQLITE_MISMATCH, message: "\(column) is no UID")
        }
        return uid
    }
}

/// Several decimal numbers in one column, with backslashes between them as in a data set.
enum Numbers {
    static func text(_ values: [Double]) -> String { values.map { "\($0)" }.joined(separator: "\\") }
    static func values(_ text: String) -> [Double]? {
        let parts = text.split(separator: "\\").map { Double($0) }
        return parts.contains(nil) ? nil : parts.compactMap { $0 }
    }
}

/// Bytes as SQLite's BLOB.
struct Blob: DatabaseValueConvertible {
    let bytes: [UInt8]
    init(_ bytes: [UInt8]) { self.bytes = bytes }
    var databaseValue: DatabaseValue { Data(bytes).databaseValue }
    static func fromDatabaseValue(_ value: DatabaseValue) -> Blob? {
        Data.fromDatabaseValue(value).map { Blob(Array($0)) }
    }
}

extension VersionFacts {
    init(_ recording: Recording) {
        let header = recording.header
        self.init(
            studyInstanceUID: header.studyInstanceUID.string, seriesInstanceUID: header.seriesInstanceUID.string,
            sopClassUID: header.sopClassUID.string, transferSyntaxUID: header.transferSyntaxUID.string,
            identity: header.patient,
            headerDigest: recording.file.headerDigest, pixelDigest: recording.file.pixelDigest,
            hasPixelData: header.hasPixelData)
    }
}
