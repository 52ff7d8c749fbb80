// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc

/// A child process that speaks lines over its standard input and output. Its standard error is ours.
///
/// Used by one thread at a time, except `kill`, which any thread may call.
final class ChildProcess {
    enum Line: Equatable {
        case line(String)
        /// Standard output closed: the child has ended or is ending.
        case end
        case timedOut
        /// A line longer than the limit: the child is not to be trusted any more.
        case tooLong
    }

    /// Longest line taken from a child, bytes.
    static let maximumLine = 64 << 20

    let processID: pid_t
    private let input: Int32
    private let output: Int32
    private var buffer: [UInt8] = []
    private var searched = 0
    private var isReaped = false

    /// Starts `executable` with pipes for standard input and output.
    /// Libraries open descriptors without CLOEXEC: the child closes all others as its first act.
    init(executable: String, arguments: [String], environment: [String: String]) throws(WorkerError) {
        let toChild = try Self.pipe()
        let fromChild: (reading: Int32, writing: Int32)
        do throws(WorkerError) { fromChild = try Self.pipe() } catch {
            close(toChild.reading)
            close(toChild.writing)
            throw error
        }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_adddup2(&actions, toChild.reading, 0)
        posix_spawn_file_actions_adddup2(&actions, fromChild.writing, 1)
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        // Our threads block signals that the child must be able to receive.
        var none = sigset_t()
        sigemptyset(&none)
        posix_spawnattr_setsigmask(&attributes, &none)
        var defaults = sigset_t()
        sigemptyset(&defaults)
        sigaddset(&defaults, SIGPIPE)
        sigaddset(&defaults, SIGTERM)
        sigaddset(&defaults, SIGINT)
        posix_spawnattr_setsigdefault(&attributes, &defaults)
        // A group of its own, so that Ctrl-C in a terminal reaches the daemon alone, which then drains.
        posix_spawnattr_setpgroup(&attributes, 0)
        posix_spawnattr_setflags(
            &attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP))

        let argv = ([executable] + arguments).map { strdup($0) } + [nil]
        let envp = environment.map { strdup("\($0.key)=\($0.value)") } + [nil]
        defer { for text in argv + envp { free(text) } }
        var pid: pid_t = 0
        let code = posix_spawn(&pid, executable, &actions, &attributes, argv, envp)
        close(toChild.reading)
        close(fromChild.writing)
        guard code == 0 else {
            close(toChild.writing)
            close(fromChild.reading)
            throw .cannotStart(String(cString: strerror(code)))
        }
        processID = pid
        input = toChild.writing
        _ = fcntl(input, F_SETFL, O_NONBLOCK)
        output = fromChild.reading
    }

    deinit {
        close(input)
        close(output)
        if !isReaped {
            _ = Glibc.kill(processID, SIGKILL)
            var status: Int32 = 0
            while waitpid(processID, &status, 0) < 0 && errno == EINTR {}
        }
    }

    /// False when the child no longer reads, or does not read until `deadline`.
    func send(line: String, until deadline: MonotonicTime) -> Bool {
        var bytes = Array(line.utf8)
        bytes.append(UInt8(ascii: "\n"))
        var sent = 0
        while sent < bytes.count {
            let count = bytes.withUnsafeBytes { write(input, $0.baseAddress! + sent, bytes.count - sent) }
            if count < 0 {
                if errno == EINTR { continue }
                guard errno == EAGAIN else { return false }
                // The pipe is full: a child that is stopped must not stop its supervisor.
                let remaining = deadline.milliseconds(after: .now)
                guard remaining > 0 else { return false }
                var waiting = pollfd(fd: input, events: Int16(POLLOUT), revents: 0)
                _ = poll(&waiting, 1, Int32(clamping: min(remaining, 1000)))
                continue
            }
            sent += count
        }
        return true
    }

    /// The next line, waiting at most until `deadline`.
    func nextLine(until deadline: MonotonicTime) -> Line {
        while true {
            if let newline = buffer[searched...].firstIndex(of: UInt8(ascii: "\n")) {
                let line = String(decoding: buffer[..<newline], as: UTF8.self)
                buffer.removeSubrange(...newline)
                searched = 0
                return .line(line)
            }
            searched = buffer.count
            if buffer.count > Self.maximumLine { return .tooLong }
            var waiting = pollfd(fd: output, events: Int16(POLLIN), revents: 0)
            let remaining = deadline.milliseconds(after: .now)
            guard remaining > 0 else { return .timedOut }
            let ready = poll(&waiting, 1, Int32(clamping: remaining))
            if ready < 0 && errno == EINTR { continue }
            if ready == 0 { return .timedOut }
            let count = withUnsafeTemporaryAllocation(byteCount: 65536, alignment: 1) { chunk in
                let count = read(output, chunk.baseAddress!, chunk.count)
                if count > 0 { buffer.append(contentsOf: chunk[..<count]) }
                return count
            }
            if count < 0 && errno == EINTR { continue }
            if count <= 0 { return .end }
        }
    }

    /// The child's end in words if it has ended; nil while it runs.
    func ended() -> String? {
        guard !isReaped else { return "ended" }
        var status: Int32 = 0
        guard waitpid(processID, &status, WNOHANG) == processID else { return nil }
        isReaped = true
        return Self.describe(status)
    }

    /// The child's end in words, such as "killed by signal 9 (Killed)". Kills it first if it still runs.
    func kill() -> String {
        guard !isReaped else { return "ended" }
        var status: Int32 = 0
        // It may have ended by itself: give the kernel a moment to say so, for a better reason.
        for _ in 0..<20 {
            if let end = ended() { return end }
            usleep(10_000)
        }
        _ = Glibc.kill(processID, SIGKILL)
        while waitpid(processID, &status, 0) < 0 && errno == EINTR {}
        isReaped = true
        return "killed because it did not answer"
    }

    /// Asks the child to end by closing its input, and kills it if it has not within `seconds`.
    func end(within seconds: Double) {
        guard !isReaped else { return }
        _ = Glibc.kill(processID, SIGTERM)
        let deadline = MonotonicTime.now + seconds
        while MonotonicTime.now < deadline {
            if ended() != nil { return }
            usleep(20_000)
        }
        _ = kill()
    }

    /// Closed on exec. Glibc's pipe2 is hidden from Swift; nothing else in the daemon starts programs in between.
    private static func pipe() throws(WorkerError) -> (reading: Int32, writing: Int32) {
        var ends: [Int32] = [-1, -1]
        guard Glibc.pipe(&ends) == 0 else { throw .cannotStart(String(cString: strerror(errno))) }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        return (ends[0], ends[1])
    }

    private static func describe(_ status: Int32) -> String {
        let signal = status & 0x7F
        if signal != 0 { return "killed by signal \(signal) (\(String(cString: strsignal(signal))))" }
        return "exited with status \((status >> 8) & 0xFF)"
    }
}

enum WorkerError: Error, CustomStringConvertible {
    case cannotStart(String)
    /// The worker ended, hung or spoke nonsense while it had a job: one attempt at that job is spent.
    case died(String)
    /// We ended it, because the daemon stops.
    case stopped

    var description: String {
        switch self {
        case .cannotStart(let reason): "the worker process cannot be started: \(reason)"
        case .died(let reason): "the worker process was lost: \(reason)"
        case .stopped: "the worker was stopped"
        }
    }
}
