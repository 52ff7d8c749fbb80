// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import CDCMTK
import DICOM

extension Item {
    /// Writes the SR Document Content module of a Comprehensive 3D SR whose root names a template of PS3.16. DCMTK checks
    /// the tree against the relations that the IOD allows. The other attributes are the caller's.
    package func setReport(title: Code, templateIdentifier: String, content: [ReportItem]) throws(DCMTKError) {
        var made: OpaquePointer?
        let condition = title.withC { cdcmtk_report_create($0, templateIdentifier, &made) }
        try DCMTKError.check(condition, "starting a report")
        guard let made else { preconditionFailure("a good condition comes with a report") }
        defer { cdcmtk_report_destroy(made) }
        for item in content { try item.add(to: made) }
        try DCMTKError.check(cdcmtk_report_write(made, pointer), "writing a report")
    }
}

extension ReportItem {
    fileprivate func add(to report: OpaquePointer) throws(DCMTKError) {
        let condition = name.withC { begin(report, $0) }
        try DCMTKError.check(condition, "adding \(name?.meaning ?? "an item without a name") to a report")
        for child in children { try child.add(to: report) }
        cdcmtk_report_end(report)
    }

    private func begin(_ report: OpaquePointer, _ name: cdcmtk_code) -> cdcmtk_condition {
        let relationship = relationship.c
        switch value {
        case .container: return cdcmtk_report_begin_container(report, relationship, name)
        case .text(let text): return cdcmtk_report_begin_text(report, relationship, name, text)
        case .uid(let uid): return cdcmtk_report_begin_uid(report, relationship, name, uid.string)
        case .code(let code): return code.withC { cdcmtk_report_begin_code(report, relationship, name, $0) }
        case .number(let number, let unit):
            return unit.withC { cdcmtk_report_begin_number(report, relationship, name, number, $0) }
        case .image(let sopClassUID, let sopInstanceUID, let frames, let segments):
            return cdcmtk_report_begin_image(
                report, relationship, name, sopClassUID.string, sopInstanceUID.string, frames.map { Int32($0) },
                frames.count, segments.map { UInt16($0) }, segments.count)
        case .polyline(let points):
            return cdcmtk_report_begin_polyline(report, relationship, name, points, points.count / 2)
        case .polygon3D(let points, let frameOfReferenceUID):
            return cdcmtk_report_begin_polygon3d(
                report, relationship, name, points, points.count / 3, frameOfReferenceUID.string)
        }
    }
}

extension ReportItem.Relationship {
    fileprivate var c: cdcmtk_relationship {
        switch self {
        case .contains: CDCMTK_CONTAINS
        case .hasObservationContext: CDCMTK_HAS_OBS_CONTEXT
        case .hasAcquisitionContext: CDCMTK_HAS_ACQ_CONTEXT
        case .hasConceptModifier: CDCMTK_HAS_CONCEPT_MOD
        case .hasProperties: CDCMTK_HAS_PROPERTIES
        case .inferredFrom: CDCMTK_INFERRED_FROM
        case .selectedFrom: CDCMTK_SELECTED_FROM
        }
    }
}

extension Code {
    fileprivate func withC<R>(_ body: (cdcmtk_code) -> R) -> R {
        value.withCString { value in
            scheme.withCString { scheme in
                meaning.withCString { body(cdcmtk_code(value: value, scheme: scheme, meaning: $0)) }
            }
        }
    }
}

extension Code? {
    fileprivate func withC<R>(_ body: (cdcmtk_code) -> R) -> R {
        switch self {
        case .none: body(cdcmtk_code(value: nil, scheme: nil, meaning: nil))
        case .some(let code): code.withC(body)
        }
    }
}
