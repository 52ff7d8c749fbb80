// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import Models

/// The card of an imported model: where it comes from, and what nobody has shown yet.
enum ModelCard {
    static func write(_ model: ImportedModel, missing: [String], warnings: [String]) -> String {
        let manifest = model.manifest
        var lines = ["# \(manifest.title)", ""]
        lines += [
            "Imported by `triaged model import --\(model.report.kind)`; a person has to complete this card.", "",
            "## Provenance", "",
        ]
        lines += model.provenance.map { "- " + $0.split(whereSeparator: \.isNewline).joined(separator: " ") }
        lines += model.report.sources.map { "- \($0.file): SHA-256 \($0.sha256)" }
        lines += ["", "## Licence", ""]
        lines.append(
            "\(model.licence.spdx)\(model.licence.isNonCommercial ? ", not for commercial use" : ""), as far as the text in LICENSE was recognised; read it."
        )
        lines += ["", "## Intended use", "", manifest.intendedUse, "", "Not for: \(manifest.notFor ?? "")"]
        lines += ["", "## What was measured", "", "Nothing by this node."]
        if !missing.isEmpty {
            lines += ["", "## Incomplete", "", "Not there yet: \(missing.joined(separator: ", "))."]
        }
        if !warnings.isEmpty { lines += ["", "## Warnings of the import", ""] + warnings.map { "- " + $0 } }
        return lines.joined(separator: "\n") + "\n"
    }
}
