// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DCMTK
import DICOM

/// What is made for viewers that show neither Segmentations nor reports; beside these, never instead of their meaning.
struct Fallbacks {
    struct Object {
        var sopClassUID: UID
        var sopInstanceUID: UID
        var seriesInstanceUID: UID
        var write: (Item, Header) throws(DCMTKError) -> Void
    }

    let request: ResultRequest
    let masks: [Mask]
    let images: [KeyImage]
    let facts: SourceFacts
    let names: ResultNames

    /// Nothing where no finding lies on a slice; no heat map where there is no explanation.
    func objects(_ kind: ResultKind) throws(ResultsError) -> [Object] {
        let keys = request.keySlices(masks)
        guard !keys.isEmpty || kind == .heatMap else { return [] }
        switch kind {
        case .segmentation, .measurementReport: return []
        case .heatMap:
            var objects: [Object] = []
            for explanation in request.heatMaps {
                guard let map = explanation.map else { continue }
                objects.append(object(try heatMap(explanation, map, number: objects.count + 1)))
            }
            return objects
        case .keyObjects:
            let selection = KeyObjectSelection(request: request, keys: keys, names: names)
            return [
                Object(
                    sopClassUID: SOPClass.keyObjectSelection, sopInstanceUID: selection.sopInstanceUID,
                    seriesInstanceUID: selection.seriesInstanceUID, write: selection.write)
            ]
        case .secondaryCapture:
            var objects: [Object] = []
            for (index, key) in keys.enumerated() {
                objects.append(object(try capture(key, number: index + 1, of: keys.count)))
            }
            return objects
        case .presentationState: return try presentationStates(keys)
        }
    }

    // MARK: Pictures

    private func object(_ capture: SecondaryCapture) -> Object {
        Object(
            sopClassUID: SOPClass.secondaryCapture, sopInstanceUID: capture.sopInstanceUID,
            seriesInstanceUID: capture.seriesInstanceUID, write: capture.write)
    }

    private func image(of slice: Int) throws(ResultsError) -> KeyImage {
        let grid = request.source.grid
        guard let image = images.first(where: { $0.slice == slice }), [1, 3].contains(image.channels),
            image.values.count == grid.columns * grid.rows * image.channels
        else { throw .request("the pixels of slice \(slice + 1) are not there") }
        return image
    }

    private func heatMap(
        _ explanation: Explanation, _ map: Explanation.HeatMap, number: Int
    ) throws(ResultsError) -> SecondaryCapture {
        let image = try image(of: map.slice)
        let display = try SliceDisplay.read(request.source, slice: map.slice)
        let place = place(map.slice, display)
        let certainty = Text.decimal(request.findings[explanation.finding].confidence * 100, digits: 3)
        let below =
            [
                Picture.Line(text: Text.plain(explanation.caveat), color: .yellow),
                Picture.Line(text: Text.plain("\(explanation.label), certainty \(certainty) %"), color: .white),
                Picture.Line(
                    text:
                        "By \(explanation.kind.words), \(map.computed.map(String.init).joined(separator: " x ")) places",
                    color: .grey),
            ] + explanation.notes.map { Picture.Line(text: Text.plain($0), color: .red) }
        let picture = Picture(
            image.brightness(display), channels: image.channels, grid: request.source.grid,
            isToScale: image.isToScale, orientation: display.orientation, marks: [],
            overlay: .init(values: map.values, rows: map.rows, columns: map.columns), above: banner,
            below: below + [Picture.Line(text: place, color: .grey)])
        let notes = explanation.notes.map { " \($0)." }.joined()
        return SecondaryCapture(
            sopInstanceUID: names.uid("heat map instance \(number)", of: picture.canvas.pixels),
            seriesInstanceUID: names.uid("heat map series"), kind: .heatMap, number: number, picture: picture,
            frame: request.source.frames[map.slice], display: display,
            derivation: "Heat map of \(explanation.label) by \(explanation.kind.words), \(model). "
                + "\(explanation.caveat).\(notes) Not reviewed.",
            comments: "\(explanation.caveat). AI result, not reviewed. \(place)",
            isLossy: facts.lossyCompression)
    }

