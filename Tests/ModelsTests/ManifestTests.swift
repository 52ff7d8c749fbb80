// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM
import Foundation
import Testing

@testable import Models

/// A manifest with every section; lines are counted by the tests.
let sample = """
    schema: 1
    name: sample
    version: 1.0
    title: A sample
    manufacturer: triaged
    use: research
    licence: {spdx: Apache-2.0, file: LICENSE}
    card: CARD.md
    intendedUse: tests
    network:
      file: network.onnx
      sha256: 0000000000000000000000000000000000000000000000000000000000000000
    claim:
      modality: [CT]
      bodyPartExamined: {oneOf: [HEAD]}
    require:
      slices: {minimum: 10, maximum: 500}
      sliceThickness: {maximum: 5}
    quality:
      unit: "[hnsf'U]"
      negativeExtent: 100
    preprocess:
      - orientation: RAS
      - spacing: {mm: [1.5, source, 2]}
      - scaleRange: {from: [-57, 164]}
    inference:
      slidingWindow: {roi: [96, 96, 64], overlap: 0.5, weighting: gaussian}
    decision:
      activation: softmax
      rule: threshold
      restore: linear
    outputs:
      - channel: 1
        threshold: 0.4
        label: Spleen
        code: ["78961009", SCT, Spleen]
        category: ["123037004", SCT, Anatomical Structure]
        type: ["78961009", SCT, Spleen]
        priority: routine
        confidence: {percentile: 95}
        postprocess:
          - keepLargest: {count: 1, connectivity: 6}
          - fillHoles: slices
    budget: {memory: 4096, time: 30}
    """

private func problems(_ text: String) -> [PackageError.Problem] {
    do throws(PackageError) {
        _ = try Manifest.read(text, file: "m.yaml")
        return []
    } catch {
        if case .invalid(let problems) = error { return problems }
        return []
    }
}

