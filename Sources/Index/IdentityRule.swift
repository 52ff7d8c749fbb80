// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM

extension PatientIdentity {
    /// Words that stand where an ID should be. Compared without case, spaces and punctuation.
    private static let placeholders: Set<String> = [
        "", "UNKNOWN", "UNK", "ANONYMOUS", "ANON", "ANONYMIZED", "ANONYMISED", "NONE", "NULL", "NA", "NOID",
        "NOTAVAILABLE",
        "EMPTY", "TEST", "PATIENT", "PATIENTID", "PATID", "ID", "X", "XX", "XXX", "UNDEFINED", "UNSPECIFIED", "TEMP",
        "TRAUMA", "EMERGENCY", "DEFAULT", "NIL",
    ]

    /// Whether the ID tells one patient from another: empty and placeholder IDs never join studies.
    package var isIdentifying: Bool {
        let letters = patientID.uppercased().filter { $0.isLetter || $0.isNumber }
        if Self.placeholders.contains(letters) { return false }
        guard let first = letters.first, first.isNumber, Set(letters).count == 1 else { return true }
        // "0", "000", "9999", "11111111".
        return first != "0" && letters.count < 4
    }
}

/// What two statements of who the patient is say of each other (decision 14).
package struct IdentityComparison: Sendable, Equatable {
    /// Keywords of attributes in which they cannot be one patient: analysis must stop.
    package var disagreements: [String] = []
    /// Keywords of attributes that are written differently, or stated only once: worth a warning.
    package var variations: [String] = []

    /// An absent Issuer, Birth Date, Sex or Name states nothing and so contradicts nothing; an absent ID does not prove
    /// that the instance belongs to the patient whose ID the others state.
    package init(_ a: PatientIdentity, _ b: PatientIdentity) {
        func compare(
            _ keyword: String, _ x: String, _ y: String, absentAgrees: Bool = true, same: (String, String) -> Bool
        ) {
            guard x != y else { return }
            let (x, y) = (Self.trimmed(x), Self.trimmed(y))
            if x == y || same(x, y) || (absentAgrees && (x.isEmpty || y.isEmpty)) {
                variations.append(keyword)
            } else {
                disagreements.append(keyword)
            }
        }
        compare("PatientID", a.patientID, b.patientID, absentAgrees: false) { _, _ in false }
        compare("IssuerOfPatientID", a.issuerOfPatientID, b.issuerOfPatientID) { _, _ in false }
        compare("PatientBirthDate", a.patientBirthDate, b.patientBirthDate) {
            $0.filter(\.isNumber) == $1.filter(\.isNumber)
        }
        compare("PatientSex", a.patientSex, b.patientSex) { $0.uppercased() == $1.uppercased() }
        compare("PatientName", a.patientName, b.patientName, same: Self.isSameName)
    }

    /// Spaces before and after are not significant in LO, PN, CS and DA (PS3.5 6.2).
    private static func trimmed(_ text: String) -> String {
        var text = text[...]
        while text.first == " " { text.removeFirst() }
        while let last = text.last, last == " " || last == "\0" { text.removeLast() }
        return String(text)
    }

    /// The same name in another formatting: case, separators, order of components, titles and middle names left out, another
    /// representation (ideographic beside alphabetic). Some component group of each must hold the words of the other's.
    static func isSameName(_ a: String, _ b: String) -> Bool {
        let groupsA = words(a)
        let groupsB = words(b)
        for x in groupsA {
            for y in groupsB where x.isSubset(of: y) || y.isSubset(of: x) {
                // One word in common (a family name alone) is no proof that the rest was left out.
                if x == y || min(x.count, y.count) >= 2 { return true }
            }
        }
        return false
    }

    private static func words(_ name: String) -> [Set<String>] {
        name.split(separator: "=").map { group in
            Set(
                group.uppercased()
                    .split { !($0.isLetter || $0.isNumber) }
                    .map(String.init))
        }
        .filter { !$0.isEmpty }
    }
}
