// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import Crypto
import DCMTK
import DICOM
import Foundation

/// A file of results, written and synced under another name until all that belong together have passed the audit.
struct ResultFile {
    private var result: EncodedResult
    private let bytes: Data

    /// The result as long as it has the other name.
    var staged: EncodedResult {
        var staged = result
        staged.path = Self.temporary(result.path)
        return staged
    }

    init(_ result: EncodedResult, _ fill: (Item) throws(DCMTKError) -> Void) throws(ResultsError) {
        let path = Self.temporary(result.path)
        let dataSet = DataSet()
        do throws(DCMTKError) { try dataSet.withItem(fill) } catch { throw ResultsError(error) }
        do throws(DCMTKError) {
            try dataSet.write(to: path, transferSyntaxUID: result.transferSyntaxUID)
        } catch {
            unlink(path)
            throw .file(path: path, error.text)
        }
        guard let bytes = FileManager.default.contents(atPath: path) else {
            unlink(path)
            throw .file(path: path, "it cannot be read back")
        }
        self.bytes = bytes
        self.result = result
        self.result.digest = SHA256.hash(data: bytes).map { byte in
            String(byte >> 4, radix: 16) + String(byte & 15, radix: 16)
        }.joined()
    }

    /// Gives the files their names, durably. A file of that name must have the same bytes already.
    static func publish(_ files: [ResultFile], in directory: String) throws(ResultsError) -> [EncodedResult] {
        for file in files {
            if let existing = FileManager.default.contents(atPath: file.result.path), existing != file.bytes {
                throw .notReproducible(path: file.result.path)
            }
            try sync(file.staged.path, O_RDONLY)
        }
        for file in files {
            guard rename(file.staged.path, file.result.path) == 0 else { throw Self.error(file.result.path) }
        }
        try sync(directory, O_RDONLY | O_DIRECTORY)
        return files.map(\.result)
    }

    /// Without effect once it is published.
    func removeStaged() { unlink(staged.path) }

    private static func temporary(_ path: String) -> String { path + ".partial" }

    private static func sync(_ path: String, _ flags: Int32) throws(ResultsError) {
        let descriptor = open(path, flags | O_CLOEXEC)
        guard descriptor >= 0 else { throw error(path) }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw error(path) }
    }

    private static func error(_ path: String) -> ResultsError { .file(path: path, String(cString: strerror(errno))) }
}
