// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DCMTK
import DICOM

/// A Grayscale Softcopy Presentation State (PS3.3 A.33.1) with the outline of each finding on a layer of its own.
///
/// One state holds for images that have the same Modality LUT, because it replaces theirs.
struct PresentationState {
    struct Annotation {
        /// Position in the request's findings.
        var finding: Int
        var slice: Int
        /// Closed, column and row in turn.
        var polylines: [[Float]]
    }

    /// Slices with annotations, ascending, and what the source says of each.
    struct Group {
        var rescale: SliceDisplay.Rescale?
        var isInverted: Bool
        var slices: [Int]
    }

    let request: ResultRequest
    let annotations: [Annotation]
    let displays: [Int: SliceDisplay]
    let group: Group
    /// From 1.
    let number: Int
    let names: ResultNames
    /// Of the plane of each slice, decimal strings; empty for a projection.
    let planes: [SourceFacts.Plane]

    var sopInstanceUID: UID { names.uid("PR instance \(number)") }
    var seriesInstanceUID: UID { names.uid("PR series") }

    /// More are not drawn: only the key slices are.
    static let maximumAnnotations = 1000
    /// On one slice, the largest.
    static let maximumParts = 20

    func write(to item: Item, header: Header) throws(DCMTKError) {
        try header.write(
            to: item, sopClassUID: SOPClass.grayscalePresentationState, sopInstanceUID: sopInstanceUID,
            seriesInstanceUID: seriesInstanceUID, modality: "PR", kind: .presentationState)
        try item.set(Attribute.instanceNumber, String(number))
        try item.set(Attribute.presentationCreationDate, header.time.date)
        try item.set(Attribute.presentationCreationTime, header.time.time)
        try item.set(Attribute.contentLabel, request.model.isDemonstration ? "DEMONSTRATION" : "AI_RESULT")
        try item.set(
            Attribute.contentDescription,
            Text.long(request.marked("\(request.model.name) \(request.model.version), not reviewed")))
        try item.setEmpty(Attribute.contentCreatorName)
        try item.append(Attribute.referencedSeriesSequence) { (item) throws(DCMTKError) in
            try item.set(Attribute.seriesInstanceUID, request.source.seriesInstanceUID)
            try setImages(group.slices, in: item)
        }
        if let rescale = group.rescale {
            try item.set(Attribute.rescaleIntercept, rescale.intercept)
            try item.set(Attribute.rescaleSlope, rescale.slope)
            try item.set(Attribute.rescaleType, rescale.type ?? "US")
        }
        try writeWindows(to: item)
        try item.set(Attribute.presentationLUTShape, group.isInverted ? "INVERSE" : "IDENTITY")
        try writeArea(to: item)
        try writeAnnotations(to: item)
    }

    private func setImages(_ slices: [Int], in item: Item) throws(DCMTKError) {
        for reference in request.source.instances(of: slices) {
            try item.append(Attribute.referencedImageSequence) { (item) throws(DCMTKError) in
                try item.set(Attribute.referencedSOPClassUID, reference.sopClassUID)
                try item.set(Attribute.referencedSOPInstanceUID, reference.sopInstanceUID)
                if !reference.frames.isEmpty {
                    let frames = reference.frames.map(String.init).joined(separator: "\\")
                    try item.set(Attribute.referencedFrameNumber, frames)
                }
            }
        }
    }

    /// Without these the whole range of values would be shown.
    private func writeWindows(to item: Item) throws(DCMTKError) {
        var windows: [(SliceDisplay.Window, [Int])] = []
        for slice in group.slices {
            guard let window = displays[slice]?.window else { continue }
            if let place = windows.firstIndex(where: { $0.0 == window }) {
                windows[place].1.append(slice)
            } else {
                windows.append((window, [slice]))
            }
        }
        for (window, slices) in windows {
            try item.append(Attribute.softcopyVOILUTSequence) { (item) throws(DCMTKError) in
                if slices.count < group.slices.count { try setImages(slices, in: item) }
                try item.set(Attribute.windowCenter, window.center)
                try item.set(Attribute.windowWidth, window.width)
                if let function = window.function { try item.set(Attribute.voiLUTFunction, function) }
            }
        }
    }

    private func writeArea(to item: Item) throws(DCMTKError) {
        let grid = request.source.grid
        try item.append(Attribute.displayedAreaSelectionSequence) { (item) throws(DCMTKError) in
            try item.set(Attribute.displayedAreaTopLeftHandCorner, [1, 1])
            try item.set(
                Attribute.displayedAreaBottomRightHandCorner, [Double(grid.columns), Double(grid.rows)])
            try item.set(Attribute.presentationSizeMode, "SCALE TO FIT")
            if planes.isEmpty {
                try item.set(Attribute.presentationPixelAspectRatio, "1\\1")
            } else {
                try item.set(Attribute.presentationPixelSpacing, planes[group.slices[0]].pixelSpacing)
            }
        }
    }

