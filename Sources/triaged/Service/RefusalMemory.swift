// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import Association
import DICOM
import Foundation
import Logging
import Synchronization
import Web

/// What was refused since the start, for the API, `triaged status`, the metrics and the log. It does not outlive the process:
/// the log does.
final class RefusalMemory: Sendable {
    private let recent = Mutex(RecentRefusals())
    private let logger: Logger

    init(logger: Logger) { self.logger = logger }

    func note(_ refusal: AssociationRefusal) {
        let moment = Int64((Date().timeIntervalSince1970 * 1000).rounded(.down))
        let count = recent.withLock { $0.note(refusal, at: moment) }
        // A scanner that retries every second must not fill the disk with one sentence.
        guard count <= 10 || Self.isPowerOfTen(count) else { return }
        // Who refuses an instance has logged it, with its UID.
        guard refusal.kind != .store else { return }
        logger.warning(
            "refused\(count > 10 ? " \(count) times" : ""): \(refusal.reason)",
            metadata: [
                "kind": "\(refusal.kind.rawValue)", "peer": "\(refusal.peerAddress)",
                "callingAETitle": "\(refusal.callingAETitle)", "calledAETitle": "\(refusal.calledAETitle)",
            ])
    }

    private static func isPowerOfTen(_ count: Int) -> Bool {
        var rest = count
        while rest > 1, rest % 10 == 0 { rest /= 10 }
        return rest == 1
    }

    var items: [RefusalItem] {
        recent.withLock { $0.newestFirst }.map { line in
            RefusalItem(
                kind: line.refusal.kind.rawValue, first: Date(timeIntervalSince1970: Double(line.first) / 1000),
                last: Date(timeIntervalSince1970: Double(line.last) / 1000), count: line.count,
                peerAddress: line.refusal.peerAddress, callingAETitle: line.refusal.callingAETitle,
                calledAETitle: line.refusal.calledAETitle,
                rejection: line.refusal.rejection.map { "\($0.result)/\($0.source)/\($0.reason)" },
                reason: line.refusal.reason, hint: line.refusal.hint)
        }
    }

    /// Every kind, so that a graph begins at 0.
    var totals: [String: Int] {
        let totals = recent.withLock { $0.totals }
        return Dictionary(uniqueKeysWithValues: AssociationRefusal.Kind.allCases.map { ($0.rawValue, totals[$0] ?? 0) })
    }
}
