// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc
import Support
import Testing

extension EndToEnd {
    /// What stands in the way of a start: one clear line and exit status 1; what is there stays as it is.
    @Suite("Refused starts", .serialized) struct StartCommandTests {
        private func expectOneLine(
            _ outcome: Tool.Outcome, says words: String..., sourceLocation: SourceLocation = #_sourceLocation
        ) {
            #expect(outcome.status == 1, "\(outcome.output)", sourceLocation: sourceLocation)
            #expect(outcome.lines.count == 1, "\(outcome.output)", sourceLocation: sourceLocation)
            for word in words {
                #expect(
                    outcome.lines.first?.contains(word) == true, "\(outcome.output)", sourceLocation: sourceLocation)
            }
        }

        /// A store that a node has used.
        private func usedStore() throws -> Daemon {
            let node = try Daemon()
            try node.start()
            #expect(node.stop() == 0)
            return node
        }

        /// Schema, rows and version of a database.
        private func dump(_ path: String) throws -> String {
            let script =
                "import sys, sqlite3; c = sqlite3.connect(sys.argv[1]); print(*c.iterdump(), c.execute('PRAGMA user_version').fetchall(), sep='\\n')"
            let outcome = try Tool.run("/usr/bin/python3", ["-c", script, path])
            guard outcome.status == 0, outcome.output.contains("CREATE TABLE study") else {
                throw ToolError(outcome.output)
            }
            return outcome.output
        }

        @Test("a database of a later release is refused by check and serve, and not touched [START-1]")
        func newer() throws {
            let node = try usedStore()
            let path = node.storeDirectory + "/index.sqlite"
            let made = try Tool.run(
                "/usr/bin/python3",
                [
                    "-c",
                    "import sys, sqlite3; c = sqlite3.connect(sys.argv[1]); c.execute('PRAGMA user_version=99'); c.commit(); c.execute('PRAGMA wal_checkpoint(TRUNCATE)'); c.close()",
                    path,
                ])
            #expect(made.status == 0, "\(made.output)")
            let file = try Data(contentsOf: URL(fileURLWithPath: path))
            let dump = try dump(path)
            expectOneLine(try node.check(), says: path, "99", "later release")
            #expect(try Data(contentsOf: URL(fileURLWithPath: path)) == file)
            expectOneLine(try node.serveOnce(), says: path, "99", "later release")
            #expect(try self.dump(path) == dump)
        }

        @Test("what is no database is refused by check and serve, and not touched [START-2]")
        func noDatabase() throws {
            let node = try usedStore()
            let path = node.storeDirectory + "/index.sqlite"
            for name in ["index.sqlite-wal", "index.sqlite-shm"] { unlink(node.storeDirectory + "/" + name) }
            let text = Data(String(repeating: "This is no database. ", count: 500).utf8)
            try text.write(to: URL(fileURLWithPath: path))
            expectOneLine(try node.check(), says: path, "damaged")
            expectOneLine(try node.serveOnce(), says: path, "damaged")
            #expect(try Data(contentsOf: URL(fileURLWithPath: path)) == text)
        }

        @Test("a store that a node uses is refused to a second one, and the first goes on [START-3]")
        func inUse() throws {
            let node = try Daemon()
            try node.start()
            let other = try Daemon()
            try other.edit { $0.replacingOccurrences(of: other.storeDirectory, with: node.storeDirectory) }
            expectOneLine(try other.serveOnce(), says: node.storeDirectory, "another triaged")
            #expect(try node.echoes())
            #expect(try node.worklist().isEmpty)
            node.stop()
        }

        @Test("a DICOM port or a web port that is taken is one line that names it [START-4]")
        func portsTaken() throws {
            let node = try Daemon()
            try node.start()
            let dicom = try Daemon()
            try dicom.edit { $0.replacingOccurrences(of: "port: \(dicom.dicomPort)", with: "port: \(node.dicomPort)") }
            expectOneLine(try dicom.serveOnce(), says: "\(node.dicomPort)", "in use")
            let web = try Daemon()
            try web.edit { $0.replacingOccurrences(of: "port: \(web.webPort)", with: "port: \(node.webPort)") }
            expectOneLine(try web.serveOnce(), says: "\(node.webPort)", "in use")
            #expect(try node.echoes())
            node.stop()
        }

