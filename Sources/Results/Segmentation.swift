// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DCMTK
import DICOM

/// A binary Segmentation (PS3.3 A.51) with one segment for each finding that has a mask.
struct Segmentation {
    /// What one finding became.
    struct Segment {
        /// Position in the request's findings.
        var finding: Int
        /// From 1.
        var number: Int
        var trackingUID: UID
        /// Slices with set pixels, ascending.
        var slices: [Int]
        /// Set pixels of each of `slices`.
        var counts: [Int]
        /// Position in `slices` of the slice to show: the one that the finding names, or else the one with most pixels.
        var key: Int
        /// On that slice.
        var outline: Outline

        var voxelCount: Int { counts.reduce(0, +) }
    }

    let sopInstanceUID: UID
    let seriesInstanceUID: UID
    let segments: [Segment]
    private let planes: BitPlanes
    private let overlaps: Bool
    private let request: ResultRequest
    private let facts: SourceFacts
    private let dimensionOrganizationUID: UID

    /// Nil where no finding has a mask.
    init?(
        _ request: ResultRequest, masks: [Mask], planes: BitPlanes, facts: SourceFacts, names: ResultNames
    ) throws(ResultsError) {
        let masked = request.findings.enumerated().compactMap { index, finding in
            finding.maskIndex.map { (finding: index, mask: masks[$0], keySlice: finding.keySlice) }
        }
        guard !masked.isEmpty else { return nil }
        guard masked.count <= UInt16.max else { throw .request("a Segmentation has at most 65,535 segments") }
        var slices = [[Int]](repeating: [], count: masked.count)
        var counts = slices
        for (frame, count) in zip(planes.frames, planes.counts) {
            slices[frame.segment].append(frame.slice)
            counts[frame.segment].append(count)
        }
        segments = masked.indices.map { index in
            let (finding, mask, keySlice) = masked[index]
            let largest = counts[index].indices.max { counts[index][$0] < counts[index][$1] } ?? 0
            let key = keySlice.flatMap { slices[index].firstIndex(of: $0) } ?? largest
            return Segment(
                finding: finding, number: index + 1, trackingUID: names.uid("tracking \(finding)"),
                slices: slices[index], counts: counts[index], key: key,
                outline: Outline(mask, slice: slices[index][key]))
        }
        self.planes = planes
        self.request = request
        self.facts = facts
        overlaps = Self.overlap(masked.map(\.mask))
        sopInstanceUID = names.uid("SEG instance")
        seriesInstanceUID = names.uid("SEG series")
        dimensionOrganizationUID = names.uid("SEG dimensions")
    }

    private static func overlap(_ masks: [Mask]) -> Bool {
        guard masks.count > 1, let first = masks.first else { return false }
        var union = [UInt8](repeating: 0, count: first.columns * first.rows * first.slices)
        return union.withUnsafeMutableBytes { union in masks.contains { merge($0, into: union) } }
    }

    /// True, and stopped there, where a voxel is set in both.
    private static func merge(_ mask: Mask, into union: UnsafeMutableRawBufferPointer) -> Bool {
        for slice in mask.blockSlices {
            for row in mask.blockRows {
                let start = (slice * mask.rows + row) * mask.columns + mask.blockColumns.lowerBound
                let target = UnsafeMutableRawBufferPointer(rebasing: union[start..<start + mask.blockColumns.count])
                if mask.line(row: row, slice: slice).withUnsafeBytes({ merge($0, into: target) }) { return true }
            }
        }
        return false
    }

    /// True, and stopped there, where a voxel is set in both.
    private static func merge(_ voxels: UnsafeRawBufferPointer, into union: UnsafeMutableRawBufferPointer) -> Bool {
        var offset = 0
        while offset + 8 <= voxels.count {
            let word = voxels.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
            if word != 0 {
                let other = union.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
                if other != 0 {
                    for index in offset..<offset + 8 where voxels[index] != 0 && union[index] != 0 { return true }
                }
                union.storeBytes(of: word | other, toByteOffset: offset, as: UInt64.self)
            }
            offset += 8
        }
        while offset < voxels.count {
            if voxels[offset] != 0 && union[offset] != 0 { return true }
            union[offset] |= voxels[offset]
            offset += 1
        }
        return false
    }

