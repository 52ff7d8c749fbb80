// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM
import Foundation
import Models

/// What no upstream description says, and every manifest needs.
enum ManifestDefaults {
    static let notFor = "Any decision about a patient, before a site has validated it on its own studies."
    /// VL Endoscopic Image Storage, and secondary captures in true color. PS3.6 A.
    static let endoscopy = ["1.2.840.10008.5.1.4.1.1.77.1.1", "1.2.840.10008.5.1.4.1.1.7.4"]

    /// Lower-case words with hyphens, as a manifest's name must be.
    static func name(_ text: String) -> String {
        var name = ""
        for character in text.lowercased() {
            if character.isASCII, character.isLetter || character.isNumber {
                name.append(character)
            } else if !name.isEmpty, name.last != "-" {
                name.append("-")
            }
        }
        if let first = name.first, !first.isLetter { name = "model-" + name }
        name = String(name.prefix(64))
        while name.hasSuffix("-") { name.removeLast() }
        return name.isEmpty ? "model" : name
    }

    /// Modality (0008,0060) by upstream's word; nil: not known.
    static func modalities(_ word: String) -> [String]? {
        let known: [String: [String]] = [
            "CT": ["CT"], "MR": ["MR"], "MRI": ["MR"], "MG": ["MG"], "MAMMOGRAM": ["MG"], "MAMMOGRAPHY": ["MG"],
            "XRAY": ["CR", "DX"], "X-RAY": ["CR", "DX"], "CXR": ["CR", "DX"], "DX": ["DX"], "CR": ["CR"],
            "US": ["US"], "ULTRASOUND": ["US"], "PET": ["PT"], "PT": ["PT"], "ES": ["ES"], "ENDOSCOPY": ["ES"],
        ]
        return known[word.uppercased()]
    }

    /// Modalities of which the node reads some images.
    private static let readable = ["CT", "MR", "CR", "DX", "MG", "US", "ES", "OT"]

    static func claim(_ modalities: [String], log: ImportLog) -> Rules {
        for modality in modalities where !readable.contains(modality) {
            log.warn("modality \(modality): the node reads no images of it; a series of it is not analysed")
        }
        var rules = Rules()
        rules.modality = modalities
        if !modalities.allSatisfy({ ["CT", "MR", "CR", "DX", "MG", "US"].contains($0) }) {
            let known = ["PT": ["1.2.840.10008.5.1.4.1.1.128"], "ES": endoscopy]
            rules.sopClasses = modalities.flatMap {
                known[$0]?.compactMap { UID($0) } ?? Rules.sopClasses(of: $0)
            }
        }
        return rules
    }

    static func unit(_ modalities: [String]) -> String {
        guard modalities.contains("CT") else { return "[arb'U]" }
        return modalities == ["CT"] ? "[hnsf'U]" : Manifest.Quality.anyUnit
    }

    /// MiB and seconds: room for a whole-body series; a site tightens it.
    static func budget(channels: Int) -> Manifest.Budget {
        var budget = ManifestParts.manifest.budget
        budget.memory = (channels > 32 ? 12_288 : 8192) << 20
        budget.time = 3600
        return budget
    }

    static func output(
        _ name: SegmentName, channel: Int, threshold: Double, confidence: Manifest.Confidence,
        postprocess: [Manifest.Postprocessing] = []
    ) -> Manifest.Output {
        var output = ManifestParts.output(name, channel: channel)
        output.threshold = threshold
        output.priority = .routine
        output.confidence = confidence
        output.postprocess = postprocess
        return output
    }

    /// A label once: upstream may give one name to two channels.
    static func unique(_ names: [String]) -> [String] {
        var seen: Set<String> = []
        return names.map { name in
            var label = String(name.trimmingCharacters(in: .whitespacesAndNewlines).prefix(64))
            if label.isEmpty { label = "unnamed" }
            var number = 2
            let base = String(label.prefix(59))
            while !seen.insert(label).inserted {
                label = "\(base) (\(number))"
                number += 1
            }
            return label
        }
    }
}
