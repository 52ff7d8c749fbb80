// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

/// Where a series stands; `analysing` is derived from a running job and never stored.
package enum SeriesState: String, Sendable, Codable, CaseIterable {
    case arriving, waiting, analysing, analysed, notAnalysed, outOfScope, failed
}

/// Which run the shown findings come from. `superseded`: instances came later, and the series will run again.
package enum SeriesRun: String, Sendable, Codable {
    case provisional, final, superseded
}

/// Which kind of run a job is.
package enum RunKind: String, Sendable, Codable {
    case provisional, final
}

/// How a series ends without a run.
package enum SeriesVerdict: Sendable, Equatable {
    /// A package claims it, and a rule or a quality gate refused it.
    case notAnalysed(reason: String)
    /// No package claims it.
    case outOfScope(reason: String)
    case failed(reason: String)
}

/// What a request that names a revision of a series comes to.
package enum SeriesAnswer: Sendable, Equatable {
    case done
    /// Instances have arrived since: look at the series again.
    case stale
    /// The study must not be analysed.
    case blocked(reason: String)
    /// A copy in another encoding waits for a worker to compare it.
    case uncompared
}
