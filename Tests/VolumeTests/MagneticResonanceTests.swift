// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DCMTK
import DICOM
import Foundation
import Phantoms
import Testing

@testable import Volume

@Suite struct MagneticResonanceTests {
    let folder: TestFolder

    init() throws { folder = try TestFolder() }

    private func brain(_ change: (inout BrainMR) -> Void = { _ in }) throws -> (BrainMR, PhantomStudy) {
        var brain = BrainMR(seed: 4, finding: .tumor())
        (brain.columns, brain.rows, brain.slices, brain.sequences) = (37, 29, 7, [.t2])
        change(&brain)
        return (brain, try brain.write(to: folder.path))
    }

    private func largestDifference(_ volume: VoxelVolume, _ brain: BrainMR) throws -> Float {
        let size = volume.grid.columns * volume.grid.rows
        var largest: Float = 0
        for slice in 0..<volume.grid.slices {
            for (index, value) in try brain.truth(of: brain.sequences[0], slice: slice).values.enumerated() {
                largest = max(largest, abs(value - volume.voxels[slice * size + index]))
            }
        }
        return largest
    }

    /// Each in single frames, as Enhanced MR, and converted to it.
    static let forms = BrainMR.Form.allCases

    @Test(
        "values and places come back whatever the form, the order and the storage", arguments: forms,
        [
            { _ in }, { $0.isShuffled = true }, { $0.turn = 23 }, { ($0.turn, $0.isShuffled) = (-40, true) },
            { $0.orientation = .sagittal }, { $0.orientation = .coronal }, { $0.slices = 2 },
            { $0.transferSyntax = .jpegLosslessSV1 }, { $0.transferSyntax = .jpeg2000Lossless },
            { ($0.transferSyntax, $0.isShuffled) = (.rle, true) }, { $0.transferSyntax = .explicitBigEndian },
        ] as [@Sendable (inout BrainMR) -> Void])
    func values(form: BrainMR.Form, change: @Sendable (inout BrainMR) -> Void) throws {
        let (brain, study) = try brain {
            $0.form = form
            change(&$0)
        }
        let volume = try folder.read(study.files)
        #expect(try largestDifference(volume, brain) == 0)
        #expect(volume.unit == VoxelVolume.arbitraryUnit && volume.placement == .patient && volume.notes == [])
        #expect(volume.grid.slices == brain.slices)
        // The stack is centred on the origin, and runs along its normal.
        let middle = volume.grid.point(column: 18, row: 14, slice: Double(brain.slices - 1) / 2)
        #expect(middle.length < 1e-4)
        let normal = volume.grid.columnStep.cross(volume.grid.rowStep)
        #expect(normal.cross(volume.grid.sliceStep).length < 1e-3 && normal.dot(volume.grid.sliceStep) > 0)
        #expect(abs(volume.grid.sliceStep.length - 160.0 / Double(brain.slices)) < 1e-5)
        let numbers = volume.frames.compactMap(\.frameNumber)
        #expect(numbers.count == (form == .singleFrame ? 0 : brain.slices))
        if brain.isShuffled, form != .singleFrame { #expect(numbers != numbers.sorted()) }
    }

    @Test("each frame is rescaled by its own slope and intercept", arguments: forms)
    func rescale(form: BrainMR.Form) throws {
        let (brain, study) = try brain { ($0.form, $0.rescalesEachSlice, $0.isShuffled) = (form, true, true) }
        // Slopes run from 0.5 to 1: rounding to stored values costs half of one.
        let difference = try largestDifference(folder.read(study.files), brain)
        #expect(difference > 0 && difference <= 0.5)
    }

    @Test("what the header says of the sequence is declared", arguments: forms) func declared(form: BrainMR.Form) throws
    {
        let (_, study) = try brain { ($0.form, $0.sequences) = (form, [.flair]) }
        let declared = try folder.read(study.files).declared
        #expect(declared.modality == "MR" && declared.echoTime == 110 && declared.repetitionTime == 9000)
        if form != .converted { #expect(declared.inversionTime == 2500 && declared.magneticFieldStrength == 3) }
        #expect(declared.bitsStored == 16 && declared.valueRange == 0...65_535)
    }

    private static let ambiguities: [(@Sendable (inout BrainMR) -> Void, String)] = [
        ({ $0.repeats = [.init(echoTime: 30), .init(echoTime: 90)] }, "EchoTime (30, 90)"),
        ({ $0.repeats = [.init(bValue: 0), .init(bValue: 1000)] }, "DiffusionBValue (0, 1000)"),
    ]

    @Test("two echoes or b-values at one place are refused with the positions", arguments: forms, ambiguities.indices)
    func ambiguous(form: BrainMR.Form, index: Int) throws {
        let (change, what) = MagneticResonanceTests.ambiguities[index]
        let (_, study) = try brain {
            $0.form = form
            change(&$0)
        }
        guard case .ambiguousFrames(let differing, let positions)? = folder.refusal(study.files, .stack) else {
            Issue.record("\(String(describing: folder.refusal(study.files, .stack)))")
            return
        }
        // An Enhanced MR also says that diffusion has a direction.
        #expect(differing.first == what && positions.count == 7)
        let words = try #require(folder.refusal(study.files, .stack)).description
        #expect(words.contains("differ in \(what)"), "\(words)")
        #expect(words.contains("-68.6)") && words.hasSuffix("and 3 more"), "\(words)")
    }

    @Test("a package may say which echo, b-value, time or component it takes", arguments: forms)
    func chosen(form: BrainMR.Form) throws {
        let (brain, study) = try brain {
            $0.form = form
            $0.repeats = [
                .init(echoTime: 30, bValue: 0), .init(echoTime: 90, bValue: 0), .init(echoTime: 90, bValue: 1000),
            ]
        }
        var choice = FrameChoice()
        choice.echoTime = 90.04
        #expect(folder.refusal(study.files, .stack, choice: choice) != nil)
        choice.bValue = 1000
        let volume = try folder.read(study.files, .stack, choice: choice)
        #expect(try largestDifference(volume, brain) == 0)
        #expect(volume.grid.slices == 7 && volume.notes == [])
        if form != .singleFrame { #expect(volume.frames.map(\.frameNumber) == (1...7).map { 3 * $0 }) }
        choice.bValue = 500
        #expect(
            folder.refusal(study.files, .stack, choice: choice)
                == .noSuchFrame("no image has DiffusionBValue 500; there are 0, 1000"))
        choice.bValue = 1000
        choice.echoTime = 30
        #expect(
            folder.refusal(study.files, .stack, choice: choice)
                == .noSuchFrame("no image has DiffusionBValue 1000; there is 0"))
    }

    @Test("of several times the first is taken, with a note, unless another is asked for", arguments: forms)
    func times(form: BrainMR.Form) throws {
        guard form != .converted else { return }
        let (_, study) = try brain {
            ($0.form, $0.isShuffled) = (form, true)
            $0.repeats = (1...3).map { .init(temporalPosition: $0) }
        }
        let volume = try folder.read(study.files)
        #expect(volume.notes == ["TemporalPositionIndex 1 of 1, 2, 3 is taken: 7 of 21 images"])
        var choice = FrameChoice()
        choice.temporalPosition = 2
        let second = try folder.read(study.files, .stack, choice: choice)
        #expect(second.notes == [] && Set(second.frames).isDisjoint(with: volume.frames) && second.grid.slices == 7)
    }

    @Test("of complex images the magnitude is taken, with a note") func component() throws {
        let (_, study) = try brain {
            $0.form = .enhanced
            $0.repeats = [.init(component: "PHASE"), .init(component: "MAGNITUDE")]
        }
        let volume = try folder.read(study.files)
        #expect(volume.frames.map(\.frameNumber) == (1...7).map { 2 * $0 })
        #expect(volume.notes == ["ComplexImageComponent MAGNITUDE of MAGNITUDE, PHASE is taken: 7 of 14 images"])
        var choice = FrameChoice()
        choice.complexImageComponent = "PHASE"
        #expect(
            try folder.read(study.files, .stack, choice: choice).frames.map(\.frameNumber) == (0..<7).map { 2 * $0 + 1 }
        )
    }

