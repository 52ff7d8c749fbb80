// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import Foundation

/// An array of 32- or 64-bit floats as numpy.save writes it (numpy format 1 to 3).
struct NumpyArray: Equatable {
    enum Defect: Error, Equatable {
        case notNumpy
        case element(String)
        case order, shape, length
    }

    var shape: [Int]
    var values: [Float]

    init(_ data: Data) throws(Defect) {
        let bytes = [UInt8](data.prefix(12))
        guard bytes.count >= 10, Array(bytes[0..<6]) == [0x93, 0x4E, 0x55, 0x4D, 0x50, 0x59], (1...3).contains(bytes[6])
        else { throw .notNumpy }
        let isLong = bytes[6] > 1
        guard !isLong || bytes.count == 12 else { throw .notNumpy }
        let length = Int(bytes[8]) | Int(bytes[9]) << 8 | (isLong ? Int(bytes[10]) << 16 | Int(bytes[11]) << 24 : 0)
        let start = isLong ? 12 : 10
        guard length <= 1 << 16, data.count >= start + length,
            let header = String(bytes: data.dropFirst(start).prefix(length), encoding: .isoLatin1)
        else { throw .notNumpy }
        func value(_ key: String) -> Substring? {
            header.range(of: "'\(key)':").map { header[$0.upperBound...].drop { $0 == " " } }
        }
        let element = value("descr").map { String($0.dropFirst().prefix { $0 != "'" }) } ?? ""
        let size = ["<f4": 4, "<f8": 8][element]
        guard let size else { throw .element(element) }
        guard value("fortran_order")?.hasPrefix("False") == true else { throw .order }
        guard let tuple = value("shape"), tuple.first == "(", let end = tuple.firstIndex(of: ")") else { throw .shape }
        let words = tuple[..<end].dropFirst().split { $0 == "," || $0 == " " }
        shape = words.compactMap { Int($0) }
        guard shape.count == words.count, shape.allSatisfy({ (1...1 << 20).contains($0) }), shape.count <= 4 else {
            throw .shape
        }
        var count = 1
        for n in shape {
            let (product, overflow) = count.multipliedReportingOverflow(by: n)
            guard !overflow, product <= 1 << 28 else { throw .shape }
            count = product
        }
        let body = data.dropFirst(start + length)
        guard body.count == count * size else { throw .length }
        values = body.withUnsafeBytes { raw in
            (0..<count).map {
                size == 4
                    ? raw.loadUnaligned(fromByteOffset: 4 * $0, as: Float.self)
                    : Float(raw.loadUnaligned(fromByteOffset: 8 * $0, as: Double.self))
            }
        }
    }
}
