// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DCMTK
import DICOM

/// One frame of the series: where it lies and how its stored values become physical ones.
struct PlaneDescription: Sendable {
    var path: String
    var source: SourceFrame
    /// From 0.
    var frameIndex: Int
    var seriesInstanceUID: UID?
    var frameOfReferenceUID: UID?
    var columns: Int
    var rows: Int
    var position: Vector3
    var rowCosines: Vector3
    var columnCosines: Vector3
    /// mm between rows, then between columns, as Pixel Spacing has them.
    var pixelSpacing: (row: Double, column: Double)
    var sliceThickness: Double?
    var gantryDetectorTilt: Double?
    var transform: SampleTransform
    var isLossy: Bool
    var traits: FrameTraits
    var declared: DeclaredFacts
    var isCT: Bool
}

extension PlaneDescription {
    /// All frames of an open instance.
    static func all(in item: Item, of image: ImageDescription, path: String) throws(VolumeRefusal) -> [PlaneDescription]
    {
        let uid = image.sopInstanceUID
        guard let kind = VolumeClass(image.sopClassUID) else {
            throw .unsupported("SOP class \(image.sopClassUID)", uid)
        }
        guard image.format.samplesPerPixel == 1 else { throw .unsupported("a colour image", uid) }
        let photometric = image.format.photometricInterpretation
        // Hounsfield units do not depend on whether low values are shown black or white (PS3.3 C.7.6.3.1.2); in MR,
        // where the unit is arbitrary, bright would mean its opposite.
        guard photometric == "MONOCHROME2" || (photometric == "MONOCHROME1" && kind.isCT) else {
            throw .unsupported("photometric interpretation \(photometric)", uid)
        }
        guard kind.isMultiFrame else {
            guard image.frames == 1 else { throw .unsupported("a single-frame class with \(image.frames) frames", uid) }
            return [try one(item, FunctionalGroups(item), of: image, kind: kind, index: 0, path: path)]
        }
        guard item.childCount(.perFrameFunctionalGroupsSequence) == image.frames else {
            throw .invalidAttribute("PerFrameFunctionalGroupsSequence", uid)
        }
        var planes: [PlaneDescription] = []
        for index in 0..<image.frames {
            planes.append(
                try one(item, FunctionalGroups(item, frame: index), of: image, kind: kind, index: index, path: path))
        }
        return planes
    }

    private static func one(
        _ item: Item, _ groups: FunctionalGroups, of image: ImageDescription, kind: VolumeClass, index: Int,
        path: String
    ) throws(VolumeRefusal) -> PlaneDescription {
        let uid = image.sopInstanceUID
        func numbers(_ tag: Tag, _ keyword: String, _ group: Tag, _ count: Int) throws(VolumeRefusal) -> [Double] {
            guard let holder = groups.holder(of: tag, in: group) else { throw .missingAttribute(keyword, uid) }
            guard let values = holder.numbers(tag, count: count) else { throw .invalidAttribute(keyword, uid) }
            return values
        }
        let position = try numbers(.imagePositionPatient, "ImagePositionPatient", .planePositionSequence, 3)
        let cosines = try numbers(.imageOrientationPatient, "ImageOrientationPatient", .planeOrientationSequence, 6)
        let spacing = try numbers(.pixelSpacing, "PixelSpacing", .pixelMeasuresSequence, 2)
        let row = Vector3(cosines[0], cosines[1], cosines[2])
        let column = Vector3(cosines[3], cosines[4], cosines[5])
        guard abs(row.length - 1) < Tolerance.unitCosine, abs(column.length - 1) < Tolerance.unitCosine,
            abs(row.dot(column)) < Tolerance.unitCosine
        else { throw .invalidAttribute("ImageOrientationPatient", uid) }
        // Beyond 10 m or below 1 µm is a unit gone wrong.
        guard spacing.allSatisfy({ (0.001...1000).contains($0) }) else { throw .invalidAttribute("PixelSpacing", uid) }
        guard position.allSatisfy({ abs($0) < 10_000 }) else { throw .invalidAttribute("ImagePositionPatient", uid) }
        let transform = try SampleTransform(item, groups, of: image, isCT: kind.isCT)
        var declared = DeclaredFacts()
        // Of the first frame alone, since the volume has one set of them.
        if index == 0 { declared = DeclaredFacts(item, groups, of: image) }
        declared.valueRange = transform.valueRange
        return PlaneDescription(
            path: path,
            source: SourceFrame(
                sopClassUID: image.sopClassUID, sopInstanceUID: uid, frameNumber: kind.isMultiFrame ? index + 1 : nil),
            frameIndex: index, seriesInstanceUID: item.uid(.seriesInstanceUID),
            frameOfReferenceUID: item.uid(.frameOfReferenceUID), columns: image.format.columns, rows: image.format.rows,
            position: Vector3(position[0], position[1], position[2]), rowCosines: row * (1 / row.length),
            columnCosines: column * (1 / column.length), pixelSpacing: (spacing[0], spacing[1]),
            sliceThickness: groups.holder(of: .sliceThickness, in: .pixelMeasuresSequence)?.number(.sliceThickness),
            gantryDetectorTilt: groups.holder(of: .gantryDetectorTilt, in: .ctAcquisitionDetailsSequence)?
                .number(.gantryDetectorTilt),
            transform: transform, isLossy: item.string(.lossyImageCompression) == "01",
            traits: groups.traits(isMultiFrame: kind.isMultiFrame), declared: declared, isCT: kind.isCT)
    }
}

extension PlaneDescription {
    var task: FrameTask {
        FrameTask(
            path: path, sopInstanceUID: source.sopInstanceUID, index: frameIndex, pixels: columns * rows,
            values: .single(transform))
    }
}

/// Where a frame's attributes are: at the top level, or in functional groups (PS3.3 C.7.6.16), the frame's own first.
struct FunctionalGroups {
    private let top: Item
    private let frame: Item?
    private let shared: Item?
    private let isMultiFrame: Bool

    init(_ item: Item) { (top, frame, shared, isMultiFrame) = (item, nil, nil, false) }

    init(_ item: Item, frame index: Int) {
        top = item
        frame = item.child(.perFrameFunctionalGroupsSequence, index)
        shared = item.child(.sharedFunctionalGroupsSequence)
        isMultiFrame = true
    }

    /// The item that holds `tag` with a value; nil where none does.
    func holder(of tag: Tag, in group: Tag) -> Item? {
        guard isMultiFrame else { return top.hasValue(tag) ? top : nil }
        for candidate in [frame?.child(group), shared?.child(group)] {
            if let candidate, candidate.hasValue(tag) { return candidate }
        }
        return nil
    }
}
