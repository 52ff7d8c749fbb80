// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM

/// Which series of a study a package reads beside the one that its run belongs to.
package enum ChannelAssignment: Sendable, Equatable {
    /// Positions among the candidates, in the order of the channels after the first.
    case assigned([Int])
    /// One may still come.
    case awaited(String)
    case refused(String)

    /// A series of the study, as far as it is here.
    package struct Candidate: Sendable, Equatable {
        package var seriesInstanceUID: UID
        package var seriesNumber: Int?
        package var facts: SeriesFacts
        package var frameOfReferenceUID: UID?
        package var rows: Int?
        package var columns: Int?
        package var isComplete: Bool

        package init(seriesInstanceUID: UID, headers: [InstanceHeader], isComplete: Bool) {
            self.seriesInstanceUID = seriesInstanceUID
            seriesNumber = headers.first?.seriesNumber
            facts = SeriesFacts(headers: headers)
            frameOfReferenceUID = headers.lazy.compactMap(\.frameOfReferenceUID).first
            rows = headers.first?.rows
            columns = headers.first?.columns
            self.isComplete = isComplete
        }

        /// The slices are cut alike, as far as the headers say.
        fileprivate func isCut(like other: Candidate) -> Bool {
            rows == other.rows && columns == other.columns && facts.slices == other.facts.slices
                && facts.normal == other.facts.normal && facts.pixelSpacing == other.facts.pixelSpacing
                && facts.sliceSpacing == other.facts.sliceSpacing
        }

        fileprivate var words: String { "\(seriesNumber.map { "series \($0), " } ?? "")\(seriesInstanceUID)" }
    }

    /// Pure. Each channel has exactly one series, which the package claims, too, in the frame of reference of the first; of
    /// several those are preferred whose slices are cut like the first one's. A choice that remains is not made.
    ///
    /// - Parameter isArriving: more may come to the study.
    package static func choose(
        for manifest: Manifest, anchor: Candidate, among candidates: [Candidate], isArriving: Bool
    ) -> ChannelAssignment {
        guard let frame = anchor.frameOfReferenceUID else {
            return .refused("the series has no Frame of Reference UID, so that none can be read with it")
        }
        let placed = candidates.enumerated().filter { $0.element.frameOfReferenceUID == frame }
        var chosen: [Int] = []
        for channel in manifest.channels.dropFirst() {
            func isClaimed(_ candidate: Candidate) -> Bool {
                manifest.claim.mayHold(for: candidate.facts) && channel.claim.mayHold(for: candidate.facts)
            }
            let claimed = placed.filter { isClaimed($0.element) }
            if let late = claimed.first(where: { !$0.element.isComplete }) {
                return .awaited("waits for channel \(channel.name): \(late.element.words) is arriving")
            }
            guard !claimed.isEmpty else {
                let elsewhere = candidates.contains(where: isClaimed)
                return isArriving
                    ? .awaited("waits for a series for channel \(channel.name)")
                    : .refused(
                        "no series for channel \(channel.name)"
                            + (elsewhere ? " in the same frame of reference" : ""))
            }
            let alike = claimed.filter { $0.element.isCut(like: anchor) }
            let best = alike.isEmpty ? claimed : alike
            guard best.count == 1 else {
                let names = best.map(\.element.words).joined(separator: "; ")
                return .refused("\(best.count) series for channel \(channel.name): \(names)")
            }
            chosen.append(best[0].offset)
        }
        guard Set(chosen).count == chosen.count else { return .refused("one series would be two channels") }
        return .assigned(chosen)
    }
}

extension Rules {
    fileprivate func mayHold(for facts: SeriesFacts) -> Bool {
        verdicts(on: facts).allSatisfy {
            switch $0 {
            case .holds, .unknown: true
            case .breaks, .mixed: false
            }
        }
    }
}
