// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Foundation
import Importers
import Models

struct ModelImport: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "import", abstract: "Makes a package of a published model's own description.",
        discussion: """
            Python expressions are never evaluated: what is no literal, no reference and none of the forms that are known is \
            refused by its id, and --set gives the value. import-report.md says what became of every field. The exit status \
            is 1 where nothing was imported; a package whose network is not there yet is imported, and incomplete.
            """)

    @Option(help: "Folder of a MONAI bundle.") var monai: String?
    @Option(help: "Folder of a trained nnU-Net: plans.json, dataset.json, fold_N.onnx.") var nnunet: String?
    @Option(help: "Folder with NAME.encoder.onnx and NAME.decoder.onnx of Segment Anything.") var sam: String?
    @Option(help: "Folder for the package; must not be there yet.") var output: String
    @Option(name: .customLong("set"), help: "ID=VALUE in place of what upstream says; may be given more than once.")
    var settings: [String] = []

    func validate() throws {
        guard [monai, nnunet, sam].count(where: { $0 != nil }) == 1 else {
            throw ValidationError("name one of --monai, --nnunet and --sam")
        }
    }

    func run() throws {
        let settings: ImportSettings
        let writer: PackageWriter
        do throws(ImportError) {
            settings = try ImportSettings(self.settings)
            writer = try PackageWriter(folder: output)
        } catch { throw Failure("\(error)\n  \(error.hint)") }
        var report: ImportReport?
        do throws(ImportError) {
            let model = try read(settings, &report)
            let (manifest, missing) = try writer.write(model)
            print("\(output): \(manifest.name) \(manifest.version), \(missing.isEmpty ? "complete" : "incomplete")")
            for name in missing {
                print("  not there yet: \(name); copy it there and pin it with `sha256`, or import again")
            }
            for warning in model.report.warnings { print("  warning: \(warning)") }
            print("  \(output)/import-report.md says what became of every field")
        } catch {
            if case .refused(let refusals) = error, let report { try? writer.write(report, refusals: refusals) }
            throw Failure("\(error)\n  \(error.hint)")
        }
    }

    private func read(_ settings: ImportSettings, _ report: inout ImportReport?) throws(ImportError) -> ImportedModel {
        func folder(_ path: String) -> String { URL(fileURLWithPath: path).standardizedFileURL.path }
        if let monai { return try BundleImporter.read(folder: folder(monai), settings: settings, report: &report) }
        if let nnunet { return try NNUNetImporter.read(folder: folder(nnunet), settings: settings, report: &report) }
        return try SAMImporter.read(folder: folder(sam ?? ""), settings: settings, report: &report)
    }
}
