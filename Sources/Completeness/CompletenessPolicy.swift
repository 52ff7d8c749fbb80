// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

/// When a series counts as arrived.
///
/// - Listed: where a performed procedure step or another archive lists the instances of the series, it is complete when the
///   last of them is here and nothing else is. While some are missing, quiet takes `missingFactor` times as long; then the
///   series goes on without them, and says so.
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
    package var missingFactor: Double
    /// Fewer slices than this are a localizer or the first few of many.
    package var minimumSlices: Int

    package init(
        quietPeriod: Double, openAssociationFactor: Double = 3, missingFactor: Double = 6, minimumSlices: Int = 8
    ) {
        self.missingFactor = missingFactor
        self.quietPeriod = quietPeriod
        self.openAssociationFactor = openAssociationFactor
        self.minimumSlices = minimumSlices
    }

    package func verdict(for series: SeriesEvidence, at now: Double) -> Verdict {
        let isOpen = series.openAssociations > 0
        var factor = isOpen ? openAssociationFactor : 1
        if let listed = series.listed, listed.missing > 0 { factor = max(factor, missingFactor) }
        let needed = quietPeriod * factor
        let until = series.lastArrival + needed
        guard !series.instances.isEmpty else { return .incomplete(until: until, waitingFor: "no instance yet") }

        let content = SeriesContent(series.instances)
        if let listed = series.listed, listed.missing == 0, listed.unlisted == 0 {
            return .complete(evidence: "\(content.words), all \(listed.total) that \(listed.source) lists")
        }
        if now >= until {
            let association = isOpen ? ", association still open" : series.isReleased ? ", association released" : ""
            let missing = series.listed.map(missing) ?? ""
            return .complete(evidence: "\(content.words)\(association)\(missing), nothing new for \(seconds(needed))")
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

    private func missing(_ listed: SeriesEvidence.Listed) -> String {
        listed.missing == 0 ? "" : ", \(listed.missing) of \(listed.total) that \(listed.source) lists have not come"
    }

    private func seconds(_ value: Double) -> String { "\(decimal(value, places: 1)) s" }
}
