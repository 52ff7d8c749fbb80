// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM
import Foundation
import GRDB

/// An encoded object that storage keeps, and where it goes.
package struct ResultFile: Sendable, Hashable {
    package var sopClassUID: UID
    package var sopInstanceUID: UID
    package var seriesInstanceUID: UID
    package var transferSyntaxUID: UID
    /// Relative to the store.
    package var path: String
    package var size: Int64
    /// SHA-256 of the file, lower-case hex.
    package var digest: String
    /// Names of destinations in the configuration.
    package var destinations: [String]
    /// What the object says of itself, for queries; a start reads what is missing here.
    package var header: InstanceHeader?

    package init(
        sopClassUID: UID, sopInstanceUID: UID, seriesInstanceUID: UID, transferSyntaxUID: UID, path: String,
        size: Int64,
        digest: String, destinations: [String], header: InstanceHeader? = nil
    ) {
        self.header = header
        self.sopClassUID = sopClassUID
        self.sopInstanceUID = sopInstanceUID
        self.seriesInstanceUID = seriesInstanceUID
        self.transferSyntaxUID = transferSyntaxUID
        self.path = path
        self.size = size
        self.digest = digest
        self.destinations = destinations
    }
}

package enum JobOutcome: Sendable, Equatable {
    /// The run went through. `results` of a provisional run are not kept.
    /// `notes`: what the run has to say about the series, one sentence each.
    case analysed(findings: [Finding], results: [ResultFile], notes: [String], engineSeconds: Double)
    /// A quality gate refused the series.
    /// Its `results` say so.
    case refused(reason: String, results: [ResultFile] = [])
    /// The worker lives and says that the run cannot succeed.
    case failed(reason: String)
    /// We stopped the run because nobody wanted it any more. Where it is wanted after all, it goes back to the queue.
    case stopped
}

package enum FinishAnswer: Sendable, Equatable {
    case recorded
    /// It was stopped although it is wanted; or it came to objects that were taken back somewhere, and runs again for others.
    case queuedAgain
    /// Instances came while the job ran: its findings may raise the priority, its results are not kept, the series runs again.
    case superseded
    /// The study has been blocked meanwhile: nothing of the run is kept.
    case blocked(reason: String)
    /// The job had ended before; nothing changes.
    case alreadyEnded
}

extension StudyIndex {
    /// Ends a job in one transaction: findings, results, deliveries, the states, the priority and the times.
    ///
    /// After any answer but `recorded` the caller may remove the files of `results` that it has just stored.
    package func finish(_ id: JobID, _ outcome: JobOutcome) throws(IndexError) -> FinishAnswer {
        let now = clock()
        let answer = try durably { db -> FinishAnswer in
            let row = try JobRow(id, db)
            guard row.state == "running" else { return .alreadyEnded }
            let study = row.current.study
            if let reason = try Notice.blocks(study: study, db).first {
                try end(row, as: "superseded", reason: reason, at: now, db)
                return .blocked(reason: reason)
            }
            let isStale = try row.revision != row.current.revision || isOvertaken(row, db) || Self.hasStaleInput(id, db)
            switch outcome {
            case .analysed(let findings, let results, let notes, let engineSeconds):
                if row.run == .final, !isStale, let uid = try Self.takenBack(among: results, db) {
                    try queueForOtherObjects(row, insteadOf: uid, at: now, db)
                    return .queuedAgain
                }
                // What came late shows, until a run over all instances replaces it; what was overtaken only raises.
                let isOvertaken = try isOvertaken(row, db)
                if !isOvertaken, !isStale, row.run == .final { try supersede(row, db) }
                try raisePriority(study: study, for: findings, db)
                for finding in findings { try insert(finding, job: id, db) }
                if row.run == .final, !isStale {
                    for result in results { _ = try insert(result, job: id, at: now, db) }
                }
                try end(
                    row, as: isStale ? "superseded" : "done",
                    reason: isOvertaken ? "overtaken by another run" : isStale ? "instances arrived while it ran" : "",
                    notes: notes, engineSeconds: engineSeconds, at: now, db)
            case .refused(let reason, let results):
                try doubt(row, "a later run was refused: \(reason)", isStale: isStale, db)
                if row.run == .final, !isStale {
                    try supersede(row, ended: "refused", db)
                    // The report of a refusal that was taken back somewhere stays so; the worklist has the reason.
                    for result in results where try Self.takenBack(among: [result], db) == nil {
                        _ = try insert(result, job: id, at: now, db)
                    }
                }
                try end(row, as: isStale ? "superseded" : "refused", reason: reason, at: now, db)
            case .failed(let reason):
                try doubt(row, "a later run failed: \(reason)", isStale: isStale, db)
                try end(row, as: isStale ? "superseded" : "failed", reason: reason, at: now, db)
            case .stopped:
                guard isStale else {
                    try db.execute(sql: "UPDATE job SET state = 'queued' WHERE id = ?", arguments: [id.rawValue])
                    return .queuedAgain
                }
                try end(row, as: "superseded", reason: "instances arrived while it ran; it was stopped", at: now, db)
            }
            return isStale ? .superseded : .recorded
        }
        if answer != .alreadyEnded { worklistChanged() }
        return answer
    }

