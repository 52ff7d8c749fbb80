// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM
import GRDB

/// Objects that one destination holds, or may hold, and that a later run superseded.
package struct Superseded: Sendable, Equatable {
    /// The run that took their place.
    package var job: JobID
    /// When, milliseconds since 1970.
    package var at: Int64
    package var studyInstanceUID: UID
    /// All of one study.
    package var deliveries: [Delivery]
}

extension StudyIndex {
    /// What is to be taken back at a destination, for one later run after the other.
    package func superseded(at destination: String, limit: Int = 100) throws(IndexError) -> [Superseded] {
        let held = try deliveries(
            """
            WHERE result.isSuperseded = 1 AND delivery.destination = ?
                AND (delivery.state IN ('sent', 'committed') OR (delivery.state = 'failed' AND delivery.responseUnseen = 1))
                AND NOT EXISTS (SELECT 1 FROM retraction WHERE retraction.delivery = delivery.id)
                AND NOT EXISTS (SELECT 1 FROM notice WHERE notice.study = study.id AND notice.kind = 'block')
            ORDER BY delivery.id LIMIT ?
            """, [destination, limit])
        guard !held.isEmpty else { return [] }
        var groups: [Superseded] = []
        for delivery in held {
            guard let (job, at) = try successor(of: delivery.id) else { continue }
            if let group = groups.firstIndex(where: { $0.job == job }) {
                groups[group].deliveries.append(delivery)
            } else {
                groups.append(
                    Superseded(
                        job: job, at: at, studyInstanceUID: delivery.studyInstanceUID, deliveries: [delivery]))
            }
        }
        return groups
    }

    /// The latest final run of the same package on the same series.
    private func successor(of delivery: DeliveryID) throws(IndexError) -> (JobID, Int64)? {
        try reading { db in
            try Row.fetchOne(
                db,
                sql: """
                    SELECT later.id, later.endedAt FROM delivery JOIN result ON result.id = delivery.result
                        JOIN job ON job.id = result.job
                        JOIN job AS later ON later.series = job.series AND later.modelName = job.modelName
                    WHERE delivery.id = ? AND later.run = 'final' AND later.state IN ('done', 'refused') AND later.id <> job.id
                    ORDER BY later.outcomeSequence DESC LIMIT 1
                    """, arguments: [delivery.rawValue]
            ).map { (JobID(rawValue: $0[0]), $0[1]) }
        }
    }

    /// True where the object is one of ours, by its UID.
    static func isResult(_ sopInstanceUID: UID, _ db: Database) throws -> Bool {
        let statement = try db.cachedStatement(sql: "SELECT EXISTS (SELECT 1 FROM result WHERE sopInstanceUID = ?)")
        return try Bool.fetchOne(statement, arguments: [sopInstanceUID.string]) ?? false
    }

    /// True where the series consists of results of ours that came back.
    package func isReturned(_ series: SeriesID) throws(IndexError) -> Bool {
        try reading { db in
            try Bool.fetchOne(
                db,
                sql: """
                    SELECT count(*) > 0 AND count(*) = sum(sopInstanceUID IN (SELECT sopInstanceUID FROM result))
                    FROM instance WHERE series = ?
                    """, arguments: [series.rawValue]) ?? false
        }
    }

    /// The first of them that was taken back at a destination: there it must not be read any more, whatever a later run says.
    static func takenBack(among results: [ResultFile], _ db: Database) throws -> UID? {
        try results.first { result in
            try Bool.fetchOne(
                db,
                sql: """
                    SELECT EXISTS (SELECT 1 FROM retraction JOIN delivery ON delivery.id = retraction.delivery
                        JOIN result ON result.id = delivery.result WHERE result.sopInstanceUID = ?)
                    """, arguments: [result.sopInstanceUID.string]) ?? false
        }?.sopInstanceUID
    }

    /// The run is made again with a content time of its own, and so with objects of its own (decision 9).
    func queueForOtherObjects(_ row: JobRow, insteadOf uid: UID, at now: Moment, _ db: Database) throws {
        try db.execute(
            sql: "UPDATE job SET state = 'queued', contentAt = ? WHERE id = ? AND contentAt < queuedAt",
            arguments: [now.wall, row.id.rawValue])
        guard db.changesCount > 0 else { throw IndexError.resultUIDReused(sopInstanceUID: uid.string) }
    }

    /// An object that takes others back goes into the outbox, in one step with what it takes back. False where one of them stands
    /// again by now.
    @discardableResult
    package func retract(_ superseded: Superseded, by note: ResultFile) throws(IndexError) -> Bool {
        let now = clock()
        let isDone = try durably { db -> Bool in
            let ids = superseded.deliveries.map { "\($0.id.rawValue)" }.joined(separator: ",")
            let standing = try Bool.fetchOne(
                db,
                sql: """
                    SELECT EXISTS (SELECT 1 FROM delivery JOIN result ON result.id = delivery.result
                        WHERE delivery.id IN (\(ids)) AND result.isSuperseded = 0)
                    """)
            if standing == true { return false }
            let result = try insert(note, job: superseded.job, at: now, db)
            for delivery in superseded.deliveries {
                try db.execute(
                    sql: "INSERT INTO retraction (delivery, result) VALUES (?, ?) ON CONFLICT DO NOTHING",
                    arguments: [delivery.id.rawValue, result])
            }
            return true
        }
        if isDone { worklistChanged() }
        return isDone
    }
}