    private func capture(_ key: KeySlice, number: Int, of count: Int) throws(ResultsError) -> SecondaryCapture {
        let grid = request.source.grid
        let image = try image(of: key.slice)
        let display = try SliceDisplay.read(request.source, slice: key.slice)
        let place = place(key.slice, display)
        let picture = Picture(
            image.brightness(display), channels: image.channels, grid: grid, isToScale: image.isToScale,
            orientation: display.orientation, marks: marks(key), above: banner,
            below: legend(key) + [Picture.Line(text: place, color: .grey)])
        return SecondaryCapture(
            sopInstanceUID: names.uid("SC instance \(number)", of: picture.canvas.pixels),
            seriesInstanceUID: names.uid("SC series"), kind: .secondaryCapture, number: number, picture: picture,
            frame: request.source.frames[key.slice], display: display,
            derivation: "Key slice \(number) of \(count) with the outline of findings, by \(model). Not reviewed.",
            comments: "AI result, not reviewed. \(place)", isLossy: facts.lossyCompression)
    }

    private var model: String { "\(request.model.name) \(request.model.version)" }

    private var banner: [Picture.Line] {
        var lines = [Picture.Line(text: "AI RESULT, NOT REVIEWED", color: .yellow, size: 3)]
        if request.model.isDemonstration {
            lines.append(Picture.Line(text: "DEMONSTRATION, NOT FOR DIAGNOSIS", color: .red))
        }
        return lines + [Picture.Line(text: Text.plain(model), color: .grey)]
    }

    private func marks(_ key: KeySlice) -> [Picture.Mark] {
        key.findings.compactMap { index in
            let finding = request.findings[index]
            let color = Canvas.Color(scaledCIELab: request.color(of: index))
            if let mask = finding.maskIndex {
                return Picture.Mark(
                    shape: .mask(masks[mask].plane(key.slice)), color: color, number: "\(index + 1)")
            }
            return finding.box.map {
                Picture.Mark(shape: .rectangle($0.rectangle), color: color, number: "\(index + 1)")
            }
        }
    }

    private func legend(_ key: KeySlice) -> [Picture.Line] {
        let shown = 6
        var lines = key.findings.prefix(shown).map { index in
            let finding = request.findings[index]
            let certainty = Text.decimal(finding.confidence * 100, digits: 3)
            let words = ["\(index + 1) \(finding.label)", request.measure(of: finding), "certainty \(certainty) %"]
            return Picture.Line(
                text: Text.plain(words.compactMap(\.self).joined(separator: ", ")), color: .white,
                swatch: Canvas.Color(scaledCIELab: request.color(of: index)))
        }
        let others = key.findings.count - lines.count
        if others > 0 { lines.append(Picture.Line(text: "and \(others) more", color: .white)) }
        return lines
    }

    private func place(_ slice: Int, _ display: SliceDisplay) -> String {
        let frame = request.source.frames[slice].frameNumber.map { "frame \($0)" }
        let image = display.instanceNumber.flatMap { $0.isEmpty ? nil : "image \($0)" }
        return ["Slice \(slice + 1) of \(request.source.grid.slices)", frame ?? image].compactMap(\.self)
            .joined(separator: ", ")
    }

    // MARK: Outlines on the images

    /// None for colour images: their presentation states are of another class.
    private func presentationStates(_ keys: [KeySlice]) throws(ResultsError) -> [Object] {
        let annotations = PresentationState.annotations(request, masks, keys: keys)
        var displays: [Int: SliceDisplay] = [:]
        var groups: [PresentationState.Group] = []
        for slice in Set(annotations.map(\.slice)).sorted() {
            let display = try SliceDisplay.read(request.source, slice: slice)
            guard display.isMonochrome else { return [] }
            displays[slice] = display
            let place = groups.firstIndex { $0.rescale == display.rescale && $0.isInverted == display.isInverted }
            if let place {
                groups[place].slices.append(slice)
            } else {
                groups.append(.init(rescale: display.rescale, isInverted: display.isInverted, slices: [slice]))
            }
        }
        return groups.enumerated().map { index, group in
            let state = PresentationState(
                request: request, annotations: annotations, displays: displays, group: group, number: index + 1,
                names: names, planes: facts.planes)
            return Object(
                sopClassUID: SOPClass.grayscalePresentationState, sopInstanceUID: state.sopInstanceUID,
                seriesInstanceUID: state.seriesInstanceUID, write: state.write)
        }
    }
}

extension Explanation.Kind {
    fileprivate var words: String {
        switch self {
        case .mask: "mask"
        case .box: "box"
        case .activationMap: "class activation"
        case .features: "features and weights"
        case .occlusion: "occlusion"
        }
    }
}
