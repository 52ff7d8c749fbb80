// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM
import DICOMweb
import Delivery
import Foundation
import Models

/// How objects are brought to a destination, what proves that they are there, and how they are taken back.
extension Configuration {
    static let deliveryKeys = ["proof", "maximumAssociations", "retraction"]
    static let webKeys = ["url", "tokenFile", "trusted", "certificate", "key"]
    /// Of a DICOMweb server, which has none; nobody asks for it.
    static let noAETitle = AETitle(literal: "DICOMWEB")

    /// Those that are called by DIMSE, and may call.
    var dicomDestinations: [Destination] { destinations.filter { $0.web == nil } }

    static func web(_ section: StrictSection) -> DICOMwebPlace {
        for key in ["aeTitle", "host", "port", "tls", "certificateName"] where section.has(key) {
            section.fault(key, "does not go with `url`: a destination is a DICOM peer or a DICOMweb server")
        }
        let url = section.requiredText("url")
        let parts = URLComponents(string: url)
        let host = parts?.host ?? ""
        if host.isEmpty || !["http", "https"].contains(parts?.scheme ?? "") || parts?.query != nil {
            section.fault("url", "must be the address of a DICOMweb service, such as https://pacs.example/dicom-web")
        }
        let place = DICOMwebPlace(
            url: url, tokenFile: absolute(section, "tokenFile"), trusted: absolute(section, "trusted"),
            certificate: absolute(section, "certificate"), key: absolute(section, "key"))
        if parts?.scheme == "http", !loopback.contains(host) {
            section.fault(
                "url", "must begin with https: results name the patient, and everybody on the way could read them")
        }
        if parts?.scheme == "http", place.trusted != nil || place.certificate != nil {
            section.fault("url", "must begin with https where certificates are named")
        }
        for (key, other) in [("certificate", "key"), ("key", "certificate")]
        where section.has(key) && !section.has(other) {
            section.fault(key, "needs `\(other)` beside it")
        }
        return place
    }
}

extension Configuration.Destination {
    mutating func readDelivery(_ section: StrictSection) {
        proof = section.choice("proof", Proof.self) ?? (web == nil ? .commitment : .query)
        if web != nil, proof == .commitment {
            section.fault("proof", "is commitment, which DICOMweb does not have: query, or status")
        }
        if web == nil {
            for key in Configuration.webKeys where section.has(key) { section.fault(key, "needs `url`") }
        }
        maximumAssociations = section.integer("maximumAssociations", 1...64) ?? maximumAssociations
        retraction = section.choice("retraction", Configuration.Retraction.self) ?? retraction
    }
}
