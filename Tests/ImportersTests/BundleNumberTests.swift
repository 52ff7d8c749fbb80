// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Models
import Testing

@testable import Importers

/// Arguments that change a result, one by one, each at a value that is not its default.
struct BundleNumberTests {
    private func manifest(_ bundle: BundleFixture) throws -> Manifest {
        let folder = FileManager.default.temporaryDirectory.path + "/import-" + UUID().uuidString
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        var report: ImportReport?
        return try BundleImporter.read(
            folder: try bundle.write(in: folder), settings: ImportSettings(), report: &report
        ).manifest
    }

    private func spleen(_ change: (inout BundleFixture) -> Void) throws -> Manifest {
        var bundle = Bundles.spleen
        change(&bundle)
        return try manifest(bundle)
    }

    private func window(_ members: String) throws -> Manifest.Window {
        let manifest = try spleen {
            $0.inferer = #"{"_target_": "SlidingWindowInferer", "roi_size": [96, 80, 64], \#(members)}"#
        }
        guard case .slidingWindow(let window) = manifest.inference else {
            Issue.record("no window")
            return Manifest.Window(roi: [], overlap: [], weighting: .constant, padding: .replicate)
        }
        return window
    }

    @Test("Windows: what fills a small volume, one overlap or three, and the width of the Gaussian")
    func windows() throws {
        let window = try window(#""overlap": [0.1, 0.2, 0.3], "cval": -1.5, "mode": "gaussian", "sigma_scale": 0.2"#)
        #expect(window.roi == [96, 80, 64] && window.overlap == [0.1, 0.2, 0.3])
        #expect(window.padding == .constant(-1.5) && window.weighting == .gaussian(sigma: 0.2))
        #expect(try self.window(#""mode": "constant""#).overlap == [0.25, 0.25, 0.25])
    }

    @Test("Steps: without clip values go beyond, and a spacing that is not positive is the source's")
    func steps() throws {
        let manifest = try spleen {
            $0.preprocessing[3] = step("Spacingd", #""pixdim": [1.5, 1.5, -1], "mode": "nearest""#)
            $0.preprocessing[4] = step(
                "ScaleIntensityRanged", #""a_min": -57, "a_max": 164, "b_min": -1, "b_max": 1"#)
        }
        #expect(
            manifest.preprocess.suffix(2) == [
                .spacing(.init(mm: [1.5, 1.5, nil], interpolation: .nearest)),
                .scaleRange(from: -57...164, to: -1...1, clip: false),
            ])
    }

    @Test(
        "A margin beyond the image: upstream's default by its version, or what is given",
        arguments: [("1.4.0", "", true), ("1.5.0", "", false), ("1.5.1", #", "allow_smaller": true"#, true)])
    func crop(version: String, more: String, allowsSmaller: Bool) throws {
        let manifest = try spleen {
            $0.version = version
            $0.preprocessing[4] = step("CropForegroundd", #""source_key": "image", "margin": [1, 2, 3]"# + more)
        }
        #expect(
            manifest.preprocess.last
                == .cropForeground(ManifestParts.foreground(margin: [1, 2, 3], allowSmaller: allowsSmaller)))
    }

    @Test("Decisions: a threshold of its own, and components through faces alone")
    func decisions() throws {
        let manifest = try spleen {
            $0.postprocessing = [
                step("Activationsd", #""sigmoid": true"#, keys: "pred"),
                step("AsDiscreted", #""threshold": 0.3"#, keys: "pred"),
                step(
                    "KeepLargestConnectedComponentd",
                    #""applied_labels": [1], "connectivity": 1, "num_components": 2"#,
                    keys: "pred"),
                step("Invertd", #""transform": "@preprocessing", "nearest_interp": true"#, keys: "pred"),
            ]
        }
        #expect(manifest.decision == ManifestParts.decision(.sigmoid, .threshold, restore: .nearest))
        #expect(manifest.outputs.map(\.threshold) == [0.3])
        #expect(manifest.outputs.map(\.postprocess) == [[.keepLargest(count: 2, .six)]])
    }

    @Test("With argmax the first channel is the background, however it is called")
    func background() throws {
        let manifest = try spleen { $0.outputs = ["rest of the body", "spleen"] }
        #expect(manifest.outputs.map(\.label) == ["spleen"] && manifest.outputs.map(\.channel) == [1])
    }

    @Test("Detectors: the overlap and the numbers that its calls give")
    func detector() throws {
        var bundle = Bundles.nodules
        bundle.more = bundle.more.replacing("overlap=0.25", with: "overlap=0.4")
            .replacing("topk_candidates_per_level=1000", with: "topk_candidates_per_level=900")
        guard case .detection(let detector) = try manifest(bundle).inference else {
            Issue.record("no detector")
            return
        }
        #expect(detector.overlap == 0.4 && detector.candidates == 900)
    }
}
