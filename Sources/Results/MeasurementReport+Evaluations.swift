// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DCMTK
import DICOM

extension MeasurementReport {
    /// What holds for the series as a whole. A negative says whose it is and what was looked at, never "normal"
    /// (decision 11); a series that was not analysed says why, and nothing about findings.
    var evaluations: ReportItem {
        let summary =
            request.refusals.isEmpty
            ? request.findings.isEmpty ? Concept.withoutFindings : Concept.withFindings : Concept.notAnalysed
        let comments = sentences.map { ReportItem(.contains, Concept.comment, .text(Text.plain($0))) }
        return ReportItem(
            .contains, Concept.qualitativeEvaluations, .container,
            [ReportItem(.contains, Concept.processingSummary, .code(summary))] + comments)
    }

    private var sentences: [String] {
        let model = "\(request.model.name) \(request.model.version)"
        var sentences: [String] = []
        if request.model.isDemonstration { sentences.append("DEMONSTRATION, not for diagnosis.") }
        if request.refusals.isEmpty {
            let count = request.findings.count
            sentences.append("\(count == 0 ? "No" : "\(count)") finding\(count > 1 ? "s" : "") by \(model).")
        } else {
            sentences.append("Not analysed by \(model).")
            sentences += request.refusals.map { "Reason: \($0)" }
        }
        if !request.soughtFindings.isEmpty {
            let sought = request.soughtFindings.map(\.meaning).joined(separator: ", ")
            sentences.append(request.refusals.isEmpty ? "Looked for: \(sought)." : "Not looked for: \(sought).")
        }
        if request.refusals.isEmpty {
            let slices = request.coverage.slices
            if request.source.frameOfReferenceUID == nil {
                // Radiographs and frames have no place in the patient, and no extent.
                sentences.append("Analysed: \(slices) image\(slices == 1 ? "" : "s").")
            } else {
                let extent = Text.decimal(request.coverage.extent, digits: 4)
                sentences.append("Analysed: \(slices) slices, extent \(extent) mm.")
            }
        }
        sentences += request.scores.map { score in
            let bound = Text.decimal(score.threshold, digits: 3)
            return
                "Score of \(score.label): \(Text.decimal(score.value, digits: 3)), a finding from \(bound). Not a probability."
        }
        sentences += request.qualityNotes
        // Those that warn are among the notes.
        sentences += request.gates.filter { $0.outcome == .pass }.map { "Quality gate passed: \($0.evidence)." }
        if !request.predecessors.isEmpty { sentences.append("Supersedes an earlier report.") }
        sentences.append("Result of an algorithm, not reviewed by a person.")
        return sentences
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
}
