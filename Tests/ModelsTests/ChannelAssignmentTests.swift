// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM
import Foundation
import Testing

@testable import Models

private func text(_ include: String) -> Rules {
    var rules = Rules()
    rules.seriesDescription = .init(include: include)
    return rules
}

private func series(
    _ number: Int, _ description: String, slices: Int = 20, frame: String? = "1.9", modality: String = "MR",
    spacing: Double = 1, isComplete: Bool = true
) -> ChannelAssignment.Candidate {
    let uid = UID("1.4.\(number)")!
    let headers = (0..<slices).map { slice in
        var header = InstanceHeader(
            sopClassUID: UID(literal: "1.2.840.10008.5.1.4.1.1.4"), sopInstanceUID: UID("1.5.\(number).\(slice + 1)")!,
            studyInstanceUID: UID(literal: "1.3"), seriesInstanceUID: uid,
            transferSyntaxUID: UID(literal: "1.2.840.10008.1.2.1"))
        header.modality = modality
        header.seriesDescription = description
        header.seriesNumber = number
        header.frameOfReferenceUID = frame.flatMap { UID($0) }
        header.pixelSpacing = [spacing, spacing]
        header.imageOrientationPatient = [1, 0, 0, 0, 1, 0]
        header.imagePositionPatient = [0, 0, Double(slice) * 5]
        (header.rows, header.columns) = (256, 256)
        return header
    }
    return .init(seriesInstanceUID: uid, headers: headers, isComplete: isComplete)
}

private let manifest: Manifest = {
    var manifest = try! ModelPackage.load(
        folder: #filePath.components(separatedBy: "/Tests/")[0] + "/etc/models/head-ct-hyperdensity"
    ).manifest
    manifest.claim = Rules()
    manifest.claim.modality = ["MR"]
    manifest.channels = [
        .init(name: "T1", claim: text("T1")), .init(name: "FLAIR", claim: text("FLAIR")),
        .init(name: "T2", claim: text("T2")),
    ]
    return manifest
}()

@Suite("Series as channels") struct ChannelAssignmentTests {
    struct Case: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var candidates: [ChannelAssignment.Candidate]
        var expected: ChannelAssignment
        var isArriving = false
        var anchor = series(1, "T1")
    }

    static let table = [
        Case(
            testDescription: "one each, in the order of the channels",
            candidates: [series(2, "T2"), series(4, "other"), series(3, "FLAIR")], expected: .assigned([2, 0])),
        Case(
            testDescription: "one is missing", candidates: [series(2, "T2")],
            expected: .refused("no series for channel FLAIR")),
        Case(
            testDescription: "one is missing while the study arrives", candidates: [series(2, "T2")],
            expected: .awaited("waits for a series for channel FLAIR"), isArriving: true),
        Case(
            testDescription: "one is arriving",
            candidates: [series(2, "T2"), series(3, "FLAIR", isComplete: false)],
            expected: .awaited("waits for channel FLAIR: series 3, 1.4.3 is arriving")),
        Case(
            testDescription: "one is arriving beside one that is here",
            candidates: [series(2, "T2"), series(3, "FLAIR"), series(4, "FLAIR", isComplete: false)],
            expected: .awaited("waits for channel FLAIR: series 4, 1.4.4 is arriving")),
        Case(
            testDescription: "in another frame of reference",
            candidates: [series(2, "T2"), series(3, "FLAIR", frame: "1.8")],
            expected: .refused("no series for channel FLAIR in the same frame of reference")),
        Case(
            testDescription: "claimed by the channel and not by the package",
            candidates: [series(2, "T2"), series(3, "FLAIR", modality: "SEG")],
            expected: .refused("no series for channel FLAIR")),
        Case(
            testDescription: "two of which one is cut like the first",
            candidates: [series(2, "T2"), series(3, "FLAIR", spacing: 2), series(5, "FLAIR")],
            expected: .assigned([2, 0])),
        Case(
            testDescription: "two that are cut alike",
            candidates: [series(2, "T2"), series(3, "FLAIR"), series(5, "FLAIR")],
            expected: .refused("2 series for channel FLAIR: series 3, 1.4.3; series 5, 1.4.5")),
        Case(
            testDescription: "two that are cut otherwise",
            candidates: [series(2, "T2"), series(3, "FLAIR", slices: 19), series(5, "FLAIR", slices: 18)],
            expected: .refused("2 series for channel FLAIR: series 3, 1.4.3; series 5, 1.4.5")),
        Case(
            testDescription: "one series that is two channels", candidates: [series(2, "T2 FLAIR")],
            expected: .refused("one series would be two channels")),
        Case(
            testDescription: "the first has no frame of reference", candidates: [series(2, "T2"), series(3, "FLAIR")],
            expected: .refused(
                "the series has no Frame of Reference UID, so that none can be read with it"),
            anchor: series(1, "T1", frame: nil)),
    ]

    @Test("Each channel has exactly one series, or there is a reason", arguments: table)
    func assignment(_ row: Case) {
        let choice = ChannelAssignment.choose(
            for: manifest, anchor: row.anchor, among: row.candidates, isArriving: row.isArriving)
        #expect(choice == row.expected)
    }

    @Test("A run belongs to the series of the first channel alone")
    func anchor() {
        let package = ModelPackage(
            manifest: manifest, folder: "/x",
            identity: ModelIdentity(name: "x", version: "1", manufacturer: "m", digest: "d", isDemonstration: false))
        func kind(_ candidate: ChannelAssignment.Candidate) -> Selection.Verdict {
            Selection.choose(for: candidate.facts, among: [package], allowDemonstration: false).verdicts[0]
        }
        #expect(kind(series(3, "FLAIR")).kind == .notClaimed)
        #expect(kind(series(3, "FLAIR")).reason.contains("not the series of channel T1"))
        #expect(kind(series(1, "T1")).reasons.allSatisfy { !$0.contains("channel") })
    }
}

