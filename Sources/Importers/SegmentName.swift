// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import Crypto
import DICOM
import Foundation

/// What a channel's name stands for, in codes.
struct SegmentName: Equatable {
    var label: String
    var code: Code
    var category: Code
    var site: Code?
    var laterality: Code?
    /// Whether the name is in the table of SNOMED CT.
    var isKnown: Bool

    /// Coding scheme for names that have no known code; PS3.16 8 leaves 99… to everybody.
    static let ownScheme = "99TRIAGED"
    // PS3.16 CID 7150.
    static let anatomicalStructure = Code("91723000", "SCT", "Anatomical Structure")
    static let abnormalStructure = Code("49755003", "SCT", "Morphologically Abnormal Structure")
    static let left = Code("7771000", "SCT", "Left")
    static let right = Code("24028007", "SCT", "Right")

    init(_ name: String) {
        let label = String(name.trimmingCharacters(in: .whitespacesAndNewlines).prefix(64))
        var words = Self.words(label)
        self.label = label
        if let found = Self.structures[words.joined(separator: " ")] {
            // The whole name: "left atrium" is a structure, not the left one of two atria.
            self = .anatomy(found, label: label, side: nil)
            return
        }
        let side: Code? =
            words.contains("left") != words.contains("right") ? (words.contains("left") ? Self.left : Self.right) : nil
        let first = side.map { $0 == Self.left ? "left" : "right" }
        words.removeAll { $0 == "left" || $0 == "right" }
        let base = words.joined(separator: " ")
        if let first, let found = Self.structures[first + " " + base] {
            self = .anatomy(found, label: label, side: nil)
        } else if let found = Self.structures[base] {
            self = .anatomy(found, label: label, side: side)
        } else if let found = Self.lesion(words) {
            code = found.lesion
            category = Self.abnormalStructure
            site = found.site
            laterality = found.site == nil ? nil : side
            isKnown = true
        } else {
            code = Self.ownCode(label)
            category = Self.anatomicalStructure
            site = nil
            laterality = nil
            isKnown = false
        }
    }

    private init(label: String, code: Code, category: Code, site: Code?, laterality: Code?) {
        self.label = label
        self.code = code
        self.category = category
        self.site = site
        self.laterality = laterality
        isKnown = true
    }

    private static func anatomy(_ code: Code, label: String, side: Code?) -> SegmentName {
        SegmentName(
            label: label, code: code, category: anatomicalStructure, site: side == nil ? nil : code, laterality: side)
    }

    /// A code of our own: the name itself where it fits, else its beginning and eight digits of its SHA-256, so that
    /// one name has one code in every package. PS3.5 6.2: SH has 16 characters.
    static func ownCode(_ name: String) -> Code {
        let plain = words(name).joined(separator: "-").filter {
            $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "-")
        }
        if !plain.isEmpty, plain.count <= 16 { return Code(plain, ownScheme, String(name.prefix(64))) }
        let digest = SHA256.hash(data: Data(name.lowercased().utf8)).prefix(4).map { byte in
            let text = String(byte, radix: 16)
            return byte < 16 ? "0" + text : text
        }.joined()
        let head = plain.prefix(7)
        return Code(head.isEmpty ? digest : "\(head)-\(digest)", ownScheme, String(name.prefix(64)))
    }

    /// Lower-case words, misspellings of upstream put right, single letters and plurals of vertebrae as the table has them.
    private static func words(_ name: String) -> [String] {
        let corrected = ["kideny": "kidney", "vertebra": "vertebrae", "lt": "left", "rt": "right"]
        let words = name.lowercased().split { !($0.isLetter || $0.isNumber) }.map {
            corrected[String($0)] ?? String($0)
        }
        return words == ["vertebrae"] ? ["vertebra"] : words
    }

    private static func lesion(_ words: [String]) -> (lesion: Code, site: Code?)? {
        for (position, word) in words.enumerated() {
            guard let lesion = lesions[word] else { continue }
            var rest = words
            rest.remove(at: position)
            let organ = rest.filter { !["of", "the"].contains($0) }.joined(separator: " ")
            if organ.isEmpty { return (lesion, nil) }
            guard let site = structures[adjectives[organ] ?? organ] else { return nil }
            return (lesion, site)
        }
        return nil
    }

    private static let adjectives = [
        "pancreatic": "pancreas", "hepatic": "liver", "renal": "kidney", "pulmonary": "lung", "splenic": "spleen",
        "intracerebral": "brain", "cerebral": "brain", "colonic": "colon",
    ]

    private static let structures = table(AnatomyTable.structures)
    private static let lesions = table(AnatomyTable.lesions)

    private static func table(_ text: String) -> [String: Code] {
        var result: [String: Code] = [:]
        for line in text.split(separator: "\n") {
            let parts = line.split(separator: "|").map(String.init)
            for name in parts[2].split(separator: ",") {
                result[name.trimmingCharacters(in: .whitespaces)] = Code(parts[0], "SCT", parts[1])
            }
        }
        return result
    }
}
