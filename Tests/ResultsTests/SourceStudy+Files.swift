// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DCMTK
import DICOM
import Foundation

/// What the files of results say, and how to change that.
extension SourceStudy {
    /// Reads a file, changes it and writes it back.
    static func change(_ path: String, _ body: (Item) throws(DCMTKError) -> Void) throws {
        let dataSet = try DataSet(contentsOf: path)
        try dataSet.withItem { (item) throws(DCMTKError) in try body(item) }
        try dataSet.write(to: path + ".changed", transferSyntaxUID: UID(literal: "1.2.840.10008.1.2.1"))
        guard rename(path + ".changed", path) == 0 else { throw CocoaError(.fileWriteUnknown) }
    }

    static func syntax(_ path: String) throws -> UID? { try DataSet(contentsOf: path).transferSyntaxUID }

    /// Pixel Data is the last element.
    static func pixels(_ path: String, count: Int) throws -> [UInt8] {
        Array(try Data(contentsOf: URL(fileURLWithPath: path)).suffix(count))
    }

    /// The content tree of a report, one line an item: depth by dots, concept, value.
    static func content(_ path: String) throws -> [String] {
        func code(_ item: Item?) -> String {
            item.map { $0.string(Tag(0x0008, 0x0100)) ?? $0.string(Tag(0x0008, 0x0119)) ?? "" } ?? ""
        }
        func value(_ item: Item) -> String {
            switch item.string(Tag(0x0040, 0xA040)) {
            case "TEXT": item.string(Tag(0x0040, 0xA160)) ?? ""
            case "CODE": code(item.child(Tag(0x0040, 0xA168)))
            case "UIDREF": item.string(Tag(0x0040, 0xA124)) ?? ""
            case "NUM":
                item.child(Tag(0x0040, 0xA300)).map {
                    "\($0.string(Tag(0x0040, 0xA30A)) ?? "") \(code($0.child(Tag(0x0040, 0x08EA))))"
                } ?? ""
            case "IMAGE": item.child(Tag(0x0008, 0x1199))?.string(Tag(0x0008, 0x1155)) ?? ""
            case "SCOORD", "SCOORD3D":
                (0..<1000).lazy.map { item.number(Tag(0x0070, 0x0022), $0) }.prefix { $0 != nil }
                    .map { "\($0 ?? 0)" }.joined(separator: ",")
            default: ""
            }
        }
        func lines(_ item: Item, _ dots: String) -> [String] {
            var list: [String] = []
            item.forEachChild(Tag(0x0040, 0xA730)) { child in
                let name = child.child(Tag(0x0040, 0xA043))?.string(Tag(0x0008, 0x0104)) ?? ""
                list.append("\(dots)\(name)=\(value(child))")
                list += lines(child, dots + ".")
            }
            return list
        }
        return try read(path) { lines($0, "") }
    }

    /// Reads values of a file.
    static func read<R>(_ path: String, _ body: (Item) -> R) throws -> R {
        try DataSet(contentsOf: path).withItem { body($0) }
    }
}
