// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM
import Foundation
import Testing

@testable import Models

private let ct = UID(literal: "1.2.840.10008.5.1.4.1.1.2")
private let secondaryCapture = UID(literal: "1.2.840.10008.5.1.4.1.1.7")

private func headers(_ count: Int = 30, _ change: (inout InstanceHeader, Int) -> Void = { _, _ in }) -> [InstanceHeader]
{
    (0..<count).map { i in
        var header = InstanceHeader(
            sopClassUID: ct, sopInstanceUID: UID("1.2.\(i + 1)")!, studyInstanceUID: UID(literal: "1.3"),
            seriesInstanceUID: UID(literal: "1.4"), transferSyntaxUID: UID(literal: "1.2.840.10008.1.2.1"))
        header.modality = "CT"
        header.bodyPartExamined = "HEAD"
        header.imageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
        header.sliceThickness = 5
        header.pixelSpacing = [0.45, 0.45]
        header.imageOrientationPatient = [1, 0, 0, 0, 1, 0]
        header.imagePositionPatient = [0, 0, Double(i) * 5]
        change(&header, i)
        return header
    }
}

private func reference() throws -> ModelPackage {
    let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appendingPathComponent("etc/models/head-ct-hyperdensity").path
    return try ModelPackage.load(folder: folder)
}

private struct Case: Sendable, CustomTestStringConvertible {
    var name: String
    var kind: Selection.Verdict.Kind
    var reason: String
    var change: @Sendable (inout InstanceHeader, Int) -> Void
    var testDescription: String { name }
    init(
        _ name: String, _ kind: Selection.Verdict.Kind, _ reason: String,
        _ change: @escaping @Sendable (inout InstanceHeader, Int) -> Void
    ) {
        self.name = name
        self.kind = kind
        self.reason = reason
        self.change = change
    }
}

private let cases: [Case] = [
    Case("a head CT", .selected, "") { _, _ in },
    Case("MR", .notClaimed, "Modality is MR, not CT") { h, _ in h.modality = "MR" },
    Case("no modality", .notClaimed, "Modality is empty") { h, _ in h.modality = "" },
    Case("secondary capture", .notClaimed, "SOP Class 1.2.840.10008.5.1.4.1.1.7 is not one that the package reads") {
        h, _ in h.sopClassUID = secondaryCapture
    },
    Case("chest", .notClaimed, "Body Part Examined is CHEST, not HEAD or BRAIN or SKULL") { h, _ in
        h.bodyPartExamined = "CHEST"
    },
    Case("lower case", .selected, "") { h, _ in h.bodyPartExamined = "head" },
    Case("no body part, no words", .notClaimed, "Body Part Examined is empty, and no description matches") { h, _ in
        h.bodyPartExamined = ""
    },
    Case("no body part, a description", .selected, "") { h, _ in
        h.bodyPartExamined = ""
        h.studyDescription = "CT KOPF NATIV"
    },
    Case("no body part, a word that only begins alike", .notClaimed, "Body Part Examined is empty") { h, _ in
        h.bodyPartExamined = ""
        h.seriesDescription = "FOREHEADS"
    },
    Case("no body part, Japanese", .selected, "") { h, _ in
        h.bodyPartExamined = ""
        h.protocolName = "頭部単純"
    },
    Case("localizer", .notClaimed, "Image Type has LOCALIZER") { h, _ in
        h.imageType = ["ORIGINAL", "PRIMARY", "LOCALIZER"]
    },
    Case("screen", .notClaimed, "Image Type has SECONDARY") { h, _ in
        h.imageType = ["DERIVED", "SECONDARY", "SCREEN SAVE"]
    },
    Case("a localizer among the slices", .refused, "in 1 of 30 instances Image Type has LOCALIZER") { h, i in
        if i == 0 { h.imageType = ["ORIGINAL", "PRIMARY", "LOCALIZER"] }
    },
    Case("two body parts", .refused, "in 10 of 30 instances Body Part Examined is NECK") { h, i in
        if i < 10 { h.bodyPartExamined = "NECK" }
    },
    Case("thick slices", .refused, "Slice Thickness is 8 mm, at most 6 mm allowed") { h, _ in h.sliceThickness = 8 },
    Case("one thick slice", .refused, "in 1 of 30 instances Slice Thickness is 8 mm") { h, i in
        if i == 3 { h.sliceThickness = 8 }
    },
    Case("no thickness stated", .selected, "") { h, _ in h.sliceThickness = nil },
    Case("far apart", .refused, "slices are 7.5 mm apart, at most 6 mm allowed") { h, i in
        h.imagePositionPatient = [0, 0, Double(i) * 7.5]
    },
    Case("contrast", .refused, "a contrast agent was given") { h, _ in h.hasContrast = true },
    Case("contrast in part", .refused, "in 15 of 30 instances a contrast agent was given") { h, i in
        h.hasContrast = i < 15
    },
    Case("coronal", .refused, "slices lie 90° from the axial plane, at most 35° allowed") { h, _ in
        h.imageOrientationPatient = [1, 0, 0, 0, 0, -1]
    },
    Case("tilted", .selected, "") { h, _ in h.imageOrientationPatient = [1, 0, 0, 0, 0.9397, 0.342] },
    Case("coarse pixels", .refused, "Pixel Spacing is 2 mm, 0.2 to 1.5 mm allowed") { h, _ in h.pixelSpacing = [1, 2] },
]

