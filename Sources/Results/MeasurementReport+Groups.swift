// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DCMTK
import DICOM

extension MeasurementReport {
    /// The measurement groups of one finding. With a mask: TID 1411 for the segment and TID 1410 for its outline on the
    /// key slice. Viewers that show no segments show the outline, and join the two by the tracking UID, so that no
    /// measurement is in both.
    func groups(_ index: Int) -> [ReportItem] {
        guard let segment = segmentation?.segments.first(where: { $0.finding == index }) else {
            return [group(index, trackingUID: names.uid("tracking \(index)"), located(index) ?? withoutMask(index))]
        }
        guard refersToSegmentation else {
            // A destination that does not take the Segmentation gets all that was measured with the outline.
            return [group(index, trackingUID: segment.trackingUID, outline(segment) + measured(segment))]
        }
        var contents = [volumetric(segment), outline(segment)]
        // Where there is one region in all, PixelMed's validator holds every group of the report against TID 1410, the
        // one with the segment too, and finds errors. With a second region it does not.
        if segmentation?.segments.count == 1 { contents.append(box(segment)) }
        return contents.map { group(index, trackingUID: segment.trackingUID, $0) }
    }

    private func group(_ index: Int, trackingUID: UID, _ items: [ReportItem]) -> ReportItem {
        let finding = request.findings[index]
        var site: [ReportItem] = []
        if let code = finding.site {
            let laterality = finding.laterality.map { [ReportItem(.hasConceptModifier, Concept.laterality, .code($0))] }
            site = [ReportItem(.hasConceptModifier, Concept.findingSite, .code(code), laterality ?? [])]
        }
        let identity = [
            ReportItem(
                .hasObservationContext, Concept.trackingIdentifier, .text(request.trackingIdentifier(index))),
            // OHIF takes the first UIDREF of a group for this one.
            ReportItem(.hasObservationContext, Concept.trackingUniqueIdentifier, .uid(trackingUID)),
            ReportItem(.contains, Concept.finding, .code(finding.code)),
        ]
        return ReportItem(.contains, Concept.measurementGroup, .container, identity + site + items)
    }

    /// TID 1411, from Referenced Segment on.
    private func volumetric(_ segment: Segmentation.Segment) -> [ReportItem] {
        guard let segmentation else { return [] }
        var items = [
            ReportItem(
                .contains, Concept.referencedSegment,
                .image(
                    sopClassUID: segmentation.sopClassUID, sopInstanceUID: segmentation.sopInstanceUID,
                    segments: [segment.number]))
        ]
        items += request.source.instances(of: segment.slices).map {
            ReportItem(
                .contains, Concept.sourceImageForSegmentation,
                .image(sopClassUID: $0.sopClassUID, sopInstanceUID: $0.sopInstanceUID, frames: $0.frames))
        }
        return items + measured(segment)
    }

    private func measured(_ segment: Segmentation.Segment) -> [ReportItem] {
        let finding = request.findings[segment.finding]
        let volume = Double(segment.voxelCount) * request.source.grid.voxelVolume
        // The volume is counted from the very bits of the segment. An image that only projects the body has none.
        let volumes =
            request.source.frameOfReferenceUID == nil
            ? []
            : [
                number(Concept.volume, volume, Unit.cubicMillimetre),
                number(Concept.volume, volume / 1000, Unit.millilitre),
            ]
        return volumes + finding.measurements.filter { !$0.concept.isSameConcept(as: Concept.volume) }.map(number)
            + assessment(finding)
    }

    /// TID 1410, from Geometric Purpose on: the border of the largest part on the key slice.
    private func outline(_ segment: Segmentation.Segment) -> [ReportItem] {
        let grid = request.source.grid
        let area = Double(segment.outline.pixelCount) * grid.columnStep.cross(grid.rowStep).length
        return region(segment, Concept.outline, segment.outline.polyline)
            + [number(Concept.area, area, Unit.squareMillimetre)]
    }

    /// The same for the box around that border.
    private func box(_ segment: Segmentation.Segment) -> [ReportItem] {
        let box = segment.outline.box
        let spacing = request.source.grid.spacing
        return region(segment, Concept.boundedBy, box.polyline) + [
            number(Concept.width, Double(box.columns.count) * spacing.column, Unit.millimetre),
            number(Concept.height, Double(box.rows.count) * spacing.row, Unit.millimetre),
        ]
    }

    private func region(_ segment: Segmentation.Segment, _ purpose: Code, _ polyline: [Float]) -> [ReportItem] {
        region(slice: segment.slices[segment.key], purpose, polyline)
    }