    private func writeAnnotations(to item: Item) throws(DCMTKError) {
        let slices = Set(group.slices)
        let shown = annotations.filter { slices.contains($0.slice) }
        for annotation in shown {
            try item.append(Attribute.graphicAnnotationSequence) { (item) throws(DCMTKError) in
                try setImages([annotation.slice], in: item)
                try item.set(Attribute.graphicLayer, Self.layer(annotation.finding))
                try writeText(of: annotation, to: item)
                for polyline in annotation.polylines {
                    try item.append(Attribute.graphicObjectSequence) { (item) throws(DCMTKError) in
                        try item.set(Attribute.graphicAnnotationUnits, "PIXEL")
                        try item.set(Attribute.graphicDimensions, 2)
                        try item.set(Attribute.numberOfGraphicPoints, polyline.count / 2)
                        try item.set(Attribute.graphicData, polyline.map(Double.init))
                        try item.set(Attribute.graphicType, "POLYLINE")
                        try item.set(Attribute.graphicFilled, "N")
                    }
                }
            }
        }
        for (order, finding) in Set(shown.map(\.finding)).sorted().enumerated() {
            try item.append(Attribute.graphicLayerSequence) { (item) throws(DCMTKError) in
                try item.set(Attribute.graphicLayer, Self.layer(finding))
                try item.set(Attribute.graphicLayerOrder, String(order + 1))
                try item.set(Attribute.graphicLayerRecommendedDisplayCIELabValue, request.color(of: finding))
                try item.set(
                    Attribute.graphicLayerDescription,
                    Text.long(request.marked("\(request.findings[finding].label), not reviewed")))
            }
        }
    }

    private func writeText(of annotation: Annotation, to item: Item) throws(DCMTKError) {
        let finding = request.findings[annotation.finding]
        let measure = request.measure(of: finding).map { " \($0)" } ?? ""
        let columns = annotation.polylines.flatMap { line in stride(from: 0, to: line.count, by: 2).map { line[$0] } }
        let rows = annotation.polylines.flatMap { line in stride(from: 1, to: line.count, by: 2).map { line[$0] } }
        try item.append(Attribute.textObjectSequence) { (item) throws(DCMTKError) in
            try item.set(Attribute.anchorPointAnnotationUnits, "PIXEL")
            try item.set(
                Attribute.unformattedTextValue,
                Text.plain(request.marked("AI, not reviewed: \(finding.label)\(measure)")))
            try item.set(Attribute.anchorPoint, [Double(columns.max() ?? 0), Double(rows.min() ?? 0)])
            try item.set(Attribute.anchorPointVisibility, "N")
        }
    }

    private static func layer(_ finding: Int) -> String { "FINDING\(finding + 1)" }
}

extension PresentationState {
    /// What is drawn: every slice of a mask, if that is not too much, or else the key slices; of a box its rectangle.
    static func annotations(_ request: ResultRequest, _ masks: [Mask], keys: [KeySlice]) -> [Annotation] {
        let key = Dictionary(keys.flatMap { key in key.findings.map { ($0, key.slice) } }) { first, _ in first }
        let masked = request.findings.indices.filter { request.findings[$0].maskIndex != nil }
        func slices(_ index: Int) -> [Int] {
            guard let mask = request.findings[index].maskIndex.map({ masks[$0] }) else { return [] }
            return mask.blockSlices.filter { !mask.isEmpty(slice: $0) }
        }
        let all = masked.map { ($0, slices($0)) }
        let isTooMuch = all.reduce(0) { $0 + $1.1.count } > maximumAnnotations
        var annotations = all.flatMap { index, slices in
            let drawn = isTooMuch ? key[index].map { [$0] } ?? [] : slices
            return drawn.compactMap { slice -> Annotation? in
                guard let mask = request.findings[index].maskIndex.map({ masks[$0] }) else { return nil }
                let parts = Outline.parts(mask, slice: slice, limit: maximumParts)
                return Annotation(finding: index, slice: slice, polylines: parts.map(\.polyline))
            }
        }
        for (index, finding) in request.findings.enumerated() where finding.maskIndex == nil {
            guard let r = finding.box?.rectangle, let slice = finding.keySlice else { continue }
            let corners = [(r.left, r.top), (r.right, r.top), (r.right, r.bottom), (r.left, r.bottom), (r.left, r.top)]
            annotations.append(
                Annotation(
                    finding: index, slice: slice, polylines: [corners.flatMap { [Float($0.0), Float($0.1)] }]))
        }
        return annotations
    }
}
