// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DCMTK
import DICOM

/// One frame that stands alone: a radiograph, or a frame of ultrasound or secondary capture.
struct ImagePlane: Sendable {
    var path: String
    var source: SourceFrame
    /// From 0.
    var frameIndex: Int
    var instanceNumber: Int?
    var seriesInstanceUID: UID?
    var columns: Int
    var rows: Int
    var values: FrameValues
    var spacing: ImageSpacing
    var declared: DeclaredFacts

    var task: FrameTask {
        FrameTask(
            path: path, sopInstanceUID: source.sopInstanceUID, index: frameIndex, pixels: columns * rows, values: values
        )
    }
}

extension ImagePlane {
    /// The frames of an open instance that the options ask for.
    static func all(
        in item: Item, of image: ImageDescription, path: String, kind: VolumeOptions.Kind, isDisplayed: Bool
    ) throws(VolumeRefusal) -> [ImagePlane] {
        let uid = image.sopInstanceUID
        let found = ImageClass(image.sopClassUID)
        var selection = VolumeOptions.FrameSelection.all
        switch (kind, found) {
        case (.projection(let forProcessing), .projection(let isForProcessing)?):
            guard forProcessing || !isForProcessing else { throw .unsupported("a radiograph for processing", uid) }
            guard image.frames == 1 else { throw .unsupported("a radiograph with \(image.frames) frames", uid) }
            guard image.format.samplesPerPixel == 1 else { throw .unsupported("a colour image", uid) }
        case (.frames(let chosen, _), .frames?): selection = chosen
        default: throw .unsupported("SOP class \(image.sopClassUID)", uid)
        }
        let values = try FrameValues(item, of: image, isDisplayed: isDisplayed)
        let groups = FunctionalGroups(item)
        var declared = DeclaredFacts(item, groups, of: image)
        switch values {
        case .single(let transform): declared.valueRange = transform.valueRange
        case .colour: declared.valueRange = 0...255
        }
        let spacing = ImageSpacing(item, isProjection: found != .frames)
        return try selection.indices(of: image.frames).map { index in
            ImagePlane(
                path: path,
                source: SourceFrame(
                    sopClassUID: image.sopClassUID, sopInstanceUID: uid,
                    frameNumber: image.frames > 1 ? index + 1 : nil),
                frameIndex: index, instanceNumber: item.integer(.instanceNumber),
                seriesInstanceUID: item.uid(.seriesInstanceUID), columns: image.format.columns,
                rows: image.format.rows, values: values, spacing: spacing, declared: declared)
        }
    }
}

extension VolumeOptions.FrameSelection {
    /// From 0.
    func indices(of frames: Int) throws(VolumeRefusal) -> [Int] {
        switch self {
        case .all: return Array(0..<frames)
        case .middle: return [(frames - 1) / 2]
        case .numbers(let numbers):
            if let missing = numbers.first(where: { !(1...frames).contains($0) }) {
                throw .noSuchFrame("frame \(missing) is asked for; there \(frames == 1 ? "is 1" : "are \(frames)")")
            }
            return numbers.map { $0 - 1 }
        }
    }
}

extension FrameValues {
    /// - Parameter isDisplayed: grey values go through the display pipeline; colours are shown as they are.
    init(_ item: Item, of image: ImageDescription, isDisplayed: Bool) throws(VolumeRefusal) {
        guard image.format.samplesPerPixel == 1 else {
            self = .colour(try ColourTransform(of: image))
            return
        }
        var transform = try SampleTransform(image: item, of: image)
        if isDisplayed {
            transform.display = try DisplayTransform(item, of: image, isSigned: transform.range.lowerBound < 0)
            transform.paddingValue = 0
        }
        self = .single(transform)
    }
}

extension SampleTransform {
    /// Of an image that stands alone: larger is brighter.
    init(image item: Item, of image: ImageDescription) throws(VolumeRefusal) {
        let uid = image.sopInstanceUID
        let photometric = image.format.photometricInterpretation
        guard photometric == "MONOCHROME2" || photometric == "MONOCHROME1" else {
            throw .unsupported("photometric interpretation \(photometric)", uid)
        }
        self.init(
            bitsStored: image.format.bitsStored, highBit: image.highBit, isSigned: image.format.isSigned, slope: 1,
            intercept: 0)
        isInverted = photometric == "MONOCHROME1"
        lookUp = try LookUpTable(item, .modalityLUTSequence, isSigned: image.format.isSigned, uid)
        if lookUp == nil, item.hasValue(.rescaleSlope) || item.hasValue(.rescaleIntercept) {
            guard let slope = item.number(.rescaleSlope), slope.isFinite, slope != 0 else {
                throw .invalidAttribute("RescaleSlope", uid)
            }
            guard let intercept = item.number(.rescaleIntercept), intercept.isFinite else {
                throw .invalidAttribute("RescaleIntercept", uid)
            }
            (self.slope, self.intercept) = (slope, intercept)
        }
        paddingValue = valueRange.lowerBound
        setPadding(item)
    }
}
