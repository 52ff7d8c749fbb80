// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DCMTK
import DICOM
import Foundation

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

/// What the bits of a Segmentation amount to, counted in the file itself.
struct SegmentVolumes {
    /// By segment number.
    private(set) var cubicMillimetres: [Int: Double] = [:]
    /// False where the distance of slices was taken from marked ones, and may be a multiple of it.
    let isExact: Bool

    /// Nil where the frames are not one bit a pixel in an uncompressed file, or their distance is not stated.
    init?(_ item: Item, path: String) throws(ResultAudit.Defect) {
        guard item.integer(Attribute.bitsAllocated) == 1, let rows = item.integer(Attribute.rows),
            let columns = item.integer(Attribute.columns)
        else { return nil }
        let measures = item.child(Attribute.sharedFunctionalGroupsSequence)?.child(Attribute.pixelMeasuresSequence)
        guard let spacing = measures?.numbers(Attribute.pixelSpacing, count: 2),
            let distance = measures?.number(Attribute.spacingBetweenSlices) ?? Self.gap(item)
        else { return nil }
        isExact = measures?.has(Attribute.spacingBetweenSlices) == true
        var segments: [Int] = []
        item.forEachChild(Attribute.perFrameFunctionalGroupsSequence) { frame in
            let identification = frame.child(Attribute.segmentIdentificationSequence)
            segments.append(identification?.integer(Attribute.referencedSegmentNumber) ?? 0)
        }
        let size = rows * columns
        let length = ((segments.count * size + 7) / 8 + 1) / 2 * 2
        guard let file = try? Data(contentsOf: URL(fileURLWithPath: path), options: .alwaysMapped),
            file.count > length + 12
        else { return nil }
        // Tag, VR OB, two bytes, length.
        let header = Array(file.suffix(length + 12).prefix(12))
        guard Array(header[0..<4]) == [0xE0, 0x7F, 0x10, 0x00] else { return nil }
        let stated = header[8..<12].reversed().reduce(0) { $0 << 8 | Int($1) }
        guard stated == length else { throw ResultAudit.Defect(reason: "its pixel data has another length") }
        var counts: [Int: Int] = [:]
        file.suffix(length).withUnsafeBytes { bytes in
            for (frame, segment) in segments.enumerated() {
                counts[segment, default: 0] += Self.ones(bytes, frame * size..<(frame + 1) * size)
            }
        }
        cubicMillimetres = counts.mapValues { Double($0) * spacing[0] * spacing[1] * distance }
    }

    /// mm between the nearest two planes of frames; nil where all lie in one.
    private static func gap(_ item: Item) -> Double? {
        let orientation = item.child(Attribute.sharedFunctionalGroupsSequence)?
            .child(Attribute.planeOrientationSequence)?.numbers(Attribute.imageOrientationPatient, count: 6)
        guard let o = orientation else { return nil }
        let normal = Vector3(o[0], o[1], o[2]).cross(Vector3(o[3], o[4], o[5]))
        var places: [Double] = []
        item.forEachChild(Attribute.perFrameFunctionalGroupsSequence) { frame in
            let plane = frame.child(Attribute.planePositionSequence)
            if let p = plane?.numbers(Attribute.imagePositionPatient, count: 3) {
                places.append(Vector3(p[0], p[1], p[2]).dot(normal) / normal.length)
            }
        }
        places.sort()
        return zip(places, places.dropFirst()).map { $1 - $0 }.filter { $0 > 1e-3 }.min()
    }

    /// Set bits in a range of them, the lowest of a byte first.
    private static func ones(_ bytes: UnsafeRawBufferPointer, _ bits: Range<Int>) -> Int {
        var count = 0
        var bit = bits.lowerBound
        while bit < bits.upperBound {
            if bit % 8 == 0, bit + 64 <= bits.upperBound {
                count += bytes.loadUnaligned(fromByteOffset: bit / 8, as: UInt64.self).nonzeroBitCount
                bit += 64
            } else {
                count += Int(bytes[bit / 8] >> (bit % 8) & 1)
                bit += 1
            }
        }
        return count
    }
}
