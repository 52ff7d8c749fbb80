// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import CDCMTK
import DICOM
import Glibc

/// The top level of a data set, or a sequence item. Valid only inside the closure that it is given to.
package struct Item {
    let pointer: OpaquePointer

    package func has(_ tag: Tag) -> Bool { cdcmtk_item_has(pointer, tag.group, tag.element) }
    package func hasValue(_ tag: Tag) -> Bool { cdcmtk_item_has_value(pointer, tag.group, tag.element) }

    /// The stored bytes, all values joined by backslash, not decoded; nil when absent.
    package func bytes(_ tag: Tag) -> [UInt8]? {
        var length = 0
        guard let copy = cdcmtk_item_copy_string(pointer, tag.group, tag.element, &length) else { return nil }
        defer { free(copy) }
        return Array(UnsafeRawBufferPointer(start: copy, count: length))
    }

    /// The value as UTF-8; for VRs of the default repertoire (UI, CS, DA, TM, DS, IS …).
    package func string(_ tag: Tag) -> String? { bytes(tag).map { String(decoding: $0, as: UTF8.self) } }

    package func strings(_ tag: Tag) -> [String] {
        string(tag).map { $0.split(separator: "\\", omittingEmptySubsequences: false).map(String.init) } ?? []
    }

    package func uid(_ tag: Tag) -> UID? { bytes(tag).flatMap { UID(bytes: $0) } }

    package func number(_ tag: Tag, _ index: Int = 0) -> Double? {
        var value = 0.0
        return cdcmtk_item_get_number(pointer, tag.group, tag.element, index, &value) ? value : nil
    }

    package func integer(_ tag: Tag, _ index: Int = 0) -> Int? { number(tag, index).flatMap { Int(exactly: $0) } }

    /// Exactly `count` numbers, or nil.
    package func numbers(_ tag: Tag, count: Int) -> [Double]? {
        var values: [Double] = []
        for index in 0..<count {
            guard let value = number(tag, index), value.isFinite else { return nil }
            values.append(value)
        }
        return number(tag, count) == nil ? values : nil
    }

    package func set(_ tag: Tag, _ value: String) throws(DCMTKError) {
        try DCMTKError.check(cdcmtk_item_set_string(pointer, tag.group, tag.element, value), "setting \(tag)")
    }

    package func set(_ tag: Tag, _ value: UID) throws(DCMTKError) { try set(tag, value.string) }

    /// For VR US, SS, UL, SL, FL and FD.
    package func set(_ tag: Tag, _ values: [Double]) throws(DCMTKError) {
        try DCMTKError.check(
            cdcmtk_item_set_numbers(pointer, tag.group, tag.element, values, values.count), "setting \(tag)")
    }

    package func set(_ tag: Tag, _ value: Int) throws(DCMTKError) { try set(tag, [Double(value)]) }

    package func set(_ tag: Tag, _ value: Tag) throws(DCMTKError) {
        try DCMTKError.check(
            cdcmtk_item_set_tag(pointer, tag.group, tag.element, value.group, value.element), "setting \(tag)")
    }

    /// As VR OB.
    package func set(_ tag: Tag, bytes: [UInt8]) throws(DCMTKError) {
        try DCMTKError.check(
            cdcmtk_item_set_bytes(pointer, tag.group, tag.element, bytes, bytes.count), "setting \(tag)")
    }

    /// As VR OW.
    package func set(_ tag: Tag, words: [UInt16]) throws(DCMTKError) {
        try DCMTKError.check(
            cdcmtk_item_set_words(pointer, tag.group, tag.element, words, words.count), "setting \(tag)")
    }

    /// Present without a value (type 2).
    package func setEmpty(_ tag: Tag) throws(DCMTKError) {
        try DCMTKError.check(cdcmtk_item_set_empty(pointer, tag.group, tag.element), "setting \(tag)")
    }

    package func remove(_ tag: Tag) { cdcmtk_item_remove(pointer, tag.group, tag.element) }

    /// Copies an element as it is; without effect where it is absent.
    package func copy(_ tag: Tag, to other: Item) throws(DCMTKError) {
        try DCMTKError.check(
            cdcmtk_item_copy_element(pointer, other.pointer, tag.group, tag.element), "copying \(tag)")
    }

    package func childCount(_ tag: Tag) -> Int { cdcmtk_item_child_count(pointer, tag.group, tag.element) }

    /// Item `index` of a sequence, valid as long as this item is; nil when there is none.
    package func child(_ tag: Tag, _ index: Int = 0) -> Item? {
        cdcmtk_item_child(pointer, tag.group, tag.element, index).map { Item(pointer: $0) }
    }

    /// Appends an item to a sequence and fills it.
    package func append(_ tag: Tag, _ fill: (Item) throws(DCMTKError) -> Void) throws(DCMTKError) {
        guard let child = cdcmtk_item_append(pointer, tag.group, tag.element) else {
            preconditionFailure("\(tag) is no sequence")
        }
        try fill(Item(pointer: child))
    }
}
