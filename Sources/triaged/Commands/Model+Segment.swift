// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import DICOM
import Foundation
import Inference
import Models

extension Model {
    struct Segment: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Asks a promptable package what lies at points or in a box of one slice.",
            discussion: """
                Writes mask.nrrd, the voxels that belong to it, and findings.json. Slices count from 0 in the order of their \
                place in the patient, as `findings.json` counts them; radiographs and frames in the order of Instance \
                Number. Pixels count from 0 at the upper left.
                """)

        @Argument(help: "Folder of a model package.") var package: String
        @Argument(help: "Folder with the DICOM files of one series.") var series: String
        @Option(help: "The slice that the points and the box are on.") var slice: Int
        @Option(
            help: ArgumentHelp(
                "Column and row of a pixel, and 0 where it belongs to the background; may be given again.",
                valueName: "x,y[,0|1]"))
        var point: [String] = []
        @Option(help: ArgumentHelp("Columns and rows of two corners.", valueName: "x0,y0,x1,y1")) var box: String?
        @Option(help: "Directory for mask.nrrd and findings.json; made where it is missing.") var output: String

        func run() throws {
            var prompt = Prompt(slice: slice)
            prompt.points = try point.map { text in
                let parts = try Self.numbers(text, 2...3, "--point")
                guard parts.count == 2 || parts[2] == 0 || parts[2] == 1 else {
                    throw ValidationError("--point \(text): the third number must be 1 (foreground) or 0 (background)")
                }
                return Prompt.Point(x: parts[0], y: parts[1], isForeground: parts.count == 2 || parts[2] == 1)
            }
            prompt.box = try box.map { text in
                let corners = try Self.numbers(text, 4...4, "--box")
                return Prompt.Box(left: corners[0], top: corners[1], right: corners[2], bottom: corners[3])
            }
            do {
                let package = try ModelPackage.load(folder: package)
                let images = try PackageImages(folders: [series], for: package)
                let (result, grid) = try images.segment(
                    with: package, Analysis(engine: Engine()), prompt: prompt)
                try FileManager.default.createDirectory(atPath: output, withIntermediateDirectories: true)
                let encoder = JSONEncoder()
                encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
                try encoder.encode(result.findings).write(
                    to: URL(fileURLWithPath: output + "/findings.json"), options: .atomic)
                try MaskFile.data(result.masks.first, on: grid).write(
                    to: URL(fileURLWithPath: output + "/mask.nrrd"), options: .atomic)
                for finding in result.findings {
                    print("\(finding.label): \(finding.volumeML ?? 0) mL, confidence \(finding.confidence)")
                }
                if result.findings.isEmpty { print("nothing is marked") }
            } catch { throw Failure(error) }
        }

        private static func numbers(_ text: String, _ count: ClosedRange<Int>, _ option: String) throws -> [Double] {
            let parts = text.split(separator: ",", omittingEmptySubsequences: false).map { Double($0) }
            let numbers = parts.compactMap { $0 }.filter(\.isFinite)
            guard numbers.count == parts.count, count.contains(numbers.count) else {
                throw ValidationError(
                    "\(option) \(text): \(count.upperBound) numbers with commas between them are needed")
            }
            return numbers
        }
    }
}