    @Test("the largest of several stacks is taken where it is at least twice the others, else none")
    func stacks() throws {
        let (brain, study) = try brain { ($0.form, $0.extraStackSlices) = (.enhanced, 3) }
        let volume = try folder.read(study.files)
        #expect(try largestDifference(volume, brain) == 0)
        #expect(volume.notes == ["StackID 1 of 1, 2 is taken: 7 of 10 images"])
        let (_, even) = try self.brain { ($0.form, $0.extraStackSlices) = (.enhanced, 4) }
        guard case .ambiguousFrames(["StackID (1, 2)"], let positions)? = folder.refusal(even.files, .stack) else {
            Issue.record("\(String(describing: folder.refusal(even.files, .stack)))")
            return
        }
        #expect(positions.count == 2)
        var choice = FrameChoice()
        choice.stackID = "2"
        #expect(try folder.read(even.files, .stack, choice: choice).grid.slices == 4)
    }

    @Test("slices that are there twice and differ in nothing are refused as before") func duplicate() throws {
        let (_, study) = try brain { $0.repeats = [.init(), .init()] }
        #expect(folder.refusal(study.files, .stack) == .duplicatePositions(count: 7, slice: 2, of: 14))
    }

    @Test("an Enhanced MR with one frame is no volume, and one cut off is refused") func broken() throws {
        let (_, one) = try brain { ($0.form, $0.slices) = (.enhanced, 1) }
        #expect(folder.refusal(one.files, .stack) == .tooFewSlices(count: 1, needed: 2))
        let (_, study) = try brain { $0.form = .enhanced }
        let url = URL(fileURLWithPath: study.files[0])
        let whole = try Data(contentsOf: url)
        for length in stride(from: whole.count - 2, to: 0, by: -max(1, whole.count / 40)) {
            try whole.prefix(length).write(to: url)
            #expect(folder.refusal(study.files, .stack) != nil, "cut to \(length) of \(whole.count)")
        }
    }

