// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import Association
import DICOM
import Index
import Logging
import Storage

/// Removes the files of studies that an archive holds whole, the oldest first, while space is needed. Each instance is asked
/// for right before; an answer is used for nothing else.
final class ExpiryLoop {
    struct Archive {
        var name: String
        var requestor: Requestor
    }

    private let archives: [Archive]
    private let index: StudyIndex
    private let store: InstanceStore
    private let reserve: Int64
    private let logger: Logger
    private let counters: Counters
    private let breathe: @Sendable () -> Void
    private let shouldStop: @Sendable () -> Bool
    /// Studies that no archive holds whole, or that could not be asked for, and when to ask again.
    private var postponed: [UID: Double] = [:]

    private static let patience = 3600.0
    private static let batch = 16

    init(
        archives: [Configuration.Destination], from calling: AETitle, credentials: TLSCredentials?, index: StudyIndex,
        store: InstanceStore, reserve: Int64, logger: Logger, counters: Counters,
        breathe: @escaping @Sendable () -> Void, shouldStop: @escaping @Sendable () -> Bool
    ) {
        self.archives = archives.map { archive in
            var timeouts = Timeouts()
            timeouts.response = .seconds(60)
            var requestor = Requestor(
                callingAETitle: calling, calledAETitle: archive.aeTitle, host: archive.host,
                port: UInt16(archive.port), timeouts: timeouts)
            requestor.tls = archive.tls.requestorTLS(credentials)
            return Archive(name: archive.name, requestor: requestor)
        }
        self.index = index
        self.store = store
        self.reserve = reserve
        self.logger = logger
        self.counters = counters
        self.breathe = breathe
        self.shouldStop = shouldStop
    }

    /// Frees space where it is needed; gives the seconds to the next look.
    func turn() throws -> Double {
        // Also what a kill kept from being removed.
        try removeFiles()
        guard !archives.isEmpty, reserve > 0 else { return 60 }
        let now = MonotonicTime.now.seconds
        postponed = postponed.filter { $0.value > now }
        while try needsSpace(), !shouldStop() {
            let studies = try index.expirableStudies(limit: Self.batch, except: Set(postponed.keys))
            // The search goes through all studies.
            guard !studies.isEmpty else { return 30 }
            for study in studies {
                guard try needsSpace(), !shouldStop() else { return 1 }
                if try !expire(study) { postponed[study.studyInstanceUID] = now + Self.patience }
            }
        }
        return 5
    }

    private func needsSpace() throws -> Bool { try store.freeBytes() < reserve + reserve / 2 }

    private func expire(_ study: ExpirableStudy) throws -> Bool {
        for archive in archives where holds(study, archive) {
            guard try index.expire(study, heldBy: archive.name) else { return false }
            CrashPoint.reach(.expired)
            try removeFiles()
            counters.expired(study.instances.count)
            logger.notice(
                "expired: the archive holds it",
                metadata: [
                    "studyInstanceUID": "\(study.studyInstanceUID)", "archive": "\(archive.name)",
                    "instances": "\(study.instances.count)",
                ])
            return true
        }
        return false
    }

    /// Whether the archive answers for each instance that it has it.
    private func holds(_ study: ExpirableStudy, _ archive: Archive) -> Bool {
        let association: RequestedAssociation
        do throws(RequestFailure) { association = try archive.requestor.associate(for: [.find]) } catch {
            logger.warning("archive not asked: \(error)", metadata: ["archive": "\(archive.name)"])
            return false
        }
        defer { association.release() }
        for instance in study.instances {
            breathe()
            if shouldStop() { return false }
            let answer = association.find(
                studyInstanceUID: study.studyInstanceUID, seriesInstanceUID: instance.seriesInstanceUID,
                sopInstanceUID: instance.sopInstanceUID)
            guard case .answered(.found) = answer else { return false }
        }
        return !study.instances.isEmpty
    }

    private func removeFiles() throws {
        let removals = try index.removals()
        guard !removals.isEmpty else { return }
        try store.removeDurably(removals.map(\.path))
        CrashPoint.reach(.expiredRemoved)
        try index.removed(removals)
    }
}
