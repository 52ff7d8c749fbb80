// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import Models

/// Labels or regions of dataset.json. nnunetv2/utilities/label_handling/label_handling.py.
struct DatasetLabels {
    typealias Refusal = ImportError.Refusal

    private struct Entry { var name: String, channel: Int }
    private var entries: [Entry] = []
    let areRegions: Bool
    var count: Int { entries.count }

    init(_ file: ConfigFile, log: ImportLog) throws(Refusal) {
        func refusal(_ path: String, _ why: String) -> Refusal { Refusal(field: "\(file.name): \(path)", why: why) }
        guard let labels = file.root["labels"]?.members, !labels.isEmpty else {
            throw refusal("labels", "is missing")
        }
        var values: [(name: String, labels: [Int])] = []
        for member in labels where member.key != "ignore" {
            // nnU-Net v1 wrote number: name.
            if Int(member.key) != nil, member.value.text != nil {
                throw refusal("labels#\(member.key)", "is number to name as in nnU-Net v1; name to number is known")
            }
            let numbers = (member.value.list ?? [member.value]).compactMap(\.integer)
            guard !numbers.isEmpty, numbers.count == member.value.list?.count ?? 1, numbers.allSatisfy({ $0 >= 0 })
            else {
                throw refusal("labels#\(member.key)", "must be a number, or numbers of a region")
            }
            values.append((member.key, numbers))
        }
        log.note(.used, "labels", in: file.name, value: file.root["labels"], why: "outputs")
        areRegions = values.contains { $0.labels.count > 1 }
        let kept = values.filter { Set($0.labels) != [0] }
        guard !kept.isEmpty else { throw refusal("labels", "names nothing but background") }
        guard areRegions else {
            let numbers = kept.map { $0.labels[0] }
            guard numbers.sorted() == Array(1...kept.count) else {
                throw refusal("labels", "must be numbered without gaps, background 0")
            }
            entries = kept.map { Entry(name: $0.name, channel: $0.labels[0]) }.sorted { $0.channel < $1.channel }
            return
        }
        guard let order = file.root["regions_class_order"]?.numbers?.map({ Int($0) }), order.count == kept.count else {
            throw refusal("regions_class_order", "must hold one label for each of \(kept.count) regions")
        }
        guard Set(order).count == order.count else {
            throw refusal("regions_class_order", "gives one label to two regions, which is not known to this importer")
        }
        log.note(
            .used, "regions_class_order", in: file.name, value: file.root["regions_class_order"],
            why: "each region over those before it")
        entries = kept.enumerated().map { Entry(name: $1.name, channel: $0) }
    }

    func outputs(log: ImportLog) -> [Manifest.Output] {
        let labels = ManifestDefaults.unique(entries.map(\.name))
        return zip(entries, labels).map { entry, label in
            var name = SegmentName(entry.name)
            if !name.isKnown { log.noteUncoded(entry.name) }
            name.label = label
            return ManifestDefaults.output(name, channel: entry.channel, threshold: 0.5, confidence: .mean)
        }
    }
}
