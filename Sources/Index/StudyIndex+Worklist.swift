// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM
import Foundation
import GRDB

extension StudyIndex {
    /// Studies as the worklist shows them, in order of arrival; the reading order is another's business.
    ///
    /// - Parameters:
    ///   - since: leaves out studies that arrived before (milliseconds since 1970) and are acknowledged, out of scope or
    ///     analysed as routine. What still wants to be read or looked after stays, however old.
    ///   - studyInstanceUID: only this one, however old.
    package func worklist(since: Int64? = nil, studyInstanceUID: UID? = nil) throws(IndexError) -> [WorklistStudy] {
        try reading { db in try Self.worklist(since: since, studyInstanceUID: studyInstanceUID, db) }
    }

    private static func worklist(since: Int64?, studyInstanceUID: UID?, _ db: Database) throws -> [WorklistStudy] {
        try worklist(of: Self.studies(since: since, studyInstanceUID: studyInstanceUID, db), db)
    }

    /// - Parameter studies: whole rows of `study`.
    static func worklist(of studies: [Row], _ db: Database) throws -> [WorklistStudy] {
        let selection = studies.map { "\($0["id"] as Int64)" }.joined(separator: ",")
        let notices = try grouped(
            db, "SELECT study, kind, reason FROM notice WHERE study IN (\(selection)) ORDER BY id")
        let series = try grouped(
            db,
            """
            SELECT series.*, (SELECT max(event.at) FROM event WHERE event.study = series.study AND event.kind = 'complete'
                    AND event.series = series.id) AS completeAt,
                EXISTS (SELECT 1 FROM job WHERE job.series = series.id AND job.state = 'running') AS isRunning,
                EXISTS (SELECT 1 FROM instance WHERE instance.series = series.id AND instance.version = 'uncompared') AS isUncompared
            FROM series WHERE study IN (\(selection)) ORDER BY id
            """)
        let jobs = try grouped(
            db,
            """
            SELECT series.study, series.revision AS currentRevision, series.lastInstanceMonotonic,
                series.lastArrivalSequence, series.boot, job.*
            FROM job JOIN series ON series.id = job.series WHERE series.study IN (\(selection)) ORDER BY job.outcomeSequence, job.id
            """)
        let findings = Dictionary(
            grouping: try Row.fetchAll(
                db,
                sql: """
                    SELECT finding.job, finding.detail FROM finding JOIN job ON job.id = finding.job
                        JOIN series ON series.id = job.series
                    WHERE series.study IN (\(selection)) ORDER BY finding.id
                    """), by: { $0["job"] as Int64 })
        let results = try grouped(
            db,
            """
            SELECT series.study, result.* FROM result JOIN job ON job.id = result.job
                JOIN series ON series.id = job.series
            WHERE series.study IN (\(selection)) ORDER BY result.id
            """)
        let deliveries = Dictionary(
            grouping: try Row.fetchAll(
                db,
                sql: """
                    SELECT delivery.*, EXISTS (SELECT 1 FROM retraction WHERE retraction.delivery = delivery.id) AS isRetracted
                    FROM delivery JOIN result ON result.id = delivery.result JOIN job ON job.id = result.job
                        JOIN series ON series.id = job.series
                    WHERE series.study IN (\(selection)) ORDER BY delivery.id
                    """), by: { $0["result"] as Int64 })

        return try studies.map { study in
            let id: Int64 = study["id"]
            return try assemble(
                study, notices: notices[id] ?? [], series: series[id] ?? [], jobs: jobs[id] ?? [], findings: findings,
                results: results[id] ?? [], deliveries: deliveries)
        }
    }

    private static func studies(since: Int64?, studyInstanceUID: UID?, _ db: Database) throws -> [Row] {
        if let uid = studyInstanceUID {
            return try Row.fetchAll(
                db, sql: "SELECT * FROM study WHERE studyInstanceUID = ?", arguments: [uid.string])
        }
        guard let since else { return try Row.fetchAll(db, sql: "SELECT * FROM study ORDER BY id") }
        // Three indexes give all that may be on the list; the rest is asked of these few.
        return try Row.fetchAll(
            db,
            sql: """
                SELECT * FROM study WHERE id IN (
                        SELECT id FROM study WHERE firstInstanceAt >= ?1
                        UNION SELECT id FROM study WHERE priority <> 'routine'
                        UNION SELECT study FROM series WHERE state NOT IN ('outOfScope', 'analysed'))
                    AND (firstInstanceAt >= ?1 OR acknowledgedAt IS NULL
                        OR acknowledgedThrough < (SELECT ifnull(max(job.outcomeSequence), 0) FROM job
                            JOIN series ON series.id = job.series WHERE series.study = study.id))
                ORDER BY id
                """, arguments: [since])
    }

    private static func grouped(_ db: Database, _ sql: String) throws -> [Int64: [Row]] {
        Dictionary(grouping: try Row.fetchAll(db, sql: sql), by: { $0["study"] as Int64 })
    }

