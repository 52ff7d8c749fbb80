// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM
import Foundation
import Models
import Testing

@testable import Importers

struct BundleImportTests {
    /// A folder that goes with the test.
    private final class Scratch {
        let path = FileManager.default.temporaryDirectory.path + "/import-" + UUID().uuidString
        init() throws { try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true) }
        deinit { try? FileManager.default.removeItem(atPath: path) }
    }

    private func read(_ bundle: BundleFixture, set: [String] = [], in scratch: Scratch) throws -> ImportedModel {
        var report: ImportReport?
        return try BundleImporter.read(
            folder: try bundle.write(in: scratch.path), settings: try ImportSettings(set), report: &report)
    }

    private func refusal(_ bundle: BundleFixture, set: [String] = []) throws -> String {
        do {
            _ = try read(bundle, set: set, in: try Scratch())
            return ""
        } catch let error as ImportError { return error.description }
    }

    private static let settings = ["Whole body stand-in": ["pixdim=[1.5, 1.5, 1.5]"]]

    @Test(
        "Each expressible bundle becomes a package whose manifest reads back as it was meant",
        arguments: Bundles.all.indices)
    func imports(index: Int) throws {
        let bundle = Bundles.all[index]
        let scratch = try Scratch()
        let model = try read(bundle, set: Self.settings[bundle.name] ?? [], in: scratch)
        let output = scratch.path + "/package"
        let (manifest, missing) = try PackageWriter(folder: output).write(model)
        #expect(missing == ["model.onnx"])
        var expected = model.manifest
        // What the reader fills in by itself.
        expected.claim.sopClasses = manifest.claim.sopClasses
        expected.claim.imageType = manifest.claim.imageType
        #expect(manifest == expected)
        #expect(manifest.use == .research && manifest.version == "0.9.1")
        #expect((manifest.outputs.map(\.priority) + manifest.scores.map(\.priority)).allSatisfy { $0 == .routine })
        do {
            _ = try ModelPackage.load(folder: output)
            Issue.record("a package without weights is no whole one")
        } catch {
            guard case .incomplete(_, _, ["model.onnx"]) = error else {
                Issue.record("\(error)")
                return
            }
        }
    }

    @Test("Softmax, linear inversion, argmax: the decision is made on the series' own grid")
    func spleen() throws {
        let manifest = try read(Bundles.spleen, in: try Scratch()).manifest
        #expect(
            manifest.preprocess == [
                .orientation(AxisCodes("RAS")!), .spacing(.init(mm: [1.5, 1.5, 2])),
                .scaleRange(from: -57...164, to: 0...1, clip: true),
            ])
        #expect(
            manifest.inference
                == .slidingWindow(
                    .init(
                        roi: [96, 96, 96], overlap: [0.5, 0.5, 0.5], weighting: .constant, padding: .constant(0))))
        #expect(manifest.decision == ManifestParts.decision(.softmax, .argmax, restore: .linear))
        #expect(manifest.outputs.map(\.label) == ["spleen"] && manifest.outputs.map(\.channel) == [1])
        #expect(manifest.claim.modality == ["CT"] && manifest.quality.unit == "[hnsf'U]")
        #expect(manifest.licence.spdx == "Apache-2.0" && !manifest.licence.isNonCommercial)
    }

    @Test("Argmax before a nearest inversion: labels come back, by the numbers of a reference and a setting")
    func wholeBody() throws {
        let model = try read(
            Bundles.wholeBody, set: ["pixdim=[3.0, 3.0, 3.0]", "shown::overlap=0.5"], in: try Scratch())
        let manifest = model.manifest
        #expect(
            manifest.preprocess == [
                .orientation(AxisCodes("RAS")!), .spacing(.init(mm: [3, 3, 3])),
                .normalize(ManifestParts.normalization(.nonzero, channelWise: false)),
                .scaleMinMax(to: -1...1, channelWise: false),
            ])
        guard case .slidingWindow(let window) = manifest.inference else {
            Issue.record("no window")
            return
        }
        #expect(window.weighting == .gaussian(sigma: 0.125) && window.padding == .replicate)
        #expect(window.overlap == [0.5, 0.5, 0.5])
        #expect(manifest.decision.restore == .nearest && manifest.decision.rule == .argmax)
        let overridden = model.report.fields.filter { $0.fate == .overridden }.map(\.path)
        #expect(Set(overridden) == ["pixdim", "shown#overlap"])
    }

    @Test("An inversion of label numbers by interpolation is named as the one thing that differs")
    func prostate() throws {
        let model = try read(Bundles.prostate, in: try Scratch())
        #expect(model.manifest.decision == ManifestParts.decision(.softmax, .argmax, restore: .nearest))
        #expect(
            model.manifest.outputs.map(\.postprocess) == [
                [.keepLargest(count: 1, .twentySix)], [.keepLargest(count: 1, .twentySix)],
            ])
        #expect(model.report.fields.contains { $0.fate == .overridden && $0.path.hasSuffix("#2#nearest_interp") })
        #expect(model.manifest.preprocess.last == .normalize(ManifestParts.normalization(.all, channelWise: false)))
    }

    @Test(
        "The known function of the glioma bundle becomes regions, each over those before, and its four series channels")
    func brats() throws {
        let manifest = try read(Bundles.brats, in: try Scratch()).manifest
        #expect(manifest.decision == ManifestParts.decision(.sigmoid, .regions, restore: .linear))
        #expect(manifest.outputs.map(\.label) == ["Whole tumor", "Tumor core", "Enhancing tumor"])
        #expect(manifest.outputs.map(\.channel) == [1, 0, 2])
        #expect(manifest.channels.map(\.name) == ["T1c", "T1", "T2", "FLAIR"])
        // Every channel's series has to keep the package's claim.
        #expect(manifest.claim.seriesDescription == nil && manifest.claim.modality == ["MR"])
        #expect(manifest.preprocess.first == .orientation(AxisCodes("LPS")!))
        #expect(
            try read(Bundles.brats, set: ["orientation=RAS"], in: try Scratch()).manifest.preprocess.first
                == .orientation(AxisCodes("RAS")!))
    }

    @Test("Slices, projections and detectors become kinds of their own")
    func kinds() throws {
        let slices = try read(Bundles.ventricular, in: try Scratch()).manifest
        guard case .slices(let rule) = slices.inference, let window = rule.window else {
            Issue.record("no window")
            return
        }
        #expect(window.roi == [1, 256, 256] && window.overlap == [0, 0.25, 0.25])
        #expect(slices.preprocess.first == .transpose([0, 2, 1]))
        #expect(slices.licence.spdx == "MIT")

        let breast = try read(Bundles.breast, in: try Scratch()).manifest
        #expect(breast.inference == .projection && breast.claim.modality == ["MG"])
        #expect(breast.scores.map(\.code.value) == ["129716005", "129717001", "129718006", "129719003"])
        #expect(
            breast.preprocess == [
                .transpose([0, 2, 1]), .scaleMinMax(to: 0...1, channelWise: false),
                .resize(ManifestParts.resize([299, 299], .area)), .repeatChannels(3),
            ])

        let endoscopy = try read(Bundles.endoscopy, in: try Scratch()).manifest
        #expect(endoscopy.claim.modality == ["ES"] && endoscopy.decision.activation == .softmax)
        #expect(
            !endoscopy.preprocess.contains(.repeatChannels(3)) && endoscopy.images.colour == .rgb
                && breast.images.colour == .luminance)

        let nodules = try read(Bundles.nodules, in: try Scratch()).manifest
        guard case .detection(let detector) = nodules.inference else {
            Issue.record("no detector")
            return
        }
        #expect(detector.roi == [512, 512, 192] && detector.multiple == [16, 16, 8] && detector.scales == [1, 2, 4])
        #expect(detector.anchors == [[6, 8, 4], [8, 6, 5], [10, 10, 6]])
        #expect(detector.scoreThreshold == 0.02 && detector.overlapThreshold == 0.22 && detector.maximum == 300)
        #expect(nodules.scores.map(\.code.value) == ["27925004"] && nodules.scores[0].site?.value == "39607008")
        // A series of a scanner was not resampled beforehand, whatever upstream's own data were.
        #expect(nodules.preprocess.contains(.spacing(.init(mm: [0.703125, 0.703125, 1.25]))))
    }

    @Test("A licence for non-commercial use is flagged, and a missing one is taken as such")
    func licences() throws {
        #expect(try read(Bundles.multiOrgan, in: try Scratch()).manifest.licence.isNonCommercial)
        var bare = Bundles.spleen
        bare.licence = nil
        let licence = try read(bare, in: try Scratch()).manifest.licence
        #expect(licence.isNonCommercial && licence.spdx == "LicenseRef-None")
        #expect(
            UpstreamLicence.recognise("Creative Commons Attribution-NonCommercial-NoDerivatives 4.0").spdx
                == "CC-BY-NC-ND-4.0")
    }

    @Test("What would have to be evaluated is refused by its id and its text, and --set takes its place")
    func expression() throws {
        let refusal = try refusal(Bundles.wholeBody)
        #expect(refusal.contains("configs/inference.json: pixdim"))
        #expect(refusal.contains("$[1.5, 1.5, 1.5] if @shown#highres else [3.0, 3.0, 3.0]"))
        #expect(refusal.contains("--set 'pixdim=VALUE'"))
        var other = Bundles.brats
        other.postprocessing[3] = step("Lambdad", #""func": "$lambda x: x + 1""#, keys: "pred")
        #expect(
            try self.refusal(other).contains("postprocessing#transforms#3#func: is the function `$lambda x: x + 1`"))
    }

    @Test(
        "What is not known is refused by name, never passed over",
        arguments: [
            (step("RandFlipd"), "preprocessing#transforms#2: RandFlip is a transform"),
            (step("scripts.mine.Odd"), "preprocessing#transforms#2: scripts.mine.Odd is a transform"),
            (step("Spacingd", #""pixdim": [1, 1, 1], "mode": "bicubic""#), "transforms#2#mode: must be bilinear"),
            (step("Spacingd", #""pixdim": [1, 1, 1], "padding_mode": "zeros""#), "transforms#2#padding_mode"),
            (step("Spacingd", #""pixdim": "@gone""#), "transforms#2#pixdim: refers to gone, which is not there"),
            (
                step("ScaleIntensityd", #""gain": 2"#),
                "transforms#2#gain: is not known to this importer for ScaleIntensity"
            ),
            (step("CropForegroundd", #""select_fn": "$lambda x: x > 1""#), "transforms#2#select_fn"),
            (step("NormalizeIntensityd", #""nonzero": "$os.getenv('X')""#), "transforms#2#nonzero: is the expression"),
            (step("Orientationd", #""axcodes": "RAX""#), "transforms#2#axcodes"),
        ])
    func unknown(transform: String, field: String) throws {
        var bundle = Bundles.spleen
        bundle.preprocessing[2] = transform
        #expect(try refusal(bundle).contains(field))
    }

    @Test("Every fault is named in one run")
    func faults() throws {
        var bundle = Bundles.spleen
        bundle.preprocessing[2] = step("RandFlipd")
        bundle.inferer = #"{"_target_": "PatchInferer"}"#
        bundle.modality = "weather"
        let lines = try refusal(bundle).split(separator: "\n")
        #expect(lines.count == 3)
        #expect(lines.contains { $0.contains("network_data_format#inputs#image#modality: is weather") })
        #expect(lines.contains { $0.contains("inferer: PatchInferer") })
    }

    @Test("References in a circle, and a setting that is no id, are refused")
    func references() throws {
        var bundle = Bundles.spleen
        bundle.preprocessing[3] = step("Spacingd", #""pixdim": "@a""#)
        bundle.more = #""a": "@b", "b": "@a","#
        #expect(try refusal(bundle).contains("go in a circle"))
        #expect(try refusal(Bundles.spleen, set: ["pixdimm=[1,1,1]"]).contains("pixdimm: there is no such id"))
        #expect(try refusal(Bundles.spleen, set: ["pixdim"]).contains("must be ID=VALUE"))
    }

    @Test("Every top-level id of the bundle is in the report, with what became of it")
    func report() throws {
        let scratch = try Scratch()
        let bundle = Bundles.spleen
        let folder = try bundle.write(in: scratch.path)
        var report: ImportReport?
        let model = try BundleImporter.read(folder: folder, settings: ImportSettings(), report: &report)
        for (file, text) in [
            ("configs/inference.json", bundle.configuration), ("configs/metadata.json", bundle.metadata),
        ] {
            for member in try ConfigFile.parse(text, file: file).members {
                #expect(
                    model.report.fields.contains {
                        $0.file == file && ($0.path == member.key || $0.path.hasPrefix(member.key + "#"))
                    }, "\(file): \(member.key)")
            }
        }
        let output = scratch.path + "/package"
        _ = try PackageWriter(folder: output).write(model)
        let json = try ConfigFile.parse(
            String(contentsOfFile: output + "/import-report.json", encoding: .utf8), file: "report")
        #expect(json["outcome"] == .text("imported") && json["fields"]?.list?.count == model.report.fields.count)
        for name in ["CARD.md", "LICENSE", "import-report.md", "upstream/configs/inference.json"] {
            #expect(FileManager.default.fileExists(atPath: output + "/" + name))
        }
        #expect(throws: ImportError.self) { try PackageWriter(folder: output) }
    }
}
