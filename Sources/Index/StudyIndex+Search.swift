// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM
import Foundation
import GRDB

package struct WorklistSearch: Sendable {
    /// In order of arrival.
    package var studies: [WorklistStudy]
    /// There are older ones that match.
    package var isTruncated: Bool
}

extension StudyIndex {
    /// Studies that a person means by `text`, however old: the beginning of the patient ID or of the accession number, or
    /// words that begin words of the patient's name. Nothing where `text` says nothing.
    package func search(_ text: String, limit: Int = 200) throws(IndexError) -> WorklistSearch {
        try reading { db in
            let rows = try SQLRequest<Row>(
                literal: "SELECT * FROM study WHERE \(Self.searchCondition(text)) ORDER BY id DESC LIMIT \(limit + 1)"
            ).fetchAll(db)
            return WorklistSearch(
                studies: try Self.worklist(of: rows.prefix(limit).reversed(), db), isTruncated: rows.count > limit)
        }
    }

    static func searchCondition(_ text: String) -> SQL {
        // A Japanese keyboard may give digits and letters in full width.
        let number = text.precomposedStringWithCompatibilityMapping.trimmingCharacters(in: .whitespacesAndNewlines)
        if number.isEmpty { return "0" }
        let end = number + "\u{10FFFF}"
        return """
            ((patientID COLLATE NOCASE >= \(number) AND patientID COLLATE NOCASE < \(end))
            OR (accessionNumber COLLATE NOCASE >= \(number) AND accessionNumber COLLATE NOCASE < \(end))
            OR (\(NameKeys.condition(SearchWords(text)))))
            """
    }
}
