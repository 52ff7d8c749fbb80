// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Support

/// What the kernel tells about processes in /proc.
enum ProcessTable {
    /// Children that have not ended, by their parent.
    static func children(of parent: pid_t) -> [pid_t] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
        return names.compactMap { pid_t($0) }.filter { pid in
            state(of: pid).map { $0.parent == parent && $0.letter != "Z" } ?? false
        }.sorted()
    }

    /// True until the process has ended; nobody may have waited for it yet.
    static func isRunning(_ pid: pid_t) -> Bool { state(of: pid).map { $0.letter != "Z" && $0.letter != "X" } ?? false }

    static func arguments(of pid: pid_t) -> [String] {
        read(pid, "cmdline").split(separator: "\0").map(String.init)
    }

    static func memoryScoreAdjustment(of pid: pid_t) -> Int? {
        Int(read(pid, "oom_score_adj").trimmingCharacters(in: .whitespacesAndNewlines))
    }

    /// What the open descriptors stand for: paths, or such as `socket:[4711]`.
    static func descriptors(of pid: pid_t) -> [String] {
        let directory = "/proc/\(pid)/fd"
        let names = (try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? []
        return names.compactMap { try? FileManager.default.destinationOfSymbolicLink(atPath: "\(directory)/\($0)") }
    }

    /// proc(5): the name in parentheses may hold anything, so that fields count from the last parenthesis.
    private static func state(of pid: pid_t) -> (letter: String, parent: pid_t)? {
        let text = read(pid, "stat")
        guard let end = text.lastIndex(of: ")") else { return nil }
        let fields = text[text.index(after: end)...].split(separator: " ")
        guard fields.count > 1, let parent = pid_t(fields[1]) else { return nil }
        return (String(fields[0]), parent)
    }

    private static func read(_ pid: pid_t, _ name: String) -> String {
        (try? String(contentsOfFile: "/proc/\(pid)/\(name)", encoding: .utf8)) ?? ""
    }
}

extension Daemon {
    /// The worker process of the running daemon.
    func worker() throws -> pid_t {
        guard let process else { throw ToolError("the daemon was not started") }
        let workers = ProcessTable.children(of: process.processID).filter {
            ProcessTable.arguments(of: $0).contains("worker")
        }
        guard workers.count == 1 else { throw ToolError("\(workers.count) workers") }
        return workers[0]
    }

    /// The worker that came after another one.
    func worker(after former: pid_t, within seconds: Double = 60) throws -> pid_t {
        guard let next = eventually(within: seconds, { (try? worker()).flatMap { $0 == former ? nil : $0 } }) else {
            throw ToolError("no worker after \(former)\n\(output)")
        }
        return next
    }

    func state(study: String) throws -> String? { try item(study: study)?["state"] as? String }

    /// The study's item once it is in this state.
    func item(study: String, state: String, within seconds: Double = 60) throws -> [String: Any]? {
        try eventually(within: seconds) {
            try item(study: study).flatMap { $0["state"] as? String == state ? $0 : nil }
        }
    }
}