    func write(to item: Item, header: Header) throws(DCMTKError) {
        try header.write(
            to: item, sopClassUID: SOPClass.segmentation, sopInstanceUID: sopInstanceUID,
            seriesInstanceUID: seriesInstanceUID, modality: "SEG",
            kind: .segmentation)
        for tag in [Attribute.bodyPartExamined, Attribute.laterality] where header.source.hasValue(tag) {
            try header.source.copy(tag, to: item)
        }
        try header.source.copy(Attribute.frameOfReferenceUID, to: item)
        try header.source.copy(Attribute.positionReferenceIndicator, to: item)
        if !item.has(Attribute.positionReferenceIndicator) { try item.setEmpty(Attribute.positionReferenceIndicator) }
        try writeImage(to: item)
        for segment in segments {
            try item.append(Attribute.segmentSequence) { (item) throws(DCMTKError) in
                try write(segment, to: item)
            }
        }
        try writeDimensions(to: item)
        try item.append(Attribute.sharedFunctionalGroupsSequence, writeSharedGroups)
        try writeFrameGroups(to: item)
        try writeReferences(to: item)
        try item.set(Attribute.pixelData, bytes: planes.pixelData)
    }

    /// Image Pixel and Segmentation Image modules (PS3.3 C.8.20.2).
    private func writeImage(to item: Item) throws(DCMTKError) {
        try item.set(Attribute.imageType, "DERIVED\\PRIMARY")
        try item.set(Attribute.samplesPerPixel, 1)
        try item.set(Attribute.photometricInterpretation, "MONOCHROME2")
        try item.set(Attribute.numberOfFrames, String(planes.frames.count))
        try item.set(Attribute.rows, request.source.grid.rows)
        try item.set(Attribute.columns, request.source.grid.columns)
        try item.set(Attribute.bitsAllocated, 1)
        try item.set(Attribute.bitsStored, 1)
        try item.set(Attribute.highBit, 0)
        try item.set(Attribute.pixelRepresentation, 0)
        try item.set(Attribute.burnedInAnnotation, "NO")
        try item.set(Attribute.lossyImageCompression, facts.lossyCompression == nil ? "00" : "01")
        if let ratio = facts.lossyCompression?.ratio { try item.set(Attribute.lossyImageCompressionRatio, ratio) }
        if let method = facts.lossyCompression?.method { try item.set(Attribute.lossyImageCompressionMethod, method) }
        try item.set(Attribute.segmentationType, "BINARY")
        try item.set(Attribute.segmentsOverlap, overlaps ? "YES" : "NO")
        // Content Identification Macro
        try item.set(Attribute.contentLabel, request.model.isDemonstration ? "DEMONSTRATION" : "SEGMENTATION")
        try item.set(
            Attribute.contentDescription,
            Text.long(request.marked("\(request.model.name) \(request.model.version), not reviewed")))
        try item.setEmpty(Attribute.contentCreatorName)
    }

