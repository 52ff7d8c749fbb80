// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser

@main
struct Triaged: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "triaged",
        abstract: "A DICOM node that analyses studies as they arrive and puts critical findings first.",
        version: Version.text,
        subcommands: [
            Serve.self, Check.self, Process.self, MakePhantom.self, ShowStatus.self, Echo.self, Rerun.self,
            Deliver.self,
            Model.self,
            WorkerCommand.self,
        ])
}

/// What the daemon starts; not for people.
struct WorkerCommand: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "worker", shouldDisplay: false)

    @Option(help: "How many threads its engine may use.") var threads: Int?
    @Option(help: "JSON: the inference servers and what runs there.") var servers: String?

    @Option(help: "Where embeddings of images are kept.") var embeddings: String?
    @Option(help: "How many bytes of them.") var embeddingLimit: Int?

    func run() {
        WorkerMain.run(
            WorkerOptions(
                threads: threads, servers: servers.flatMap(WorkerServers.routes) ?? [], embeddingDirectory: embeddings,
                embeddingLimit: embeddingLimit))
    }
}

/// A message for the operator and exit status 1.
struct Failure: Error, CustomStringConvertible {
    var description: String
    init(_ description: String) { self.description = description }
    init(_ error: any Error) { description = "\(error)" }
}

struct ConfigurationOption: ParsableArguments {
    @Option(name: .long, help: "The configuration file.")
    var config: String

    func read() throws -> Configuration {
        do { return try Configuration.read(path: config) } catch { throw Failure(error) }
    }
}
