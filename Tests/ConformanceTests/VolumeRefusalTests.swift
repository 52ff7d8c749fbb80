// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Support
import Testing

extension EndToEnd {
    /// Which series become a volume, which do not, and the words that the reader gets.
    @Suite("Volumes", .serialized, .sharedNode()) struct VolumeRefusalTests {
        struct Refused: Sendable, CustomTestStringConvertible {
            var arguments: [String]
            var state = "notAnalysed"
            var reason: String
            var slices = 12
            var testDescription: String { arguments.joined(separator: " ") }
        }

        private func outcome(_ arguments: [String], slices: Int = 12) throws -> (item: [String: Any], study: Phantom) {
            let node = try SharedNode.node()
            let study = try Fixtures.smallHead(
                ["--finding", "bleed", "--seed", "401", "--fresh-uids"] + arguments, slices: slices)
            try node.storeAll([study.directory.path])
            return (try node.endedItem(study: study.studyInstanceUID), study)
        }

        @Test(
            "a series with a defect is not analysed, and the worklist says in words what is wrong [VOLUME-1]",
            arguments: [
                Refused(arguments: ["--defect", "gap"], reason: "gap of 10.0 mm after slice"),
                Refused(arguments: ["--defect", "duplicate"], reason: "lies where the slice before it lies"),
                Refused(arguments: ["--defect", "mixedSpacing"], reason: "mm"),
                Refused(arguments: ["--defect", "mixedOrientation"], reason: "is turned by 10.0° against the others"),
                Refused(
                    arguments: ["--defect", "missingPosition"], reason: "ImagePositionPatient is missing in instance"),
                Refused(
                    arguments: ["--defect", "missingRescale"],
                    reason: "RescaleSlope and RescaleIntercept are missing in CT instance"),
                Refused(arguments: ["--defect", "gap", "--multi-frame"], reason: "gap of 10.0 mm after slice"),
                Refused(arguments: ["--deceiver", "contrast"], reason: "contrast"),
                Refused(arguments: [], reason: "6 slices, 10 to 2000 allowed", slices: 6),
                Refused(
                    arguments: ["--orientation", "sagittal"], state: "outOfScope", reason: "Image Type has SECONDARY"),
                Refused(arguments: ["--slice-spacing", "8", "--slice-thickness", "8"], reason: "8 mm"),
            ])
        func refused(series: Refused) throws {
            let (item, _) = try outcome(series.arguments, slices: series.slices)
            #expect(item.state == series.state, "\(item)")
            #expect(item.reason.contains(series.reason), "\(item.reason)")
            #expect(item.reason.contains("head-ct-hyperdensity"))
            #expect(item.findings.isEmpty)
            #expect(item.priority == "routine")
            #expect(item.series.first?.reason.contains(series.reason) == true, "\(item.series)")
        }

        @Test("a tilted gantry is no defect [VOLUME-2]", arguments: ["10", "-20"])
        func tilted(degrees: String) throws {
            let (item, _) = try outcome(["--tilt=" + degrees])
            #expect(item.state == "analysed", "\(item)")
            #expect(item.priority == "critical")
        }

        @Test(
            "a multi-frame series is one volume, wherever its functional groups are [VOLUME-3]",
            arguments: ["shared", "perFrame"])
        func multiFrame(groups: String) throws {
            let (item, study) = try outcome(["--multi-frame", "--functional-groups", groups])
            #expect(item.state == "analysed", "\(item)")
            #expect(item.priority == "critical")
            let volume = try #require(item.findings.first?["volumeML"] as? Double)
            #expect(abs(volume - study.bleedVolumeML) < 0.35 * study.bleedVolumeML)
        }

        /// Lossy ones too: what they lose is far below the contrast of the bleed. JPEG Baseline has 8 bits, which no CT scanner
        /// may send; its values are coarse, and still Hounsfield units.
        @Test(
            "every transfer syntax is decoded, and the bleed is found in it [VOLUME-4] [STORE-2]",
            arguments: [
                "implicit", "explicit", "big-endian", "deflated", "rle", "jpeg-baseline", "jpeg-extended",
                "jpeg-lossless",
                "jpeg-lossless-sv1", "jpeg-ls", "jpeg-ls-near", "jpeg-2000", "jpeg-2000-lossy",
            ])
        func transferSyntax(name: String) throws {
            let node = try SharedNode.node()
            let study = try Fixtures.smallHead(
                ["--finding", "bleed", "--seed", "402", "--fresh-uids", "--transfer-syntax", name])
            let proposals = [
                "implicit": [], "explicit": [], "big-endian": ["-xb"], "deflated": ["-xd"], "rle": ["-xr"],
                "jpeg-baseline": ["-xy"], "jpeg-extended": ["-xx"], "jpeg-lossless-sv1": ["-xs"],
                "jpeg-ls": ["-xt"], "jpeg-ls-near": ["-xu"], "jpeg-2000": ["-xv"], "jpeg-2000-lossy": ["-xw"],
            ]
            if let proposal = proposals[name] {
                try node.storeAll([study.directory.path], arguments: proposal)
            } else {
                // storescu has no word for JPEG Lossless with another selection value than 1.
                for (file, uid) in try sopInstanceUIDs(ofFiles: study.files) {
                    let store = RawStore(
                        instance: Array(uid.utf8), transferSyntax: "1.2.840.10008.1.2.4.57",
                        dataSet: [UInt8](try dataSet(ofFile: file)))
                    #expect(try store.send(to: node) == .status(0))
                }
            }
            let item = try node.endedItem(study: study.studyInstanceUID)
            #expect(item.state == "analysed", "\(item)")
            #expect(item.priority == "critical")
            let volume = item.findings.first?["volumeML"] as? Double ?? 0
            #expect(
                abs(volume - study.bleedVolumeML) < 0.35 * study.bleedVolumeML,
                "\(volume) mL for \(study.bleedVolumeML) mL")
            // Kept as it was sent, never transcoded. Deflated ones are compressed again by storescu.
            let stored = try #require(node.storedFiles()[study.sopInstanceUIDs[0]]?.first)
            let sent = try #require(
                try sopInstanceUIDs(ofFiles: study.files).first { $0.value == study.sopInstanceUIDs[0] }?.key)
            if name != "deflated" { #expect(try dataSet(ofFile: stored) == dataSet(ofFile: sent)) }
        }

