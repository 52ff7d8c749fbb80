// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM
import Foundation
import Models
internal import OpenInference

/// A model on a server, as one of the package's networks. What it takes and gives was read when it was made, and is read
/// again after a run that failed: a server may load another model under the same name.
final class RemoteNetwork: NetworkRunner {
    private(set) var inputs: [Port] = []
    private(set) var outputs: [Port] = []
    private let connection: ServerConnection
    private let model: ServedModel
    private let role: Manifest.Role
    private let package: ModelPackage
    private let shouldStop: () -> Bool
    private var fit: RemoteFit?

    init(
        connection: ServerConnection, model: ServedModel, role: Manifest.Role, package: ModelPackage,
        shouldStop: @escaping () -> Bool = { false }
    ) throws(InferenceError) {
        self.shouldStop = shouldStop
        self.connection = connection
        self.model = model
        self.role = role
        self.package = package
        _ = try fitted()
    }

    @discardableResult
    func run(
        count: Int, fill: (Int) throws(InferenceError) -> [TensorInput],
        take: (Int, [TensorView]) throws(InferenceError) -> Void
    ) throws(InferenceError) -> Double {
        do throws(InferenceError) {
            return try passes(count, fill, take)
        } catch {
            if case .server(let error) = error {
                fit = nil
                // A machine that went without a word would hold the next run up to its deadline as well.
                if error.kind == .deadline || error.kind == .denied { connection.drop() }
            }
            throw error
        }
    }

    private func passes(
        _ count: Int, _ fill: (Int) throws(InferenceError) -> [TensorInput],
        _ take: (Int, [TensorView]) throws(InferenceError) -> Void
    ) throws(InferenceError) -> Double {
        let fit = try fitted()
        let clock = ContinuousClock()
        let start = clock.now
        // Short of what the daemon gives the worker, which would otherwise die of the server's slowness.
        let end = start + .seconds(package.manifest.budget.time)
        let queue = try asked { () throws(ServerError) in
            try connection.passes(through: model, outputs: fit.outputs.map(\.tensor.name))
        }
        var sent = 0
        for pass in 0..<count {
            while sent < count, queue.hasRoom {
                let inputs = try InferenceError.bound(try fill(sent), to: self.inputs, package: package.identity.name)
                try asked { () throws(ServerError) in try queue.send(fit.encode(inputs)) }
                sent += 1
            }
            let answer = try asked { () throws(ServerError) in try queue.next { clock.now >= end || shouldStop() } }
            let views = try fit.decode(answer, package: package.identity.name)
            defer { for view in views { view.values.deallocate() } }
            for view in views where !isFinite(view.values) { throw .notFinite(package: package.identity.name) }
            try take(pass, views)
        }
        // The server has a pass under way from the first that is sent to the last that is answered.
        return start.duration(to: clock.now).seconds
    }

    private func fitted() throws(InferenceError) -> RemoteFit {
        if let fit { return fit }
        let interface = try asked { () throws(ServerError) in try connection.interface(of: model) }
        let fit = try RemoteFit(interface, role: role, package: package, server: connection.server, model: model)
        self.fit = fit
        inputs = fit.inputs.map(\.port)
        outputs = fit.outputs.map(\.port)
        return fit
    }

    private func asked<Answer>(_ body: () throws(ServerError) -> Answer) throws(InferenceError) -> Answer {
        do throws(ServerError) { return try body() } catch {
            guard error.kind == .cancelled else { throw .server(error) }
            if shouldStop() { throw .cancelled }
            throw .server(
                ServerError(
                    server: error.server, .deadline,
                    "package \(package.identity.name) takes longer than its budget of \(package.manifest.budget.time.formatted()) s"
                ))
        }
    }
}
