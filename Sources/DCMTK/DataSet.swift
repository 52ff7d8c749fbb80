// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

// Takes: files whose structure the scan has accepted, and attributes to encode.
// Gives: values, and Part 10 files.
// Keeps: DCMTK's objects, each owned by one handle on one thread.
// Never: lets a C type, a pointer or a lazy value out.

import CDCMTK
import DICOM

/// A data set in DCMTK's memory. Its items are reached through `read` and `edit`.
package struct DataSet: ~Copyable {
    let handle: OpaquePointer

    /// An empty data set.
    package init() {
        handle = cdcmtk_dataset_create()
    }

    /// Reads a Part 10 file that the scan has accepted; values over 4 kB stay on disk until they are asked for.
    package init(contentsOf path: String) throws(DCMTKError) {
        var made: OpaquePointer?
        try DCMTKError.check(cdcmtk_dataset_read(path, 4096, &made), "reading \(path)")
        guard let made else { preconditionFailure("a good condition comes with a data set") }
        handle = made
    }

    deinit { cdcmtk_dataset_destroy(handle) }

    /// The transfer syntax that the file was read in; nil for a new data set.
    package var transferSyntaxUID: UID? { UID(String(cString: cdcmtk_dataset_transfer_syntax(handle))) }

    /// The top level, valid only while `body` runs.
    package borrowing func withItem<R, E: Error>(_ body: (Item) throws(E) -> R) throws(E) -> R {
        try body(Item(pointer: cdcmtk_dataset_root(handle)))
    }

    /// Writes a Part 10 file; nothing is synced.
    package borrowing func write(to path: String, transferSyntaxUID: UID) throws(DCMTKError) {
        try DCMTKError.check(cdcmtk_dataset_write(handle, path, transferSyntaxUID.string), "writing \(path)")
    }
}
