// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import Association
import DCMTK
import DICOM
import Models

extension Configuration {
    /// DICOM over TLS: the node's certificate, for both roles, and the port for peers that call.
    struct TLS: Sendable, Equatable {
        enum PeerCertificates: String, Sendable, CaseIterable { case require, accept }

        /// Registered for DICOM over TLS (PS3.15 B.12).
        var port = 2762
        var files: TLSContext.Files
        /// `accept`: verified where the peer sends one.
        var peerCertificates = PeerCertificates.require
    }

    /// How a peer or a destination is called, and what its certificate must carry.
    struct PeerTLS: Sendable, Hashable {
        var isUsed = false
        /// Common name, DNS name or IP address; nil takes any certificate that is trusted.
        var certificateName: String?
    }

    static let tlsKeys = ["port", "certificate", "key", "trusted", "peerCertificates"]
    static let peerTLSKeys = ["tls", "certificateName"]

    /// `dicom.tls` and `dicom.plain`.
    mutating func readTLS(_ dicom: StrictSection) {
        if let section = dicom.section("tls", keys: Self.tlsKeys) {
            var tls = TLS(
                files: .init(
                    certificate: Self.requiredPath(section, "certificate"), key: Self.requiredPath(section, "key"),
                    trusted: Self.requiredPath(section, "trusted")))
            tls.port = section.integer("port", 1...65_535) ?? tls.port
            tls.peerCertificates = section.choice("peerCertificates", TLS.PeerCertificates.self) ?? .require
            self.tls = tls
        }
        acceptsPlain = dicom.boolean("plain") ?? true
        if !acceptsPlain, tls == nil { dicom.fault("plain", "is false and there is no `dicom.tls`: nobody could call") }
        if acceptsPlain, tls?.port == port { dicom.fault("tls", "has the port of plain DICOM") }
    }

    func peerTLS(_ section: StrictSection) -> PeerTLS {
        let read = PeerTLS(
            isUsed: section.boolean("tls") ?? false,
            certificateName: section.has("certificateName") ? section.text("certificateName") : nil)
        if tls == nil {
            for key in Self.peerTLSKeys where key == "tls" ? read.isUsed : section.has(key) {
                section.fault(key, "needs `dicom.tls` with the node's own certificate")
            }
        }
        return read
    }

    /// What the certificates of calling AE titles must carry.
    var certificateNames: [AETitle: String] {
        let peers = peers.map { ($0.aeTitle, $0.tls.certificateName) }
        let destinations = dicomDestinations.map { ($0.aeTitle, $0.tls.certificateName) }
        // A peer's own entry counts before that of a destination.
        return Dictionary((peers + destinations).compactMap { title, name in name.map { (title, $0) } }) { first, _ in
            first
        }
    }

    /// Where the node listens, for people.
    var portWords: String {
        [acceptsPlain ? "port \(port)" : nil, tls.map { "port \($0.port) (TLS)" }].compactMap { $0 }
            .joined(separator: " and ")
    }

    private static func requiredPath(_ section: StrictSection, _ key: String) -> String {
        let path = section.requiredText(key)
        if section.has(key), !path.hasPrefix("/") { section.fault(key, "must be an absolute path") }
        return path
    }
}

extension Configuration.PeerTLS {
    func requestorTLS(_ credentials: TLSCredentials?) -> Requestor.TLS? {
        guard isUsed, let credentials else { return nil }
        return Requestor.TLS(certificateName: certificateName) { credentials.current }
    }
}