    @Test("MONOCHROME1 would turn arbitrary units round, and is refused", arguments: forms)
    func monochrome1(form: BrainMR.Form) throws {
        let (_, study) = try brain { $0.form = form }
        for file in study.files {
            try folder.edit(file) { (item) throws(DCMTKError) in try item.set(Tag(0x0028, 0x0004), "MONOCHROME1") }
        }
        guard case .unsupported("photometric interpretation MONOCHROME1", _)? = folder.refusal(study.files, .stack)
        else {
            Issue.record("MONOCHROME1 was read")
            return
        }
    }

    @Test("series of one study lie on one grid, thick ones on one of theirs") func coregistered() throws {
        let (_, study) = try brain {
            ($0.sequences, $0.thickSequences, $0.slices) = ([.t1, .t1c, .t2, .flair], [.flair], 8)
        }
        #expect(study.series.map(\.description) == ["T1", "T1c", "T2", "FLAIR"])
        let grids = try study.series.map { try folder.read($0.files).grid }
        #expect(grids[0] == grids[1] && grids[0] == grids[2] && grids[3].slices == 4)
        #expect(abs(grids[3].sliceStep.length - 2 * grids[0].sliceStep.length) < 1e-5)
        #expect(
            (grids[3].point(column: 0, row: 0, slice: 1.5) - grids[0].point(column: 0, row: 0, slice: 3.5)).length
                < 1e-4)
    }
}
