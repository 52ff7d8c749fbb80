// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM

/// Where a study stands in the list; the least is read first.
///
/// Unacknowledged before acknowledged, then by priority, then who has waited longest, by arrival and not by a clock.
package struct ReadingOrder: Sendable, Hashable, Comparable {
    package var isAcknowledged: Bool
    package var priority: Priority
    package var arrivalSequence: Int
    package var studyInstanceUID: UID

    package init(isAcknowledged: Bool, priority: Priority, arrivalSequence: Int, studyInstanceUID: UID) {
        self.isAcknowledged = isAcknowledged
        self.priority = priority
        self.arrivalSequence = arrivalSequence
        self.studyInstanceUID = studyInstanceUID
    }

    package static func < (a: ReadingOrder, b: ReadingOrder) -> Bool {
        if a.isAcknowledged != b.isAcknowledged { return b.isAcknowledged }
        if a.priority != b.priority { return a.priority > b.priority }
        if a.arrivalSequence != b.arrivalSequence { return a.arrivalSequence < b.arrivalSequence }
        return a.studyInstanceUID < b.studyInstanceUID
    }
}