        @Test("a localizer beside the volume is out of scope for itself, and the study is analysed [VOLUME-5]")
        func localizer() throws {
            let (item, study) = try outcome(["--localizer-slices", "2"])
            #expect(item.state == "analysed", "\(item)")
            #expect(item.series.count == 2)
            let scout = try #require(
                item.series.first { $0["seriesInstanceUID"] as? String != study.seriesInstanceUID })
            #expect(scout.state == "outOfScope")
            #expect(scout.reason.contains("LOCALIZER"), "\(scout.reason)")
        }

        @Test(
            "a body part or modality that no package claims is out of scope, with the reason [VOLUME-6]",
            arguments: ["BodyPartExamined=CHEST", "Modality=MR"])
        func otherBodyPart(change: String) throws {
            let node = try SharedNode.node()
            let study = try Fixtures.smallHead(["--seed", "403", "--fresh-uids"])
            let made = try Tool.run(
                "/usr/bin/dcmodify",
                [
                    "-nb", "-m", change, "-m", "SeriesDescription=Thorax", "-m", "StudyDescription=THORAX", "-m",
                    "ProtocolName=Thorax",
                ]
                    + study.files)
            #expect(made.status == 0, "\(made.output)")
            try node.storeAll([study.directory.path])
            let item = try node.endedItem(study: study.studyInstanceUID)
            #expect(item.state == "outOfScope", "\(item)")
            #expect(item.reason.contains("CHEST") || item.reason.contains("Modality is MR"), "\(item.reason)")
        }
    }
}
