// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

/// Decodes gathered text and remembers whether all of it could be.
struct TextReader {
    let harvest: Harvest
    let characterSet: SpecificCharacterSet
    private(set) var isIntact = true

    init(harvest: Harvest, characterSet: SpecificCharacterSet) {
        self.harvest = harvest
        self.characterSet = characterSet
    }

    /// The values of LO and SH, joined again by "\".
    mutating func text(_ slot: Slot) -> String { read(slot, .values, tellsBytesApart: false) }

    /// Text by which two patients are told apart.
    mutating func identifier(_ slot: Slot) -> String { read(slot, .values, tellsBytesApart: true) }

    mutating func personName(_ slot: Slot) -> String { read(slot, .personName, tellsBytesApart: false) }

    mutating func text(in range: Range<Int>) -> String {
        let decoded = characterSet.decode(harvest.bytes[range], as: .values)
        if !decoded.isIntact { isIntact = false }
        return decoded.values.joined(separator: "\\")
    }

    private mutating func read(
        _ slot: Slot, _ usage: SpecificCharacterSet.Usage, tellsBytesApart: Bool
    ) -> String {
        let bytes = harvest.value(slot)
        if bytes.isEmpty { return "" }
        let decoded = characterSet.decode(bytes, as: usage, tellsBytesApart: tellsBytesApart)
        if !decoded.isIntact { isIntact = false }
        return decoded.values.map(NormalForm.composed).joined(separator: "\\")
    }
}
