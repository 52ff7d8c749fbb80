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

    @Test("dciodvfy would find one") func judged() throws {
        #expect(try errors { $0.defects = [.missingPosition] } != [])
    }

    private func errors(_ change: (inout HeadCT) -> Void) throws -> [String] {
        let directory = try temporaryDirectory()
        defer { try? FileManager.default.removeItem(atPath: directory) }
        var choices = HeadCT(seed: 5, finding: .bleed(.init()))
        (choices.columns, choices.rows, choices.slices) = (33, 41, 6)
        change(&choices)
        var errors: [String] = []
        for file in try choices.write(to: directory).files {
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
