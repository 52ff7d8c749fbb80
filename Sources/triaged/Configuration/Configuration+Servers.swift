// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import Inference
import Models
import OpenInference

/// `models.servers`: packages whose networks run on a server that speaks the Open Inference Protocol.
extension Configuration {
    private static let serverKeys = [
        "name", "host", "port", "tls", "tokenFile", "maximumMessage", "inFlight", "deadline", "workers", "packages",
    ]

    mutating func readServers(_ models: StrictSection) {
        for section in models.sections("servers", keys: Self.serverKeys) {
            var server = InferenceServer(
                name: section.requiredText("name"), host: section.requiredText("host"),
                port: section.requiredInteger("port", 1...65_535), tls: Self.serverTLS(section),
                tokenFile: Self.absolute(section, "tokenFile"))
            if servers.contains(where: { $0.server.name == server.name }) { section.fault("name", "is listed twice") }
            if server.tokenFile != nil, server.tls == nil, !Self.loopback.contains(server.host) {
                section.fault("tokenFile", "needs `tls`: everybody on the way could read the token")
            }
            let largest = InferenceServer.maximumMessageLimit >> 20
            server.maximumMessage =
                section.integer("maximumMessage", 1...largest).map { $0 << 20 } ?? server.maximumMessage
            server.inFlight = section.integer("inFlight", 1...64) ?? server.inFlight
            server.deadline = section.number("deadline", 0.1...3600) ?? server.deadline
            if !section.has("packages") { section.fault("packages", "is missing: the server would run nothing") }
            var entries: [ServerRoute.Entry] = []
            for package in section.sections("packages", keys: ["package", "model", "models", "folds", "version"]) {
                let entry = Self.entry(package)
                let known = servers.flatMap(\.packages) + entries
                if known.contains(where: { $0.package == entry.package }) {
                    package.fault("package", "is listed twice")
                }
                entries.append(entry)
            }
            servers.append(
                ServerRoute(server: server, packages: entries, workers: section.integer("workers", 1...64) ?? 1))
        }
    }

    /// The server that runs the package; nil where this node does.
    func route(of package: String) -> ServerRoute? {
        servers.first { $0.packages.contains { $0.package == package } }
    }

    /// Worker processes in all: those that compute here, and those that wait for servers.
    var workerCount: Int { servers.reduce(workers) { $0 + $1.workers } }

    private static func entry(_ section: StrictSection) -> ServerRoute.Entry {
        let version = section.text("version") ?? ""
        var models: [String: [ServedModel]] = [:]
        if section.has("model") {
            models[Manifest.Role.main.rawValue] = [ServedModel(name: section.text("model") ?? "", version: version)]
        }
        if section.has("folds") {
            models[Manifest.Role.main.rawValue] = section.texts("folds")?.map {
                ServedModel(name: $0, version: version)
            }
        }
        if section.has("models") {
            for (role, name) in section.words("models") {
                if Manifest.Role(rawValue: role) == nil {
                    let roles = Manifest.Role.allCases.map(\.rawValue).joined(separator: ", ")
                    section.fault("models", "names the network `\(role)`, and a package's are \(roles)")
                }
                models[role] = [ServedModel(name: name, version: version)]
            }
        }
        if ["model", "folds", "models"].filter(section.has).count != 1 {
            section.fault("package", "needs one of `model`, `folds` and `models`")
        }
        return .init(package: section.requiredText("package"), models: models)
    }

    private static func serverTLS(_ section: StrictSection) -> InferenceServer.TLS? {
        guard let section = section.section("tls", keys: ["trusted", "certificate", "key", "certificateName"]) else {
            return nil
        }
        let tls = InferenceServer.TLS(
            trusted: absolute(section, "trusted"), certificate: absolute(section, "certificate"),
            key: absolute(section, "key"), certificateName: section.text("certificateName"))
        for (key, other) in [("certificate", "key"), ("key", "certificate")]
        where section.has(key) && !section.has(other) {
            section.fault(key, "needs `\(other)` beside it")
        }
        return tls
    }
}