    private func write(_ segment: Segment, to item: Item) throws(DCMTKError) {
        let finding = request.findings[segment.finding]
        let algorithm = request.algorithm
        try item.set(Attribute.segmentNumber, segment.number)
        try item.set(Attribute.segmentLabel, Text.long(request.marked(finding.label)))
        try item.set(Attribute.segmentDescription, Text.long(request.marked("\(finding.code.meaning), not reviewed")))
        try item.set(Attribute.segmentAlgorithmType, "AUTOMATIC")
        try item.set(Attribute.segmentAlgorithmName, algorithm.name)
        try item.append(Attribute.segmentationAlgorithmIdentificationSequence) { (item) throws(DCMTKError) in
            try item.append(Attribute.algorithmFamilyCodeSequence, Concept.artificialIntelligence)
            try item.set(Attribute.algorithmName, algorithm.name)
            try item.set(Attribute.algorithmVersion, algorithm.version)
            try item.set(Attribute.algorithmSource, algorithm.source)
        }
        try item.append(Attribute.segmentedPropertyCategoryCodeSequence, finding.category)
        try item.append(Attribute.segmentedPropertyTypeCodeSequence, finding.type)
        if let site = finding.site {
            try item.append(Attribute.anatomicRegionSequence) { (item) throws(DCMTKError) in
                try item.set(site)
                if let laterality = finding.laterality {
                    try item.append(Attribute.anatomicRegionModifierSequence, laterality)
                }
            }
        }
        try item.set(Attribute.trackingID, request.trackingIdentifier(segment.finding))
        try item.set(Attribute.trackingUID, segment.trackingUID)
        try item.set(Attribute.recommendedDisplayCIELabValue, Palette.color(segment.number - 1))
    }

    private func writeDimensions(to item: Item) throws(DCMTKError) {
        try item.append(Attribute.dimensionOrganizationSequence) { (item) throws(DCMTKError) in
            try item.set(Attribute.dimensionOrganizationUID, dimensionOrganizationUID)
        }
        let dimensions = [
            (Attribute.referencedSegmentNumber, Attribute.segmentIdentificationSequence, "Segment"),
            (Attribute.imagePositionPatient, Attribute.planePositionSequence, "Position"),
        ]
        for (pointer, group, label) in dimensions {
            try item.append(Attribute.dimensionIndexSequence) { (item) throws(DCMTKError) in
                try item.set(Attribute.dimensionOrganizationUID, dimensionOrganizationUID)
                try item.set(Attribute.dimensionIndexPointer, pointer)
                try item.set(Attribute.functionalGroupPointer, group)
                try item.set(Attribute.dimensionDescriptionLabel, label)
            }
        }
    }

    private func writeSharedGroups(_ item: Item) throws(DCMTKError) {
        let plane = facts.planes[planes.frames[0].slice]
        let grid = request.source.grid
        try item.append(Attribute.pixelMeasuresSequence) { (item) throws(DCMTKError) in
            let distance = grid.sliceDistance
            if let thickness = plane.sliceThickness ?? distance.map({ Text.decimal($0) }) {
                try item.set(Attribute.sliceThickness, thickness)
            }
            // Between tilted slices the distance along the normal would not lead from one frame to the next.
            if let distance, !grid.isSheared { try item.set(Attribute.spacingBetweenSlices, Text.decimal(distance)) }
            try item.set(Attribute.pixelSpacing, plane.pixelSpacing)
        }
        try item.append(Attribute.planeOrientationSequence) { (item) throws(DCMTKError) in
            try item.set(Attribute.imageOrientationPatient, plane.orientation)
        }
    }

    /// Segment Identification stays in each frame, even where there is one segment: highdicom's SR classes look for it
    /// there.
    private func writeFrameGroups(to item: Item) throws(DCMTKError) {
        let positions = Set(planes.frames.map(\.slice)).sorted()
        let ordinals = Dictionary(uniqueKeysWithValues: zip(positions, 1...))
        for frame in planes.frames {
            let source = request.source.frames[frame.slice]
            let position = facts.planes[frame.slice].position
            try item.append(Attribute.perFrameFunctionalGroupsSequence) { (item) throws(DCMTKError) in
                try item.append(Attribute.derivationImageSequence) { (item) throws(DCMTKError) in
                    try item.append(Attribute.sourceImageSequence) { (item) throws(DCMTKError) in
                        try item.set(Attribute.referencedSOPClassUID, source.sopClassUID)
                        try item.set(Attribute.referencedSOPInstanceUID, source.sopInstanceUID)
                        if let number = source.frameNumber {
                            try item.set(Attribute.referencedFrameNumber, String(number))
                        }
                        try item.set(Attribute.spatialLocationsPreserved, "YES")
                        try item.append(Attribute.purposeOfReferenceCodeSequence, Concept.sourceImageForProcessing)
                    }
                    try item.append(Attribute.derivationCodeSequence, Concept.segmentation)
                }
                try item.append(Attribute.frameContentSequence) { (item) throws(DCMTKError) in
                    try item.set(
                        Attribute.dimensionIndexValues, [Double(frame.segment + 1), Double(ordinals[frame.slice] ?? 0)])
                }
                try item.append(Attribute.planePositionSequence) { (item) throws(DCMTKError) in
                    try item.set(Attribute.imagePositionPatient, position)
                }
                try item.append(Attribute.segmentIdentificationSequence) { (item) throws(DCMTKError) in
                    try item.set(Attribute.referencedSegmentNumber, frame.segment + 1)
                }
            }
        }
    }

