// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM
import Foundation
import Results

/// What the daemon asks of a worker: one request at a time, and to stop it. One JSON object a line, over the worker's standard input.
enum WorkerJob: Codable, Equatable {
    /// Load these packages now, so that the first series does not wait for it.
    case warm(packages: [String])
    case analyse(AnalysisJob)
    /// Do two files decode to the same pixels?
    case compare(a: String, b: String)
    /// The request of this id is wanted no more. There is no answer to this one; the other's is `stopped`, unless it was ready.
    case stop(request: Int)
}

/// One run of one package over one series.
struct AnalysisJob: Codable, Equatable {
    var studyInstanceUID: UID
    var seriesInstanceUID: UID
    var frameOfReferenceUID: UID?
    /// The instances to analyse, in order of arrival.
    var instances: [SourceInstance]
    /// Other series that the package reads, in the order of its channels after the first.
    var companions: [CompanionSeries]
    /// Directory of the model package.
    var package: String
    /// The package, with that of its region, must still be the one that was chosen: its digest.
    var packageDigest: String
    /// Directory of the package that finds the region, where there is one.
    var regionPackage: String?
    /// Where results go; exists and is empty.
    var output: String
    /// What is to be made, and for whom.
    var orders: [ResultOrder]
    var equipment: Equipment
    var contentTime: ContentTime
    var configurationDigest: String
}

struct WorkerRequest: Codable {
    var id: Int
    var job: WorkerJob

    var line: String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        guard let data = try? encoder.encode(self) else { preconditionFailure("a job always encodes") }
        return String(decoding: data, as: UTF8.self)
    }
}

/// What a worker says. One JSON object a line, over its standard output.
struct WorkerMessage: Codable {
    enum Body: Codable {
        case ready
        case progress(String)
        /// What was found, before it is encoded: a priority need not wait for objects.
        case found(AnalysisOutcome)
        case outcome(WorkerOutcome)
    }
    var id: Int
    var body: Body

    init(id: Int, body: Body) {
        self.id = id
        self.body = body
    }

    init?(line: String) {
        guard let message = try? JSONDecoder().decode(WorkerMessage.self, from: Data(line.utf8)) else { return nil }
        self = message
    }

    var line: String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        guard let data = try? encoder.encode(self) else { preconditionFailure("a message always encodes") }
        return String(decoding: data, as: UTF8.self)
    }
}

enum WorkerOutcome: Codable, Equatable {
    case warmed
    case analysed(AnalysisOutcome)
    /// The series cannot be trusted or a quality gate refused it: not analysed, with the reason.
    /// The report of that comes along, where a destination asks for it.
    case refused(String, results: [EncodedFile] = [])
    /// The run failed in a way that another attempt would not mend.
    case failed(String)
    /// The run failed, and may go well another time: memory or space was short.
    case retry(String)
    /// What the run needs is not there now, such as an inference server: the job waits.
    case unavailable(String)
    /// Taken back before it was ready.
    case stopped
    case compared(samePixels: Bool)
}

/// A run's outcome: findings, and the encoded objects.
struct AnalysisOutcome: Codable, Equatable {
    var findings: [Finding]
    var results: [EncodedFile]
    /// What was covered, in words: slices and extent.
    var coverage: String
    /// True where the manifest accepts the coverage for a negative statement (decision 11).
    var coverageAccepted: Bool
    var notes: [String]
    /// Every class of a classification, finding or not.
    var scores: [ClassScore] = []
    /// Maps come without their values, which would be too much for a pipe.
    var explanations: [Explanation] = []
    var gates: [QualityGateResult] = []
    /// Seconds spent inside the engine, and in the whole job.
    var engineSeconds: Double
    var totalSeconds: Double
}

struct EncodedFile: Codable, Equatable {
    var kind: ResultKind
    var path: String
    var sopClassUID: UID
    var sopInstanceUID: UID
    var seriesInstanceUID: UID
    var transferSyntaxUID: UID
    /// Names of the destinations that take it, whose conditions are to be met.
    var destinations: [String]
}
