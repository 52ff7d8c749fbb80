// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Support
import Testing

extension EndToEnd {
    /// What each destination gets of one run.
    @Suite("Destinations", .serialized) struct DestinationTests {
        private static let report = "1.2.840.10008.5.1.4.1.1.88.34"
        private static let everything = [
            Fixtures.segmentation, report, "1.2.840.10008.5.1.4.1.1.88.59", "1.2.840.10008.5.1.4.1.1.7",
            "1.2.840.10008.5.1.4.1.1.11.1",
        ]

        @Test(
            "one destination gets every kind of object, one the report alone, one nothing; Orthanc gives all back unchanged [OBJ-8]"
        )
        func kinds() throws {
            let pacs = try Orthanc()
            try pacs.start()
            defer { pacs.stop() }
            let viewer = try ScriptedPACS { _, _ in .status(0) }
            defer { viewer.stop() }
            let other = try ScriptedPACS { _, _ in .status(0) }
            defer { other.stop() }
            let node = try Daemon(
                destinations: """
                    destinations:
                      - name: pacs
                        aeTitle: PACS
                        host: 127.0.0.1
                        port: \(pacs.dicomPort)
                        objects: [segmentation, measurementReport, keyObjects, secondaryCapture, presentationState, heatMap]
                      - {name: viewer, aeTitle: VIEWER, host: 127.0.0.1, port: \(viewer.port), objects: [measurementReport]}
                      - {name: mr, aeTitle: MR, host: 127.0.0.1, port: \(other.port), when: {modality: [MR]}}
                    """)
            try node.start()
            let study = try Fixtures.smallBleed(seed: 350)
            try node.storeAll(study.files)
            let item = try #require(
                try node.settledItem(study: study.studyInstanceUID, within: 90), "\(node.output.suffix(3000))")
            let results = item["results"] as? [[String: Any]] ?? []
            func classes(_ destination: String) -> [String] {
                results.filter { $0["destination"] as? String == destination }
                    .compactMap { $0["sopClassUID"] as? String }.sorted()
            }
            #expect(classes("pacs") == Self.everything.sorted(), "\(results)")
            #expect(classes("viewer") == [Self.report] && classes("mr") == [])
            #expect(viewer.receptions.count == 1 && other.receptions.isEmpty)
            // The report that goes out without its Segmentation is another one.
            let reports = results.filter { $0["sopClassUID"] as? String == Self.report }
            #expect(Set(reports.compactMap { $0["sopInstanceUID"] as? String }).count == 2)
            #expect(
                results.allSatisfy { ["sent", "committed"].contains($0["delivery"] as? String ?? "") }, "\(results)")

            let kept = try node.keptResults()
            let held = try pacs.instances(studyInstanceUID: study.studyInstanceUID)
            #expect(held.count == Self.everything.count)
            let directory = try TemporaryDirectory()
            for id in held {
                let path = directory.file(id)
                try pacs.file(id).write(to: URL(fileURLWithPath: path))
                let uid = try #require(try sopInstanceUIDs(ofFiles: [path])[path])
                #expect(try dataSet(ofFile: path) == kept[uid], "\(uid)")
            }
            #expect(node.stop() == 0)
        }
    }
}
