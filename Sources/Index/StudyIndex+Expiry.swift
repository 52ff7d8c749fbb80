// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM
import GRDB
import Synchronization

/// A study whose files may go, as far as the index knows; an archive must be asked for each of them.
package struct ExpirableStudy: Sendable, Equatable {
    package struct Instance: Sendable, Hashable {
        package var id: Int64
        package var seriesInstanceUID: UID
        package var sopInstanceUID: UID
    }

    package var id: Int64
    package var studyInstanceUID: UID
    package var instances: [Instance]
}

/// A file whose row says that it is gone.
package struct Removal: Sendable, Hashable {
    package var epoch: Int64
    /// Relative to the store.
    package var path: String
}

extension StudyIndex {
    private static let day: Int64 = 86_400

    /// Settled in all its series, nothing on its way, nothing in doubt, one version of each instance; and something to remove.
    private static let mayExpire = """
        NOT EXISTS (SELECT 1 FROM notice WHERE notice.study = study.id AND notice.kind = 'block')
        AND NOT EXISTS (SELECT 1 FROM series WHERE series.study = study.id
            AND series.state NOT IN ('analysed', 'notAnalysed', 'outOfScope'))
        AND NOT EXISTS (SELECT 1 FROM series JOIN job ON job.series = series.id WHERE series.study = study.id
            AND job.state IN ('queued', 'running', 'failed'))
        AND NOT EXISTS (SELECT 1 FROM series JOIN job ON job.series = series.id JOIN result ON result.job = job.id
            LEFT JOIN delivery ON delivery.result = result.id
            WHERE series.study = study.id AND (result.review <> ''
                OR (result.isSuperseded = 0 AND (delivery.state IS NULL OR delivery.state NOT IN ('sent', 'committed')))
                OR delivery.state IN ('pending', 'sending', 'failed')))
        AND NOT EXISTS (SELECT 1 FROM series JOIN instance ON instance.series = series.id
            JOIN instance AS other ON other.sopInstanceUID = instance.sopInstanceUID AND other.id <> instance.id
            WHERE series.study = study.id)
        AND EXISTS (SELECT 1 FROM series JOIN instance ON instance.series = series.id WHERE series.study = study.id
            AND NOT EXISTS (SELECT 1 FROM expiredInstance WHERE expiredInstance.instance = instance.id))
        """

    /// The rule on a database that may have been made before or after storage commitment came.
    private static func rule(_ db: Database) throws -> String {
        guard try db.tableExists("committedInstance") else { return mayExpire }
        return mayExpire + """
             AND NOT EXISTS (SELECT 1 FROM series JOIN instance ON instance.series = series.id
                JOIN committedInstance ON committedInstance.instance = instance.id WHERE series.study = study.id)
            """
    }

    /// Studies that may expire, the oldest first. None where the wall clock, by which they are old, cannot be trusted.
    package func expirableStudies(limit: Int, except: Set<UID> = []) throws(IndexError) -> [ExpirableStudy] {
        let now = clock()
        let found = try reading { db -> [ExpirableStudy] in
            guard try !Self.isClockInDoubt(now, boot: boot, memory: nil, db) else { return [] }
            let rows = try Row.fetchCursor(
                db,
                sql: "SELECT id, studyInstanceUID FROM study WHERE \(try Self.rule(db)) ORDER BY firstInstanceAt, id")
            var studies: [ExpirableStudy] = []
            while studies.count < limit, let row = try rows.next() {
                let uid = try row.uid("studyInstanceUID")
                guard !except.contains(uid) else { continue }
                studies.append(
                    ExpirableStudy(
                        id: row["id"], studyInstanceUID: uid, instances: try Self.instances(ofStudy: row["id"], db)))
            }
            return studies
        }
        var quiet: [ExpirableStudy] = []
        for study in found where try !isBeingReceived(study: study.id) { quiet.append(study) }
        return quiet
    }

    private static func instances(ofStudy study: Int64, _ db: Database) throws -> [ExpirableStudy.Instance] {
        try Row.fetchAll(
            db,
            sql: """
                SELECT instance.id, series.seriesInstanceUID, instance.sopInstanceUID
                FROM series JOIN instance ON instance.series = series.id WHERE series.study = ?
                    AND NOT EXISTS (SELECT 1 FROM expiredInstance WHERE expiredInstance.instance = instance.id)
                ORDER BY instance.id
                """, arguments: [study]
        ).map {
            ExpirableStudy.Instance(
                id: $0["id"], seriesInstanceUID: try $0.uid("seriesInstanceUID"),
                sopInstanceUID: try $0.uid("sopInstanceUID"))
        }
    }

