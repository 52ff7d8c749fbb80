// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM
import Testing

@testable import Models

@Suite struct QualityManifestTests {
    private func quality(_ text: String) -> (Manifest.Quality?, [String]) {
        let problems = StrictProblems(file: "m.yaml")
        guard let root = StrictSection(yaml: "quality:\n  unit: x\n" + text, keys: ["quality"], problems: problems)
        else {
            return (nil, problems.problems.map(\.description))
        }
        let quality = Manifest.quality(root)
        if let quality { Manifest.checkLabels(quality, outputs: [], root: root) }
        return (quality, problems.problems.map(\.description))
    }

    @Test("Gates come in one order with the ranges that pass, whatever order they are written in")
    func gates() throws {
        let (found, problems) = quality(
            """
              gates:
                motion: {warn: {maximum: 4}, block: {maximum: 8}}
                tilt: {block: {maximum: 30}}
            """)
        #expect(problems == [])
        #expect(
            try #require(found).gates == [
                .init(measure: .tilt, warn: nil, block: .init(minimum: nil, maximum: 30)),
                .init(
                    measure: .motion, warn: .init(minimum: nil, maximum: 4), block: .init(minimum: nil, maximum: 8)),
            ])
    }

    @Test(
        "A gate that is misspelt, empty, or about an output that is not there is refused",
        arguments: [
            (
                "  gates:\n    motoin: {warn: {maximum: 4}}",
                "m.yaml:4: unknown key `motoin` in `quality.gates`; did you mean `motion`?"
            ),
            ("  gates:\n    motion: {}", "m.yaml:4: `quality.gates.motion` needs `warn`, `block` or both"),
            (
                "  gates:\n    motion: {warn: {}}",
                "m.yaml:4: `quality.gates.motion.warn` needs `minimum`, `maximum` or both"
            ),
            (
                "  whole: [{label: Liver, action: stop}]",
                "m.yaml:3: `quality.whole[0].action` is `stop`, and must be one of warn, block"
            ),
            (
                "  whole: [{label: Liver, action: block}]",
                "m.yaml:2: `quality` names `Liver`, which is the label of no output"
            ),
            ("  contrast: {label: Aorta, action: warn}", "m.yaml:3: `quality.contrast.enhancedFrom` is missing"),
        ])
    func wrong(_ text: String, _ problem: String) {
        #expect(quality(text).1.contains(problem), "\(quality(text).1)")
    }
}
