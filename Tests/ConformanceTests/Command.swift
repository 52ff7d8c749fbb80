// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Support

/// The built executable as an administrator runs it.
enum Command {
    static func run(_ arguments: String..., seconds: Double = 60) throws -> Tool.Outcome {
        try run(arguments, seconds: seconds)
    }

    static func run(_ arguments: [String], seconds: Double = 60) throws -> Tool.Outcome {
        let outcome = try Tool.run(Daemon.executable, arguments, seconds: seconds)
        if outcome.isTimedOut {
            throw ToolError("triaged \(arguments.joined(separator: " ")) does not end:\n\(outcome.output)")
        }
        return outcome
    }
}

extension Tool.Outcome {
    /// What is printed besides the log.
    var lines: [String] {
        output.split(separator: "\n").map(String.init).filter {
            !$0.contains(" info triaged:") && !$0.contains(" notice triaged:")
        }
    }
}

extension Daemon {
    func edit(_ change: (String) -> String) throws {
        let text = try String(contentsOfFile: configurationPath, encoding: .utf8)
        try change(text).write(toFile: configurationPath, atomically: true, encoding: .utf8)
    }

    func serveOnce() throws -> Tool.Outcome { try Command.run("serve", "--config", configurationPath, seconds: 30) }
    func check() throws -> Tool.Outcome { try Command.run("check", "--config", configurationPath) }
}

/// A folder of model packages with a copy of the reference package, to be spoilt.
struct PackageCopy {
    let directory: TemporaryDirectory
    var folder: String { directory.file("head-ct-hyperdensity") }
    var manifest: String { folder + "/manifest.yaml" }

    init() throws {
        directory = try TemporaryDirectory()
        try FileManager.default.copyItem(atPath: Daemon.repository + "/etc/models/head-ct-hyperdensity", toPath: folder)
        // They hold for the manifest as it is, and these copies are there to be changed.
        try FileManager.default.removeItem(atPath: folder + "/golden")
    }

    func edit(_ change: (String) -> String) throws {
        let text = try String(contentsOfFile: manifest, encoding: .utf8)
        let changed = change(text)
        guard changed != text else { throw ToolError("nothing to change in \(manifest)") }
        try changed.write(toFile: manifest, atomically: true, encoding: .utf8)
    }

    /// The line, from 1, on which a text first occurs.
    func line(of text: String) throws -> Int {
        let lines = try String(contentsOfFile: manifest, encoding: .utf8).components(separatedBy: "\n")
        guard let index = lines.firstIndex(where: { $0.contains(text) }) else {
            throw ToolError("no \(text) in \(manifest)")
        }
        return index + 1
    }
}
