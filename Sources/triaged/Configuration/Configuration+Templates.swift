// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM
import Delivery
import Models
import Results

/// What a destination gets, and when.
extension Configuration {
    static let templateKeys = [
        "negativeReports", "notAnalysedReports", "objects", "seriesDescription", "seriesNumbers", "segmentationForm",
        "transferSyntax", "when",
    ]

    static func template(_ section: StrictSection) -> ResultTemplate {
        var template = ResultTemplate(
            negativeReport: section.boolean("negativeReports") ?? false,
            notAnalysedReport: section.boolean("notAnalysedReports") ?? false)
        if let objects = section.choices("objects", ResultKind.self) {
            if Set(objects).count != objects.count { section.fault("objects", "names a kind twice") }
            template.objects = ResultKind.allCases.filter(objects.contains)
        }
        if let text = section.text("seriesDescription") {
            if let fault = ResultTemplate.fault(seriesDescription: text) { section.fault("seriesDescription", fault) }
            template.seriesDescription = text
        }
        for (name, number) in section.has("seriesNumbers") ? section.words("seriesNumbers") : [:] {
            if let fault = ResultTemplate.fault(seriesNumber: number) { section.fault("seriesNumbers", fault) }
            guard let kind = ResultKind(rawValue: name) else {
                let kinds = ResultKind.allCases.map(\.rawValue).joined(separator: ", ")
                section.fault("seriesNumbers", "has `\(name)`, and kinds of objects are \(kinds)")
                continue
            }
            template.seriesNumbers[kind] = number
        }
        template.segmentationForm =
            section.choice("segmentationForm", SegmentationForm.self) ?? template.segmentationForm
        template.encoding = section.choice("transferSyntax", ResultTemplate.Encoding.self) ?? template.encoding
        return template
    }

    static func condition(_ section: StrictSection) -> DeliveryCondition {
        let keys = ["modality", "findings", "minimumPriority"]
        guard let section = section.section("when", keys: keys) else { return DeliveryCondition() }
        return DeliveryCondition(
            modalities: Set(section.texts("modality") ?? []), findings: section.texts("findings") ?? [],
            minimumPriority: section.choice("minimumPriority", Priority.self) ?? .routine)
    }
}
