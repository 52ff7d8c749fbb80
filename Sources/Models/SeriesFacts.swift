// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM

/// What the headers of a series say, as selection asks for it. Values that differ between instances are kept apart and
/// counted, so that a rule can hold for some slices and not for others.
package struct SeriesFacts: Sendable, Equatable {
    /// The distinct values of one attribute, the most frequent first.
    package struct Stated<Value: Hashable & Sendable>: Sendable, Equatable {
        package struct Entry: Sendable, Equatable {
            package var value: Value
            package var instances: Int
        }
        package var entries: [Entry] = []
        /// Instances in which the attribute is absent, empty or not readable.
        package var missing = 0

        package init() {}

        init(_ values: some Sequence<Value?>) {
            var counts: [Value: Int] = [:]
            var order: [Value] = []
            for value in values {
                guard let value else {
                    missing += 1
                    continue
                }
                if counts[value] == nil { order.append(value) }
                counts[value, default: 0] += 1
            }
            entries = order.map { Entry(value: $0, instances: counts[$0] ?? 0) }
            // Stable among equals: the value that arrived first leads.
            entries = entries.enumerated().sorted {
                ($1.element.instances, $0.offset) < ($0.element.instances, $1.offset)
            }.map(\.element)
        }

        package var mostFrequent: Value? { entries.first?.value }
    }

    package var instances = 0
    /// Frames of all instances together.
    package var slices = 0
    package var modality = Stated<String>()
    package var sopClasses = Stated<UID>()
    package var bodyPartExamined = Stated<String>()
    package var imageType = Stated<[String]>()
    package var seriesDescription = Stated<String>()
    package var studyDescription = Stated<String>()
    package var protocolName = Stated<String>()
    package var convolutionKernel = Stated<String>()
    /// mm.
    package var sliceThickness = Stated<Double>()
    /// mm, the larger of row and column spacing.
    package var pixelSpacing = Stated<Double>()
    package var hasContrast = Stated<Bool>()
    /// Unit normal of the image plane, row cosines × column cosines, rounded to 0.001 so that noise in the last digit
    /// is no disagreement.
    package var normal = Stated<Vector3>()
    /// mm between neighbouring slice positions along the normal, the median; as stated in the header where there are no
    /// positions; nil where neither is known.
    package var sliceSpacing: Double?
    /// Sentences about attributes that differ between slices and should not.
    package var disagreements: [String] = []

    package init() {}

    package init(headers: [InstanceHeader]) {
        func filled(_ text: String) -> String? {
            let trimmed = text.drop { $0 == " " }
            return trimmed.isEmpty ? nil : String(trimmed)
        }
        instances = headers.count
        slices = headers.reduce(0) { $0 + max(1, $1.numberOfFrames ?? 1) }
        modality = Stated(headers.map { filled($0.modality) })
        sopClasses = Stated(headers.map(\.sopClassUID))
        bodyPartExamined = Stated(headers.map { filled($0.bodyPartExamined)?.uppercased() })
        imageType = Stated(headers.map { $0.imageType.isEmpty ? nil : $0.imageType.map { $0.uppercased() } })
        seriesDescription = Stated(headers.map { filled($0.seriesDescription) })
        studyDescription = Stated(headers.map { filled($0.studyDescription) })
        protocolName = Stated(headers.map { filled($0.protocolName) })
        convolutionKernel = Stated(headers.map { filled($0.convolutionKernel) })
        sliceThickness = Stated(headers.map { $0.sliceThickness.flatMap { $0 > 0 ? $0 : nil } })
        pixelSpacing = Stated(
            headers.map { header in
                guard let spacing = header.pixelSpacing, spacing.count == 2, spacing.allSatisfy({ $0 > 0 }) else {
                    return nil
                }
                return max(spacing[0], spacing[1])
            })
        hasContrast = Stated(headers.map(\.hasContrast))
        normal = Stated(headers.map { Self.normal(of: $0) })
        sliceSpacing =
            Self.spacing(of: headers) ?? Stated(headers.map(\.spacingBetweenSlices)).mostFrequent.map { abs($0) }
        disagreements = Self.disagreements(of: self)
    }

    private static func normal(of header: InstanceHeader) -> Vector3? {
        guard let o = header.imageOrientationPatient, o.count == 6, o.allSatisfy(\.isFinite) else { return nil }
        let normal = Vector3(o[0], o[1], o[2]).cross(Vector3(o[3], o[4], o[5]))
        guard normal.length > 0.5 else { return nil }
        let unit = normal * (1 / normal.length)
        // `+ 0` turns −0 into 0, which hashes differently.
        func rounded(_ x: Double) -> Double { (x * 1000).rounded() / 1000 + 0 }
        return Vector3(rounded(unit.x), rounded(unit.y), rounded(unit.z))
    }

    private static func spacing(of headers: [InstanceHeader]) -> Double? {
        guard let normal = Stated(headers.map { Self.normal(of: $0) }).mostFrequent else { return nil }
        let positions = headers.compactMap { header -> Double? in
            guard let p = header.imagePositionPatient, p.count == 3, p.allSatisfy(\.isFinite) else { return nil }
            return Vector3(p[0], p[1], p[2]).dot(normal)
        }.sorted()
        // Two images of one position are a repetition, not a spacing of 0.
        let steps = zip(positions.dropFirst(), positions).map { $0 - $1 }.filter { $0 > 0.01 }.sorted()
        return steps.isEmpty ? nil : steps[steps.count / 2]
    }

    private static func disagreements(of facts: SeriesFacts) -> [String] {
        func sentence<Value>(_ name: String, _ stated: Stated<Value>, _ text: (Value) -> String) -> String? {
            guard stated.entries.count > 1 else { return nil }
            let values = stated.entries.prefix(3).map { "\(text($0.value)) in \($0.instances)" }.joined(separator: ", ")
            return "\(name) differs between instances: \(values)"
        }
        return [
            sentence("Modality", facts.modality, { $0 }),
            sentence("SOP Class", facts.sopClasses, { $0.string }),
            sentence("Body Part Examined", facts.bodyPartExamined, { $0 }),
            sentence("Image Type", facts.imageType, { $0.joined(separator: "\\") }),
            sentence("Convolution Kernel", facts.convolutionKernel, { $0 }),
            sentence("Slice Thickness", facts.sliceThickness, { "\($0) mm" }),
            sentence("Pixel Spacing", facts.pixelSpacing, { "\($0) mm" }),
            sentence("contrast agent", facts.hasContrast, { $0 ? "given" : "not given" }),
            sentence("image orientation", facts.normal, { "normal (\($0.x), \($0.y), \($0.z))" }),
        ].compactMap { $0 }
    }
}
