// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import Support

/// What `strace -f -yy` wrote: calls with the paths and addresses of their descriptors.
struct SystemCallTrace {
    struct Call {
        var thread: String
        var name: String
        /// As strace prints them, such as `7</var/lib/triaged/store>`.
        var arguments: String
        var result: Int?
        /// Lines of the trace. A call that others interleave is unfinished at first.
        var began: Int
        var ended: Int
    }

    /// In the order of their beginnings.
    var calls: [Call] = []

    init(_ text: String) {
        var open: [String: Call] = [:]
        for (number, line) in text.split(separator: "\n").enumerated() {
            guard let space = line.firstIndex(of: " ") else { continue }
            let thread = String(line[..<space])
            let words = line[space...].drop { $0 == " " }
            if words.hasPrefix("<... ") {
                guard var call = open.removeValue(forKey: thread), let end = words.firstIndex(of: ">") else { continue }
                let rest = words[words.index(after: end)...]
                call.arguments += Self.arguments(rest)
                call.result = Self.result(rest)
                call.ended = number
                calls.append(call)
            } else if let parenthesis = words.firstIndex(of: "("), !words.hasPrefix("+++"), !words.hasPrefix("---") {
                let rest = words[words.index(after: parenthesis)...]
                var call = Call(
                    thread: thread, name: String(words[..<parenthesis]), arguments: Self.arguments(rest),
                    result: Self.result(rest), began: number, ended: number)
                if words.hasSuffix("<unfinished ...>") {
                    call.arguments = String(rest.dropLast("<unfinished ...>".count))
                    open[thread] = call
                } else {
                    calls.append(call)
                }
            }
        }
        calls.sort { $0.began < $1.began }
    }

    private static func resultStart(_ words: Substring) -> Substring.Index? {
        // The result is what follows the last " = "; data in quotes comes before it.
        var found: Substring.Index?
        var index = words.startIndex
        while let next = words[index...].firstRange(of: " = ") {
            found = next.lowerBound
            index = next.upperBound
        }
        return found
    }

    private static func arguments(_ words: Substring) -> String {
        String(resultStart(words).map { words[..<$0] } ?? words)
    }

    private static func result(_ words: Substring) -> Int? {
        guard let start = resultStart(words) else { return nil }
        return Int(words[start...].dropFirst(3).prefix { $0 == "-" || $0.isNumber })
    }
}

/// Decision 1: a C-STORE success leaves only after the file's name is on disk, and then all of its data. Its row, which the
/// next start would rebuild, comes after the file.
struct DurabilityOrder {
    var store: String
    var port: Int

    struct Violation: Error, Equatable, CustomStringConvertible {
        var description: String
        init(_ description: String) { self.description = description }
    }

    /// Throws where a call is missing or out of order. Each association has a thread of its own, which answers its requests in
    /// their order.
    func check(_ trace: SystemCallTrace, path: String, size: Int) throws(Violation) {
        let calls = trace.calls
        let directory = String(path[..<(path.lastIndex(of: "/") ?? path.endIndex)])
        guard
            let made = calls.first(where: {
                $0.name.hasPrefix("open") && $0.arguments.contains("\"\(path)\"")
                    && $0.arguments.contains("O_CREAT|O_EXCL")
                    && $0.result ?? -1 >= 0
            })
        else { throw Violation("the file is not made under its name") }
        guard let nameSync = calls.first(where: { Self.isSync($0, of: directory) && $0.began > made.ended }) else {
            throw Violation("the directory is not synced after the file was made")
        }
        let writes = calls.filter { $0.name == "write" && Self.isOn(path, $0) }
        guard let first = writes.first, writes.compactMap(\.result).reduce(0, +) == size else {
            throw Violation("the file's data is not written whole")
        }
        guard nameSync.ended < first.began else { throw Violation("data is written before the name is on disk") }
        let seals = calls.filter { $0.name.hasPrefix("pwrite") && Self.isOn(path, $0) }
        // In a file that is written in one piece the seal is part of it.
        guard writes.count == 1 || seals.count == 1 else { throw Violation("the file is not sealed") }
        let last = max(writes.last?.ended ?? 0, seals.last?.ended ?? 0)
        guard let dataSync = calls.first(where: { Self.isSync($0, of: path) && $0.began > last }) else {
            throw Violation("the file's data is not synced after its last byte")
        }
        // P-DATA-TF is the PDU of type 4 (PS3.8 9.3.5); the node sends nothing but responses in them.
        let answers = calls.filter {
            ["write", "writev", "sendto", "sendmsg"].contains($0.name)
                && $0.arguments.contains("<TCP:[127.0.0.1:\(port)->")
                && $0.arguments.contains("\"\\4\\0") && $0.thread == dataSync.thread
        }
        let requests = calls.filter {
            $0.name == "fdatasync" && $0.arguments.contains("<\(store)/instances/") && $0.thread == dataSync.thread
        }
        guard answers.count == requests.count, let number = requests.firstIndex(where: { $0.began == dataSync.began })
        else {
            throw Violation("\(answers.count) responses to \(requests.count) requests")
        }
        guard dataSync.ended < answers[number].began else {
            throw Violation("the response leaves before the data is synced")
        }
        let isRowWritten = calls.contains {
            $0.name.hasPrefix("pwrite") && Self.isOn("\(store)/index.sqlite-wal", $0) && $0.began > dataSync.ended
                && ($0.result ?? 0) > 0
        }
        guard isRowWritten else { throw Violation("no row is written after the data is synced") }
    }

