// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

@testable import Web

@Suite struct MetricFamilyTests {
    @Test("labels and help are escaped")
    func escaping() {
        let text = MetricFamily.text([.gauge("a", "one\\two\nthree \"four\"", [.init(["l": "x\\y\n\"z\""], 1.5)])])
        #expect(text == "# HELP a one\\\\two\\nthree \"four\"\n# TYPE a gauge\na{l=\"x\\\\y\\n\\\"z\\\"\"} 1.5\n")
    }

    @Test("a histogram's buckets accumulate, and infinity holds all")
    func histogram() {
        var histogram = Histogram(bounds: [0.3, 1])
        for value in [0.1, 0.3, 0.5, 7] { histogram.observe(value) }
        histogram.observe(.nan)
        let text = MetricFamily.text([.histogram("h", "help", histogram)])
        #expect(
            text == """
                # HELP h help
                # TYPE h histogram
                h_bucket{le="0.3"} 2
                h_bucket{le="1"} 3
                h_bucket{le="+Inf"} 4
                h_sum 7.9
                h_count 4

                """)
    }

    @Test("each metric is declared once and has a name that Prometheus takes")
    func names() {
        let names = NodeMetrics().families.map(\.name)
        #expect(Set(names).count == names.count)
        for name in names { #expect(name.wholeMatch(of: /triaged_[a-z_]+/) != nil) }
        for family in NodeMetrics().families { #expect((family.kind == .counter) == family.name.hasSuffix("_total")) }
    }

    @Test(
        "times are right across the calendar",
        arguments: [
            (0.0, "1970-01-01T00:00:00Z"), (951_782_399, "2000-02-28T23:59:59Z"),
            (951_868_799.9, "2000-02-29T23:59:59Z"),
            (4_107_542_400, "2100-03-01T00:00:00Z"), (-1, "1969-12-31T23:59:59Z"),
        ])
    func times(seconds: Double, text: String) {
        #expect(Timestamp.string(Date(timeIntervalSince1970: seconds), milliseconds: false) == text)
        #expect(Timestamp.date(text) == Date(timeIntervalSince1970: seconds.rounded(.down)))
    }
}
