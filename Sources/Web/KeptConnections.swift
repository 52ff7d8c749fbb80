// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import HummingbirdCore
import Logging
import NIOCore
import Synchronization

/// Holds each connection until it is closed. One that comes while the server is cancelled is handed to nobody, and NIO ends the
/// whole process where nobody holds what writes to an open connection.
final class KeptConnections: ServerChildChannel {
    private struct State {
        /// Nobody reads from them yet.
        var waiting: [ObjectIdentifier: any Channel] = [:]
        var isListenerWatched = false
        var isListenerClosed = false
    }

    private let base: HTTP1Channel
    private let state = Mutex(State())

    init(_ base: HTTP1Channel) { self.base = base }

    func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<HTTP1Channel.Value> {
        let id = ObjectIdentifier(channel)
        let isFirst = state.withLock { state in
            state.waiting[id] = channel
            defer { state.isListenerWatched = true }
            return !state.isListenerWatched
        }
        // With the listener goes whoever would have read.
        if isFirst { channel.parent?.closeFuture.whenComplete { _ in self.listenerClosed() } }
        let made = base.setup(channel: channel, logger: logger)
        made.whenComplete { result in
            channel.closeFuture.whenComplete { _ in withExtendedLifetime(result) { self.taken(id) } }
            if self.state.withLock({ $0.isListenerClosed }) { channel.close(promise: nil) }
        }
        return made
    }

    func handle(value: HTTP1Channel.Value, logger: Logger) async {
        taken(ObjectIdentifier(value.channel))
        await base.handle(value: value, logger: logger)
    }

    private func taken(_ id: ObjectIdentifier) { state.withLock { $0.waiting[id] = nil } }

    private func listenerClosed() {
        let waiting = state.withLock { state in
            state.isListenerClosed = true
            return Array(state.waiting.values)
        }
        for channel in waiting { channel.close(promise: nil) }
    }
}
