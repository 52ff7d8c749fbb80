// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import Logging
import ServiceLifecycle
import UnixSignals

/// SIGHUP, which `systemctl reload` sends: the certificates are read again. The rest of the configuration needs a restart.
struct ReloadService: Service {
    let credentials: TLSCredentials?
    let logger: Logger

    func run() async throws {
        for await _ in await UnixSignalsSequence(trapping: .sighup).cancelOnGracefulShutdown() {
            guard let credentials else {
                logger.info("SIGHUP: no certificates to read again; the configuration is read by a restart")
                continue
            }
            await offPool { credentials.reload() }
        }
        // The group takes a service that ends unasked for a failure.
        try? await gracefulShutdown()
    }
}
