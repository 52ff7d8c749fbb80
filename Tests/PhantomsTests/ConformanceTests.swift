// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Phantoms
import Testing

/// Other people's judge, from Debian's dicom3tools.
private let judge = "/usr/bin/dciodvfy"

@Suite(.enabled(if: FileManager.default.isExecutableFile(atPath: judge)))
struct PhantomConformanceTests {
    @Test(
        "dciodvfy finds no error in a phantom",
        arguments: [
            { _ in }, { $0.isMultiFrame = true },
            { ($0.isMultiFrame, $0.functionalGroups) = (true, .perFrame) },
            { ($0.isMultiFrame, $0.deceivers, $0.tilt) = (true, HeadCT.Deceiver.allCases, 12) },
            { ($0.isMultiFrame, $0.transferSyntax) = (true, .jpeg2000Lossless) },
            { ($0.deceivers, $0.tilt) = (HeadCT.Deceiver.allCases, -15) }, { $0.orientation = .coronal },
            { $0.orientation = .sagittal }, { $0.isSigned = true }, { $0.bitsStored = 16 },
            { $0.transferSyntax = .implicitLittleEndian }, { $0.transferSyntax = .explicitBigEndian },
            { $0.transferSyntax = .rle }, { $0.transferSyntax = .jpegLSLossless },
            { $0.transferSyntax = .jpegExtended }, { $0.transferSyntax = .jpeg2000 },
            { $0.characterSet = .japanese }, { $0.characterSet = .utf8 }, { $0.characterSet = .none },
            { $0.localizerSlices = 1 },
        ] as [@Sendable (inout HeadCT) -> Void])
    func valid(change: @Sendable (inout HeadCT) -> Void) throws {
        #expect(try errors(change) == [])
    }

    @Test(
        "dciodvfy finds no error in a radiograph",
        arguments: [
            { _ in }, { $0.isMonochrome1 = true }, { $0.finding = .none }, { $0.views = ChestXRay.View.allCases },
            { $0.isComputedRadiography = true }, { ($0.isComputedRadiography, $0.isMonochrome1) = (true, true) },
            { ($0.isComputedRadiography, $0.slope, $0.intercept) = (true, 2, -7) }, { $0.collimation = 3 },
            { $0.bitsStored = 16 }, { ($0.bitsStored, $0.transferSyntax) = (8, .jpegBaseline) },
            { $0.transferSyntax = .jpegExtended }, { $0.transferSyntax = .jpeg2000Lossless },
        ] as [@Sendable (inout ChestXRay) -> Void])
    func radiograph(change: @Sendable (inout ChestXRay) -> Void) throws {
        let directory = try temporaryDirectory()
        defer { try? FileManager.default.removeItem(atPath: directory) }
        var chest = ChestXRay(seed: 5, finding: .pneumothorax())
        (chest.columns, chest.rows) = (33, 41)
        change(&chest)
        #expect(try errors(in: chest.write(to: directory).files) == [])
    }

    @Test(
        "dciodvfy finds no error in an abdomen",
        arguments: [
            { _ in }, { $0.hasContrast = true }, { $0.finding = .none }, { $0.transferSyntax = .jpegLSLossless },
        ] as [@Sendable (inout AbdomenCT) -> Void])
    func abdomen(change: @Sendable (inout AbdomenCT) -> Void) throws {
        let directory = try temporaryDirectory()
        defer { try? FileManager.default.removeItem(atPath: directory) }
        var abdomen = AbdomenCT(seed: 5, finding: .freeFluid())
        (abdomen.columns, abdomen.rows, abdomen.slices) = (33, 41, 2)
        change(&abdomen)
        #expect(try errors(in: abdomen.write(to: directory).files) == [])
    }

    @Test(
        "dciodvfy finds no error in a brain, in any form", arguments: BrainMR.Form.allCases,
        [
            { _ in }, { $0.finding = .none }, { ($0.turn, $0.rescalesEachSlice, $0.isShuffled) = (20, true, true) },
            { $0.orientation = .sagittal }, { $0.transferSyntax = .jpeg2000Lossless }, { $0.extraStackSlices = 2 },
            { $0.repeats = [.init(echoTime: 20), .init(echoTime: 80)] },
            { $0.repeats = [.init(temporalPosition: 1), .init(temporalPosition: 2)] },
            { $0.repeats = [.init(bValue: 0), .init(bValue: 1000)] },
            { $0.repeats = [.init(component: "MAGNITUDE"), .init(component: "PHASE")] },
        ] as [@Sendable (inout BrainMR) -> Void])
    func brain(form: BrainMR.Form, change: @Sendable (inout BrainMR) -> Void) throws {
        let directory = try temporaryDirectory()
        defer { try? FileManager.default.removeItem(atPath: directory) }
        var brain = BrainMR(seed: 5, finding: .tumor())
        (brain.columns, brain.rows, brain.slices, brain.form) = (33, 41, 3, form)
        change(&brain)
        if form == .singleFrame { (brain.slices, brain.sequences) = (2, [.t1c, .flair]) }
        #expect(try errors(in: brain.write(to: directory).files) == [])
    }

    @Test("dciodvfy would find one") func judged() throws {
        #expect(try errors { $0.defects = [.missingPosition] } != [])
    }

    private func errors(_ change: (inout HeadCT) -> Void) throws -> [String] {
        let directory = try temporaryDirectory()
        defer { try? FileManager.default.removeItem(atPath: directory) }
        var choices = HeadCT(seed: 5, finding: .bleed(.init()))
        (choices.columns, choices.rows, choices.slices) = (33, 41, 6)
        change(&choices)
        return try errors(in: choices.write(to: directory).files)
    }

    private func errors(in files: [String]) throws -> [String] {
        var errors: [String] = []
        for file in files {
            let process = Process()
            process.executableURL = URL(fileURLWithPath: judge)
            process.arguments = ["-new", file]
            let output = Pipe()
            (process.standardError, process.standardOutput) = (output, output)
            try process.run()
            let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
            process.waitUntilExit()
            // Laterality is asked of every CT, whatever its body part.
            errors += text.split(separator: "\n").map(String.init).filter {
                $0.hasPrefix("Error") && !$0.contains("Laterality")
            }
        }
        return errors
    }
}