    /// TID 1410 for a finding that has no segment, but a place; nil where it has none.
    private func located(_ index: Int) -> [ReportItem]? {
        let finding = request.findings[index]
        if let (slice, outline) = outlines[index] {
            return region(slice: slice, Concept.outline, outline.polyline) + finding.measurements.map(number)
                + assessment(finding)
        }
        guard let slice = finding.keySlice else { return nil }
        if let box = finding.box {
            let r = box.rectangle
            return region(slice: slice, Concept.boundedBy, rectangle(r.left, r.top, r.right, r.bottom))
                + block(box) + finding.measurements.map(number) + assessment(finding)
        }
        // What was classified is the image: its border. OHIF shows no group without coordinates, and on an image without
        // a frame of reference it stops at one.
        guard request.source.frameOfReferenceUID == nil,
            let image = facts.images[request.source.frames[slice].sopInstanceUID]
        else { return nil }
        return region(slice: slice, Concept.boundedBy, rectangle(0, 0, Double(image.columns), Double(image.rows)))
            + finding.measurements.map(number) + assessment(finding)
    }

    private func rectangle(_ left: Double, _ top: Double, _ right: Double, _ bottom: Double) -> [Float] {
        [(left, top), (right, top), (right, bottom), (left, bottom), (left, top)].flatMap {
            [Float($0.0), Float($0.1)]
        }
    }

    /// Two opposite faces of a box in the patient. Viewers take the first coordinates of a group, which are the rectangle.
    private func block(_ box: FindingBox) -> [ReportItem] {
        guard let uid = request.source.frameOfReferenceUID, box.axes.count == 3, box.size.count == 3 else { return [] }
        let half = zip(box.axes, box.size).map { $0 * ($1 / 2) }
        return [-1.0, 1.0].map { side in
            let corners = [(-1.0, -1.0), (1, -1), (1, 1), (-1, 1), (-1, -1)].map { u, v in
                box.center + half[0] * u + half[1] * v + half[2] * side
            }
            return ReportItem(
                .contains, Concept.boundedBy,
                .polygon3D(corners.flatMap { [Float($0.x), Float($0.y), Float($0.z)] }, frameOfReferenceUID: uid))
        }
    }

    private func region(slice: Int, _ purpose: Code, _ polyline: [Float]) -> [ReportItem] {
        let frame = request.source.frames[slice]
        let image = ReportItem(
            .selectedFrom, nil,
            .image(
                sopClassUID: frame.sopClassUID, sopInstanceUID: frame.sopInstanceUID,
                frames: frame.frameNumber.map { [$0] } ?? []))
        return [
            ReportItem(.contains, Concept.purposeOfRegion, .code(purpose)),
            ReportItem(.contains, Concept.imageRegion, .polyline(polyline), [image]),
        ]
    }

    /// TID 1501: a statement on the series, with the slice that shows it where the model names one. Beside groups with
    /// segments, PixelMed's validator holds it against TID 1411; the standard lets the templates mix.
    private func withoutMask(_ index: Int) -> [ReportItem] {
        let finding = request.findings[index]
        var items = algorithm() + finding.measurements.map(number) + assessment(finding)
        if let slice = finding.keySlice {
            let frame = request.source.frames[slice]
            items.append(
                ReportItem(
                    .contains, Concept.sourceOfMeasurement,
                    .image(
                        sopClassUID: frame.sopClassUID, sopInstanceUID: frame.sopInstanceUID,
                        frames: frame.frameNumber.map { [$0] } ?? [])))
        }
        return items
    }

    private func assessment(_ finding: Finding) -> [ReportItem] {
        [
            number(Concept.certaintyOfFinding, finding.confidence * 100, Unit.percent, digits: 4),
            ReportItem(.contains, Concept.actionability, .code(finding.priority.actionability)),
        ]
    }

    private func number(_ measurement: Measurement) -> ReportItem {
        var item = number(measurement.concept, measurement.value, measurement.unit)
        if let method = measurement.method {
            item.children.append(ReportItem(.hasConceptModifier, Concept.measurementMethod, .code(method)))
        }
        if let derivation = measurement.derivation {
            item.children.append(ReportItem(.hasConceptModifier, Concept.derivation, .code(derivation)))
        }
        return item
    }

    /// With the algorithm below it (TID 4019): OHIF reads the children of a NUM without asking whether there are any.
    private func number(_ concept: Code, _ value: Double, _ unit: Code, digits: Int = 10) -> ReportItem {
        ReportItem(
            .contains, concept, .number(Text.decimal(value, digits: digits), unit: unit),
            Array(algorithm().prefix(2)))
    }
}
