// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import DICOM
import Foundation
import Phantoms

extension HeadCT.Side: ExpressibleByArgument {}
extension HeadCT.Orientation: ExpressibleByArgument {}
extension HeadCT.CharacterSet: ExpressibleByArgument {}
extension PhantomTransferSyntax: ExpressibleByArgument {}

struct MakePhantom: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "phantom", abstract: "Makes synthetic studies; prints what is true about them as one JSON line.",
        usage: "triaged phantom <head-ct|chest-xray|abdomen-ct|brain-mr> --output DIR [options]",
        subcommands: [MakeHeadCT.self, MakeChestXRay.self, MakeAbdomenCT.self, MakeBrainMR.self])
}

/// What the newer phantoms have in common.
struct PhantomArguments: ParsableArguments {
    @Option(help: "Directory for the files; made where it is missing.") var output: String
    @Option(help: "Equal seeds and choices give equal studies.") var seed: UInt64 = 1
    @Option(help: "Rows and columns: one number, or COLUMNSxROWS.") var matrix: String?
    @Option(help: "Standard deviation of the noise.") var noise: Double?
    @Option(help: "Transfer syntax.") var transferSyntax: PhantomTransferSyntax = .explicitLittleEndian
    @Option(help: "Specific Character Set.") var characterSet: HeadCT.CharacterSet = .latin1
    @Option(help: "Patient Name, groups joined by \"=\".") var patientName: String?
    @Option(help: "Patient ID.") var patientID: String?
    @Option(help: "Accession Number.") var accessionNumber: String?
    @Option(help: "UIDs derive from this alone, so that two studies may bear the same.") var identity: String?
    @Flag(help: "New UIDs, whatever the seed.") var freshUids = false

    var patient: PhantomPatient {
        var patient = PhantomPatient()
        patient.characterSet = characterSet
        patient.patientName = patientName
        patient.patientID = patientID
        patient.accessionNumber = accessionNumber
        return patient
    }
}

/// What is true about a study.
struct PhantomTruth: Encodable {
    struct Series: Encodable {
        var description: String
        var seriesInstanceUID: UID
        var files: Int
    }
    var studyInstanceUID: UID
    var seriesInstanceUID: UID
    var sopInstanceUIDs: [UID]
    var files: Int
    /// As voxelised; of a radiograph, of the ideal shape.
    var findingVolumeML: Double
    var findingCentre: Vector3?
    var series: [Series]?

    init(_ study: PhantomStudy) {
        studyInstanceUID = study.studyInstanceUID
        seriesInstanceUID = study.seriesInstanceUID
        sopInstanceUIDs = study.sopInstanceUIDs
        files = study.files.count
        findingVolumeML = study.truth.findingVolumeML
        findingCentre = study.truth.findingCentre
        if !study.series.isEmpty {
            series = study.series.map {
                Series(description: $0.description, seriesInstanceUID: $0.seriesInstanceUID, files: $0.files.count)
            }
        }
    }
}

enum PhantomOutput {
    /// Makes the directory and the study, and prints the truth.
    static func make(
        _ directory: String, _ write: () throws -> PhantomStudy, truth: (PhantomStudy) -> any Encodable
    ) throws {
        do {
            try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        } catch { throw Failure("\(directory): cannot be made: \(error.localizedDescription)") }
        do {
            let study = try write()
            if isatty(STDERR_FILENO) != 0 { FileHandle.standardError.write(Data("\r\u{1B}[K".utf8)) }
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.sortedKeys]
            print(String(decoding: try encoder.encode(truth(study)), as: UTF8.self))
        } catch let error as PhantomError { throw Failure(error) }
    }

    static func size(_ matrix: String) throws -> (columns: Int, rows: Int) {
        let sizes = matrix.split(separator: "x").compactMap { Int($0) }
        guard (1...2).contains(sizes.count), sizes.allSatisfy({ $0 > 0 }) else {
            throw Failure("--matrix takes a number or COLUMNSxROWS, such as 512 or 511x513")
        }
        return (sizes[0], sizes.count == 2 ? sizes[1] : sizes[0])
    }
}
