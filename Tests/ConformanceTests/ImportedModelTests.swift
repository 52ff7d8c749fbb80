// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Support
import Testing

extension EndToEnd {
    /// Each family that can be imported, from upstream's description to objects that their judge accepts: imported without
    /// further options, then run on DICOM files.
    @Suite("Imported models", .serialized, .enabled(if: Judge.areDue(.dciodvfy))) struct ImportedModelTests {
        private typealias Upstream = UpstreamModel

        private struct Outcome {
            var item: [String: Any]
            /// Absolute.
            var segmentations: [String]
            var reports: [String]
            let directory: TemporaryDirectory

            var labels: [String] { item.findings.compactMap { $0["label"] as? String } }
            func code(_ label: String) -> String? {
                let finding = item.findings.first { $0["label"] as? String == label }
                let code = finding?["code"] as? [String: Any]
                return (code?["value"] as? String).map { "\($0) \(code?["scheme"] as? String ?? "")" }
            }
            func volume(_ label: String) -> Double {
                item.findings.first { $0["label"] as? String == label }?["volumeML"] as? Double ?? 0
            }
        }

        private static func phantom(_ arguments: String...) throws -> TemporaryDirectory {
            let directory = try TemporaryDirectory()
            let outcome = try Command.run(["phantom"] + arguments + ["--output", directory.path])
            guard outcome.status == 0 else { throw ToolError(outcome.output) }
            return directory
        }

        private static func head() throws -> TemporaryDirectory {
            try phantom(
                "head-ct", "--seed", "5", "--slices", "24", "--matrix", "96", "--pixel-spacing", "2.4",
                "--slice-spacing", "5")
        }

        private static func imported(_ kind: String, _ source: String, as name: String) throws -> TemporaryDirectory {
            let models = try TemporaryDirectory()
            let outcome = try Command.run("model", "import", "--\(kind)", source, "--output", models.file(name))
            guard outcome.status == 0, outcome.output.contains("complete") else { throw ToolError(outcome.output) }
            return models
        }

        /// The study's item and the objects that were made of it, which their judge accepts.
        private static func process(_ models: TemporaryDirectory, _ study: TemporaryDirectory) throws -> Outcome {
            let output = try TemporaryDirectory()
            let run = try Command.run(
                "process", "--models", models.path, "--output", output.path, study.path, seconds: 120)
            let data = try Data(contentsOf: URL(fileURLWithPath: output.file("findings.json")))
            let root = try JSONSerialization.jsonObject(with: data) as? [String: Any]
            let item = (root?["items"] as? [[String: Any]])?.first ?? [:]
            #expect(run.status == 0 && item.state == "analysed", "\(item)\n\(run.output)")
            let names = try FileManager.default.contentsOfDirectory(atPath: output.path).sorted()
            let outcome = Outcome(
                item: item, segmentations: names.filter { $0.hasPrefix("SEG-") }.map(output.file),
                reports: names.filter { $0.hasPrefix("SR-") }.map(output.file), directory: output)
            for path in outcome.segmentations + outcome.reports {
                #expect(try Judge.dciodvfy.complaints(path) == [], "\(path)")
            }
            return outcome
        }

        private func dump(_ path: String) throws -> String {
            try Tool.run("/usr/bin/dcmdump", ["+U8", "+L", path], seconds: 20).output
        }

        @Test("a MONAI segmentation bundle: windows over a volume, segments by their names and codes [MODEL-16]")
        func segmentationBundle() throws {
            let bundle = try Upstream.bundle(
                .init(
                    name: "Organ stand-in", network: "threshold", outputs: ["background", "kidney_left"],
                    preprocessing: Upstream.load + [
                        Upstream.step("Orientationd", #""axcodes": "RAS""#),
                        Upstream.step("Spacingd", #""pixdim": [2.4, 2.4, 2.5], "mode": "bilinear""#),
                        Upstream.range(-57, 164),
                    ],
                    inferer:
                        #"{"_target_": "SlidingWindowInferer", "roi_size": [48, 48, 32], "sw_batch_size": 4, "overlap": 0.25}"#,
                    postprocessing: [Upstream.softmax, Upstream.invert, Upstream.argmax]))
            let outcome = try Self.process(
                try Self.imported("monai", bundle.path, as: "organ"), try Self.head())
            #expect(outcome.labels == ["kidney_left"] && outcome.code("kidney_left") == "64033007 SCT")
            #expect(outcome.item.priority == "routine" && outcome.volume("kidney_left") > 50)
            #expect(outcome.segmentations.count == 1 && outcome.reports.count == 1)
            let segmentation = try dump(try #require(outcome.segmentations.first))
            // Left, and the organ.
            #expect(segmentation.contains("[7771000]") && segmentation.contains("[64033007]"))
            #expect(segmentation.contains("SegmentLabel") && segmentation.contains("[kidney_left]"))
        }

        @Test("a MONAI detection bundle: boxes become findings of a report [MODEL-17]")
        func detectionBundle() throws {
            let bundle = try Upstream.bundle(
                .init(
                    name: "Lung nodule detection", network: "retinanet", format: "magnitude",
                    preprocessing: Upstream.load + [
                        Upstream.step("Orientationd", #""axcodes": "RAS""#),
                        Upstream.step("Spacingd", #""pixdim": [1.5, 1.5, 2.5]"#), Upstream.range(1600, 2600),
                    ],
                    inferer:
                        #"{"_target_": "scripts.detection_inferer.RetinaNetInferer", "detector": "@detector"}"#,
                    postprocessing: [
                        #"{"_target_": "ClipBoxToImaged", "box_keys": "box", "label_keys": "label", "box_ref_image_keys": "@image_key", "remove_empty": true}"#,
                        #"{"_target_": "AffineBoxToWorldCoordinated", "box_keys": "box", "box_ref_image_keys": "@image_key", "affine_lps_to_ras": true}"#,
                        #"{"_target_": "ConvertBoxModed", "box_keys": "box", "src_mode": "xyzxyz", "dst_mode": "cccwhd"}"#,
                    ],
                    more: #"""
                        "anchor_generator": {"_target_": "monai.apps.detection.utils.anchor_utils.AnchorGeneratorWithAnchorShape",
                          "feature_map_scales": [1, 2, 4], "base_anchor_shapes": [[6, 8, 4], [8, 6, 5], [10, 10, 6]]},
                        "detector": {"_target_": "RetinaNetDetector", "network": "@network"},
                        "detector_ops": ["$@detector.set_target_keys(box_key='box', label_key='label')",
                          "$@detector.set_box_selector_parameters(score_thresh=0.6,topk_candidates_per_level=1000,nms_thresh=0.22,detections_per_img=300)",
                          "$@detector.set_sliding_window_inferer(roi_size=[64, 64, 32],overlap=0.25,sw_batch_size=1,mode='constant',device='cpu')"],
                        """#,
                    networkDefinition: #""_target_": "RetinaNet", "size_divisible": [16, 16, 8]"#))
            let study = try Self.phantom(
                "head-ct", "--finding", "bleed", "--volume", "2.5", "--density", "2800", "--seed", "71", "--slices",
                "40", "--matrix", "128", "--pixel-spacing", "1.8", "--slice-spacing", "3")
            let outcome = try Self.process(try Self.imported("monai", bundle.path, as: "nodules"), study)
            #expect(outcome.labels == ["Lung nodule"], "\(outcome.item)")
            #expect(outcome.code("Lung nodule") == "27925004 SCT")
            #expect(outcome.segmentations.isEmpty && outcome.reports.count == 1)
            #expect(try dump(try #require(outcome.reports.first)).contains("[27925004]"))
        }

        @Test("an nnU-Net of two folds, in three dimensions and in two: the same arithmetic marks the same [MODEL-18]")
        func nnunet() throws {
            let model = try Upstream.nnunet(label: "liver")
            let study = try Self.head()
            var volumes: [Double] = []
            for configuration in ["3d_fullres", "2d"] {
                // The folder's name says which configuration it is.
                let models = try Self.imported(
                    "nnunet", "\(model.path)/Trainer__Plans__\(configuration)", as: "organ")
                let outcome = try Self.process(models, study)
                #expect(outcome.labels == ["liver"] && outcome.code("liver") == "10200004 SCT", "\(outcome.item)")
                #expect(outcome.segmentations.count == 1 && outcome.reports.count == 1)
                volumes.append(outcome.volume("liver"))
            }
            #expect(volumes[0] > 50 && volumes[0] == volumes[1], "\(volumes)")
        }

        @Test("a SAM export: a point of a person marks a structure [MODEL-19]")
        func segmentAnything() throws {
            let model = try Upstream.segmentAnything()
            let models = try Self.imported("sam", model.path, as: "sam")
            let study = try Self.phantom(
                "head-ct", "--finding", "bleed", "--volume", "2.5", "--density", "2800", "--seed", "71", "--slices",
                "40", "--matrix", "128", "--pixel-spacing", "1.8", "--slice-spacing", "3")
            let output = try TemporaryDirectory()
            let outcome = try Command.run(
                "model", "segment", models.file("sam"), study.path, "--slice", "22", "--point", "81.3,70.2",
                "--output", output.file("out"))
            #expect(outcome.status == 0, "\(outcome.output)")
            let data = try Data(contentsOf: URL(fileURLWithPath: output.file("out/findings.json")))
            let findings = try JSONSerialization.jsonObject(with: data) as? [[String: Any]] ?? []
            #expect(findings.count == 1 && findings[0]["label"] as? String == "Prompted structure")
            // One slice of a ball of 2.5 mL: without `propagate` a mask stays where it was asked for.
            let volume = findings.first?["volumeML"] as? Double ?? 0
            #expect((0.2...0.9).contains(volume), "\(volume)")
            let mask = try Data(contentsOf: URL(fileURLWithPath: output.file("out/mask.nrrd")))
            #expect(mask.starts(with: Data("NRRD0004\n".utf8)))
            // Of the radiographs of a series a slice is one, in the order of Instance Number.
            let chests = try Self.phantom(
                "chest-xray", "--cr", "--matrix", "96x80", "--finding", "none", "--view", "PA", "--view", "LL")
            let radiographs = try TemporaryDirectory()
            let taken = try Command.run(
                "model", "import", "--sam", model.path, "--output", radiographs.file("sam"), "--set", "modality=[CR]")
            #expect(taken.status == 0, "\(taken.output)")
            for slice in 0...2 {
                let view = try Command.run(
                    "model", "segment", radiographs.file("sam"), chests.path, "--slice", "\(slice)", "--point", "48,40",
                    "--output", output.file("view\(slice)"))
                #expect(view.status == (slice < 2 ? 0 : 1), "\(view.output)")
                guard slice < 2 else { continue }
                let mask = try Data(contentsOf: URL(fileURLWithPath: output.file("view\(slice)/mask.nrrd")))
                #expect(String(decoding: mask.prefix(200), as: UTF8.self).contains("sizes: 96 80 1\n"))
            }
            // No series is its own, and none is missed on the worklist for want of a prompt.
            let folder = try TemporaryDirectory()
            let run = try Command.run("process", "--models", models.path, "--output", folder.path, study.path)
            #expect(run.status == 0 && run.output.contains("marks what a person points at"), "\(run.output)")
        }

        @Test("a MONAI bundle of slices, in windows of a network of two dimensions [MODEL-20]")
        func sliceBundle() throws {
            let bundle = try Upstream.bundle(
                .init(
                    name: "Short axis stand-in", network: "threshold-2d", modality: "MR", format: "magnitude",
                    shape: "[256, 256]", outputs: ["background", "lv_pool"],
                    preprocessing: Upstream.load + [Upstream.step("ScaleIntensityd")],
                    inferer: #"{"_target_": "SliceInferer", "roi_size": [48, 40], "spatial_dim": 2}"#,
                    postprocessing: [Upstream.softmax, Upstream.invert, Upstream.argmax],
                    networkDefinition: #""_target_": "UNet", "spatial_dims": 2"#))
            let study = try Self.phantom(
                "brain-mr", "--finding", "tumor", "--matrix", "64", "--slices", "16", "--sequence", "FLAIR")
            let models = try Self.imported("monai", bundle.path, as: "axis")
            let manifest = try String(contentsOfFile: models.file("axis/manifest.yaml"), encoding: .utf8)
            #expect(manifest.contains("  slices:\n") && manifest.contains("roi: [48, 40]"), "\(manifest)")
            let outcome = try Self.process(models, study)
            #expect(outcome.labels == ["lv_pool"] && outcome.code("lv_pool") == "87878005 SCT", "\(outcome.item)")
            // The tumor; without the scaling to 0 and 1 it would be the whole head.
            #expect((15...45).contains(outcome.volume("lv_pool")), "\(outcome.item)")
            #expect(outcome.segmentations.count == 1 && outcome.reports.count == 1)
        }

        /// One colour frame as a multi-frame true colour secondary capture of an endoscope, red on the left, blue on the right.
        private static func endoscopy(leftIsRed: Bool) throws -> TemporaryDirectory {
            let directory = try TemporaryDirectory()
            let (width, height) = (96, 64)
            var bitmap: [UInt8] = Array("BM".utf8)
            func add(_ value: Int, bytes: Int) {
                for byte in 0..<bytes { bitmap.append(UInt8(truncatingIfNeeded: value >> (8 * byte))) }
            }
            // BITMAPFILEHEADER and BITMAPINFOHEADER; rows of 3 × 96 bytes need no padding.
            for (value, bytes) in [
                (54 + 3 * width * height, 4), (0, 4), (54, 4), (40, 4), (width, 4), (height, 4), (1, 2), (24, 2),
                (0, 4),
                (0, 4), (0, 4), (0, 4), (0, 4), (0, 4),
            ] { add(value, bytes: bytes) }
            for _ in 0..<height {
                for column in 0..<width {
                    // Blue, green, red.
                    bitmap += (column < width / 2) == leftIsRed ? [20, 40, 200] : [200, 40, 20]
                }
            }
            let source = try TemporaryDirectory()
            try Data(bitmap).write(to: URL(fileURLWithPath: source.file("frame.bmp")))
            let made = try Tool.run(
                "/usr/bin/img2dcm",
                [
                    "-i", "BMP", "-nsc", "-k", "Modality=ES", "-k", "PatientName=Phantom^Endoscopy", "-k",
                    "PatientID=PHANTOM-ES", "-k", "StudyDate=20260101", source.file("frame.bmp"),
                    directory.file("frame.dcm"),
                ])
            guard made.status == 0 else { throw ToolError(made.output) }
            return directory
        }

        @Test("a MONAI bundle of colour frames: red, green and blue, as they were taken [MODEL-22]")
        func frameBundle() throws {
            let bundle = try Upstream.bundle(
                .init(
                    name: "Endoscopic stand-in", network: "frames", modality: "regular", format: "RGB",
                    shape: "[256, 256]", inputs: ["R", "G", "B"], outputs: ["in body", "out body"],
                    outputType: "probabilities",
                    preprocessing: Upstream.load + [
                        Upstream.step("Resized", #""spatial_size": [256, 256], "mode": "bilinear""#),
                        Upstream.step("NormalizeIntensityd", #""nonzero": true, "channel_wise": true"#),
                    ], inferer: #"{"_target_": "SimpleInferer"}"#,
                    postprocessing: [Upstream.step("AsDiscreted", #""argmax": true, "to_onehot": 2"#, keys: "pred")]))
            let models = try Self.imported("monai", bundle.path, as: "frames")
            for leftIsRed in [true, false] {
                let study = try Self.endoscopy(leftIsRed: leftIsRed)
                if leftIsRed {
                    // A file for each colour, and the same answer from them.
                    let golden = try Command.run("model", "golden", models.file("frames"), study.path)
                    #expect(golden.status == 0 && golden.output.contains("1 findings"), "\(golden.output)")
                    let files = try FileManager.default.contentsOfDirectory(atPath: models.file("frames/golden"))
                    #expect(files.filter { $0.hasPrefix("regression-") }.count == 3, "\(files)")
                    #expect(try Command.run("model", "check", models.file("frames")).status == 0)
                    let bench = try Command.run(
                        "model", "bench", models.file("frames"), "--size", "64x48x1", "--runs", "0")
                    #expect(bench.status == 0, "\(bench.output)")
                }
                let outcome = try Self.process(models, study)
                #expect(outcome.labels == [leftIsRed ? "in body" : "out body"], "\(outcome.item)")
            }
        }

        @Test("a MONAI bundle of four MR series: found by their descriptions, decided as regions [MODEL-21]")
        func gliomaBundle() throws {
            let bundle = try Upstream.bundle(
                .init(
                    name: "Glioma stand-in", network: "glioma", modality: "MR", format: "magnitude",
                    inputs: ["T1c", "T1", "T2", "FLAIR"], outputs: ["Tumor core", "Whole tumor", "Enhancing tumor"],
                    preprocessing: [
                        Upstream.step("LoadImaged"),
                        Upstream.step("NormalizeIntensityd", #""nonzero": true, "channel_wise": true"#),
                    ],
                    inferer: #"{"_target_": "SlidingWindowInferer", "roi_size": [64, 64, 16], "overlap": 0.5}"#,
                    postprocessing: [
                        Upstream.step("Activationsd", #""sigmoid": true"#, keys: "pred"), Upstream.invert,
                        Upstream.step("AsDiscreted", #""threshold": 0.5"#, keys: "pred"),
                        Upstream.step(
                            "Lambdad",
                            #""func": "$lambda x: torch.where(x[[2]] > 0, 4, torch.where(x[[0]] > 0, 1, torch.where(x[[1]] > 0, 2, 0)))""#,
                            keys: "pred"),
                    ]))
            let study = try Self.phantom("brain-mr", "--finding", "tumor", "--matrix", "64", "--slices", "16")
            let outcome = try Self.process(try Self.imported("monai", bundle.path, as: "glioma"), study)
            #expect(outcome.labels.contains("Whole tumor"), "\(outcome.item)")
            #expect(outcome.volume("Whole tumor") > 5, "\(outcome.item)")
            #expect(outcome.segmentations.count == 1 && outcome.reports.count == 1)
        }
    }
}
