// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

/// The last refusals, equal ones in one line. Bounded whatever peers do: the number of lines, and the length of each.
package struct RecentRefusals: Sendable {
    package struct Line: Sendable, Equatable {
        package var refusal: AssociationRefusal
        /// Milliseconds since 1970.
        package var first: Int64
        package var last: Int64
        package var count: Int
    }

    private struct Entry {
        var line: Line
        /// Order of the last occurrence, whatever the wall clock does.
        var order: Int
    }

    private let capacity: Int
    private var entries: [AssociationRefusal: Entry] = [:]
    private var lastOrder = 0
    /// Since the start, forgotten lines included.
    package private(set) var totals: [AssociationRefusal.Kind: Int] = [:]

    package init(capacity: Int = 200) { self.capacity = capacity }

    /// Gives how often this very refusal happened, as far as it is remembered.
    package mutating func note(_ refusal: AssociationRefusal, at moment: Int64) -> Int {
        totals[refusal.kind, default: 0] += 1
        lastOrder += 1
        if entries[refusal] == nil {
            if entries.count >= capacity { forgetOne() }
            entries[refusal] = Entry(
                line: Line(refusal: refusal, first: moment, last: moment, count: 0), order: lastOrder)
        }
        entries[refusal]!.line.count += 1
        entries[refusal]!.line.last = moment
        entries[refusal]!.order = lastOrder
        return entries[refusal]!.line.count
    }

    /// The oldest line of the address that fills most of them, so that one peer cannot push out what is known of others.
    private mutating func forgetOne() {
        var counts: [String: Int] = [:]
        for refusal in entries.keys { counts[refusal.peerAddress, default: 0] += 1 }
        let most = counts.values.max() ?? 0
        let victim = entries.filter { counts[$0.key.peerAddress] == most }.min { $0.value.order < $1.value.order }
        if let victim { entries[victim.key] = nil }
    }

    package var newestFirst: [Line] { entries.values.sorted { $0.order > $1.order }.map(\.line) }
}
