// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import Foundation

/// Certificates for tests, made by `openssl` the way docs/tls.md tells an administrator to.
package final class Certificates: Sendable {
    /// A certificate and its key, PEM.
    package struct Pair: Sendable {
        package var certificate: String
        package var key: String

        package init(certificate: String, key: String) {
            self.certificate = certificate
            self.key = key
        }
    }

    private let directory: TemporaryDirectory
    package var authority: String { directory.file("ca.pem") }

    package init() throws {
        directory = try TemporaryDirectory()
        try openssl(
            ["req", "-x509"] + Self.ecKey + [
                "-days", "30", "-subj", "/CN=Test CA", "-keyout", "ca.key", "-out", "ca.pem",
            ])
    }

    package static let ecKey = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    package static let rsaKey = ["-newkey", "rsa:2048", "-nodes"]

    /// For both roles. `days` may be negative; without `isSigned` it is self-signed. DCMTK 3.6.7 wants RSA with TLS 1.2.
    @discardableResult
    package func issue(
        _ name: String, days: Int = 90, key: [String] = Certificates.ecKey, isSigned: Bool = true
    ) throws -> Pair {
        let pair = Pair(certificate: directory.file(name + ".pem"), key: directory.file(name + ".key"))
        let subject = ["-subj", "/CN=\(name)", "-addext", "subjectAltName=DNS:\(name),IP:127.0.0.1"]
        if isSigned {
            try openssl(["req", "-new"] + key + subject + ["-keyout", name + ".key", "-out", name + ".csr"])
            try openssl([
                "x509", "-req", "-in", name + ".csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days",
                "\(days)", "-copy_extensions", "copy", "-out", name + ".pem",
            ])
        } else {
            let files = ["-keyout", name + ".key", "-out", name + ".pem", "-days", "\(days)"]
            try openssl(["req", "-x509"] + key + subject + files)
        }
        return pair
    }

    private func openssl(_ arguments: [String]) throws {
        let made = try Tool.run(
            "/bin/sh", ["-c", "cd \"$0\" && exec /usr/bin/openssl \"$@\"", directory.path] + arguments, seconds: 60)
        guard made.status == 0 else { throw ToolError("openssl \(arguments.joined(separator: " ")): \(made.output)") }
    }
}

extension Certificates.Pair {
    /// For DCMTK's tools.
    package func dcmtk(trusting authority: String) -> [String] { ["+tls", key, certificate, "+cf", authority] }
    /// For `openssl s_client`.
    package var client: [String] { ["-cert", certificate, "-key", key] }
}
