// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import DICOM
import Foundation

struct Rerun: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Has the running daemon analyse a study again.",
        discussion: """
            The new run takes the place of the one before. Where it comes to the same, its objects are the same, and nothing is sent
            again. Exit status 1 where there is no such study, or it cannot be analysed now.
            """)

    @OptionGroup var options: ConfigurationOption
    @Argument(help: "Study Instance UID.")
    var study: String

    func run() throws {
        guard let study = UID(study) else { throw Failure("\(study): not a Study Instance UID") }
        struct Answer: Decodable { var series: Int }
        let answer = try Node.ask("/api/worklist/\(study)/rerun", options.read(), Answer.self)
        print("\(study): \(answer.series) series will be analysed again")
    }
}

struct Deliver: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Has the running daemon send again what is parked.",
        discussion: """
            What a destination refused for good waits, with the reason on the worklist, until somebody asks for it. What is not parked and
            waits for its next attempt goes out at once, too. Exit status 1 where there is no such study.
            """)

    @OptionGroup var options: ConfigurationOption
    @Flag(help: "Take up what is parked.")
    var retry = false
    @Option(help: "Of this study: its Study Instance UID.")
    var study: String?
    @Flag(help: "Of all studies.")
    var all = false

    func validate() throws {
        guard retry else { throw ValidationError("say --retry: there is nothing else to do by hand") }
        guard all != (study != nil) else { throw ValidationError("say either --study UID or --all") }
    }

    func run() throws {
        if let study, UID(study) == nil { throw Failure("\(study): not a Study Instance UID") }
        struct Answer: Decodable { var deliveries: Int }
        let path = study.map { "/api/worklist/\($0)/deliver" } ?? "/api/deliver"
        let answer = try Node.ask(path, options.read(), Answer.self)
        print(answer.deliveries == 0 ? "nothing is parked or waits" : "\(answer.deliveries) deliveries taken up")
    }
}

private struct Refusal: Decodable { var error: String }

extension Node {
    /// A wish to the running daemon.
    fileprivate static func ask<Answer: Decodable>(
        _ path: String, _ configuration: Configuration, _ type: Answer.Type
    ) throws -> Answer {
        let (host, port) = (configuration.webHost, configuration.webPort)
        guard let (status, body) = LoopbackRequest.post(path, host: host, port: port) else {
            throw Failure("the daemon is not running, or not answering on \(host) port \(port)")
        }
        if status == 200, let answer = try? JSONDecoder().decode(type, from: body) { return answer }
        throw Failure((try? JSONDecoder().decode(Refusal.self, from: body))?.error ?? "the daemon answered \(status)")
    }
}
