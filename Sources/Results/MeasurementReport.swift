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

    /// The order that the images were made for, where they know it.
    private func writeRequest(to item: Item, source: Item) throws(DCMTKError) {
        let order = source.child(Attribute.requestAttributesSequence)
        guard order != nil || source.hasValue(Attribute.accessionNumber) else { return }
        try item.append(Attribute.referencedRequestSequence) { (item) throws(DCMTKError) in
            try item.set(Attribute.studyInstanceUID, request.source.studyInstanceUID)
            try item.setEmpty(Attribute.referencedStudySequence)
            try source.copy(Attribute.accessionNumber, to: item)
            try source.copy(Attribute.issuerOfAccessionNumberSequence, to: item)
            let copied = [
                Attribute.accessionNumber, Attribute.requestedProcedureID, Attribute.requestedProcedureDescription,
                Attribute.requestedProcedureCodeSequence, Attribute.placerOrderNumber, Attribute.fillerOrderNumber,
            ]
            for tag in copied {
                if let order, order.hasValue(tag) { try order.copy(tag, to: item) }
                if !item.has(tag) { try item.setEmpty(tag) }
            }
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
        if let number = source.string(Attribute.accessionNumber), Text.isPlain(number) {
            items.append(ReportItem(.hasObservationContext, Concept.accessionNumber, .text(number)))
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
        for place in places {
            guard let value = place?.string(Attribute.codeValue),
                let scheme = place?.string(Attribute.codingSchemeDesignator),
                Text.isPlain(value), Text.isPlain(scheme), value.utf8.count <= 16, scheme.utf8.count <= 16
            else { continue }
            let meaning = place?.string(Attribute.codeMeaning).flatMap { Text.isPlain($0) ? Text.long($0) : nil }
            return Code(value, scheme, meaning ?? Concept.imagingProcedure.meaning)
        }
        return nil
    }

    /// TID 1600: everything that was analysed.
    private var imageLibrary: ReportItem {
        var items: [ReportItem] = []
        if !facts.modality.isEmpty {
            items.append(ReportItem(.hasAcquisitionContext, Concept.modality, .code(facts.modalityCode)))
        }
        if let uid = request.source.frameOfReferenceUID {
            items.append(ReportItem(.hasAcquisitionContext, Concept.frameOfReferenceUID, .uid(uid)))
        }
        let grid = request.source.grid
        for (concept, count) in [(Concept.pixelDataRows, grid.rows), (Concept.pixelDataColumns, grid.columns)] {
            items.append(ReportItem(.hasAcquisitionContext, concept, .number(String(count), unit: Unit.pixels)))
        }
        for instance in request.source.instances + request.source.companions.flatMap(\.instances) {
            let reference = ReportItem.Value.image(
                sopClassUID: instance.sopClassUID, sopInstanceUID: instance.sopInstanceUID)
            items.append(ReportItem(.contains, nil, reference))
        }
        let group = ReportItem(.contains, Concept.imageLibraryGroup, .container, items)
        return ReportItem(.contains, Concept.imageLibrary, .container, [group])
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

    /// What holds for the series as a whole. A negative says whose it is and what was looked at, never "normal"
    /// (decision 11).
    private var evaluations: ReportItem {
        let isNegative = request.findings.isEmpty
        let model = "\(request.model.name) \(request.model.version)"
        var sentences: [String] = []
        if request.model.isDemonstration { sentences.append("DEMONSTRATION, not for diagnosis.") }
        let count = request.findings.count
        sentences.append("\(count == 0 ? "No" : "\(count)") finding\(count > 1 ? "s" : "") by \(model).")
        if !request.soughtFindings.isEmpty {
            sentences.append("Looked for: \(request.soughtFindings.map(\.meaning).joined(separator: ", ")).")
        }
        let slices = request.coverage.slices
        if request.source.frameOfReferenceUID == nil {
            // Radiographs and frames have no place in the patient, and no extent.
            sentences.append("Analysed: \(slices) image\(slices == 1 ? "" : "s").")
        } else {
            let extent = Text.decimal(request.coverage.extent, digits: 4)
            sentences.append("Analysed: \(slices) slices, extent \(extent) mm.")
        }
        sentences += request.qualityNotes
        sentences.append("Result of an algorithm, not reviewed by a person.")
        let summary = ReportItem(
            .contains, Concept.processingSummary,
            .code(isNegative ? Concept.withoutFindings : Concept.withFindings))
        let comments = sentences.map { ReportItem(.contains, Concept.comment, .text(Text.plain($0))) }
        return ReportItem(.contains, Concept.qualitativeEvaluations, .container, [summary] + comments)
    }
}

extension SourceFacts {
    /// CID 100. Codes of a hospital are not in it, and PixelMed takes the group for closed: they go elsewhere.
    var procedure: Code {
        switch modality {
        case "CT": Code("25045-6", "LN", "CT unspecified body region")
        case "MR": Code("25056-3", "LN", "MRI unspecified body region")
        default: Concept.imagingProcedure
        }
    }

    /// CID 29.
    var modalityCode: Code {
        let meanings = [
            "CT": "Computed Tomography", "MR": "Magnetic Resonance", "CR": "Computed Radiography",
            "DX": "Digital Radiography", "MG": "Mammography", "PT": "Positron emission tomography",
        ]
        return Code(modality, "DCM", meanings[modality] ?? modality)
    }
}
