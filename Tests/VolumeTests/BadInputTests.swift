// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DCMTK
import DICOM
import Foundation
import Phantoms
import Testing

@testable import Volume

/// Each is refused with its reason; none may end the process.
@Suite struct BadInputTests {
    private func refusal(_ phantom: Phantom) -> VolumeRefusal? {
        do {
            _ = try phantom.volume()
            return nil
        } catch {
            return error as? VolumeRefusal
        }
    }

    private func isDecodingFailure(_ refusal: VolumeRefusal?) -> Bool {
        switch refusal {
        case .undecodable, .unreadable, .shortPixelData: true
        default: false
        }
    }

    @Test("no DICOM file, no file and an empty file are unreadable") func noDICOM() throws {
        let phantom = try Phantom()
        for content in [Data("MZ not DICOM at all, and long enough to hold a preamble".utf8), Data()] {
            try content.write(to: URL(fileURLWithPath: phantom.study.files[2]))
            guard case .unreadable(phantom.study.files[2], _) = refusal(phantom) else {
                Issue.record("\(String(describing: refusal(phantom)))")
                continue
            }
        }
        try FileManager.default.removeItem(atPath: phantom.study.files[2])
        #expect(refusal(phantom)?.isTransient == true)
    }

    @Test("a file cut off anywhere is refused", arguments: PhantomTransferSyntax.allCases)
    func truncated(syntax: PhantomTransferSyntax) throws {
        let phantom = try Phantom {
            ($0.slices, $0.transferSyntax) = (2, syntax)
            if syntax == .jpegBaseline { $0.bitsStored = 8 }
        }
        let url = URL(fileURLWithPath: phantom.study.files[1])
        let whole = try Data(contentsOf: url)
        for length in stride(from: whole.count - 2, to: 0, by: -max(1, whole.count / 25)) {
            try whole.prefix(length).write(to: url)
            #expect(refusal(phantom) != nil, "cut to \(length) of \(whole.count)")
        }
        try whole.write(to: url)
        #expect(refusal(phantom) == nil)
    }

    @Test("65,535 frames that are not there are refused", arguments: [false, true], [false, true])
    func frames(isMultiFrame: Bool, isEncapsulated: Bool) throws {
        let phantom = try Phantom {
            $0.isMultiFrame = isMultiFrame
            if isEncapsulated { $0.transferSyntax = .jpegLSLossless }
        }
        try phantom.edit(0) { (item) throws(DCMTKError) in try item.set(Tag(0x0028, 0x0008), "65535") }
        #expect(refusal(phantom) == .shortPixelData(phantom.study.sopInstanceUIDs[0]))
    }

