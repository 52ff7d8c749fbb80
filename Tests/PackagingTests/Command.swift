// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import Foundation

/// The repository, found from this file: the tests read what `make install` installs.
let repository = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent()

/// Another program's run, with what it wrote to both streams.
struct Command {
    let status: Int32
    let output: String

    /// Runs to the end in the repository, without MAKEFLAGS and the like of a `make` that may run these tests.
    static func run(_ path: String, _ arguments: String...) throws -> Command {
        try run(path, arguments)
    }

    static func run(_ path: String, _ arguments: [String]) throws -> Command {
        let process = Process()
        // A file and no pipe: a child of another test, started meanwhile, would hold the pipe open.
        let directory = try TemporaryDirectory()
        try directory.write("", to: "output")
        let file = try FileHandle(forWritingTo: directory.url.appending(path: "output"))
        process.executableURL = URL(filePath: path)
        process.arguments = arguments
        process.currentDirectoryURL = repository
        process.environment = ProcessInfo.processInfo.environment.filter { !$0.key.hasPrefix("M") }
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = file
        process.standardError = file
        try process.run()
        process.waitUntilExit()
        return Command(status: process.terminationStatus, output: try directory.read("output"))
    }
}

/// A directory of its own for one test, removed with its owner.
final class TemporaryDirectory {
    let url: URL

    init() throws {
        url = FileManager.default.temporaryDirectory.appending(path: "triaged-packaging-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(at: url) }

    func write(_ text: String, to path: String, mode: Int = 0o644) throws {
        let file = url.appending(path: path)
        try FileManager.default.createDirectory(at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(text.utf8).write(to: file)
        try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: file.path)
    }

    func read(_ path: String) throws -> String { try String(contentsOf: url.appending(path: path), encoding: .utf8) }
    func holds(_ path: String) -> Bool { FileManager.default.fileExists(atPath: url.appending(path: path).path) }
}
