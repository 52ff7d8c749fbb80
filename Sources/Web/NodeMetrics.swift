// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

/// What `/metrics` shows; totals count from the start of the node.
package struct NodeMetrics: Sendable, Equatable {
    package var version = ""
    package var startedAtUnixSeconds: Double = 0
    package var isReady = false
    package var instancesReceived: Int = 0
    package var bytesReceived: Int = 0
    package var duplicatesReceived: Int = 0
    /// By DIMSE status, such as "A700".
    package var instancesRefused: [String: Int] = [:]
    package var associationsOpen: Int = 0
    package var associationsAccepted: Int = 0
    package var associationsRejected: Int = 0
    /// By kind.
    package var refusals: [String: Int] = [:]
    /// By state of the worklist.
    package var studies: [String: Int] = [:]
    /// Studies that are not analysed, and whose results are not delivered, before somebody has looked at them.
    package var studiesBlocked: Int = 0
    /// Objects at a destination that came to be in doubt.
    package var resultsToReview: Int = 0
    /// Unacknowledged studies by priority.
    package var unread: [String: Int] = [:]
    package var jobsWaiting: Int = 0
    package var jobsRunning: Int = 0
    package var jobsFailed: Int = 0
    package var workerStarts: Int = 0
    package var workersAlive = 0
    package var deliveries: [Delivery] = []
    /// Storage commitment transactions, by state: requested, checked, reported, failed.
    package var commitments: [String: Int] = [:]
    package var committedFiles = 0
    package var oldestCommitmentSeconds: Double = 0
    /// Instances not committed to, by Failure Reason, such as "0112".
    package var commitmentsRefused: [String: Int] = [:]
    package var commitmentsDamaged = 0
    package var freeBytes: Int = 0
    package var instancesExpired: Int = 0
    package var reserveBytes: Int = 0
    /// Nil where nothing was received for long enough to tell.
    package var storageDaysLeft: Double?
    package var clockSteps: Int = 0
    /// Nil without DICOM over TLS.
    package var tls: TLS?
    /// Seconds from the last C-STORE response of a series to the change of the worklist.
    package var notification = Histogram(bounds: [0.3, 1, 3, 10, 30, 60, 120, 300])
    /// Seconds in the engine.
    package var engine = Histogram(bounds: [0.1, 0.3, 1, 3, 10, 30, 60, 120, 300])

    package struct TLS: Sendable, Equatable {
        /// Of the node's certificate; negative where it has expired.
        package var daysLeft: Double
        /// The files have changed and cannot be used.
        package var isReloadFailed: Bool

        package init(daysLeft: Double, isReloadFailed: Bool) {
            self.daysLeft = daysLeft
            self.isReloadFailed = isReloadFailed
        }
    }

    /// Objects for one destination in one state.
    package struct Delivery: Sendable, Equatable {
        package var destination: String
        package var state: String
        package var count: Int
        /// Of the oldest; 0 where there is none.
        package var oldestSeconds: Double

        package init(destination: String, state: String, count: Int, oldestSeconds: Double = 0) {
            self.destination = destination
            self.state = state
            self.count = count
            self.oldestSeconds = oldestSeconds
        }
    }

    package init() {}

    package var families: [MetricFamily] {
        [
            .gauge("triaged_build_info", "The running version.", [.init(["version": version], 1)]),
            .gauge("triaged_start_time_seconds", "Start of the node, seconds since 1970.", startedAtUnixSeconds),
            .gauge("triaged_ready", "1 where /readyz answers 200.", isReady ? 1 : 0),
            .counter("triaged_instances_received_total", "Instances acknowledged with success.", instancesReceived),
            .counter("triaged_received_bytes_total", "Bytes of data sets acknowledged with success.", bytesReceived),
            .counter("triaged_duplicates_received_total", "Instances that were already stored.", duplicatesReceived),
            .counter(
                "triaged_instances_refused_total", "Instances refused, by DIMSE status.", instancesRefused, "status"),
            .gauge("triaged_associations_open", "Associations open.", Double(associationsOpen)),
            .counter("triaged_associations_accepted_total", "Associations accepted.", associationsAccepted),
            .counter(
                "triaged_associations_rejected_total", "Associations and connections that were refused.",
                associationsRejected),
            .counter(
                "triaged_refusals_total", "What peers were refused, by kind, as GET /api/refusals lists it.", refusals,
                "kind"),
            .gauge("triaged_studies", "Studies, by state.", studies, "state"),
            .gauge(
                "triaged_studies_blocked",
                "Studies whose instances contradict each other: not analysed, not delivered.",
                Double(studiesBlocked)),
            .gauge(
                "triaged_results_to_review", "Delivered objects that a person must look at again.",
                Double(resultsToReview)),
            .gauge("triaged_studies_unread", "Studies not acknowledged, by priority.", unread, "priority"),
            .gauge("triaged_jobs_waiting", "Analyses waiting.", Double(jobsWaiting)),
            .gauge("triaged_jobs_running", "Analyses running.", Double(jobsRunning)),
            .counter("triaged_jobs_failed_total", "Analyses given up.", jobsFailed),
            .counter("triaged_worker_starts_total", "Starts of worker processes.", workerStarts),
            .gauge("triaged_worker_alive", "Worker processes that run.", Double(workersAlive)),
            .gauge(
                "triaged_deliveries", "Objects in the outbox, by destination and state.",
                deliveries.map { .init(["destination": $0.destination, "state": $0.state], Double($0.count)) }),
            .gauge(
                "triaged_delivery_oldest_seconds", "Age of the oldest object, by destination and state.",
                deliveries.map { .init(["destination": $0.destination, "state": $0.state], $0.oldestSeconds) }),
            .gauge(
                "triaged_commitments",
                "Storage commitment transactions: requested (to be checked), checked (to be reported), reported, failed (given up).",
                commitments, "state"),
            .gauge(
                "triaged_commitment_oldest_seconds", "Age of the oldest request whose report has not arrived.",
                oldestCommitmentSeconds),
            .gauge(
                "triaged_committed_files", "Stored files that are committed to and never removed.",
                Double(committedFiles)),
            .counter(
                "triaged_commitments_refused_total", "Instances not committed to, by Failure Reason.",
                commitmentsRefused,
                "reason"),
            .counter(
                "triaged_commitments_damaged_total", "Instances not committed to because a stored file is damaged.",
                commitmentsDamaged),
            .gauge("triaged_storage_free_bytes", "Free space where instances are stored.", Double(freeBytes)),
            .counter(
                "triaged_instances_expired_total", "Instances whose files were removed, as an archive holds them.",
                instancesExpired),
            .gauge(
                "triaged_storage_reserve_bytes", "Free space below which C-STORE is refused, except from urgent peers.",
                Double(reserveBytes)),
            .gauge(
                "triaged_storage_days_left",
                "Days until the reserve is reached at the rate of the last week; absent before an hour of history.",
                storageDaysLeft.map { [.init([:], $0)] } ?? []),
            .gauge(
                "triaged_tls_certificate_days_left", "Days until the node's certificate for DICOM over TLS expires.",
                tls.map { [.init([:], $0.daysLeft)] } ?? []),
            .gauge(
                "triaged_tls_reload_failed", "1 where changed certificates cannot be used, and the old ones are.",
                tls.map { [.init([:], $0.isReloadFailed ? 1 : 0)] } ?? []),
            .counter("triaged_clock_steps_total", "Steps of the wall clock.", clockSteps),
            .histogram(
                "triaged_notification_seconds", "From the last C-STORE response to the change of the worklist.",
                notification),
            .histogram("triaged_engine_seconds", "Time in the engine, by run.", engine),
        ]
    }
}
