// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Association
import DICOM

struct Echo: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Verifies a peer or destination of the configuration with C-ECHO.")

    @OptionGroup var options: ConfigurationOption
    @Argument(help: "AE title of a peer, or name or AE title of a destination.")
    var peer: String

    func run() throws {
        let configuration = try options.read()
        guard let address = configuration.address(of: peer) else {
            let known = configuration.destinations.map(\.name) + configuration.peers.map(\.aeTitle.string)
            throw Failure(
                "no peer or destination \(peer) in \(options.config); known: \(known.joined(separator: ", "))")
        }
        let requestor = Requestor(
            callingAETitle: configuration.aeTitle, calledAETitle: address.aeTitle, host: address.host,
            port: UInt16(address.port))
        let place = "\(address.aeTitle) at \(address.host) port \(address.port)"
        switch requestor.echo() {
        case .answered(let answer) where answer.status == .success: print("\(place): verified")
        case .answered(let answer): throw Failure("\(place): status \(answer.status) \(answer.errorComment ?? "")")
        case .failed(let failure): throw Failure("\(place): \(failure)")
        case .unanswered(let reason): throw Failure("\(place): no answer: \(reason)")
        }
    }
}
