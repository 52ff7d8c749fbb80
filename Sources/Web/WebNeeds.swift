// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

// Web: what people and monitoring see over HTTP.
// Takes requests on one loopback port; gives the worklist page, the JSON API, health and metrics.
// Keeps only the last list that it read, to tell whether it changed.  Never decides order or priority, never serves a list
// that it could not just read, and never binds beyond loopback.

import DICOM
import Foundation

/// What the web server needs from the rest of the node.
package struct WebNeeds: Sendable {
    /// All studies, in reading order. Called at least every two seconds while a page is open.
    package var worklist: @Sendable () async throws -> [WorklistItem]
    /// Studies that a person means by the text, in reading order, also such as have left the worklist; and whether there
    /// are more of them than that.
    package var search: @Sendable (_ text: String) async throws -> (items: [WorklistItem], isTruncated: Bool)
    /// Nil where there is no such study. `runSequence` is the last run whose outcome the reader had on display; nil means all
    /// that is recorded by now.
    package var acknowledge: @Sendable (_ study: UID, _ by: String, _ runSequence: Int?) async throws -> Acknowledged?
    /// A new run of a study. Nil where there is no such study.
    package var rerun: @Sendable (_ study: UID) async throws -> Asked?
    /// What is parked or waits goes out at once, of one study or of all; gives the number of deliveries. Nil where there is no such study.
    package var deliver: @Sendable (_ study: UID?) async throws -> Int?
    /// Yields when the worklist may have changed; more often than needed does no harm, and a miss costs two seconds.
    package var changes: @Sendable () async -> AsyncStream<Void>
    /// One entry for each thing that must work before the node takes studies.
    package var readiness: @Sendable () async -> [ReadinessCheck]
    package var metrics: @Sendable () async -> NodeMetrics
    /// The last refusals, newest first.
    package var refusals: @Sendable () -> [RefusalItem]
    /// What everybody who looks at the worklist must know of the node; empty where there is nothing.
    package var notice: @Sendable () -> String
    /// Where the node takes studies, such as "TRIAGED on port 11112".
    package var receiving: String

    package init(
        worklist: @escaping @Sendable () async throws -> [WorklistItem],
        search: @escaping @Sendable (_ text: String) async throws -> (items: [WorklistItem], isTruncated: Bool),
        acknowledge:
            @escaping @Sendable (_ study: UID, _ by: String, _ runSequence: Int?) async throws -> Acknowledged?,
        rerun: @escaping @Sendable (_ study: UID) async throws -> Asked? = { _ in nil },
        deliver: @escaping @Sendable (_ study: UID?) async throws -> Int? = { _ in 0 },
        changes: @escaping @Sendable () async -> AsyncStream<Void>,
        readiness: @escaping @Sendable () async -> [ReadinessCheck],
        metrics: @escaping @Sendable () async -> NodeMetrics,
        refusals: @escaping @Sendable () -> [RefusalItem] = { [] },
        notice: @escaping @Sendable () -> String = { "" },
        receiving: String
    ) {
        self.worklist = worklist
        self.search = search
        self.acknowledge = acknowledge
        self.rerun = rerun
        self.deliver = deliver
        self.changes = changes
        self.readiness = readiness
        self.metrics = metrics
        self.refusals = refusals
        self.notice = notice
        self.receiving = receiving
    }
}

/// What came of a wish.
package enum Asked: Sendable, Equatable {
    /// For so many series.
    case begun(series: Int)
    case refused(reason: String)
}

package struct ReadinessCheck: Codable, Sendable, Equatable {
    /// Such as "associations", "index", "worker".
    package var name: String
    package var isReady: Bool
    /// What is wrong and what to do; empty where it is ready.
    package var reason: String

    package init(name: String, isReady: Bool, reason: String = "") {
        self.name = name
        self.isReady = isReady
        self.reason = reason
    }
}
