// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc
import Synchronization

/// A program of somebody else's, run to its end or as a background process that this test alone ends.
package final class Tool: Sendable {
    package struct Outcome: Sendable {
        package var status: Int32
        package var output: String
        package var isTimedOut: Bool
    }

    package let processID: pid_t
    private let log: String
    private let ended = Mutex<Int32?>(nil)

    /// Starts `path` with standard output and error going to `log`.
    package init(
        _ path: String, _ arguments: [String], environment: [String: String] = [:], log: String
    ) throws {
        self.log = log
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_addopen(&actions, 1, log, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
        posix_spawn_file_actions_adddup2(&actions, 1, 2)
        // Sockets of this test process must not live on in the program (closing what is not open is no error).
        for descriptor in 3..<1024 as Range<Int32> { posix_spawn_file_actions_addclose(&actions, descriptor) }
        // Nor may it inherit the signals that Dispatch blocks on this thread, SIGTERM among them.
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var none = sigset_t()
        sigemptyset(&none)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK))
        var merged = ProcessInfo.processInfo.environment
        merged.merge(environment) { _, new in new }
        let argv = ([path] + arguments).map { strdup($0) } + [nil]
        let envp = merged.map { strdup("\($0.key)=\($0.value)") } + [nil]
        defer { for text in argv + envp { free(text) } }
        var pid: pid_t = 0
        let code = posix_spawn(&pid, path, &actions, &attributes, argv, envp)
        guard code == 0 else { throw ToolError("cannot start \(path): \(String(cString: strerror(code)))") }
        processID = pid
    }

    deinit { _ = signal(SIGKILL, within: 5) }

    package var output: String { (try? String(contentsOfFile: log, encoding: .utf8)) ?? "" }

    /// The exit status if the program has ended (128 + n for signal n).
    package func poll() -> Int32? {
        ended.withLock { ended in
            if let ended { return ended }
            var status: Int32 = 0
            guard waitpid(processID, &status, WNOHANG) == processID else { return nil }
            ended = status & 0x7F == 0 ? (status >> 8) & 0xFF : 128 + (status & 0x7F)
            return ended
        }
    }

    package func wait(seconds: Double) -> Outcome {
        let deadline = ContinuousClock.now + .seconds(seconds)
        while ContinuousClock.now < deadline {
            if let status = poll() { return Outcome(status: status, output: output, isTimedOut: false) }
            usleep(5_000)
        }
        let status = signal(SIGKILL, within: 5) ?? -1
        return Outcome(status: status, output: output, isTimedOut: true)
    }

    /// Sends a signal, waits for the end and gives the status; SIGKILL after `seconds`.
    @discardableResult
    package func signal(_ number: Int32, within seconds: Double) -> Int32? {
        if let status = poll() { return status }
        kill(processID, number)
        let deadline = ContinuousClock.now + .seconds(seconds)
        while ContinuousClock.now < deadline {
            if let status = poll() { return status }
            usleep(5_000)
        }
        kill(processID, SIGKILL)
        for _ in 0..<400 {
            if let status = poll() { return status }
            usleep(5_000)
        }
        return nil
    }

    /// Runs a program to its end.
    package static func run(
        _ path: String, _ arguments: [String], environment: [String: String] = [:], seconds: Double = 60
    ) throws -> Outcome {
        let log = NSTemporaryDirectory() + "/tool-\(UUID().uuidString).log"
        defer { unlink(log) }
        return try Tool(path, arguments, environment: environment, log: log).wait(seconds: seconds)
    }
}

package struct ToolError: Error, CustomStringConvertible {
    package var description: String
    package init(_ description: String) { self.description = description }
}

/// A directory that goes when its last user does.
package final class TemporaryDirectory: Sendable {
    package let path: String

    package init() throws {
        var template = Array("/tmp/triaged-test-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw ToolError("no temporary directory") }
        path = template.withUnsafeBufferPointer { String(cString: $0.baseAddress!) }
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    package func file(_ name: String) -> String { path + "/" + name }
}

/// A TCP port that was free a moment ago.
package func freePort() -> Int {
    // The system may offer a port again as soon as it is let go, and a test asks for several before it uses one.
    while true {
        let port = offeredPort()
        if givenPorts.withLock({ $0.insert(port).inserted }) { return port }
    }
}

private let givenPorts = Mutex<Set<Int>>([])

private func offeredPort() -> Int {
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    defer { close(descriptor) }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    withUnsafeMutablePointer(to: &address) { pointer in
        pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
            _ = bind(descriptor, $0, length)
            _ = getsockname(descriptor, $0, &length)
        }
    }
    return Int(UInt16(bigEndian: address.sin_port))
}

/// Asks again until `condition` gives a value; nil after `seconds`.
package func eventually<Value>(within seconds: Double, _ condition: () throws -> Value?) rethrows -> Value? {
    let deadline = ContinuousClock.now + .seconds(seconds)
    while true {
        if let value = try condition() { return value }
        guard ContinuousClock.now < deadline else { return nil }
        usleep(50_000)
    }
}
