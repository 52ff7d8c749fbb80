// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DCMTK
import DICOM
import Foundation
import Phantoms
import Testing

@Suite struct OtherPhantomsTests {
    let directory: String

    init() throws { directory = try temporaryDirectory() }

    private func bytes(_ study: PhantomStudy) -> [Data?] {
        study.files.map { FileManager.default.contents(atPath: $0) }
    }

    @Test("the same choices give the same bytes, another seed other UIDs") func deterministic() throws {
        defer { try? FileManager.default.removeItem(atPath: directory) }
        var chest = ChestXRay(seed: 3, finding: .pneumothorax())
        (chest.columns, chest.rows, chest.views) = (30, 20, [.pa, .lateral])
        var abdomen = AbdomenCT(seed: 3, finding: .freeFluid())
        (abdomen.columns, abdomen.rows, abdomen.slices) = (30, 20, 3)
        var brain = BrainMR(seed: 3, finding: .tumor())
        (brain.columns, brain.rows, brain.slices, brain.form) = (30, 20, 3, .enhanced)
        let writers: [(String) throws -> PhantomStudy] = [
            { try chest.write(to: $0) }, { try abdomen.write(to: $0) }, { try brain.write(to: $0) },
        ]
        let first = try writers.enumerated().map { try $1(directory + "/a\($0)") }
        let again = try writers.enumerated().map { try $1(directory + "/b\($0)") }
        for (a, b) in zip(first, again) { #expect(bytes(a) == bytes(b) && !a.files.isEmpty && a.truth == b.truth) }
        (chest.seed, abdomen.seed, brain.seed) = (4, 4, 4)
        let others = [
            try chest.write(to: directory + "/c0"), try abdomen.write(to: directory + "/c1"),
            try brain.write(to: directory + "/c2"),
        ]
        for (a, c) in zip(first, others) {
            #expect(a.studyInstanceUID != c.studyInstanceUID && a.seriesInstanceUID != c.seriesInstanceUID)
            #expect(Set(a.sopInstanceUIDs).isDisjoint(with: c.sopInstanceUIDs))
        }
        abdomen.hasFreshUIDs = true
        let fresh = try abdomen.write(to: directory + "/d")
        #expect(try fresh.studyInstanceUID != abdomen.write(to: directory + "/e").studyInstanceUID)
    }

    @Test(
        "fluid, lesion and tumor have the volume and place that were asked for",
        arguments: [AbdomenCT.Finding.freeFluid(volume: 200), .freeFluid(volume: 40), .liverLesion(volume: 12)])
    func abdomen(finding: AbdomenCT.Finding) throws {
        var abdomen = AbdomenCT(seed: 2, finding: finding)
        (abdomen.columns, abdomen.rows, abdomen.slices, abdomen.sliceSpacing) = (190, 190, 100, 2)
        var (voxels, sum, inside) = (0, 0.0, [Float]())
        for slice in 0..<100 {
            let truth = try abdomen.truth(ofSlice: slice)
            for (index, mark) in truth.finding.enumerated() where mark > 0 {
                voxels += 1
                sum += (Double(slice) - 49.5) * 2
                inside.append(truth.hounsfield[index])
            }
        }
        let (volume, z, density): (Double, Double, Float) =
            switch finding {
            case .freeFluid(let volume): (volume, -70, 8)
            case .liverLesion(let volume): (volume, 40, 20)
            case .none: (0, 0, 0)
            }
        #expect(abs(Double(voxels) * 2 * 2 * 2 / 1000 - volume) < 0.03 * volume)
        #expect(abs(sum / Double(voxels) - z) < 0.2)
        // The soft edge lets neighbours in.
        #expect(abs(inside.reduce(0, +) / Float(inside.count) - density) < 6)
    }

    @Test("organs have their volumes", arguments: AbdomenCT.Organ.allCases) func organ(organ: AbdomenCT.Organ) throws {
        var abdomen = AbdomenCT(seed: 2)
        (abdomen.columns, abdomen.rows, abdomen.slices, abdomen.sliceSpacing) = (190, 190, 120, 2)
        (abdomen.noise, abdomen.hasContrast) = (0, true)
        let density: Float = organ == .liver ? 110 : organ == .spleen ? 125 : 190
        var voxels = 0
        for slice in 0..<120 {
            let values = try abdomen.truth(ofSlice: slice).hounsfield
            for (index, value) in values.enumerated() where abs(value - density) < 7 {
                let isRight = index % 190 < 95
                if organ != .rightKidney && organ != .leftKidney || isRight == (organ == .rightKidney) { voxels += 1 }
            }
        }
        let volume = try #require(AbdomenCT.organVolumes[organ])
        // Voxels of the soft edge are not counted.
        #expect((0.9...1.01).contains(Double(voxels) * 8 / 1000 / volume), "\(Double(voxels) * 8 / 1000) of \(volume)")
    }

    @Test(
        "a tumor has oedema, rim and necrosis of known volumes, on the side asked for",
        arguments: [HeadCT.Side.left, .right])
    func tumor(side: HeadCT.Side) throws {
        var brain = BrainMR(seed: 2, finding: .tumor(volume: 50, side: side))
        (brain.columns, brain.rows, brain.slices) = (160, 160, 107)
        var (counts, wrong) = ([0, 0, 0], 0)
        for slice in 0..<107 {
            for (index, label) in try brain.truth(of: .t1, slice: slice).labels.enumerated() where label > 0 {
                for part in 0..<Int(label) { counts[part] += 1 }
                if (index % 160 >= 80) != (side == .left) { wrong += 1 }
            }
        }
        #expect(wrong < counts[0] / 50)
        for (count, volume) in zip(counts, brain.tumorVolumesML) {
            #expect(abs(Double(count) * 1.5 * 1.5 * 160 / 107 / 1000 - volume) < 0.03 * volume)
        }
        #expect(abs(brain.tumorVolumesML[0] - 50) < 1e-9 && brain.tumorVolumesML.count == 3)
        // Only the rim takes up contrast.
        let slice = 66
        let (t1, labels) = try brain.truth(of: .t1, slice: slice)
        let t1c = try brain.truth(of: .t1c, slice: slice).values
        func rise(_ label: UInt8) -> Float {
            let indices = labels.indices.filter { labels[$0] == label }
            return indices.reduce(0) { $0 + t1c[$1] - t1[$1] } / Float(indices.count)
        }
        #expect(rise(2) > 300 && rise(1) < 100 && rise(3) < 150)
    }

    @Test(
        "a pneumothorax is dark at the side, and the rest of the lung keeps its volume",
        arguments: [HeadCT.Side.left, .right])
    func pneumothorax(side: HeadCT.Side) throws {
        var chest = ChestXRay(seed: 2, finding: .pneumothorax(side: side, share: 0.4))
        (chest.columns, chest.rows, chest.noise) = (430, 430, 0)
        let (stored, air) = try chest.truth(ofImage: 0)
        chest.finding = .none
        let healthy = try chest.truth(ofImage: 0)
        #expect(healthy.air.allSatisfy { $0 == 0 } && chest.airVolumeML == 0)
        var (darker, all, wrong) = (0, 0, 0)
        for index in air.indices {
            if air[index] == 1 {
                all += 1
                if stored[index] < healthy.stored[index] { darker += 1 }
                if (index % 430 >= 215) != (side == .left) { wrong += 1 }
            } else {
                #expect(stored[index] == healthy.stored[index])
            }
        }
        #expect(wrong == 0 && all > 15_000 && darker > all / 4)
        chest.finding = .pneumothorax(side: side, share: 0.4)
        #expect(
            abs(chest.airVolumeML - 0.4 * 4 / 3 * Double.pi * (side == .right ? 58 * 85 * 130 : 54 * 85 * 126) / 1000)
                < 0.01)
    }

