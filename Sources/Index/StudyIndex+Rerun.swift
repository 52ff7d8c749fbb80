// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM
import Foundation
import GRDB

package enum RerunAnswer: Sendable, Equatable {
    /// So many series wait for their next run.
    case begun(series: Int)
    case noSuchStudy
    /// Nothing is changed.
    case refused(reason: String)
}

/// An object of an earlier run, and who was to get it.
package struct FormerResult: Sendable, Equatable {
    package var sopInstanceUID: UID
    package var seriesInstanceUID: UID
    package var destinations: [String]
}

extension StudyIndex {
    /// Objects of a class that the last run over other instances, or by another version of the package, has made of the
    /// series; and where that one was refused, those of the last that was not, as they stand until now. What counts is the
    /// content time: a run that is repeated has the same predecessors as the first time.
    package func formerResults(of job: JobID, sopClassUID: UID) throws(IndexError) -> [FormerResult] {
        try reading { db in
            let rows = try Row.fetchAll(
                db,
                sql: """
                    WITH earlier AS (
                        SELECT result.*, former.state, ifnull(former.contentAt, former.queuedAt) AS contentAt
                        FROM job JOIN job AS former ON former.series = job.series AND former.modelName = job.modelName
                            JOIN result ON result.job = former.id
                        WHERE job.id = ?1 AND former.run = 'final' AND result.sopClassUID = ?2
                            AND ifnull(former.contentAt, former.queuedAt) < job.contentAt
                    )
                    SELECT sopInstanceUID, seriesInstanceUID, (
                        SELECT json_group_array(destination) FROM delivery WHERE delivery.result = earlier.id)
                    FROM earlier WHERE contentAt = (SELECT max(contentAt) FROM earlier)
                        OR contentAt = (SELECT max(contentAt) FROM earlier WHERE state = 'done')
                    ORDER BY id
                    """, arguments: [job.rawValue, sopClassUID.string])
            return try rows.map { row in
                FormerResult(
                    sopInstanceUID: try row.uid("sopInstanceUID"),
                    seriesInstanceUID: try row.uid("seriesInstanceUID"),
                    destinations: try JSONDecoder().decode([String].self, from: Data((row[2] as String).utf8)))
            }
        }
    }

    /// Somebody asks for a new run of a study: its series are selected for and analysed again. What ran before stands until then.
    package func rerun(studyInstanceUID: UID) throws(IndexError) -> RerunAnswer {
        let now = clock()
        let answer = try durably { db -> RerunAnswer in
            guard
                let study = try Int64.fetchOne(
                    db, sql: "SELECT id FROM study WHERE studyInstanceUID = ?", arguments: [studyInstanceUID.string])
            else { return .noSuchStudy }
            if let reason = try Notice.blocks(study: study, db).first {
                return .refused(reason: "analysis is blocked: \(reason)")
            }
            let isExpired = try Bool.fetchOne(
                db,
                sql: """
                    SELECT EXISTS (SELECT 1 FROM expiredInstance JOIN instance ON instance.id = expiredInstance.instance
                        JOIN series ON series.id = instance.series WHERE series.study = ?)
                    """, arguments: [study])
            if isExpired == true {
                return .refused(reason: "instances of the study have expired here: send them again first")
            }
            let settled = try Int64.fetchAll(
                db,
                sql: """
                    SELECT id FROM series WHERE study = ? AND state NOT IN ('arriving', 'waiting') AND NOT EXISTS (
                        SELECT 1 FROM job WHERE job.series = series.id AND job.state IN ('queued', 'running'))
                    """, arguments: [study])
            guard !settled.isEmpty else {
                return .refused(reason: "its series are still arriving, or wait for a run already")
            }
            for series in settled {
                try db.execute(
                    sql: """
                        UPDATE series SET revision = revision + 1, state = 'waiting', reason = '',
                            companions = CASE WHEN companions IS NULL THEN NULL ELSE 1 END,
                            run = CASE WHEN run IS NULL THEN NULL ELSE 'superseded' END
                        WHERE id = ?
                        """, arguments: [series])
                try Ledger.changed(
                    study: study, series: series, detail: "asked to run again", at: now, boot: boot, db)
            }
            return .begun(series: settled.count)
        }
        if case .begun = answer { worklistChanged() }
        return answer
    }

    /// The content time of a run: that of an earlier one over the same instances, by the same package, of which objects stand, else
    /// of the first. The same result then has the same bytes, and goes nowhere twice (decision 9).
    static func setContentTime(of job: Int64, _ db: Database) throws {
        try db.execute(
            sql: """
                UPDATE job SET arrivalSequence = (SELECT lastArrivalSequence FROM series WHERE series.id = job.series)
                WHERE id = ?1
                """, arguments: [job])
        try db.execute(
            sql: """
                UPDATE job SET contentAt = ifnull((
                    SELECT former.contentAt FROM job AS former
                    WHERE former.contentAt IS NOT NULL AND former.series = job.series AND former.modelDigest = job.modelDigest
                        AND former.arrivalSequence = job.arrivalSequence AND former.id <> job.id
                        AND NOT EXISTS (
                            SELECT channel, series, arrivalSequence FROM jobInput WHERE jobInput.job = former.id
                            EXCEPT SELECT channel, series, arrivalSequence FROM jobInput WHERE jobInput.job = job.id)
                        AND NOT EXISTS (
                            SELECT channel, series, arrivalSequence FROM jobInput WHERE jobInput.job = job.id
                            EXCEPT SELECT channel, series, arrivalSequence FROM jobInput WHERE jobInput.job = former.id)
                    ORDER BY EXISTS (
                        SELECT 1 FROM result JOIN job AS maker ON maker.id = result.job
                        WHERE result.isSuperseded = 0 AND result.id NOT IN (SELECT result FROM retraction)
                            AND maker.series = former.series
                            AND maker.modelDigest = former.modelDigest AND maker.contentAt = former.contentAt
                    ) DESC, former.contentAt LIMIT 1
                ), queuedAt) WHERE id = ?1
                """, arguments: [job])
    }
}
