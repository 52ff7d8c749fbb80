// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import Association
import DICOM
import Models

/// The sections of the front door: `dicom` and `peers`.
extension Configuration {
    static let dicomKeys = [
        "aeTitle", "calledAETitle", "host", "port", "plain", "tls", "maximumAssociations", "urgentReserve",
        "unknownPeers", "timeouts",
        "privateStorageSOPClasses",
    ]

    mutating func readDICOM(_ dicom: StrictSection) {
        aeTitle = Self.aeTitle(dicom) ?? aeTitle
        calledAETitle = dicom.choice("calledAETitle", CalledAETitle.self) ?? calledAETitle
        host = dicom.text("host") ?? host
        port = dicom.integer("port", 1...65_535) ?? port
        readTLS(dicom)
        maximumAssociations = dicom.integer("maximumAssociations", 1...1000) ?? maximumAssociations
        unknownPeers = dicom.choice("unknownPeers", UnknownPeers.self) ?? unknownPeers
        if let reserve = dicom.integer("urgentReserve", 0...1000) {
            urgentReserve = reserve
            if reserve >= maximumAssociations {
                dicom.fault("urgentReserve", "is \(reserve), and leaves no place of \(maximumAssociations) to others")
            } else if reserve > 0, !peers.contains(where: \.isUrgent) {
                dicom.fault("urgentReserve", "keeps places for urgent peers, but none of `peers` has `urgent: true`")
            }
        }
        if let section = dicom.section("timeouts", keys: ["association", "message", "idle"]) { readTimeouts(section) }
        for text in dicom.texts("privateStorageSOPClasses", mayBeEmpty: true) ?? [] {
            guard let uid = UID(text) else {
                dicom.fault("privateStorageSOPClasses", "has `\(text)`, which is not a UID")
                continue
            }
            // PS3.5 9.2: those of the standard are below this root, and mean what the standard says.
            if uid.string.hasPrefix("1.2.840.10008.") {
                dicom.fault("privateStorageSOPClasses", "has \(uid), which is not private but the standard's")
            }
            privateStorageSOPClasses.insert(uid)
        }
    }

    private mutating func readTimeouts(_ section: StrictSection) {
        func seconds(_ key: String, _ range: ClosedRange<Int>, _ current: Duration) -> Duration {
            section.integer(key, range).map { .seconds($0) } ?? current
        }
        timeouts.associate = seconds("association", 1...300, timeouts.associate)
        timeouts.message = seconds("message", 1...3600, timeouts.message)
        timeouts.idle = seconds("idle", 1...604_800, timeouts.idle)
    }

    mutating func readPeers(_ root: StrictSection) {
        let keys =
            ["aeTitle", "host", "port", "address", "services", "maximumAssociations", "urgent"] + Self.peerTLSKeys
        for section in root.sections("peers", keys: keys) {
            guard let title = Self.requiredAETitle(section) else { continue }
            if peers.contains(where: { $0.aeTitle == title }) { section.fault("aeTitle", "is listed twice") }
            peers.append(
                Peer(
                    aeTitle: title, host: section.requiredText("host"),
                    port: section.requiredInteger("port", 1...65_535), addresses: Self.addresses(section),
                    services: section.choices("services", ServiceClass.self).map { Set($0) },
                    maximumAssociations: section.integer("maximumAssociations", 1...1000),
                    isUrgent: section.boolean("urgent") ?? false, tls: peerTLS(section)))
        }
    }

    private static func addresses(_ section: StrictSection) -> [AddressRange] {
        (section.texts("address") ?? []).compactMap { text in
            if let range = AddressRange(text) { return range }
            section.fault(
                "address",
                "has `\(text)`, which is no IP address such as 10.0.0.7, nor a network such as 10.0.0.0/24 or 2001:db8::/32"
            )
            return nil
        }
    }
}
