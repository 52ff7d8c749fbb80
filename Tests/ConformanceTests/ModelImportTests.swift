// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Support
import Testing

extension EndToEnd {
    /// From a published description to segments, through the built executable; the network is a stand-in.
    @Suite("Importing models", .serialized) struct ModelImportTests {
        private static let network = Daemon.repository + "/Tests/InferenceTests/Goldens/StandIns/threshold.onnx"

        private func head() throws -> TemporaryDirectory {
            let directory = try TemporaryDirectory()
            let outcome = try Command.run(
                "phantom", "head-ct", "--output", directory.path, "--seed", "5", "--slices", "24", "--matrix", "96",
                "--pixel-spacing", "2.4", "--slice-spacing", "5")
            #expect(outcome.status == 0, "\(outcome.output)")
            return directory
        }

        private func write(_ text: String, _ path: String) throws {
            try FileManager.default.createDirectory(
                atPath: (path as NSString).deletingLastPathComponent, withIntermediateDirectories: true)
            try Data(text.utf8).write(to: URL(fileURLWithPath: path))
        }

        /// The shape of a segmentation bundle of MONAI's zoo.
        private func bundle(spacing: String = "[1.5, 1.5, 2.0]", withNetwork: Bool = true) throws -> TemporaryDirectory
        {
            let directory = try TemporaryDirectory()
            try write(
                """
                {"version": "0.1.0", "monai_version": "1.4.0", "name": "Bone stand-in", "task": "none", "authors": "tests",
                 "network_data_format": {
                  "inputs": {"image": {"type": "image", "format": "hounsfield", "modality": "CT", "num_channels": 1,
                    "spatial_shape": [96, 96, 96], "channel_def": {"0": "image"}}},
                  "outputs": {"pred": {"type": "image", "format": "segmentation", "num_channels": 2,
                    "spatial_shape": [96, 96, 96], "channel_def": {"0": "background", "1": "skull"}}}}}
                """, directory.file("configs/metadata.json"))
            try write(
                """
                {"device": "$torch.device('cpu')", "network_def": {"_target_": "UNet"},
                 "preprocessing": {"_target_": "Compose", "transforms": [
                  {"_target_": "LoadImaged", "keys": "image"}, {"_target_": "EnsureChannelFirstd", "keys": "image"},
                  {"_target_": "Orientationd", "keys": "image", "axcodes": "RAS"},
                  {"_target_": "Spacingd", "keys": "image", "pixdim": \(spacing), "mode": "bilinear"},
                  {"_target_": "ScaleIntensityRanged", "keys": "image", "a_min": -57, "a_max": 164, "b_min": 0, "b_max": 1,
                   "clip": true}]},
                 "inferer": {"_target_": "SlidingWindowInferer", "roi_size": [96, 96, 96], "overlap": 0.25},
                 "postprocessing": {"_target_": "Compose", "transforms": [
                  {"_target_": "Activationsd", "keys": "pred", "softmax": true},
                  {"_target_": "Invertd", "keys": "pred", "transform": "@preprocessing", "nearest_interp": false},
                  {"_target_": "AsDiscreted", "keys": "pred", "argmax": true}]}}
                """, directory.file("configs/inference.json"))
            try write("Apache License\nVersion 2.0\n", directory.file("LICENSE"))
            if withNetwork {
                try FileManager.default.createDirectory(
                    atPath: directory.file("models"), withIntermediateDirectories: true)
                try FileManager.default.copyItem(atPath: Self.network, toPath: directory.file("models/model.onnx"))
            }
            return directory
        }

        /// Labels that `process` finds in the study, and the names of the files that it writes.
        private func process(_ models: String, _ study: String) throws -> (labels: [String], item: [String: Any]) {
            let output = try TemporaryDirectory()
            _ = try Command.run("process", "--models", models, "--output", output.path, study)
            let bytes = try Data(contentsOf: URL(fileURLWithPath: output.file("findings.json")))
            let root = try JSONSerialization.jsonObject(with: bytes) as? [String: Any]
            let item = (root?["items"] as? [[String: Any]])?.first ?? [:]
            let findings = item["findings"] as? [[String: Any]] ?? []
            return (findings.compactMap { $0["label"] as? String }, item)
        }

