// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DCMTK
import DICOM

/// A Comprehensive 3D SR after TID 1500 (PS3.16): the entry point to the results of a run.
struct MeasurementReport {
    let request: ResultRequest
    let facts: SourceFacts
    let segmentation: Segmentation?
    let names: ResultNames
    /// By finding: what is shown of masks on images without a frame of reference.
    var outlines: [Int: (slice: Int, outline: Outline)] = [:]

    var refersToSegmentation: Bool { request.template.objects.contains(.segmentation) }
    var sopInstanceUID: UID { names.uid("SR instance") }
    var seriesInstanceUID: UID { names.uid("SR series") }

    func write(to item: Item, header: Header) throws(DCMTKError) {
        try header.write(
            to: item, sopClassUID: SOPClass.comprehensive3DSR, sopInstanceUID: sopInstanceUID,
            seriesInstanceUID: seriesInstanceUID, modality: "SR", kind: .measurementReport)
        try item.setEmpty(Attribute.referencedPerformedProcedureStepSequence)
        try item.setEmpty(Attribute.performedProcedureCodeSequence)
        try item.set(Attribute.completionFlag, "COMPLETE")
        try item.set(Attribute.verificationFlag, "UNVERIFIED")
        try item.set(Attribute.preliminaryFlag, "PRELIMINARY")
        try writeRequest(to: item, source: header.source)
        try writePredecessors(to: item)
        let content = content(source: header.source)
        try writeEvidence(to: item, of: content)
        try item.setReport(title: Concept.report, templateIdentifier: "1500", content: content)
    }

    /// Every composite object that the content refers to, by study and series (PS3.3 C.17.2.3).
    private func writeEvidence(to item: Item, of content: [ReportItem]) throws(DCMTKError) {
        var seen: Set<UID> = []
        var source: [(UID, UID)] = []
        var segmentations: [(UID, UID)] = []
        for case .image(let sopClassUID, let sopInstanceUID, _, _) in content.flatMap(\.flattened).map(\.value) {
            guard seen.insert(sopInstanceUID).inserted else { continue }
            if sopInstanceUID == segmentation?.sopInstanceUID {
                segmentations.append((sopClassUID, sopInstanceUID))
            } else {
                source.append((sopClassUID, sopInstanceUID))
            }
        }
        let others = request.source.companions.map { series in
            (series.seriesInstanceUID, series.instances.map { ($0.sopClassUID, $0.sopInstanceUID) })
        }
        let companions = Set(others.flatMap(\.1).map(\.1))
        let series =
            [(request.source.seriesInstanceUID, source.filter { !companions.contains($0.1) })] + others
            + (segmentation.map { [($0.seriesInstanceUID, segmentations)] } ?? []).filter { !$0.1.isEmpty }
        try item.append(Attribute.currentRequestedProcedureEvidenceSequence) { (item) throws(DCMTKError) in
            try item.set(Attribute.studyInstanceUID, request.source.studyInstanceUID)
            for (uid, instances) in series {
                try item.append(Attribute.referencedSeriesSequence) { (item) throws(DCMTKError) in
                    try item.set(Attribute.seriesInstanceUID, uid)
                    for (sopClassUID, sopInstanceUID) in instances {
                        try item.append(Attribute.referencedSOPSequence) { (item) throws(DCMTKError) in
                            try item.set(Attribute.referencedSOPClassUID, sopClassUID)
                            try item.set(Attribute.referencedSOPInstanceUID, sopInstanceUID)
                        }
                    }
                }
            }
        }
    }

    private func writePredecessors(to item: Item) throws(DCMTKError) {
        guard !request.predecessors.isEmpty else { return }
        try item.append(Attribute.predecessorDocumentsSequence) { (item) throws(DCMTKError) in
            try item.set(Attribute.studyInstanceUID, request.source.studyInstanceUID)
            for document in request.predecessors {
                try item.append(Attribute.referencedSeriesSequence) { (item) throws(DCMTKError) in
                    try item.set(Attribute.seriesInstanceUID, document.seriesInstanceUID)
                    try item.append(Attribute.referencedSOPSequence) { (item) throws(DCMTKError) in
                        try item.set(Attribute.referencedSOPClassUID, document.sopClassUID)
                        try item.set(Attribute.referencedSOPInstanceUID, document.sopInstanceUID)
                    }
                }
            }
        }
    }

