// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc

/// What of the machine is ours: processors and memory, less what the service's control groups take from it.
struct Machine: Equatable {
    var cores: Int
    /// Bytes.
    var memory: Int

    static let current = Machine(root: "")

    init(cores: Int, memory: Int) {
        self.cores = cores
        self.memory = memory
    }

    /// - Parameter root: before /proc and /sys, for tests.
    init(root: String) {
        let pages = sysconf(Int32(_SC_PHYS_PAGES))
        memory = max(1, pages) * sysconf(Int32(_SC_PAGESIZE))
        cores = max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN)))
        // cgroup v2: "0::/system.slice/triaged.service". A limit of a group binds all below it.
        let lines = Self.text(root + "/proc/self/cgroup")?.split(separator: "\n") ?? []
        guard var group = lines.first(where: { $0.hasPrefix("0::/") })?.dropFirst(3) else { return }
        while true {
            let folder = root + "/sys/fs/cgroup" + (group == "/" ? "" : group)
            if let limit = Self.text(folder + "/memory.max").flatMap({ Int($0) }) { memory = min(memory, limit) }
            // "200000 100000": microseconds of processor time in each period.
            let quota = Self.text(folder + "/cpu.max")?.split(separator: " ").compactMap { Double($0) } ?? []
            if quota.count == 2, quota[1] > 0 { cores = min(cores, max(1, Int(quota[0] / quota[1]))) }
            guard group.count > 1, let slash = group.lastIndex(of: "/") else { return }
            group = slash == group.startIndex ? "/" : group[..<slash]
        }
    }

    private static func text(_ path: String) -> String? {
        (try? String(contentsOfFile: path, encoding: .utf8))?.trimmingCharacters(in: .whitespacesAndNewlines)
    }

    /// Bytes for models: three quarters; the rest is for the daemon, its files in the page cache, and the engine's own.
    var inferenceMemory: Int { memory / 4 * 3 }

    /// One worker up to 3 cores; a second from 4, so that a long run does not hold up an urgent one; then one for each 8. Each
    /// has at least 4 GiB.
    var workers: Int {
        let byCores = cores < 4 ? 1 : max(2, cores / 8)
        return max(1, min(byCores, inferenceMemory >> 32, 16))
    }
}
