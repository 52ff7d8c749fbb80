// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import GRPCNIOTransportHTTP2Posix
import OpenInference
import Support
import Testing

@Suite(.serialized) struct SecurityTests {
    private func greeting(_ entry: InferenceServer) async throws -> ServerError? {
        try await failure(as: ServerError.self) { _ = try ServerConnection(entry).greet() }
    }

    @Test("TLS needs a certificate that leads to the named authority and carries the server's name")
    func trust() async throws {
        let certificates = try Certificates()
        let other = try Certificates()
        let pair = try certificates.issue("gpu1.example")
        let server = try await ScriptedServer(security: .tls(pair))
        func entry(_ tls: InferenceServer.TLS?) -> InferenceServer { server.entry(tls: tls, deadline: 2) }
        #expect(try await greeting(entry(.init(trusted: certificates.authority))) == nil)
        let named = InferenceServer.TLS(trusted: certificates.authority, certificateName: "gpu1.example")
        #expect(try await greeting(entry(named)) == nil)
        #expect(try await greeting(entry(.init(trusted: other.authority)))?.kind == .unavailable)
        #expect(try await greeting(entry(nil))?.isTransient == true)
        let absent = try await greeting(entry(.init(trusted: "/no/such/file.pem")))
        #expect(absent?.kind == .credentials, "\(absent?.description ?? "")")
        await server.stop()
        // Not the address that the certificate carries.
        let elsewhere = try await ScriptedServer(security: .tls(pair), host: "127.0.0.2")
        #expect(try await greeting(elsewhere.entry(tls: named, deadline: 2)) == nil)
        let misnamed = InferenceServer.TLS(trusted: certificates.authority, certificateName: "gpu2.example")
        for tls in [misnamed, .init(trusted: certificates.authority)] {
            let wrong = try await greeting(elsewhere.entry(tls: tls, deadline: 2))
            #expect(wrong?.kind == .unavailable, "\(wrong?.description ?? "taken")")
        }
        await elsewhere.stop()
    }

    @Test("A server that asks for a certificate gets the node's")
    func clientCertificate() async throws {
        let certificates = try Certificates()
        let server = try await ScriptedServer(
            security: .tls(try certificates.issue("gpu1.example"), clients: certificates.authority))
        let mine = try certificates.issue("node.example")
        let tls = InferenceServer.TLS(
            trusted: certificates.authority, certificate: mine.certificate, key: mine.key)
        #expect(try await greeting(server.entry(tls: tls, deadline: 2)) == nil)
        let without = InferenceServer.TLS(trusted: certificates.authority)
        #expect(try await greeting(server.entry(tls: without, deadline: 2)) != nil)
        await server.stop()
    }

    @Test("The token of a file goes with every call, is read again with a new connection, and must be there")
    func token() async throws {
        let directory = try TemporaryDirectory()
        let file = directory.file("token")
        try "first\n".write(toFile: file, atomically: true, encoding: .utf8)
        let server = try await ScriptedServer()
        let connection = Unshared(ServerConnection(server.entry(tokenFile: file)))
        _ = try await blocking { try connection.value.greet() }
        #expect(server.authorization == Array(repeating: "Bearer first", count: 3))
        try "second".write(toFile: file, atomically: true, encoding: .utf8)
        _ = try await blocking {
            connection.value.drop()
            return try connection.value.greet()
        }
        #expect(server.authorization.suffix(3) == Array(repeating: "Bearer second", count: 3))
        for text in ["", "two words\n"] {
            try text.write(toFile: file, atomically: true, encoding: .utf8)
            #expect(try await greeting(server.entry(tokenFile: file))?.kind == .credentials)
        }
        let absent = try await greeting(server.entry(tokenFile: directory.file("absent")))
        #expect(absent?.kind == .credentials && absent?.reason.contains("absent") == true)
        await server.stop()
    }
}

extension HTTP2ServerTransport.Posix.TransportSecurity {
    fileprivate static func tls(_ pair: Certificates.Pair, clients authority: String? = nil) -> Self {
        .tls(
            certificateChain: [.file(path: pair.certificate, format: .pem)],
            privateKey: .file(path: pair.key, format: .pem)
        ) {
            guard let authority else { return }
            $0.trustRoots = .certificates([.file(path: authority, format: .pem)])
            $0.clientCertificateVerification = .noHostnameVerification
        }
    }
}
