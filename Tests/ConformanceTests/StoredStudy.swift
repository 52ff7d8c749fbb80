// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Support

/// What a modality knows after it has sent: which files it may delete.
struct Sending {
    /// Answered with Success.
    var acknowledged: [String]
    var status: Int32
    var output: String
}

extension Daemon {
    /// Sends files in order, as a modality does that keeps count of the answers.
    func send(_ files: [String], arguments: [String] = [], seconds: Double = 60) throws -> Sending {
        guard !files.isEmpty else { return Sending(acknowledged: [], status: 0, output: "") }
        let outcome = try Tool.run(
            "/usr/bin/storescu",
            ["-aet", "CT1", "-aec", "TRIAGED", "-v"] + arguments + ["127.0.0.1", "\(dicomPort)"] + files,
            environment: ["TCP_NODELAY": "1"], seconds: seconds)
        return Sending(
            acknowledged: Sending.acknowledged(in: outcome.output), status: outcome.status, output: outcome.output)
    }

    /// Files in the store by SOP Instance UID.
    func storedFiles() -> [String: [String]] {
        let files = instanceFiles().filter { !Self.isUnfinished($0) }
        return Dictionary(grouping: files) { Self.sopInstanceUID(ofFile: $0) }
    }

    /// Files in the store that anything was written to.
    private func instanceFiles() -> [String] {
        let root = storeDirectory + "/instances"
        let names = (try? FileManager.default.subpathsOfDirectory(atPath: root)) ?? []
        return names.filter { $0.hasSuffix(".dcm") }.map { root + "/" + $0 }.filter {
            let attributes = try? FileManager.default.attributesOfItem(atPath: $0)
            return attributes?[.size] as? Int ?? 0 > 0
        }
    }

    private static func head(ofFile path: String) -> Data {
        let file = FileHandle(forReadingAtPath: path)
        return (try? file?.read(upToCount: 4096)) ?? Data()
    }

    /// Media Storage SOP Instance UID.
    private static func sopInstanceUID(ofFile path: String) -> String {
        let head = head(ofFile: path)
        guard let element = head.firstRange(of: Data([2, 0, 3, 0, 0x55, 0x49])), head.count > element.upperBound + 2
        else { return "" }
        let value = head[(element.upperBound + 2)...].prefix(Int(head[element.upperBound]))
        return String(decoding: value.prefix { $0 != 0 }, as: UTF8.self)
    }

    /// Whether the seal in Private Information has not been set (docs/decisions/01).
    private static func isUnfinished(_ path: String) -> Bool {
        let head = head(ofFile: path)
        guard let element = head.firstRange(of: Data([2, 0, 2, 1, 0x4F, 0x42, 0, 0, 16, 0, 0, 0])) else { return true }
        return head[element.upperBound...].prefix(16).allSatisfy { $0 == 0 }
    }

    /// Files of receptions that have not ended.
    func incomingFiles() -> [String] {
        let temporary = (try? FileManager.default.contentsOfDirectory(atPath: storeDirectory + "/incoming")) ?? []
        return temporary + instanceFiles().filter { Self.isUnfinished($0) }
    }

    /// Data sets of the results that the outbox keeps, by SOP Instance UID.
    func keptResults() throws -> [String: Data] {
        let root = storeDirectory + "/results"
        let files = try FileManager.default.subpathsOfDirectory(atPath: root).filter { $0.hasSuffix(".dcm") }
            .map { root + "/" + $0 }
        let uids = try sopInstanceUIDs(ofFiles: files)
        return Dictionary(uniqueKeysWithValues: try files.map { (uids[$0] ?? "", try dataSet(ofFile: $0)) })
    }

    /// The item once it is analysed and nothing is on its way any more.
    func settledItem(study: String, within seconds: Double = 60) throws -> [String: Any]? {
        try eventually(within: seconds) {
            try item(study: study).flatMap { item in
                let deliveries = Fixtures.deliveries(item)
                return item["state"] as? String == "analysed" && item["run"] as? String == "final"
                    && !deliveries.isEmpty
                    && !deliveries.contains("pending") ? item : nil
            }
        }
    }
}

extension Sending {
    /// Paths that `storescu -v` names before a response of Success.
    static func acknowledged(in output: String) -> [String] {
        var sent: String?
        var acknowledged: [String] = []
        for line in output.split(separator: "\n") {
            if line.hasPrefix("I: Sending file: ") {
                sent = String(line.dropFirst("I: Sending file: ".count))
            } else if line == "I: Received Store Response (Success)", let path = sent {
                acknowledged.append(path)
                sent = nil
            }
        }
        return acknowledged
    }
}

/// The data set of a Part 10 file: what follows the File Meta Information, whose length its first element tells (PS3.10 7.1).
func dataSet(ofFile path: String) throws -> Data {
    let file = try Data(contentsOf: URL(fileURLWithPath: path))
    let head = [UInt8](file.prefix(144))
    guard head.count == 144, Array(head[128..<132]) == Array("DICM".utf8), Array(head[132..<136]) == [2, 0, 0, 0] else {
        throw ToolError("\(path) is no Part 10 file with a group length")
    }
    let length = head[140..<144].reversed().reduce(0) { $0 << 8 | Int($1) }
    return file.dropFirst(144 + length)
}

/// SOP Instance UIDs by path, from DCMTK.
func sopInstanceUIDs(ofFiles paths: [String]) throws -> [String: String] {
    let outcome = try Tool.run("/usr/bin/dcmdump", ["-q", "-M", "+P", "SOPInstanceUID"] + paths)
    let uids = outcome.output.split(separator: "\n").compactMap { line in
        line.firstIndex(of: "[").flatMap { start in
            line.firstIndex(of: "]").map { String(line[line.index(after: start)..<$0]) }
        }
    }
    guard uids.count == paths.count else { throw ToolError("not every file has a SOP Instance UID: \(outcome.output)") }
    return Dictionary(uniqueKeysWithValues: zip(paths, uids))
}