        @Test("a MONAI bundle is imported, checked and run on a study without further options [MODEL-10]")
        func monai() throws {
            let bundle = try bundle()
            let models = try TemporaryDirectory()
            let imported = try Command.run(
                "model", "import", "--monai", bundle.path, "--output", models.file("bone"))
            #expect(
                imported.status == 0 && imported.output.contains("bone-stand-in 0.1.0, complete"), "\(imported.output)")
            let list = try Command.run("model", "list", models.path)
            #expect(
                list.status == 0 && list.output.contains("bone-stand-in 0.1.0  research  ok  Apache-2.0"),
                "\(list.output)")
            let check = try Command.run("model", "check", models.file("bone"))
            #expect(check.status == 0 && check.lines == ["bone-stand-in 0.1.0: ok"], "\(check.output)")
            let study = try head()
            let (labels, item) = try process(models.path, study.path)
            #expect(labels == ["skull"], "\(item)")
            #expect(item["state"] as? String == "analysed" && item["priority"] as? String == "routine")
        }

        @Test("a package whose network is not there is imported, listed as incomplete and never run [MODEL-11]")
        func incomplete() throws {
            let bundle = try bundle(withNetwork: false)
            let models = try TemporaryDirectory()
            let imported = try Command.run(
                "model", "import", "--monai", bundle.path, "--output", models.file("bone"))
            #expect(imported.status == 0 && imported.output.contains("incomplete"), "\(imported.output)")
            let list = try Command.run("model", "list", models.path)
            #expect(list.status == 0 && list.output.contains("incomplete (model.onnx is not there)"), "\(list.output)")
            #expect(try Command.run("model", "check", models.file("bone")).status == 1)
            let study = try head()
            let (labels, item) = try process(models.path, study.path)
            #expect(labels.isEmpty && item["state"] as? String == "notAnalysed", "\(item)")
        }

        @Test("an expression is refused by its id, and --set takes its place [MODEL-12]")
        func refused() throws {
            let bundle = try bundle(spacing: "\"$[1.5] * 3\"")
            let models = try TemporaryDirectory()
            let refused = try Command.run("model", "import", "--monai", bundle.path, "--output", models.file("bone"))
            #expect(refused.status == 1, "\(refused.output)")
            #expect(refused.output.contains("preprocessing#transforms#3#pixdim"), "\(refused.output)")
            #expect(!FileManager.default.fileExists(atPath: models.file("bone/manifest.yaml")))
            let report = try String(contentsOfFile: models.file("bone/import-report.json"), encoding: .utf8)
            #expect(report.contains(#""outcome": "refused""#))
            let imported = try Command.run(
                "model", "import", "--monai", bundle.path, "--output", models.file("bone"), "--set",
                "preprocessing#transforms#3#pixdim=[1.5, 1.5, 2.0]")
            #expect(imported.status == 0, "\(imported.output)")
        }

        @Test("an nnU-Net of two folds is imported and run on a study [MODEL-13]")
        func nnunet() throws {
            let folder = try TemporaryDirectory()
            let functions = """
                "resampling_fn_data": "resample_data_or_seg_to_shape",
                "resampling_fn_data_kwargs": {"order": 3, "order_z": 0, "force_separate_z": null},
                "resampling_fn_probabilities": "resample_data_or_seg_to_shape",
                "resampling_fn_probabilities_kwargs": {"order": 1, "order_z": 0, "force_separate_z": null}
                """
            try write(
                """
                {"dataset_name": "Dataset900_Bone", "plans_name": "nnUNetPlans", "image_reader_writer": "SimpleITKIO",
                 "transpose_forward": [0, 1, 2], "transpose_backward": [0, 1, 2], "label_manager": "LabelManager",
                 "foreground_intensity_properties_per_channel": {"0": {"mean": 0, "std": 300, "percentile_00_5": -200,
                   "percentile_99_5": 600}},
                 "configurations": {"3d_fullres": {"preprocessor_name": "DefaultPreprocessor", "patch_size": [32, 64, 64],
                   "spacing": [5.0, 2.4, 2.4], "normalization_schemes": ["CTNormalization"], "use_mask_for_norm": [false],
                   \(functions)}}}
                """, folder.file("plans.json"))
            try write(
                #"{"channel_names": {"0": "CT"}, "labels": {"background": 0, "skull": 1}, "file_ending": ".nii.gz"}"#,
                folder.file("dataset.json"))
            for fold in 0..<2 {
                try FileManager.default.copyItem(atPath: Self.network, toPath: folder.file("fold_\(fold).onnx"))
            }
            let models = try TemporaryDirectory()
            let imported = try Command.run(
                "model", "import", "--nnunet", folder.path, "--output", models.file("bone"), "--set", "mirroring=[2]")
            #expect(imported.status == 0 && imported.output.contains("complete"), "\(imported.output)")
            let study = try head()
            let (labels, item) = try process(models.path, study.path)
            #expect(labels == ["skull"], "\(item)")
        }

        @Test("a golden vector that no longer holds keeps its package from running, with the reason [MODEL-14]")
        func golden() throws {
            let bundle = try bundle()
            let models = try TemporaryDirectory()
            let package = models.file("bone")
            #expect(try Command.run("model", "import", "--monai", bundle.path, "--output", package).status == 0)
            let study = try head()
            let golden = try Command.run("model", "golden", package, study.path)
            #expect(golden.status == 0 && golden.output.contains("1 findings"), "\(golden.output)")
            #expect(try Command.run("model", "check", package).status == 0)
            let mask = package + "/golden/regression-mask-0.u8"
            let bytes = try Data(contentsOf: URL(fileURLWithPath: mask))
            try Data(bytes.map { 1 - $0 }).write(to: URL(fileURLWithPath: mask))
            let check = try Command.run("model", "check", package)
            #expect(check.status == 1 && check.output.contains("the mask of skull differs"), "\(check.output)")
            let (labels, item) = try process(models.path, study.path)
            #expect(labels.isEmpty && item["state"] as? String == "failed", "\(item)")
            #expect("\(item)".contains("golden vector"))
        }

        @Test("bench says where the time of a package went [MODEL-15]")
        func bench() throws {
            let outcome = try Command.run(
                "model", "bench", Daemon.repository + "/etc/models/head-ct-hyperdensity", "--size", "64x64x24",
                "--spacing", "3.5x3.5x5", "--json")
            #expect(outcome.status == 0, "\(outcome.output)")
            let line = outcome.lines.last ?? ""
            let root = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
            #expect((root?["engine"] as? Double ?? 0) > 0 && (root?["peakMiB"] as? Int ?? 0) > 0, "\(line)")
        }
    }
}
