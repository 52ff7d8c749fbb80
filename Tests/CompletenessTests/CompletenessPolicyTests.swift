// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM
import Testing

@testable import Completeness

private let ct = UID(literal: "1.2.840.10008.5.1.4.1.1.2")

/// Slices of an axial series at the given heights, mm, numbered from 1.
private func slices(_ heights: [Double]) -> [SeriesEvidence.Instance] {
    heights.enumerated().map { index, z in
        SeriesEvidence.Instance(
            sopClassUID: ct, instanceNumber: index + 1, position: Vector3(-120, -130, z), row: Vector3(1, 0, 0),
            column: Vector3(0, 1, 0))
    }
}

private func even(_ count: Int, spacing: Double = 1.25, from start: Double = -50) -> [Double] {
    (0..<count).map { start + Double($0) * spacing }
}

private func series(
    _ instances: [SeriesEvidence.Instance], open: Int = 0, last: Double = 100, released: Bool = true
) -> SeriesEvidence {
    SeriesEvidence(instances: instances, openAssociations: open, lastArrival: last, isReleased: released)
}

private let policy = CompletenessPolicy(quietPeriod: 10)

@Suite struct CompletenessPolicyTests {
    @Test("a released series with even slices is provisional at once, and says why")
    func provisional() {
        let verdict = policy.verdict(for: series(slices(even(200))), at: 100.01)
        #expect(verdict == .provisional(evidence: "200 positions, 1.25 mm apart, association released", until: 110))
    }

    @Test("the order in which slices arrived does not matter")
    func anyOrder() {
        let shuffled = slices(even(60)).sorted { ($0.instanceNumber! * 37) % 61 < ($1.instanceNumber! * 37) % 61 }
        let verdict = policy.verdict(for: series(shuffled), at: 101)
        #expect(verdict == .provisional(evidence: "60 positions, 1.25 mm apart, association released", until: 110))
    }

