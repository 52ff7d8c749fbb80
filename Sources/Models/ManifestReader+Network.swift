// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM
import Yams

extension Manifest {
    private static let networkKeys = [
        "file", "sha256", "weights", "weightsSHA256", "precision", "folds", "inputs", "outputs",
    ]

    /// `network` for a kind that runs one, `networks` by role for a kind that runs several.
    static func networks(_ root: StrictSection, roles: [Role]) -> [Network] {
        if roles == [.main] {
            if root.has("networks") { root.fault("networks", "is for kinds with several; give `network`") }
            return root.requiredSection("network", keys: networkKeys).map { [network($0, .main)] } ?? []
        }
        let names = roles.map(\.rawValue)
        if root.has("network") {
            root.fault("network", "must be `networks` with \(names.joined(separator: " and "))")
        }
        guard let section = root.requiredSection("networks", keys: names) else { return [] }
        return roles.compactMap { role in
            section.requiredSection(role.rawValue, keys: networkKeys).map { network($0, role) }
        }
    }

    private static func network(_ section: StrictSection, _ role: Role) -> Network {
        let folds = section.sections("folds", keys: ["file", "sha256", "weights", "weightsSHA256"])
        return Network(
            role: role, graphs: [graph(section)] + folds.map(graph),
            precision: section.choice("precision", Network.Precision.self) ?? .f32,
            inputs: section.words("inputs"), outputs: section.words("outputs"))
    }

    private static func graph(_ section: StrictSection) -> Graph {
        let file = fileName(section, "file")
        if !file.isEmpty, !file.hasSuffix(".onnx"), !file.hasSuffix(".xml") {
            section.fault("file", "must be an ONNX graph (.onnx) or OpenVINO IR (.xml)")
        }
        var graph = Graph(file: file, sha256: digest(section, "sha256"))
        if file.hasSuffix(".xml") || section.has("weights") || section.has("weightsSHA256") {
            graph.weights = fileName(section, "weights")
            graph.weightsSHA256 = digest(section, "weightsSHA256")
            if !file.hasSuffix(".xml") { section.fault("weights", "belongs to an OpenVINO IR (.xml) only") }
        }
        return graph
    }

    /// nil where the file is not there yet.
    static func digest(_ section: StrictSection, _ key: String) -> String? {
        guard let digest = section.text(key) else { return nil }
        let isHex = digest.utf8.allSatisfy { (0x30...0x39).contains($0) || (0x61...0x66).contains($0) }
        if digest.utf8.count != 64 || !isHex {
            section.fault(key, "must be 64 lower-case hexadecimal digits, as sha256sum prints them")
        }
        return digest
    }
}
