// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

/// What the user gave by `--set ID=VALUE`: ids of upstream's files, or of the importer itself.
package struct ImportSettings: Sendable, Equatable {
    package var values: [String: ConfigValue] = [:]

    package init() {}

    /// Each as ID=VALUE; VALUE is JSON, YAML or a Python literal, else a text.
    package init(_ texts: [String]) throws(ImportError) {
        for text in texts {
            guard let equals = text.firstIndex(of: "="), equals > text.startIndex else {
                throw .setting("\(text): must be ID=VALUE, such as pixdim=[1.5,1.5,1.5]")
            }
            let id = Self.normalised(String(text[..<equals]).trimmingPrefix("@").description)
            let value = String(text[text.index(after: equals)...])
            guard values[id] == nil else { throw .setting("\(text): \(id) is given twice") }
            if let literal = PythonLiteral.parse(value) {
                values[id] = literal
            } else {
                values[id] = try ConfigFile.parse(value.isEmpty ? "\"\"" : value, file: "--set \(id)")
            }
        }
    }

    subscript(id: String) -> ConfigValue? { values[id] }

    /// `a::b` of MONAI 1.4 and later is `a#b` of before.
    static func normalised(_ id: String) -> String { id.replacing("::", with: "#") }
}
