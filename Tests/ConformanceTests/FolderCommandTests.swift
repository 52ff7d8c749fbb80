// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Support
import Testing

extension EndToEnd {
    /// `triaged process` and `triaged phantom`.
    @Suite("Commands on folders", .serialized) struct FolderCommandTests {
        private let models = Daemon.repository + "/etc/models"

        private func process(_ folder: String, output: TemporaryDirectory, models: String? = nil) throws -> Tool.Outcome
        {
            try Command.run(
                "process", "--models", models ?? self.models, "--output", output.file("out"), folder, seconds: 120)
        }

        private func names(in output: TemporaryDirectory) -> [String] {
            ((try? FileManager.default.contentsOfDirectory(atPath: output.file("out"))) ?? []).sorted()
        }

        private func items(in output: TemporaryDirectory) throws -> [[String: Any]] {
            let data = try Data(contentsOf: URL(fileURLWithPath: output.file("out/findings.json")))
            return (try JSONSerialization.jsonObject(with: data) as? [String: Any])?["items"] as? [[String: Any]] ?? []
        }

        @Test("process writes SEG, SR and findings.json of a study, and ends with 0 [PROCESS-1]")
        func good() throws {
            let study = try Fixtures.smallHead(["--finding", "bleed", "--seed", "601"])
            let output = try TemporaryDirectory()
            let outcome = try process(study.directory.path, output: output)
            #expect(outcome.status == 0, "\(outcome.output)")
            let names = names(in: output)
            #expect(names.count == 3, "\(names)")
            #expect(names.filter { $0.hasPrefix("SEG-") }.count == 1)
            #expect(names.filter { $0.hasPrefix("SR-") }.count == 1)
            let items = try items(in: output)
            #expect(items.map { $0["studyInstanceUID"] as? String } == [study.studyInstanceUID])
            #expect(items.first?.priority == "critical")
            #expect(
                outcome.lines.contains { $0.hasPrefix("\(study.studyInstanceUID)  analysed  critical") },
                "\(outcome.output)")
            // Nothing is changed in the folder, and the same again gives the same UIDs.
            #expect(study.files.count == 12)
        }

        @Test("a package that keeps probabilities makes a Segmentation of them [PROCESS-6]")
        func probabilities() throws {
            let study = try Fixtures.smallHead(["--finding", "bleed", "--seed", "605"])
            let models = try TemporaryDirectory()
            let package = models.file("head")
            try FileManager.default.copyItem(atPath: self.models + "/head-ct-hyperdensity", toPath: package)
            let manifest = try String(contentsOfFile: package + "/manifest.yaml", encoding: .utf8)
            let changed = manifest.replacing("  restore: linear", with: "  restore: linear\n  probabilities: true")
            try Data(changed.utf8).write(to: URL(fileURLWithPath: package + "/manifest.yaml"))
            let output = try TemporaryDirectory()
            let outcome = try process(study.directory.path, output: output, models: models.path)
            #expect(outcome.status == 0, "\(outcome.output)")
            let name = try #require(names(in: output).first { $0.hasPrefix("SEG-") })
            let dump = try Tool.run("/usr/bin/dcmdump", ["+P", "0062,0001", output.file("out/" + name)]).output
            #expect(dump.contains("FRACTIONAL"), "\(dump)")
        }

