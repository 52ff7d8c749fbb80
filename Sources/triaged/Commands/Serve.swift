// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Foundation
import Glibc
import Logging
import ServiceLifecycle
import UnixSignals

struct Serve: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Runs the daemon in the foreground; logs to standard error.")

    @OptionGroup var options: ConfigurationOption

    func run() async throws {
        let configuration = try options.read()
        LoggingSystem.bootstrap { StreamLogHandler.standardError(label: $0) }
        // A reload that comes before ReloadService listens must not end the start.
        signal(SIGHUP, SIG_IGN)
        let logger = Logger(label: "triaged")
        let node: Node
        do { node = try Node(configuration: configuration, logger: logger) } catch { throw Failure(error) }
        let group = ServiceGroup(
            configuration: ServiceGroupConfiguration(
                services: node.services.map { service in
                    .init(
                        service: service, successTerminationBehavior: .gracefullyShutdownGroup,
                        failureTerminationBehavior: .gracefullyShutdownGroup)
                },
                gracefulShutdownSignals: [.sigterm, .sigint], logger: logger))
        let ended: Result<Void, any Error>
        do { ended = .success(try await group.run()) } catch { ended = .failure(error) }
        node.close()
        do { try ended.get() } catch { throw Failure(error) }
        logger.info("ended")
    }
}