@Suite struct ManifestTests {
    @Test("Every value of a manifest arrives, with the documented defaults")
    func values() throws {
        let manifest = try Manifest.read(sample, file: "m.yaml")
        #expect(manifest.name == "sample" && manifest.version == "1.0" && manifest.use == .research)
        #expect(manifest.network.precision == .f32 && manifest.network.weights == nil)
        #expect(manifest.require.slices == .init(minimum: 10, maximum: 500))
        #expect(manifest.require.sliceThickness == .init(minimum: nil, maximum: 5))
        let steps: [Manifest.Preprocessing] = [
            .orientation(try #require(AxisCodes("RAS"))), .spacing(.init(mm: [1.5, nil, 2])),
            .scaleRange(from: -57...164, to: 0...1, clip: true),
        ]
        #expect(manifest.preprocess == steps)
        #expect(
            manifest.inference
                == .slidingWindow(
                    .init(
                        roi: [96, 96, 64], overlap: [0.5, 0.5, 0.5], weighting: .gaussian(sigma: 0.125),
                        padding: .constant(0))))
        #expect(
            manifest.decision
                == .init(activation: .softmax, rule: .threshold, restore: .linear, activatesAfterRestore: false))
        let output = manifest.outputs[0]
        #expect(output.code == Code("78961009", "SCT", "Spleen") && output.threshold == 0.4 && output.isReported)
        #expect(output.confidence == .percentile(95) && output.minimumVolume == 0)
        #expect(output.postprocess == [.keepLargest(count: 1, .six), .fillHoles(inSlices: true)])
        #expect(manifest.budget == .init(memory: 4096 << 20, time: 30))
        #expect(manifest.minimumChannels == 2)
    }

    @Test(
        "A wrong line is named with its number, and says what to write",
        arguments: [
            ("schema: 1", "schema: 2", 1, "`schema` must be 1, the only schema that this version of triaged reads"),
            (
                "use: research", "use: reserch", 6,
                "`use` is `reserch`, and must be one of demonstration, research, clinical; did you mean `research`?"
            ),
            ("intendedUse: tests", "intendeduse: tests", 9, "unknown key `intendeduse`; did you mean `intendedUse`?"),
            ("intendedUse: tests", "intendedUse:", 9, "`intendedUse` must be a text"),
            (
                "  file: network.onnx", "  file: ../network.onnx", 11,
                "`network.file` must be a path inside the package folder, without `..`"
            ),
            (
                "  file: network.onnx", "  file: network.pt", 11,
                "`network.file` must be an ONNX graph (.onnx) or OpenVINO IR (.xml)"
            ),
            (
                "0000000000000000\n", "000000000000000G\n", 12,
                "`network.sha256` must be 64 lower-case hexadecimal digits, as sha256sum prints them"
            ),
            ("  modality: [CT]", "  modality: CT", 14, "`claim.modality` must be a list of texts, such as [A, B]"),
            (
                "  bodyPartExamined: {oneOf: [HEAD]}", "  bodyPartExamined: {any: [HEAD]}", 15,
                "unknown key `any` in `claim.bodyPartExamined`; keys are oneOf, orEmpty, orDescription"
            ),
            (
                "  bodyPartExamined: {oneOf: [HEAD]}", "  seriesDescription: {include: '(head'}", 15,
                "`claim.seriesDescription.include` is not a regular expression: (head"
            ),
            (
                "minimum: 10, maximum: 500", "minimum: 500, maximum: 10", 17,
                "`require.slices` has a minimum of 500.0 above its maximum of 10.0"
            ),
            ("minimum: 10, maximum: 500", "minimum: many", 17, "`require.slices.minimum` must be a number"),
            (
                "sliceThickness: {maximum: 5}", "slicethicknes: {maximum: 5}", 18,
                "unknown key `slicethicknes` in `require`; did you mean `sliceThickness`?"
            ),
            (
                "negativeExtent: 100", "negativeExtent: -1", 21,
                "`quality.negativeExtent` is -1.0, outside 0.0 to 10000.0"
            ),
            (
                "orientation: RAS", "orientation: RAL", 23,
                "`preprocess[0].orientation` must be three letters, one each of R or L, A or P, and S or I, such as RAS or SPL"
            ),
            ("[1.5, source, 2]", "[1.5, 2]", 24, "`preprocess[1].spacing.mm` must be a list of 3 numbers"),
            (
                "from: [-57, 164]", "from: [164, -57]", 25,
                "`preprocess[2].scaleRange.from` must be [lower, upper] with lower below upper"
            ),
            (
                "- orientation: RAS", "- orientaton: RAS", 23,
                "unknown key `orientaton` in `preprocess[0]`; did you mean `orientation`?"
            ),
            (
                "- orientation: RAS", "- perChannel: [[], [{clip: [0, 1]}]]", 23,
                "`preprocess[0].perChannel` has steps for 2 channels, and the tensor has 1 there"
            ),
            (
                "- orientation: RAS", "- perChannel: [[{normalise: {}}]]", 23,
                "unknown key `normalise` in `preprocess[0].perChannel[0][0]`; did you mean `normalize`?"
            ),
            (
                "- orientation: RAS", "- perChannel: [{clip: [0, 1]}]", 23,
                "`preprocess[0].perChannel` must be a list with a list of steps for each channel"
            ),
            (
                "- orientation: RAS", "- perChannel: [[{normalize: {mean: [1, 2], deviation: [1, 2]}}]]", 23,
                "`preprocess[0].perChannel` has a `mean` of more than one number for a channel"
            ),
            (
                "- orientation: RAS", "- normalize: {mean: [1, 2], deviation: [1, 2]}", 23,
                "`preprocess[0].normalize` has means for 2 channels, and the tensor has 1 there"
            ),
            ("overlap: 0.5", "overlap: 1.5", 27, "`inference.slidingWindow.overlap` is 1.5, outside 0.0 to 0.99"),
            (
                "weighting: gaussian", "weighting: constant, sigma: 0.2", 27,
                "`inference.slidingWindow.sigma` belongs to `weighting: gaussian` only"
            ),
            (
                "slidingWindow: {", "fullVolume: {}\n  slidingWindow: {", 27,
                "`inference` must hold exactly one of `fullVolume`, `slidingWindow`, `slices`, `sliceSequence`, `projection`, `promptable`, `detection`"
            ),
            ("  rule: threshold", "  rule: argmax", 34, "`outputs[0].threshold` belongs to `rule: threshold` only"),
            (
                #"code: ["78961009", SCT, Spleen]"#, "code: [SCT, Spleen]", 36,
                "`outputs[0].code` must be [code value, coding scheme designator, code meaning]"
            ),
            (
                "connectivity: 6", "connectivity: 8", 42,
                "`outputs[0].postprocess[0].keepLargest.connectivity` is `8`, and must be one of 6, 18, 26"
            ),
            (
                "- fillHoles: slices", "- restrict: {to: Liver}", 43,
                "`outputs[0].postprocess[1].restrict.to` names `Liver`, which no earlier output has as its label"
            ),
            (
                "- fillHoles: slices",
                "- fillHoles: slices\n    midline: {landmark: Falx, code: [MIDLINE, 99X, Shift]}", 44,
                "`outputs[0].midline.landmark` must be the label of an earlier output"
            ),
            ("memory: 4096", "memory: 4 GB", 44, "`budget.memory` must be a whole number"),
        ])
    func faults(_ right: String, _ wrong: String, _ line: Int, _ message: String) {
        let text = sample.replacingOccurrences(of: right, with: wrong)
        #expect(text != sample)
        let found = problems(text)
        #expect(found.contains(.init(file: "m.yaml", line: line, message: message)), "\(found.map(\.description))")
    }

    @Test(
        "A missing key is named",
        arguments: [
            ("name", "name: sample\n"), ("manufacturer", "manufacturer: triaged\n"), ("card", "card: CARD.md\n"),
            ("budget", "budget: {memory: 4096, time: 30}"), ("network.file", "  file: network.onnx\n"),
            ("quality.unit", "  unit: \"[hnsf'U]\"\n"), ("decision.restore", "  restore: linear\n"),
            ("outputs[0].priority", "    priority: routine\n"), ("claim.modality", "  modality: [CT]\n"),
            ("outputs[0].category", "    category: [\"123037004\", SCT, Anatomical Structure]\n"),
        ])
    func missing(_ name: String, _ lines: String) {
        let text = sample.replacingOccurrences(of: lines, with: "")
        #expect(text != sample)
        #expect(problems(text).contains { $0.message.hasPrefix("`\(name)` is missing") })
    }

    @Test func `steps and kinds of slices arrive as they are written`() throws {
        let text = sample.replacingOccurrences(
            of: "  - orientation: RAS",
            with: """
                  - scaleStored: {to: [-1024, 1024]}
                  - stretchWindows: [{center: 40, width: 80}]
                  - resize: {size: [48, 64], method: bilinearBytes}
                """
        ).replacingOccurrences(
            of: "slidingWindow: {roi: [96, 96, 64], overlap: 0.5, weighting: gaussian}",
            with: "slices: {batch: 4, roi: [32, 48], overlap: 0.5, weighting: gaussian}")
        let manifest = try Manifest.read(text, file: "manifest.yaml")
        #expect(
            manifest.preprocess.prefix(3) == [
                .scaleStored(to: -1024...1024), .stretchWindows([.init(center: 40, width: 80)]),
                .resize(.init(size: [48, 64], method: .bilinearBytes, fit: .stretch)),
            ])
        #expect(
            manifest.inference
                == .slices(
                    .init(
                        batch: 4,
                        window: .init(
                            roi: [1, 32, 48], overlap: [0, 0.5, 0.5], weighting: .gaussian(sigma: 0.125),
                            padding: .constant(0)))))
        #expect {
            try Manifest.read(
                text.replacingOccurrences(of: "roi: [32, 48], ", with: ""), file: "manifest.yaml")
        } throws: { "\($0)".contains("`inference.slices.overlap` belongs to `roi` only") }
    }

    @Test("Probabilities are kept where asked for, and not of an output whose values are none")
    func probabilities() throws {
        #expect(try !Manifest.read(sample, file: "m.yaml").decision.keepsProbabilities)
        let asked = sample.replacing("  restore: linear", with: "  restore: linear\n  probabilities: true")
        #expect(try Manifest.read(asked, file: "m.yaml").decision.keepsProbabilities)
        let found = problems(asked.replacing("{percentile: 95}", with: "{fixed: 0.5}"))
        #expect(
            found.map(\.message) == [
                "`decision` has `probabilities`, and an output `confidence: {fixed: …}`: its values are none"
            ])
    }

    @Test("A claim that says nothing of SOP classes and Image Type keeps screens and scouts away")
    func defaults() throws {
        let claim = try Manifest.read(sample, file: "m.yaml").claim
        #expect(
            claim.sopClasses?.map(\.string).sorted() == [
                "1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.5.1.4.1.1.2.1", "1.2.840.10008.5.1.4.1.1.2.2",
            ])
        #expect(
            claim.imageType == .init(contains: [], excludes: ["LOCALIZER", "SECONDARY", "DOSE_INFO", "SCREEN SAVE"]))
        func read(_ line: String) throws -> Rules {
            try Manifest.read(
                sample.replacingOccurrences(of: "  modality: [CT]\n", with: "  modality: [CT]\n  \(line)\n"),
                file: "m.yaml"
            ).claim
        }
        #expect(
            try read("imageType: {contains: [axial]}").imageType
                == .init(contains: ["AXIAL"], excludes: claim.imageType?.excludes ?? []))
        #expect(try read("imageType: {excludes: []}").imageType == .init(contains: [], excludes: []))
        let found = problems(sample.replacingOccurrences(of: "modality: [CT]", with: "modality: [XA]"))
        #expect(
            found.map(\.message) == [
                "`claim.sopClasses` is missing: there is no SOP class known here for XA"
            ])
    }

    @Test("One reading names every fault")
    func several() {
        let text = sample.replacingOccurrences(of: "use: research", with: "use: x").replacingOccurrences(
            of: "time: 30", with: "tim: 30")
        #expect(problems(text).count == 3)
    }

    @Test("What is no YAML, or says a key twice, is told with its line")
    func yaml() {
        #expect(problems("schema: 1\nname: [a\n").first?.line != nil)
        #expect(problems("").first?.message == "the file is empty")
        #expect(problems("- a\n- b").first?.message == "the file must be a mapping of keys")
        let twice = problems(sample + "\nname: again\n")
        #expect(twice.count == 1 && twice[0].message.contains("name"))
    }

    @Test("The packages that the node ships are valid, and for demonstration only")
    func shipped() throws {
        let directory = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().appendingPathComponent("etc/models").path
        let packages = try ModelPackage.loadAll(directory: directory).map { try $0.get() }
        #expect(packages.map(\.identity.name) == ["head-ct-hyperdensity"])
        #expect(packages[0].identity.isDemonstration)
        #expect(packages[0].identity.digest.count == 64)
    }
}
