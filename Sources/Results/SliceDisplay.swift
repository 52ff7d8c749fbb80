// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DCMTK
import DICOM

/// How the source wants one of its slices to be shown, in its own words.
struct SliceDisplay {
    struct Window: Hashable {
        /// Decimal strings.
        var center: String
        var width: String
        var function: String?
    }

    struct Rescale: Hashable {
        /// Decimal strings.
        var intercept: String
        var slope: String
        var type: String?
    }

    let window: Window?
    let rescale: Rescale?
    let photometricInterpretation: String
    let instanceNumber: String?
    let imageLaterality: String?
    /// Directions of its rows and columns in the patient; nil for a projection.
    let orientation: [Double]?

    var isMonochrome: Bool { photometricInterpretation.hasPrefix("MONOCHROME") }
    var isInverted: Bool { photometricInterpretation == "MONOCHROME1" }

    /// - Parameter frame: from 1; nil where the instance has a single frame.
    init(_ item: Item, frame: Int?) {
        func place(_ sequence: Tag) -> Item? {
            guard let frame else { return item }
            return item.child(Attribute.perFrameFunctionalGroupsSequence, frame - 1)?.child(sequence)
                ?? item.child(Attribute.sharedFunctionalGroupsSequence)?.child(sequence)
        }
        func first(_ item: Item?, _ tag: Tag) -> String? {
            item?.strings(tag).first.map { $0.filter { $0 != " " } }.flatMap { Double($0) == nil ? nil : $0 }
        }
        let voi = place(Attribute.frameVOILUTSequence) ?? item
        if let center = first(voi, Attribute.windowCenter), let width = first(voi, Attribute.windowWidth),
            Double(width) ?? 0 >= 1
        {
            window = Window(center: center, width: width, function: voi.string(Attribute.voiLUTFunction))
        } else {
            window = nil
        }
        let values = place(Attribute.pixelValueTransformationSequence) ?? item
        if let intercept = first(values, Attribute.rescaleIntercept),
            let slope = first(values, Attribute.rescaleSlope)
        {
            rescale = Rescale(intercept: intercept, slope: slope, type: values.string(Attribute.rescaleType))
        } else {
            rescale = nil
        }
        photometricInterpretation = item.string(Attribute.photometricInterpretation) ?? ""
        instanceNumber = item.string(Attribute.instanceNumber).map { $0.filter(\.isNumber) }
        imageLaterality = item.imageLaterality
        orientation = place(Attribute.planeOrientationSequence)?.numbers(
            Attribute.imageOrientationPatient, count: 6)
    }

    /// Of a slice of the series.
    static func read(_ source: SourceSeries, slice: Int) throws(ResultsError) -> SliceDisplay {
        let frame = source.frames[slice]
        guard let instance = source.instances.first(where: { $0.sopInstanceUID == frame.sopInstanceUID }) else {
            throw .request("slice \(slice + 1) is of an instance that was not analysed")
        }
        let dataSet: DataSet
        do { dataSet = try DataSet(contentsOf: instance.path) } catch { throw ResultsError(error) }
        return dataSet.withItem { SliceDisplay($0, frame: frame.frameNumber) }
    }
}
