// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Support
import Testing

extension EndToEnd {
    /// The daemon ends by SIGKILL at each place of the path, is started again, and the modality sends what it holds no success
    /// for. Needs a debug build: a release build has no crash points.
    @Suite("Killed between two stages", .serialized, .sharedPACS)
    struct CrashTests {
        struct Case: Sendable, Equatable, CustomTestStringConvertible {
            var point: String
            /// So often the point is passed before the daemon ends there.
            var passes = 0
            /// An association that is aborted after the last response allows no provisional run: the daemon ends in the final.
            var isAborted = false
            var testDescription: String { "\(point) after \(passes) passes\(isAborted ? ", association aborted" : "")" }
            var isDuringStore: Bool { CrashTests.duringStore.contains(point) }
        }

        static let duringStore = ["instanceReceived", "fileStored", "rowWritten", "responded"]
        static let cases: [Case] =
            duringStore.map { Case(point: $0, passes: 5) } + [Case(point: "fileStored")]
            + ["associationEnded", "verdictReached", "jobQueued", "jobStarted", "outcomeReceived"].map {
                Case(point: $0)
            }
            + ["jobStarted", "outcomeReceived", "resultsStored", "jobFinished"].map { Case(point: $0, isAborted: true) }
            + ["deliveryStarted", "deliverySent", "deliveryRecorded"].map { Case(point: $0) }
            + [Case(point: "deliverySent", passes: 1)]

        @Test("every crash point of the executable is tested")
        func allPoints() throws {
            let source = try String(
                contentsOfFile: Daemon.repository + "/Sources/triaged/Path/CrashPoint.swift", encoding: .utf8)
            let cases = source.split(separator: "\n").map { $0.trimmingCharacters(in: .whitespaces) }
                .filter { $0.hasPrefix("case ") }
                .flatMap { $0.dropFirst(5).split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces) } }
            let others = CommitmentTests.points + ProofTests.points + ExpiryTests.points
            #expect(Set(cases) == Set(Self.cases.map(\.point) + others))
        }

        @Test(
            "an instance that was acknowledged before the daemon was killed is kept, analysed and delivered once [CRASH-1]",
            arguments: cases)
        func killed(at place: Case) throws {
            let number = Self.cases.firstIndex(of: place) ?? 0
            let pacs = try SharedPACS.pacs()
            let study = try Fixtures.smallBleed(seed: 100 + number)
            let node = try Daemon(destinations: Fixtures.destination(pacs))
            let uids = try sopInstanceUIDs(ofFiles: study.files)
            try node.start(environment: ["TRIAGED_CRASH_POINT": place.point, "TRIAGED_CRASH_PASSES": "\(place.passes)"])

            let first = try node.send(study.files, arguments: place.isAborted ? ["--abort"] : [])
            let end = eventually(within: 60) { node.process?.poll() }
            try #require(
                end == 128 + SIGKILL,
                "\(place): the daemon did not end there: \(String(describing: end))\n\(node.output)")
            if place.point == "rowWritten" {
                // Rows follow behind the answers, several at a time.
                #expect(first.acknowledged.count > place.passes, "\(first.output)")
            } else if place.isDuringStore {
                #expect(first.status != 0)
                // The response of the last pass may be lost with the process.
                let most = place.passes + (place.point == "responded" ? 1 : 0)
                #expect((place.passes...most).contains(first.acknowledged.count), "\(first.output)")
            } else {
                #expect(first.acknowledged.count == study.files.count, "\(first.output)")
            }
            // Before anything else writes: what was acknowledged is there.
            try expectKept(first.acknowledged, as: uids, in: node)

            try node.start()
            let missing = study.files.filter { !first.acknowledged.contains($0) }
            let second = try node.send(missing)
            #expect(second.status == 0 && second.acknowledged == missing, "\(second.output)")

            let item = try #require(try node.settledItem(study: study.studyInstanceUID), "\(place)\n\(node.output)")
            #expect(item["priority"] as? String == "critical")
            try expectKept(study.files, as: uids, in: node)
            #expect(node.storedFiles().count == study.files.count)
            #expect(node.storedFiles().values.allSatisfy { $0.count == 1 }, "a duplicate is kept")
            #expect(node.incomingFiles().isEmpty)
            let series = try #require((item["series"] as? [[String: Any]])?.first)
            #expect(series["instances"] as? Int == study.files.count)
            try expectDeliveredOnce(item, study: study, pacs: pacs)
            #expect(node.stop() == 0, "\(node.output)")
        }

        private func expectKept(_ files: [String], as uids: [String: String], in node: Daemon) throws {
            let stored = node.storedFiles()
            for file in files {
                let copies = uids[file].flatMap { stored[$0] } ?? []
                let sent = try dataSet(ofFile: file)
                #expect(!copies.isEmpty, "\(file) was acknowledged and is gone")
                #expect(try copies.allSatisfy { try dataSet(ofFile: $0) == sent }, "\(file) is kept with other bytes")
            }
        }

        private func expectDeliveredOnce(_ item: [String: Any], study: Phantom, pacs: Orthanc) throws {
            let deliveries = Fixtures.deliveries(item)
            #expect(deliveries.count == 2)
            #expect(deliveries.allSatisfy { $0 == "sent" || $0 == "committed" }, "\(deliveries)")
            for sopClass in [Fixtures.segmentation, Fixtures.comprehensive3DSR] {
                #expect(
                    try pacs.instances(sopClassUID: sopClass, studyInstanceUID: study.studyInstanceUID).count == 1,
                    "\(sopClass)")
            }
            #expect(try pacs.instances(studyInstanceUID: study.studyInstanceUID).count == 2)
        }
    }
}
