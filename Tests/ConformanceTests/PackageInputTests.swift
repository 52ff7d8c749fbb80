// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Support
import Testing

extension EndToEnd {
    /// Packages that read more than one series, that need another package, or that are not whole.
    @Suite("Inputs of packages", .serialized)
    struct PackageInputTests {
        private static func send(_ files: [String], to node: Daemon) throws {
            _ = try node.store(files, arguments: ["--abort"])
        }

        /// A second package beside the reference package, which only it claims.
        private static func second(_ models: PackageCopy, name: String, _ changes: [(String, String)]) throws {
            let folder = models.directory.file(name)
            try FileManager.default.copyItem(atPath: models.folder, toPath: folder)
            var manifest = try String(contentsOfFile: folder + "/manifest.yaml", encoding: .utf8)
            for (old, new) in [("name: head-ct-hyperdensity", "name: \(name)")] + changes {
                try #require(manifest.contains(old))
                manifest = manifest.replacingOccurrences(of: old, with: new)
            }
            try manifest.write(toFile: folder + "/manifest.yaml", atomically: true, encoding: .utf8)
        }

        /// Three series of one study and frame of reference: Series Descriptions T1, FLAIR and again FLAIR.
        private final class Study {
            let phantoms: [Phantom]
            var study: String { phantoms[0].studyInstanceUID }
            func series(_ number: Int) -> String {
                number == 0 ? phantoms[0].seriesInstanceUID : "1.2.826.0.7.\(number)"
            }

            init() throws {
                phantoms = try (0..<3).map { _ in try Fixtures.smallHead(["--seed", "560"]) }
                for (number, phantom) in phantoms.enumerated() {
                    var changes = ["-m", "SeriesDescription=\(number == 0 ? "T1" : "FLAIR")"]
                    // dcmodify makes new instance UIDs; the study's stays.
                    if number > 0 { changes += ["-gin", "-m", "SeriesInstanceUID=\(series(number))"] }
                    let made = try Tool.run("/usr/bin/dcmodify", ["-nb"] + changes + phantom.files)
                    try #require(made.status == 0, "\(made.output)")
                }
            }
        }

        private static func channels() throws -> PackageCopy {
            let models = try PackageCopy()
            try models.edit {
                $0.replacingOccurrences(
                    of: "\nrequire:",
                    with: """

                        channels:
                          - {name: T1, claim: {seriesDescription: {include: T1}}}
                          - {name: FLAIR, claim: {seriesDescription: {include: FLAIR}}}

                        require:
                        """)
            }
            return models
        }

        @Test(
            "a package of several channels waits for its series, refuses a choice, and runs again on a change [SCHED-7]"
        )
        func channels() throws {
            let script = try ScriptedWorker()
            let models = try Self.channels()
            let node = try Daemon(models: models.directory.path)
            try node.start(environment: script.environment)
            let study = try Study()

            try Self.send(study.phantoms[0].files, to: node)
            let missing = try node.endedItem(study: study.study)
            #expect(
                missing.state == "notAnalysed" && missing.reason.contains("no series for channel FLAIR"), "\(missing)")
            #expect(script.log.isEmpty)

            // Its arrival is what the first series waited for.
            let flair = study.phantoms[1].files
            try Self.send(Array(flair.dropLast()), to: node)
            _ = try #require(try node.item(study: study.study, state: "analysed"), "\(node.output)")
            #expect(script.log("begun") == [["begun", "head-ct-hyperdensity", study.series(0), study.series(1)]])

            // One more instance of it makes another run over both.
            try Self.send(Array(flair.suffix(1)), to: node)
            #expect(script.awaits("ended", count: 2), "\(node.output)")
            _ = try #require(try node.item(study: study.study, state: "analysed"), "\(node.output)")
            #expect(
                try node.rows("SELECT state FROM job WHERE run = 'final' ORDER BY id") == [["done"], ["done"]])
            #expect(try node.item(study: study.study)?["run"] as? String == "final")

