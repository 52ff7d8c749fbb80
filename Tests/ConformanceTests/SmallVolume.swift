// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc
import Support

/// A file system of a few megabytes, for a store that is to be filled.
final class SmallVolume {
    enum Kind: String, CaseIterable { case tmpfs, ext4 }

    private let directory: TemporaryDirectory
    var path: String { directory.file("volume") }

    /// Nil, with the reason printed, where this process may not mount.
    init?(_ kind: Kind, megabytes: Int) throws {
        directory = try TemporaryDirectory()
        try FileManager.default.createDirectory(atPath: directory.file("volume"), withIntermediateDirectories: true)
        let command =
            switch kind {
            case .tmpfs: "mount -t tmpfs -o size=\(megabytes)m none volume"
            case .ext4:
                "truncate -s \(megabytes)M image && mkfs.ext4 -q -m 0 image && mount -o loop image volume"
            }
        let outcome = try Tool.run(
            "/bin/bash", ["-c", "export PATH=$PATH:/usr/sbin:/sbin; cd '\(directory.path)' && \(command)"])
        guard outcome.status == 0 else {
            print("SKIPPED: no \(kind) can be mounted here: \(outcome.output)")
            return nil
        }
    }

    deinit { umount2(path, Int32(MNT_DETACH)) }

    var freeBytes: Int {
        var status = statvfs()
        return statvfs(path, &status) == 0 ? Int(status.f_bavail) * Int(status.f_frsize) : 0
    }

    /// Takes room that a test gives back.
    func addBallast(_ name: String, megabytes: Int) throws {
        try Data(repeating: 1, count: megabytes << 20).write(to: URL(fileURLWithPath: path + "/" + name))
    }

    func removeBallast(_ name: String) throws { try FileManager.default.removeItem(atPath: path + "/" + name) }
}
