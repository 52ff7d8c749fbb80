// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import Foundation

/// What is taken from a bundle's metadata.json: names and words. Its numbers are not trusted; those that matter come
/// from the configuration and are checked against the graph.
struct BundleMetadata {
    typealias Refusal = ImportError.Refusal

    let configuration: BundleConfiguration
    let log: ImportLog
    private var file: String { configuration.file.name }

    func text(_ key: String) -> String? {
        guard let value = try? configuration.value(key), value != .null else { return nil }
        if log.fate(key, in: file) != .overridden { log.note(.used, key, in: file, value: value, why: "") }
        if let number = value.number { return ConfigValue.text(of: number) }
        return value.text ?? value.list?.compactMap(\.text).joined(separator: ", ")
    }

    /// The first input or output: bundles have one.
    private func tensor(_ side: String) throws(Refusal) -> String {
        guard let tensors = try configuration.value("network_data_format#\(side)")?.members, let first = tensors.first
        else { throw configuration.refusal("network_data_format#\(side)", "is missing") }
        guard tensors.count == 1 else {
            let names = tensors.map(\.key).joined(separator: ", ")
            throw configuration.refusal("network_data_format#\(side)", "has several tensors (\(names)); one is known")
        }
        return "network_data_format#\(side)#\(first.key)"
    }

    private func used(_ id: String, why: String) throws(Refusal) -> ConfigValue? {
        let value = try configuration.value(id)
        if let value, log.fate(id, in: file) != .overridden { log.note(.used, id, in: file, value: value, why: why) }
        return value
    }

    func modality() throws(Refusal) -> (id: String, word: String?) {
        let id = try tensor("inputs") + "#modality"
        return (id, try used(id, why: "what the package claims")?.text)
    }

    func format() throws(Refusal) -> String? { try used(try tensor("inputs") + "#format", why: "")?.text }

    func inputChannels() throws(Refusal) -> Int {
        try used(try tensor("inputs") + "#num_channels", why: "channels of the input")?.integer ?? 1
    }

    /// Sizes of the input, of which only the number of dimensions is used.
    func dimensions() throws(Refusal) -> Int? {
        try used(try tensor("inputs") + "#spatial_shape", why: "number of dimensions")?.list?.count
    }

    func inputNames() throws(Refusal) -> [String] { try names(of: try tensor("inputs")).map(\.name) }

    /// Channel numbers with names; some bundles call it label_def.
    func outputNames() throws(Refusal) -> [(channel: Int, name: String)] { try names(of: try tensor("outputs")) }

    private func names(of tensor: String) throws(Refusal) -> [(channel: Int, name: String)] {
        for key in ["channel_def", "label_def"] {
            guard let value = try used("\(tensor)#\(key)", why: "names of channels") else { continue }
            var names: [(channel: Int, name: String)] = []
            for member in value.members {
                guard let channel = Int(member.key), (0...4095).contains(channel), let name = member.value.text else {
                    throw configuration.refusal("\(tensor)#\(key)#\(member.key)", "must be a channel with its name")
                }
                names.append((channel, name))
            }
            return names.sorted { $0.channel < $1.channel }
        }
        return []
    }

    func outputChannels() throws(Refusal) -> Int? {
        try used(try tensor("outputs") + "#num_channels", why: "channels of the output")?.integer
    }

    /// Whether the output is one number a class, not one a voxel.
    func isClassification() throws(Refusal) -> Bool {
        let tensor = try tensor("outputs")
        if try used(tensor + "#type", why: "kind of output")?.text == "probabilities" { return true }
        let shape = try used(tensor + "#spatial_shape", why: "kind of output")?.list
        return shape?.count == 2 && shape?.first?.integer == 1
    }
}

extension BundleMetadata {
    /// A detector gives boxes, whatever the metadata say.
    func isClassificationIfAny(_ outcome: BundleInferer.Outcome?) throws(Refusal) -> Bool {
        if case .detection = outcome { return false }
        return try isClassification()
    }
}
