// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Support
import Testing

/// A folder of model packages around stand-in networks.
struct StandInModels {
    let directory: TemporaryDirectory
    var path: String { directory.path }

    private static let goldens = Daemon.repository + "/Tests/InferenceTests/Goldens/"

    init() throws { directory = try TemporaryDirectory() }

    /// - Parameters:
    ///   - networks: files below the goldens of the engine's tests.
    ///   - pipeline: the manifest from `network` on, with the digests of the networks.
    func add(
        _ name: String, claim: String = "{modality: [CT], bodyPartExamined: {oneOf: [HEAD]}}", networks: [String],
        _ pipeline: ([String]) -> String
    ) throws {
        let folder = directory.file(name)
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        var digests: [String] = []
        for network in networks {
            let file = folder + "/" + (network.split(separator: "/").last.map(String.init) ?? network)
            try FileManager.default.copyItem(atPath: Self.goldens + network, toPath: file)
            digests.append(String(try Tool.run("/usr/bin/sha256sum", [file], seconds: 10).output.prefix(64)))
        }
        for file in ["CARD.md", "LICENSE"] {
            try Data("of tests".utf8).write(to: URL(fileURLWithPath: "\(folder)/\(file)"))
        }
        let text = """
            schema: 1
            name: \(name)
            version: "1"
            title: Stand-in
            manufacturer: tests
            use: demonstration
            licence: {spdx: Apache-2.0, file: LICENSE}
            card: CARD.md
            intendedUse: tests
            claim: \(claim)
            budget: {memory: 4000, time: 60}
            \(pipeline(digests))
            """
        try Data(text.utf8).write(to: URL(fileURLWithPath: folder + "/manifest.yaml"))
    }

    /// `triaged process` on a folder.
    func process(_ study: TemporaryDirectory) throws -> Processed { try Processed(models: path, study: study.path) }
}

/// What `triaged process` made of a folder.
struct Processed {
    let directory: TemporaryDirectory
    let outcome: Tool.Outcome
    private let findings: [String: Any]

    init(models: String, study: String) throws {
        directory = try TemporaryDirectory()
        outcome = try Command.run(
            "process", "--models", models, "--output", directory.file("out"), study, seconds: 120)
        let data = FileManager.default.contents(atPath: directory.file("out/findings.json")) ?? Data()
        findings =
            try JSONSerialization.jsonObject(with: data.isEmpty ? Data("{}".utf8) : data) as? [String: Any] ?? [:]
    }

    var items: [[String: Any]] { findings.list("items") }
    var analyses: [[String: Any]] { findings.list("analyses") }

    func analysis(_ model: String) throws -> [String: Any] {
        try #require(analyses.first { $0["model"] as? String == model }, "\(outcome.output)")
    }

    /// The files of a kind: SEG or SR.
    func files(_ kind: String) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: directory.file("out")).filter { $0.hasPrefix(kind + "-") }
            .sorted().map { directory.file("out/" + $0) }
    }
}

extension [String: Any] {
    func list(_ key: String) -> [[String: Any]] { self[key] as? [[String: Any]] ?? [] }
    func text(_ key: String) -> String? { self[key] as? String }
    func number(_ key: String) -> Double? { self[key] as? Double }
    /// JSON's numbers are told from its words for true and false by their keys.
    func flag(_ key: String) -> Bool? { self[key] as? Bool }
}
