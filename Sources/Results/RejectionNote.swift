// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import Crypto
import DCMTK
import DICOM
import Foundation

/// A Key Object Selection (PS3.16 TID 2010) that takes objects of an earlier run back: "Rejected for Quality Reasons", as image
/// managers know it from IHE's Imaging Object Change Management.
package struct RejectionNote: Sendable {
    /// An object that is taken back. All are of one study and one patient.
    package struct Rejected: Sendable, Hashable {
        package var sopClassUID: UID
        package var sopInstanceUID: UID
        package var seriesInstanceUID: UID

        package init(sopClassUID: UID, sopInstanceUID: UID, seriesInstanceUID: UID) {
            self.sopClassUID = sopClassUID
            self.sopInstanceUID = sopInstanceUID
            self.seriesInstanceUID = seriesInstanceUID
        }
    }

    package static let sopClassUID = UID(literal: "1.2.840.10008.5.1.4.1.1.88.59")
    package static let transferSyntaxUID = UID(literal: "1.2.840.10008.1.2.1")
    private static let seriesNumber = "9809"

    package let studyInstanceUID: UID
    package let rejected: [Rejected]
    package let equipment: Equipment
    /// When the later run took their place.
    package let time: ContentTime
    package let destination: String

    /// - Parameter rejected: at least one, in any order.
    package init(
        studyInstanceUID: UID, rejected: [Rejected], equipment: Equipment, time: ContentTime, destination: String
    ) {
        self.studyInstanceUID = studyInstanceUID
        self.rejected = rejected.sorted { $0.sopInstanceUID.string < $1.sopInstanceUID.string }
        self.equipment = equipment
        self.time = time
        self.destination = destination
    }

    package var sopInstanceUID: UID { uid("instance") }
    package var seriesInstanceUID: UID { uid("series") }

    /// From everything that changes the bytes (decision 9).
    private func uid(_ role: String) -> UID {
        let parts =
            ["rejection note", role, studyInstanceUID.string, destination, equipment.deviceSerialNumber]
            + [equipment.manufacturer, equipment.manufacturerModelName, equipment.softwareVersions]
            + [equipment.stationName ?? "", "\(time.secondsSince1970)", "\(time.microseconds)", time.offset]
            + rejected.map(\.sopInstanceUID.string)
        return UID(nameBased: SHA256.hash(data: Data(parts.joined(separator: "\u{0}").utf8)))
    }

    /// Writes the Part 10 file. Thread: blocks.
    ///
    /// - Parameter source: the file of one of the objects; who the patient is, and of which study, is copied from it.
    package func write(to path: String, source: String) throws(ResultsError) {
        do throws(DCMTKError) {
            let first = try DataSet(contentsOf: source)
            let note = DataSet()
            try first.withItem { (source) throws(DCMTKError) in
                try note.withItem { (item) throws(DCMTKError) in try fill(item, from: source) }
            }
            try note.write(to: path, transferSyntaxUID: Self.transferSyntaxUID)
        } catch {
            throw ResultsError(error)
        }
    }

    private func fill(_ item: Item, from source: Item) throws(DCMTKError) {
        for tag in Attribute.copied { try source.copy(tag, to: item) }
        for tag in Attribute.requiredOfStudy where !item.has(tag) { try item.setEmpty(tag) }
        let time = source.string(Attribute.timezoneOffsetFromUTC).flatMap { self.time.at(offset: $0) } ?? self.time
        try item.set(Attribute.sopClassUID, Self.sopClassUID)
        try item.set(Attribute.sopInstanceUID, sopInstanceUID)
        try item.set(Attribute.seriesInstanceUID, seriesInstanceUID)
        try item.set(Attribute.modality, "KO")
        try item.set(Attribute.seriesNumber, Self.seriesNumber)
        try item.set(Attribute.seriesDescription, "Superseded results")
        try item.set(Attribute.instanceNumber, "1")
        for tag in [Attribute.seriesDate, Attribute.contentDate] { try item.set(tag, time.date) }
        for tag in [Attribute.seriesTime, Attribute.contentTime] { try item.set(tag, time.time) }
        try item.set(Attribute.manufacturer, Text.long(equipment.manufacturer))
        try item.set(Attribute.manufacturerModelName, Text.long(equipment.manufacturerModelName))
        try item.set(Attribute.deviceSerialNumber, Text.long(equipment.deviceSerialNumber))
        try item.set(Attribute.softwareVersions, Text.long(equipment.softwareVersions))
        if let name = equipment.stationName { try item.set(Attribute.stationName, Text.short(name)) }
        try item.setEmpty(Attribute.referencedPerformedProcedureStepSequence)
        try item.append(Attribute.currentRequestedProcedureEvidenceSequence) { (item) throws(DCMTKError) in
            try item.set(Attribute.studyInstanceUID, studyInstanceUID)
            for series in Set(rejected.map(\.seriesInstanceUID)).sorted(by: { $0.string < $1.string }) {
                try item.append(Attribute.referencedSeriesSequence) { (item) throws(DCMTKError) in
                    try item.set(Attribute.seriesInstanceUID, series)
                    for object in rejected where object.seriesInstanceUID == series {
                        try item.append(Attribute.referencedSOPSequence) { (item) throws(DCMTKError) in
                            try item.set(Attribute.referencedSOPClassUID, object.sopClassUID)
                            try item.set(Attribute.referencedSOPInstanceUID, object.sopInstanceUID)
                        }
                    }
                }
            }
        }
        try fillContent(item)
    }

    /// SR Document Content (PS3.3 C.17.3). DCMTK's report writer is for Comprehensive 3D SR; this tree has one level.
    private func fillContent(_ item: Item) throws(DCMTKError) {
        try item.set(Tag.valueType, "CONTAINER")
        try item.append(Attribute.conceptNameCodeSequence, Code("113001", "DCM", "Rejected for Quality Reasons"))
        try item.set(Tag.continuityOfContent, "SEPARATE")
        try item.append(Tag.contentTemplateSequence) { (item) throws(DCMTKError) in
            try item.set(Tag.mappingResource, "DCMR")
            try item.set(Tag.templateIdentifier, "2010")
        }
        try add(to: item, "HAS OBS CONTEXT", "CODE", Concept.observerType) { (item) throws(DCMTKError) in
            try item.append(Tag.conceptCodeSequence, Concept.device)
        }
        try add(to: item, "HAS OBS CONTEXT", "UIDREF", Concept.deviceObserverUID) { (item) throws(DCMTKError) in
            try item.set(Attribute.uid, uid("observer"))
        }
        try add(to: item, "HAS OBS CONTEXT", "TEXT", Concept.deviceObserverName) { (item) throws(DCMTKError) in
            try item.set(Tag.textValue, Text.long(equipment.stationName ?? equipment.manufacturerModelName))
        }
        try add(to: item, "CONTAINS", "TEXT", Code("113012", "DCM", "Key Object Description")) {
            (item) throws(DCMTKError) in
            try item.set(
                Tag.textValue,
                "These results are superseded: a later analysis of the study took their place. Disregard them.")
        }
        for object in rejected {
            let isImage = object.sopClassUID == SOPClass.segmentation || !Self.isDocument(object.sopClassUID)
            try add(to: item, "CONTAINS", isImage ? "IMAGE" : "COMPOSITE", nil) { (item) throws(DCMTKError) in
                try item.append(Attribute.referencedSOPSequence) { (item) throws(DCMTKError) in
                    try item.set(Attribute.referencedSOPClassUID, object.sopClassUID)
                    try item.set(Attribute.referencedSOPInstanceUID, object.sopInstanceUID)
                }
            }
        }
    }

    private func add(
        to item: Item, _ relationship: String, _ type: String, _ name: Code?,
        _ fill: (Item) throws(DCMTKError) -> Void
    ) throws(DCMTKError) {
        try item.append(Attribute.contentSequence) { (item) throws(DCMTKError) in
            try item.set(Tag.relationshipType, relationship)
            try item.set(Tag.valueType, type)
            if let name { try item.append(Attribute.conceptNameCodeSequence, name) }
            try fill(item)
        }
    }

    /// Structured reports, presentation states and what else has no pixels (PS3.6 A).
    private static func isDocument(_ sopClass: UID) -> Bool {
        sopClass.string.hasPrefix("1.2.840.10008.5.1.4.1.1.88.")
            || sopClass.string.hasPrefix("1.2.840.10008.5.1.4.1.1.11.")
    }
}

extension Tag {
    fileprivate static let mappingResource = Tag(0x0008, 0x0105)
    fileprivate static let relationshipType = Tag(0x0040, 0xA010)
    fileprivate static let valueType = Tag(0x0040, 0xA040)
    fileprivate static let continuityOfContent = Tag(0x0040, 0xA050)
    fileprivate static let textValue = Tag(0x0040, 0xA160)
    fileprivate static let conceptCodeSequence = Tag(0x0040, 0xA168)
    fileprivate static let contentTemplateSequence = Tag(0x0040, 0xA504)
    fileprivate static let templateIdentifier = Tag(0x0040, 0xDB00)
}
