// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

extension ImportReport {
    /// For machines.
    package func json(refusals: [ImportError.Refusal]) -> String {
        let document = ConfigValue.object([
            .init(key: "schema", value: .number(1)), .init(key: "kind", value: .text(kind)),
            .init(key: "title", value: .text(title)),
            .init(key: "outcome", value: .text(refusals.isEmpty ? "imported" : "refused")),
            .init(
                key: "counts",
                value: .object(Fate.allCases.map { .init(key: $0.rawValue, value: .number(Double(count($0)))) })),
            .init(
                key: "refusals",
                value: .list(
                    refusals.map {
                        .object([.init(key: "field", value: .text($0.field)), .init(key: "why", value: .text($0.why))])
                    })), .init(key: "warnings", value: .list(warnings.map { .text($0) })),
            .init(
                key: "sources",
                value: .list(
                    sources.map {
                        .object([
                            .init(key: "file", value: .text($0.file)), .init(key: "sha256", value: .text($0.sha256)),
                        ])
                    })),
            .init(
                key: "fields",
                value: .list(
                    sorted.map {
                        .object([
                            .init(key: "file", value: .text($0.file)), .init(key: "path", value: .text($0.path)),
                            .init(key: "fate", value: .text($0.fate.rawValue)),
                            .init(key: "value", value: .text($0.value)), .init(key: "why", value: .text($0.why)),
                        ])
                    })),
        ])
        return document.pretty() + "\n"
    }

    private var sorted: [Field] {
        fields.enumerated().sorted { ($0.element.file, $0.offset) < ($1.element.file, $1.offset) }.map(\.element)
    }

    /// For people.
    package func markdown(refusals: [ImportError.Refusal]) -> String {
        var lines = ["# Import of \(title)", ""]
        lines.append(
            refusals.isEmpty
                ? "Imported: " + Fate.allCases.map { "\(count($0)) \($0.rawValue)" }.joined(separator: ", ") + "."
                : "Refused: nothing was imported.")
        if !refusals.isEmpty { lines += ["", "## Refused", ""] + refusals.map { "- `\($0.field)`: \($0.why)" } }
        if !warnings.isEmpty { lines += ["", "## Warnings", ""] + warnings.map { "- \($0)" } }
        if !sources.isEmpty { lines += ["", "## Sources", ""] + sources.map { "- `\($0.file)` \($0.sha256)" } }
        for fate in [Fate.overridden, .assumed, .used, .ignored] where count(fate) > 0 {
            lines += ["", "## \(fate.rawValue.prefix(1).uppercased() + fate.rawValue.dropFirst())", ""]
            lines += ["| file | field | value | why |", "|---|---|---|---|"]
            lines += sorted.filter { $0.fate == fate }.map {
                "| \($0.file) | `\($0.path)` | \(Self.cell($0.value)) | \(Self.cell($0.why)) |"
            }
        }
        return lines.joined(separator: "\n") + "\n"
    }

    private static func cell(_ text: String) -> String {
        text.isEmpty ? "" : text.replacing("|", with: "\\|").replacing("\n", with: " ")
    }
}

extension ConfigValue {
    /// JSON over several lines.
    func pretty(indent: String = "") -> String {
        let inner = indent + "  "
        switch self {
        case .list(let items) where !items.isEmpty:
            return "[\n" + items.map { inner + $0.pretty(indent: inner) }.joined(separator: ",\n") + "\n\(indent)]"
        case .object(let members) where !members.isEmpty:
            return "{\n"
                + members.map { inner + Self.quoted($0.key) + ": " + $0.value.pretty(indent: inner) }
                .joined(separator: ",\n") + "\n\(indent)}"
        default: return description
        }
    }
}
