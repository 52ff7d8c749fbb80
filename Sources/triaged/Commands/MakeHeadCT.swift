// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import DICOM
import Foundation
import Phantoms

extension HeadCT.Deceiver: ExpressibleByArgument {}
extension HeadCT.Defect: ExpressibleByArgument {}
extension HeadCT.FunctionalGroups: ExpressibleByArgument {}

struct MakeHeadCT: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "head-ct", abstract: "A head CT, with or without a bleed and what deceives a detector of it.")

    enum FindingName: String, CaseIterable, ExpressibleByArgument { case none, bleed }

    @Option(help: "Directory for the files; made where it is missing.") var output: String
    @Option(help: "bleed or none.") var finding: FindingName = .none
    @Option(help: "Volume of the bleed, mL.") var volume = 20.0
    @Option(help: "Side of the bleed.") var side: HeadCT.Side = .left
    @Option(help: "Distance of the bleed's centre from the midline, mm.") var lateral: Double?
    @Option(help: "Distance of the bleed's centre behind the head's, mm.") var posterior: Double?
    @Option(help: "Distance of the bleed's centre above the head's, mm.") var superior: Double?
    @Option(help: "Hounsfield units of the bleed.") var density = 70.0
    @Option(help: "What deceives a detector; may be given more than once.") var deceiver: [HeadCT.Deceiver] = []
    @Option(help: "Equal seeds and choices give equal studies.") var seed: UInt64 = 1
    @Option(help: "Number of slices.") var slices = 32
    @Option(help: "Rows and columns: one number, or COLUMNSxROWS.") var matrix = "512"
    @Option(help: "Spacing of pixels, mm.") var pixelSpacing: Double?
    @Option(help: "Spacing of slices, mm.") var sliceSpacing: Double?
    @Option(help: "Slice Thickness, mm.") var sliceThickness: Double?
    @Option(help: "Plane of the slices.") var orientation: HeadCT.Orientation = .axial
    @Option(help: "Gantry tilt, degrees.") var tilt = 0.0
    @Option(help: "Standard deviation of the noise, HU.") var noise = 5.0
    @Flag(help: "One Enhanced CT instead of single frames.") var multiFrame = false
    @Option(help: "Functional groups of a multi-frame object.") var functionalGroups: HeadCT.FunctionalGroups = .shared
    @Option(help: "Transfer syntax.") var transferSyntax: PhantomTransferSyntax = .explicitLittleEndian
    @Option(help: "Specific Character Set.") var characterSet: HeadCT.CharacterSet = .latin1
    @Option(help: "Patient Name, groups joined by \"=\".") var patientName: String?
    @Option(help: "Patient ID.") var patientID: String?
    @Option(help: "Accession Number.") var accessionNumber: String?
    @Option(help: "A defect; may be given more than once.") var defect: [HeadCT.Defect] = []
    @Option(help: "Slices of a localizer series.") var localizerSlices = 0
    @Option(help: "UIDs derive from this alone, so that two studies may bear the same.") var identity: String?
    @Flag(help: "New UIDs, whatever the seed.") var freshUids = false

    func run() throws {
        try PhantomOutput.make(output) { () throws in
            try phantom().write(to: output) { written, all in
                if isatty(STDERR_FILENO) != 0 {
                    FileHandle.standardError.write(Data("\r\(written) of \(all) slices".utf8))
                }
            }
        } truth: { study in
            Truth(
                studyInstanceUID: study.studyInstanceUID, seriesInstanceUID: study.seriesInstanceUID,
                sopInstanceUIDs: study.sopInstanceUIDs, files: study.files.count,
                bleedVolumeML: study.truth.bleedVolumeML, bleedCentre: study.truth.bleedCentre)
        }
    }

    private func phantom() throws -> HeadCT {
        var head = HeadCT(seed: seed)
        if finding == .bleed {
            var bleed = HeadCT.Bleed(volume: volume, side: side, density: density)
            bleed.lateral = lateral ?? bleed.lateral
            bleed.posterior = posterior ?? bleed.posterior
            bleed.superior = superior ?? bleed.superior
            head.finding = .bleed(bleed)
        }
        (head.columns, head.rows) = try PhantomOutput.size(matrix)
        head.deceivers = deceiver
        head.slices = slices
        head.pixelSpacing = pixelSpacing
        head.sliceSpacing = sliceSpacing
        head.sliceThickness = sliceThickness
        head.orientation = orientation
        head.tilt = tilt
        head.noise = noise
        head.isMultiFrame = multiFrame
        head.functionalGroups = functionalGroups
        head.transferSyntax = transferSyntax
        // JPEG Baseline has 8 bits (PS3.5 8.2.1).
        if transferSyntax == .jpegBaseline { head.bitsStored = 8 }
        head.characterSet = characterSet
        head.patientName = patientName
        head.patientID = patientID
        head.accessionNumber = accessionNumber
        head.defects = defect
        head.localizerSlices = localizerSlices
        head.identity = identity
        head.hasFreshUIDs = freshUids
        return head
    }

    private struct Truth: Encodable {
        var studyInstanceUID: UID
        var seriesInstanceUID: UID
        var sopInstanceUIDs: [UID]
        var files: Int
        var bleedVolumeML: Double
        var bleedCentre: Vector3?
    }
}
