// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM
import Models

extension ManifestWriter {
    static func quality(_ quality: Manifest.Quality) -> Entries {
        var entries: Entries = [("unit", .text(quality.unit))]
        if let value = quality.minimumExtent { entries.append(("minimumExtent", .number(value))) }
        if let value = quality.maximumSliceSpacing { entries.append(("maximumSliceSpacing", .number(value))) }
        if let value = quality.orientation { entries.append(("orientation", orientation(value))) }
        if let value = quality.negativeExtent { entries.append(("negativeExtent", .number(value))) }
        if let value = quality.examined {
            entries.append(
                (
                    "examined",
                    .flowMapping([
                        ("channel", .number(Double(value.channel))), ("minimumVolume", .number(value.minimumVolume)),
                    ])
                ))
        }
        if !quality.gates.isEmpty {
            let gates = quality.gates.map { gate -> (String, Value) in
                var rule: Entries = []
                if let warn = gate.warn { rule.append(("warn", range(warn))) }
                if let block = gate.block { rule.append(("block", range(block))) }
                return (gate.measure.rawValue, .flowMapping(rule))
            }
            entries.append(("gates", .mapping(gates)))
        }
        if !quality.whole.isEmpty {
            let whole = quality.whole.map { rule -> Value in
                .flowMapping([
                    ("label", .text(rule.label)), ("minimumVolume", .number(rule.minimumVolume)),
                    ("action", .word(rule.action.rawValue)),
                ])
            }
            entries.append(("whole", .sequence(whole)))
        }
        if let rule = quality.contrast {
            entries.append(
                (
                    "contrast",
                    .flowMapping([
                        ("label", .text(rule.label)), ("enhancedFrom", .number(rule.enhancedFrom)),
                        ("action", .word(rule.action.rawValue)),
                    ])
                ))
        }
        return entries
    }

    static func rules(_ rules: Rules) -> Entries {
        var entries: Entries = []
        if let value = rules.modality { entries.append(("modality", .flow(value.map { .text($0) }))) }
        if let value = rules.sopClasses { entries.append(("sopClasses", .flow(value.map { .text($0.string) }))) }
        if let value = rules.bodyPartExamined {
            var part: Entries = [
                ("oneOf", .flow(value.oneOf.map { .text($0) })), ("orEmpty", .boolean(value.orEmpty)),
            ]
            if let pattern = value.orDescription { part.append(("orDescription", .text(pattern))) }
            entries.append(("bodyPartExamined", .mapping(part)))
        }
        if let value = rules.imageType {
            var type: Entries = []
            if !value.contains.isEmpty { type.append(("contains", .flow(value.contains.map { .text($0) }))) }
            type.append(("excludes", .flow(value.excludes.map { .text($0) })))
            entries.append(("imageType", .flowMapping(type)))
        }
        let texts = [
            ("seriesDescription", rules.seriesDescription), ("studyDescription", rules.studyDescription),
            ("protocolName", rules.protocolName), ("convolutionKernel", rules.convolutionKernel),
        ]
        for case (let key, let text?) in texts {
            var rule: Entries = []
            if let include = text.include { rule.append(("include", .text(include))) }
            if let exclude = text.exclude { rule.append(("exclude", .text(exclude))) }
            entries.append((key, .mapping(rule)))
        }
        let ranges = [
            ("slices", rules.slices), ("sliceThickness", rules.sliceThickness), ("sliceSpacing", rules.sliceSpacing),
            ("pixelSpacing", rules.pixelSpacing),
        ]
        for case (let key, let given?) in ranges { entries.append((key, range(given))) }
        if let value = rules.contrast { entries.append(("contrast", .word(value.rawValue))) }
        if let value = rules.orientation { entries.append(("orientation", orientation(value))) }
        return entries
    }

    private static func range(_ range: Rules.Range) -> Value {
        var rule: Entries = []
        if let minimum = range.minimum { rule.append(("minimum", .number(minimum))) }
        if let maximum = range.maximum { rule.append(("maximum", .number(maximum))) }
        return .flowMapping(rule)
    }
}
