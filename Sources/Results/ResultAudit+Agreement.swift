// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DCMTK
import DICOM

extension ResultAudit {
    /// The equalities of IHE AIR Rev 1.3, table 6.5.3.1-1: contributing equipment is device observer, algorithm of a
    /// segment and algorithm of a measurement.
    func checkAlgorithm(_ item: Item) throws(Defect) {
        guard let equipment = item.child(Attribute.contributingEquipmentSequence),
            equipment.child(Attribute.purposeOfReferenceCodeSequence).flatMap(code)?
                .isSameConcept(as: Concept.processingEquipment) == true
        else { throw Defect(reason: "its contributing equipment does not name the algorithm") }
        let (maker, name) = (
            equipment.string(Attribute.manufacturer), equipment.string(Attribute.manufacturerModelName)
        )
        let version = equipment.string(Attribute.softwareVersions)
        let uid = equipment.uid(Attribute.deviceUID)
        try require(uid != nil, "its contributing equipment has no Device UID")
        let agree = "it and its contributing equipment do not name the same algorithm"
        try item.forEachChild(Attribute.segmentSequence) { (segment) throws(Defect) in
            // The background of a label map was made by none.
            if segment.integer(Attribute.segmentNumber) == 0 { return }
            let algorithm = segment.child(Attribute.segmentationAlgorithmIdentificationSequence)
            try require(
                algorithm?.string(Attribute.algorithmSource) == maker
                    && algorithm?.string(Attribute.algorithmName) == name
                    && algorithm?.string(Attribute.algorithmVersion) == version, agree)
        }
        try walk(item) { (content) throws(Defect) in
            guard let concept = content.child(Attribute.conceptNameCodeSequence).flatMap(code) else { return }
            let text = content.string(Attribute.textValue)
            for (other, value) in [
                (Concept.deviceObserverManufacturer, maker), (Concept.deviceObserverModelName, name),
                (Concept.algorithmName, name), (Concept.algorithmVersion, version),
            ] where concept.isSameConcept(as: other) { try require(text == value, agree) }
            if concept.isSameConcept(as: Concept.deviceObserverUID) {
                try require(content.uid(Attribute.uid) == uid, agree)
            }
        }
    }

    /// Whatever names a frame of reference names the source's.
    func checkPlace(_ item: Item) throws(Defect) {
        let frameOfReference = source.uid(Attribute.frameOfReferenceUID)
        try walk(item) { (content) throws(Defect) in
            if content.has(Attribute.referencedFrameOfReferenceUID) {
                try require(
                    content.uid(Attribute.referencedFrameOfReferenceUID) == frameOfReference,
                    "coordinates are in another frame of reference than the source")
            }
            let name = content.child(Attribute.conceptNameCodeSequence).flatMap(code)
            if name?.isSameConcept(as: Concept.frameOfReferenceUID) == true {
                try require(
                    content.uid(Attribute.uid) == frameOfReference,
                    "its image library names another frame of reference than the source")
            }
        }
    }

    /// Every volume that a group states is that of its segment.
    func checkVolume(
        _ group: Item, _ counted: Double, isExact: Bool, group number: Int
    ) throws(Defect) {
        var isStated = false
        try group.forEachChild(Attribute.contentSequence) { (content) throws(Defect) in
            guard
                content.child(Attribute.conceptNameCodeSequence).flatMap(code)?
                    .isSameConcept(as: Concept.volume) == true,
                let measured = content.child(Attribute.measuredValueSequence),
                let value = measured.number(Attribute.numericValue)
            else { return }
            isStated = true
            let unit = measured.child(Attribute.measurementUnitsCodeSequence)?.string(Attribute.codeValue)
            let stated = unit == Unit.millilitre.value ? value * 1000 : value
            // Between the nearest of marked slices there may be others.
            let slices = isExact || stated <= 0 ? 1 : min(max(1, (counted / stated).rounded()), 10)
            try require(
                abs(stated * slices - counted) <= counted * 2e-3,
                "measurement group \(number) states another volume than its segment has")
        }
        try require(isStated, "measurement group \(number) states no volume of its segment")
    }
}
