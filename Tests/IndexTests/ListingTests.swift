// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM
import Testing

@testable import Index

@Suite struct ListingTests {
    private let bench = Workbench()
    private let step = UID.of("7.1")

    private func listed(_ instances: String..., series: String = "1.1.1") -> [ListedSeries] {
        [ListedSeries(seriesInstanceUID: .of(series), sopInstanceUIDs: Set(instances.map { UID.of($0) }))]
    }

    private func listing(_ index: StudyIndex) throws -> SeriesListing? {
        let open = try index.openSeries()
        #expect(open.count == 1)
        return try index.evidence(for: open[0].id)?.listing
    }

    private func create(_ index: StudyIndex, _ series: [ListedSeries]? = nil) throws -> StepAnswer {
        try index.createStep(
            PerformedProcedureStep(sopInstanceUID: step, state: .inProgress, series: series),
            callingAETitle: AETitle(literal: "CT1"))
    }

    @Test("the list of a step counts from its end, whether its instances came before or after, and over a restart")
    func counts() throws {
        var index = try bench.open()
        #expect(try create(index, listed("1.1.1.1")) == .kept)
        _ = try index.record(header("1.1.1.1"), file: file("a"))
        _ = try index.record(header("1.1.1.9"), file: file("b"))
        #expect(try listing(index) == nil)
        #expect(try index.setStep(step, state: nil, series: listed("1.1.1.1", "1.1.1.2")) == .kept)
        #expect(try listing(index) == nil)
        #expect(try index.setStep(step, state: .completed, series: nil) == .kept)
        try index.close()
        index = try bench.open()
        #expect(
            try listing(index)
                == SeriesListing(sources: [.performedProcedureStep], total: 2, missing: 1, unlisted: 1))
        #expect(try index.openSeries()[0].listed?.instances == 2)
    }

    @Test("lists of several sources are taken together")
    func together() throws {
        let index = try bench.open()
        _ = try index.record(header("1.1.1.1"), file: file("a"))
        try index.noteAvailability(.of("8.1"), series: listed("1.1.1.1"))
        try index.noteAvailability(.of("8.2"), series: listed("1.1.1.2"))
        // The same notification again replaces itself.
        try index.noteAvailability(.of("8.2"), series: listed("1.1.1.2"))
        #expect(
            try listing(index)
                == SeriesListing(sources: [.instanceAvailability], total: 2, missing: 1, unlisted: 0))
    }

    @Test("a step is created once, set while it is in progress, and no more once it has ended")
    func states() throws {
        let index = try bench.open()
        #expect(try index.setStep(step, state: .completed, series: nil) == .unknown)
        #expect(try create(index) == .kept)
        #expect(try create(index) == .duplicate)
        #expect(try index.setStep(step, state: .discontinued, series: nil) == .kept)
        #expect(try index.setStep(step, state: .completed, series: listed("1.1.1.1")) == .ended)
    }

    @Test("lists go once their series is complete, and after 30 days")
    func forgotten() throws {
        let index = try bench.open()
        _ = try index.record(header("1.1.1.1"), file: file("a"))
        try index.noteAvailability(.of("8.1"), series: listed("1.1.1.1"))
        let open = try index.openSeries()[0]
        #expect(open.listed != nil)
        #expect(try index.markComplete(open.id, revision: open.revision, evidence: "listed") == .done)
        _ = try index.record(header("1.1.1.2"), file: file("b"))
        #expect(try index.openSeries()[0].listed == nil)

        try index.noteAvailability(.of("8.2"), series: listed("1.9.1.1", series: "1.9.1"))
        bench.advance(seconds: 31 * 86_400)
        try index.noteAvailability(.of("8.3"), series: [])
        _ = try index.record(header("1.9.1.1", study: "1.9", series: "1.9.1"), file: file("c"))
        #expect(try index.openSeries().allSatisfy { $0.listed == nil })
    }
}
