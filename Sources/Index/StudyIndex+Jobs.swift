// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM
import GRDB

/// One run of one model package over one revision of a series.
package struct Job: Sendable, Equatable {
    package var id: JobID
    package var series: SeriesID
    package var studyInstanceUID: UID
    package var seriesInstanceUID: UID
    package var revision: Int64
    package var run: RunKind
    package var model: ModelIdentity
    /// Deaths of a worker under this job while the daemon lived.
    package var workerDeaths: Int
    /// Milliseconds since 1970.
    package var queuedAt: Int64
    /// What its results state: when the first run over the same instances by the same package was queued.
    package var contentAt: Int64
}

/// What became of a job whose worker died.
package enum AttemptOutcome: Sendable, Equatable {
    case queuedAgain
    case failed(reason: String)
}

/// What a start finds of the run before.
package struct Interruption: Sendable, Equatable {
    package var queuedAgain = 0
    package var failed = 0
    /// Sends whose response nobody saw.
    package var sends = 0

    package init(queuedAgain: Int = 0, failed: Int = 0, sends: Int = 0) {
        self.queuedAgain = queuedAgain
        self.failed = failed
        self.sends = sends
    }
}

extension StudyIndex {
    /// A worker may die under a job this often, and the daemon that often.
    package static let maximumWorkerDeaths = 2
    package static let maximumDaemonDeaths = 3

    /// Puts runs of these packages into the queue, once each, however often it is called. A final run takes the place of
    /// provisional ones that have not begun.
    ///
    /// - Parameters:
    ///   - inputs: other series that a package reads, in the order of its channels after the first.
    ///   - companions: see `Companions`.
    package func enqueue(
        _ id: SeriesID, revision: Int64, models: [ModelIdentity], inputs: [ModelIdentity: [JobInput]] = [:],
        run: RunKind, companions: Companions = .none
    ) throws(IndexError) -> SeriesAnswer {
        try deciding(id, revision) { row, now, db in
            var isNew = false
            for model in models {
                try db.execute(
                    sql: """
                        INSERT INTO job (series, revision, run, state, modelName, modelVersion, modelManufacturer, modelDigest,
                            isDemonstration, queuedAt, queuedMonotonic, queuedBoot)
                        VALUES (?, ?, ?, 'queued', ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING
                        """,
                    arguments: [
                        id.rawValue, revision, run.rawValue, model.name, model.version, model.manufacturer,
                        model.digest, model.isDemonstration, now.wall, now.monotonic, boot,
                    ])
                guard db.changesCount > 0 else { continue }
                isNew = true
                let job = db.lastInsertedRowID
                for (channel, input) in (inputs[model] ?? []).enumerated() {
                    try db.execute(
                        sql: "INSERT INTO jobInput (job, channel, series, arrivalSequence) VALUES (?, ?, ?, ?)",
                        arguments: [job, channel, input.series.rawValue, input.arrivalSequence])
                }
                try Self.setContentTime(of: job, db)
            }
            try Self.set(companions, of: id, db)
            if run == .final {
                try db.execute(
                    sql: """
                        UPDATE job SET state = 'superseded', reason = 'the final run takes its place'
                        WHERE series = ? AND run = 'provisional' AND state = 'queued'
                        """, arguments: [id.rawValue])
                // Ended without this run before, or with others, and looked at again.
                if isNew, row.state != .waiting {
                    try db.execute(
                        sql: "UPDATE series SET state = 'waiting', reason = '' WHERE id = ?", arguments: [id.rawValue])
                    try Ledger.changed(
                        study: row.study, series: id.rawValue, detail: "waiting", at: now, boot: boot, db)
                } else if companions == .settled {
                    try settle(id, revision, db)
                }
            }
            return isNew && row.state != .waiting
        }
    }

    package func job(_ id: JobID) throws(IndexError) -> Job? {
        try reading { db in
            try Row.fetchOne(db, sql: Self.jobs + " WHERE job.id = ?", arguments: [id.rawValue]).map(Self.job)
        }
    }

    private static let jobs = """
        SELECT job.*, study.studyInstanceUID, series.seriesInstanceUID FROM job
            JOIN series ON series.id = job.series JOIN study ON study.id = series.study
        """

    private static func job(_ row: Row) throws -> Job {
        Job(
            id: JobID(rawValue: row["id"]), series: SeriesID(rawValue: row["series"]),
            studyInstanceUID: try row.uid("studyInstanceUID"), seriesInstanceUID: try row.uid("seriesInstanceUID"),
            revision: row["revision"], run: try row.stored("run"),
            model: identity(of: row),
            workerDeaths: row["workerDeaths"], queuedAt: row["queuedAt"],
            contentAt: row["contentAt"] as Int64? ?? row["queuedAt"])
    }

    /// On disk before the worker hears of the job. False where the job may no longer run.
    package func beginAttempt(_ id: JobID) throws(IndexError) -> Bool {
        let now = clock()
        let isBegun = try durably { db -> Bool in
            let row = try JobRow(id, db)
            guard row.state == "queued", row.revision == row.current.revision, try !Self.hasStaleInput(id, db),
                try Self.objection(to: row.series, study: row.current.study, db) == nil
            else { return false }
            try db.execute(
                sql: "UPDATE job SET state = 'running', startedAt = ? WHERE id = ?", arguments: [now.wall, id.rawValue])
            try Ledger.write(
                .analysisStarted, study: row.current.study, series: row.series.rawValue, detail: row.run.rawValue,
                at: now,
                boot: boot, db)
            try Ledger.changed(
                study: row.current.study, series: row.series.rawValue, detail: "analysing", at: now, boot: boot, db)
            return true
        }
        if isBegun { worklistChanged() }
        return isBegun
    }

