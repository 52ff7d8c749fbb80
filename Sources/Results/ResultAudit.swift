// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DCMTK
import DICOM

/// Reads results back and checks what no validator sees: whose they are, where they lie, that report and Segmentation
/// speak of the same things, and that every object names the same algorithm. Runs on everything that is made.
package struct ResultAudit {
    /// The first analysed instance.
    let source: Item
    /// Where the frames of the source lie, mm.
    let positions: [SourceFrame: [Double]]

    init(source: Item, series: SourceSeries, facts: SourceFacts) {
        self.source = source
        var positions: [SourceFrame: [Double]] = [:]
        for (frame, plane) in zip(series.frames, facts.planes) {
            positions[frame] = plane.position.split(separator: "\\").compactMap { Double($0) }
        }
        self.positions = positions
    }

    /// Throws `ResultsError.audit` where results that belong together, a Segmentation first, are wrong or do not agree
    /// with the instances that were analysed.
    package static func check(_ results: [EncodedResult], of source: SourceSeries) throws(ResultsError) {
        let facts = try SourceFacts(source)
        let dataSet: DataSet
        do { dataSet = try DataSet(contentsOf: source.instances[0].path) } catch { throw ResultsError(error) }
        try dataSet.withItem { (item) throws(ResultsError) in
            try ResultAudit(source: item, series: source, facts: facts).check(results)
        }
    }

    func check(_ results: [EncodedResult]) throws(ResultsError) {
        var tracking: [Int: Track] = [:]
        var volumes: SegmentVolumes?
        var segmentationUID: UID?
        for result in results {
            let dataSet: DataSet
            do { dataSet = try DataSet(contentsOf: result.path) } catch { throw ResultsError(error) }
            try dataSet.withItem { (item) throws(ResultsError) in
                do throws(Defect) {
                    try checkIdentity(item, result)
                    try checkAlgorithm(item)
                    switch result.kind {
                    case .segmentation:
                        tracking = try segments(item)
                        let isDeflated = result.transferSyntaxUID == TransferSyntax.deflatedExplicitVRLittleEndian.uid
                        volumes = isDeflated ? nil : try SegmentVolumes(item, path: result.path)
                        let marked = volumes.map { Set($0.cubicMillimetres.keys) } ?? []
                        try require(marked.isSubset(of: tracking.keys), "a label of its pixels is of no segment")
                        segmentationUID = result.sopInstanceUID
                    case .measurementReport:
                        try checkReport(item, segmentation: segmentationUID, tracking, volumes)
                        try checkPlace(item)
                    case .keyObjects: try checkSelection(item)
                    case .secondaryCapture, .heatMap: try checkPicture(item)
                    case .presentationState: try checkPresentation(item)
                    }
                } catch {
                    throw .audit(path: result.path, error.reason)
                }
            }
        }
    }

    /// What links a segment to the groups that speak of it.
    struct Track {
        var uid: UID
        var identifier: String
    }

    struct Defect: Error { var reason: String }

    func require(_ isTrue: Bool, _ reason: @autoclosure () -> String) throws(Defect) {
        if !isTrue { throw Defect(reason: reason()) }
    }

    private func checkIdentity(_ item: Item, _ result: EncodedResult) throws(Defect) {
        try require(
            item.uid(Attribute.sopInstanceUID) == result.sopInstanceUID
                && item.uid(Attribute.sopClassUID) == result.sopClassUID,
            "its SOP Instance or Class UID is another one")
        let same = [
            Attribute.specificCharacterSet, Attribute.patientName, Attribute.patientID, Attribute.issuerOfPatientID,
            Attribute.patientBirthDate, Attribute.patientSex, Attribute.studyInstanceUID, Attribute.accessionNumber,
        ]
        for tag in same {
            try require((item.bytes(tag) ?? []) == (source.bytes(tag) ?? []), "\(tag) differs from the source")
        }
    }

    /// By segment number.
    private func segments(_ item: Item) throws(Defect) -> [Int: Track] {
        try require(
            item.uid(Attribute.frameOfReferenceUID) == source.uid(Attribute.frameOfReferenceUID),
            "its frame of reference is not that of the source")
        for tag in [Attribute.rows, Attribute.columns] {
            try require(item.integer(tag) == source.integer(tag), "\(tag) differs from the source")
        }
        let isLabelMap = item.uid(Attribute.sopClassUID) == SOPClass.labelMapSegmentation
        var tracking: [Int: Track] = [:]
        // Segment 0 of a label map is what belongs to no segment.
        var number = isLabelMap ? 0 : 1
        try item.forEachChild(Attribute.segmentSequence) { (segment) throws(Defect) in
            let track = segment.uid(Attribute.trackingUID).flatMap { uid in
                segment.string(Attribute.trackingID).map { Track(uid: uid, identifier: $0) }
            }
            try require(
                segment.integer(Attribute.segmentNumber) == number
                    && (number == 0 || track?.identifier.isEmpty == false),
                "segment \(number) lacks its number or tracking identifiers")
            if number > 0 { tracking[number] = track }
            number += 1
        }
        try require(!tracking.isEmpty, "it has no segments")
        try require(Set(tracking.values.map(\.uid)).count == tracking.count, "two segments have one tracking UID")
        try checkFrames(item, isLabelMap ? nil : Set(tracking.keys))
        return tracking
    }

    /// - Parameter segments: their numbers; nil for a label map, whose frames hold all of them.
    private func checkFrames(_ item: Item, _ segments: Set<Int>?) throws(Defect) {
        var references: Set<UID> = []
        try item.forEachChild(Attribute.referencedSeriesSequence) { (series) throws(Defect) in
            try require(
                series.uid(Attribute.seriesInstanceUID) == source.uid(Attribute.seriesInstanceUID),
                "it refers to another series")
            series.forEachChild(Attribute.referencedInstanceSequence) { instance in
                if let uid = instance.uid(Attribute.referencedSOPInstanceUID) { references.insert(uid) }
            }
        }
        let isPlaced = item.uid(Attribute.frameOfReferenceUID) != nil
        var frames = 0
        var seen: Set<Int> = []
        try item.forEachChild(Attribute.perFrameFunctionalGroupsSequence) { (frame) throws(Defect) in
            frames += 1
            if let segments {
                let number = frame.child(Attribute.segmentIdentificationSequence)?
                    .integer(Attribute.referencedSegmentNumber)
                try require(number.map(segments.contains) == true, "a frame is of no segment")
                if let number { seen.insert(number) }
            }
            let image = frame.child(Attribute.derivationImageSequence)?.child(Attribute.sourceImageSequence)
            let uid = image?.uid(Attribute.referencedSOPInstanceUID)
            try require(uid.map(references.contains) == true, "a frame refers to no image that is listed")
            guard isPlaced, let uid, let classUID = image?.uid(Attribute.referencedSOPClassUID) else { return }
            let position = frame.child(Attribute.planePositionSequence)?.numbers(
                Attribute.imagePositionPatient, count: 3)
            try require(position != nil, "a frame has no position")
            let key = SourceFrame(
                sopClassUID: classUID, sopInstanceUID: uid,
                frameNumber: image?.integer(Attribute.referencedFrameNumber))
            try require(positions[key] == position, "a frame does not lie where its image lies")
        }
        try require(
            frames > 0 && item.integer(Attribute.numberOfFrames) == frames, "its frames and their groups do not agree")
        try require(segments == nil || seen == segments, "a segment has no frame")
    }

    private func checkReport(
        _ item: Item, segmentation: UID?, _ tracking: [Int: Track], _ volumes: SegmentVolumes?
    ) throws(Defect) {
        let title = item.child(Attribute.conceptNameCodeSequence).flatMap(code)
        try require(
            title.map { title in Concept.reportTitles.contains { $0.isSameConcept(as: title) } } == true,
            "its title is not in CID 7021")
        let evidence = evidence(item)
        var segmentsSeen: Set<Int> = []
        var outlined: Set<UID> = []
        var groups = 0
        try walk(item) { (content) throws(Defect) in
            if let reference = content.child(Attribute.referencedSOPSequence) {
                let uid = reference.uid(Attribute.referencedSOPInstanceUID)
                try require(uid.map(evidence.contains) == true, "it refers to an instance that is not in its evidence")
            }
            let name = content.child(Attribute.conceptNameCodeSequence).flatMap(code)
            guard name?.isSameConcept(as: Concept.measurementGroup) == true else { return }
            groups += 1
            let uid = child(of: content, Concept.trackingUniqueIdentifier)?.uid(Attribute.uid)
            try require(uid != nil, "measurement group \(groups) has no tracking UID")
            if let segment = child(of: content, Concept.referencedSegment)?.child(Attribute.referencedSOPSequence) {
                let number = segment.integer(segmentNumber) ?? 0
                try require(
                    segment.uid(Attribute.referencedSOPInstanceUID) == segmentation && tracking[number] != nil,
                    "measurement group \(groups) refers to a segment that does not exist")
                try require(tracking[number]?.uid == uid, "measurement group \(groups) tracks another segment")
                try require(
                    child(of: content, Concept.trackingIdentifier)?.string(Attribute.textValue)
                        == tracking[number]?.identifier, "measurement group \(groups) calls its segment another name")
                segmentsSeen.insert(number)
                if let volumes {
                    let volume = volumes.cubicMillimetres[number] ?? 0
                    try checkVolume(content, volume, isExact: volumes.isExact, group: groups)
                }
            } else if let uid {
                outlined.insert(uid)
            }
        }
        try require(segmentsSeen == Set(tracking.keys), "it does not speak of every segment")
        // For viewers that show no segments.
        try require(
            outlined.isSuperset(of: tracking.values.map(\.uid)), "a segment has no outline under its tracking UID")
    }

    /// In a content item the segment is referred to by the same attribute as in a frame.
    private var segmentNumber: Tag { Attribute.referencedSegmentNumber }

    func evidence(_ item: Item) -> Set<UID> {
        var uids: Set<UID> = []
        item.forEachChild(Attribute.currentRequestedProcedureEvidenceSequence) { study in
            study.forEachChild(Attribute.referencedSeriesSequence) { series in
                series.forEachChild(Attribute.referencedSOPSequence) { instance in
                    if let uid = instance.uid(Attribute.referencedSOPInstanceUID) { uids.insert(uid) }
                }
            }
        }
        return uids
    }

    /// Our own documents are a few levels deep.
    func walk(_ item: Item, _ visit: (Item) throws(Defect) -> Void) throws(Defect) {
        try item.forEachChild(Attribute.contentSequence) { (content) throws(Defect) in
            try visit(content)
            try walk(content, visit)
        }
    }

    func child(of item: Item, _ name: Code) -> Item? {
        var found: Item?
        item.forEachChild(Attribute.contentSequence) { content in
            let isNamed =
                content.child(Attribute.conceptNameCodeSequence).flatMap(code)?.isSameConcept(as: name) == true
            if isNamed, found == nil { found = content }
        }
        return found
    }

    func code(_ item: Item) -> Code? {
        guard let value = item.string(Attribute.codeValue), let scheme = item.string(Attribute.codingSchemeDesignator)
        else { return nil }
        return Code(value, scheme, item.string(Attribute.codeMeaning) ?? "")
    }
}
