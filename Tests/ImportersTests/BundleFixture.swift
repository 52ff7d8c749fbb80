// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import Foundation

@testable import Importers

/// A bundle with the shape of a published one: the same keys, classes and numbers, everything else made up.
struct BundleFixture {
    var name: String
    var modality = "CT"
    var format = "hounsfield"
    var inputs = ["image"]
    var inputChannels: Int?
    var shape = "[96, 96, 96]"
    var outputs: [String] = []
    var outputShape: String?
    /// channel_def, label_def, or nothing for a detector.
    var outputKey = "channel_def"
    var preprocessing: [String]
    var inferer: String
    var postprocessing: [String]
    /// More members of the configuration, each with a comma behind it.
    var more = ""
    var network = #""_target_": "UNet", "spatial_dims": 3"#
    var isYAML = false
    var licence: String? = "Apache License\nVersion 2.0, January 2004\n"
    var task = "made-up task"
    var version = "1.4.0"

    var metadata: String {
        let def = outputs.enumerated().map { "\"\($0)\": \"\($1)\"" }.joined(separator: ", ")
        let named = outputs.isEmpty ? "" : ", \"\(outputKey)\": {\(def)}"
        let channels = inputs.enumerated().map { "\"\($0)\": \"\($1)\"" }.joined(separator: ", ")
        return """
            {
              "schema": "https://example.org/schema.json", "version": "0.9.1", "changelog": {"0.9.1": "made up"},
              "monai_version": "\(version)", "pytorch_version": "2.4.0", "numpy_version": "1.24.4",
              "name": "\(name)", "task": "\(task)", "description": "stand-in", "authors": "Nobody",
              "copyright": "none", "intended_use": "None at all", "eval_metrics": {"mean_dice": NaN},
              "network_data_format": {
                "inputs": {"image": {"type": "image", "format": "\(format)", "modality": "\(modality)",
                  "num_channels": \(inputChannels ?? inputs.count), "spatial_shape": \(shape), "dtype": "float32",
                  "value_range": [0, 1], "is_patch_data": true, "channel_def": {\(channels)}}},
                "outputs": {"pred": {"type": "\(outputShape == nil ? "image" : "probabilities")", "format": "segmentation",
                  "num_channels": \(max(1, outputs.count)), "spatial_shape": \(outputShape ?? shape),
                  "dtype": "float32"\(named)}}
              }
            }
            """
    }

    var configuration: String {
        """
        {
          "imports": ["$import glob", "$import os"],
          "bundle_root": ".", "image_key": "image", "output_dir": "$@bundle_root + '/eval'",
          "dataset_dir": "/nowhere", "datalist": "$list(sorted(glob.glob(@dataset_dir + '/*.nii.gz')))",
          "device": "$torch.device('cuda:0' if torch.cuda.is_available() else 'cpu')",
          "network_def": {\(network)}, "network": "$@network_def.to(@device)",
          \(more)
          "preprocessing": {"_target_": "Compose", "transforms": [\(preprocessing.joined(separator: ",\n    "))]},
          "dataset": {"_target_": "Dataset", "data": "@datalist", "transform": "@preprocessing"},
          "dataloader": {"_target_": "DataLoader", "dataset": "@dataset", "batch_size": 1},
          "inferer": \(inferer),
          "postprocessing": {"_target_": "Compose", "transforms": [\(postprocessing.joined(separator: ",\n    "))]},
          "handlers": [{"_target_": "StatsHandler", "iteration_log": false}],
          "evaluator": {"_target_": "SupervisedEvaluator", "device": "@device", "inferer": "@inferer", "amp": true},
          "initialize": ["$monai.utils.set_determinism(seed=1)"], "run": ["$@evaluator.run()"]
        }
        """
    }

    /// The configuration in YAML's block form, from the same values.
    private var yaml: String {
        let value = try? ConfigFile.parse(configuration, file: "fixture")
        return Self.block(value ?? .null, indent: "")
    }

    private static func block(_ value: ConfigValue, indent: String) -> String {
        switch value {
        case .object(let members) where !members.isEmpty:
            members.map { "\n\(indent)\($0.key): \(block($0.value, indent: indent + "  "))" }.joined()
        case .list(let items) where !items.isEmpty:
            items.map { "\n\(indent)- \(block($0, indent: indent + "  "))" }.joined()
        default: value.description
        }
    }

    /// Writes the bundle; returns its folder.
    func write(in folder: String, network: Data? = nil) throws -> String {
        let path = folder + "/" + name.replacing(" ", with: "_")
        let manager = FileManager.default
        for part in ["configs", "models", "docs"] {
            try manager.createDirectory(atPath: path + "/" + part, withIntermediateDirectories: true)
        }
        try metadata.write(toFile: path + "/configs/metadata.json", atomically: true, encoding: .utf8)
        try (isYAML ? yaml : configuration).write(
            toFile: path + "/configs/inference." + (isYAML ? "yaml" : "json"), atomically: true, encoding: .utf8)
        if let licence { try licence.write(toFile: path + "/LICENSE", atomically: true, encoding: .utf8) }
        if let network { try network.write(to: URL(fileURLWithPath: path + "/models/model.onnx")) }
        return path
    }
}

/// One step as JSON: class name, then members.
func step(_ target: String, _ members: String = "", keys: String = "@image_key") -> String {
    "{\"_target_\": \"\(target)\", \"keys\": \"\(keys)\"\(members.isEmpty ? "" : ", " + members)}"
}
