// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM
import Models
package import OpenInference

/// What a site runs on a server in place of this machine: packages by name, with the names that the server has for their
/// networks.
package struct ServerRoute: Codable, Sendable, Equatable {
    package struct Entry: Codable, Sendable, Equatable {
        package var package: String
        /// By role ("main", "encoder", …): a model, or one for each fold.
        package var models: [String: [ServedModel]]

        package init(package: String, models: [String: [ServedModel]]) {
            self.package = package
            self.models = models
        }
    }

    package var server: InferenceServer
    package var packages: [Entry]
    /// Worker processes that wait for this server, beside those that compute here.
    package var workers: Int

    package init(server: InferenceServer, packages: [Entry], workers: Int = 1) {
        self.server = server
        self.packages = packages
        self.workers = workers
    }
}

/// The servers of a site, one connection each. Belongs to the engine's thread.
package final class RemoteServers: RemoteNetworks {
    private let routes: [ServerRoute]
    private var connections: [String: ServerConnection] = [:]
    /// Asked while an answer is waited for: true gives up the passes under way.
    package var shouldStop: () -> Bool = { false }

    package init(_ routes: [ServerRoute]) { self.routes = routes }

    /// The server that runs the package; nil where this machine does.
    package func server(of package: String) -> InferenceServer? { route(of: package)?.server.server }

    func network(
        _ role: Manifest.Role, fold: Int, of package: ModelPackage
    ) throws(InferenceError) -> (any NetworkRunner)? {
        guard let route = route(of: package.identity.name) else { return nil }
        guard let models = route.entry.models[role.rawValue], models.indices.contains(fold) else {
            throw .mismatch(
                package: package.identity.name,
                reason:
                    "the server \(route.server.server.name) has no model for its network `\(role.rawValue)`, fold \(fold)"
            )
        }
        return try RemoteNetwork(
            connection: connection(to: route.server.server), model: models[fold], role: role, package: package
        ) { [weak self] in self?.shouldStop() ?? false }
    }

    /// Every problem that a run would meet, one line each: whether the servers live and are ready, whether each model has what
    /// its package needs, and whether it gives what the package's network gives here, by `engine`, for the same numbers.
    /// A name that is not among `packages` is one too.
    package func problems(among packages: [ModelPackage], comparedBy engine: Engine?) -> [String] {
        var problems: [String] = []
        for route in routes {
            let connection = connection(to: route.server)
            do throws(ServerError) { _ = try connection.greet() } catch {
                problems.append("\(error); \(error.hint)")
                continue
            }
            for entry in route.packages {
                guard let package = packages.first(where: { $0.identity.name == entry.package }) else {
                    problems.append(
                        "inference server \(route.server.name): there is no runnable package \(entry.package) here")
                    continue
                }
                problems += self.problems(of: package, engine)
            }
        }
        return problems
    }

    private func problems(of package: ModelPackage, _ engine: Engine?) -> [String] {
        var problems: [String] = []
        for network in package.manifest.networks {
            for fold in network.graphs.indices {
                do throws(InferenceError) {
                    guard let remote = try self.network(network.role, fold: fold, of: package), let engine,
                        let words = try difference(
                            of: remote, from: try engine.network(network.role, fold: fold, of: package), package)
                    else { continue }
                    problems.append("package \(package.identity.name): \(words)")
                } catch { problems.append("\(error); \(error.hint)") }
            }
        }
        return problems
    }

    private func route(of package: String) -> (server: ServerRoute, entry: ServerRoute.Entry)? {
        for route in routes {
            if let entry = route.packages.first(where: { $0.package == package }) { return (route, entry) }
        }
        return nil
    }

    private func connection(to server: InferenceServer) -> ServerConnection {
        if let connection = connections[server.name] { return connection }
        let connection = ServerConnection(server)
        connections[server.name] = connection
        return connection
    }
}
