// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

/// What somebody says a series consists of: a performed procedure step that has ended, or an archive that holds it.
package struct ListedSeries: Sendable, Hashable {
    package var seriesInstanceUID: UID
    package var sopInstanceUIDs: Set<UID>

    package init(seriesInstanceUID: UID, sopInstanceUIDs: Set<UID>) {
        self.seriesInstanceUID = seriesInstanceUID
        self.sopInstanceUIDs = sopInstanceUIDs
    }

    /// The items of a sequence that name a series and, in sequences of their own, its instances. A series that comes twice is
    /// taken together; an item without a Series Instance UID, or a reference without a UID, is an error: a list that cannot be
    /// read whole is no evidence.
    package static func read(_ items: [AttributeList], references: [Tag]) throws(Malformation) -> [ListedSeries] {
        var listed: [UID: Set<UID>] = [:]
        for item in items {
            guard let series = item.uid(Tag(0x0020, 0x000E)) else { throw Malformation(missing: Tag(0x0020, 0x000E)) }
            for sequence in references {
                for reference in item.items(sequence) {
                    guard let instance = reference.uid(Tag(0x0008, 0x1155)) else {
                        throw Malformation(missing: Tag(0x0008, 0x1155))
                    }
                    listed[series, default: []].insert(instance)
                }
            }
            listed[series, default: []].formUnion([])
        }
        return listed.sorted { $0.key.string < $1.key.string }.map {
            ListedSeries(seriesInstanceUID: $0.key, sopInstanceUIDs: $0.value)
        }
    }

    package struct Malformation: Error, Sendable, Hashable {
        package var missing: Tag
    }
}

/// A Modality Performed Procedure Step (PS3.3 C.4.14), as far as this node keeps one.
package struct PerformedProcedureStep: Sendable, Hashable {
    /// Performed Procedure Step Status (0040,0252).
    package enum State: String, Sendable, Hashable, CaseIterable {
        case inProgress, completed, discontinued

        package init?(term: String) {
            switch term {
            case "IN PROGRESS": self = .inProgress
            case "COMPLETED": self = .completed
            case "DISCONTINUED": self = .discontinued
            default: return nil
            }
        }
    }

    package var sopInstanceUID: UID
    package var state: State
    /// Performed Series Sequence (0040,0340); nil where the message does not carry it.
    package var series: [ListedSeries]?

    package init(sopInstanceUID: UID, state: State, series: [ListedSeries]?) {
        self.sopInstanceUID = sopInstanceUID
        self.state = state
        self.series = series
    }
}
