// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Association
import DICOM
import Logging

struct Echo: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Verifies a peer or destination of the configuration with C-ECHO.",
        discussion: "One line for each; exit status 0 where all of them answered with success, and 1 otherwise.")

    @OptionGroup var options: ConfigurationOption
    @Flag(help: "Every destination and peer, one after the other.")
    var all = false
    @Argument(help: "AE title of a peer, or name or AE title of a destination.")
    var peer: String?

    func validate() throws {
        guard all != (peer != nil) else { throw ValidationError("name one peer, or --all") }
    }

    func run() throws {
        let configuration = try options.read()
        guard let peer else { return try echoAll(configuration) }
        guard let place = configuration.place(of: peer) else {
            let known = configuration.destinations.map(\.name) + configuration.peers.map(\.aeTitle.string)
            throw Failure(
                "no peer or destination \(peer) in \(options.config); known: \(known.joined(separator: ", "))")
        }
        do throws(Silence) {
            print(try Self.verify(place, configuration))
        } catch {
            throw Failure(error.words)
        }
    }

    private func echoAll(_ configuration: Configuration) throws {
        if configuration.places.isEmpty { throw Failure("no peer and no destination in \(options.config)") }
        var failed = 0
        for place in configuration.places {
            do throws(Silence) {
                print(try Self.verify(place, configuration))
            } catch {
                failed += 1
                print(error.words)
            }
        }
        if failed > 0 { throw ExitCode(1) }
    }

    private struct Silence: Error { var words: String }

    private static func verify(_ place: Configuration.Place, _ configuration: Configuration) throws(Silence) -> String {
        var requestor = Requestor(
            callingAETitle: configuration.aeTitle, calledAETitle: place.aeTitle, host: place.host,
            port: UInt16(place.port))
        let name = "\(place.aeTitle) at \(place.host) port \(place.port)"
        if place.tls.isUsed, let tls = configuration.tls {
            do {
                requestor.tls = place.tls.requestorTLS(try TLSCredentials(tls, logger: Logger(label: "triaged")))
            } catch { throw Silence(words: "\(name): \(error)") }
        }
        switch requestor.echo() {
        case .answered(let answer) where answer.status == .success: return "\(name): verified"
        case .answered(let answer):
            throw Silence(words: "\(name): status \(answer.status) \(answer.errorComment ?? "")")
        case .failed(let failure): throw Silence(words: "\(name): \(failure)")
        case .unanswered(let reason): throw Silence(words: "\(name): no answer: \(reason)")
        }
    }
}
