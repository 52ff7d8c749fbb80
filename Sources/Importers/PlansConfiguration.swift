// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import Models

/// One configuration of plans.json with what it inherits.
struct PlansConfiguration {
    typealias Refusal = ImportError.Refusal

    let file: ConfigFile
    let log: ImportLog
    private var fields: [(key: String, value: ConfigValue, path: String)] = []
    /// Voxels along D, H and W, or H and W of a 2-D network.
    private(set) var patch: [Int] = []

    init(named name: String, in file: ConfigFile, log: ImportLog) throws(Refusal) {
        self.file = file
        self.log = log
        var seen: [String] = []
        var next: String? = name
        while let current = next {
            guard !seen.contains(current) else {
                throw Refusal(field: "\(file.name): configurations#\(current)#inherits_from", why: "goes in a circle")
            }
            seen.append(current)
            guard let configuration = file.root["configurations"]?[current], !configuration.members.isEmpty else {
                throw Refusal(field: "\(file.name): configurations#\(current)", why: "is missing")
            }
            for member in configuration.members where !fields.contains(where: { $0.key == member.key }) {
                fields.append((member.key, member.value, "configurations#\(current)#\(member.key)"))
            }
            next = configuration["inherits_from"]?.text
        }
        guard let sizes = numbers("patch_size"), sizes.count == 2 || sizes.count == 3,
            sizes.allSatisfy({ (1...1024).contains($0) && $0 == $0.rounded() })
        else { throw refusal("patch_size", "must be two or three whole numbers of 1 to 1024") }
        patch = sizes.map { Int($0) }
    }

    func path(_ key: String) -> String { fields.first { $0.key == key }?.path ?? key }
    func refusal(_ key: String, _ why: String) -> Refusal { Refusal(field: "\(file.name): \(path(key))", why: why) }

    /// nil where it is not given or null.
    func value(_ key: String) -> ConfigValue? {
        guard let field = fields.first(where: { $0.key == key }) else { return nil }
        log.note(.used, field.path, in: file.name, value: field.value, why: "")
        return field.value == .null ? nil : field.value
    }

    func text(_ key: String) -> String? { value(key)?.text }
    func numbers(_ key: String) -> [Double]? { value(key)?.numbers }

    func noteRest() {
        for field in fields where !log.has(field.path, in: file.name) {
            let network = ["architecture", "UNet", "unet", "conv", "pool"].contains { field.key.contains($0) }
            log.note(
                .ignored, field.path, in: file.name, value: field.value,
                why: network
                    ? "the graph holds the network" : "decided the training; no value of a prediction depends on it")
        }
    }
}