    /// The orders that the images were made for, where they know them.
    private func writeRequest(to item: Item, source: Item) throws(DCMTKError) {
        let count = source.childCount(Attribute.requestAttributesSequence)
        guard count > 0 || source.hasValue(Attribute.accessionNumber) else { return }
        for index in 0..<max(1, count) {
            let order = source.child(Attribute.requestAttributesSequence, index)
            try item.append(Attribute.referencedRequestSequence) { (item) throws(DCMTKError) in
                try writeRequest(to: item, order: order, source: source)
            }
        }
    }

    private func writeRequest(to item: Item, order: Item?, source: Item) throws(DCMTKError) {
        try item.set(Attribute.studyInstanceUID, request.source.studyInstanceUID)
        try item.setEmpty(Attribute.referencedStudySequence)
        try source.copy(Attribute.accessionNumber, to: item)
        try source.copy(Attribute.issuerOfAccessionNumberSequence, to: item)
        let copied = [
            Attribute.accessionNumber, Attribute.issuerOfAccessionNumberSequence, Attribute.requestedProcedureID,
            Attribute.requestedProcedureDescription, Attribute.requestedProcedureCodeSequence,
            Attribute.placerOrderNumber, Attribute.fillerOrderNumber,
        ]
        for tag in copied {
            if let order, order.hasValue(tag) { try order.copy(tag, to: item) }
            // The issuer stays away where there is none; the others are of type 2.
            if !item.has(tag), tag != Attribute.issuerOfAccessionNumberSequence { try item.setEmpty(tag) }
        }
    }
}

// MARK: The content tree

extension MeasurementReport {
    func content(source: Item) -> [ReportItem] {
        context(source: source) + [imageLibrary, measurements, evaluations]
    }

    /// TID 1204, 1001 and the procedure reported.
    private func context(source: Item) -> [ReportItem] {
        let algorithm = request.algorithm
        var items = [
            ReportItem(.hasConceptModifier, Concept.language, .code(Concept.english)),
            ReportItem(.hasObservationContext, Concept.observerType, .code(Concept.device)),
            ReportItem(.hasObservationContext, Concept.deviceObserverUID, .uid(algorithm.deviceUID)),
            ReportItem(
                .hasObservationContext, Concept.deviceObserverName,
                .text(Text.long(request.marked("\(algorithm.name) \(algorithm.version)")))),
            ReportItem(.hasObservationContext, Concept.deviceObserverManufacturer, .text(algorithm.source)),
            ReportItem(.hasObservationContext, Concept.deviceObserverModelName, .text(algorithm.name)),
            ReportItem(
                .hasObservationContext, Concept.deviceObserverSerialNumber,
                .text(Text.long(request.equipment.deviceSerialNumber))),
            ReportItem(
                .hasObservationContext, Concept.procedureStudyInstanceUID, .uid(request.source.studyInstanceUID)),
        ]
        // Content items share the character set of the copied attributes, so that only plain text can be repeated.
        let order = source.child(Attribute.requestAttributesSequence)
        let numbers = [
            (Concept.placerNumber, order?.string(Attribute.placerOrderNumber)),
            (Concept.fillerNumber, order?.string(Attribute.fillerOrderNumber)),
            (Concept.accessionNumber, source.string(Attribute.accessionNumber)),
        ]
        for case (let concept, let number?) in numbers where Text.isPlain(number) {
            items.append(ReportItem(.hasObservationContext, concept, .text(number)))
        }
        if let code = procedureCode(source) {
            items.append(ReportItem(.hasObservationContext, Concept.procedureCode, .code(code)))
        }
        items.append(ReportItem(.hasConceptModifier, Concept.procedureReported, .code(facts.procedure)))
        return items
    }

    /// What was done to the patient, in the words of the hospital.
    private func procedureCode(_ source: Item) -> Code? {
        let places = [
            source.child(Attribute.procedureCodeSequence),
            source.child(Attribute.requestAttributesSequence)?.child(Attribute.requestedProcedureCodeSequence),
        ]
        return places.lazy.compactMap { $0.flatMap(Text.code) }.first
    }

    /// Always there, if only with the algorithm: OHIF's reader looks for it without asking.
    private var measurements: ReportItem {
        let groups = request.findings.indices.flatMap { self.groups($0) }
        return ReportItem(.contains, Concept.imagingMeasurements, .container, algorithm() + groups)
    }

    /// TID 4019.
    func algorithm() -> [ReportItem] {
        [
            ReportItem(.hasConceptModifier, Concept.algorithmName, .text(request.algorithm.name)),
            ReportItem(.hasConceptModifier, Concept.algorithmVersion, .text(request.algorithm.version)),
            ReportItem(.hasConceptModifier, Concept.algorithmFamily, .code(Concept.artificialIntelligence)),
        ]
    }
}
