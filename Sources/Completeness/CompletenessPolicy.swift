// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

/// When a series counts as arrived.
///
/// - Quiet: nothing for `quietPeriod` seconds makes a series complete, whatever it looks like. While an association that
///   brought part of it is open, the sender may only be slow, or in the middle of a long instance; then it takes
///   `openAssociationFactor` times as long. An association left open for ever so delays a series, and cannot hold it.
/// - Geometry: a released association and slices without a gap allow a provisional run at once. Where the ends of the
///   volume lie is not in any attribute, so that geometry never makes a series complete.
/// - A single multi-frame instance carries all of its own frames, but not proof that no second instance follows (phases,
///   concatenations, clips): provisional too.
package struct CompletenessPolicy: Sendable, Equatable {
    /// Seconds.
    package var quietPeriod: Double
    package var openAssociationFactor: Double
    /// Fewer slices than this are a localizer or the first few of many.
    package var minimumSlices: Int

    package init(quietPeriod: Double, openAssociationFactor: Double = 3, minimumSlices: Int = 8) {
        self.quietPeriod = quietPeriod
        self.openAssociationFactor = openAssociationFactor
        self.minimumSlices = minimumSlices
    }

    package func verdict(for series: SeriesEvidence, at now: Double) -> Verdict {
        let isOpen = series.openAssociations > 0
        let needed = isOpen ? quietPeriod * openAssociationFactor : quietPeriod
        let until = series.lastArrival + needed
        guard !series.instances.isEmpty else { return .incomplete(until: until, waitingFor: "no instance yet") }

        let content = SeriesContent(series.instances)
        if now >= until {
            let association = isOpen ? ", association still open" : series.isReleased ? ", association released" : ""
            return .complete(evidence: "\(content.words)\(association), nothing new for \(seconds(needed))")
        }
        guard !isOpen else { return .incomplete(until: until, waitingFor: "\(content.words), association open") }
        guard series.isReleased else {
            return .incomplete(until: until, waitingFor: "\(content.words), association ended without release")
        }
        if let doubt = content.doubt(minimumSlices: minimumSlices) {
            return .incomplete(until: until, waitingFor: "quiet for \(seconds(quietPeriod)): \(doubt)")
        }
        return .provisional(evidence: "\(content.words), association released", until: until)
    }

    private func seconds(_ value: Double) -> String { "\(decimal(value, places: 1)) s" }
}
