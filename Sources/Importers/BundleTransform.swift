// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

/// One object with `_target_` of a bundle: its arguments are asked for by name, and what was not asked for is refused.
final class BundleTransform {
    let configuration: BundleConfiguration
    let id: String
    /// Class name without module and without the suffix of dictionary transforms: Spacingd is Spacing.
    let name: String
    private let log: ImportLog
    private let arguments: [ConfigValue.Member]
    private var asked: Set<String> = ["_target_", "_disabled_", "_mode_", "_desc_"]

    typealias Refusal = ImportError.Refusal

    init(_ object: ConfigValue, id: String, configuration: BundleConfiguration, log: ImportLog) throws(Refusal) {
        self.id = id
        self.configuration = configuration
        self.log = log
        arguments = object.members
        guard let target = object["_target_"]?.text, !target.hasPrefix("$"), !target.hasPrefix("@") else {
            throw configuration.refusal(id, "has no `_target_` that names a class")
        }
        let parts = target.split(separator: ".").map(String.init)
        let isMONAI = parts.count == 1 || parts.first == "monai"
        name = isMONAI ? Self.plain(parts.last ?? target) : target
        log.note(.used, id + "#_target_", in: configuration.file.name, value: .text(target), why: "names the step")
    }

    /// MONAI gives dictionary transforms the suffixes d, D and Dict.
    private static func plain(_ name: String) -> String {
        if name.hasSuffix("Dict") { return String(name.dropLast(4)) }
        return name.hasSuffix("d") || name.hasSuffix("D") ? Self.known(name) : name
    }

    /// Threshold… ends in d by itself, Thresholdd does not exist.
    private static func known(_ name: String) -> String {
        ["SlidingWind", "Sobel", "Threshold"].contains(name) ? name : String(name.dropLast())
    }

    /// True where `_disabled_` is, so that MONAI leaves the object out.
    func isDisabled() throws(Refusal) -> Bool {
        guard arguments.contains(where: { $0.key == "_disabled_" }) else { return false }
        let path = id + "#_disabled_"
        let value = try configuration.value(path)
        // MONAI takes the text "true" as well (ConfigComponent.is_disabled).
        guard let flag = value?.boolean ?? value?.text.map({ $0.lowercased() == "true" }) else {
            throw configuration.refusal(path, "must be true or false")
        }
        note(.used, "_disabled_", value: value, why: flag ? "the step is left out" : "the step is done")
        return flag
    }

    func value(_ key: String) throws(Refusal) -> ConfigValue? {
        asked.insert(key)
        let value = try configuration.value(id + "#" + key)
        if let value, value != .null { note(.used, key, value: value, why: "") }
        return value == .null ? nil : value
    }

    func has(_ key: String) -> Bool { arguments.contains { $0.key == key } }

    func refuse(_ key: String, _ why: String) -> Refusal { configuration.refusal(id + "#" + key, why) }

    private func note(_ fate: ImportReport.Fate, _ key: String, value: ConfigValue?, why: String) {
        if log.fate(id + "#" + key, in: configuration.file.name) == .overridden { return }
        log.note(fate, id + "#" + key, in: configuration.file.name, value: value, why: why)
    }

    func number(_ key: String) throws(Refusal) -> Double? {
        guard let value = try value(key) else { return nil }
        guard let number = value.number else { throw refuse(key, "must be a number, and is \(value)") }
        return number
    }

    func integer(_ key: String) throws(Refusal) -> Int? {
        guard let value = try value(key) else { return nil }
        guard let number = value.integer else { throw refuse(key, "must be a whole number, and is \(value)") }
        return number
    }

    /// "True" and "False" as texts are what they say: Python takes both as true, which nobody who wrote "False" meant.
    func boolean(_ key: String) throws(Refusal) -> Bool? {
        guard let value = try value(key) else { return nil }
        if let boolean = value.boolean { return boolean }
        if let text = value.text?.lowercased(), text == "true" { return true }
        throw refuse(key, "must be true or false, and is \(value)")
    }

    /// A text; of a list with one item, the item (MONAI takes one for each key).
    func text(_ key: String) throws(Refusal) -> String? {
        guard var value = try value(key) else { return nil }
        if let items = value.list, items.count == 1 { value = items[0] }
        guard let text = value.text else { throw refuse(key, "must be a text, and is \(value)") }
        return text
    }

    /// So many numbers; one stands for all.
    func numbers(_ key: String, count: Int) throws(Refusal) -> [Double]? {
        guard let value = try value(key) else { return nil }
        if let number = value.number { return [Double](repeating: number, count: count) }
        guard let numbers = value.numbers, numbers.count == count || numbers.count == 1 else {
            throw refuse(key, "must be \(count) numbers, and is \(value)")
        }
        return numbers.count == count ? numbers : [Double](repeating: numbers[0], count: count)
    }

    /// The argument must not be given, or be one of these: anything else would change the result.
    func expect(_ key: String, _ allowed: [ConfigValue], _ why: String) throws(Refusal) {
        guard let value = try value(key) else { return }
        let items = value.list.map { $0.count == 1 ? $0[0] : value } ?? value
        guard allowed.contains(value) || allowed.contains(items) else {
            throw refuse(key, "is \(value); \(why)")
        }
    }

    /// These have no effect on values here.
    func ignore(_ keys: [String], why: String) {
        for key in keys where arguments.contains(where: { $0.key == key }) {
            asked.insert(key)
            note(.ignored, key, value: arguments.last { $0.key == key }?.value, why: why)
        }
    }

    func ignoreAll(why: String) { ignore(arguments.map(\.key).filter { !asked.contains($0) }, why: why) }

    /// Refuses what nobody asked for.
    func finish() throws(Refusal) {
        ignore(
            [
                "keys", "allow_missing_keys", "dtype", "output_dtype", "meta_keys", "meta_key_postfix", "overwrite",
                "lazy",
            ],
            why: "names data in Python, not a value")
        for argument in arguments where !asked.contains(argument.key) {
            throw refuse(argument.key, "is not known to this importer for \(name)")
        }
    }
}
