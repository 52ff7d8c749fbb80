// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Foundation
import Inference
import Models

struct ModelGolden: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "golden", abstract: "Writes golden vectors of a package from what this engine gives now.",
        discussion: """
            They are marked as regression: they show that nothing has changed, not that it was right. Vectors that upstream's \
            own code made are better; docs/model-packages.md describes their files. A package reads several series: name a \
            folder for each, in the order of its channels.
            """)

    @Argument(help: "Folder of a model package.") var package: String
    @Argument(help: "Folder with the DICOM files of one series; one for each channel.") var series: [String]
    @Option(help: "Name of the vector.") var name = "regression"
    @Option(help: "Where the series come from, for whoever reads the index.") var made =
        "made by `triaged model golden`"

    func validate() throws {
        guard !series.isEmpty else { throw ValidationError("name the folder of a series") }
        guard !name.isEmpty, name.allSatisfy({ $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "-") }) else {
            throw ValidationError("--name may have letters, digits and hyphens")
        }
    }

    func run() throws {
        do {
            let package = try ModelPackage.load(folder: package)
            let images = try PackageImages(folders: series, for: package)
            let golden = try SelfTest(engine: try Engine()).write(package, name: name, runs: images.runs, made: made)
            let bytes = try FileManager.default.contentsOfDirectory(atPath: package.folder + "/" + GoldenVectors.folder)
                .map { package.folder + "/" + GoldenVectors.folder + "/" + $0 }
                .compactMap { try FileManager.default.attributesOfItem(atPath: $0)[.size] as? Int }.reduce(0, +)
            print(
                "\(package.folder)/\(GoldenVectors.index): \(golden.vectors.map(\.findings.count).reduce(0, +)) findings, \(bytes) bytes"
            )
        } catch { throw Failure(error) }
    }
}
