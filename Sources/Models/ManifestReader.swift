// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM
import Yams

extension Manifest {
    static let keys = [
        "schema", "name", "version", "title", "manufacturer", "use", "licence", "card", "intendedUse", "notFor",
        "network", "networks", "claim", "require", "channels", "region", "images", "quality", "preprocess", "inference",
        "decision", "outputs", "scores", "explain", "budget",
    ]

    /// Reads the text of a manifest; `file` names it in problems.
    package static func read(_ text: String, file: String) throws(PackageError) -> Manifest {
        let problems = StrictProblems(file: file)
        guard let root = StrictSection(yaml: text, keys: keys, problems: problems) else {
            throw .invalid(problems.problems)
        }
        let manifest = read(root)
        guard let manifest, problems.problems.isEmpty else { throw .invalid(problems.problems) }
        return manifest
    }

    private static func read(_ root: StrictSection) -> Manifest? {
        guard root.node.mapping != nil else { return nil }
        if root.requiredInteger("schema", 0...1_000_000) != 1, root.has("schema") {
            root.fault("schema", "must be 1, the only schema that this version of triaged reads")
        }
        let name = root.requiredText("name")
        if !name.isEmpty, !isName(name) {
            root.fault("name", "may have lower-case letters, digits and hyphens, 1 to 64, and starts with a letter")
        }
        let version = root.requiredText("version")
        if version.utf8.count > 64 { root.fault("version", "has more than 64 characters") }
        let manufacturer = root.requiredText("manufacturer")
        if manufacturer.count > 64 { root.fault("manufacturer", "has more than 64 characters") }
        let title = root.requiredText("title")
        let use = root.requiredChoice("use", Use.self)
        let licence = root.requiredSection("licence", keys: ["spdx", "nonCommercial", "file"]).map {
            Licence(
                spdx: $0.requiredText("spdx"), isNonCommercial: $0.boolean("nonCommercial") ?? false,
                file: fileName($0, "file"))
        }
        let card = fileName(root, "card")
        let intendedUse = root.requiredText("intendedUse")
        let notFor = root.text("notFor")
        let claim = root.requiredSection("claim", keys: Rules.keys).map(Rules.readClaim)
        let require = root.section("require", keys: Rules.keys).map(Rules.read) ?? Rules()
        let quality = quality(root)
        let images = Self.images(root)
        let inference = inference(root)
        let networks = networks(root, roles: inference?.roles ?? [.main])
        let decision = decision(root)
        let outputs = outputs(root, rule: decision?.rule)
        let scores = scores(root)
        if let quality { checkLabels(quality, outputs: outputs, root: root) }
        let channels = root.sections("channels", keys: ["name", "claim"]).map {
            Channel(
                name: $0.requiredText("name"),
                claim: $0.requiredSection("claim", keys: Rules.keys).map(Rules.read) ?? Rules())
        }
        if Set(channels.map(\.name)).count != channels.count { root.fault("channels", "has a name twice") }
        let region = root.section("region", keys: ["package", "label", "margin"]).map {
            Region(
                package: $0.requiredText("package"), label: $0.requiredText("label"),
                margin: $0.number("margin", 0...1000) ?? 0)
        }
        if region?.package == name { root.fault("region", "names the package itself") }
        if decision?.keepsProbabilities == true, outputs.contains(where: \.isReportedAsFixed) {
            root.fault("decision", "has `probabilities`, and an output `confidence: {fixed: …}`: its values are none")
        }
        let preprocess = preprocess(root, channels: images.colour == .rgb ? 3 : max(1, channels.count))
        if images.colour == .rgb, !channels.isEmpty {
            root.fault("images", "`colour: rgb` is for frames of one series, and `channels` for several")
        }
        if images.colour == .rgb, case .promptable? = inference {
            root.fault("images", "`colour: rgb` is not for `promptable`, which takes grey images")
        }
        let budget = root.requiredSection("budget", keys: ["memory", "time"]).map {
            Budget(
                memory: $0.requiredInteger("memory", 1...4_000_000) << 20, time: $0.requiredNumber("time", 0.1...86_400)
            )
        }
        guard let use, let licence, let claim, let quality, let inference, let decision, let budget else {
            return nil
        }
        return Manifest(
            name: name, version: version, title: title, manufacturer: manufacturer, use: use, licence: licence,
            card: card,
            intendedUse: intendedUse, notFor: notFor, networks: networks, claim: claim, require: require,
            channels: channels, region: region, images: images, quality: quality, preprocess: preprocess,
            inference: inference,
            decision: decision, outputs: outputs, scores: scores, explain: explain(root), budget: budget)
    }

    private static func isName(_ name: String) -> Bool {
        guard let first = name.utf8.first, name.utf8.count <= 64, (0x61...0x7A).contains(first) else { return false }
        return name.utf8.allSatisfy { (0x61...0x7A).contains($0) || (0x30...0x39).contains($0) || $0 == 0x2D }
    }

    /// A file beside the manifest: no folder in it can lead out of the package.
    static func fileName(_ section: StrictSection, _ key: String) -> String {
        let file = section.requiredText(key)
        let parts = file.split(separator: "/", omittingEmptySubsequences: false)
        if !file.isEmpty, parts.contains(where: { $0.isEmpty || $0 == "." || $0 == ".." }) || file.contains("\0") {
            section.fault(key, "must be a path inside the package folder, without `..`")
        }
        return file
    }
}
