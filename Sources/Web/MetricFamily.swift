// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

/// One metric with its samples, rendered in Prometheus' text format 0.0.4.
package struct MetricFamily: Sendable, Equatable {
    package enum Kind: String, Sendable { case counter, gauge, histogram }

    package struct Sample: Sendable, Equatable {
        package var suffix = ""
        package var labels: [String: String]
        package var value: Double

        package init(_ labels: [String: String], _ value: Double) {
            self.labels = labels
            self.value = value
        }
    }

    package var name: String
    package var help: String
    package var kind: Kind
    package var samples: [Sample]

    package static func gauge(_ name: String, _ help: String, _ samples: [Sample]) -> Self {
        Self(name: name, help: help, kind: .gauge, samples: samples)
    }
    package static func gauge(_ name: String, _ help: String, _ value: Double) -> Self {
        gauge(name, help, [Sample([:], value)])
    }
    package static func gauge(_ name: String, _ help: String, _ values: [String: Int], _ label: String) -> Self {
        gauge(name, help, samples(values, label))
    }
    package static func counter(_ name: String, _ help: String, _ value: Int) -> Self {
        Self(name: name, help: help, kind: .counter, samples: [Sample([:], Double(value))])
    }
    package static func counter(_ name: String, _ help: String, _ values: [String: Int], _ label: String) -> Self {
        Self(name: name, help: help, kind: .counter, samples: samples(values, label))
    }
    package static func histogram(_ name: String, _ help: String, _ histogram: Histogram) -> Self {
        Self(name: name, help: help, kind: .histogram, samples: histogram.samples)
    }

    private static func samples(_ values: [String: Int], _ label: String) -> [Sample] {
        values.sorted { $0.key < $1.key }.map { Sample([label: $0.key], Double($0.value)) }
    }

    package static func text(_ families: [MetricFamily]) -> String {
        var text = ""
        for family in families {
            text +=
                "# HELP \(family.name) \(escape(family.help, quotes: false))\n# TYPE \(family.name) \(family.kind.rawValue)\n"
            for sample in family.samples {
                let labels = sample.labels.sorted { $0.key < $1.key }
                    .map { "\($0.key)=\"\(escape($0.value, quotes: true))\"" }.joined(separator: ",")
                text += "\(family.name)\(sample.suffix)\(labels.isEmpty ? "" : "{\(labels)}") \(number(sample.value))\n"
            }
        }
        return text
    }

    /// Backslash and line feed everywhere, the double quote in label values.
    private static func escape(_ string: String, quotes: Bool) -> String {
        var escaped = ""
        for scalar in string.unicodeScalars {
            switch scalar {
            case "\\": escaped += "\\\\"
            case "\n": escaped += "\\n"
            case "\"" where quotes: escaped += "\\\""
            default: escaped.unicodeScalars.append(scalar)
            }
        }
        return escaped
    }

    static func number(_ value: Double) -> String {
        if value.isNaN { return "NaN" }
        if value.isInfinite { return value < 0 ? "-Inf" : "+Inf" }
        return value == value.rounded() && abs(value) < 1e15 ? "\(Int(value))" : "\(value)"
    }
}

/// Counts of observations by upper bound.
package struct Histogram: Sendable, Equatable {
    package let bounds: [Double]
    package private(set) var counts: [Int]
    package private(set) var sum = 0.0

    /// `bounds` ascend; the last bucket, without a bound, is implied.
    package init(bounds: [Double]) {
        precondition(zip(bounds, bounds.dropFirst()).allSatisfy { $0 < $1 })
        self.bounds = bounds
        counts = Array(repeating: 0, count: bounds.count + 1)
    }

    package mutating func observe(_ value: Double) {
        guard value.isFinite else { return }
        counts[bounds.firstIndex { value <= $0 } ?? bounds.count] += 1
        sum += value
    }

    var samples: [MetricFamily.Sample] {
        var samples: [MetricFamily.Sample] = []
        var cumulative = 0
        for (bound, count) in zip(bounds + [.infinity], counts) {
            cumulative += count
            samples.append(.init(["le": MetricFamily.number(bound)], Double(cumulative)))
            samples[samples.count - 1].suffix = "_bucket"
        }
        samples.append(.init([:], sum))
        samples[samples.count - 1].suffix = "_sum"
        samples.append(.init([:], Double(cumulative)))
        samples[samples.count - 1].suffix = "_count"
        return samples
    }
}
