// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM
import Yams

extension Rules {
    static let keys = [
        "modality", "sopClasses", "bodyPartExamined", "imageType", "seriesDescription", "studyDescription",
        "protocolName", "convolutionKernel", "slices", "sliceThickness", "sliceSpacing", "pixelSpacing", "contrast",
        "orientation",
    ]

    /// Localizers, screen captures and dose pages are no input of a model, unless its manifest says what it excludes.
    static let excludedByDefault = ["LOCALIZER", "SECONDARY", "DOSE_INFO", "SCREEN SAVE"]

    /// The rules of `claim`: what it leaves out keeps pictures of screens and scouts away.
    static func readClaim(_ section: StrictSection) -> Rules {
        if !section.has("modality") { section.fault("modality", "is missing: a package claims by modality at least") }
        var rules = read(section)
        if rules.imageType == nil { rules.imageType = ImageType(contains: [], excludes: excludedByDefault) }
        if !section.has("sopClasses") {
            let modalities = rules.modality ?? []
            if let other = modalities.first(where: { ImageSOPClass.ofModality[$0] == nil }) {
                section.fault(
                    "sopClasses", "is missing: there is no SOP class known here for \(other)")
            }
            rules.sopClasses = modalities.flatMap(sopClasses)
        }
        return rules
    }

    /// Those of a `claim` for a modality; empty where none is known.
    package static func sopClasses(of modality: String) -> [UID] {
        (ImageSOPClass.ofModality[modality] ?? []).compactMap { ImageSOPClass.named[$0] }
    }

    static func read(_ section: StrictSection) -> Rules {
        var rules = Rules()
        rules.modality = section.texts("modality")
        rules.sopClasses = section.texts("sopClasses").map { words in
            words.compactMap { word in
                if let uid = ImageSOPClass.named[word] ?? UID(word) { return uid }
                let known = ImageSOPClass.named.keys.sorted()
                let near = nearest(to: word, among: known).map { "; did you mean `\($0)`?" } ?? ""
                section.fault(
                    "sopClasses", "has `\(word)`, neither a UID nor one of \(known.joined(separator: ", "))\(near)")
                return nil
            }
        }
        if let part = section.section("bodyPartExamined", keys: ["oneOf", "orEmpty", "orDescription"]) {
            if !part.has("oneOf") { part.fault("oneOf", "is missing") }
            rules.bodyPartExamined = BodyPart(
                oneOf: (part.texts("oneOf") ?? []).map { $0.uppercased() }, orEmpty: part.boolean("orEmpty") ?? false,
                orDescription: pattern(part, "orDescription"))
        }
        if let type = section.section("imageType", keys: ["contains", "excludes"]) {
            rules.imageType = ImageType(
                contains: (type.texts("contains") ?? []).map { $0.uppercased() },
                excludes: (type.texts("excludes", mayBeEmpty: true) ?? excludedByDefault).map { $0.uppercased() })
        }
        rules.seriesDescription = text(section, "seriesDescription")
        rules.studyDescription = text(section, "studyDescription")
        rules.protocolName = text(section, "protocolName")
        rules.convolutionKernel = text(section, "convolutionKernel")
        rules.slices = section.range("slices", 1...100_000)
        rules.sliceThickness = section.range("sliceThickness", 0...1000)
        rules.sliceSpacing = section.range("sliceSpacing", 0...1000)
        rules.pixelSpacing = section.range("pixelSpacing", 0...1000)
        rules.contrast = section.choice("contrast", Contrast.self)
        rules.orientation = orientation(section)
        return rules
    }

    static func orientation(_ section: StrictSection) -> Orientation? {
        guard let rule = section.section("orientation", keys: ["plane", "within"]) else { return nil }
        guard let plane = rule.requiredChoice("plane", Plane.self) else { return nil }
        return Orientation(plane: plane, within: rule.number("within", 0...90) ?? 30)
    }

    private static func text(_ section: StrictSection, _ key: String) -> Text? {
        guard let rule = section.section(key, keys: ["include", "exclude"]) else { return nil }
        if !rule.has("include"), !rule.has("exclude") { section.fault(key, "needs `include`, `exclude` or both") }
        return Text(include: pattern(rule, "include"), exclude: pattern(rule, "exclude"))
    }

    private static func pattern(_ section: StrictSection, _ key: String) -> String? {
        guard let text = section.text(key) else { return nil }
        do {
            _ = try Regex(text)
            return text
        } catch {
            section.fault(key, "is not a regular expression: \(text)")
            return nil
        }
    }
}
