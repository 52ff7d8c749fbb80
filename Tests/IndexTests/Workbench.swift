// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM
import Foundation
import Index
import Synchronization
import Testing

/// An index in a directory of its own, with a clock that the test moves.
final class Workbench: Sendable {
    let directory: String
    let path: String
    private let time = Mutex(Moment(wall: 1_800_000_000_000, monotonic: 5_000_000_000_000))
    let changes = Atomic<Int>(0)

    init() {
        directory = NSTemporaryDirectory() + "index-\(UUID().uuidString)"
        path = directory + "/index.sqlite"
        try? FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: directory) }

    func open(boot: String = "boot-1") throws -> StudyIndex {
        try StudyIndex(
            path: path, clock: { self.time.withLock { $0 } }, boot: boot,
            onWorklistChange: { _ in self.changes.add(1, ordering: .relaxed) })
    }

    func advance(seconds: Int64) {
        time.withLock {
            $0.wall += seconds * 1_000
            $0.monotonic += seconds * 1_000_000_000
        }
    }

    func stepWallClock(seconds: Int64) { time.withLock { $0.wall += seconds * 1_000 } }

    var now: Moment { time.withLock { $0 } }

    /// What a process that is killed at this moment leaves: the files as they are, copied beside the living index.
    func crashed() throws -> Workbench {
        let image = Workbench()
        for suffix in ["", "-wal"] where FileManager.default.fileExists(atPath: path + suffix) {
            try FileManager.default.copyItem(atPath: path + suffix, toPath: image.path + suffix)
        }
        image.time.withLock { $0 = now }
        return image
    }
}

extension UID {
    static func of(_ text: String) -> UID { UID(text) ?? UID(literal: "1") }
}

let explicitLittleEndian = "1.2.840.10008.1.2.1"
let jpegLossless = "1.2.840.10008.1.2.4.70"

/// A CT slice; `change` alters what matters to the test.
func header(
    _ instance: String, study: String = "1.1", series: String = "1.1.1", syntax: String = explicitLittleEndian,
    _ change: (inout InstanceHeader) -> Void = { _ in }
) -> InstanceHeader {
    var header = InstanceHeader(
        sopClassUID: .of("1.2.840.10008.5.1.4.1.1.2"), sopInstanceUID: .of(instance), studyInstanceUID: .of(study),
        seriesInstanceUID: .of(series), transferSyntaxUID: .of(syntax))
    header.patient = PatientIdentity(
        patientID: "4711", issuerOfPatientID: "HOSPITAL", patientName: "Muster^Max", patientBirthDate: "19600102",
        patientSex: "M")
    header.modality = "CT"
    header.hasPixelData = true
    change(&header)
    return header
}

func file(_ name: String, header: UInt8 = 1, pixels: UInt8? = 1, epoch: Int64 = 1) -> StoredFile {
    StoredFile(
        path: "instances/\(name)", epoch: epoch, size: 1000, headerDigest: [UInt8](repeating: header, count: 32),
        pixelDigest: pixels.map { [UInt8](repeating: $0, count: 32) })
}

extension StudyIndex {
    /// Three slices of one series. Returns its evidence.
    @discardableResult
    func receive(_ count: Int = 3, from first: Int = 0, study: String = "1.1", series: String = "1.1.1") throws
        -> SeriesEvidence
    {
        for number in first..<first + count {
            let uid = "\(series).\(number)"
            #expect(try record(header(uid, study: study, series: series), file: file(uid)) == .new)
        }
        return try evidence(study: study, series: series)
    }

    func evidence(study: String = "1.1", series: String = "1.1.1") throws -> SeriesEvidence {
        let item = try #require(try worklist().first { $0.studyInstanceUID.string == study })
        let row = try #require(item.series.first { $0.seriesInstanceUID.string == series })
        return try #require(try evidence(for: row.id))
    }

    func only() throws -> WorklistStudy {
        let studies = try worklist()
        try #require(studies.count == 1)
        return studies[0]
    }

    /// The first that was queued, provisional runs first.
    func nextJob() throws -> Job? {
        let waiting = try queue()
        return try (waiting.first { $0.run == .provisional } ?? waiting.first).flatMap { try job($0.id) }
    }

    /// Takes a series through a whole run.
    @discardableResult
    func analyse(
        _ evidence: SeriesEvidence, run: RunKind = .final, findings: [Finding] = [bleed()], results: [ResultFile] = []
    ) throws -> FinishAnswer {
        if run == .final {
            #expect(try markComplete(evidence.id, revision: evidence.revision, evidence: "quiet") == .done)
        }
        #expect(try enqueue(evidence.id, revision: evidence.revision, models: [model], run: run) == .done)
        let job = try #require(try nextJob())
        #expect(try beginAttempt(job.id))
        return try finish(job.id, .analysed(findings: findings, results: results, notes: [], engineSeconds: 0.5))
    }
}

extension WorklistStudy {
    /// Of its only series.
    var state: SeriesState? { series.count == 1 ? series[0].state : nil }
    var reason: String? { series.count == 1 ? series[0].reason : nil }
    /// Kinds of the runs that went through, those that are superseded with a mark.
    var runs: [String] {
        series.flatMap(\.runs).map { ($0.isSuperseded ? "superseded " : "") + $0.kind.rawValue }
    }
    var findings: [Finding] { series.flatMap(\.runs).filter { !$0.isSuperseded }.flatMap(\.findings) }
}

let model = ModelIdentity(name: "head-ct", version: "1", manufacturer: "m", digest: "abc", isDemonstration: true)

func bleed(_ priority: Priority = .critical, code: String = "1386000") -> Finding {
    let code = Code(code, "SCT", "Intracranial hemorrhage")
    return Finding(
        label: "Intracranial hemorrhage", code: code, category: code, type: code, confidence: 0.9, priority: priority,
        volumeML: 12)
}

func segmentation(_ uid: String = "2.25.9", digest: String = "d1", to destinations: [String] = ["pacs"]) -> ResultFile {
    ResultFile(
        sopClassUID: .of("1.2.840.10008.5.1.4.1.1.66.4"), sopInstanceUID: .of(uid), seriesInstanceUID: .of("2.25.8"),
        transferSyntaxUID: .of(explicitLittleEndian),
        path: "results/\(uid)", size: 10, digest: digest, destinations: destinations)
}
