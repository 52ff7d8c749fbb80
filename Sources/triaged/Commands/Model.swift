// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import DICOM
import Models

struct Model: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Imports, lists, shows, checks, measures and tries model packages.",
        subcommands: [
            List.self, Show.self, ModelCheck.self, ModelImport.self, ModelGolden.self, ModelBench.self,
            Segment.self,
        ])

    struct List: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "The packages in a directory, a line each: name, version, use, state, licence, title.",
            discussion: """
                The state is ok, or incomplete (a network is not there yet: the package never runs). An invalid package has a line \
                for each reason instead. The exit status is 1 where a package is invalid.
                """)
        @Argument(help: "Directory of model packages.") var directory: String

        func run() throws {
            var isWhole = true
            do {
                for result in try ModelPackage.loadAll(directory: directory) {
                    switch result {
                    case .success(let package): print(Self.line(package.manifest, state: "ok"))
                    case .failure(.incomplete(let manifest, _, let missing)):
                        print(
                            Self.line(manifest, state: "incomplete (\(missing.joined(separator: ", ")) is not there)"))
                    case .failure(let error):
                        for line in "\(error)".split(separator: "\n") { print("invalid: \(line)") }
                        isWhole = false
                    }
                }
            } catch { throw Failure(error) }
            if !isWhole { throw ExitCode(1) }
        }

        private static func line(_ manifest: Manifest, state: String) -> String {
            [
                "\(manifest.name) \(manifest.version)", manifest.use.rawValue, state,
                manifest.licence.spdx + (manifest.licence.isNonCommercial ? " (non-commercial)" : ""), manifest.title,
            ].joined(separator: "  ")
        }
    }

    struct Show: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "What a package is, and what it looks for.")
        @Argument(help: "Folder of a model package.") var package: String

        func run() throws {
            do throws(PackageError) {
                let package = try ModelPackage.load(folder: package)
                ModelDescription(manifest: package.manifest, state: "ok", digest: package.identity.digest).print()
            } catch {
                guard case .incomplete(let manifest, _, let missing) = error else { throw Failure(error) }
                ModelDescription(
                    manifest: manifest, state: "incomplete: \(missing.joined(separator: ", ")) is not there",
                    digest: nil
                ).print()
            }
        }
    }
}
