// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import HTTPTypes

/// The files of the page, embedded in the binary.
enum Page {
    struct Asset: Sendable {
        var type: String
        var bytes: [UInt8]
    }

    /// By path.
    static let assets: [String: Asset] = [
        "/": Asset(type: "text/html; charset=utf-8", bytes: PackageResources.index_html),
        "/page.css": Asset(type: "text/css; charset=utf-8", bytes: PackageResources.page_css),
        "/page.js": script(PackageResources.page_js),
        "/rows.js": script(PackageResources.rows_js),
        "/live.js": script(PackageResources.live_js),
        "/words.js": script(PackageResources.words_js),
        "/search.js": script(PackageResources.search_js),
        "/actions.js": script(PackageResources.actions_js),
        "/dialogs.js": script(PackageResources.dialogs_js),
        "/icon.svg": Asset(type: "image/svg+xml", bytes: PackageResources.icon_svg),
    ]

    private static func script(_ bytes: [UInt8]) -> Asset {
        Asset(type: "text/javascript; charset=utf-8", bytes: bytes)
    }

    /// Of every response. Trusted Types make the browser refuse any text that a script would turn into markup.
    static let securityHeaders: HTTPFields = {
        var headers = HTTPFields()
        headers[.cacheControl] = "no-store"
        headers[.contentSecurityPolicy] =
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; "
            + "form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
        headers[.xContentTypeOptions] = "nosniff"
        for (name, value) in [
            ("Referrer-Policy", "no-referrer"), ("X-Frame-Options", "DENY"),
            ("Cross-Origin-Opener-Policy", "same-origin"),
            ("Cross-Origin-Resource-Policy", "same-origin"),
            ("Permissions-Policy", "camera=(), microphone=(), geolocation=()"),
        ] {
            headers[HTTPField.Name(name)!] = value
        }
        return headers
    }()
}
