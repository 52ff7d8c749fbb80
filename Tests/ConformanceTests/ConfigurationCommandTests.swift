// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Support
import Testing

extension EndToEnd {
    /// What an administrator gets wrong: one clear line, exit status 1, and nothing half-started.
    @Suite("Wrong configurations", .serialized) struct ConfigurationCommandTests {
        struct Mistake: Sendable, CustomTestStringConvertible {
            var testDescription: String
            /// Of the configuration that the tests use.
            var change: @Sendable (String) -> String
            /// On the line at fault; nil for the first.
            var at: String?
            var says: [String]

            /// `at` is on the last line that holds it; without it, `new` is one line.
            init(_ name: String, _ old: String, _ new: String, at: String? = nil, says: String...) {
                testDescription = name
                change = { $0.replacingOccurrences(of: old, with: new) }
                self.at = at ?? new
                self.says = says
            }

            init(_ name: String, whole text: String, says: String...) {
                testDescription = name
                change = { _ in text }
                self.says = says
            }
        }

        @Test(
            "check and serve say in one line what is wrong in which line of the configuration [CONFIG-1]",
            arguments: [
                Mistake(
                    "misspelt key", "  aeTitle: TRIAGED", "  aeTitel: TRIAGED", says: "aeTitel",
                    "did you mean `aeTitle`"),
                Mistake(
                    "misspelt section", "completeness:", "completness:", says: "completness",
                    "did you mean `completeness`"),
                Mistake(
                    "associations out of range", "  unknownPeers:", "  maximumAssociations: 0\n  unknownPeers:",
                    at: "maximumAssociations", says: "maximumAssociations"),
                Mistake("port too great", "port: 11119}", "port: 70000}", says: "port", "70000"),
                Mistake(
                    "an inference server without packages", "  allowDemonstration:",
                    "  servers: [{name: gpu1, host: gpu1, port: 8001}]\n  allowDemonstration:", at: "gpu1",
                    says: "packages", "is missing"),
                Mistake(
                    "a token in clear", "  allowDemonstration:",
                    "  servers: [{name: g, host: gpu1, port: 1, tokenFile: /t, packages: []}]\n  allowDemonstration:",
                    at: "tokenFile", says: "tokenFile", "needs `tls`"),
                Mistake("port no number", "port: 11119}", "port: eleven}", says: "port"),
                Mistake(
                    "AE title too long", "aeTitle: TRIAGED", "aeTitle: TRIAGED-AT-THE-HOSPITAL", says: "aeTitle", "16"),
                Mistake(
                    "AE title with a backslash", "aeTitle: TRIAGED", "aeTitle: 'TRI\\AGED'", says: "aeTitle",
                    "backslash"),
                Mistake(
                    "no network", "port: 11119}", "port: 11119, address: [10.0.0.7/24]}", says: "address",
                    "10.0.0.7/24"),
                Mistake(
                    "a service that is none", "port: 11119}", "port: 11119, services: [storge]}", says: "services",
                    "did you mean `storage`"),
                Mistake(
                    "places for nobody", "  unknownPeers:", "  urgentReserve: 2\n  unknownPeers:", at: "urgentReserve",
                    says: "urgentReserve", "urgent: true"),
                Mistake(
                    "no time at all", "  unknownPeers:", "  timeouts: {idle: 0}\n  unknownPeers:", at: "idle",
                    says: "dicom.timeouts.idle"),
                Mistake(
                    "a standard class as private", "  unknownPeers:",
                    "  privateStorageSOPClasses: [1.2.840.10008.1.20.1]\n  unknownPeers:", at: "1.20.1",
                    says: "privateStorageSOPClasses", "not private"),
                Mistake(
                    "the same peer twice", "peers:\n", "peers:\n  - {aeTitle: CT1, host: 127.0.0.1, port: 104}\n",
                    at: "CT1", says: "twice"),
                Mistake(
                    "relative storage directory", "storage:\n  directory: /", "storage:\n  directory: ", at: "/store",
                    says: "storage.directory", "absolute"),
                Mistake(
                    "a negative reserve", "  reserve: 0.0", "  reserve: -1", at: "reserve", says: "storage.reserve"),
                Mistake(
                    "web server for everybody", "web:\n  host: 127.0.0.1", "web:\n  host: 0.0.0.0", at: "0.0.0.0",
                    says: "web.host", "nginx"),
                Mistake(
                    "a kind of object that is none", "destinations: []",
                    "destinations:\n  - {name: p, aeTitle: P, host: h, port: 1, objects: [segmentations]}",
                    at: "segmentations", says: "objects", "did you mean `segmentation`"),
                Mistake(
                    "a placeholder that is none", "destinations: []",
                    "destinations:\n  - {name: p, aeTitle: P, host: h, port: 1, seriesDescription: '{modell}'}",
                    at: "modell", says: "seriesDescription", "{package}"),
                Mistake(
                    "a series number that is none", "destinations: []",
                    "destinations:\n  - {name: p, aeTitle: P, host: h, port: 1, seriesNumbers: {segmentation: x1}}",
                    at: "x1", says: "seriesNumbers", "{source}"),
                Mistake(
                    "a condition that is none", "destinations: []",
                    "destinations:\n  - {name: p, aeTitle: P, host: h, port: 1, when: {minimumPriority: high}}",
                    at: "high", says: "when.minimumPriority", "critical"),
                Mistake(
                    "storage commitment by DICOMweb", "destinations: []",
                    "destinations:\n  - {name: w, url: 'https://h/dicom-web', proof: commitment}", at: "commitment",
                    says: "proof", "DICOMweb"),
                Mistake(
                    "DICOMweb in clear", "destinations: []", "destinations:\n  - {name: w, url: 'http://h/dicom-web'}",
                    at: "dicom-web", says: "url", "https"),
                Mistake(
                    "a DICOM peer and a DICOMweb server", "destinations: []",
                    "destinations:\n  - {name: w, url: 'https://h/dicom-web', host: h}", at: "dicom-web", says: "host",
                    "does not go with `url`"),
                Mistake(
                    "a token without a DICOMweb server", "destinations: []",
                    "destinations:\n  - {name: w, aeTitle: P, host: h, port: 1, tokenFile: /t}", at: "tokenFile",
                    says: "tokenFile", "needs `url`"),
                Mistake(
                    "neither reject nor accept", "unknownPeers: reject", "unknownPeers: maybe", says: "unknownPeers",
                    "reject"),
                Mistake("quiet period of nothing", "quietPeriod: 1", "quietPeriod: 0", says: "quietPeriod"),
                Mistake(
                    "a key twice", "  unknownPeers: reject", "  unknownPeers: reject\n  unknownPeers: accept",
                    at: "reject", says: "unknownPeers", "twice"),
                Mistake("not YAML", whole: "}\ndicom:\n", says: "not YAML"),
                Mistake("a list", whole: "- dicom\n- web\n", says: "mapping"),
                Mistake("empty", whole: "", says: "empty"),
            ])
        func mistakes(mistake: Mistake) throws {
            let node = try Daemon()
            try node.edit { text in
                // A whole number, as people write it.
                mistake.change(text.replacingOccurrences(of: "quietPeriod: 1.0", with: "quietPeriod: 1"))
            }
            let text = try String(contentsOfFile: node.configurationPath, encoding: .utf8)
            let lines = text.components(separatedBy: "\n")
            for outcome in [try node.check(), try node.serveOnce()] {
                #expect(outcome.status == 1, "\(outcome.output)")
                #expect(outcome.lines.count == 1, "\(outcome.output)")
                let line = outcome.lines.first ?? ""
                for words in mistake.says { #expect(line.contains(words), "\(line)") }
                let place = line.replacingOccurrences(of: "Error: ", with: "")
                #expect(place.hasPrefix(node.configurationPath + ":"), "\(line)")
                let number = place.dropFirst(node.configurationPath.count + 1).prefix { $0.isNumber }
                let at = mistake.at.map { words in lines.lastIndex { $0.contains(words) }.map { $0 + 1 } } ?? 1
                #expect(Int(number) == at, "\(line)")
            }
            #expect(!FileManager.default.fileExists(atPath: node.storeDirectory))
        }

        @Test("a sound configuration is ok, and a missing one is not [CONFIG-2]")
        func sound() throws {
            let node = try Daemon()
            let outcome = try node.check()
            #expect(outcome.status == 0, "\(outcome.output)")
            #expect(outcome.lines == ["\(node.configurationPath): ok"])
            // A check makes nothing.
            #expect(!FileManager.default.fileExists(atPath: node.storeDirectory))
            for command in ["check", "serve"] {
                let missing = try Command.run(command, "--config", "/nowhere/triaged.yaml")
                #expect(missing.status == 1)
                #expect(missing.lines.count == 1)
                #expect(missing.output.contains("/nowhere/triaged.yaml: cannot be read"))
            }
        }

        @Test("two mistakes are two lines [CONFIG-3]")
        func two() throws {
            let node = try Daemon()
            try node.edit {
                $0.replacingOccurrences(
                    of: "host: 127.0.0.1\n  port: \(node.webPort)", with: "host: 0.0.0.0\n  prot: 1")
            }
            let outcome = try node.check()
            #expect(outcome.status == 1)
            #expect(outcome.lines.count == 2, "\(outcome.output)")
        }
    }
}