            // A second one of the same cut leaves a choice that nobody can make.
            try Self.send(study.phantoms[2].files, to: node)
            let ambiguous = try eventually(within: 60) {
                try node.item(study: study.study).flatMap {
                    $0.reason.contains("2 series for channel FLAIR") ? $0 : nil
                }
            }
            #expect(ambiguous?.reason.contains(study.series(1)) == true, "\(node.output)")
            #expect(ambiguous?.reason.contains(study.series(2)) == true)
            #expect(ambiguous?.state == "notAnalysed")
            #expect(node.stop() == 0)
        }

        @Test("an incomplete package is no fault of the installation, and what it claims is not analysed [SCHED-8]")
        func incomplete() throws {
            let script = try ScriptedWorker()
            let models = try PackageCopy()
            try FileManager.default.removeItem(atPath: models.folder + "/hyperdensity.onnx")
            let node = try Daemon(models: models.directory.path)
            let check = try node.check()
            #expect(check.status == 0 && check.output.contains("is incomplete: hyperdensity.onnx"), "\(check.output)")
            try node.start(environment: script.environment)
            let study = try Fixtures.smallHead(["--seed", "570"])
            try node.storeAll(study.files)
            let item = try node.endedItem(study: study.studyInstanceUID)
            let reason = "head-ct-hyperdensity: the package is incomplete: hyperdensity.onnx is not there"
            #expect(item.state == "notAnalysed" && item.reason.contains(reason), "\(item)")
            #expect(node.output.contains("does not run, and what it claims is not analysed"))
            #expect(script.log.isEmpty)
            #expect(node.stop() == 0)
        }

        @Test("a package whose region no package finds does not run, with the reason on the worklist [SCHED-9]")
        func noRegion() throws {
            let script = try ScriptedWorker()
            let models = try PackageCopy()
            try models.edit { $0 + "\nregion: {package: head-mask, label: Head, margin: 5}\n" }
            let node = try Daemon(models: models.directory.path)
            let reason = "package head-mask, which finds its region, is not installed"
            let check = try node.check()
            #expect(check.status == 1 && check.output.contains(reason), "\(check.output)")
            try node.start(environment: script.environment)
            let study = try Fixtures.smallHead(["--seed", "571"])
            try node.storeAll(study.files)
            let item = try node.endedItem(study: study.studyInstanceUID)
            #expect(item.state == "notAnalysed" && item.reason.contains(reason), "\(item)")
            #expect(node.output.contains(reason) && script.log.isEmpty)
            #expect(node.stop() == 0)
        }

        @Test("a package runs in the region that another one finds, whose findings are not reported [SCHED-10]")
        func region() throws {
            let models = try PackageCopy()
            // Marks the inside of the skull, in no series by itself.
            try Self.second(
                models, name: "head-inside",
                [
                    ("oneOf: [HEAD, BRAIN, SKULL]", "oneOf: [FOOT]"), ("channel: 0", "channel: 1"),
                    ("label: Intracranial hemorrhage", "label: Inside"),
                    ("    orDescription:", "    # orDescription:"),
                ])
            try models.edit { $0 + "\nregion: {package: head-inside, label: Inside, margin: 25}\n" }
            let node = try Daemon(models: models.directory.path)
            try node.start()
            let study = try Fixtures.smallBleed(seed: 572)
            try node.storeAll(study.files)
            let item = try node.endedItem(study: study.studyInstanceUID)
            #expect(item.state == "analysed" && item.priority == "critical", "\(item)\n\(node.output)")
            #expect(item.findings.map { $0["model"] as? String } == ["head-ct-hyperdensity"])
            let volume = try #require(item.findings.first?["volumeML"] as? Double)
            #expect(abs(volume - study.bleedVolumeML) < 0.35 * study.bleedVolumeML, "\(volume) mL")
            #expect(item.warnings.contains { $0.contains("of the Inside that head-inside 1.0.0 marked") }, "\(item)")
            #expect(node.stop() == 0)
        }
    }
}