    @Test("MONOCHROME1 stores the same picture turned round") func monochrome1() throws {
        var chest = ChestXRay(seed: 2)
        (chest.columns, chest.rows, chest.bitsStored) = (64, 64, 14)
        let plain = try chest.truth(ofImage: 0).stored
        chest.isMonochrome1 = true
        #expect(try chest.truth(ofImage: 0).stored == plain.map { 16_383 - $0 })
    }

    @Test("choices that contradict each other are refused") func impossible() {
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let chests: [(inout ChestXRay) -> Void] = [
            { $0.columns = 0 }, { $0.bitsStored = 17 }, { $0.views = [] }, { $0.slope = 2 },
            { ($0.isComputedRadiography, $0.slope) = (true, 0) }, { $0.collimation = 600 }, { $0.noise = .nan },
            { $0.finding = .pneumothorax(share: 1) }, { $0.transferSyntax = .jpegBaseline },
        ]
        for change in chests {
            var chest = ChestXRay()
            change(&chest)
            #expect(throws: PhantomError.self) { try chest.write(to: directory) }
        }
        let abdomens: [(inout AbdomenCT) -> Void] = [
            { $0.slices = 0 }, { $0.rows = 70_000 }, { $0.finding = .freeFluid(volume: 1000) }, { $0.noise = -1 },
            { $0.finding = .liverLesion(volume: 0) }, { $0.sliceSpacing = -1 },
        ]
        for change in abdomens {
            var abdomen = AbdomenCT()
            (abdomen.columns, abdomen.rows) = (8, 8)
            change(&abdomen)
            #expect(throws: PhantomError.self) { try abdomen.write(to: directory) }
        }
        let brains: [(inout BrainMR) -> Void] = [
            { $0.sequences = [] }, { $0.sequences = [.t1, .t1] }, { $0.turn = 60 }, { $0.repeats = [] },
            { ($0.turn, $0.orientation) = (3, .sagittal) }, { $0.finding = .tumor(volume: 100) },
            { $0.transferSyntax = .jpegExtended }, { $0.slices = 20_000 },
        ]
        for change in brains {
            var brain = BrainMR()
            (brain.columns, brain.rows) = (8, 8)
            change(&brain)
            #expect(throws: PhantomError.self) { try brain.write(to: directory) }
        }
    }
}
