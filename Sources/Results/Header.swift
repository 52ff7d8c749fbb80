// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DCMTK
import DICOM

/// The modules that all results have.
struct Header {
    let request: ResultRequest
    let names: ResultNames
    /// The first analysed instance: patient and study are copied from it.
    let source: Item

    /// In the time zone of the source where that states one, because it holds for the copied times as well.
    var time: ContentTime {
        source.string(Attribute.timezoneOffsetFromUTC).flatMap { request.contentTime.at(offset: $0) }
            ?? request.contentTime
    }

    func write(
        to item: Item, sopClassUID: UID, sopInstanceUID: UID, seriesInstanceUID: UID, modality: String,
        kind: ResultKind
    ) throws(DCMTKError) {
        for tag in Attribute.copied { try source.copy(tag, to: item) }
        for tag in Attribute.requiredOfStudy where !item.has(tag) { try item.setEmpty(tag) }
        try item.set(Attribute.sopClassUID, sopClassUID)
        try item.set(Attribute.sopInstanceUID, sopInstanceUID)
        try item.set(Attribute.seriesInstanceUID, seriesInstanceUID)
        try item.set(Attribute.modality, modality)
        let number = request.template.seriesNumber(of: kind, source: source.string(Attribute.seriesNumber))
        try item.set(Attribute.seriesNumber, String(number))
        let description = request.template.seriesDescription(of: kind, by: request.model)
        try item.set(Attribute.seriesDescription, Text.long(request.marked(description)))
        try item.set(Attribute.instanceNumber, "1")
        for tag in [Attribute.seriesDate, Attribute.contentDate] { try item.set(tag, time.date) }
        for tag in [Attribute.seriesTime, Attribute.contentTime] { try item.set(tag, time.time) }
        try writeEquipment(to: item)
        try item.append(Attribute.contributingEquipmentSequence, writeAlgorithm)
    }

    /// For objects with a General Series module. A side is stated once: of the image where the images state it, as
    /// mammograms do, or else of the series (PS3.3 C.7.3.1, C.7.6.1).
    func writeBodyPart(imageLaterality: String?, to item: Item) throws(DCMTKError) {
        if source.hasValue(Attribute.bodyPartExamined) { try source.copy(Attribute.bodyPartExamined, to: item) }
        if let imageLaterality {
            try item.set(Attribute.imageLaterality, imageLaterality)
        } else if source.hasValue(Attribute.laterality) {
            try source.copy(Attribute.laterality, to: item)
        }
    }

    /// General and Enhanced General Equipment modules: the node.
    private func writeEquipment(to item: Item) throws(DCMTKError) {
        let equipment = request.equipment
        try item.set(Attribute.manufacturer, Text.long(equipment.manufacturer))
        try item.set(Attribute.manufacturerModelName, Text.long(equipment.manufacturerModelName))
        try item.set(Attribute.deviceSerialNumber, Text.long(equipment.deviceSerialNumber))
        try item.set(Attribute.softwareVersions, Text.long(equipment.softwareVersions))
        if let uid = equipment.deviceUID { try item.set(Attribute.deviceUID, uid) }
        if let name = equipment.institutionName { try item.set(Attribute.institutionName, Text.long(name)) }
        if let name = equipment.stationName { try item.set(Attribute.stationName, Text.short(name)) }
    }

    /// An item of Contributing Equipment Sequence: the algorithm. IHE AIR 6.5.3.1 wants these values to be the same as
    /// in the device observer and in the algorithm identification.
    private func writeAlgorithm(_ item: Item) throws(DCMTKError) {
        try item.append(Attribute.purposeOfReferenceCodeSequence, Concept.processingEquipment)
        try item.set(Attribute.manufacturer, request.algorithm.source)
        try item.set(Attribute.manufacturerModelName, request.algorithm.name)
        try item.set(Attribute.deviceSerialNumber, Text.long(request.equipment.deviceSerialNumber))
        try item.set(Attribute.softwareVersions, request.algorithm.version)
        try item.set(Attribute.deviceUID, request.algorithm.deviceUID)
        try item.set(Attribute.contributionDateTime, time.dateTime)
        try item.set(Attribute.contributionDescription, Text.long(request.marked("Analysis without human review")))
    }
}

extension ResultRequest {
    /// The model package in the words of the attributes that must agree on it.
    struct Algorithm: Equatable {
        var source: String
        var name: String
        var version: String
        var deviceUID: UID
    }

    var algorithm: Algorithm {
        Algorithm(
            source: Text.long(model.manufacturer), name: Text.long(model.name), version: Text.long(model.version),
            deviceUID: ResultNames.deviceUID(self))
    }

    /// Decision 17: what a demonstration package makes says so wherever people read.
    func marked(_ text: String) -> String { model.isDemonstration ? "DEMONSTRATION " + text : text }

    /// The string that the SEG and the report give to people for a finding; the UID is what links them.
    func trackingIdentifier(_ finding: Int) -> String {
        let text = marked("\(findings[finding].label) \(finding + 1)")
        return Text.long(text)
    }
}

extension Item {
    /// Appends a code sequence item (PS3.3 8.8).
    func append(_ tag: Tag, _ code: Code) throws(DCMTKError) {
        try append(tag) { (item) throws(DCMTKError) in try item.set(code) }
    }

    func set(_ code: Code) throws(DCMTKError) {
        try set(code.value.utf8.count > 16 ? Attribute.longCodeValue : Attribute.codeValue, code.value)
        try set(Attribute.codingSchemeDesignator, code.scheme)
        try set(Attribute.codeMeaning, code.meaning)
    }
}