    private static func assemble(
        _ study: Row, notices: [Row], series: [Row], jobs: [Row], findings: [Int64: [Row]], results: [Row],
        deliveries: [Int64: [Row]]
    ) throws -> WorklistStudy {
        let shown = try series.map { row -> WorklistSeries in
            let ownJobs = jobs.filter { $0["series"] == row["id"] as Int64 }
            var state: SeriesState = try row.stored("state")
            var reason: String = row["reason"]
            if row["isRunning"] { state = .analysing }
            if row["isUncompared"], reason.isEmpty { reason = "a copy in another encoding waits to be compared" }
            if reason.isEmpty, [.arriving, .waiting].contains(state), let words = waits(ownJobs) { reason = words }
            var models: [ModelIdentity] = []
            for model in ownJobs.map(Self.identity(of:)) where !models.contains(model) { models.append(model) }
            return WorklistSeries(
                id: SeriesID(rawValue: row["id"]), seriesInstanceUID: try row.uid("seriesInstanceUID"),
                modality: row["modality"],
                seriesNumber: row["seriesNumber"], seriesDescription: row["seriesDescription"],
                instances: row["instances"],
                state: state, reason: reason, evidence: row["evidence"], lastInstanceAt: row["lastInstanceAt"],
                completeAt: row["completeAt"], models: models, runs: try runs(ownJobs, findings))
        }
        return WorklistStudy(
            studyInstanceUID: try study.uid("studyInstanceUID"), sequence: study["id"],
            patient: PatientIdentity(
                patientID: study["patientID"], issuerOfPatientID: study["issuerOfPatientID"],
                patientName: study["patientName"],
                patientBirthDate: study["patientBirthDate"], patientSex: study["patientSex"]),
            accessionNumber: study["accessionNumber"], studyDescription: study["studyDescription"],
            studyDate: study["studyDate"], firstInstanceAt: study["firstInstanceAt"],
            worklistChangedAt: study["worklistChangedAt"], priority: try study.stored("priority"),
            blocks: notices.filter { $0["kind"] == "block" }.map { $0["reason"] as String },
            warnings: notices.filter { $0["kind"] == "warning" }.map { $0["reason"] as String },
            acknowledgement: (study["acknowledgedBy"] as String?).map { by in
                WorklistAcknowledgement(by: by, at: study["acknowledgedAt"], through: study["acknowledgedThrough"])
            },
            series: shown, results: try results.map { try result($0, deliveries[$0["id"]] ?? []) })
    }

    /// What a job that went back to the queue waits for; nil where none did.
    private static func waits(_ jobs: [Row]) -> String? {
        let job = jobs.first {
            $0["state"] == "queued" && $0["reason"] != "" && $0["revision"] == $0["currentRevision"] as Int64
        }
        return job.map { "\($0["modelName"] as String): \($0["reason"] as String)" }
    }

    /// `jobs`: of one series, in the order of their outcomes. Those that did not go through have a reason and no findings.
    private static func runs(_ jobs: [Row], _ findings: [Int64: [Row]]) throws -> [WorklistRun] {
        let ended = jobs.filter { $0["engineSeconds"] as Double? != nil && $0["outcomeSequence"] as Int64? != nil }
        return try ended.enumerated().map { place, row in
            let name: String = row["modelName"]
            let isReplaced = ended.dropFirst(place + 1).contains { $0["modelName"] == name && $0["state"] == "done" }
            let isStale = row["revision"] != row["currentRevision"] as Int64
            // A run that somebody asked for comes later, and first knew of nothing.
            let isOfThese = row["arrivalSequence"] as Int64? == row["lastArrivalSequence"] as Int64
            let last: Int64 = row["lastInstanceMonotonic"]
            let isSameBoot = row["endedBoot"] == row["boot"] as String
            return WorklistRun(
                sequence: row["outcomeSequence"], kind: try row.stored("run"),
                isSuperseded: isReplaced || isStale || row["state"] == "superseded", model: identity(of: row),
                findings: try (findings[row["id"]] ?? []).map {
                    try JSONDecoder().decode(Finding.self, from: Data(($0["detail"] as String).utf8))
                },
                notes: (row["notes"] as String).split(separator: "\n").map(String.init), startedAt: row["startedAt"],
                endedAt: row["endedAt"],
                secondsToNotification: isSameBoot && isOfThese
                    ? Double((row["endedMonotonic"] as Int64) - last) / 1e9 : nil,
                engineSeconds: row["engineSeconds"])
        }
    }

    private static func result(_ row: Row, _ deliveries: [Row]) throws -> WorklistResult {
        WorklistResult(
            sopClassUID: try row.uid("sopClassUID"), sopInstanceUID: try row.uid("sopInstanceUID"),
            isSuperseded: row["isSuperseded"], review: row["review"],
            deliveries: try deliveries.map { row in
                WorklistDelivery(
                    destination: row["destination"], state: try row.stored("state"), attempts: row["attempts"],
                    lastStatus: row["lastStatus"], comment: row["comment"],
                    proof: DeliveryProof(rawValue: row["proof"]), proofComment: row["proofComment"],
                    awaitsReport: row["nextProof"] == NextProof.report.rawValue, isRetracted: row["isRetracted"])
            })
    }

    /// Somebody has taken note of the study. Nil where there is no such study, else the time.
    ///
    /// - Parameter through: the last outcome that was on display; nil stands for all that is recorded by now.
    package func acknowledge(_ studyInstanceUID: UID, by person: String, through: Int64?) throws(IndexError) -> Int64? {
        let now = clock()
        let isKnown = try durably { db -> Bool in
            guard
                let study = try Int64.fetchOne(
                    db, sql: "SELECT id FROM study WHERE studyInstanceUID = ?", arguments: [studyInstanceUID.string])
            else { return false }
            try db.execute(
                sql: """
                    UPDATE study SET acknowledgedBy = ?, acknowledgedAt = ?,
                        acknowledgedThrough = ifnull(?, (SELECT ifnull(max(outcomeSequence), 0) FROM job))
                    WHERE id = ?
                    """, arguments: [person, now.wall, through, study])
            try Ledger.write(.acknowledged, study: study, detail: person, at: now, boot: boot, db)
            try Ledger.changed(study: study, detail: "acknowledged", at: now, boot: boot, db)
            return true
        }
        if isKnown { worklistChanged() }
        return isKnown ? now.wall : nil
    }
}
