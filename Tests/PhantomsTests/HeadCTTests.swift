// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DCMTK
import DICOM
import Foundation
import Phantoms
import Testing

/// Testing has a Tag too.
typealias Tag = DICOM.Tag

@Suite struct HeadCTTests {
    let directory: String

    init() throws {
        directory = try temporaryDirectory()
    }

    private func small(_ finding: HeadCT.Finding = .none) -> HeadCT {
        var choices = HeadCT(seed: 3, finding: finding)
        (choices.columns, choices.rows, choices.slices) = (72, 61, 8)
        return choices
    }

    @Test("the same choices give the same bytes") func deterministic() throws {
        defer { try? FileManager.default.removeItem(atPath: directory) }
        var choices = small(.bleed(.init()))
        choices.deceivers = HeadCT.Deceiver.allCases
        let a = try choices.write(to: directory + "/a")
        let b = try choices.write(to: directory + "/b")
        #expect(a.files.count == 8 && a.sopInstanceUIDs == b.sopInstanceUIDs && a.truth == b.truth)
        for (one, other) in zip(a.files, b.files) {
            #expect(FileManager.default.contents(atPath: one) == FileManager.default.contents(atPath: other))
        }
    }

    @Test("another seed changes the noise and every UID") func seeds() throws {
        defer { try? FileManager.default.removeItem(atPath: directory) }
        var other = small()
        other.seed = 4
        #expect(try small().truth(ofSlice: 4).hounsfield != other.truth(ofSlice: 4).hounsfield)
        let a = try small().write(to: directory + "/a")
        let b = try other.write(to: directory + "/b")
        #expect(a.studyInstanceUID != b.studyInstanceUID && a.seriesInstanceUID != b.seriesInstanceUID)
        #expect(Set(a.sopInstanceUIDs).union(b.sopInstanceUIDs).count == 16)
    }

    @Test("fresh UIDs differ on every writing, an identity keeps them across transfer syntaxes") func identities()
        throws
    {
        defer { try? FileManager.default.removeItem(atPath: directory) }
        var fresh = small()
        fresh.hasFreshUIDs = true
        let first = try fresh.write(to: directory + "/a")
        #expect(try first.studyInstanceUID != fresh.write(to: directory + "/b").studyInstanceUID)
        var plain = small()
        plain.identity = "one"
        var encoded = plain
        encoded.transferSyntax = .rle
        let native = try plain.write(to: directory + "/c")
        #expect(try native.sopInstanceUIDs == encoded.write(to: directory + "/d").sopInstanceUIDs)
    }

    @Test("a bleed has the volume and place that were asked for", arguments: [2.0, 20, 60], [0.0, 20])
    func bleed(volume: Double, tilt: Double) throws {
        var choices = HeadCT(seed: 1, finding: .bleed(.init(volume: volume, side: .right)))
        (choices.columns, choices.rows, choices.slices, choices.tilt) = (160, 160, 107, tilt)
        var (voxels, left) = (0, 0)
        for slice in 0..<choices.slices {
            let marks = try choices.truth(ofSlice: slice).bleed
            for (index, mark) in marks.enumerated() where mark == 1 {
                voxels += 1
                if index % 160 >= 80 { left += 1 }
            }
        }
        let voxel = 1.5 * 1.5 * (160.0 / 107) * cos(tilt * .pi / 180) / 1000
        #expect(abs(Double(voxels) * voxel - volume) < 0.05 * volume)
        // Columns grow to the patient's left, so a bleed on the right lies in the lower half.
        #expect(left == 0)
    }

