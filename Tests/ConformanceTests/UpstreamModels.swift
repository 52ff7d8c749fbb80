// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Support

/// What upstreams publish beside a model, in their shapes and with made-up contents, around stand-in networks.
final class UpstreamModel {
    let directory: TemporaryDirectory
    var path: String { directory.path }

    private init() throws { directory = try TemporaryDirectory() }

    func write(_ text: String, _ name: String) throws {
        let path = directory.file(name)
        try FileManager.default.createDirectory(
            atPath: (path as NSString).deletingLastPathComponent, withIntermediateDirectories: true)
        try Data(text.utf8).write(to: URL(fileURLWithPath: path))
    }

    /// A network of scripts/standins under the name that the importer looks for.
    func put(_ network: String, as name: String) throws {
        let path = directory.file(name)
        try FileManager.default.createDirectory(
            atPath: (path as NSString).deletingLastPathComponent, withIntermediateDirectories: true)
        try FileManager.default.copyItem(
            atPath: Daemon.repository + "/Tests/InferenceTests/Goldens/StandIns/\(network).onnx", toPath: path)
    }

    // MARK: - MONAI

    struct Bundle {
        var name: String
        var network: String
        var modality = "CT"
        var format = "hounsfield"
        var shape = "[96, 96, 96]"
        var inputs = ["image"]
        /// Names of channels; none for a detector.
        var outputs: [String] = []
        var outputType = "image"
        var preprocessing: [String]
        var inferer: String
        var postprocessing: [String]
        /// More members of the configuration, each with a comma behind it.
        var more = ""
        var networkDefinition = #""_target_": "UNet""#
    }

    static func bundle(_ bundle: Bundle) throws -> UpstreamModel {
        let model = try UpstreamModel()
        func names(_ names: [String]) -> String {
            names.enumerated().map { "\"\($0)\": \"\($1)\"" }.joined(separator: ", ")
        }
        let outputNames = bundle.outputs.isEmpty ? "" : ", \"channel_def\": {\(names(bundle.outputs))}"
        try model.write(
            """
            {"version": "0.3.0", "monai_version": "1.4.0", "name": "\(bundle.name)", "task": "\(bundle.name)",
             "authors": "tests", "network_data_format": {
              "inputs": {"image": {"type": "image", "format": "\(bundle.format)", "modality": "\(bundle.modality)",
                "num_channels": \(bundle.inputs.count), "spatial_shape": \(bundle.shape),
                "channel_def": {\(names(bundle.inputs))}}},
              "outputs": {"pred": {"type": "\(bundle.outputType)", "format": "segmentation",
                "num_channels": \(max(1, bundle.outputs.count)), "spatial_shape": \(bundle.shape)\(outputNames)}}}}
            """, "configs/metadata.json")
        try model.write(
            """
            {"image_key": "image", "device": "$torch.device('cuda:0' if torch.cuda.is_available() else 'cpu')",
             "network_def": {\(bundle.networkDefinition)}, "network": "$@network_def.to(@device)", \(bundle.more)
             "preprocessing": {"_target_": "Compose", "transforms": [
               \(bundle.preprocessing.joined(separator: ",\n   "))]},
             "inferer": \(bundle.inferer),
             "postprocessing": {"_target_": "Compose", "transforms": [
               \(bundle.postprocessing.joined(separator: ",\n   "))]},
             "evaluator": {"_target_": "SupervisedEvaluator", "inferer": "@inferer"}}
            """, "configs/inference.json")
        try model.write("Apache License\nVersion 2.0\n", "LICENSE")
        try model.put(bundle.network, as: "models/model.onnx")
        return model
    }

    static func step(_ target: String, _ members: String = "", keys: String = "@image_key") -> String {
        #"{"_target_": "\#(target)", "keys": "\#(keys)"\#(members.isEmpty ? "" : ", " + members)}"#
    }

    static let load = [step("LoadImaged"), step("EnsureChannelFirstd")]
    static func range(_ low: Int, _ high: Int) -> String {
        step("ScaleIntensityRanged", #""a_min": \#(low), "a_max": \#(high), "b_min": 0, "b_max": 1, "clip": true"#)
    }
    static let invert = step("Invertd", #""transform": "@preprocessing", "nearest_interp": false"#, keys: "pred")
    static let softmax = step("Activationsd", #""softmax": true"#, keys: "pred")
    static let argmax = step("AsDiscreted", #""argmax": true"#, keys: "pred")

    // MARK: - nnU-Net and Segment Anything

    /// One network for each of two folds; `2d` takes slices, `3d_fullres` volumes.
    static func nnunet(label: String) throws -> UpstreamModel {
        let model = try UpstreamModel()
        let same = #"""
            "preprocessor_name": "DefaultPreprocessor", "normalization_schemes": ["CTNormalization"],
            "use_mask_for_norm": [false], "resampling_fn_data": "resample_data_or_seg_to_shape",
            "resampling_fn_data_kwargs": {"is_seg": false, "order": 3, "order_z": 0, "force_separate_z": null},
            "resampling_fn_probabilities": "resample_data_or_seg_to_shape",
            "resampling_fn_probabilities_kwargs": {"is_seg": false, "order": 1, "order_z": 0, "force_separate_z": null}
            """#
        for configuration in ["2d", "3d_fullres"] {
            let folder = "Trainer__Plans__\(configuration)/"
            try model.write(
                """
                {"dataset_name": "Dataset900_Made", "plans_name": "Plans", "image_reader_writer": "SimpleITKIO",
                 "transpose_forward": [0, 1, 2], "transpose_backward": [0, 1, 2], "label_manager": "LabelManager",
                 "foreground_intensity_properties_per_channel": {"0": {"mean": 0, "std": 300,
                   "percentile_00_5": -200, "percentile_99_5": 600}},
                 "configurations": {
                  "2d": {"patch_size": [80, 64], "spacing": [2.4, 2.4], \(same)},
                  "3d_fullres": {"patch_size": [16, 64, 64], "spacing": [5.0, 2.4, 2.4], \(same)}}}
                """, folder + "plans.json")
            try model.write(
                #"{"channel_names": {"0": "CT"}, "labels": {"background": 0, "\#(label)": 1}, "file_ending": ".nii.gz"}"#,
                folder + "dataset.json")
            for fold in 0..<2 {
                try model.put(
                    configuration == "2d" ? "threshold-2d" : "threshold", as: folder + "fold_\(fold).onnx")
            }
        }
        return model
    }

    static func segmentAnything() throws -> UpstreamModel {
        let model = try UpstreamModel()
        try model.put("sam-encoder", as: "sam_vit_b.encoder.onnx")
        try model.put("sam-decoder", as: "sam_vit_b.decoder.onnx")
        return model
    }
}