        @Test("a storage directory that is a file, or cannot be made, is one line that names it [START-5]")
        func noDirectory() throws {
            let node = try Daemon()
            try Data().write(to: URL(fileURLWithPath: node.storeDirectory))
            expectOneLine(try node.check(), says: node.storeDirectory, "not a directory")
            expectOneLine(try node.serveOnce(), says: node.storeDirectory)
            try node.edit { $0.replacingOccurrences(of: node.storeDirectory, with: "/proc/nowhere/store") }
            expectOneLine(try node.check(), says: "/proc/nowhere/store")
            expectOneLine(try node.serveOnce(), says: "/proc/nowhere")
        }

        struct Spoilt: Sendable, CustomTestStringConvertible {
            var testDescription: String
            /// On the line that must be named; nil where no line is at fault.
            var at: String?
            var says: [String]
            var spoil: @Sendable (PackageCopy) throws -> Void
        }

        @Test(
            "a model package that is not right stops the start with one line that names its file [MODEL-1]",
            arguments: [
                Spoilt(
                    testDescription: "misspelt key", at: "minimumExtnet",
                    says: ["minimumExtnet", "did you mean `minimumExtent`"]
                ) { package in
                    try package.edit { $0.replacingOccurrences(of: "minimumExtent:", with: "minimumExtnet:") }
                },
                Spoilt(testDescription: "a network elsewhere", at: "file: ../", says: ["network.file"]) { package in
                    try package.edit {
                        $0.replacingOccurrences(of: "file: hyperdensity.onnx", with: "file: ../../hyperdensity.onnx")
                    }
                },
                Spoilt(testDescription: "no manifest", at: nil, says: ["manifest.yaml"]) { package in
                    try FileManager.default.removeItem(atPath: package.manifest)
                },
                Spoilt(testDescription: "empty manifest", at: nil, says: ["manifest.yaml:1", "empty"]) { package in
                    try Data().write(to: URL(fileURLWithPath: package.manifest))
                },
            ])
        func packages(spoilt: Spoilt) throws {
            let package = try PackageCopy()
            try spoilt.spoil(package)
            let node = try Daemon(models: package.directory.path)
            let place = try spoilt.at.map { "manifest.yaml:\(try package.line(of: $0)):" } ?? "/head-ct-hyperdensity"
            for outcome in [
                try node.check(), try node.serveOnce(), try Command.run("model", "list", package.directory.path),
                try Command.run("model", "check", package.folder), try Command.run("model", "show", package.folder),
            ] {
                expectOneLine(outcome)
                let line = outcome.lines.first ?? ""
                for words in spoilt.says + [place] { #expect(line.contains(words), "\(line)") }
            }
        }

        @Test("model list, show and check say what a sound package is [MODEL-2]")
        func soundPackage() throws {
            let models = Daemon.repository + "/etc/models"
            let list = try Command.run("model", "list", models)
            #expect(list.status == 0)
            #expect(
                list.lines.count == 1 && list.output.contains("head-ct-hyperdensity 1.0.0  demonstration"),
                "\(list.output)")
            let show = try Command.run("model", "show", models + "/head-ct-hyperdensity")
            #expect(show.status == 0)
            for words in ["Intracranial hemorrhage", "1386000", "critical", "Apache-2.0", "demonstration"] {
                #expect(show.output.contains(words), "\(words) is not in \(show.output)")
            }
            let check = try Command.run("model", "check", models + "/head-ct-hyperdensity")
            #expect(check.status == 0)
            #expect(check.lines == ["head-ct-hyperdensity 1.0.0: ok"])
        }

        @Test("a demonstration package that is not allowed does not run, and check says so [MODEL-3]")
        func demonstration() throws {
            let node = try Daemon(quietPeriod: 0.5, allowDemonstration: false)
            let check = try node.check()
            #expect(check.status == 0)
            #expect(check.output.contains("models.allowDemonstration is false"), "\(check.output)")
            try node.start()
            let study = try Fixtures.smallHead(["--finding", "bleed", "--seed", "501"])
            try node.storeAll([study.directory.path])
            let item = try node.endedItem(study: study.studyInstanceUID)
            #expect(item.state == "outOfScope")
            #expect(item.reason.contains("models.allowDemonstration is false"), "\(item.reason)")
            #expect(item.findings.isEmpty)
            node.stop()
        }
    }
}
