// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM
import GRDB

/// What became of a performed procedure step that a peer told of.
package enum StepAnswer: Sendable, Equatable {
    case kept
    case duplicate
    case unknown
    case ended
}

/// What is listed of a series, beside what is here.
package struct SeriesListing: Sendable, Equatable {
    package enum Source: String, Sendable { case performedProcedureStep, instanceAvailability }

    package var sources: Set<Source>
    package var total: Int
    package var missing: Int
    /// Here, and in no list.
    package var unlisted: Int
}

extension StudyIndex {
    /// A list that nothing came of is kept this long, milliseconds: 30 days.
    private static let listingAge: Int64 = 30 * 86_400_000

    /// N-CREATE: a step begins. Its lists count once it has ended.
    package func createStep(_ step: PerformedProcedureStep, callingAETitle: AETitle) throws(IndexError) -> StepAnswer {
        let now = clock()
        return try durably { db in
            guard try Self.stepState(step.sopInstanceUID, db) == nil else { return .duplicate }
            try db.execute(
                sql: """
                    INSERT INTO performedProcedureStep (sopInstanceUID, state, callingAETitle, createdAt) VALUES (?, ?, ?, ?)
                    """,
                arguments: [step.sopInstanceUID.string, step.state.rawValue, callingAETitle.string, now.wall])
            if let series = step.series {
                try Self.write(series, .performedProcedureStep, step.sopInstanceUID, at: now, db)
            }
            return .kept
        }
    }

    /// N-SET: lists replace those that the step had before; what the message leaves out stays.
    package func setStep(
        _ sopInstanceUID: UID, state: PerformedProcedureStep.State?, series: [ListedSeries]?
    ) throws(IndexError) -> StepAnswer {
        let now = clock()
        return try durably { db in
            guard let before = try Self.stepState(sopInstanceUID, db) else { return .unknown }
            guard before == .inProgress else { return .ended }
            if let state {
                try db.execute(
                    sql: "UPDATE performedProcedureStep SET state = ?, endedAt = ? WHERE sopInstanceUID = ?",
                    arguments: [state.rawValue, state == .inProgress ? nil : now.wall, sopInstanceUID.string])
                // Its lists may count from now on.
                try db.execute(
                    sql: "UPDATE listing SET at = ? WHERE source = 'performedProcedureStep' AND sopInstanceUID = ?",
                    arguments: [now.wall, sopInstanceUID.string])
            }
            if let series { try Self.write(series, .performedProcedureStep, sopInstanceUID, at: now, db) }
            return .kept
        }
    }

    /// Instance Availability Notification: another archive holds these.
    package func noteAvailability(_ sopInstanceUID: UID, series: [ListedSeries]) throws(IndexError) {
        let now = clock()
        try durably { db in try Self.write(series, .instanceAvailability, sopInstanceUID, at: now, db) }
    }

    private static func stepState(_ uid: UID, _ db: Database) throws -> PerformedProcedureStep.State? {
        try Row.fetchOne(
            db, sql: "SELECT state FROM performedProcedureStep WHERE sopInstanceUID = ?", arguments: [uid.string]
        ).map { try $0.stored("state") }
    }

    private static func write(
        _ series: [ListedSeries], _ source: SeriesListing.Source, _ sopInstanceUID: UID, at now: Moment, _ db: Database
    ) throws {
        try db.execute(sql: "DELETE FROM listing WHERE at < ?", arguments: [now.wall - listingAge])
        try db.execute(
            sql: "DELETE FROM listing WHERE source = ? AND sopInstanceUID = ?",
            arguments: [source.rawValue, sopInstanceUID.string])
        let insert = try db.cachedStatement(
            sql: "INSERT OR IGNORE INTO listedInstance (listing, sopInstanceUID) VALUES (?, ?)")
        for listed in series where !listed.sopInstanceUIDs.isEmpty {
            try db.execute(
                sql: "INSERT INTO listing (source, sopInstanceUID, seriesInstanceUID, at) VALUES (?, ?, ?, ?)",
                arguments: [source.rawValue, sopInstanceUID.string, listed.seriesInstanceUID.string, now.wall])
            let id = db.lastInsertedRowID
            for uid in listed.sopInstanceUIDs { try insert.execute(arguments: [id, uid.string]) }
        }
    }

    /// Lists that count: of notifications, and of steps that have ended.
    private static let countingListings = """
        SELECT listing.id, listing.source FROM listing LEFT JOIN performedProcedureStep AS step
            ON listing.source = 'performedProcedureStep' AND step.sopInstanceUID = listing.sopInstanceUID
        WHERE listing.seriesInstanceUID = ? AND (step.id IS NULL OR step.state <> 'inProgress')
        """

    /// Nil where nobody lists the series.
    static func listing(of seriesInstanceUID: UID, here: Set<UID>, _ db: Database) throws -> SeriesListing? {
        let rows = try Row.fetchAll(db, sql: countingListings, arguments: [seriesInstanceUID.string])
        guard !rows.isEmpty else { return nil }
        var listed: Set<String> = []
        for row in rows {
            let id: Int64 = row["id"]
            listed.formUnion(
                try String.fetchAll(
                    db, sql: "SELECT sopInstanceUID FROM listedInstance WHERE listing = ?", arguments: [id]))
        }
        guard !listed.isEmpty else { return nil }
        let present = Set(here.map(\.string))
        return SeriesListing(
            sources: Set(try rows.map { try $0.stored("source") }), total: listed.count,
            missing: listed.subtracting(present).count, unlisted: present.subtracting(listed).count)
    }

    /// The lists of a series have said what they can. A late instance makes the series wait for quiet.
    static func forgetListings(of series: Int64, _ db: Database) throws {
        try db.execute(
            sql: """
                DELETE FROM listing WHERE seriesInstanceUID = (SELECT seriesInstanceUID FROM series WHERE id = ?)
                """, arguments: [series])
    }
}
