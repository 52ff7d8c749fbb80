// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DCMTK
import DICOM
import Dispatch
import Glibc

/// Files of a phantom in one directory.
struct PhantomFiles {
    let directory: String
    let transferSyntax: PhantomTransferSyntax

    /// Makes the directory where it is missing.
    init(_ directory: String, _ transferSyntax: PhantomTransferSyntax) throws(PhantomError) {
        guard mkdir(directory, 0o755) == 0 || errno == EEXIST else {
            throw .file("\(directory) cannot be made: \(String(cString: strerror(errno)))")
        }
        self.directory = directory
        self.transferSyntax = transferSyntax
    }

    /// Writes one instance of these encoded frames; gives its path.
    func write(
        _ prefix: String, _ number: Int, header: PhantomHeader, sopClassUID: UID, sopInstanceUID: UID,
        frames: [[UInt8]], _ fill: (Item) throws(DCMTKError) -> Void
    ) throws(PhantomError) -> String {
        let digits = "\(number)"
        let path = "\(directory)/\(prefix)\(String(repeating: "0", count: max(0, 5 - digits.count)))\(digits).dcm"
        do {
            let dataSet = DataSet()
            try dataSet.withItem { (item) throws(DCMTKError) in
                try header.set(item, sopClassUID: sopClassUID, sopInstanceUID: sopInstanceUID)
                try fill(item)
                try PhantomEncoder(transferSyntax: transferSyntax, format: header.format).set(frames, on: item)
            }
            try dataSet.write(to: path, transferSyntaxUID: transferSyntax.uid)
        } catch {
            throw .file("\(error)")
        }
        return path
    }

    /// What `make` gives for 0 ..< count, made on all cores.
    static func parallel<R: Sendable>(
        _ count: Int, _ make: @Sendable (Int) throws(PhantomError) -> R
    ) throws(PhantomError) -> [R] {
        var results = [Result<R, PhantomError>?](repeating: nil, count: count)
        results.withUnsafeMutableBufferPointer { buffer in
            // Each iteration writes its own element and nothing else.
            nonisolated(unsafe) let slots = buffer
            DispatchQueue.concurrentPerform(iterations: count) { index in
                slots[index] = Result { () throws(PhantomError) in try make(index) }
            }
        }
        var made: [R] = []
        for case let result? in results { made.append(try result.get()) }
        return made
    }
}
