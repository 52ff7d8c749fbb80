// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM
import GRDB

/// Another series that a run reads, as it was when the run was queued.
package struct JobInput: Sendable, Hashable {
    package var series: SeriesID
    /// Of its last instance. Its revision would not do: two series that are read with each other would renew each other for ever.
    package var arrivalSequence: Int64

    package init(series: SeriesID, arrivalSequence: Int64) {
        self.series = series
        self.arrivalSequence = arrivalSequence
    }
}

/// How a series stands to others of its study that a package reads with it.
package enum Companions: Sendable, Equatable {
    /// No package wants others.
    case none
    /// Others are awaited: the series is not settled before it was looked at again.
    case awaited
    /// Looked at. It is looked at again when a series of the study has arrived or changed.
    case settled
}

extension StudyIndex {
    /// The other series of the study, each with its instances.
    package func companions(of id: SeriesID) throws(IndexError) -> [SeriesEvidence] {
        let others = try reading { db in
            try Int64.fetchAll(
                db,
                sql:
                    "SELECT id FROM series WHERE study = (SELECT study FROM series WHERE id = ?) AND id <> ? ORDER BY id",
                arguments: [id.rawValue, id.rawValue])
        }
        var evidence: [SeriesEvidence] = []
        for other in others {
            if let other = try self.evidence(for: SeriesID(rawValue: other)) { evidence.append(other) }
        }
        return evidence
    }

    /// What the job reads beside its own series.
    package func inputs(of id: JobID) throws(IndexError) -> [JobInput] {
        try reading { db in try Self.inputs(id.rawValue, db) }
    }

    /// By package: what the final runs over this revision read beside the series, whatever became of them.
    package func finalInputs(of id: SeriesID, revision: Int64) throws(IndexError) -> [ModelIdentity: [JobInput]] {
        try reading { db in
            let rows = try Row.fetchAll(
                db,
                sql: "SELECT * FROM job WHERE series = ? AND revision = ? AND run = 'final' AND state <> 'superseded'",
                arguments: [id.rawValue, revision])
            return try rows.reduce(into: [:]) { $0[Self.identity(of: $1)] = try Self.inputs($1["id"], db) }
        }
    }

    private static func inputs(_ job: Int64, _ db: Database) throws -> [JobInput] {
        try Row.fetchAll(
            db, sql: "SELECT series, arrivalSequence FROM jobInput WHERE job = ? ORDER BY channel", arguments: [job]
        ).map { JobInput(series: SeriesID(rawValue: $0[0]), arrivalSequence: $0[1]) }
    }

    /// The series stays as it is until others have arrived, for this reason.
    package func hold(_ id: SeriesID, revision: Int64, reason: String) throws(IndexError) -> SeriesAnswer {
        try deciding(id, revision) { row, now, db in
            try Self.set(.awaited, of: id, db)
            guard row.state != .waiting || row.reason != reason else { return false }
            try db.execute(
                sql: "UPDATE series SET state = 'waiting', reason = ? WHERE id = ?", arguments: [reason, id.rawValue])
            try Ledger.changed(study: row.study, series: id.rawValue, detail: "waiting", at: now, boot: boot, db)
            return true
        }
    }

    /// What the series is analysed with has changed: as with an instance of its own that came late, what ran is superseded,
    /// what waits to run must not, and the series waits for its next run.
    package func renew(_ id: SeriesID, revision: Int64, reason: String) throws(IndexError) -> SeriesAnswer {
        try deciding(id, revision) { row, now, db in
            try db.execute(
                sql: """
                    UPDATE series SET revision = revision + 1, state = 'waiting', reason = '', companions = 1,
                        run = CASE WHEN run IS NULL THEN NULL ELSE 'superseded' END
                    WHERE id = ?
                    """, arguments: [id.rawValue])
            try db.execute(
                sql: "UPDATE job SET state = 'superseded', reason = ? WHERE series = ? AND state = 'queued'",
                arguments: [reason, id.rawValue])
            try Ledger.changed(study: row.study, series: id.rawValue, detail: reason, at: now, boot: boot, db)
            return true
        }
    }

    // MARK: Inside other transactions

    /// A series of the study is complete, or no longer: those that are read with others are looked at again.
    static func noteChange(of series: Int64, study: Int64, _ db: Database) throws {
        try db.cachedStatement(sql: "UPDATE series SET companions = 1 WHERE study = ? AND id <> ? AND companions = 0")
            .execute(arguments: [study, series])
    }

    static func set(_ companions: Companions, of id: SeriesID, _ db: Database) throws {
        let value: Int? =
            switch companions {
            case .none: nil
            case .awaited: 1
            case .settled: 0
            }
        try db.execute(sql: "UPDATE series SET companions = ? WHERE id = ?", arguments: [value, id.rawValue])
    }

    /// The series' state by its final runs, once none is outstanding and nothing else is awaited.
    func settle(_ id: SeriesID, _ revision: Int64, _ db: Database) throws {
        let isAwaiting = try Bool.fetchOne(
            db, sql: "SELECT companions = 1 FROM series WHERE id = ?", arguments: [id.rawValue])
        guard isAwaiting != true else { return }
        let finals = try Row.fetchAll(
            db,
            sql: """
                SELECT state, reason, modelName FROM job
                WHERE series = ? AND revision = ? AND run = 'final' AND state <> 'superseded' ORDER BY id
                """,
            arguments: [id.rawValue, revision])
        func reasons(_ state: String) -> String? {
            let texts = finals.filter { $0["state"] == state }.map {
                "\($0["modelName"] as String): \($0["reason"] as String)"
            }
            return texts.isEmpty ? nil : texts.joined(separator: "; ")
        }
        guard !finals.isEmpty, !finals.contains(where: { $0["state"] == "queued" || $0["state"] == "running" }) else {
            return
        }
        let (state, reason): (SeriesState, String) =
            if let reason = reasons("failed") { (.failed, reason) } else if let reason = reasons("refused") {
                (.notAnalysed, reason)
            } else { (.analysed, "") }
        let hasRun = finals.contains { $0["state"] == "done" }
        try db.execute(
            sql: "UPDATE series SET state = ?, reason = ?, run = CASE WHEN ? THEN 'final' ELSE run END WHERE id = ?",
            arguments: [state.rawValue, reason, hasRun, id.rawValue])
    }
}