    /// To be called once after a start: queued jobs of packages that are gone, changed or no longer allowed end, and their
    /// series are open for selection again. Gives their number.
    package func withdrawJobs(except models: [ModelIdentity]) throws(IndexError) -> Int {
        try durably { db in
            let rows = try Row.fetchAll(db, sql: "SELECT * FROM job WHERE state = 'queued'")
            var count = 0
            for row in rows
            where !models.contains(where: { $0.digest == row["modelDigest"] && $0.name == row["modelName"] }) {
                let id: Int64 = row["id"]
                // Gone as if it had never been queued: selection decides anew, and may queue the same again one day.
                try db.execute(sql: "DELETE FROM job WHERE id = ? AND outcomeSequence IS NULL", arguments: [id])
                count += db.changesCount
            }
            return count
        }
    }

    /// The worker died, was killed or had to be stopped, while the daemon lives.
    package func attemptDied(_ id: JobID, reason: String) throws(IndexError) -> AttemptOutcome {
        let now = clock()
        let outcome = try durably { db -> AttemptOutcome in
            let row = try JobRow(id, db)
            guard row.state == "running" else { return .queuedAgain }
            try db.execute(
                sql: "UPDATE job SET workerDeaths = workerDeaths + 1, reason = ? WHERE id = ?",
                arguments: [reason, id.rawValue])
            guard row.workerDeaths + 1 >= Self.maximumWorkerDeaths else {
                try db.execute(sql: "UPDATE job SET state = 'queued' WHERE id = ?", arguments: [id.rawValue])
                return .queuedAgain
            }
            let whole = "the worker died \(row.workerDeaths + 1) times, last: \(reason)"
            try end(row, as: "failed", reason: whole, at: now, db)
            return .failed(reason: whole)
        }
        worklistChanged()
        return outcome
    }

    /// To be called once after a start, before any job or delivery is begun: what was under way when the daemon ended goes on.
    package func resume() throws(IndexError) -> Interruption {
        let now = clock()
        let interruption = try durably { db -> Interruption in
            var interruption = Interruption()
            for id in try Int64.fetchAll(db, sql: "SELECT id FROM job WHERE state = 'running' ORDER BY id") {
                let row = try JobRow(JobID(rawValue: id), db)
                try db.execute(sql: "UPDATE job SET daemonDeaths = daemonDeaths + 1 WHERE id = ?", arguments: [id])
                if row.daemonDeaths + 1 >= Self.maximumDaemonDeaths {
                    try end(
                        row, as: "failed", reason: "the daemon ended \(row.daemonDeaths + 1) times while this job ran",
                        at: now, db)
                    interruption.failed += 1
                } else {
                    try db.execute(sql: "UPDATE job SET state = 'queued' WHERE id = ?", arguments: [id])
                    interruption.queuedAgain += 1
                }
            }
            try db.execute(
                sql: """
                    UPDATE delivery SET state = 'pending', responseUnseen = 1, nextAttemptMonotonic = 0,
                        comment = 'the node ended before the response came'
                    WHERE state = 'sending'
                    """)
            interruption.sends = db.changesCount
            return interruption
        }
        worklistChanged()
        return interruption
    }

    // MARK: Ends of jobs

    struct JobRow {
        var id: JobID
        var series: SeriesID
        var state: String
        var run: RunKind
        var revision: Int64
        var modelName: String
        var workerDeaths: Int
        var daemonDeaths: Int
        var current: SeriesRow

        init(_ id: JobID, _ db: Database) throws {
            guard let row = try Row.fetchOne(db, sql: "SELECT * FROM job WHERE id = ?", arguments: [id.rawValue]) else {
                throw IndexError.noSuchRow(table: "job", id: id.rawValue)
            }
            self.id = id
            series = SeriesID(rawValue: row["series"])
            state = row["state"]
            run = try row.stored("run")
            revision = row["revision"]
            modelName = row["modelName"]
            workerDeaths = row["workerDeaths"]
            daemonDeaths = row["daemonDeaths"]
            current = try SeriesRow(series, db)
        }
    }

    /// Ends a job in any way, and its series with it where no other final run is outstanding.
    func end(
        _ row: JobRow, as state: String, reason: String, notes: [String] = [], engineSeconds: Double? = nil,
        at now: Moment,
        _ db: Database
    ) throws {
        try db.execute(
            sql: """
                UPDATE job SET state = ?, reason = ?, notes = ?, endedAt = ?, endedMonotonic = ?, endedBoot = ?, engineSeconds = ?,
                    outcomeSequence = (SELECT ifnull(max(outcomeSequence), 0) + 1 FROM job)
                WHERE id = ?
                """,
            arguments: [
                state, reason, notes.joined(separator: "\n"), now.wall, now.monotonic, boot, engineSeconds,
                row.id.rawValue,
            ])
        let series = row.series.rawValue
        try Ledger.write(
            .analysisEnded, study: row.current.study, series: series, detail: "\(row.run.rawValue) \(state)", at: now,
            boot: boot, db)
        try Ledger.changed(study: row.current.study, series: series, detail: state, at: now, boot: boot, db)
        guard state != "superseded", row.revision == row.current.revision else { return }
        guard row.run == .final else {
            if state == "done", row.current.run != .final {
                try db.execute(sql: "UPDATE series SET run = 'provisional' WHERE id = ?", arguments: [series])
            }
            return
        }
        try settle(row.series, row.revision, db)
    }
}
