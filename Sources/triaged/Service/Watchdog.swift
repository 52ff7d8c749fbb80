// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import Logging
import ServiceLifecycle

/// Tells systemd that the node is ready, that it lives while all its loops do, and that it stops.
struct Watchdog: Service {
    /// A loop that has shown no sign of life for so many seconds is stuck. A delivery may wait for a response this long.
    static let longestSilence = 240.0

    let notify: Notify
    let loops: [LoopService]
    let logger: Logger

    func run() async throws {
        notify.ready()
        let interval = min(notify.watchdogInterval ?? 10, 10)
        await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                let stuck = loops.filter { $0.pulse.silence > Self.longestSilence }
                if stuck.isEmpty {
                    notify.alive()
                } else {
                    for loop in stuck { logger.critical("\(loop.name) has not moved for \(Int(loop.pulse.silence)) s") }
                }
                try? await Task.sleep(for: .seconds(interval))
            }
        }
        notify.stopping()
    }
}
