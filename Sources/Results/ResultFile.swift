// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import Crypto
import DCMTK
import DICOM
import Foundation

/// A file of results, written and synced under another name until all that belong together have passed the audit.
struct ResultFile {
    private var result: EncodedResult

    /// The last elements of a data set, encoded: the value of the very last one follows its header. So a Segmentation is
    /// never in memory twice.
    struct Tail {
        var elements: [UInt8]
        var value: [UInt8]
    }

    /// The result as long as it has the other name.
    var staged: EncodedResult {
        var staged = result
        staged.path = Self.temporary(result.path)
        return staged
    }

    init(
        _ result: EncodedResult, tail: Tail? = nil, _ fill: (Item) throws(DCMTKError) -> Void
    ) throws(ResultsError) {
        let path = Self.temporary(result.path)
        let dataSet = DataSet()
        do throws(DCMTKError) { try dataSet.withItem(fill) } catch { throw ResultsError(error) }
        self.result = result
        do throws(ResultsError) {
            // A tail is appended as it is; what is deflated is deflated as a whole.
            let deflated = TransferSyntax.deflatedExplicitVRLittleEndian.uid
            let isDeflatedLater = tail != nil && result.transferSyntaxUID == deflated
            do throws(DCMTKError) {
                try dataSet.write(
                    to: path,
                    transferSyntaxUID: isDeflatedLater
                        ? TransferSyntax.explicitVRLittleEndian.uid : result.transferSyntaxUID)
            } catch {
                throw ResultsError.file(path: path, error.text)
            }
            var hash = SHA256()
            try Self.hash(path, into: &hash)
            if let tail { try Self.append(tail, to: path, &hash) }
            if isDeflatedLater {
                // Long values are read from the first file while the second is written.
                let second = path + ".deflated"
                defer { unlink(second) }
                do throws(DCMTKError) {
                    try DataSet(contentsOf: path).write(to: second, transferSyntaxUID: deflated)
                } catch {
                    throw ResultsError.file(path: path, error.text)
                }
                guard rename(second, path) == 0 else { throw Self.error(path) }
                hash = SHA256()
                try Self.hash(path, into: &hash)
            }
            self.result.digest = Self.hexadecimal(hash.finalize())
        } catch {
            unlink(path)
            throw error
        }
    }

    private static func append(_ tail: Tail, to path: String, _ hash: inout SHA256) throws(ResultsError) {
        let descriptor = open(path, O_WRONLY | O_APPEND | O_CLOEXEC)
        guard descriptor >= 0 else { throw error(path) }
        defer { close(descriptor) }
        for part in [tail.elements, tail.value] {
            let isWritten = part.withUnsafeBytes { bytes in
                hash.update(bufferPointer: bytes)
                var rest = bytes[...]
                while !rest.isEmpty {
                    let count = Glibc.write(descriptor, UnsafeRawBufferPointer(rebasing: rest).baseAddress, rest.count)
                    if count < 0, errno == EINTR { continue }
                    guard count > 0 else { return false }
                    rest = rest.dropFirst(count)
                }
                return true
            }
            guard isWritten else { throw error(path) }
        }
    }

    private static func hash(_ path: String, into hash: inout SHA256) throws(ResultsError) {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw error(path) }
        defer { close(descriptor) }
        var buffer = [UInt8](repeating: 0, count: 1 << 18)
        while true {
            let count = buffer.withUnsafeMutableBytes { read(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw error(path) }
            if count == 0 { return }
            buffer.withUnsafeBytes { hash.update(bufferPointer: UnsafeRawBufferPointer(rebasing: $0[..<count])) }
        }
    }

    private static func hexadecimal(_ digest: SHA256.Digest) -> String {
        digest.map { byte in String(byte >> 4, radix: 16) + String(byte & 15, radix: 16) }.joined()
    }

    /// Gives the files their names, durably. A file of that name must have the same bytes already.
    static func publish(_ files: [ResultFile], in directory: String) throws(ResultsError) -> [EncodedResult] {
        for file in files {
            if access(file.result.path, F_OK) == 0 {
                var hash = SHA256()
                try Self.hash(file.result.path, into: &hash)
                guard hexadecimal(hash.finalize()) == file.result.digest else {
                    throw .notReproducible(path: file.result.path)
                }
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
