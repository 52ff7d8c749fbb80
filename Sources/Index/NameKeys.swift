// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM
import GRDB

/// The keys by which studies are found from their patients' names.
enum NameKeys {
    /// In place of those that the study has.
    static func write(_ patientName: String, study: Int64, _ db: Database) throws {
        try db.cachedStatement(sql: "DELETE FROM studyNameKey WHERE study = ?").execute(arguments: [study])
        let insert = try db.cachedStatement(sql: "INSERT INTO studyNameKey (key, study, isWhole) VALUES (?, ?, ?)")
        for entry in SearchKey(personName: patientName).entries {
            try insert.execute(arguments: [entry.key, study, entry.isWhole])
        }
    }

    /// Studies in one transaction: few enough that a process that is killed repeats little.
    static let batch = 1_000

    /// Writes the keys of studies that are older than the keys. What an earlier start did not finish goes on here.
    static func backfill(_ db: Database) throws {
        var isDone = false
        while !isDone {
            try db.inTransaction(.immediate) {
                let rows = try Row.fetchAll(
                    db,
                    sql: """
                        SELECT id, patientName FROM study, (SELECT doneStudy, lastStudy FROM searchBackfill)
                        WHERE id > doneStudy AND id <= lastStudy ORDER BY id LIMIT ?
                        """, arguments: [batch])
                for row in rows { try write(row[1], study: row[0], db) }
                isDone = rows.count < batch
                if let last = rows.last {
                    try db.execute(sql: "UPDATE searchBackfill SET doneStudy = ?", arguments: [last[0] as Int64])
                }
                return .commit
            }
        }
    }

    /// A condition on `study.id` for a query of a person's name as C-FIND states it; nil where every study matches.
    static func condition(_ pattern: SearchPattern) -> SQL? {
        if pattern.isUniversal { return nil }
        return any(
            pattern.groups.map { pattern in
                "SELECT study FROM studyNameKey WHERE isWhole = 1 AND \(compared(with: pattern))"
            })
    }

    /// For what a person types: every word begins a word of the name.
    static func condition(_ words: SearchWords) -> SQL {
        if words.patterns.isEmpty { return "0" }
        return words.patterns.map { pattern -> SQL in
            "study.id IN (SELECT study FROM studyNameKey WHERE \(compared(with: pattern)))"
        }.joined(separator: " AND ")
    }

    private static func any(_ selections: [SQL]) -> SQL {
        if selections.isEmpty { return "0" }
        return "study.id IN (\(selections.joined(separator: " UNION ")))"
    }

    private static func compared(with pattern: String) -> SQL {
        guard SearchPattern.hasWildcards(pattern) else { return "key = \(pattern)" }
        let (lower, upper) = SearchPattern.range(pattern)
        return "key >= \(lower) AND key < \(upper) AND key GLOB \(pattern)"
    }
}
