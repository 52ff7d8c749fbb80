// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

@testable import Importers

/// Stand-ins for the fourteen bundles of MONAI's model zoo that a manifest can express (of October 2024).
enum Bundles {
    private static let load = [step("LoadImaged"), step("EnsureChannelFirstd")]
    private static let toRAS = step("Orientationd", #""axcodes": "RAS""#)
    private static let typed = step("EnsureTyped")
    private static func spacing(_ mm: String) -> String { step("Spacingd", #""pixdim": \#(mm), "mode": "bilinear""#) }
    private static func range(_ low: Double, _ high: Double) -> String {
        step("ScaleIntensityRanged", #""a_min": \#(low), "a_max": \#(high), "b_min": 0, "b_max": 1, "clip": true"#)
    }
    private static func window(_ overlap: Double, _ roi: String = "[96, 96, 96]") -> String {
        #"{"_target_": "SlidingWindowInferer", "roi_size": \#(roi), "sw_batch_size": 4, "overlap": \#(overlap)}"#
    }
    private static let save = step(
        "SaveImaged", #""meta_keys": "pred_meta_dict", "output_dir": "@output_dir""#, keys: "pred")
    private static func invert(_ nearest: Bool) -> String {
        step(
            "Invertd",
            #""transform": "@preprocessing", "orig_keys": "@image_key", "nearest_interp": \#(nearest), "to_tensor": true"#,
            keys: "pred")
    }
    private static let softmax = step("Activationsd", #""softmax": true"#, keys: "pred")
    private static let argmax = step("AsDiscreted", #""argmax": true"#, keys: "pred")
    private static let linearSoftmax = [softmax, invert(false), argmax, save]

    static let spleen = BundleFixture(
        name: "Spleen stand-in", outputs: ["background", "spleen"],
        preprocessing: load + [toRAS, spacing("[1.5, 1.5, 2.0]"), range(-57, 164), typed], inferer: window(0.5),
        postprocessing: linearSoftmax)
    static let btcv = BundleFixture(
        name: "BTCV stand-in",
        outputs: [
            "background", "spleen", "Right Kidney", "Left Kideny", "Gallbladder", "Esophagus", "Liver", "Stomach",
            "Aorta", "IVC", "Portal and Splenic Veins", "Pancreas", "Right adrenal gland", "Left adrenal gland",
        ], preprocessing: load + [toRAS, spacing("[1.5, 1.5, 2.0]"), range(-175, 250), typed], inferer: window(0.5),
        postprocessing: linearSoftmax)
    static let wholeBody = BundleFixture(
        name: "Whole body stand-in", outputs: ["background", "spleen", "kidney_right", "rib_left_1", "vertebrae_L5"],
        preprocessing: load + [
            toRAS, spacing("\"@pixdim\""), step("NormalizeIntensityd", #""nonzero": true"#),
            step("ScaleIntensityd", #""minv": -1.0, "maxv": 1.0"#),
        ],
        inferer: #"""
            {"_target_": "SlidingWindowInferer", "roi_size": [96, 96, 96], "sw_batch_size": "@shown#batch",
             "overlap": "@shown::overlap", "padding_mode": "replicate", "mode": "gaussian",
             "device": "$torch.device('cpu')"}
            """#, postprocessing: [softmax, argmax, invert(true), save],
        more: #"""
            "shown": {"highres": true, "overlap": 0.25, "batch": 1},
            "pixdim": "$[1.5, 1.5, 1.5] if @shown#highres else [3.0, 3.0, 3.0]",
            """#)
    static let pancreas = BundleFixture(
        name: "Pancreas stand-in", outputs: ["background", "pancreas", "pancreatic tumor"],
        preprocessing: load + [toRAS, spacing("[1, 1, 1]"), range(-87, 199), typed], inferer: window(0.625),
        postprocessing: linearSoftmax, more: #""dints_space": {"device": "$torch.device('cuda')"},"#, isYAML: true)
    static let multiOrgan = BundleFixture(
        name: "Multi organ stand-in",
        outputs: ["background", "artery", "portal vein", "liver", "spleen", "stomach", "gallbladder", "pancreas"],
        preprocessing: load + [toRAS, spacing("[1, 1, 1]"), range(-500, 500), typed], inferer: window(0.625),
        postprocessing: linearSoftmax, isYAML: true, licence: "A licence for private use, Non-Commercial only\n")
    static let pediatric = BundleFixture(
        name: "Pediatric stand-in", outputs: ["background", "liver", "spleen", "pancreas"], outputKey: "label_def",
        preprocessing: load + [
            toRAS,
            #"{"_target_": "Spacingd", "keys": ["@image_key"], "pixdim": [1.5, 1.5, 3.0], "mode": ["bilinear"]}"#,
            range(-250, 400), step("CropForegroundd", #""source_key": "@image_key", "mode": ["minimum"]"#), typed,
            step("CastToTyped", #""dtype": "$torch.float32""#),
        ], inferer: window(0.75), postprocessing: linearSoftmax, isYAML: true, version: "1.3.0")
    static let prostate = BundleFixture(
        name: "Prostate stand-in", modality: "MR", format: "magnitude",
        outputs: ["background", "central gland", "peripheral zone"],
        preprocessing: load + [
            toRAS, spacing("[0.5, 0.5, 0.5]"), step("ScaleIntensityd", #""minv": 0, "maxv": 1"#),
            step("NormalizeIntensityd"), typed,
        ], inferer: window(0.5),
        postprocessing: [
            argmax, step("KeepLargestConnectedComponentd", #""applied_labels": [1, 2]"#, keys: "pred"), invert(false),
            save,
        ])
    static let renal = BundleFixture(
        name: "Renal stand-in", outputs: ["background", "kidney cortex", "medulla", "pelvicalyceal system"],
        preprocessing: [
            step("LoadImaged"), step("EnsureChannelFirstd", #""channel_dim": "no_channel""#), toRAS,
            spacing("[1.0, 1.0, 1.0]"), range(-175, 250), typed,
        ], inferer: window(0.5), postprocessing: linearSoftmax)
    static let wholeBrain = BundleFixture(
        name: "Whole brain stand-in", modality: "MRI",
        outputs: ["background", "3rd-Ventricle", "Right-Accumbens-Area", "Left-ACgG--anterior-cingulate-gyrus"],
        preprocessing: load + [
            step("NormalizeIntensityd", #""nonzero": "True", "channel_wise": "True""#), typed,
        ], inferer: window(0.7), postprocessing: linearSoftmax)
    static let ventricular = BundleFixture(
        name: "Short axis stand-in", modality: "MR", format: "magnitude", shape: "[256, 256]",
        outputs: ["background", "lv_pool", "myocardium", "rv_pool"],
        preprocessing: load + [step("ScaleIntensityd"), step("EnsureTyped", #""device": "@device""#)],
        inferer: #"{"_target_": "SliceInferer", "roi_size": [256, 256], "spatial_dim": 2}"#,
        postprocessing: linearSoftmax, network: #""_target_": "UNet", "spatial_dims": 2"#,
        licence: "MIT License\nPermission is hereby granted, free of charge, to any person\n")
    static let brats = BundleFixture(
        name: "Glioma stand-in", modality: "MR", format: "magnitude", inputs: ["T1c", "T1", "T2", "FLAIR"],
        shape: #"["8*n", "8*n", "8*n"]"#, outputs: ["Tumor core", "Whole tumor", "Enhancing tumor"],
        preprocessing: [
            step("LoadImaged", #""image_only": false"#),
            step("NormalizeIntensityd", #""nonzero": true, "channel_wise": true"#),
        ], inferer: window(0.5, "[240, 240, 160]"),
        postprocessing: [
            step("Activationsd", #""sigmoid": true"#, keys: "pred"), invert(false),
            step("AsDiscreted", #""threshold": 0.5"#, keys: "pred"),
            step(
                "Lambdad",
                #""func": "$lambda x: torch.where(x[[2]] > 0, 4, torch.where(x[[0]] > 0, 1, torch.where(x[[1]] > 0, 2, 0)))""#,
                keys: "pred"), save,
        ])
    static let breast = BundleFixture(
        name: "Breast density stand-in", modality: "Mammogram", format: "magnitude", inputChannels: 3,
        shape: "[299, 299]", outputs: ["A", "B", "C", "D"], outputShape: "[1, 4]",
        preprocessing: [
            step("LoadImaged"), step("EnsureChannelFirstd", #""channel_dim": 2"#),
            step("ScaleIntensityd", #""minv": 0.0, "maxv": 1.0"#), step("Resized", #""spatial_size": [299, 299]"#),
        ], inferer: #"{"_target_": "SimpleInferer"}"#,
        postprocessing: [step("Activationsd", #""sigmoid": true"#, keys: "pred")])
    static let endoscopy = BundleFixture(
        name: "Endoscopic in-body stand-in", modality: "regular", format: "RGB", inputs: ["R", "G", "B"],
        shape: "[256, 256]", outputs: ["in body", "out body"], outputShape: "[1, 2]",
        preprocessing: [
            step("LoadImaged"), step("EnsureChannelFirstd", #""channel_dim": -1"#),
            step("Resized", #""spatial_size": [256, 256], "mode": "bilinear""#),
            step("CastToTyped", #""dtype": "$torch.float32""#),
            step("NormalizeIntensityd", #""nonzero": true, "channel_wise": true"#), typed,
        ], inferer: #"{"_target_": "SimpleInferer"}"#,
        postprocessing: [
            step("AsDiscreted", #""argmax": true, "to_onehot": 2"#, keys: "pred"),
            step("SaveClassificationd", #""meta_keys": "$@image_key + '_meta_dict'""#, keys: "pred"),
        ])
    static let nodules = BundleFixture(
        name: "Lung nodule detection stand-in", format: "magnitude", shape: #"["16*n", "16*n", "8*n"]"#,
        preprocessing: [
            step("LoadImaged", #""_disabled_": "@whether_raw""#),
            step(
                "LoadImaged", #""reader": "itkreader", "affine_lps_to_ras": true, "_disabled_": "@whether_resampled""#),
            step("EnsureChannelFirstd"), toRAS,
            step("Spacingd", #""pixdim": [0.703125, 0.703125, 1.25], "_disabled_": "@whether_resampled""#),
            range(-1024, 300), typed,
        ],
        inferer:
            #"{"_target_": "scripts.detection_inferer.RetinaNetInferer", "detector": "@detector", "force_sliding_window": "@force"}"#,
        postprocessing: [
            #"{"_target_": "ClipBoxToImaged", "box_keys": "box", "label_keys": "label", "box_ref_image_keys": "@image_key", "remove_empty": true}"#,
            #"{"_target_": "AffineBoxToWorldCoordinated", "box_keys": "box", "box_ref_image_keys": "@image_key", "affine_lps_to_ras": true}"#,
            #"{"_target_": "ConvertBoxModed", "box_keys": "box", "src_mode": "xyzxyz", "dst_mode": "cccwhd"}"#,
        ],
        more: #"""
            "whether_raw": false, "whether_resampled": "$(not @whether_raw)", "force": false,
            "patch": [512, 512, 192], "divisible": [16, 16, 8],
            "anchor_generator": {"_target_": "monai.apps.detection.utils.anchor_utils.AnchorGeneratorWithAnchorShape",
              "feature_map_scales": [1, 2, 4], "base_anchor_shapes": [[6, 8, 4], [8, 6, 5], [10, 10, 6]]},
            "detector": {"_target_": "RetinaNetDetector", "network": "@network"},
            "detector_ops": ["$@detector.set_target_keys(box_key='box', label_key='label')",
              "$@detector.set_box_selector_parameters(score_thresh=0.02,topk_candidates_per_level=1000,nms_thresh=0.22,detections_per_img=300)",
              "$@detector.set_sliding_window_inferer(roi_size=@patch,overlap=0.25,sw_batch_size=1,mode='constant',device='cpu')"],
            """#,
        network:
            #""_target_": "RetinaNet", "num_anchors": 3, "size_divisible": "@divisible", "feature_extractor": "$f(@x)""#,
        task: "CT lung nodule detection")

    static let all = [
        spleen, btcv, wholeBody, pancreas, multiOrgan, pediatric, prostate, renal, wholeBrain, ventricular, brats,
        breast, endoscopy, nodules,
    ]
}