@Suite("Packages that need another") struct RegionPackageTests {
    private func package(_ name: String, digest: String, _ change: (inout Manifest) -> Void = { _ in }) -> ModelPackage
    {
        var own = manifest
        own.name = name
        own.channels = []
        change(&own)
        return ModelPackage(
            manifest: own, folder: "/\(name)",
            identity: ModelIdentity(
                name: name, version: "1", manufacturer: "m", digest: digest, isDemonstration: false))
    }
    private let label = "Intracranial hemorrhage"

    @Test("The identity of a result names both packages, and so do its budgets")
    func identity() {
        let other = package("brain", digest: "b")
        let inner = package("inner", digest: "i") { $0.region = .init(package: "brain", label: label, margin: 1) }
        let resolved = inner.resolved(among: [inner, other])
        #expect(resolved.hindrance == nil && resolved.regionPackages == [other])
        var changed = other
        changed.identity.digest = "c"
        changed.identity.isDemonstration = true
        let again = inner.resolved(among: [inner, changed])
        #expect(Set([inner, resolved, again].map(\.identity.digest)).count == 3)
        #expect(!resolved.identity.isDemonstration && again.identity.isDemonstration)
        #expect(resolved.memory == inner.memory + other.memory && resolved.time == inner.time + other.time)
        #expect(other.resolved(among: [inner, other]) == other)
    }

    @Test("Without a package that can find its region it does not run")
    func hindrances() {
        let inner = package("inner", digest: "i") { $0.region = .init(package: "brain", label: label, margin: 1) }
        func hindrance(_ others: ModelPackage...) -> String? { inner.resolved(among: others + [inner]).hindrance }
        let words = "package brain, which finds its region, "
        #expect(hindrance() == words + "is not installed")
        #expect(
            hindrance(package("brain", digest: "b"), package("brain", digest: "c")) == words
                + "is installed in 2 versions")
        #expect(
            hindrance(package("brain", digest: "b") { $0.outputs[0].label = "x" })
                == words + "reports no output \(label)")
        #expect(
            hindrance(package("brain", digest: "b") { $0.region = inner.manifest.region }) == words
                + "has a region itself")
        #expect(
            hindrance(package("brain", digest: "b") { $0.channels = manifest.channels }) == words
                + "reads several series")
        var incomplete = package("brain", digest: "")
        incomplete.hindrance = "the package is incomplete: x is not there"
        #expect(hindrance(incomplete) == words + "cannot run: the package is incomplete: x is not there")
    }

    @Test("What only a package claims that cannot run is refused, with the reason")
    func refused() {
        var package = package("brain", digest: "")
        package.hindrance = "the package is incomplete: x is not there"
        let facts = series(1, "T1").facts
        #expect(
            Selection.choose(for: facts, among: [package], allowDemonstration: false).outcome
                == .refused("brain: the package is incomplete: x is not there"))
        let ct = series(1, "T1", modality: "CT").facts
        #expect(
            Selection.choose(for: ct, among: [package], allowDemonstration: false).outcome
                == .notClaimed("brain: Modality is CT, not MR"))
    }
}
