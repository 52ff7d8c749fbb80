// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import Foundation

/// The ids of a MONAI bundle's configuration. Follows references and applies settings; expressions are never evaluated,
/// but a few are recognised by their exact form. Rules: MONAI docs/source/config_syntax.md.
final class BundleConfiguration {
    let file: ConfigFile
    private let settings: ImportSettings
    private let log: ImportLog
    /// Settings that met a value.
    private(set) var usedSettings: Set<String> = []

    typealias Refusal = ImportError.Refusal

    init(file: ConfigFile, settings: ImportSettings, log: ImportLog) {
        self.file = file
        self.settings = settings
        self.log = log
    }

    func refusal(_ id: String, _ why: String) -> Refusal { Refusal(field: "\(file.name): \(id)", why: why) }

    /// What the file or a setting says at an id, references on the way followed; nil where there is nothing.
    private func raw(_ id: String, trail: [String]) throws(Refusal) -> ConfigValue? {
        guard trail.count < 64, !trail.contains(id) else {
            throw refusal(trail.first ?? id, "its references go in a circle: \(trail.joined(separator: " → "))")
        }
        let parts = id.split(separator: "#", omittingEmptySubsequences: false).map(String.init)
        var value = file.root
        for (position, part) in parts.enumerated() {
            // A reference half-way is followed, and the rest looked up behind it.
            if let text = value.text, let target = Self.target(text) {
                return try raw(([target] + parts[position...]).joined(separator: "#"), trail: trail + [id])
            }
            let prefix = parts[...position].joined(separator: "#")
            let next: ConfigValue? =
                if let items = value.list, let index = Int(part), items.indices.contains(index) {
                    items[index]
                } else {
                    value[part]
                }
            if let setting = settings[prefix] {
                if usedSettings.insert(prefix).inserted {
                    log.note(
                        .overridden, prefix, in: file.name, value: next,
                        why: "--set \(prefix)=\(setting)")
                }
                value = setting
            } else if let next {
                value = next
            } else {
                return nil
            }
        }
        return value
    }

    /// Whether the file has this id, without following anything.
    func has(_ id: String) -> Bool {
        var value: ConfigValue? = file.root
        for part in id.split(separator: "#").map(String.init) {
            value =
                value?.list.flatMap { items in Int(part).flatMap { items.indices.contains($0) ? items[$0] : nil } }
                ?? value?[part]
        }
        return value != nil
    }

    /// The value at an id with every reference in it followed; nil where there is nothing.
    func value(_ id: String) throws(Refusal) -> ConfigValue? { try value(id, trail: []) }

    private func value(_ id: String, trail: [String]) throws(Refusal) -> ConfigValue? {
        guard let value = try raw(id, trail: trail) else { return nil }
        switch value {
        case .list(let items):
            var result: [ConfigValue] = []
            for index in items.indices { result.append(try self.value("\(id)#\(index)", trail: trail) ?? .null) }
            return .list(result)
        case .object(let members):
            var result: [ConfigValue.Member] = []
            for member in members {
                result.append(
                    .init(key: member.key, value: try self.value("\(id)#\(member.key)", trail: trail) ?? .null))
            }
            return .object(result)
        case .text(let text): return try meaning(of: text, at: id, trail: trail)
        case .null, .boolean, .number: return value
        }
    }

    /// Without following what is inside, for a list of transforms or an object with `_target_`.
    func shallow(_ id: String) throws(Refusal) -> (id: String, value: ConfigValue)? {
        var id = id
        var trail: [String] = []
        while let value = try raw(id, trail: trail) {
            guard let text = value.text, let target = Self.target(text) else { return (id, value) }
            log.note(.used, id, in: file.name, value: value, why: "refers to \(target)")
            trail.append(id)
            id = target
        }
        return nil
    }

    private func meaning(of text: String, at id: String, trail: [String]) throws(Refusal) -> ConfigValue {
        if let target = Self.reference(text) { return try follow(target, from: id, trail: trail) }
        if text.hasPrefix("%") {
            throw refusal(id, "is the macro `\(text)`, which is not followed; give \(Self.advice(id))")
        }
        guard text.hasPrefix("$") else { return .text(text) }
        let expression = text.dropFirst().trimmingCharacters(in: .whitespaces)
        if let target = Self.reference(expression) { return try follow(target, from: id, trail: trail) }
        if let literal = PythonLiteral.parse(expression) { return literal }
        if let name = Self.constant(expression) { return .text(name) }
        if let target = Self.negated(expression) {
            guard let flag = try follow(target, from: id, trail: trail).boolean else {
                throw refusal(id, "negates \(target), which is neither true nor false")
            }
            return .boolean(!flag)
        }
        throw refusal(id, "is the expression `\(text)`, which is not evaluated; give \(Self.advice(id))")
    }

    private static func advice(_ id: String) -> String { "--set '\(id)=VALUE'" }

    private func follow(_ target: String, from id: String, trail: [String]) throws(Refusal) -> ConfigValue {
        guard let value = try value(target, trail: trail + [id]) else {
            throw refusal(id, "refers to \(target), which is not there")
        }
        if log.fate(target, in: file.name) != .overridden {
            log.note(.used, target, in: file.name, value: value, why: "for \(id)")
        }
        return value
    }

    /// A reference, with or without the `$` of an expression.
    private static func target(_ text: String) -> String? {
        reference(text.hasPrefix("$") ? text.dropFirst().trimmingCharacters(in: .whitespaces) : text)
    }

    /// `@id`, `@id#path`, `@id::path`, and `%::id` or `%#id`, which copies within the file.
    static func reference(_ text: String) -> String? {
        let body: Substring
        if text.hasPrefix("@") {
            body = text.dropFirst()
        } else if text.hasPrefix("%#") || text.hasPrefix("%::") {
            body = text.dropFirst(text.hasPrefix("%#") ? 2 : 3)
        } else {
            return nil
        }
        guard !body.isEmpty, body.allSatisfy({ $0.isASCII && ($0.isLetter || $0.isNumber || "_#:".contains($0)) }),
            body.first != "#", body.first != ":"
        else { return nil }
        return ImportSettings.normalised(String(body))
    }

    /// torch.float32 and its like, by name.
    static func constant(_ expression: String) -> String? {
        let types = [
            "float16", "float32", "float64", "bfloat16", "half", "float", "double", "uint8", "int8", "int16", "int32",
            "int64", "short", "int", "long", "bool",
        ]
        for module in ["torch.", "numpy.", "np."] where expression.hasPrefix(module) {
            let name = String(expression.dropFirst(module.count))
            if types.contains(name) { return name }
        }
        return nil
    }

    /// `not @flag`, with or without parentheses.
    static func negated(_ expression: String) -> String? {
        var body = Substring(expression)
        if body.hasPrefix("("), body.hasSuffix(")") { body = body.dropFirst().dropLast() }
        let words = body.split(separator: " ")
        guard words.count == 2, words[0] == "not" else { return nil }
        return reference(String(words[1]))
    }
}
