// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DCMTK
import DICOM
import Glibc

/// A Segmentation (PS3.3 A.51), or a Label Map Segmentation, with one segment for each finding that has a mask.
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
    let frames: SegmentFrames
    let request: ResultRequest
    let facts: SourceFacts
    private let dimensionOrganizationUID: UID

    var sopClassUID: UID { frames.form == .labelMap ? SOPClass.labelMapSegmentation : SOPClass.segmentation }
    /// PS3.3 A.51.5.1: without a frame of reference each pixel is a pixel of the image that the frame refers to, and has no
    /// place and size of its own.
    var isPlaced: Bool { request.source.frameOfReferenceUID != nil }

    /// Nil where no finding has a mask. The frames are of the masks of `findings`, in their order.
    init?(
        _ request: ResultRequest, masks: [Mask], frames: SegmentFrames, facts: SourceFacts, names: ResultNames
    ) throws(ResultsError) {
        let masked = request.findings.enumerated().compactMap { index, finding in
            finding.maskIndex.map { (finding: index, mask: masks[$0], keySlice: finding.keySlice) }
        }
        guard !masked.isEmpty else { return nil }
        guard masked.count <= UInt16.max else { throw .request("a Segmentation has at most 65,535 segments") }
        segments = masked.indices.map { index in
            let (finding, mask, keySlice) = masked[index]
            let region = frames.regions[index]
            let largest = region.counts.indices.max { region.counts[$0] < region.counts[$1] } ?? 0
            let key = keySlice.flatMap { region.slices.firstIndex(of: $0) } ?? largest
            return Segment(
                finding: finding, number: index + 1, trackingUID: names.uid("tracking \(finding)"),
                slices: region.slices, counts: region.counts, key: key,
                outline: Outline(mask, slice: region.slices[key]))
        }
        self.frames = frames
        self.request = request
        self.facts = facts
        sopInstanceUID = names.uid("SEG instance")
        seriesInstanceUID = names.uid("SEG series")
        dimensionOrganizationUID = names.uid("SEG dimensions")
    }

    /// All but the frames themselves, which are the tail of the data set.
    func write(to item: Item, header: Header) throws(DCMTKError) {
        try header.write(
            to: item, sopClassUID: sopClassUID, sopInstanceUID: sopInstanceUID,
            seriesInstanceUID: seriesInstanceUID, modality: "SEG",
            kind: .segmentation)
        try header.writeBodyPart(imageLaterality: facts.commonImageLaterality, to: item)
        if isPlaced {
            try header.source.copy(Attribute.frameOfReferenceUID, to: item)
            try header.source.copy(Attribute.positionReferenceIndicator, to: item)
            if !item.has(Attribute.positionReferenceIndicator) {
                try item.setEmpty(Attribute.positionReferenceIndicator)
            }
        } else {
            // Type 2C where no place in the patient says it (PS3.3 C.7.6.1).
            try header.source.copy(Attribute.patientOrientation, to: item)
            if !item.has(Attribute.patientOrientation) { try item.setEmpty(Attribute.patientOrientation) }
        }
        try writeImage(to: item)
        if frames.form == .labelMap { try item.append(Attribute.segmentSequence, writeBackground) }
        for segment in segments {
            try item.append(Attribute.segmentSequence) { (item) throws(DCMTKError) in
                try write(segment, to: item)
            }
        }
        try writeDimensions(to: item)
        try item.append(Attribute.sharedFunctionalGroupsSequence, writeSharedGroups)
        try writeReferences(to: item)
    }

    /// Image Pixel and Segmentation Image modules (PS3.3 C.8.20.2).
    private func writeImage(to item: Item) throws(DCMTKError) {
        try item.set(Attribute.imageType, "DERIVED\\PRIMARY")
        try item.set(Attribute.samplesPerPixel, 1)
        try item.set(Attribute.photometricInterpretation, "MONOCHROME2")
        try item.set(Attribute.numberOfFrames, String(frames.frames.count))
        try item.set(Attribute.rows, request.source.grid.rows)
        try item.set(Attribute.columns, request.source.grid.columns)
        try item.set(Attribute.bitsAllocated, frames.bitsAllocated)
        try item.set(Attribute.bitsStored, frames.bitsAllocated)
        try item.set(Attribute.highBit, frames.bitsAllocated - 1)
        try item.set(Attribute.pixelRepresentation, 0)
        try item.set(Attribute.burnedInAnnotation, "NO")
        try item.set(Attribute.lossyImageCompression, facts.lossyCompression == nil ? "00" : "01")
        if let ratio = facts.lossyCompression?.ratio { try item.set(Attribute.lossyImageCompressionRatio, ratio) }
        if let method = facts.lossyCompression?.method { try item.set(Attribute.lossyImageCompressionMethod, method) }
        switch frames.form {
        case .binary: try item.set(Attribute.segmentationType, "BINARY")
        case .labelMap:
            try item.set(Attribute.segmentationType, "LABELMAP")
            try item.set(Attribute.pixelPaddingValue, 0)
        case .fractional:
            try item.set(Attribute.segmentationType, "FRACTIONAL")
            try item.set(Attribute.segmentationFractionalType, "PROBABILITY")
            try item.set(Attribute.maximumFractionalValue, 255)
        }
        try item.set(Attribute.segmentsOverlap, frames.overlap ? "YES" : "NO")
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

    /// Every value that the pixels of a label map have is described, that of no segment too (PS3.3 C.8.20.2.3.3).
    private func writeBackground(_ item: Item) throws(DCMTKError) {
        try item.set(Attribute.segmentNumber, 0)
        try item.set(Attribute.segmentLabel, "Background")
        try item.set(Attribute.segmentAlgorithmType, "AUTOMATIC")
        try item.set(Attribute.segmentAlgorithmName, request.algorithm.name)
        try item.append(Attribute.segmentedPropertyCategoryCodeSequence, Concept.background)
        try item.append(Attribute.segmentedPropertyTypeCodeSequence, Concept.background)
        try item.set(Attribute.recommendedDisplayCIELabValue, Palette.black)
    }

    private func writeDimensions(to item: Item) throws(DCMTKError) {
        try item.append(Attribute.dimensionOrganizationSequence) { (item) throws(DCMTKError) in
            try item.set(Attribute.dimensionOrganizationUID, dimensionOrganizationUID)
        }
        for dimension in dimensions {
            try item.append(Attribute.dimensionIndexSequence) { (item) throws(DCMTKError) in
                try item.set(Attribute.dimensionOrganizationUID, dimensionOrganizationUID)
                try item.set(Attribute.dimensionIndexPointer, dimension.pointer)
                try item.set(Attribute.functionalGroupPointer, dimension.group)
                try item.set(Attribute.dimensionDescriptionLabel, dimension.label)
            }
        }
    }

    private func writeSharedGroups(_ item: Item) throws(DCMTKError) {
        guard isPlaced else { return }
        let plane = facts.planes[frames.frames[0].slice]
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

    /// Common Instance Reference module: the instances that frames refer to, and no others.
    private func writeReferences(to item: Item) throws(DCMTKError) {
        let slices = Set(frames.frames.map(\.slice)).sorted()
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

    static let black: [Double] = scaled((0, 0, 0))

    /// Another one for each segment: beyond the table, around the circle of hues by the golden angle on three levels of
    /// lightness.
    static func color(_ index: Int) -> [Double] {
        if index < colors.count { return scaled(colors[index]) }
        let hue = Double(index) * 2.399_963_229_728_653
        return scaled(([50, 65, 80][index % 3], 55 * cos(hue), 55 * sin(hue)))
    }

    private static func scaled(_ color: (l: Double, a: Double, b: Double)) -> [Double] {
        [color.l / 100 * 65535, (color.a + 128) / 255 * 65535, (color.b + 128) / 255 * 65535].map { $0.rounded() }
    }
}