    @Test("tissues have their Hounsfield units") func tissues() throws {
        var choices = HeadCT(seed: 1, finding: .bleed(.init()))
        (choices.columns, choices.rows, choices.slices) = (240, 240, 20)
        // The plane at z = 4: 1 mm pixels, the head's centre between columns and rows 119 and 120.
        let slice = try choices.truth(ofSlice: 10)
        func mean(_ x: Int, _ y: Int, _ radius: Int) -> Double {
            var values: [Double] = []
            for row in y - radius...y + radius {
                for column in x - radius...x + radius { values.append(Double(slice.hounsfield[row * 240 + column])) }
            }
            return values.reduce(0, +) / Double(values.count)
        }
        #expect(abs(mean(5, 5, 4) + 1000) < 3)
        #expect(abs(mean(120 - 40, 120 + 20, 4) - 35) < 3)
        #expect(abs(mean(120 + 32, 120 + 12, 4) - 70) < 3)
        // Bone at the back, 6 mm thick: 84 mm from the centre.
        #expect(abs(mean(120, 120 + 84, 0) - 1000) < 20)
        let corner = (0..<20 * 20).map { Double(slice.hounsfield[$0 / 20 * 240 + $0 % 20]) + 1000 }
        let deviation = (corner.reduce(0) { $0 + $1 * $1 } / 400).squareRoot()
        #expect((4...6).contains(deviation))
    }

    @Test("a Japanese name is written as PS3.5 H.3 prints it") func japanese() throws {
        defer { try? FileManager.default.removeItem(atPath: directory) }
        var choices = small()
        (choices.characterSet, choices.slices) = (.japanese, 1)
        let study = try choices.write(to: directory)
        let expected: [UInt8] =
            Array("Yamada^Tarou=".utf8) + [0x1B, 0x24, 0x42, 0x3B, 0x33, 0x45, 0x44, 0x1B, 0x28, 0x42, 0x5E]
            + [0x1B, 0x24, 0x42, 0x42, 0x40, 0x4F, 0x3A, 0x1B, 0x28, 0x42, 0x3D, 0x1B, 0x24, 0x42, 0x24, 0x64]
            + [0x24, 0x5E, 0x24, 0x40, 0x1B, 0x28, 0x42, 0x5E, 0x1B, 0x24, 0x42, 0x24, 0x3F, 0x24, 0x6D, 0x24]
            + [0x26, 0x1B, 0x28, 0x42]
        let dataSet = try DataSet(contentsOf: study.files[0])
        let (name, sets) = dataSet.withItem { ($0.bytes(Tag(0x0010, 0x0010)), $0.strings(Tag(0x0008, 0x0005))) }
        #expect(name == expected)
        #expect(sets == ["", "ISO 2022 IR 87"])
    }

    @Test("choices that contradict each other are refused") func impossible() {
        defer { try? FileManager.default.removeItem(atPath: directory) }
        var choices: [HeadCT] = []
        for change in [
            { $0.slices = 0 }, { $0.columns = 70_000 }, { $0.tilt = 60 },
            { ($0.tilt, $0.orientation) = (10, .coronal) }, { $0.transferSyntax = .jpegBaseline },
            { ($0.isSigned, $0.transferSyntax) = (true, .jpegExtended) }, { $0.bitsStored = 13 },
            { ($0.characterSet, $0.patientName) = (.latin1, "山田") }, { ($0.slices, $0.defects) = (3, [.gap]) },
        ] as [(inout HeadCT) -> Void] {
            var choice = small()
            change(&choice)
            choices.append(choice)
        }
        for choice in choices {
            #expect(throws: PhantomError.self) { try choice.write(to: directory) }
        }
    }

    @Test("a localizer series comes first and says so") func localizer() throws {
        defer { try? FileManager.default.removeItem(atPath: directory) }
        var choices = small()
        choices.localizerSlices = 2
        let study = try choices.write(to: directory)
        #expect(study.files.count == 10 && study.sopInstanceUIDs.count == 8)
        let types = try study.files.map { path in
            try DataSet(contentsOf: path).withItem { $0.strings(Tag(0x0008, 0x0008))[2] }
        }
        #expect(types == ["LOCALIZER", "LOCALIZER"] + Array(repeating: "AXIAL", count: 8))
    }
}

func temporaryDirectory() throws -> String {
    let path = NSTemporaryDirectory() + "/triaged-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    return path
}