        @Test("process passes over what is not DICOM, says so, and analyses the rest [PROCESS-2]")
        func junk() throws {
            let study = try Fixtures.smallHead(["--finding", "bleed", "--seed", "602"])
            let folder = study.directory
            try Data("notes".utf8).write(to: URL(fileURLWithPath: folder.file("README.txt")))
            try Data().write(to: URL(fileURLWithPath: folder.file("empty.dcm")))
            let whole = try Data(contentsOf: URL(fileURLWithPath: study.files[0]))
            let cut = try RawDataSet(file: study.files[0]).replacing(8, 0x18, "UI", Array("1.2.3.4".utf8))
            try cut.write(to: folder.file("cut.dcm"), headOf: study.files[0])
            try whole.prefix(whole.count / 2).write(to: URL(fileURLWithPath: folder.file("half.dcm")))
            let level =
                RawDataSet.element(8, 0x1140, "SQ", [], length: 0xFFFF_FFFF) + [
                    0xFE, 0xFF, 0, 0xE0, 255, 255, 255, 255,
                ]
            let deep = try RawDataSet(file: study.files[0]).inserting(
                Array(repeatElement(level, count: 200_000).joined()), before: 0x10, 0x10)
            try deep.write(to: folder.file("deep.dcm"), headOf: study.files[0])
            let output = try TemporaryDirectory()
            let outcome = try process(folder.path, output: output)
            #expect(outcome.status == 0, "\(outcome.output)")
            for name in ["README.txt", "empty.dcm", "cut.dcm", "half.dcm", "deep.dcm"] {
                #expect(
                    outcome.lines.filter { $0.contains("/\(name): skipped") }.count == 1, "\(name): \(outcome.output)")
            }
            #expect(try items(in: output).first?.state == "analysed")
            #expect(try items(in: output).first?.series.first?["instances"] as? Int == 12)
        }

        @Test("process ends with 1 and a line where there is nothing to do [PROCESS-3]")
        func nothing() throws {
            let folder = try TemporaryDirectory()
            let output = try TemporaryDirectory()
            let study = try Fixtures.smallHead(["--seed", "603"])
            func expectOneLine(
                _ outcome: Tool.Outcome, _ words: String, sourceLocation: SourceLocation = #_sourceLocation
            ) {
                #expect(outcome.status == 1, "\(outcome.output)", sourceLocation: sourceLocation)
                #expect(
                    outcome.lines.filter { $0.hasPrefix("Error: ") && $0.contains(words) }.count == 1,
                    "\(outcome.output)", sourceLocation: sourceLocation)
            }
            expectOneLine(try process(folder.path, output: output), "no files")
            expectOneLine(try process(folder.file("none"), output: output), "no such folder")
            expectOneLine(try process(study.directory.path, output: output, models: folder.path), "no model package")
            expectOneLine(
                try process(study.directory.path, output: output, models: folder.file("none")), folder.file("none"))
            try Data("notes".utf8).write(to: URL(fileURLWithPath: folder.file("README.txt")))
            expectOneLine(try process(folder.path, output: output), "none of 1 files is DICOM that can be read")
        }

        @Test(
            "process ends with 1 where a claimed study could not be analysed, and with 0 where nothing claims it [PROCESS-4]"
        )
        func refused() throws {
            let gap = try Fixtures.smallHead(["--seed", "604", "--defect", "gap"])
            let output = try TemporaryDirectory()
            let outcome = try process(gap.directory.path, output: output)
            #expect(outcome.status == 1)
            #expect(try items(in: output).first?.state == "notAnalysed")
            #expect(outcome.output.contains("gap of 10.0 mm"), "\(outcome.output)")
            let other = try Fixtures.smallHead(["--seed", "605", "--orientation", "coronal"])
            let second = try TemporaryDirectory()
            #expect(try process(other.directory.path, output: second).status == 0)
            #expect(try items(in: second).first?.state == "outOfScope")
        }

        @Test("a study without a bleed gives a negative report that names the package [PROCESS-5]")
        func negative() throws {
            let study = try Fixtures.smallHead(["--finding", "none", "--seed", "606"], slices: 32)
            let output = try TemporaryDirectory()
            let outcome = try process(study.directory.path, output: output)
            #expect(outcome.status == 0, "\(outcome.output)")
            #expect(outcome.output.contains("no finding by head-ct-hyperdensity"), "\(outcome.output)")
            #expect(names(in: output).filter { $0.hasPrefix("SEG-") }.isEmpty)
        }

        @Test(
            "phantom refuses what cannot be made, in words [PHANTOM-1]",
            arguments: [
                ["--matrix", "0"], ["--matrix", "big"], ["--slices", "0"], ["--slices=-3"],
                ["--finding", "bleed", "--volume=-1"],
                ["--tilt", "89"], ["--patient-name", "山田^太郎"],
                ["--character-set", "ISO 2022 IR 87", "--patient-name", "Ж^Ж\u{1F600}"],
                ["--finding", "tumour"], ["--transfer-syntax", "png"], ["--seed=-1"], ["--defect", "scratch"],
                ["--pixel-spacing", "0"], ["--slice-spacing=-5"], ["--noise=-1"],
                ["--finding", "bleed", "--volume", "nan"], ["--slices", "100000000"], ["--matrix", "100000"],
            ])
        func impossible(arguments: [String]) throws {
            let directory = try TemporaryDirectory()
            let outcome = try Command.run(
                ["phantom", "head-ct", "--output", directory.path]
                    + (arguments.contains("--matrix") ? [] : ["--matrix", "64"]) + arguments, seconds: 30)
            #expect([1, 64].contains(outcome.status), "\(outcome.status): \(outcome.output)")
            #expect(outcome.lines.filter { $0.hasPrefix("Error: ") }.count == 1, "\(outcome.output)")
            #expect(try FileManager.default.subpathsOfDirectory(atPath: directory.path).isEmpty)
        }

        @Test(
            "each kind of phantom says what is true about it; its options are its own",
            arguments: [
                (["chest-xray", "--finding", "pneumothorax", "--view", "PA", "--view", "LL"], 2, 1),
                (["abdomen-ct", "--finding", "free-fluid", "--slices", "4"], 4, 1),
                (["brain-mr", "--finding", "tumor", "--slices", "4"], 16, 4),
                (["brain-mr", "--form", "enhanced", "--sequence", "T1", "--sequence", "FLAIR"], 2, 2),
            ])
        func kinds(arguments: [String], files: Int, series: Int) throws {
            let directory = try TemporaryDirectory()
            let made = ["phantom"] + arguments + ["--output", directory.path, "--matrix", "48x40"]
            let outcome = try Command.run(made)
            #expect(outcome.status == 0, "\(outcome.output)")
            let line = try #require(outcome.lines.first { $0.hasPrefix("{") })
            let truth = try #require(
                try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
            #expect(truth["files"] as? Int == files)
            #expect((truth["series"] as? [Any])?.count ?? 1 == series)
            let volume = try #require(truth["findingVolumeML"] as? Double)
            #expect((volume > 0) == arguments.contains("--finding"), "\(line)")
            #expect(try FileManager.default.contentsOfDirectory(atPath: directory.path).count == files)
            let other = try Command.run(made + ["--deceiver", "falx"])
            #expect(other.status == 64 && other.output.contains("--deceiver"), "\(other.output)")
        }

        @Test("phantom cannot write where a file is, and says so; kinds are told [PHANTOM-2]")
        func unwritable() throws {
            let directory = try TemporaryDirectory()
            try Data().write(to: URL(fileURLWithPath: directory.file("file")))
            let outcome = try Command.run(
                "phantom", "head-ct", "--output", directory.file("file"), "--matrix", "64", "--slices", "2")
            #expect(outcome.status == 1)
            #expect(outcome.lines.count == 1 && outcome.output.contains(directory.file("file")), "\(outcome.output)")
            let kind = try Command.run("phantom", "left-foot", "--output", directory.file("out"))
            #expect(kind.status == 64)
            #expect(kind.output.contains("head-ct"), "\(kind.output)")
        }
    }
}
