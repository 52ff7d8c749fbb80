// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import Foundation

/// What is known of a model's licence from the text beside it.
package struct UpstreamLicence: Sendable, Equatable {
    package var spdx: String
    package var isNonCommercial: Bool
    /// Of the file that was found; nil: none was.
    package var text: String?

    private static let names = ["LICENSE", "LICENSE.txt", "LICENSE.md", "LICENCE", "COPYING", "docs/LICENSE"]

    package static func read(in folder: String) -> UpstreamLicence {
        for name in names {
            let path = folder + "/" + name
            guard let bytes = FileManager.default.contents(atPath: path), bytes.count <= 1 << 20 else { continue }
            let text = String(decoding: bytes, as: UTF8.self)
            return recognise(text)
        }
        // Without a licence nothing is granted.
        return UpstreamLicence(spdx: "LicenseRef-None", isNonCommercial: true, text: nil)
    }

    /// By words that each text has in its first lines or that no other has.
    package static func recognise(_ text: String) -> UpstreamLicence {
        let plain = text.lowercased().split { $0.isWhitespace }.joined(separator: " ")
        let nonCommercial = [
            "non-commercial", "noncommercial", "non commercial", "research purposes only", "research use only",
            "not for commercial",
        ].contains { plain.contains($0) }
        func licence(_ spdx: String) -> UpstreamLicence {
            UpstreamLicence(spdx: spdx, isNonCommercial: nonCommercial, text: text)
        }
        if plain.contains("creative commons") || plain.contains("cc by") || plain.contains("cc-by") {
            if let spdx = creativeCommons(plain, nonCommercial) { return licence(spdx) }
        }
        if nonCommercial { return licence("LicenseRef-Upstream") }
        if plain.contains("apache license"), plain.contains("version 2.0") { return licence("Apache-2.0") }
        if plain.contains("permission is hereby granted, free of charge"), plain.contains("mit license") {
            return licence("MIT")
        }
        if plain.contains("redistribution and use in source and binary forms") {
            return licence(plain.contains("neither the name") ? "BSD-3-Clause" : "BSD-2-Clause")
        }
        return licence("LicenseRef-Upstream")
    }

    private static func creativeCommons(_ plain: String, _ nonCommercial: Bool) -> String? {
        if plain.contains("cc0") { return "CC0-1.0" }
        guard plain.contains("attribution") || plain.contains("cc by") || plain.contains("cc-by") else { return nil }
        let noDerivatives = plain.contains("noderiv") || plain.contains("no derivatives") || plain.contains("-nd")
        let shareAlike = plain.contains("sharealike") || plain.contains("share alike") || plain.contains("-sa")
        let version = plain.contains("4.0") ? "4.0" : plain.contains("3.0") ? "3.0" : nil
        guard let version else { return nil }
        return "CC-BY" + (nonCommercial ? "-NC" : "") + (noDerivatives ? "-ND" : shareAlike ? "-SA" : "") + "-"
            + version
    }
}