    private func isBeingReceived(study: Int64) throws(IndexError) -> Bool {
        let series = try reading { db in
            try Int64.fetchAll(db, sql: "SELECT id FROM series WHERE study = ?", arguments: [study])
        }
        return associations.withLock { open in series.contains { !open[SeriesID(rawValue: $0)].isEmpty } }
    }

    /// Stepped within the last day, as far as it was noticed (docs/decisions/16).
    private static func isClockInDoubt(
        _ now: Moment, boot: String, memory: WriterMemory?, _ db: Database
    ) throws -> Bool {
        if let offset = memory?.wallOffset, abs(now.wall - now.monotonic / 1_000_000 - offset) > 2_000 { return true }
        return try Bool.fetchOne(
            db,
            sql: """
                SELECT EXISTS (SELECT 1 FROM event WHERE kind = 'clockStep'
                    AND CASE WHEN boot = ? THEN ? - monotonic < ? ELSE abs(? - at) < ? END)
                """,
            arguments: [boot, now.monotonic, day * 1_000_000_000, now.wall, day * 1000]) ?? true
    }

    /// Gives up the files of a study that an archive holds whole: from when this returns the rows say so, on disk, and the
    /// caller removes the files. False where anything has changed since it was chosen.
    package func expire(_ study: ExpirableStudy, heldBy archive: String) throws(IndexError) -> Bool {
        guard try !isBeingReceived(study: study.id) else { return false }
        let now = clock()
        return try durably { db -> Bool in
            guard try !Self.isClockInDoubt(now, boot: boot, memory: memory, db),
                try Int64.fetchOne(
                    db, sql: "SELECT id FROM study WHERE id = ? AND \(try Self.rule(db))", arguments: [study.id])
                    != nil,
                try Self.instances(ofStudy: study.id, db) == study.instances
            else { return false }
            for instance in study.instances {
                try db.execute(
                    sql: "INSERT INTO expiredInstance (instance, archive, expiredAt) VALUES (?, ?, ?)",
                    arguments: [instance.id, archive, now.wall])
                try db.execute(
                    sql: "INSERT OR IGNORE INTO removal (epoch, path) SELECT epoch, path FROM instance WHERE id = ?",
                    arguments: [instance.id])
            }
            try Ledger.write(
                .expired, study: study.id, detail: "\(study.instances.count) instances, held by \(archive)", at: now,
                boot: boot, db)
            return true
        }
    }

    /// Files to be removed now; never one that a row still promises.
    package func removals() throws(IndexError) -> [Removal] {
        try reading { db in
            try Row.fetchAll(
                db,
                sql: """
                    SELECT epoch, path FROM removal WHERE NOT EXISTS (SELECT 1 FROM instance
                        WHERE instance.epoch = removal.epoch AND instance.path = removal.path
                        AND NOT EXISTS (SELECT 1 FROM expiredInstance WHERE expiredInstance.instance = instance.id))
                    ORDER BY epoch, path
                    """
            ).map { Removal(epoch: $0[0], path: $0[1]) }
        }
    }

    /// Their names are off the disk.
    package func removed(_ removals: [Removal]) throws(IndexError) {
        try durably { db in
            for removal in removals {
                try db.execute(
                    sql: "DELETE FROM removal WHERE epoch = ? AND path = ?", arguments: [removal.epoch, removal.path])
            }
        }
    }

    /// Archives that hold what has expired of a series, with the number of instances; empty where all files are here.
    package func expired(in series: SeriesID) throws(IndexError) -> [(archive: String, instances: Int)] {
        try reading { db in
            try Row.fetchAll(
                db,
                sql: """
                    SELECT expiredInstance.archive, count(*) FROM instance
                        JOIN expiredInstance ON expiredInstance.instance = instance.id
                    WHERE instance.series = ? GROUP BY 1 ORDER BY 1
                    """, arguments: [series.rawValue]
            ).map { ($0[0], $0[1]) }
        }
    }

    package func expiredCount() throws(IndexError) -> Int {
        try reading { db in try Int.fetchOne(db, sql: "SELECT count(*) FROM expiredInstance") ?? 0 }
    }
}
