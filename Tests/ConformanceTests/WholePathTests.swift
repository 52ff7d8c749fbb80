// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Support
import Testing

extension EndToEnd {
    /// A modality, the built node and a PACS, over real sockets.
    @Suite("The whole path", .serialized)
    struct WholePathTests {
        @Test(
            "a study with a bleed becomes a SEG and an SR in the PACS and a critical item on the worklist [C-STORE-1] [SEG-1] [SR-1]"
        )
        func bleed() throws {
            let pacs = try Orthanc()
            try pacs.start()
            let node = try Daemon(destinations: Fixtures.destination(pacs))
            try node.start()
            let study = try Phantom(["--finding", "bleed", "--volume", "20", "--slices", "40", "--matrix", "256"])

            let sent = try node.store([study.directory.path])
            #expect(sent.status == 0, "\(sent.output)")

            let item = try #require(
                try eventually(within: 90) {
                    try node.item(study: study.studyInstanceUID).flatMap { item in
                        Fixtures.deliveries(item).allSatisfy { $0 != "pending" }
                            && item["state"] as? String == "analysed"
                            && !Fixtures.deliveries(item).isEmpty ? item : nil
                    }
                }, "\(node.output)")
            #expect(item["priority"] as? String == "critical")
            #expect(item["run"] as? String == "final")
            #expect(item["demonstration"] as? Bool == true)
            let finding = try #require((item["findings"] as? [[String: Any]])?.first)
            #expect((finding["code"] as? [String: Any])?["value"] as? String == "1386000")
            let volume = try #require(finding["volumeML"] as? Double)
            #expect(
                abs(volume - study.bleedVolumeML) / study.bleedVolumeML < 0.35,
                "\(volume) mL for \(study.bleedVolumeML) mL")

            let segmentations = try pacs.instances(
                sopClassUID: "1.2.840.10008.5.1.4.1.1.66.4", studyInstanceUID: study.studyInstanceUID)
            let reports = try pacs.instances(
                sopClassUID: "1.2.840.10008.5.1.4.1.1.88.34", studyInstanceUID: study.studyInstanceUID)
            #expect(segmentations.count == 1)
            #expect(reports.count == 1)
            node.stop()
            pacs.stop()
        }

        @Test(
            "a study without a bleed is analysed, stays routine, and its negative report goes only where it is asked for [NEG-1]"
        )
        func negative() throws {
            let pacs = try Orthanc()
            try pacs.start()
            let study = try Phantom(["--finding", "none", "--slices", "40", "--matrix", "256"])
            for wanted in [true, false] {
                let node = try Daemon(destinations: Fixtures.destination(pacs, negativeReports: wanted))
                try node.start()
                let before = try pacs.instances(sopClassUID: "1.2.840.10008.5.1.4.1.1.88.34").count
                let sent = try node.store([study.directory.path])
                #expect(sent.status == 0, "\(sent.output)")
                let item = try #require(
                    try eventually(within: 90) {
                        try node.item(study: study.studyInstanceUID).flatMap {
                            $0["state"] as? String == "analysed" ? $0 : nil
                        }
                    }, "\(node.output)")
                #expect(item["priority"] as? String == "routine")
                #expect((item["findings"] as? [Any])?.isEmpty == true)
                #expect((item["reason"] as? String)?.contains("no finding by head-ct-hyperdensity") == true)
                let deliveries = try eventually(within: 20) {
                    try node.item(study: study.studyInstanceUID).flatMap {
                        let all = Fixtures.deliveries($0)
                        return all.contains("pending") ? nil : all
                    }
                }
                let after = try pacs.instances(sopClassUID: "1.2.840.10008.5.1.4.1.1.88.34").count
                #expect((deliveries?.count ?? -1) == (wanted ? 1 : 0))
                #expect(after - before == (wanted ? 1 : 0))
                node.stop()
            }
            pacs.stop()
        }

        @Test("results wait for a PACS that is away, and arrive when it comes back [OUTBOX-1]")
        func awayPACS() throws {
            let pacs = try Orthanc()
            let node = try Daemon(destinations: Fixtures.destination(pacs))
            try node.start()
            let study = try Phantom(["--finding", "bleed", "--slices", "40", "--matrix", "256"])
            #expect(try node.store([study.directory.path]).status == 0)
            let waiting = try eventually(within: 60) {
                try node.item(study: study.studyInstanceUID).flatMap {
                    Fixtures.deliveries($0) == ["pending", "pending"] ? true : nil
                }
            }
            #expect(waiting == true, "\(node.output)")
            // The worklist says why.
            let reasons = try eventually(within: 60) {
                try node.item(study: study.studyInstanceUID).flatMap { item in
                    let reasons = (item["results"] as? [[String: Any]] ?? []).compactMap { $0["reason"] as? String }
                    return reasons.allSatisfy { $0.contains("127.0.0.1 port \(pacs.dicomPort)") } ? reasons : nil
                }
            }
            #expect(reasons?.count == 2, "\(node.output)")
            // The outbox outlives the daemon, however it ends.
            #expect(node.stop(SIGKILL) == 128 + SIGKILL)
            try node.start()
            try pacs.start()
            let delivered = try eventually(within: 90) {
                try node.item(study: study.studyInstanceUID).flatMap { item in
                    Fixtures.deliveries(item).allSatisfy { $0 == "sent" || $0 == "committed" } ? true : nil
                }
            }
            #expect(delivered == true, "\(node.output)")
            // One UID, one byte string: what the PACS holds is what the outbox keeps.
            let kept = try node.keptResults()
            #expect(kept.count == 2)
            let received = try pacs.instances(studyInstanceUID: study.studyInstanceUID).map { id in
                let file = node.directory.file("\(id).dcm")
                try pacs.file(id).write(to: URL(fileURLWithPath: file))
                return file
            }
            #expect(received.count == 2)
            for (file, uid) in try sopInstanceUIDs(ofFiles: received) {
                #expect(try dataSet(ofFile: file) == kept[uid])
            }
            #expect(node.stop() == 0)
            pacs.stop()
        }
    }
}
