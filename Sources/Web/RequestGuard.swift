// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import HTTPTypes

/// Who may talk to the server at all. It has no login of its own: whoever reaches the loopback port is let in, and a browser
/// on this machine must not be made to reach it by a page from elsewhere.
struct RequestGuard: Sendable {
    private let names: Set<String>

    init(names: [String]) {
        self.names = Set(names.map { $0.lowercased() })
    }

    /// Against DNS rebinding: the name in `Host` must be one that we answer to.
    func admits(authority: String?) -> Bool {
        guard let host = authority.flatMap(Self.host(of:)) else { return false }
        return Loopback.address(host) != nil || names.contains(host)
    }

    /// Against forged requests: what changes something must come from our own page, or from a program that is no browser.
    func isSameOrigin(_ request: HTTPRequest) -> Bool {
        // Set by the browser itself and out of reach of scripts; sent to loopback and over TLS.
        if let site = request.headerFields[.secFetchSite] { return site == "same-origin" }
        guard let origin = request.headerFields[.origin] else { return true }
        guard let separator = origin.range(of: "://") else { return false }
        // A page cannot set X-Forwarded-Host on a request to another origin without asking it first, and we never agree.
        let ours = request.headerFields[.forwardedHost] ?? request.authority
        return String(origin[separator.upperBound...]) == ours
    }

    /// Lower case, without port and brackets.
    private static func host(of authority: String) -> String? {
        guard !authority.isEmpty, authority.utf8.count <= 255 else { return nil }
        if authority.hasPrefix("[") {
            guard let end = authority.firstIndex(of: "]") else { return nil }
            return isPort(authority[authority.index(after: end)...])
                ? authority[authority.index(after: authority.startIndex)..<end].lowercased() : nil
        }
        let end = authority.firstIndex(of: ":") ?? authority.endIndex
        let host = authority[..<end]
        return host.isEmpty || !isPort(authority[end...]) ? nil : host.lowercased()
    }

    private static func isPort(_ text: Substring) -> Bool {
        text.isEmpty || (text.first == ":" && text.dropFirst().utf8.allSatisfy { (0x30...0x39).contains($0) })
    }
}

extension HTTPField.Name {
    static let forwardedHost = HTTPField.Name("X-Forwarded-Host")!
    static let secFetchSite = HTTPField.Name("Sec-Fetch-Site")!
}
