// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DCMTK
import DICOM

/// A Key Object Selection after TID 2010 (PS3.3 A.35.4): the slices to look at first.
struct KeyObjectSelection {
    let request: ResultRequest
    let keys: [KeySlice]
    let names: ResultNames

    var sopInstanceUID: UID { names.uid("KO instance") }
    var seriesInstanceUID: UID { names.uid("KO series") }

    func write(to item: Item, header: Header) throws(DCMTKError) {
        try header.write(
            to: item, sopClassUID: SOPClass.keyObjectSelection, sopInstanceUID: sopInstanceUID,
            seriesInstanceUID: seriesInstanceUID, modality: "KO", kind: .keyObjects)
        try item.setEmpty(Attribute.referencedPerformedProcedureStepSequence)
        let references = request.source.instances(of: keys.map(\.slice).sorted())
        try item.append(Attribute.currentRequestedProcedureEvidenceSequence) { (item) throws(DCMTKError) in
            try item.set(Attribute.studyInstanceUID, request.source.studyInstanceUID)
            try item.append(Attribute.referencedSeriesSequence) { (item) throws(DCMTKError) in
                try item.set(Attribute.seriesInstanceUID, request.source.seriesInstanceUID)
                for reference in references {
                    try item.append(Attribute.referencedSOPSequence) { (item) throws(DCMTKError) in
                        try item.set(Attribute.referencedSOPClassUID, reference.sopClassUID)
                        try item.set(Attribute.referencedSOPInstanceUID, reference.sopInstanceUID)
                    }
                }
            }
        }
        try item.setReport(title: Concept.ofInterest, templateIdentifier: "2010", content: content)
    }

    /// The tree of a Comprehensive 3D SR takes all that TID 2010 has.
    private var content: [ReportItem] {
        let algorithm = request.algorithm
        let observer = [
            ReportItem(.hasObservationContext, Concept.observerType, .code(Concept.device)),
            ReportItem(.hasObservationContext, Concept.deviceObserverUID, .uid(algorithm.deviceUID)),
            ReportItem(
                .hasObservationContext, Concept.deviceObserverName,
                .text(Text.long(request.marked("\(algorithm.name) \(algorithm.version)")))),
            ReportItem(.hasObservationContext, Concept.deviceObserverManufacturer, .text(algorithm.source)),
            ReportItem(.hasObservationContext, Concept.deviceObserverModelName, .text(algorithm.name)),
        ]
        let description = ReportItem(.contains, Concept.keyObjectDescription, .text(Text.plain(description)))
        // An image with a concept name is not what the template has.
        let images = keys.map { key in
            let frame = request.source.frames[key.slice]
            return ReportItem(
                .contains, nil,
                .image(
                    sopClassUID: frame.sopClassUID, sopInstanceUID: frame.sopInstanceUID,
                    frames: frame.frameNumber.map { [$0] } ?? []))
        }
        return [ReportItem(.hasConceptModifier, Concept.language, .code(Concept.english))] + observer + [description]
            + images
    }

    private var description: String {
        let labels = keys.flatMap(\.findings).map { index in
            let finding = request.findings[index]
            return request.measure(of: finding).map { "\(finding.label) \($0)" } ?? finding.label
        }
        return request.marked("AI result, not reviewed: ") + labels.joined(separator: "; ")
            + " (\(request.model.name) \(request.model.version))"
    }
}
