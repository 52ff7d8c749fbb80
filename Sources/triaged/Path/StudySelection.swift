// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM
import Index
import Models

/// What is to be done with a complete series: which packages run, with which other series of its study, and what keeps the rest.
struct StudySelection {
    var ready: [ModelPackage] = []
    var inputs: [ModelIdentity: [JobInput]] = [:]
    /// Reasons of packages for which a series may still come.
    var awaited: [String] = []
    var refused: [String] = []
    /// Some package reads the series with others.
    var hasCompanions = false

    /// - Parameter packages: those that selection chose for the series.
    init(_ evidence: Index.SeriesEvidence, chosen packages: [ModelPackage], index: StudyIndex) throws {
        hasCompanions = packages.contains { $0.manifest.channels.count > 1 }
        let others = hasCompanions ? try index.companions(of: evidence.id) : []
        let isArriving =
            !evidence.openAssociations.isEmpty
            || others.contains { $0.state == .arriving || !$0.openAssociations.isEmpty }
        for package in packages {
            guard package.manifest.channels.count > 1 else {
                ready.append(package)
                continue
            }
            let choice = ChannelAssignment.choose(
                for: package.manifest, anchor: .init(evidence), among: others.map(ChannelAssignment.Candidate.init),
                isArriving: isArriving)
            switch choice {
            case .assigned(let places):
                ready.append(package)
                inputs[package.identity] = places.map {
                    JobInput(series: others[$0].id, arrivalSequence: others[$0].lastArrivalSequence)
                }
            case .awaited(let reason): awaited.append("\(package.identity.name): \(reason)")
            case .refused(let reason): refused.append("\(package.identity.name): \(reason)")
            }
        }
    }

    var companions: Companions { !hasCompanions ? .none : awaited.isEmpty ? .settled : .awaited }

    /// A run over this revision read, or is to read, other series than are to be read now.
    func isOutdated(_ evidence: Index.SeriesEvidence, index: StudyIndex) throws -> Bool {
        guard hasCompanions else { return false }
        return try index.finalInputs(of: evidence.id, revision: evidence.revision).contains { model, read in
            !read.isEmpty && inputs[model] != read
        }
    }
}

extension ChannelAssignment.Candidate {
    fileprivate init(_ evidence: Index.SeriesEvidence) {
        self.init(
            seriesInstanceUID: evidence.seriesInstanceUID, headers: evidence.instances.map(\.header),
            isComplete: evidence.state != .arriving && evidence.uncompared == 0)
    }
}
