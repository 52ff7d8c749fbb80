// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import GRDB

/// What the node counts, for metrics and `triaged status`.
package struct IndexCounts: Sendable, Equatable {
    /// Files kept, all versions; and SOP instances.
    package var files = 0
    package var instances = 0
    package var studies = 0
    package var patients = 0
    package var blockedStudies = 0
    /// Objects that reached a destination, or may have, and that a person must look at again.
    package var resultsToReview = 0
    /// By stored state; series with a running job are counted in `jobs`.
    package var series: [String: Int] = [:]
    /// By state: queued, running, done, refused, failed, superseded.
    package var jobs: [String: Int] = [:]
    package var deliveries: [String: Int] = [:]
    /// When the oldest delivery that is still pending was queued, milliseconds since 1970.
    package var oldestPendingDelivery: Int64?
    package var oldestQueuedJob: Int64?
    package var uncompared = 0

    package init(
        files: Int = 0, instances: Int = 0, studies: Int = 0, patients: Int = 0, blockedStudies: Int = 0,
        resultsToReview: Int = 0, series: [String: Int] = [:], jobs: [String: Int] = [:],
        deliveries: [String: Int] = [:],
        oldestPendingDelivery: Int64? = nil, oldestQueuedJob: Int64? = nil, uncompared: Int = 0
    ) {
        self.files = files
        self.instances = instances
        self.studies = studies
        self.patients = patients
        self.blockedStudies = blockedStudies
        self.resultsToReview = resultsToReview
        self.series = series
        self.jobs = jobs
        self.deliveries = deliveries
        self.oldestPendingDelivery = oldestPendingDelivery
        self.oldestQueuedJob = oldestQueuedJob
        self.uncompared = uncompared
    }
}

/// How one destination fares.
package struct DestinationCounts: Sendable, Equatable {
    package var destination: String
    package var deliveries: [String: Int]
    package var oldestPending: Int64?
    /// Of the delivery that failed last; empty where none did.
    package var lastComment: String

    package init(destination: String, deliveries: [String: Int], oldestPending: Int64? = nil, lastComment: String) {
        self.destination = destination
        self.deliveries = deliveries
        self.oldestPending = oldestPending
        self.lastComment = lastComment
    }
}

extension StudyIndex {
    /// Throws where the index cannot be read.
    package func probe() throws(IndexError) {
        _ = try reading { db in try Int.fetchOne(db, sql: "SELECT 1 FROM node") }
    }

    package func counts() throws(IndexError) -> IndexCounts {
        try reading { db in
            var counts = IndexCounts()
            func number(_ sql: String) throws -> Int { try Int.fetchOne(db, sql: sql) ?? 0 }
            func byState(_ table: String) throws -> [String: Int] {
                let rows = try Row.fetchAll(db, sql: "SELECT state, count(*) FROM \(table) GROUP BY state")
                return Dictionary(uniqueKeysWithValues: rows.map { ($0[0] as String, $0[1] as Int) })
            }
            // Rows of instances are never removed, so that the last one counts them without a walk over all.
            counts.files = try number("SELECT ifnull(max(id), 0) FROM instance")
            counts.instances =
                counts.files - (try number("SELECT count(*) FROM instance WHERE version <> 'first'"))
            counts.studies = try number("SELECT count(*) FROM study")
            counts.patients = try number("SELECT count(*) FROM patient")
            counts.blockedStudies = try number("SELECT count(DISTINCT study) FROM notice WHERE kind = 'block'")
            counts.resultsToReview = try number(
                "SELECT count(*) FROM result WHERE review <> '' AND isSuperseded = 0 AND \(Self.isDelivered)")
            counts.series = try byState("series")
            counts.jobs = try byState("job")
            counts.deliveries = try byState("delivery")
            counts.oldestPendingDelivery = try Int64.fetchOne(
                db, sql: "SELECT min(queuedAt) FROM delivery WHERE state IN ('pending', 'sending')")
            counts.oldestQueuedJob = try Int64.fetchOne(db, sql: "SELECT min(queuedAt) FROM job WHERE state = 'queued'")
            counts.uncompared = try number("SELECT count(*) FROM instance WHERE version = 'uncompared'")
            return counts
        }
    }

    package func destinations() throws(IndexError) -> [DestinationCounts] {
        try reading { db in
            let rows = try Row.fetchAll(
                db,
                sql: """
                    SELECT destination, state, count(*) AS number, min(queuedAt) AS oldest FROM delivery GROUP BY destination, state
                    """)
            return try Dictionary(grouping: rows, by: { $0["destination"] as String }).sorted { $0.key < $1.key }.map {
                name, rows in
                DestinationCounts(
                    destination: name,
                    deliveries: Dictionary(
                        uniqueKeysWithValues: rows.map { ($0["state"] as String, $0["number"] as Int) }),
                    oldestPending: rows.filter { ["pending", "sending"].contains($0["state"] as String) }
                        .map { $0["oldest"] as Int64 }.min(),
                    lastComment: try String.fetchOne(
                        db,
                        sql: """
                            SELECT trim(lastStatus || ' ' || comment) FROM delivery
                            WHERE destination = ? AND state IN ('pending', 'failed') AND comment <> '' ORDER BY id DESC LIMIT 1
                            """, arguments: [name]) ?? "")
            }
        }
    }
}