@Suite struct SelectionTests {
    @Test("A series is selected, refused or left to others, with the reason", arguments: cases)
    private func verdict(_ test: Case) throws {
        let selection = Selection.choose(
            for: SeriesFacts(headers: headers(30, test.change)), among: [try reference()], allowDemonstration: true)
        #expect(selection.verdicts[0].kind == test.kind)
        #expect(selection.verdicts[0].reasons.isEmpty == test.reason.isEmpty)
        #expect(
            test.reason.isEmpty || selection.verdicts[0].reason.contains(test.reason), "\(selection.verdicts[0].reason)"
        )
        switch (selection.outcome, test.kind) {
        case (.selected, .selected), (.refused, .refused), (.notClaimed, .notClaimed): break
        default: Issue.record("the outcome \(selection.outcome) is not that of its only verdict")
        }
    }

    @Test("Too few slices are refused; the frames of a multi-frame instance count as slices")
    func slices() throws {
        let package = try reference()
        let few = Selection.choose(for: SeriesFacts(headers: headers(5)), among: [package], allowDemonstration: true)
        #expect(few.outcome == .refused("head-ct-hyperdensity: 5 slices, 10 to 2000 allowed"))
        let enhanced = headers(1) { h, _ in
            h.sopClassUID = UID(literal: "1.2.840.10008.5.1.4.1.1.2.1")
            h.numberOfFrames = 40
            h.imageOrientationPatient = nil
            h.imagePositionPatient = nil
            h.pixelSpacing = nil
            h.sliceThickness = nil
        }
        let selection = Selection.choose(
            for: SeriesFacts(headers: enhanced), among: [package], allowDemonstration: true)
        #expect(selection.verdicts[0].kind == .selected)
        #expect(selection.verdicts[0].notes.contains("the image orientation is not stated"))
    }

    @Test("A demonstration package claims nothing where it is not allowed")
    func demonstration() throws {
        let selection = Selection.choose(
            for: SeriesFacts(headers: headers()), among: [try reference()], allowDemonstration: false)
        #expect(
            selection.outcome
                == .notClaimed(
                    "head-ct-hyperdensity: the package is for demonstration, and models.allowDemonstration is false"))
    }

    @Test("One package's refusal does not keep another from the series, and all verdicts are kept")
    func several() throws {
        let first = try reference()
        var second = first
        second.identity.name = "for-thick-slices"
        second.manifest.require.sliceThickness = .init(minimum: 6, maximum: nil)
        let facts = SeriesFacts(headers: headers { h, _ in h.sliceThickness = 8 })
        let selection = Selection.choose(for: facts, among: [first, second], allowDemonstration: true)
        #expect(selection.outcome == .selected([second]))
        #expect(selection.verdicts.map(\.kind) == [.refused, .selected])
    }

    @Test("Without a package, or without an instance, nothing is claimed")
    func nothing() throws {
        #expect(
            Selection.choose(for: SeriesFacts(headers: headers()), among: [], allowDemonstration: true).outcome
                == .notClaimed("there is no model package"))
        let empty = Selection.choose(for: SeriesFacts(headers: []), among: [try reference()], allowDemonstration: true)
        #expect(empty.verdicts[0].kind == .notClaimed)
    }
}

@Suite struct SeriesFactsTests {
    @Test("Spacing is measured on positions along the normal, in any order, and repetitions do not count")
    func spacing() {
        var slices = headers(12) { h, i in
            h.imageOrientationPatient = [1, 0, 0, 0, 0.8, 0.6]
            h.imagePositionPatient = [0, 0, Double(i * 5)]
            h.spacingBetweenSlices = 99
        }
        slices.append(slices[4])
        #expect(abs((SeriesFacts(headers: slices.shuffled()).sliceSpacing ?? 0) - 4) < 1e-9)
    }

    @Test("Where there are no positions the stated spacing is taken, without its sign")
    func stated() {
        let facts = SeriesFacts(
            headers: headers(3) { h, _ in
                h.imagePositionPatient = nil
                h.spacingBetweenSlices = -2.5
            })
        #expect(facts.sliceSpacing == 2.5)
    }

    @Test("What differs between slices is said; noise in the last digits is no difference")
    func disagreements() {
        #expect(
            SeriesFacts(headers: headers { h, i in h.imageOrientationPatient = [1, Double(i) * 1e-6, 0, 0, 1, 0] })
                .disagreements.isEmpty)
        let facts = SeriesFacts(
            headers: headers { h, i in
                if i < 2 { h.sliceThickness = 2.5 }
                if i == 7 { h.convolutionKernel = "H30" } else { h.convolutionKernel = "H60" }
            })
        #expect(
            facts.disagreements == [
                "Convolution Kernel differs between instances: H60 in 29, H30 in 1",
                "Slice Thickness differs between instances: 5.0 mm in 28, 2.5 mm in 2",
            ])
    }
}