    @Test("a frame more than the functional groups is refused") func groups() throws {
        let phantom = try Phantom { $0.isMultiFrame = true }
        try phantom.edit(0) { (item) throws(DCMTKError) in try item.set(Tag(0x0028, 0x0008), "6") }
        #expect(
            refusal(phantom) == .invalidAttribute("PerFrameFunctionalGroupsSequence", phantom.study.sopInstanceUIDs[0]))
    }

    @Test("Rows × Columns beyond the data is refused before it is allocated", arguments: [false, true])
    func sizes(isEncapsulated: Bool) throws {
        let phantom = try Phantom {
            ($0.slices, $0.transferSyntax) = (2, isEncapsulated ? .jpeg2000Lossless : .explicitLittleEndian)
        }
        try phantom.editAll { (_, item) throws(DCMTKError) in
            try item.set(Tag(0x0028, 0x0010), 65_535)
            try item.set(Tag(0x0028, 0x0011), 65_535)
            try item.set(Tag(0x0028, 0x0008), "2147483647")
        }
        switch refusal(phantom) {
        case .unsupported, .shortPixelData: break
        case let other: Issue.record("\(String(describing: other))")
        }
    }

    @Test("empty and missing Pixel Data are refused") func empty() throws {
        let phantom = try Phantom()
        try phantom.edit(3) { (item) throws(DCMTKError) in try item.set(Tag(0x7FE0, 0x0010), bytes: []) }
        #expect(refusal(phantom) == .shortPixelData(phantom.study.sopInstanceUIDs[3]))
        try phantom.edit(3) { (item) in item.remove(Tag(0x7FE0, 0x0010)) }
        #expect(refusal(phantom) == .missingAttribute("PixelData", phantom.study.sopInstanceUIDs[3]))
    }

    @Test("Pixel Data one row short is refused") func short() throws {
        let phantom = try Phantom()
        try phantom.edit(3) { (item) throws(DCMTKError) in
            try item.set(Tag(0x7FE0, 0x0010), words: [UInt16](repeating: 0, count: 37 * 28))
        }
        #expect(refusal(phantom) == .shortPixelData(phantom.study.sopInstanceUIDs[3]))
    }

    @Test(
        "storage that no code here reads is refused by name",
        arguments: [
            (Tag(0x0028, 0x0100), 32.0, "BitsAllocated 32"), (Tag(0x0028, 0x0002), 4.0, "SamplesPerPixel 4"),
        ])
    func storage(tag: Tag, value: Double, what: String) throws {
        let phantom = try Phantom()
        try phantom.edit(0) { (item) throws(DCMTKError) in try item.set(tag, [value]) }
        #expect(refusal(phantom) == .unsupported(what, phantom.study.sopInstanceUIDs[0]))
    }

    @Test(
        "a stream of another size than the data set says is refused",
        arguments: [PhantomTransferSyntax.jpegLosslessSV1, .jpegExtended, .jpegLSLossless, .jpeg2000Lossless])
    func streamSize(syntax: PhantomTransferSyntax) throws {
        let phantom = try Phantom { ($0.transferSyntax, $0.slices) = (syntax, 2) }
        try phantom.editAll { (_, item) throws(DCMTKError) in try item.set(Tag(0x0028, 0x0011), 36) }
        guard case .undecodable(_, "the stream has another size than the data set says") = refusal(phantom) else {
            Issue.record("\(String(describing: refusal(phantom)))")
            return
        }
    }

    @Test(
        "changed bytes in a stream are refused or decoded, and never end the process",
        arguments: PhantomTransferSyntax.allCases.filter(\.isEncapsulated))
    func mutations(syntax: PhantomTransferSyntax) throws {
        let phantom = try Phantom {
            ($0.slices, $0.transferSyntax) = (2, syntax)
            if syntax == .jpegBaseline { $0.bitsStored = 8 }
        }
        let url = URL(fileURLWithPath: phantom.study.files[1])
        let whole = try Data(contentsOf: url)
        // Pixel Data is the last element; what lies before it is the scan's business.
        let start = try #require(whole.range(of: Data([0xE0, 0x7F, 0x10, 0x00]), options: .backwards)).upperBound + 8
        var random = Generator(state: 99)
        var refused = 0
        for round in 0..<60 {
            var data = whole
            for _ in 0...round % 3 {
                // Headers lie in the first bytes and are worth most of the tries.
                let reach = round % 2 == 0 ? min(120, whole.count - start) : whole.count - start
                data[start + Int(random.next() % UInt64(reach))] = UInt8(truncatingIfNeeded: random.next() >> 8)
            }
            try data.write(to: url)
            if let refusal = refusal(phantom) {
                refused += 1
                #expect(isDecodingFailure(refusal), "\(refusal)")
            }
        }
        #expect(refused > 5)
    }

    @Test("a JPEG scan that ends early is refused, not filled with invented samples") func damaged() throws {
        let phantom = try Phantom { ($0.slices, $0.transferSyntax, $0.columns, $0.rows) = (2, .jpegExtended, 64, 64) }
        let url = URL(fileURLWithPath: phantom.study.files[1])
        var data = try Data(contentsOf: url)
        // The end-of-image marker comes in the middle of the entropy coded data: the library goes on with grey.
        let middle = data.count - 1000
        data.replaceSubrange(middle..<middle + 2, with: [0xFF, 0xD9])
        try data.write(to: url)
        #expect(refusal(phantom) == .undecodable(phantom.study.sopInstanceUIDs[1], reason: "the stream is damaged"))
    }

    struct Generator {
        var state: UInt64
        mutating func next() -> UInt64 {
            state ^= state << 13
            state ^= state >> 7
            state ^= state << 17
            return state
        }
    }
}
