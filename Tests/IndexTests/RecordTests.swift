// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM
import Foundation
import Index
import Synchronization
import Testing

@Suite struct RecordTests {
    let bench = Workbench()

    @Test("What the header says comes back as evidence, after a reopening too")
    func roundTrip() throws {
        let given = header("1.5") { header in
            header.specificCharacterSet = ["", "ISO 2022 IR 87"]
            header.isTextIntact = false
            header.accessionNumber = "A1"
            header.studyID = "S"
            header.studyDate = "20260101"
            header.studyTime = "101010"
            header.studyDescription = "Head"
            header.manufacturer = "M"
            header.seriesNumber = 2
            header.seriesDescription = "Axial"
            header.protocolName = "P"
            header.bodyPartExamined = "HEAD"
            header.convolutionKernel = "H30"
            header.contrastBolusAgent = "c"
            header.hasContrast = true
            header.imageType = ["ORIGINAL", "", "AXIAL"]
            header.instanceNumber = 7
            header.acquisitionNumber = 1
            header.numberOfFrames = 1
            header.rows = 512
            header.columns = 511
            header.sliceThickness = 1.25
            header.spacingBetweenSlices = 0.625
            header.pixelSpacing = [0.5, 0.25]
            header.imagePositionPatient = [-125.1, 1e-7, 3]
            header.imageOrientationPatient = [1, 0, 0, 0, 1, 0]
            header.gantryDetectorTilt = -12.5
            header.frameOfReferenceUID = .of("1.9")
            header.imagesInAcquisition = 40
            header.burnedInAnnotation = "NO"
        }
        var index: StudyIndex? = try bench.open()
        #expect(try index?.record(given, file: file("a"), association: 7, callingAETitle: AETitle("CT1")) == .new)
        let before = try #require(try index?.evidence(study: "1.1"))
        #expect(before.instances.map(\.header) == [given])
        #expect(before.openAssociations == [7])
        #expect(index?.associationEnded(7) == [before.id])
        try index?.close()
        index = nil
        let after = try bench.open().evidence(study: "1.1")
        #expect(after.instances == before.instances)
        #expect(after.openAssociations.isEmpty)
    }

    @Test("Eight threads record at once: each instance once, sequence numbers without a gap, one row a series")
    func concurrent() async throws {
        let index = try bench.open()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for thread in 0..<8 {
                group.addTask {
                    for number in 0..<50 {
                        // Two threads share a series, as two associations may.
                        let uid = "1.\(thread).\(number)"
                        let outcome = try index.record(
                            header(uid, study: "1.1", series: "2.\(thread / 2)"), file: file(uid),
                            association: UInt64(thread + 1))
                        #expect(outcome == .new)
                    }
                }
            }
            try await group.waitForAll()
        }
        let study = try index.only()
        #expect(study.series.count == 4)
        let evidence = try study.series.map { try #require(try index.evidence(for: $0.id)) }
        #expect(
            evidence.allSatisfy { $0.instances.count == 100 && $0.revision == 100 && $0.openAssociations.count == 2 })
        #expect(evidence.flatMap(\.instances).map(\.arrivalSequence).sorted() == Array(1...400))
        #expect(evidence.map(\.lastArrivalSequence).max() == 400)
    }

    @Test("One instance that cannot be written fails alone; those that share its transaction are recorded")
    func failsAlone() async throws {
        let index = try bench.open()
        #expect(try index.record(header("1.0"), file: file("taken")) == .new)
        let failures = await withTaskGroup(of: Int.self) { group in
            for number in 1...40 {
                group.addTask {
                    // Every fourth has a path that another row has.
                    let path = number % 4 == 0 ? "taken" : "\(number)"
                    do {
                        _ = try index.record(header("1.\(number)"), file: file(path))
                        return 0
                    } catch { return 1 }
                }
            }
            return await group.reduce(0, +)
        }
        #expect(failures == 10)
        #expect(try index.evidence(study: "1.1").instances.count == 31)
    }

    @Test("Order is by arrival, and a step of the wall clock is written down")
    func clockStep() throws {
        let index = try bench.open()
        #expect(try index.record(header("1.1"), file: file("a")) == .new)
        bench.stepWallClock(seconds: -3600)
        #expect(try index.record(header("1.2"), file: file("b")) == .new)
        #expect(try index.evidence(study: "1.1").instances.map(\.header.sopInstanceUID.string) == ["1.1", "1.2"])
        #expect(try index.clockSteps() == ["-3600000 ms"])
    }

    @Test("Each new instance changes the revision, a duplicate does not")
    func revisions() throws {
        let index = try bench.open()
        #expect(try index.receive(3).revision == 3)
        let again = try index.record(header("1.1.1.0"), file: file("again"))
        #expect(again == .duplicate(existing: "instances/1.1.1.0"))
        #expect(try index.evidence().revision == 3)
        #expect(try index.counts().files == 3)
    }

    @Test("The worklist is told of a new study and a new series, not of each instance")
    func changes() throws {
        let index = try bench.open()
        try index.receive(50)
        #expect(index.changeCount == 1)
        try index.receive(1, series: "1.1.2")
        #expect(index.changeCount == 2)
        #expect(bench.changes.load(ordering: .relaxed) == 2)
    }
}
