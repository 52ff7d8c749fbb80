// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
internal import GRPCCore

/// Passes through one model, answered in the order in which they were sent, however the server orders its work.
/// For one thread at a time. What is under way when it goes is cancelled.
package final class PassQueue {
    private let channel: Channel
    private let model: ServedModel
    private let outputs: [String]
    private var flights: [Flight<[WireTensor]>] = []
    private var sent = 0
    /// Of requests and answers, for the benchmark and the counters.
    package private(set) var bytesSent = 0
    package private(set) var bytesReceived = 0

    init(channel: Channel, model: ServedModel, outputs: [String]) {
        self.channel = channel
        self.model = model
        self.outputs = outputs
    }

    deinit { for flight in flights { flight.cancel() } }

    /// Whether another pass may be sent before the first one's answer is taken.
    package var hasRoom: Bool { flights.count < channel.server.inFlight }
    package var isEmpty: Bool { flights.isEmpty }

    /// Sends a pass; does not wait. Its number, from 0, is its id at the server.
    package func send(_ inputs: [WireTensor]) throws(ServerError) {
        let id = String(sent)
        let request = Inference_ModelInferRequest(model: model, id: id, inputs: inputs, outputs: outputs)
        let bytes = inputs.reduce(0) { $0 + $1.bytes.count }
        guard bytes <= channel.server.maximumMessage else {
            throw ServerError(
                server: channel.server.name, .messageLimit,
                "ModelInfer: a request of \(bytes >> 20) MiB is longer than this node's `maximumMessage`, \(channel.server.maximumMessage >> 20) MiB"
            )
        }
        sent += 1
        bytesSent += bytes
        let (channel, model, outputs) = (channel, model, outputs)
        flights.append(
            Flight("ModelInfer") { () async throws(ServerError) -> [WireTensor] in
                try await channel.call("ModelInfer", within: channel.server.deadline) { client, metadata, options in
                    let answer = try await client.modelInfer(request, metadata: metadata, options: options)
                    return try answer.tensors(asked: (model, id), names: outputs)
                }
            })
    }

    /// The answer to the first pass that was not taken yet, with the outputs in the order of their names in `outputs`.
    package func next(shouldStop: () -> Bool = { false }) throws(ServerError) -> [WireTensor] {
        precondition(!flights.isEmpty, "nothing is under way")
        // Those before it share the server: each had the deadline to itself from its sending.
        let answer = try flights.removeFirst().wait(
            seconds: channel.server.deadline, on: channel.server, shouldStop: shouldStop)
        bytesReceived += answer.reduce(0) { $0 + $1.bytes.count }
        return answer
    }
}