    @Test(
        "the quiet period makes a series complete, and not a moment before",
        arguments: [(109.999, false), (110, true), (500, true)])
    func quiet(now: Double, isComplete: Bool) {
        let verdict = policy.verdict(for: series(slices(even(200))), at: now)
        #expect(
            (verdict == .complete(evidence: "200 positions, 1.25 mm apart, association released, nothing new for 10 s"))
                == isComplete)
    }

    @Test("while an association is open, three quiet periods must pass")
    func openAssociation() {
        let open = series(slices(even(200)), open: 1, released: false)
        #expect(
            policy.verdict(for: open, at: 129)
                == .incomplete(until: 130, waitingFor: "200 positions, 1.25 mm apart, association open"))
        #expect(
            policy.verdict(for: open, at: 130)
                == .complete(evidence: "200 positions, 1.25 mm apart, association still open, nothing new for 30 s"))
    }

    @Test("an aborted association leaves only the quiet period")
    func aborted() {
        let aborted = series(slices(even(200)), released: false)
        #expect(
            policy.verdict(for: aborted, at: 101)
                == .incomplete(
                    until: 110, waitingFor: "200 positions, 1.25 mm apart, association ended without release"))
        #expect(
            policy.verdict(for: aborted, at: 110)
                == .complete(evidence: "200 positions, 1.25 mm apart, nothing new for 10 s"))
    }

    @Test("a series of no instances is never complete before the quiet period, and does not crash after it")
    func empty() {
        #expect(policy.verdict(for: series([]), at: 1000) == .incomplete(until: 110, waitingFor: "no instance yet"))
    }

    static let doubtful: [(String, [SeriesEvidence.Instance])] = {
        var tilted = slices(even(20))
        tilted[7].row = Vector3(0.98, 0.2, 0)
        var unplaced = slices(even(20))
        unplaced[3].position = nil
        var unnumbered = slices(even(20))
        for index in 10..<20 { unnumbered[index].instanceNumber = index + 4 }
        var announced = slices(even(20))
        for index in announced.indices { announced[index].imagesInAcquisition = 24 }
        var strayed = slices(even(20))
        strayed[9].position = Vector3(-100, -130, strayed[9].position!.z)
        return [
            ("1 gap between positions", slices(even(20) + even(20, from: -50 + 21 * 1.25))),
            ("20 at a position already taken", slices(even(20) + even(20))),
            ("positions unevenly spaced", slices(even(10) + even(10, spacing: 1.6, from: -50 + 9 * 1.25 + 1.6))),
            ("orientations differ", tilted),
            ("1 of 20 without position", unplaced),
            ("3 instance numbers missing", unnumbered),
            ("20 of 24 images in acquisition", announced),
            ("positions unevenly spaced", strayed),
            ("only 3 instances", slices(even(3))),
        ]
    }()

    @Test("doubtful geometry is named, and waits for the quiet period", arguments: doubtful)
    func doubts(words: String, instances: [SeriesEvidence.Instance]) {
        let verdict = policy.verdict(for: series(instances), at: 101)
        #expect(verdict == .incomplete(until: 110, waitingFor: "quiet for 10 s: \(words)"))
        guard case .complete = policy.verdict(for: series(instances), at: 110) else {
            Issue.record("the quiet period did not complete the series")
            return
        }
    }

    @Test("a tilted gantry shears the stack evenly and is no doubt")
    func gantryTilt() {
        let row = Vector3(1, 0, 0)
        let column = Vector3(0, 0.9397, -0.342)
        let instances = (0..<30).map { index in
            SeriesEvidence.Instance(
                sopClassUID: ct, instanceNumber: index + 1, position: Vector3(-120, -130, Double(index) * 5), row: row,
                column: column)
        }
        let verdict = policy.verdict(for: series(instances), at: 101)
        #expect(verdict == .provisional(evidence: "30 positions, 4.698 mm apart, association released", until: 110))
    }

    @Test("a jitter of 0.1 mm is even, of 0.3 mm it is not", arguments: [(0.09, true), (0.3, false)])
    func tolerance(jitter: Double, isEven: Bool) {
        var heights = even(20)
        heights[10] += jitter
        guard case .provisional = policy.verdict(for: series(slices(heights)), at: 101) else {
            #expect(!isEven)
            return
        }
        #expect(isEven)
    }

    @Test("a single multi-frame instance is provisional on release and complete after the quiet period")
    func multiFrame() {
        let instance = SeriesEvidence.Instance(
            sopClassUID: UID(literal: "1.2.840.10008.5.1.4.1.1.2.1"), numberOfFrames: 320)
        #expect(
            policy.verdict(for: series([instance]), at: 101)
                == .provisional(evidence: "one instance of 320 frames, association released", until: 110))
        #expect(
            policy.verdict(for: series([instance]), at: 110)
                == .complete(evidence: "one instance of 320 frames, association released, nothing new for 10 s"))
    }

    @Test("numbers in steps of two are a scanner's way of counting")
    func steps() {
        var instances = slices(even(20))
        for index in instances.indices { instances[index].instanceNumber = 1 + 2 * index }
        guard case .provisional = policy.verdict(for: series(instances), at: 101) else {
            Issue.record("not provisional")
            return
        }
    }

    @Test("absurd numbers from the network do not crash", arguments: [Int.min, Int.max])
    func absurd(number: Int) {
        var instances = slices(even(20))
        instances[0].instanceNumber = number
        instances[1].instanceNumber = number / -2
        instances[2].position = Vector3(0, 0, 1e300)
        instances[3].imagesInAcquisition = .min
        _ = policy.verdict(for: series(instances), at: 101)
    }

    @Test("a header's positions count only with the right number of values")
    func header() {
        var header = InstanceHeader(
            sopClassUID: ct, sopInstanceUID: UID(literal: "1.2.3"), studyInstanceUID: UID(literal: "1.2"),
            seriesInstanceUID: UID(literal: "1.2.4"), transferSyntaxUID: UID(literal: "1.2.840.10008.1.2.1"))
        header.imagePositionPatient = [1, 2, 3]
        header.imageOrientationPatient = [1, 0, 0, 0, 1]
        let instance = SeriesEvidence.Instance(header)
        #expect(instance.position == Vector3(1, 2, 3))
        #expect(instance.row == nil && instance.column == nil)
        header.imageOrientationPatient = [1, 0, 0, 0, 1, 0]
        header.imagePositionPatient = [1, 2, .infinity]
        #expect(SeriesEvidence.Instance(header).row == Vector3(1, 0, 0))
        #expect(SeriesEvidence.Instance(header).column == Vector3(0, 1, 0))
        #expect(SeriesEvidence.Instance(header).position == nil)
    }

    @Test(
        "a series of which all that is listed is here, and nothing else, is complete at once, its association open or not"
    )
    func listed() {
        for open in [0, 1] {
            var whole = series(slices(even(3)), open: open, released: false)
            whole.listed = .init(source: "the step", total: 3, missing: 0, unlisted: 0)
            #expect(
                policy.verdict(for: whole, at: 100.01)
                    == .complete(evidence: "3 positions, 1.25 mm apart, all 3 that the step lists"))
        }
    }

    @Test("a list that is too short proves nothing")
    func unlisted() {
        var more = series(slices(even(60)))
        more.listed = .init(source: "the step", total: 59, missing: 0, unlisted: 1)
        #expect(policy.verdict(for: more, at: 100.01) == policy.verdict(for: series(slices(even(60))), at: 100.01))
        #expect(policy.verdict(for: more, at: 110) == policy.verdict(for: series(slices(even(60))), at: 110))
    }

    @Test(
        "while something listed is missing, quiet takes six times as long, and the evidence then says what is missing")
    func missing() {
        var part = series(slices(even(60)))
        part.listed = .init(source: "the step", total: 62, missing: 2, unlisted: 0)
        guard case .provisional(_, 160) = policy.verdict(for: part, at: 159.9) else {
            Issue.record("\(policy.verdict(for: part, at: 159.9))")
            return
        }
        #expect(
            policy.verdict(for: part, at: 160)
                == .complete(
                    evidence:
                        "60 positions, 1.25 mm apart, association released, 2 of 62 that the step lists have not come, nothing new for 60 s"
                ))
    }
}
