// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

/// How soon a study should be read. Ordered: critical is the greatest.
package enum Priority: String, Sendable, Codable, CaseIterable, Comparable {
    case routine, urgent, critical

    package static func < (a: Priority, b: Priority) -> Bool { a.rank < b.rank }
    private var rank: Int {
        switch self {
        case .routine: 0
        case .urgent: 1
        case .critical: 2
        }
    }
}

/// A measured quantity with its coded concept and UCUM unit.
package struct Measurement: Hashable, Sendable, Codable {
    package var concept: Code
    package var value: Double
    package var unit: Code
    package var method: Code?
    package var derivation: Code?

    package init(concept: Code, value: Double, unit: Code, method: Code? = nil, derivation: Code? = nil) {
        self.concept = concept
        self.value = value
        self.unit = unit
        self.method = method
        self.derivation = derivation
    }
}

/// One thing that a model found in a series, in the words of the manifest's output that it comes from.
package struct Finding: Sendable, Codable, Equatable {
    /// For people, as the manifest names it.
    package var label: String
    /// What was found, such as (1386000, SCT, "Intracranial hemorrhage").
    package var code: Code
    /// Segmented property category and type (PS3.3 C.8.20.2).
    package var category: Code
    package var type: Code
    package var site: Code?
    package var laterality: Code?
    /// 0 to 1, as the model states it; how it is made is written in the manifest.
    package var confidence: Double
    package var priority: Priority
    /// Volume first when there is a mask.
    package var measurements: [Measurement]
    /// mL, where the finding has a mask.
    package var volumeML: Double?
    /// Position of the finding's mask in the list that comes with the findings; nil where there is none.
    package var maskIndex: Int?
    /// The slice (0-based) on which the finding is largest, where it has a mask; the middle one of a box.
    package var keySlice: Int?
    /// Where a detector marks a block instead of a mask.
    package var box: FindingBox?

    package init(
        label: String, code: Code, category: Code, type: Code, site: Code? = nil, laterality: Code? = nil,
        confidence: Double, priority: Priority, measurements: [Measurement] = [], volumeML: Double? = nil,
        maskIndex: Int? = nil, keySlice: Int? = nil, box: FindingBox? = nil
    ) {
        self.label = label
        self.code = code
        self.category = category
        self.type = type
        self.site = site
        self.laterality = laterality
        self.confidence = confidence
        self.priority = priority
        self.measurements = measurements
        self.volumeML = volumeML
        self.maskIndex = maskIndex
        self.keySlice = keySlice
        self.box = box
    }
}

/// The model package that a result comes from, as results and the worklist name it.
package struct ModelIdentity: Hashable, Sendable, Codable {
    /// The package's name, such as "head-ct-hyperdensity".
    package var name: String
    package var version: String
    package var manufacturer: String
    /// SHA-256 over manifest and network, lower-case hex: changes whenever the model does.
    package var digest: String
    package var isDemonstration: Bool

    package init(name: String, version: String, manufacturer: String, digest: String, isDemonstration: Bool) {
        self.name = name
        self.version = version
        self.manufacturer = manufacturer
        self.digest = digest
        self.isDemonstration = isDemonstration
    }
}
