// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Support
import Testing

extension EndToEnd {
    /// Packages of radiographs, of frames, of slices and of several series, from DICOM to findings and objects.
    @Suite("Packages of images", .serialized) struct ImagePackageTests {
        private func phantom(_ arguments: String...) throws -> TemporaryDirectory {
            let directory = try TemporaryDirectory()
            let outcome = try Command.run(["phantom"] + arguments + ["--output", directory.path])
            #expect(outcome.status == 0, "\(outcome.output)")
            return directory
        }

        private func files(_ directory: TemporaryDirectory) throws -> [String] {
            try FileManager.default.contentsOfDirectory(atPath: directory.path).sorted().map { directory.file($0) }
        }

        /// A frontal and a lateral view in one series.
        private func chest(monochrome1: Bool) throws -> TemporaryDirectory {
            let common = ["--cr", "--matrix", "240x220", "--finding", "pneumothorax", "--seed", "81"]
            let study = try phantomOf(common + ["--view", "PA", "--view", "LL"])
            guard monochrome1 else { return study }
            // The same chest stored the other way round takes the place of the frontal view.
            let inverted = try phantomOf(common + ["--view", "PA", "--view", "LL", "--monochrome1"])
            let (plain, other) = (try files(study), try files(inverted))
            func tag(_ file: String, _ name: String) throws -> String {
                let dump = try Tool.run("/usr/bin/dcmdump", ["-q", "+P", name, file], seconds: 10).output
                return String(try #require(dump.firstMatch(of: /\[([0-9.]+)\]/)).1)
            }
            let identity = try ["StudyInstanceUID", "SeriesInstanceUID"].flatMap {
                ["-m", "\($0)=\(try tag(plain[0], $0))"]
            }
            let changed = try Tool.run("/usr/bin/dcmodify", ["-nb"] + identity + [other[0]], seconds: 10)
            #expect(changed.status == 0, "\(changed.output)")
            try FileManager.default.removeItem(atPath: plain[0])
            try FileManager.default.copyItem(atPath: other[0], toPath: plain[0])
            return study
        }

        private func phantomOf(_ arguments: [String]) throws -> TemporaryDirectory {
            let directory = try TemporaryDirectory()
            let outcome = try Command.run(["phantom", "chest-xray"] + arguments + ["--output", directory.path])
            #expect(outcome.status == 0, "\(outcome.output)")
            return directory
        }

        @Test(
            "radiographs of a series are classified each for itself, MONOCHROME1 or not, with scores and a map [INPUT-1]"
        )
        func radiographs() throws {
            let models = try StandInModels()
            try models.add(
                "chest", claim: "{modality: [CR, DX], bodyPartExamined: {oneOf: [CHEST]}}",
                networks: ["slices/chest.onnx"]
            ) { digests in
                """
                network: {file: chest.onnx, sha256: \(digests[0]), outputs: {scores: logits}}
                quality: {unit: "[arb'U]", negativeExtent: 0, gates: {saturation: {warn: {maximum: 0.5}}, percentile99: {warn: {maximum: 1}}}}
                preprocess: [{scaleStored: {to: [-1024, 1024]}}, {centerCropSquare: true},
                  {resize: {size: [224, 224], method: bilinearAntialiased}}]
                inference: {projection: {}}
                decision: {activation: sigmoid}
                scores:
                  - {channel: 0, operatingPoint: 0.25, label: Pneumothorax, code: ["36118008", SCT, Pneumothorax], priority: critical}
                  - {channel: 1, threshold: 0.999, label: Effusion, code: ["60046008", SCT, Pleural effusion], priority: urgent}
                explain: {activationMap: cam}
                """
            }
            let plain = try models.process(chest(monochrome1: false))
            let inverted = try chest(monochrome1: true)
            let result = try models.process(inverted)
            try golden(models.directory.file("chest"), inverted)
            #expect(
                result.outcome.status == 0 && result.items.first?.text("state") == "analysed",
                "\(result.outcome.output)")
            let analysis = try result.analysis("chest")
            #expect(analysis.text("coverage") == "2 images")
            let scores = analysis.list("scores")
            #expect(scores.map { $0.text("label") } == ["Pneumothorax", "Effusion"])
            #expect(scores.map { $0.flag("calibrated") } == [true, false])
            #expect(scores[0].number("operatingPoint") == 0.25 && scores[1]["operatingPoint"] is NSNull)
            #expect(scores.map { $0.flag("finding") } == [true, false])
            #expect((scores[1]["code"] as? [String: Any])?.text("value") == "60046008")
            // One chest is one image, however it is stored.
            let other = try plain.analysis("chest").list("scores")
            #expect(scores.map { $0.number("value") } == other.map { $0.number("value") } && scores.count == 2)

            #expect(analysis.list("findings").map { $0.text("label") } == ["Pneumothorax"])
            let explanation = try #require(analysis.list("explanations").first)
            #expect(explanation.text("kind") == "activationMap" && explanation.number("finding") == 0)
            #expect(explanation.text("caveat") == "Regions that contribute to the score; not a diagnosis")
            #expect(explanation.number("slice") == scores[0].number("slice"))
            #expect(explanation.number("rows") == 220 && explanation.number("columns") == 240)

            let gates = analysis.list("gates")
            #expect(gates.map { $0.text("name") } == ["percentile99", "saturation", "percentile99", "saturation"])
            #expect(gates.map { $0.text("outcome") } == ["warn", "pass", "warn", "pass"])
            #expect(gates.allSatisfy { $0.number("value") != nil })
            let warnings = result.items.first?["warnings"] as? [String] ?? []
            #expect(warnings.contains { $0.hasPrefix("image 2 of 2: the 99th percentile") }, "\(warnings)")

            let reports = try result.files("SR")
            #expect(try reports.count == 1 && result.files("SEG").isEmpty)
            if Judge.areDue(.dciodvfy, .pixelMedReport) {
                #expect(try Judge.dciodvfy.complaints(reports) == [])
                #expect(try Judge.pixelMedReport.complaints(reports) == [])
            }
        }

