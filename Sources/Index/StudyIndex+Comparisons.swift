// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM
import GRDB

/// A copy whose pixels a worker must compare with those of the first file of its SOP Instance UID.
package struct PendingComparison: Sendable, Equatable {
    /// The copy's row.
    package var id: Int64
    package var series: SeriesID
    package var sopInstanceUID: UID
    /// Relative to the store.
    package var first: String
    package var copy: String
}

package enum ComparisonVerdict: Sendable, Equatable {
    case samePixels
    case otherPixels
    /// The worker could not tell: the study stays unanalysed, with this reason.
    case undecided(reason: String)
}

extension StudyIndex {
    package func pendingComparisons(limit: Int = 100) throws(IndexError) -> [PendingComparison] {
        try reading { db in
            try Row.fetchAll(
                db,
                sql: """
                    SELECT copy.id, copy.series, copy.sopInstanceUID, first.path AS firstPath, copy.path AS copyPath
                    FROM instance AS copy JOIN instance AS first
                        ON first.sopInstanceUID = copy.sopInstanceUID AND first.version = 'first'
                    WHERE copy.version = 'uncompared' ORDER BY copy.id LIMIT ?
                    """, arguments: [limit]
            ).map { row in
                PendingComparison(
                    id: row[0], series: SeriesID(rawValue: row[1]), sopInstanceUID: try row.uid("sopInstanceUID"),
                    first: row[3], copy: row[4])
            }
        }
    }

    /// What a worker found. The same verdict twice changes nothing.
    package func resolve(_ comparison: PendingComparison, as verdict: ComparisonVerdict) throws(IndexError) {
        let now = clock()
        let changes = try durably { db -> Bool in
            let version: InstanceVersion = verdict == .samePixels ? .transcoded : .conflict
            try db.execute(
                sql: "UPDATE instance SET version = ? WHERE id = ? AND version = 'uncompared'",
                arguments: [version.rawValue, comparison.id])
            guard db.changesCount > 0 else { return false }
            let study =
                try Int64.fetchOne(
                    db, sql: "SELECT study FROM series WHERE id = ?", arguments: [comparison.series.rawValue]) ?? 0
            let reason: String? =
                switch verdict {
                case .samePixels: nil
                case .otherPixels: Notice.conflict("PixelData")
                case .undecided(let reason): Notice.undecided(reason)
                }
            if let reason {
                try Notice.block(
                    study: study, reason: reason, sopInstanceUID: comparison.sopInstanceUID, at: now, boot: boot, db)
            }
            return reason != nil
        }
        if changes { worklistChanged() }
    }
}
