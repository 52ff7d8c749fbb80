// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import Models

/// Which MR series a channel's name means, by words of series descriptions.
enum SequenceClaims {
    private static let contrast = #"(\+ ?c\b|\bce\b|t1ce|t1c\b|\bgd\b|gado|gad\b|post|contrast|\bkm\b)"#

    /// The rule, and whether the name was known.
    static func rule(_ channel: String) -> (rule: Rules.Text, isKnown: Bool) {
        switch channel.uppercased().filter({ $0.isLetter || $0.isNumber }) {
        case "T1C", "T1CE", "T1GD", "T1WCE", "T1POST":
            (
                ManifestParts.text(
                    include: #"t1ce|t1c\b|(t1|mprage|bravo|spgr).*"# + contrast, exclude: "flair|without|pre.?contrast"),
                true
            )
        case "T1", "T1W", "T1N":
            (ManifestParts.text(include: "t1|mprage|bravo|spgr", exclude: contrast + "|flair"), true)
        case "T2", "T2W": (ManifestParts.text(include: "t2", exclude: #"flair|dark.?fluid|t2\*|swi"#), true)
        case "FLAIR", "T2FLAIR", "T2F": (ManifestParts.text(include: "flair|dark.?fluid|tirm", exclude: contrast), true)
        case "ADC": (ManifestParts.text(include: #"\badc\b|apparent diff"#, exclude: nil), true)
        case "DWI": (ManifestParts.text(include: "dwi|diff|trace", exclude: #"\badc\b|apparent"#), true)
        default: (ManifestParts.text(include: escaped(channel), exclude: nil), false)
        }
    }

    private static func escaped(_ text: String) -> String {
        text.map { $0.isLetter || $0.isNumber || $0 == " " ? String($0) : #"\"# + String($0) }.joined()
    }

    /// nil for a name that tells none.
    static func modalities(of name: String) -> [String]? {
        ManifestDefaults.modalities(name) ?? (rule(name).isKnown ? ["MR"] : nil)
    }

    static func channels(_ names: [String], modalities: [String], log: ImportLog) -> [Manifest.Channel] {
        names.map { name in
            var claim = Rules()
            // A channel that is named after a modality is the only one of it.
            if let own = ManifestDefaults.modalities(name), own.allSatisfy(modalities.contains),
                names.filter({ Self.modalities(of: $0) == own }).count == 1
            {
                claim.modality = own
                return ManifestParts.channel(name, claim)
            }
            let (rule, isKnown) = rule(name)
            if !isKnown {
                log.warn("channel \(name): its series is found by this word in the series description; see `channels`")
            }
            claim.modality = isKnown && modalities.contains("MR") ? ["MR"] : modalities
            claim.seriesDescription = rule
            return ManifestParts.channel(name, claim)
        }
    }
}