    /// Common Instance Reference module: the instances that frames refer to, and no others.
    private func writeReferences(to item: Item) throws(DCMTKError) {
        let slices = Set(planes.frames.map(\.slice)).sorted()
        let instances = request.source.instances(of: slices)
        try item.append(Attribute.referencedSeriesSequence) { (item) throws(DCMTKError) in
            try item.set(Attribute.seriesInstanceUID, request.source.seriesInstanceUID)
            for instance in instances {
                try item.append(Attribute.referencedInstanceSequence) { (item) throws(DCMTKError) in
                    try item.set(Attribute.referencedSOPClassUID, instance.sopClassUID)
                    try item.set(Attribute.referencedSOPInstanceUID, instance.sopInstanceUID)
                }
            }
        }
    }
}

extension SourceSeries {
    /// A source instance and the frames of it that are meant; none where it has a single frame.
    struct Reference: Equatable {
        var sopClassUID: UID
        var sopInstanceUID: UID
        var frames: [Int]
    }

    /// The instances that slices lie in, each once, in the order of the slices.
    func instances(of slices: [Int]) -> [Reference] {
        var references: [Reference] = []
        var places: [UID: Int] = [:]
        for slice in slices {
            let frame = frames[slice]
            let place = places[frame.sopInstanceUID] ?? references.count
            if place == references.count {
                places[frame.sopInstanceUID] = place
                references.append(
                    Reference(sopClassUID: frame.sopClassUID, sopInstanceUID: frame.sopInstanceUID, frames: []))
            }
            if let number = frame.frameNumber { references[place].frames.append(number) }
        }
        return references
    }
}

extension Grid {
    /// Between the planes of two slices, mm; nil where there is one slice.
    var sliceDistance: Double? {
        guard slices > 1 else { return nil }
        let normal = columnStep.cross(rowStep)
        return abs(sliceStep.dot(normal)) / normal.length
    }

    /// True where slices are shifted against each other, as by gantry tilt: a thousandth of the step is rounding.
    var isSheared: Bool {
        let normal = columnStep.cross(rowStep)
        return sliceStep.cross(normal).length > 1e-3 * sliceStep.length * normal.length
    }
}

/// Colours that stay apart on grey, as scaled CIELab values (PS3.3 C.10.7.1.1).
enum Palette {
    /// L* 0 to 100, a* and b* −128 to 127: red, yellow, cyan, green, magenta, orange, blue, lime.
    private static let colors: [(l: Double, a: Double, b: Double)] = [
        (54, 80, 67), (92, -9, 85), (85, -48, -14), (63, -62, 60), (60, 94, -60), (74, 24, 78), (52, 20, -75),
        (89, -66, 82),
    ]

    static func color(_ index: Int) -> [Double] {
        let color = colors[index % colors.count]
        return [color.l / 100 * 65535, (color.a + 128) / 255 * 65535, (color.b + 128) / 255 * 65535].map {
            $0.rounded()
        }
    }
}
