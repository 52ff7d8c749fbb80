// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import DICOM
import Foundation
import Logging
import Models
import Results
import Triage
import Web

struct Process: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract:
            "Runs the path on a folder of DICOM files, without a network: writes SEG and SR files and findings.json.",
        discussion: """
            Packages for demonstration run too, and mark what they write: naming the folder of models is the permission. \
            Negative reports are written. The exit status is 1 where a study that a package claims could not be analysed.
            """)

    @Option(help: "Directory of model packages.") var models: String
    @Option(help: "Directory for the results; made where it is missing.") var output: String
    @Option(
        name: .customLong("object"),
        help:
            "Kind of object to write; repeated for more: \(ResultKind.allCases.map(\.rawValue).joined(separator: ", "))."
    )
    var objects: [ResultKind] = ResultTemplate.defaultObjects
    @Argument(help: "Folder with DICOM files, of one study or more.") var studyDirectory: String

    func run() throws {
        let logger = Logger(label: "triaged") { StreamLogHandler.standardError(label: $0) }
        let items: [WorklistItem]
        let analyses: [FolderAnalysis]
        do {
            let packages = try ModelPackage.installed(in: models)
            guard !packages.isEmpty else { throw Failure("\(models): no model package") }
            (items, analyses) = try FolderRun(packages: packages, output: output, objects: objects, logger: logger)
                .run(studyDirectory)
        } catch let failure as Failure { throw failure } catch { throw Failure(error) }
        try write(FolderFindings(items: items, analyses: analyses))
        var isComplete = true
        for item in items {
            print("\(item.studyInstanceUID)  \(item.state.rawValue)  \(item.priority.rawValue)  \(item.reason)")
            if item.state == .failed || item.state == .notAnalysed { isComplete = false }
        }
        if !isComplete { throw ExitCode(1) }
    }

    private func write(_ findings: FolderFindings) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        encoder.dateEncodingStrategy = .iso8601
        try encoder.encode(findings).write(
            to: URL(fileURLWithPath: output + "/findings.json"), options: .atomic)
    }
}

extension ResultKind: ExpressibleByArgument {}
