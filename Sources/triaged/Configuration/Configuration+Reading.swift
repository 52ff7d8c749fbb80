// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM
import Foundation
import Models

/// What is wrong with the configuration, one line each, with file and line.
struct ConfigurationError: Error, CustomStringConvertible {
    var problems: [String]
    var description: String { problems.joined(separator: "\n") }
}

extension Configuration {
    static func read(path: String) throws(ConfigurationError) -> Configuration {
        guard let data = FileManager.default.contents(atPath: path) else {
            throw ConfigurationError(problems: ["\(path): cannot be read"])
        }
        guard let text = String(data: data, encoding: .utf8) else {
            throw ConfigurationError(problems: ["\(path): is not UTF-8"])
        }
        return try read(text, file: path)
    }

    static func read(_ text: String, file: String) throws(ConfigurationError) -> Configuration {
        let problems = StrictProblems(file: file)
        let keys = ["dicom", "peers", "storage", "models", "destinations", "completeness", "web"]
        guard let root = StrictSection(yaml: text, keys: keys, problems: problems) else {
            throw ConfigurationError(problems: problems.problems.map(\.description))
        }
        var configuration = Configuration()
        // Before what may refer to them.
        configuration.readPeers(root)
        configuration.readNode(root)
        configuration.readDestinations(root)
        guard problems.problems.isEmpty else {
            throw ConfigurationError(problems: problems.problems.map(\.description))
        }
        return configuration
    }

    private mutating func readNode(_ root: StrictSection) {
        if let dicom = root.section("dicom", keys: Self.dicomKeys) { readDICOM(dicom) }
        if let storage = root.section("storage", keys: ["directory", "archive", "archives", "reserve"]) {
            storageDirectory = Self.absolute(storage, "directory") ?? storageDirectory
            isArchive = storage.boolean("archive") ?? isArchive
            archives = storage.texts("archives", mayBeEmpty: true) ?? []
            if isArchive, !archives.isEmpty {
                storage.fault(
                    "archives", "must be empty where `archive` is true: an archive never expires what it holds")
            }
            reserve = storage.number("reserve", 0...1_000_000).map { Int64($0 * 1e9) } ?? reserve
        }
        readModels(root)
        if let completeness = root.section("completeness", keys: ["quietPeriod"]) {
            quietPeriod = completeness.number("quietPeriod", 0.1...86_400) ?? quietPeriod
        }
        if let web = root.section("web", keys: ["host", "port"]) {
            webHost = web.text("host") ?? webHost
            webPort = web.integer("port", 1...65_535) ?? webPort
            if !Self.loopback.contains(webHost) {
                web.fault(
                    "host",
                    "must be one of \(Self.loopback.joined(separator: ", ")): put nginx with TLS and login in front")
            }
        }
    }

    static let loopback = ["127.0.0.1", "::1", "localhost"]

    private mutating func readDestinations(_ root: StrictSection) {
        let keys =
            ["name", "aeTitle", "host", "port"] + Self.templateKeys + Self.deliveryKeys
            + Self.webKeys + Self.peerTLSKeys
        for section in root.sections("destinations", keys: keys) {
            let name = section.requiredText("name")
            if destinations.contains(where: { $0.name == name }) { section.fault("name", "is listed twice") }
            let web = section.has("url") ? Self.web(section) : nil
            guard let title = web == nil ? Self.requiredAETitle(section) : Self.noAETitle else { continue }
            var destination = Destination(
                name: name, aeTitle: title, host: web == nil ? section.requiredText("host") : "",
                port: web == nil ? section.requiredInteger("port", 1...65_535) : 0,
                template: Self.template(section), condition: Self.condition(section), tls: peerTLS(section))
            destination.web = web
            destination.readDelivery(section)
            destinations.append(destination)
        }
        for archive in archives {
            guard let destination = destinations.first(where: { $0.name == archive }) else {
                root.fault("storage", "has `\(archive)` in `archives`, which is no name of a destination")
                continue
            }
            if destination.web != nil {
                root.fault("storage", "has `\(archive)` in `archives`, which is asked by DICOMweb and not by C-FIND")
            }
            // Its own word is no proof.
            if destination.aeTitle == aeTitle {
                root.fault("storage", "has `\(archive)` in `archives`, which is this node")
            }
        }
    }

    static func aeTitle(_ section: StrictSection) -> AETitle? {
        guard section.has("aeTitle"), let text = section.text("aeTitle") else { return nil }
        guard let title = AETitle(text) else {
            section.fault("aeTitle", "must have 1 to 16 printable characters and no backslash")
            return nil
        }
        return title
    }

    static func requiredAETitle(_ section: StrictSection) -> AETitle? {
        if !section.has("aeTitle") { _ = section.requiredText("aeTitle") }
        return aeTitle(section)
    }

    static func absolute(_ section: StrictSection, _ key: String) -> String? {
        guard let path = section.text(key) else { return nil }
        if !path.hasPrefix("/") { section.fault(key, "must be an absolute path") }
        return path
    }
}
