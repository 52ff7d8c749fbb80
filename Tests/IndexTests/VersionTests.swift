// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM
import Index
import Synchronization
import Testing

/// Decision 15.
@Suite struct VersionTests {
    let bench = Workbench()

    struct Case: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var outcome: RecordOutcome
        var syntaxes = (explicitLittleEndian, explicitLittleEndian)
        var digests: (header: UInt8, pixels: UInt8?) = (1, 1)
        var change: @Sendable (inout InstanceHeader) -> Void = { _ in }
        var first: @Sendable (inout InstanceHeader) -> Void = { _ in }
    }

    private static func conflict(_ keyword: String) -> RecordOutcome {
        .conflict(reason: "an instance was sent again with another \(keyword)")
    }

    static let cases: [Case] = [
        Case(testDescription: "same bytes", outcome: .duplicate(existing: "instances/a")),
        Case(testDescription: "other header, same pixels", outcome: .coercedCopy, digests: (2, 1)),
        Case(testDescription: "other accession number", outcome: .coercedCopy, digests: (2, 1)) {
            $0.accessionNumber = "B"
        },
        Case(testDescription: "name in another formatting", outcome: .coercedCopy, digests: (2, 1)) {
            $0.patient.patientName = "MUSTER^MAX"
        },
        Case(testDescription: "other pixels", outcome: conflict("PixelData"), digests: (1, 2)),
        Case(testDescription: "other header and pixels", outcome: conflict("PixelData"), digests: (2, 2)),
        Case(
            testDescription: "other encoding", outcome: .transcodedCopyPending,
            syntaxes: (explicitLittleEndian, jpegLossless), digests: (2, 2)),
        Case(
            testDescription: "same header bytes in another encoding", outcome: .transcodedCopyPending,
            syntaxes: (explicitLittleEndian, jpegLossless)),
        Case(
            testDescription: "other bytes in a compressed encoding", outcome: .transcodedCopyPending,
            syntaxes: (jpegLossless, jpegLossless), digests: (1, 2)),
        Case(
            testDescription: "pixels not told apart", outcome: .transcodedCopyPending,
            syntaxes: ("1.2.840.10008.1.2.1.99", "1.2.840.10008.1.2.1.99"), digests: (2, nil)),
        Case(testDescription: "other patient", outcome: conflict("PatientID"), digests: (2, 1)) {
            $0.patient.patientID = "4712"
        },
        Case(
            testDescription: "other patient in another encoding", outcome: conflict("PatientID"),
            syntaxes: (explicitLittleEndian, jpegLossless), digests: (2, 2)
        ) { $0.patient.patientID = "4712" },
        Case(testDescription: "other birth date", outcome: conflict("PatientBirthDate"), digests: (2, 1)) {
            $0.patient.patientBirthDate = "19700101"
        },
        Case(testDescription: "other study", outcome: conflict("StudyInstanceUID"), digests: (2, 1)) {
            $0.studyInstanceUID = .of("1.2")
        },
        Case(testDescription: "other series", outcome: conflict("SeriesInstanceUID"), digests: (2, 1)) {
            $0.seriesInstanceUID = .of("1.1.2")
        },
        Case(testDescription: "other SOP class", outcome: conflict("SOPClassUID"), digests: (2, 1)) {
            $0.sopClassUID = .of("1.2.3")
        },
        Case(testDescription: "pixels gone", outcome: conflict("PixelData"), digests: (2, nil)) {
            $0.hasPixelData = false
        },
        Case(
            testDescription: "report with another content", outcome: .coercedCopy, digests: (2, nil),
            change: { $0.hasPixelData = false }, first: { $0.hasPixelData = false }),
        Case(
            testDescription: "report in another encoding", outcome: .coercedCopy,
            syntaxes: ("1.2.840.10008.1.2", explicitLittleEndian), digests: (2, nil),
            change: { $0.hasPixelData = false }, first: { $0.hasPixelData = false }),
    ]

    @Test("A repeated SOP Instance UID", arguments: cases)
    func repeated(_ example: Case) throws {
        let index = try bench.open()
        let first = header("1.5", syntax: example.syntaxes.0, example.first)
        let isToldApart = first.hasPixelData && !example.syntaxes.0.hasSuffix(".99")
        #expect(try index.record(first, file: file("a", pixels: isToldApart ? 1 : nil)) == .new)
        let second = header("1.5", syntax: example.syntaxes.1, example.change)
        let outcome = try index.record(
            second, file: file("b", header: example.digests.header, pixels: example.digests.pixels))
        #expect(outcome == example.outcome)
        // The first stays what is analysed; only a duplicate is not kept.
        let evidence = try index.evidence()
        #expect(evidence.instances.map(\.path) == ["instances/a"])
        #expect(evidence.revision == 1)
        if case .duplicate = outcome {
            #expect(try index.counts().files == 1)
        } else {
            #expect(try index.counts().files == 2)
        }
        switch outcome {
        case .conflict(let reason):
            // Every study that has a version is blocked.
            #expect(try index.worklist().allSatisfy { $0.blocks.contains(reason) })
        case .new, .duplicate, .restored, .returned, .coercedCopy, .transcodedCopyPending:
            #expect(try index.worklist().allSatisfy { $0.blocks.isEmpty && $0.warnings.count <= 1 })
        }
        // Whatever is kept is recognised when it comes a third time, after a crash too.
        if case .duplicate = outcome { return }
        let third = try bench.crashed().open().record(
            second, file: file("c", header: example.digests.header, pixels: example.digests.pixels))
        #expect(third == .duplicate(existing: "instances/b"))
    }

    @Test("A copy in another encoding holds the series up until a worker has compared it", arguments: [true, false])
    func comparison(isSame: Bool) throws {
        let index = try bench.open()
        _ = try index.record(header("1.5"), file: file("a"))
        _ = try index.record(header("1.5", syntax: jpegLossless), file: file("b", header: 2, pixels: 2))
        let evidence = try index.evidence()
        #expect(evidence.uncompared == 1)
        #expect(try index.markComplete(evidence.id, revision: evidence.revision, evidence: "quiet") == .uncompared)
        let pending = try #require(try bench.crashed().open().pendingComparisons().first)
        #expect(pending.first == "instances/a" && pending.copy == "instances/b")
        try index.resolve(pending, as: isSame ? .samePixels : .otherPixels)
        try index.resolve(pending, as: .otherPixels)
        #expect(try index.pendingComparisons().isEmpty)
        let answer = try index.markComplete(evidence.id, revision: evidence.revision, evidence: "quiet")
        #expect(
            isSame ? answer == .done : answer == .blocked(reason: "an instance was sent again with another PixelData"))
        // The same encoding from yet another header is known by now.
        if isSame {
            #expect(
                try index.record(header("1.5", syntax: jpegLossless), file: file("c", header: 3, pixels: 2))
                    == .coercedCopy)
        }
    }

    @Test("The same bytes again take the place of a file that is gone, and are not given up as a duplicate")
    func restored() throws {
        let gone = Mutex<Set<String>>([])
        let index = try StudyIndex(
            path: bench.path, holds: { path, size in size == 1000 && gone.withLock { !$0.contains(path) } })
        _ = try index.record(header("1.5"), file: file("a"))
        #expect(try index.record(header("1.5"), file: file("b")) == .duplicate(existing: "instances/a"))
        gone.withLock { _ = $0.insert("instances/a") }
        #expect(try index.record(header("1.5"), file: file("c", epoch: 2)) == .restored(lost: "instances/a"))
        let evidence = try index.evidence()
        #expect(evidence.instances.map(\.path) == ["instances/c"] && evidence.revision == 1)
        #expect(try index.record(header("1.5"), file: file("d")) == .duplicate(existing: "instances/c"))
    }

    @Test("A comparison that cannot be made leaves the study unanalysed, with the reason")
    func undecided() throws {
        let index = try bench.open()
        _ = try index.record(header("1.5"), file: file("a"))
        _ = try index.record(header("1.5", syntax: jpegLossless), file: file("b", header: 2, pixels: 2))
        try index.resolve(try #require(try index.pendingComparisons().first), as: .undecided(reason: "no decoder"))
        #expect(try index.only().blocks == ["a copy in another encoding could not be compared: no decoder"])
    }

    @Test("A conflict flags what was delivered, holds what was not, and keeps the finding and its priority")
    func flags() throws {
        let index = try bench.open()
        try index.analyse(try index.receive(), results: [segmentation("2.25.1"), segmentation("2.25.2")])
        let due = try index.dueDeliveries(to: "pacs")
        #expect(try index.beginSending(due[0].id))
        try index.sent(due[0].id, status: .success)
        _ = try index.record(header("1.1.1.0"), file: file("x", pixels: 9))
        let study = try index.only()
        #expect(study.results.map(\.review) == ["an instance was sent again with another PixelData", ""])
        #expect(study.findings.count == 1 && study.priority == .critical)
        #expect(try index.dueDeliveries(to: "pacs").isEmpty)
        #expect(try !index.beginSending(due[1].id))
    }
}
