// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import DICOM
import Phantoms

extension ChestXRay.View: ExpressibleByArgument {}
extension BrainMR.Sequence: ExpressibleByArgument {}
extension BrainMR.Form: ExpressibleByArgument {}

struct MakeChestXRay: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "chest-xray", abstract: "Radiographs of a chest, with or without a pneumothorax.")

    enum FindingName: String, CaseIterable, ExpressibleByArgument { case none, pneumothorax }

    @OptionGroup var common: PhantomArguments
    @Option(help: "pneumothorax or none.") var finding: FindingName = .none
    @Option(help: "Side of the pneumothorax.") var side: HeadCT.Side = .right
    @Option(help: "Share of the lung's volume that is lost to air.") var share = 0.4
    @Option(help: "PA, AP or LL; may be given more than once: one image each.") var view: [ChestXRay.View] = []
    @Flag(help: "Computed Radiography in place of Digital X-Ray.") var cr = false
    @Flag(help: "Low values are shown white.") var monochrome1 = false
    @Option(help: "Bits stored, 8 to 16.") var bits = 12
    @Option(help: "Rescale Slope, of CR.") var slope = 1
    @Option(help: "Rescale Intercept, of CR.") var intercept = 0
    @Option(help: "Pixels on each side that the collimator covers.") var collimation = 0

    func run() throws {
        var chest = ChestXRay(
            seed: common.seed, finding: finding == .none ? .none : .pneumothorax(side: side, share: share))
        if let matrix = common.matrix { (chest.columns, chest.rows) = try PhantomOutput.size(matrix) }
        if !view.isEmpty { chest.views = view }
        chest.isComputedRadiography = cr
        chest.isMonochrome1 = monochrome1
        chest.bitsStored = bits
        (chest.slope, chest.intercept, chest.collimation) = (slope, intercept, collimation)
        chest.noise = common.noise ?? chest.noise
        chest.transferSyntax = common.transferSyntax
        chest.patient = common.patient
        (chest.identity, chest.hasFreshUIDs) = (common.identity, common.freshUids)
        try PhantomOutput.make(common.output, { try chest.write(to: common.output) }, truth: PhantomTruth.init)
    }
}

struct MakeAbdomenCT: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "abdomen-ct", abstract: "An abdomen CT, with or without free fluid or a lesion of the liver.")

    enum FindingName: String, CaseIterable, ExpressibleByArgument {
        case none
        case freeFluid = "free-fluid"
        case liverLesion = "liver-lesion"
    }

    @OptionGroup var common: PhantomArguments
    @Option(help: "free-fluid, liver-lesion or none.") var finding: FindingName = .none
    @Option(help: "Volume of the finding, mL.") var volume: Double?
    @Flag(help: "In the portal venous phase.") var contrast = false
    @Option(help: "Number of slices.") var slices: Int?
    @Option(help: "Spacing of slices, mm.") var sliceSpacing: Double?

    func run() throws {
        var abdomen = AbdomenCT(seed: common.seed)
        switch finding {
        case .none: break
        case .freeFluid: abdomen.finding = .freeFluid(volume: volume ?? 150)
        case .liverLesion: abdomen.finding = .liverLesion(volume: volume ?? 8)
        }
        if let matrix = common.matrix { (abdomen.columns, abdomen.rows) = try PhantomOutput.size(matrix) }
        abdomen.hasContrast = contrast
        abdomen.slices = slices ?? abdomen.slices
        abdomen.sliceSpacing = sliceSpacing
        abdomen.noise = common.noise ?? abdomen.noise
        abdomen.transferSyntax = common.transferSyntax
        abdomen.patient = common.patient
        (abdomen.identity, abdomen.hasFreshUIDs) = (common.identity, common.freshUids)
        try PhantomOutput.make(common.output, { try abdomen.write(to: common.output) }, truth: PhantomTruth.init)
    }
}

struct MakeBrainMR: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "brain-mr", abstract: "A brain MR study of co-registered series, with or without a tumor.")

    enum FindingName: String, CaseIterable, ExpressibleByArgument { case none, tumor }

    @OptionGroup var common: PhantomArguments
    @Option(help: "tumor or none.") var finding: FindingName = .none
    @Option(help: "Volume of the tumor with its oedema, mL.") var volume = 40.0
    @Option(help: "Side of the tumor.") var side: HeadCT.Side = .left
    @Option(help: "T1, T1c, T2 or FLAIR; may be given more than once; all of them by default.")
    var sequence: [BrainMR.Sequence] = []
    @Option(help: "Sequences with half the slices; may be given more than once.") var thick: [BrainMR.Sequence] = []
    @Option(help: "single-frame, enhanced, or converted (Legacy Converted Enhanced MR).")
    var form: BrainMR.Form = .singleFrame
    @Option(help: "Number of slices.") var slices: Int?
    @Option(help: "Plane of the slices.") var orientation: HeadCT.Orientation = .axial
    @Option(help: "Degrees by which planes are turned about the left-right axis.") var turn = 0.0
    @Flag(help: "Each slice has a rescale of its own.") var rescaleEachSlice = false
    @Flag(help: "Images in an order that is not the stack's.") var shuffled = false
    @Option(help: "Echo times, ms, that each place is imaged at; may be given more than once.") var echo: [Double] = []
    @Option(help: "b-values that each place is imaged at; may be given more than once.") var bValue: [Double] = []
    @Option(help: "Times at which each place is imaged.") var times = 1

    func run() throws {
        var brain = BrainMR(seed: common.seed, finding: finding == .none ? .none : .tumor(volume: volume, side: side))
        if let matrix = common.matrix { (brain.columns, brain.rows) = try PhantomOutput.size(matrix) }
        if !sequence.isEmpty { brain.sequences = sequence }
        brain.thickSequences = thick
        brain.form = form
        brain.slices = slices ?? brain.slices
        (brain.orientation, brain.turn) = (orientation, turn)
        (brain.rescalesEachSlice, brain.isShuffled) = (rescaleEachSlice, shuffled)
        let echoes: [Double?] = echo.isEmpty ? [nil] : echo
        let weights: [Double?] = bValue.isEmpty ? [nil] : bValue
        guard (1...1000).contains(times) else { throw Failure("--times is 1 to 1000") }
        brain.repeats = (1...times).flatMap { time in
            echoes.flatMap { echo in
                weights.map { .init(echoTime: echo, bValue: $0, temporalPosition: times > 1 ? time : nil) }
            }
        }
        brain.noise = common.noise ?? brain.noise
        brain.transferSyntax = common.transferSyntax
        brain.patient = common.patient
        (brain.identity, brain.hasFreshUIDs) = (common.identity, common.freshUids)
        try PhantomOutput.make(common.output, { try brain.write(to: common.output) }, truth: PhantomTruth.init)
    }
}
