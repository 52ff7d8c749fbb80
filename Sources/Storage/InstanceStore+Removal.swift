// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import Glibc

extension InstanceStore {
    /// Removes files for good: no power cut brings them back once this returns. One that is gone already is no error.
    package func removeDurably(_ relativePaths: [String]) throws(StorageError) {
        var directories: Set<String> = []
        for path in relativePaths {
            try remove(path)
            directories.insert(String(path[..<(path.lastIndex(of: "/") ?? path.startIndex)]))
        }
        for directory in directories {
            try Descriptor(self.directory + "/" + directory, O_RDONLY | O_DIRECTORY, shown: directory).syncEntries()
        }
    }
}
