// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

// Takes: the findings and masks of one final run on one series, and the files of the analysed instances.
// Gives: Part 10 files in a directory, synced: a Segmentation and a Comprehensive 3D SR.
// Keeps: nothing. The same request gives the same bytes under the same UIDs.
// Never: invents a patient or study attribute, writes a result that mixes patients, calls a study normal.

import DICOM

/// Everything that results are made of, apart from the masks. All of it goes into the UIDs, except the paths.
package struct ResultRequest: Sendable, Codable {
    package var source: SourceSeries
    package var model: ModelIdentity
    package var findings: [Finding]
    /// What the model looks for, whether it found it or not; a negative report names it.
    package var soughtFindings: [Code]
    /// Every class of a classification, finding or not.
    package var scores: [ClassScore]
    /// What findings rest on, in their order; a map lies on the frame of its slice.
    package var explanations: [Explanation]
    package var coverage: Coverage
    /// What the package's quality gates measured; those that warn are among the notes, too.
    package var gates: [QualityGateResult]
    /// What the quality assessment has to say about the series, one sentence each.
    package var qualityNotes: [String]
    /// Why the series was not analysed; a report of that is all that is made then. Empty where it was.
    package var refusals: [String]
    /// Reports of earlier runs that this one supersedes.
    package var predecessors: [PredecessorDocument]
    /// Objects are made of final runs only: `encode` refuses a provisional one.
    package var isFinal: Bool
    package var template: ResultTemplate
    package var equipment: Equipment
    package var contentTime: ContentTime
    /// Version of the program and of its configuration: they change what a model finds.
    package var codeVersion: String
    package var configurationDigest: String

    package init(
        source: SourceSeries, model: ModelIdentity, findings: [Finding], soughtFindings: [Code] = [],
        scores: [ClassScore] = [], explanations: [Explanation] = [], coverage: Coverage,
        gates: [QualityGateResult] = [], qualityNotes: [String] = [], refusals: [String] = [],
        predecessors: [PredecessorDocument] = [], isFinal: Bool, template: ResultTemplate = ResultTemplate(),
        equipment: Equipment, contentTime: ContentTime, codeVersion: String, configurationDigest: String
    ) {
        self.source = source
        self.model = model
        self.findings = findings
        self.soughtFindings = soughtFindings
        self.scores = scores
        self.explanations = explanations
        self.coverage = coverage
        self.gates = gates
        self.qualityNotes = qualityNotes
        self.refusals = refusals
        self.predecessors = predecessors
        self.isFinal = isFinal
        self.template = template
        self.equipment = equipment
        self.contentTime = contentTime
        self.codeVersion = codeVersion
        self.configurationDigest = configurationDigest
    }
}

/// The series that was analysed.
package struct SourceSeries: Sendable, Codable {
    package var studyInstanceUID: UID
    package var seriesInstanceUID: UID
    /// Nil for an image without one, such as a projection radiograph.
    package var frameOfReferenceUID: UID?
    /// All instances that were analysed, in the order of their first slice. Their headers must have passed the scan.
    package var instances: [SourceInstance]
    /// The frame of each slice of the grid.
    package var frames: [SourceFrame]
    /// The grid of the masks.
    package var grid: Grid
    /// Other series of the study and frame of reference that the model read with it.
    package var companions: [CompanionSeries]

    package init(
        studyInstanceUID: UID, seriesInstanceUID: UID, frameOfReferenceUID: UID?, instances: [SourceInstance],
        frames: [SourceFrame], grid: Grid, companions: [CompanionSeries] = []
    ) {
        self.studyInstanceUID = studyInstanceUID
        self.seriesInstanceUID = seriesInstanceUID
        self.frameOfReferenceUID = frameOfReferenceUID
        self.instances = instances
        self.frames = frames
        self.grid = grid
        self.companions = companions
    }
}

/// A series that was analysed together with the one that the results belong to.
package struct CompanionSeries: Sendable, Codable, Equatable {
    package var seriesInstanceUID: UID
    /// In order of arrival.
    package var instances: [SourceInstance]

    package init(seriesInstanceUID: UID, instances: [SourceInstance]) {
        self.seriesInstanceUID = seriesInstanceUID
        self.instances = instances
    }
}

/// One analysed instance and where its file lies.
package struct SourceInstance: Sendable, Codable, Hashable {
    package var sopClassUID: UID
    package var sopInstanceUID: UID
    package var path: String
    /// SHA-256 of the stored data set, lower-case hex.
    package var digest: String

    package init(sopClassUID: UID, sopInstanceUID: UID, path: String, digest: String) {
        self.sopClassUID = sopClassUID
        self.sopInstanceUID = sopInstanceUID
        self.path = path
        self.digest = digest
    }
}

/// A report of the same study that a later one stands for.
package struct PredecessorDocument: Sendable, Codable, Hashable {
    package var seriesInstanceUID: UID
    package var sopClassUID: UID
    package var sopInstanceUID: UID

    package init(seriesInstanceUID: UID, sopClassUID: UID, sopInstanceUID: UID) {
        self.seriesInstanceUID = seriesInstanceUID
        self.sopClassUID = sopClassUID
        self.sopInstanceUID = sopInstanceUID
    }
}

/// How much of the body the run saw.
package struct Coverage: Sendable, Codable, Equatable {
    package var slices: Int
    /// Along the slice normal, mm.
    package var extent: Double
    /// Whether the manifest lets "no finding" be reported on this much; without it there is no negative report.
    package var isNegativeAccepted: Bool

    package init(slices: Int, extent: Double, isNegativeAccepted: Bool) {
        self.slices = slices
        self.extent = extent
        self.isNegativeAccepted = isNegativeAccepted
    }
}

/// The node that makes the objects. The algorithm, as contributing equipment and device observer, is the model package.
package struct Equipment: Sendable, Codable, Equatable {
    package var manufacturer: String
    package var manufacturerModelName: String
    package var deviceSerialNumber: String
    package var softwareVersions: String
    /// Of the node; the Device UID of the algorithm is derived, and changes with the model.
    package var deviceUID: UID?
    package var institutionName: String?
    package var stationName: String?

    package init(
        manufacturer: String = "triaged", manufacturerModelName: String = "triaged", deviceSerialNumber: String,
        softwareVersions: String, deviceUID: UID? = nil, institutionName: String? = nil, stationName: String? = nil
    ) {
        self.manufacturer = manufacturer
        self.manufacturerModelName = manufacturerModelName
        self.deviceSerialNumber = deviceSerialNumber
        self.softwareVersions = softwareVersions
        self.deviceUID = deviceUID
        self.institutionName = institutionName
        self.stationName = stationName
    }
}

/// A file that was made.
package struct EncodedResult: Sendable, Codable, Equatable {
    package var kind: ResultKind
    package var path: String
    package var sopClassUID: UID
    package var sopInstanceUID: UID
    package var studyInstanceUID: UID
    package var seriesInstanceUID: UID
    package var transferSyntaxUID: UID
    /// SHA-256 of the file, lower-case hex.
    package var digest: String
}
