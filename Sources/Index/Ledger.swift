// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import GRDB

/// What the ledger of times tells of. Stored by name: never rename one.
package enum LedgerKind: String, Sendable, Codable {
    case firstInstance, lastInstance, complete, analysisStarted, analysisEnded, worklistChanged, delivered
    case acknowledged, clockStep, expired
}

package struct LedgerEvent: Sendable, Equatable {
    package var kind: LedgerKind
    package var seriesInstanceUID: String?
    package var detail: String
    package var at: Moment
    package var boot: String
}

enum Ledger {
    static func write(
        _ kind: LedgerKind, study: Int64? = nil, series: Int64? = nil, detail: String = "", at moment: Moment,
        boot: String,
        _ db: Database
    ) throws {
        try db.cachedStatement(
            sql: "INSERT INTO event (study, series, kind, detail, at, monotonic, boot) VALUES (?, ?, ?, ?, ?, ?, ?)"
        ).execute(arguments: [study, series, kind.rawValue, detail, moment.wall, moment.monotonic, boot])
    }

    /// What the worklist shows of the study has changed.
    static func changed(
        study: Int64, series: Int64? = nil, detail: String, at moment: Moment, boot: String, _ db: Database
    ) throws {
        try db.execute(sql: "UPDATE study SET worklistChangedAt = ? WHERE id = ?", arguments: [moment.wall, study])
        try write(.worklistChanged, study: study, series: series, detail: detail, at: moment, boot: boot, db)
    }
}

extension StudyIndex {
    /// The times of a study, in the order in which they were written.
    package func events(studyInstanceUID: String) throws(IndexError) -> [LedgerEvent] {
        try reading { db in
            try Row.fetchAll(
                db,
                sql: """
                    SELECT event.kind, series.seriesInstanceUID, event.detail, event.at, event.monotonic, event.boot FROM event
                        JOIN study ON study.id = event.study LEFT JOIN series ON series.id = event.series
                    WHERE study.studyInstanceUID = ? ORDER BY event.id
                    """, arguments: [studyInstanceUID]
            ).map { row in
                LedgerEvent(
                    kind: try row.stored("kind"), seriesInstanceUID: row[1], detail: row[2],
                    at: Moment(wall: row[3], monotonic: row[4]), boot: row[5])
            }
        }
    }

    /// How far the wall clock jumped against the monotonic one, each time that it did.
    package func clockSteps() throws(IndexError) -> [String] {
        try reading { db in
            try String.fetchAll(
                // A literal, so that the partial index is used.
                db, sql: "SELECT detail FROM event WHERE kind = '\(LedgerKind.clockStep)' ORDER BY id")
        }
    }
}
