// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM
import Foundation
import Models
import Testing

@testable import Importers

/// A trained nnU-Net's folder, with made-up numbers.
private struct PlansFixture {
    var channels = #"{"0": "CT"}"#
    var labels = #"{"background": 0, "liver": 1, "liver_tumor": 2}"#
    var order = ""
    var configurations = #"""
        "2d": {"patch_size": [512, 448], "spacing": [0.8, 0.9], "normalization_schemes": ["CTNormalization"],
          "use_mask_for_norm": [false], "preprocessor_name": "DefaultPreprocessor", \#(PlansFixture.functions)},
        "3d_fullres": {"data_identifier": "x", "preprocessor_name": "DefaultPreprocessor", "batch_size": 2,
          "patch_size": [64, 192, 160], "spacing": [2.5, 0.8, 0.9], "normalization_schemes": ["CTNormalization"],
          "use_mask_for_norm": [false], "UNet_class_name": "PlainConvUNet", \#(PlansFixture.functions)},
        "3d_torch": {"inherits_from": "3d_fullres", "resampling_fn_data": "resample_torch_fornnunet",
          "resampling_fn_data_kwargs": {"is_seg": false, "force_separate_z": false}}
        """#
    var reader = "SimpleITKIO"
    var properties = "foreground_intensity_properties_per_channel"
    /// Of further channels, each with a comma before it.
    var moreProperties = ""

    static let functions = #"""
        "resampling_fn_data": "resample_data_or_seg_to_shape",
        "resampling_fn_data_kwargs": {"is_seg": false, "order": 3, "order_z": 0, "force_separate_z": null},
        "resampling_fn_probabilities": "resample_data_or_seg_to_shape",
        "resampling_fn_probabilities_kwargs": {"is_seg": false, "order": 1, "order_z": 0, "force_separate_z": null}
        """#

    func write(_ name: String = "nnUNetTrainer__nnUNetPlans__3d_fullres", folds: [String] = []) throws -> (
        folder: String, root: String
    ) {
        let root = FileManager.default.temporaryDirectory.path + "/plans-" + UUID().uuidString
        let folder = root + "/" + name
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        try """
        {"dataset_name": "Dataset900_Made", "plans_name": "nnUNetPlans", "image_reader_writer": "\(reader)",
         "original_median_spacing_after_transp": [2.5, 0.8, 0.9], "label_manager": "LabelManager",
         "transpose_forward": [0, 2, 1], "transpose_backward": [0, 2, 1],
         "\(properties)": {"0": {"mean": 99.5, "std": 41.25, "percentile_00_5": -17.0, "percentile_99_5": 201.0,
           "median": 100.0, "min": -900.0, "max": 3000.0}\(moreProperties)},
         "configurations": {\(configurations)}}
        """.write(toFile: folder + "/plans.json", atomically: true, encoding: .utf8)
        try """
        {"channel_names": \(channels), "labels": \(labels), \(order) "numTraining": 3, "file_ending": ".nii.gz"}
        """.write(toFile: folder + "/dataset.json", atomically: true, encoding: .utf8)
        for fold in folds { try "weights".write(toFile: folder + "/" + fold, atomically: true, encoding: .utf8) }
        return (folder, root)
    }

    func read(
        _ set: [String] = [], folder name: String = "nnUNetTrainer__nnUNetPlans__3d_fullres", folds: [String] = []
    )
        throws -> ImportedModel
    {
        let (folder, root) = try write(name, folds: folds)
        defer { try? FileManager.default.removeItem(atPath: root) }
        var report: ImportReport?
        return try NNUNetImporter.read(folder: folder, settings: try ImportSettings(set), report: &report)
    }

    func refusal(_ set: [String] = []) throws -> String {
        do {
            _ = try read(set)
            return ""
        } catch let error as ImportError { return error.description }
    }
}

struct NNUNetImportTests {
    @Test("Plans and labels become nnU-Net's own pipeline, with the old names of plans accepted")
    func fullResolution() throws {
        var fixture = PlansFixture()
        fixture.properties = "foreground_intensity_properties_by_modality"
        let model = try fixture.read(["mirroring=[0,2]"], folds: ["fold_0.onnx", "fold_3.onnx"])
        let manifest = model.manifest
        var rule = ManifestParts.normalization(.all, channelWise: false)
        rule.mean = [99.5]
        rule.deviation = [41.25]
        #expect(
            manifest.preprocess == [
                .transpose([0, 2, 1]), .cropNonzero, .clip(-17...201), .normalize(rule),
                .spacing(
                    .init(
                        mm: [2.5, 0.8, 0.9], interpolation: .cubic, lattice: .halfPixel,
                        separateAxis: ManifestParts.separateAxis(above: 3, .nearest))),
            ])
        #expect(
            manifest.inference
                == .slidingWindow(
                    .init(
                        roi: [64, 192, 160], overlap: [0.5, 0.5, 0.5], tiling: .nnunet, weighting: .gaussianNNUNet,
                        padding: .constant(0), mirror: [0, 2])))
        #expect(manifest.decision.activatesAfterRestore && manifest.decision.restore == .linear)
        #expect(manifest.network.graphs.map(\.file) == ["fold_0.onnx", "fold_3.onnx"])
        #expect(manifest.outputs.map(\.channel) == [1, 2])
        #expect(manifest.outputs[1].code.value == "108369006" && manifest.outputs[1].site?.value == "10200004")
    }

    @Test("Two dimensions, inherited configurations and torch's resampling are read")
    func configurations() throws {
        let flat = try PlansFixture().read(["configuration=2d", "mirroring=[0]"]).manifest
        guard case .slidingWindow(let window) = flat.inference else {
            Issue.record("no window")
            return
        }
        #expect(window.roi == [1, 512, 448] && window.overlap == [0, 0.5, 0.5] && window.mirror == [1])
        let torch = try PlansFixture().read(["configuration=3d_torch"]).manifest
        #expect(
            torch.preprocess.last
                == .spacing(.init(mm: [2.5, 0.8, 0.9], interpolation: .linear, lattice: .halfPixel)))
    }

    @Test("Without the checkpoint's axes nothing is mirrored, and the report warns of it")
    func mirroring() throws {
        #expect(try PlansFixture().read().report.warnings.contains { $0.contains("inference_allowed_mirroring_axes") })
        let without = try PlansFixture().read(folder: "nnUNetTrainerNoMirroring__nnUNetPlans__3d_fullres")
        #expect(!without.report.warnings.contains { $0.contains("inference_allowed_mirroring_axes") })
        #expect(try PlansFixture().refusal(["mirroring=[3]"]).contains("--set mirroring"))
    }

    @Test("Regions are decided in the order of their classes; MR channels go by series descriptions")
    func regions() throws {
        var fixture = PlansFixture()
        fixture.labels = #"{"background": 0, "whole tumor": [1, 2, 3], "tumor core": [2, 3], "enhancing tumor": 3}"#
        fixture.order = #""regions_class_order": [1, 2, 3],"#
        fixture.channels = #"{"0": "T1", "1": "T1ce"}"#
        fixture.configurations = fixture.configurations.replacing(
            #"["CTNormalization"]"#, with: #"["ZScoreNormalization", "ZScoreNormalization"]"#
        ).replacing("[false]", with: "[true, true]")
        fixture.reader = "NibabelIOWithReorient"
        let manifest = try fixture.read().manifest
        #expect(manifest.decision.rule == .regions && manifest.decision.activation == .sigmoid)
        #expect(manifest.outputs.map(\.channel) == [0, 1, 2] && manifest.channels.map(\.name) == ["T1", "T1ce"])
        #expect(manifest.preprocess.first == .orientation(AxisCodes("SAR")!) && manifest.claim.modality == ["MR"])
        fixture.order = ""
        #expect(try fixture.refusal().contains("dataset.json: regions_class_order"))
    }

    @Test("The step between windows and the rule for thick slices are those of the plans and of the settings")
    func numbers() throws {
        guard case .slidingWindow(let window) = try PlansFixture().read(["step=0.25"]).manifest.inference else {
            Issue.record("no window")
            return
        }
        #expect(window.overlap == [0.75, 0.75, 0.75])
        func separate(_ force: String) throws -> Manifest.Spacing.SeparateAxis? {
            var fixture = PlansFixture()
            fixture.configurations = fixture.configurations.replacing(#", "force_separate_z": null"#, with: force)
            guard case .spacing(let spacing)? = try fixture.read().manifest.preprocess.last else { return nil }
            return spacing.separateAxis
        }
        #expect(try separate(#", "force_separate_z": null"#) == ManifestParts.separateAxis(above: 3, .nearest))
        #expect(try separate(#", "force_separate_z": true"#) == ManifestParts.separateAxis(above: 1, .nearest))
        #expect(try separate(#", "force_separate_z": false"#) == nil)
        // Left out, the function's own default holds: all axes alike.
        #expect(try separate("") == nil)
    }

    @Test("The mean of an image is that of all voxels, or of the filled foreground where the plans say so")
    func masked() throws {
        for isMasked in [false, true] {
            var fixture = PlansFixture()
            fixture.channels = #"{"0": "T2"}"#
            fixture.configurations = fixture.configurations.replacing("CTNormalization", with: "ZScoreNormalization")
                .replacing("[false]", with: "[\(isMasked)]")
            var rule = ManifestParts.normalization(isMasked ? .filled : .all, channelWise: true)
            rule.minimumDeviation = 1e-8
            #expect(try fixture.read().manifest.preprocess.contains(.normalize(rule)))
        }
    }

    @Test("Channels of several modalities are normalised each by its own scheme, and found by modality")
    func mixed() throws {
        var fixture = PlansFixture()
        fixture.channels = #"{"0": "CT", "1": "T1"}"#
        fixture.configurations = fixture.configurations.replacing(
            #"["CTNormalization"]"#, with: #"["CTNormalization", "ZScoreNormalization"]"#
        ).replacing("[false]", with: "[false, true]")
        let manifest = try fixture.read().manifest
        var constants = ManifestParts.normalization(.all, channelWise: false)
        constants.mean = [99.5]
        constants.deviation = [41.25]
        var measured = ManifestParts.normalization(.filled, channelWise: true)
        measured.minimumDeviation = 1e-8
        let steps = Manifest.Preprocessing.perChannel([
            [.clip(-17...201), .normalize(constants)], [.normalize(measured)],
        ])
        #expect(manifest.preprocess[2] == steps)
        #expect(manifest.claim.modality == ["CT", "MR"] && manifest.quality.unit == "any")
        #expect(manifest.channels.map(\.claim.modality) == [["CT"], ["MR"]])
        #expect(manifest.channels[0].claim.seriesDescription == nil)
        #expect(manifest.channels[1].claim.seriesDescription?.include.map { $0.hasPrefix("t1") } == true)
        let written = try Manifest.read(ManifestWriter.write(manifest), file: "manifest.yaml")
        #expect(written.preprocess == manifest.preprocess)
        // A modality of which another channel is, too, does not tell the two apart.
        fixture.channels = #"{"0": "MR", "1": "T1"}"#
        let same = try fixture.read()
        #expect(same.manifest.channels[0].claim.seriesDescription?.include == "MR")
        #expect(same.report.warnings.contains { $0.hasPrefix("channel MR: ") })
        // Of a modality that the node does not read the series is claimed, and the report says that it does not run.
        fixture.channels = #"{"0": "CT", "1": "PET"}"#
        let unread = try fixture.read()
        let classes = unread.manifest.claim.sopClasses?.map(\.string) ?? []
        #expect(classes.contains("1.2.840.10008.5.1.4.1.1.2") && classes.contains("1.2.840.10008.5.1.4.1.1.128"))
        #expect(unread.report.warnings.contains { $0.hasPrefix("modality PT: the node reads no images of it") })
        #expect(!(same.report.warnings.contains { $0.hasPrefix("modality ") }))
        // Constants alone may differ: one step then has them all; bounds that differ need steps of their own.
        fixture.channels = #"{"0": "CT", "1": "late"}"#
        fixture.configurations = fixture.configurations.replacing("ZScoreNormalization", with: "CTNormalization")
            .replacing("[false, true]", with: "[false, false]")
        func second(_ lower: Double) throws -> [Manifest.Preprocessing] {
            fixture.moreProperties =
                #", "1": {"mean": 3, "std": 2, "percentile_00_5": \#(lower), "percentile_99_5": 201}"#
            return try fixture.read(["modality=[CT]"]).manifest.preprocess
        }
        constants = ManifestParts.normalization(.all, channelWise: true)
        (constants.mean, constants.deviation) = ([99.5, 3], [41.25, 2])
        #expect(try second(-17).contains(.normalize(constants)))
        (constants.mean, constants.deviation, constants.channelWise) = ([3], [2], false)
        guard case .perChannel(let lists) = try second(-50)[2] else {
            Issue.record("one clip for two ranges")
            return
        }
        #expect(lists[1] == [.clip(-50...201), .normalize(constants)])
    }

    @Test("Post-processing that upstream keeps as a pickle is not read, and the report says so")
    func pickle() throws {
        #expect(!(try PlansFixture().read().report.warnings.contains { $0.contains("postprocessing.pkl") }))
        let report = try PlansFixture().read(folds: ["postprocessing.pkl"]).report
        #expect(report.warnings.contains { $0.hasPrefix("postprocessing.pkl is not read") })
        #expect(report.fields.contains { $0.file == "postprocessing.pkl" && $0.fate == .ignored })
    }

    @Test("The label that training ignored is none of the network's")
    func ignored() throws {
        var fixture = PlansFixture()
        fixture.labels = #"{"background": 0, "liver": 1, "ignore": 2}"#
        #expect(try fixture.read().manifest.outputs.map(\.label) == ["liver"])
    }

    @Test("Folds are copied and pinned as they are, and a graph with weights in another file is refused")
    func pinned() throws {
        let (folder, root) = try PlansFixture().write(folds: ["fold_0.onnx", "fold_1.onnx"])
        defer { try? FileManager.default.removeItem(atPath: root) }
        var report: ImportReport?
        let model = try NNUNetImporter.read(folder: folder, settings: ImportSettings(), report: &report)
        _ = try PackageWriter(folder: root + "/package").write(model)
        let package = try ModelPackage.load(folder: root + "/package")
        // sha256sum of "weights"
        #expect(
            package.manifest.network.graphs.map(\.sha256)
                == Array(repeating: "9a129038d9a00aed0cf6a7ea059ca50a813449061ab87848cf1a13eafdf33b2c", count: 2))
        try "\n\u{8}location\u{12}\u{3}w.d".write(
            toFile: folder + "/fold_1.onnx", atomically: true, encoding: .utf8)
        let error = #expect(throws: ImportError.self) { try PackageWriter(folder: root + "/other").write(model) }
        #expect(error?.description.contains("fold_1.onnx: keeps weights in another file") == true)
    }

    @Test("A cascade, an unknown normalisation and an unknown reader are refused by name")
    func refusals() throws {
        var cascade = PlansFixture()
        cascade.configurations = cascade.configurations.replacing(
            #""data_identifier": "x""#, with: #""previous_stage": "3d_lowres""#)
        #expect(try cascade.refusal().contains("plans.json: configurations#3d_fullres#previous_stage: is 3d_lowres"))
        var scheme = PlansFixture()
        scheme.configurations = scheme.configurations.replacing("CTNormalization", with: "MyNormalization")
        #expect(try scheme.refusal().contains("MyNormalization is not known"))
        var reader = PlansFixture()
        reader.reader = "Tiff3DIO"
        #expect(try reader.refusal().contains("plans.json: image_reader_writer: Tiff3DIO"))
        #expect(try PlansFixture().refusal(["configuration=3d_huge"]).contains("3d_huge is none of"))
        #expect(try PlansFixture().refusal(["pixdim=1"]).contains("pixdim: not a setting of an nnU-Net import"))
    }
}

struct SAMImportTests {
    @Test("An encoder and a decoder become a promptable package; weights beside the graph are refused")
    func export() throws {
        let folder = FileManager.default.temporaryDirectory.path + "/sam-" + UUID().uuidString
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        var report: ImportReport?
        func read(_ set: [String] = []) throws -> Manifest {
            try SAMImporter.read(folder: folder, settings: try ImportSettings(set), report: &report).manifest
        }
        #expect(throws: ImportError.self) { try read() }
        for name in ["sam_vit_b.encoder.onnx", "sam_vit_b.decoder.onnx", "sam_vit_b.encoder.quant.onnx"] {
            try "graph".write(toFile: folder + "/" + name, atomically: true, encoding: .utf8)
        }
        let manifest = try read()
        #expect(manifest.name == "sam-vit-b" && manifest.networks.map(\.role) == [.encoder, .decoder])
        guard case .promptable(let rule) = manifest.inference,
            case .promptable(let med) = try read(["family=medSAM"]).inference
        else {
            Issue.record("not promptable")
            return
        }
        #expect(rule.family == .sam && rule.size == 1024 && med.family == .medSAM)
        guard case .promptable(let other) = try read(["propagate=0.3", "size=512"]).inference else { return }
        #expect(rule.propagate == nil && other.propagate == 0.3 && other.size == 512)
        // CT comes in Hounsfield units, MR does not; SAM stretches both.
        #expect(try read().quality.unit == "any" && read(["modality=[CT]"]).quality.unit == "[hnsf'U]")
        #expect(try read().preprocess.isEmpty && read(["family=medSAM"]).preprocess.first == .clip(-160...240))
        #expect(throws: ImportError.self) { try read(["family=medSAM", "modality=[CT, MR]"]) }
        let (written, missing) = try PackageWriter(folder: folder + "/package").write(
            try SAMImporter.read(folder: folder, settings: ImportSettings(), report: &report))
        #expect(missing.isEmpty && written.networks.allSatisfy { $0.sha256?.count == 64 })
        try "weights".write(toFile: folder + "/sam_vit_b.encoder_data.bin", atomically: true, encoding: .utf8)
        #expect(throws: ImportError.self) { try read() }
    }
}
