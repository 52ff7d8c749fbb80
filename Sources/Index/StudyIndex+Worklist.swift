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
    ///   - studyInstanceUID: only this one.
    package func worklist(since: Int64? = nil, studyInstanceUID: UID? = nil) throws(IndexError) -> [WorklistStudy] {
        try reading { db in try Self.worklist(since: since, studyInstanceUID: studyInstanceUID, db) }
    }

    private static func worklist(since: Int64?, studyInstanceUID: UID?, _ db: Database) throws -> [WorklistStudy] {
        let studies = try Row.fetchAll(
            db,
            sql: """
                SELECT * FROM study WHERE (?1 IS NULL OR studyInstanceUID = ?1)
                    AND (?2 IS NULL OR firstInstanceAt >= ?2 OR (acknowledgedAt IS NULL AND (priority <> 'routine' OR EXISTS (
                        SELECT 1 FROM series WHERE series.study = study.id AND series.state NOT IN ('outOfScope', 'analysed')))))
                ORDER BY id
                """, arguments: [studyInstanceUID?.string, since])
        let selection = studies.map { "\($0["id"] as Int64)" }.joined(separator: ",")
        let notices = try grouped(db, "SELECT study, kind, reason FROM notice WHERE study IN (\(selection)) ORDER BY id")
        let series = try grouped(
            db,
            """
            SELECT series.*, EXISTS (SELECT 1 FROM job WHERE job.series = series.id AND job.state = 'running') AS isRunning,
                EXISTS (SELECT 1 FROM instance WHERE instance.series = series.id AND instance.version = 'uncompared') AS isUncompared
            FROM series WHERE study IN (\(selection)) ORDER BY id
            """)
        let jobs = try grouped(
            db,
            """
            SELECT series.study, job.* FROM job JOIN series ON series.id = job.series WHERE series.study IN (\(selection))
            ORDER BY job.endedAt, job.id
            """)
        let findings = try grouped(
            db,
            """
            SELECT series.study, series.seriesInstanceUID, finding.detail, finding.isSuperseded, finding.codeValue,
                finding.codingSchemeDesignator, job.*, job.revision <> series.revision AS isStale
            FROM finding JOIN job ON job.id = finding.job JOIN series ON series.id = job.series
            WHERE series.study IN (\(selection)) ORDER BY finding.isSuperseded, finding.id DESC
            """)
        let results = try grouped(
            db,
            """
            SELECT series.study, series.seriesInstanceUID, job.isDemonstration, result.* FROM result JOIN job ON job.id = result.job
                JOIN series ON series.id = job.series
            WHERE series.study IN (\(selection)) ORDER BY result.id
            """)
        let deliveries = Dictionary(
            grouping: try Row.fetchAll(
                db,
                sql: """
                    SELECT delivery.* FROM delivery JOIN result ON result.id = delivery.result JOIN job ON job.id = result.job
                        JOIN series ON series.id = job.series
                    WHERE series.study IN (\(selection)) ORDER BY delivery.id
                    """), by: { $0["result"] as Int64 })

        return try studies.map { study in
            let id: Int64 = study["id"]
            return try assemble(
                study, notices: notices[id] ?? [], series: series[id] ?? [], jobs: jobs[id] ?? [], findings: findings[id] ?? [],
                results: results[id] ?? [], deliveries: deliveries)
        }
    }

    private static func grouped(_ db: Database, _ sql: String) throws -> [Int64: [Row]] {
        Dictionary(grouping: try Row.fetchAll(db, sql: sql), by: { $0["study"] as Int64 })
    }

    private static func assemble(
        _ study: Row, notices: [Row], series: [Row], jobs: [Row], findings: [Row], results: [Row], deliveries: [Int64: [Row]]
    ) throws -> WorklistStudy {
        let blocks = notices.filter { $0["kind"] == "block" }.map { $0["reason"] as String }
        let shown = try series.map { row -> WorklistSeries in
            let ownJobs = jobs.filter { $0["series"] == row["id"] as Int64 }
            var state: SeriesState = try row.stored("state")
            var reason: String = row["reason"]
            if row["isRunning"] { state = .analysing }
            if row["isUncompared"], reason.isEmpty { reason = "a copy in another encoding waits to be compared" }
            var models: [ModelIdentity] = []
            for model in ownJobs.map(model) where !models.contains(model) { models.append(model) }
            return WorklistSeries(
                id: SeriesID(rawValue: row["id"]), seriesInstanceUID: try row.uid("seriesInstanceUID"), modality: row["modality"],
                seriesNumber: row["seriesNumber"], seriesDescription: row["seriesDescription"], instances: row["instances"],
                state: state, run: try row.storedIfPresent("run"), reason: reason, evidence: row["evidence"], models: models)
        }
        let lastDone = jobs.last { ["done", "superseded"].contains($0["state"] as String) && $0["engineSeconds"] as Double? != nil }
        let state = WorklistStudy.state(of: shown.map(\.state), isBlocked: !blocks.isEmpty)
        let reasons =
            blocks
            + shown.filter { $0.state == state || $0.state == .failed || $0.state == .notAnalysed }.map(\.reason).filter { !$0.isEmpty }
        var modalities: [String] = []
        for series in shown where !series.modality.isEmpty && !modalities.contains(series.modality) { modalities.append(series.modality) }
        return WorklistStudy(
            studyInstanceUID: try study.uid("studyInstanceUID"),
            patient: PatientIdentity(
                patientID: study["patientID"], issuerOfPatientID: study["issuerOfPatientID"], patientName: study["patientName"],
                patientBirthDate: study["patientBirthDate"], patientSex: study["patientSex"]),
            accessionNumber: study["accessionNumber"], modalities: modalities, studyDescription: study["studyDescription"],
            studyDate: study["studyDate"], firstInstanceAt: study["firstInstanceAt"],
            lastInstanceAt: series.map { $0["lastInstanceAt"] as Int64 }.max() ?? study["firstInstanceAt"],
            worklistChangedAt: study["worklistChangedAt"], analysedAt: lastDone?["endedAt"], engineSeconds: lastDone?["engineSeconds"],
            state: state, run: WorklistStudy.run(of: shown.map(\.run)), priority: try study.stored("priority"),
            reason: unique(reasons).joined(separator: "; "), blocks: blocks,
            warnings: notices.filter { $0["kind"] == "warning" }.map { $0["reason"] as String },
            acknowledgedBy: study["acknowledgedBy"], acknowledgedAt: study["acknowledgedAt"], series: shown,
            findings: try self.findings(findings), results: try results.map { try result($0, deliveries[$0["id"]] ?? []) })
    }

    private static func unique(_ texts: [String]) -> [String] {
        var seen: Set<String> = []
        return texts.filter { seen.insert($0).inserted }
    }

    private static func model(_ row: Row) -> ModelIdentity {
        ModelIdentity(
            name: row["modelName"], version: row["modelVersion"], manufacturer: row["modelManufacturer"], digest: row["modelDigest"],
            isDemonstration: row["isDemonstration"])
    }

    /// `rows`: current findings first, then superseded ones, the latest first.
    private static func findings(_ rows: [Row]) throws -> [WorklistFinding] {
        var seen: Set<[String]> = []
        var shown: [WorklistFinding] = []
        for row in rows {
            let isSuperseded: Bool = row["isSuperseded"]
            let key: [String] = [row["seriesInstanceUID"], row["modelName"], row["codingSchemeDesignator"], row["codeValue"]]
            // Several current findings of one code are several findings; of superseded ones, one stands for all.
            if isSuperseded, seen.contains(key) { continue }
            seen.insert(key)
            let detail: String = row["detail"]
            let finding = try JSONDecoder().decode(Finding.self, from: Data(detail.utf8))
            if isSuperseded, finding.priority == .routine { continue }
            let isStale: Bool = row["isStale"]
            shown.append(
                WorklistFinding(
                    finding: finding, seriesInstanceUID: try row.uid("seriesInstanceUID"), model: model(row),
                    run: isSuperseded || isStale ? .superseded : try row.stored("run"), isVanished: isSuperseded))
        }
        return shown.reversed()
    }

    private static func result(_ row: Row, _ deliveries: [Row]) throws -> WorklistResult {
        WorklistResult(
            sopClassUID: try row.uid("sopClassUID"), sopInstanceUID: try row.uid("sopInstanceUID"),
            seriesInstanceUID: try row.uid("seriesInstanceUID"), isSuperseded: row["isSuperseded"], review: row["review"],
            isDemonstration: row["isDemonstration"],
            deliveries: try deliveries.map { row in
                WorklistDelivery(
                    destination: row["destination"], state: try row.stored("state"), proof: DeliveryProof(rawValue: row["proof"]),
                    attempts: row["attempts"], responseUnseen: row["responseUnseen"], lastStatus: row["lastStatus"],
                    comment: row["comment"])
            })
    }

    /// Somebody has taken note of the study. False where there is no such study.
    package func acknowledge(_ studyInstanceUID: UID, by person: String) throws(IndexError) -> Bool {
        let now = clock()
        let isKnown = try durably { db -> Bool in
            guard
                let study = try Int64.fetchOne(
                    db, sql: "SELECT id FROM study WHERE studyInstanceUID = ?", arguments: [studyInstanceUID.string])
            else { return false }
            try db.execute(
                sql: "UPDATE study SET acknowledgedBy = ?, acknowledgedAt = ? WHERE id = ?", arguments: [person, now.wall, study])
            try Ledger.write(.acknowledged, study: study, detail: person, at: now, boot: boot, db)
            try Ledger.changed(study: study, detail: "acknowledged", at: now, boot: boot, db)
            return true
        }
        if isKnown { worklistChanged() }
        return isKnown
    }
}