        /// A vector for each radiograph, read as the node reads it, which holds until its numbers are others.
        private func golden(_ package: String, _ series: TemporaryDirectory) throws {
            let made = try Command.run("model", "golden", package, series.path)
            #expect(made.status == 0 && made.output.contains("index.json: "), "\(made.output)")
            let path = package + "/golden/index.json"
            let index = try String(contentsOfFile: path, encoding: .utf8)
            let names = index.matches(of: /"name" : "([^"]*)"/).map { String($0.1) }
            #expect(
                names == ["regression-image1", "regression-image2"] && index.contains(#""placement" : "i"#), "\(index)")
            #expect(try Command.run("model", "check", package).status == 0)
            let bench = try Command.run("model", "bench", package, "--series", series.path, "--runs", "0", "--json")
            #expect(bench.status == 0 && bench.output.contains("\"size\":[240,220,1]"), "\(bench.output)")
            // Other values that the bits can express are another image to `scaleStored`.
            let changed = index.replacing(/("stored" : \[\s*0,\s*)[0-9]+/) { "\($0.1)99999" }
            try Data(changed.utf8).write(to: URL(fileURLWithPath: path))
            let check = try Command.run("model", "check", package)
            #expect(check.status == 1 && check.output.contains("golden vector regression-image1: "), "\(check.output)")
            try Data(index.utf8).write(to: URL(fileURLWithPath: path))
        }

        /// An oedema, which is bright in FLAIR and not in T1 with contrast, in two series of one study.
        @Test(
            "series of an MR study are channels of one run, single-frame, Enhanced and legacy-converted [INPUT-2]",
            arguments: ["single-frame", "enhanced", "converted"])
        func channels(_ form: String) throws {
            let models = try StandInModels()
            try models.add("edema", claim: "{modality: [MR]}", networks: ["StandIns/two-sequences.onnx"]) { digests in
                """
                channels:
                  - {name: T1c, claim: {seriesDescription: {include: '\\+C'}}}
                  - {name: FLAIR, claim: {seriesDescription: {include: FLAIR}}}
                network: {file: two-sequences.onnx, sha256: \(digests[0])}
                quality: {unit: "[arb'U]", gates: {motion: {warn: {maximum: 1000}}}}
                preprocess: [{scaleRange: {from: [0, 1000], to: [0, 1], clip: false}}]
                inference: {fullVolume: {}}
                decision: {activation: softmax, rule: argmax, restore: nearest}
                outputs:
                  - {channel: 1, label: Edema, code: ["79654002", SCT, Edema], type: ["79654002", SCT, Edema],
                     category: ["49755003", SCT, Morphologically Abnormal Structure], priority: urgent, confidence: mean,
                     postprocess: [{keepLargest: {}}]}
                """
            }
            let study = try phantom(
                "brain-mr", "--finding", "tumor", "--volume", "60", "--sequence", "FLAIR", "--sequence", "T1c",
                "--matrix",
                "96x96", "--slices", "24", "--form", form, "--seed", "82")
            let result = try models.process(study)
            #expect(result.outcome.status == 0, "\(result.outcome.output)")
            let analysis = try result.analysis("edema")
            #expect(result.analyses.count == 1)
            // The tumor's 60 mL without what the rim encloses; the other order of channels marks the whole scalp.
            let volume = try #require(analysis.list("findings").first?.number("volumeML"))
            #expect(volume > 30 && volume < 55, "\(volume)")
            #expect(analysis.list("explanations").map { $0.text("kind") } == ["mask"])
            #expect(
                analysis.list("gates").map { $0.text("evidence")?.prefix(7) } == ["T1c: th", "FLAIR: "], "\(analysis)")
            let objects = try result.files("SEG") + result.files("SR")
            #expect(objects.count == 2)
            if Judge.areDue(.dciodvfy) { #expect(try Judge.dciodvfy.complaints(objects) == []) }
        }

        @Test("slices are marked one by one, and a sequence of them scored, in one study [INPUT-3]")
        func slices() throws {
            let models = try StandInModels()
            try models.add("dense", networks: ["slices/maps.onnx"]) { digests in
                """
                network: {file: maps.onnx, sha256: \(digests[0])}
                quality: {unit: "[hnsf'U]"}
                preprocess: [{scaleRange: {from: [1600, 2600], to: [0, 1]}}]
                inference: {slices: {batch: 4, roi: [32, 32], overlap: 0.25}}
                decision: {activation: softmax, rule: argmax, restore: nearest}
                outputs:
                  - {channel: 1, label: Dense body, code: ["19227008", SCT, Foreign body], type: ["19227008", SCT, Foreign body],
                     category: ["260787004", SCT, Physical object], priority: critical, confidence: mean}
                """
            }
            try models.add("sequence", networks: ["slices/encoder.onnx", "slices/sequence.onnx"]) { digests in
                """
                networks:
                  encoder: {file: encoder.onnx, sha256: \(digests[0])}
                  sequence: {file: sequence.onnx, sha256: \(digests[1])}
                quality: {unit: "[hnsf'U]", minimumExtent: 60, negativeExtent: 60}
                preprocess: [{orientation: SPL},
                  {stretchWindows: [{center: 40, width: 80}, {center: 80, width: 200}, {center: 40, width: 380}]},
                  {autocrop: true}, {resize: {size: [48, 48], method: bilinearBytes}},
                  {normalize: {channelWise: true, mean: [57, 46, 64], deviation: [83, 75, 80]}}]
                inference: {sliceSequence: {batch: 6, deltas: true}}
                decision: {activation: sigmoid}
                scores:
                  - {channel: 0, threshold: 0.0001, label: Any, code: ["1386000", SCT, Intracranial hemorrhage], priority: urgent}
                  - {channel: 1, threshold: 1, label: Subdural, code: ["95453001", SCT, Subdural hemorrhage], priority: urgent}
                explain: {occlusion: {size: [24, 24], overlap: 0, passes: 4}}
                """
            }
            let study = try phantom(
                "head-ct", "--finding", "bleed", "--volume", "4", "--density", "2800", "--seed", "71", "--slices", "24",
                "--matrix", "96", "--pixel-spacing", "2.2", "--slice-spacing", "4")
            let result = try models.process(study)
            #expect(result.outcome.status == 0, "\(result.outcome.output)")
            let marked = try result.analysis("dense").list("findings")
            let volume = try #require(marked.first?.number("volumeML"))
            #expect(marked.count == 1 && volume > 2 && volume < 6, "\(volume)")

            let analysis = try result.analysis("sequence")
            #expect(analysis.text("coverage") == "24 slices, 96.0 mm" && analysis.flag("negativeAccepted") == true)
            #expect(analysis.list("scores").map { $0.flag("finding") } == [true, false])
            let slice = try #require(analysis.list("scores").first?.number("slice"))
            #expect((0..<24).contains(Int(slice)) && analysis.list("findings").first?.number("keySlice") == slice)
            let map = try #require(analysis.list("explanations").first)
            #expect(map.text("kind") == "occlusion" && map.number("slice") == slice && map.number("rows") == 96)
            #expect(map["computed"] as? [Int] == [2, 2])
            #expect(analysis.list("gates").map { $0.text("name") } == ["minimumExtent"])
            let objects = try (result.files("SEG"), result.files("SR"))
            #expect(objects.0.count == 1 && objects.1.count == 2)
            if Judge.areDue(.dciodvfy) { #expect(try Judge.dciodvfy.complaints(objects.0 + objects.1) == []) }
        }

        /// Three frames of four colours: black, red, white.
        private func capture() throws -> TemporaryDirectory {
            let study = try phantomOf(["--matrix", "48x48", "--seed", "83"])
            let file = try files(study)[0]
            let pixels = [[UInt8]]([[0, 0, 0], [200, 0, 0], [255, 255, 255]]).flatMap { colour in
                (0..<48 * 48).flatMap { _ in colour }
            }
            let raw = study.file("pixels.raw")
            try Data(pixels).write(to: URL(fileURLWithPath: raw))
            let changes = [
                "SOPClassUID=1.2.840.10008.5.1.4.1.1.7.4", "Modality=US", "SamplesPerPixel=3", "PlanarConfiguration=0",
                "PhotometricInterpretation=RGB", "BitsAllocated=8", "BitsStored=8", "HighBit=7", "NumberOfFrames=3",
                "ConversionType=SYN", "ImageType=DERIVED\\SECONDARY",
            ].flatMap { ["-i", $0] }
            let made = try Tool.run(
                "/usr/bin/dcmodify", ["-nb", "-if", "PixelData=\(raw)"] + changes + [file], seconds: 10)
            #expect(made.status == 0, "\(made.output)")
            try FileManager.default.removeItem(atPath: raw)
            return study
        }

        @Test("frames and colours of ultrasound are what the package asks for [INPUT-4]")
        func frames() throws {
            let models = try StandInModels()
            for (name, images) in [
                ("chosen", "{frames: [1, 3], colour: rgb}"), ("middle", "{frames: middle, colour: rgb}"),
                ("grey", "{}"),
            ] {
                let claim = "{modality: [US], sopClasses: [1.2.840.10008.5.1.4.1.1.7.4], imageType: {excludes: []}}"
                try models.add(name, claim: claim, networks: ["slices/encoder.onnx"]) { digests in
                    """
                    images: \(images)
                    network: {file: encoder.onnx, sha256: \(digests[0])}
                    quality: {unit: "[arb'U]", negativeExtent: 0, gates: {percentile99: {warn: {maximum: 1000}}}}
                    preprocess: [\(name == "grey" ? "{repeatChannels: 3}, " : "")\
                    {resize: {size: [48, 48], method: bilinear}}, {scaleRange: {from: [0, 255], to: [0, 1]}}]
                    inference: {slices: {}}
                    decision: {activation: sigmoid}
                    scores: [{channel: 0, threshold: 0.01, label: Thing, code: [A, 99T, Thing], priority: urgent}]
                    """
                }
            }
            let result = try models.process(capture())
            #expect(result.outcome.status == 0, "\(result.outcome.output)")
            #expect(try result.analysis("chosen").text("coverage") == "2 images")
            #expect(try result.analysis("middle").text("coverage") == "1 image")
            #expect(try result.analysis("grey").text("coverage") == "3 images")
            // What the gate sees is the first channel: red of the chosen frames, luminance of all.
            func greatest(_ name: String) throws -> Double? {
                try result.analysis(name).list("gates").first?.number("value")
            }
            #expect(try [greatest("chosen"), greatest("middle"), greatest("grey")] == [255, 200, 255])
            let reports = try result.files("SR")
            #expect(reports.count == 3)
            if Judge.areDue(.dciodvfy) { #expect(try Judge.dciodvfy.complaints(reports) == []) }
        }
    }
}