    /// Throws where an object is sent before its data, its name and its row are synced. `port` is that of the PACS.
    func checkResult(_ trace: SystemCallTrace, sopInstanceUID: String) throws(Violation) {
        let calls = trace.calls
        func paths(_ call: SystemCallTrace.Call) -> [String] {
            call.arguments.split(separator: "\"").filter { $0.hasPrefix("/") }.map(String.init)
        }
        let moves = calls.filter { ($0.name.hasPrefix("rename") || $0.name.hasPrefix("link")) && $0.result == 0 }
        guard
            let naming = moves.first(where: {
                paths($0).last.map { $0.hasPrefix("\(store)/results/") && $0.hasSuffix("/\(sopInstanceUID).dcm") }
                    ?? false
            }), let name = paths(naming).last
        else { throw Violation("the result gets no name in results/") }
        // All names that it had on its way from the worker.
        var names: Set<String> = [name]
        for move in moves.reversed() where move.began <= naming.began {
            if let to = paths(move).last, let from = paths(move).first, names.contains(to) { names.insert(from) }
        }
        let writes = calls.filter { call in
            call.name.hasPrefix("write") && names.contains { Self.isOn($0, call) }
        }
        guard let lastWrite = writes.last else { throw Violation("the result's data is not written") }
        guard
            let dataSync = calls.first(where: { call in
                names.contains { Self.isSync(call, of: $0) } && call.began > lastWrite.ended
            }), dataSync.ended < naming.began
        else { throw Violation("the result gets its name before its data is synced") }
        let directory = String(name[..<(name.lastIndex(of: "/") ?? name.endIndex)])
        guard let nameSync = calls.first(where: { Self.isSync($0, of: directory) && $0.began > naming.ended }) else {
            throw Violation("the result's directory is not synced")
        }
        let log = "\(store)/index.sqlite-wal"
        guard
            let row = calls.first(where: {
                $0.name.hasPrefix("pwrite") && Self.isOn(log, $0) && $0.began > nameSync.ended
            }), let rowSync = calls.first(where: { Self.isSync($0, of: log) && $0.began > row.ended })
        else { throw Violation("the result's row is not synced") }
        guard
            let sent = calls.first(where: {
                ["write", "writev", "sendto", "sendmsg"].contains($0.name)
                    && $0.arguments.contains("->127.0.0.1:\(port)]>") && $0.arguments.contains("\"\\4\\0")
            })
        else { throw Violation("nothing is sent to the PACS") }
        guard rowSync.ended < sent.began else { throw Violation("the PACS hears of it before its row is synced") }
    }

    private static func isOn(_ path: String, _ call: SystemCallTrace.Call) -> Bool {
        call.arguments.contains("<\(path)>")
    }

    static func isSync(_ call: SystemCallTrace.Call, of path: String) -> Bool {
        ["fsync", "fdatasync"].contains(call.name) && isOn(path, call) && call.result == 0
    }
}