    /// A later revision, or the final run of this one, has ended before.
    private func isOvertaken(_ row: JobRow, _ db: Database) throws -> Bool {
        try Bool.fetchOne(
            db,
            sql: """
                SELECT EXISTS (SELECT 1 FROM job WHERE series = ? AND modelName = ? AND state = 'done' AND id <> ?
                    AND (revision > ? OR (revision = ? AND run = 'final' AND ? = 'provisional')))
                """,
            arguments: [
                row.series.rawValue, row.modelName, row.id.rawValue, row.revision, row.revision, row.run.rawValue,
            ]) ?? false
    }

    /// Objects of earlier runs of the same package, in any version, on the series.
    /// - Parameter ended: only of runs that ended so; nil for all.
    private func supersede(_ row: JobRow, ended: String? = nil, _ db: Database) throws {
        let earlier =
            "SELECT id FROM job WHERE series = ? AND modelName = ? AND id <> ?" + (ended == nil ? "" : " AND state = ?")
        var arguments: StatementArguments = [row.series.rawValue, row.modelName, row.id.rawValue]
        if let ended { arguments += [ended] }
        // What takes others back stays true.
        try db.execute(
            sql: """
                UPDATE result SET isSuperseded = 1
                WHERE job IN (\(earlier)) AND id NOT IN (SELECT result FROM retraction)
                """, arguments: arguments)
        // What may have reached a destination keeps its state: it has to be retracted there.
        try db.execute(
            sql: """
                UPDATE delivery SET state = 'withdrawn', comment = 'superseded before it was delivered'
                WHERE state IN ('pending', 'failed') AND responseUnseen = 0
                    AND result IN (SELECT id FROM result WHERE isSuperseded = 1 AND job IN (\(earlier)))
                """, arguments: arguments)
    }

    /// Results of earlier revisions stand, but nothing confirms them any more.
    private func doubt(_ row: JobRow, _ reason: String, isStale: Bool, _ db: Database) throws {
        guard row.run == .final, !isStale else { return }
        try db.execute(
            sql: """
                UPDATE result SET review = ? WHERE review = '' AND isSuperseded = 0
                    AND job IN (SELECT id FROM job WHERE series = ? AND modelName = ? AND revision <> ?)
                """, arguments: [reason, row.series.rawValue, row.modelName, row.revision])
    }

    private func insert(_ finding: Finding, job: JobID, _ db: Database) throws {
        let detail = String(decoding: try JSONEncoder().encode(finding), as: UTF8.self)
        try db.execute(
            sql: """
                INSERT INTO finding (job, label, codeValue, codingSchemeDesignator, codeMeaning, confidence, priority, volumeML, detail)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
                """,
            arguments: [
                job.rawValue, finding.label, finding.code.value, finding.code.scheme, finding.code.meaning,
                finding.confidence,
                finding.priority.rawValue, finding.volumeML, detail,
            ])
    }

    /// Only ever upwards.
    private func raisePriority(study: Int64, for findings: [Finding], _ db: Database) throws {
        guard let highest = findings.map(\.priority).max(),
            let row = try Row.fetchOne(db, sql: "SELECT priority FROM study WHERE id = ?", arguments: [study])
        else { return }
        let before: Priority = try row.stored("priority")
        guard highest > before else { return }
        try db.execute(sql: "UPDATE study SET priority = ? WHERE id = ?", arguments: [highest.rawValue, study])
    }

    /// Gives its row.
    func insert(_ result: ResultFile, job: JobID, at now: Moment, _ db: Database) throws -> Int64 {
        let row: Int64
        if let known = try Row.fetchOne(
            db, sql: "SELECT id, digest FROM result WHERE sopInstanceUID = ?", arguments: [result.sopInstanceUID.string]
        ) {
            // The same inputs give the same object (decision 9): it stands again.
            guard known["digest"] == result.digest else {
                throw IndexError.resultUIDReused(sopInstanceUID: result.sopInstanceUID.string)
            }
            row = known["id"]
            try db.execute(
                sql: "UPDATE result SET job = ?, isSuperseded = 0, review = '' WHERE id = ?",
                arguments: [job.rawValue, row])
            try db.execute(
                sql:
                    "UPDATE delivery SET state = 'pending', nextAttemptMonotonic = 0 WHERE result = ? AND state = 'withdrawn'",
                arguments: [row])
        } else {
            try db.execute(
                sql: """
                    INSERT INTO result (job, sopClassUID, sopInstanceUID, seriesInstanceUID, transferSyntaxUID, path, size, digest, createdAt, header)
                    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                    """,
                arguments: [
                    job.rawValue, result.sopClassUID.string, result.sopInstanceUID.string,
                    result.seriesInstanceUID.string,
                    result.transferSyntaxUID.string, result.path, result.size, result.digest, now.wall,
                    try result.header.map(Self.json),
                ])
            row = db.lastInsertedRowID
        }
        for destination in result.destinations {
            try db.execute(
                sql: """
                    INSERT INTO delivery (result, destination, state, nextAttemptMonotonic, boot, queuedAt)
                    VALUES (?, ?, 'pending', 0, ?, ?) ON CONFLICT DO NOTHING
                    """, arguments: [row, destination, boot, now.wall])
        }
        return row
    }
}
