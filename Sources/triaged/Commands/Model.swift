// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import DICOM
import Inference
import Models

struct Model: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Lists, shows, checks and tries model packages.",
        subcommands: [List.self, Show.self, Check.self, Segment.self])

    struct List: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "The packages in a directory, a line each.")
        @Argument(help: "Directory of model packages.") var directory: String

        func run() throws {
            var isWhole = true
            do {
                for result in try ModelPackage.loadAll(directory: directory) {
                    switch result {
                    case .success(let package):
                        print(
                            "\(package.identity.name) \(package.identity.version)  \(package.manifest.use.rawValue)  \(package.manifest.title)"
                        )
                    case .failure(let error):
                        print("\(error)")
                        isWhole = false
                    }
                }
            } catch { throw Failure(error) }
            if !isWhole { throw ExitCode(1) }
        }
    }

    struct Show: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "What a package is, and what it looks for.")
        @Argument(help: "Folder of a model package.") var package: String

        func run() throws {
            do {
                let package = try ModelPackage.load(folder: package)
                let manifest = package.manifest
                print("\(manifest.title)\n  name          \(manifest.name) \(manifest.version)")
                print("  manufacturer  \(manifest.manufacturer)\n  use           \(manifest.use.rawValue)")
                print(
                    "  licence       \(manifest.licence.spdx)\(manifest.licence.isNonCommercial ? ", non-commercial" : "")"
                )
                print("  digest        \(package.identity.digest)\n  intended use  \(manifest.intendedUse)")
                for output in manifest.outputs where output.isReported {
                    print(
                        "  finds         \(output.label) (\(output.code.value), \(output.code.scheme)), \(output.priority.rawValue), from \(output.minimumVolume) mL"
                    )
                }
            } catch { throw Failure(error) }
        }
    }

    struct Check: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Validates a package and loads its network into the engine; one line per problem.")
        @Argument(help: "Folder of a model package.") var package: String

        func run() throws {
            do {
                let package = try ModelPackage.load(folder: package)
                try Engine().prepare(package)
                print("\(package.identity.name) \(package.identity.version): ok")
            } catch { throw Failure(error) }
        }
    }
}
