// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DCMTK
import DICOM
import Foundation
import Phantoms
import Testing

@testable import Volume

@Suite struct PixelComparisonTests {
    private func same(_ a: String, _ b: String) throws -> Bool {
        try PixelComparison.samePixels(a, b) { _ in }
    }

    @Test(
        "a copy in another transfer syntax holds the same picture unless it lost something",
        arguments: PhantomTransferSyntax.allCases.filter { $0 != .jpegBaseline }, [false, true])
    func transcoded(syntax: PhantomTransferSyntax, isMultiFrame: Bool) throws {
        let native = try Phantom { $0.isMultiFrame = isMultiFrame }
        let other = try Phantom { ($0.isMultiFrame, $0.transferSyntax) = (isMultiFrame, syntax) }
        let (a, b) = (try #require(native.study.files.last), try #require(other.study.files.last))
        #expect(try same(a, b) == (syntax.lossyMethod == nil))
        #expect(try same(b, b))
    }

    @Test("one changed sample in the last frame is another picture") func changed() throws {
        let a = try Phantom { $0.isMultiFrame = true }
        let b = try Phantom { $0.isMultiFrame = true }
        #expect(try same(a.study.files[0], b.study.files[0]))
        let url = URL(fileURLWithPath: b.study.files[0])
        var data = try Data(contentsOf: url)
        data[data.count - 2] ^= 1
        try data.write(to: url)
        #expect(try !same(a.study.files[0], b.study.files[0]))
    }

    @Test("unused bits do not matter, size and sign do") func storage() throws {
        let a = try Phantom()
        let b = try Phantom()
        let url = URL(fileURLWithPath: b.study.files[0])
        var data = try Data(contentsOf: url)
        data[data.count - 1] |= 0x80
        try data.write(to: url)
        #expect(try same(a.study.files[0], b.study.files[0]))
        try b.edit(1) { (item) throws(DCMTKError) in try item.set(Tag(0x0028, 0x0103), 1) }
        #expect(try !same(a.study.files[1], b.study.files[1]))
        try b.edit(2) { (item) throws(DCMTKError) in
            try item.set(Tag(0x0028, 0x0010), 37)
            try item.set(Tag(0x0028, 0x0011), 29)
        }
        #expect(try !same(a.study.files[2], b.study.files[2]))
    }

    @Test("colour by pixel and colour by plane are the same picture") func colour() throws {
        let phantom = try Phantom()
        let pixels: [UInt8] = (0..<37 * 29 * 3).map { UInt8(truncatingIfNeeded: $0 * 7) }
        let planes = (0..<3).flatMap { plane in (0..<37 * 29).map { pixels[$0 * 3 + plane] } }
        for (index, bytes) in [pixels, planes].enumerated() {
            try phantom.edit(index) { (item) throws(DCMTKError) in
                try item.set(Tag(0x0028, 0x0002), 3)
                try item.set(Tag(0x0028, 0x0004), "RGB")
                try item.set(Tag(0x0028, 0x0006), index)
                try item.set(Tag(0x0028, 0x0100), 8)
                try item.set(Tag(0x0028, 0x0101), 8)
                try item.set(Tag(0x0028, 0x0102), 7)
                try item.set(Tag(0x7FE0, 0x0010), bytes: bytes)
            }
        }
        #expect(try same(phantom.study.files[0], phantom.study.files[1]))
        try phantom.edit(1) { (item) throws(DCMTKError) in try item.set(Tag(0x0028, 0x0006), 0) }
        #expect(try !same(phantom.study.files[0], phantom.study.files[1]))
    }

    @Test("what cannot be decoded is an error, never a verdict") func undecodable() throws {
        let a = try Phantom()
        let b = try Phantom { $0.transferSyntax = .jpegLSLossless }
        let url = URL(fileURLWithPath: b.study.files[0])
        var data = try Data(contentsOf: url)
        data.replaceSubrange(data.count - 700..<data.count - 680, with: repeatElement(0xFF, count: 20))
        try data.write(to: url)
        #expect(throws: VolumeRefusal.self) { try same(a.study.files[0], b.study.files[0]) }
        struct Refused: Error {}
        #expect(throws: VolumeRefusal.self) {
            try PixelComparison.samePixels(a.study.files[0], a.study.files[1]) { _ in throw Refused() }
        }
    }
}
