// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

extension AETitle {
    /// The entry of a configured list that a peer means by a title. PS3.5 6.2 (AE) makes leading and trailing spaces not significant
    /// and says nothing of case, so that "ct1" and "CT1" are two titles; modalities that send a configured title in the other
    /// case exist. So an equal title wins, and another case is taken only where it can mean one entry.
    package func match<Entry>(among entries: [Entry], title: (Entry) -> AETitle) -> Entry? {
        if let equal = entries.first(where: { title($0) == self }) { return equal }
        let folded = string.lowercased()
        let alike = entries.filter { title($0).string.lowercased() == folded }
        return Set(alike.map(title)).count == 1 ? alike.first : nil
    }

    package func isMeant(by other: AETitle) -> Bool { other.match(among: [self], title: { $0 }) != nil }
}
