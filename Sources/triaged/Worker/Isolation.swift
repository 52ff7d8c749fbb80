// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc

/// What a worker does to itself before its first job, so that its troubles stay its own.
enum Isolation {
    static func apply() {
        closeInherited()
        // The kernel takes this process before the daemon when memory is short.
        if let file = fopen("/proc/self/oom_score_adj", "w") {
            fputs("800", file)
            fclose(file)
        }
        // The listener goes first when processors are short.
        setpriority(__priority_which_t(bitPattern: PRIO_PROCESS.rawValue), 0, 5)
        signal(SIGPIPE, SIG_IGN)
        endWithParent()
    }

    /// Descriptors that libraries in the daemon opened without CLOEXEC: a socket held here would stay half-open for ever.
    private static func closeInherited() {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd")) ?? []
        for descriptor in names.compactMap({ Int32($0) }) where descriptor > 2 { close(descriptor) }
    }

    /// A daemon that was killed leaves no worker behind, even in the middle of a job.
    private static func endWithParent() {
        let parent = getppid()
        let watcher = Thread {
            while getppid() == parent { usleep(500_000) }
            _exit(75)
        }
        watcher.stackSize = 1 << 19
        watcher.start()
    }
}
