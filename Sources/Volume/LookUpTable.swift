// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DCMTK
import DICOM

/// A Modality or VOI LUT (PS3.3 C.11.1.1, C.11.2.1.1): values before the first entry and after the last take theirs.
struct LookUpTable: Hashable, Sendable {
    var first: Int
    var bits: Int
    var entries: [UInt16]

    /// nil where there is none.
    init?(_ item: Item, _ sequence: Tag, isSigned: Bool, _ uid: UID) throws(VolumeRefusal) {
        guard item.hasValue(sequence) || item.childCount(sequence) > 0 else { return nil }
        guard let lut = item.child(sequence), let descriptor = lut.numbers(.lutDescriptor, count: 3),
            descriptor.allSatisfy({ abs($0) < 65_537 })
        else { throw .invalidAttribute("LUTDescriptor", uid) }
        // 0 stands for 65,536 entries; the first value mapped has the sign of what goes in (C.11.1.1.1).
        let count = descriptor[0] == 0 ? 65_536 : Int(descriptor[0]) & 0xFFFF
        let start = Int(descriptor[1])
        first = isSigned && start > 0x7FFF ? start - 65_536 : start
        bits = Int(descriptor[2])
        guard (8...16).contains(bits), count > 0 else { throw .invalidAttribute("LUTDescriptor", uid) }
        entries = []
        entries.reserveCapacity(count)
        for index in 0..<count {
            guard let value = lut.integer(.lutData, index) else { throw .invalidAttribute("LUTData", uid) }
            entries.append(UInt16(truncatingIfNeeded: value))
        }
    }

    func value(of sample: Int) -> UInt16 { entries[min(max(sample - first, 0), entries.count - 1)] }
}
