// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Logging
import ServiceLifecycle

/// A blocking loop on a thread of its own, as a service: DCMTK, SQLite and pipes must not block Swift's pool.
///
/// `turn` does what is due and returns how many seconds may pass until it wants to be called again; `signal` wakes it
/// earlier. A turn that throws is logged and tried again after a pause: a loop never ends because of one failure.
final class LoopService: Service {
    let name: String
    let signal: Signal
    private let logger: Logger
    private let turn: @Sendable () throws -> Double
    private let stopFlag: StopFlag
    /// Beaten by each turn, and from inside a long one at each step that made progress.
    let pulse: Pulse
    private let ended: @Sendable () -> Void

    init(
        name: String, signal: Signal = Signal(), pulse: Pulse = Pulse(), stopFlag: StopFlag = StopFlag(),
        logger: Logger,
        ended: @escaping @Sendable () -> Void = {}, turn: @escaping @Sendable () throws -> Double
    ) {
        self.name = name
        self.signal = signal
        self.pulse = pulse
        self.stopFlag = stopFlag
        self.logger = logger
        self.ended = ended
        self.turn = turn
    }

    func stop() {
        stopFlag.raise()
        signal.raise()
    }

    func run() async throws {
        await withGracefulShutdownHandler {
            await withTaskCancellationHandler {
                await withCheckedContinuation { (done: CheckedContinuation<Void, Never>) in
                    let thread = Thread { [self] in
                        loop()
                        done.resume()
                    }
                    thread.name = name
                    thread.stackSize = 4 << 20
                    thread.start()
                }
            } onCancel: {
                stop()
            }
        } onGracefulShutdown: {
            self.stop()
        }
        // The group asks its services one after the other, and takes one that ends unasked for a failure.
        try? await gracefulShutdown()
    }

    private func loop() {
        while !stopFlag.isRaised {
            pulse.beat()
            var pause: Double
            do {
                pause = try turn()
            } catch {
                logger.error("\(name): \(error)")
                pause = 1
            }
            pulse.beat()
            // Wake now and then without cause, so that the watchdog can tell idle from stuck.
            if pause > 0 { signal.wait(seconds: min(pause, 2)) }
        }
        ended()
    }
}
