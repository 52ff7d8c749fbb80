// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Foundation
import Inference
import Models
import Volume

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
            let volumes = try series.map { folder in
                let names = try FileManager.default.subpathsOfDirectory(atPath: folder).sorted()
                let paths = names.map { folder + "/" + $0 }.filter { Part10Files.isFile($0) }
                return try VoxelVolume.read(
                    paths: paths, options: VolumeOptions(admit: { path in try FileScan.admit(path) }))
            }
            let golden = try SelfTest(engine: try Engine()).write(package, name: name, volumes: volumes, made: made)
            let bytes = try FileManager.default.contentsOfDirectory(atPath: package.folder + "/" + GoldenVectors.folder)
                .map { package.folder + "/" + GoldenVectors.folder + "/" + $0 }
                .compactMap { try FileManager.default.attributesOfItem(atPath: $0)[.size] as? Int }.reduce(0, +)
            print(
                "\(package.folder)/\(GoldenVectors.index): \(golden.vectors[0].findings.count) findings, \(bytes) bytes"
            )
        } catch { throw Failure(error) }
    }
}

/// Which paths are files, not folders.
private enum Part10Files {
    static func isFile(_ path: String) -> Bool {
        var isDirectory: ObjCBool = false
        return FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory) && !isDirectory.boolValue
    }
}
