// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DCMTK
import DICOM

extension MeasurementReport {
    /// TID 1600: everything that was analysed, a group for each series.
    var imageLibrary: ReportItem {
        let series = [request.source.instances] + request.source.companions.map(\.instances)
        return ReportItem(.contains, Concept.imageLibrary, .container, series.map(libraryGroup))
    }

    /// What holds for all images of a series is said once. Where each image lies is not repeated here.
    private func libraryGroup(_ instances: [SourceInstance]) -> ReportItem {
        var slices: [UID: [Int]] = [:]
        for (slice, frame) in request.source.frames.enumerated() {
            slices[frame.sopInstanceUID, default: []].append(slice)
        }
        let descriptors = instances.map {
            self.descriptors(of: $0.sopInstanceUID, slices: slices[$0.sopInstanceUID] ?? [])
        }
        let shared = (descriptors.first ?? []).filter { item in descriptors.allSatisfy { $0.contains(item) } }
        let images = zip(instances, descriptors).map { instance, items in
            let reference = ReportItem.Value.image(
                sopClassUID: instance.sopClassUID, sopInstanceUID: instance.sopInstanceUID)
            return ReportItem(.contains, nil, reference, items.filter { !shared.contains($0) })
        }
        return ReportItem(.contains, Concept.imageLibraryGroup, .container, shared + images)
    }

    /// TID 1602, with 1603 for a projection and 1604 for cross-sections.
    private func descriptors(of uid: UID, slices: [Int]) -> [ReportItem] {
        guard let image = facts.images[uid] else { return [] }
        var items: [ReportItem] = []
        func add(_ concept: Code, _ value: ReportItem.Value) {
            items.append(ReportItem(.hasAcquisitionContext, concept, value))
        }
        if !image.modality.isEmpty { add(Concept.modality, .code(SourceFacts.code(ofModality: image.modality))) }
        if let laterality = image.laterality.flatMap(SourceFacts.code(ofLaterality:)) {
            add(Concept.imageLaterality, .code(laterality))
        }
        if let uid = request.source.frameOfReferenceUID { add(Concept.frameOfReferenceUID, .uid(uid)) }
        add(Concept.pixelDataRows, .number(String(image.rows), unit: Unit.pixels))
        add(Concept.pixelDataColumns, .number(String(image.columns), unit: Unit.pixels))
        let planes = slices.compactMap { facts.planes.indices.contains($0) ? facts.planes[$0] : nil }
        if planes.isEmpty, request.source.frameOfReferenceUID == nil {
            if let view = image.view { add(Concept.imageView, .code(view)) }
            if let orientation = image.orientation {
                add(Concept.patientOrientationRow, .text(orientation[0]))
                add(Concept.patientOrientationColumn, .text(orientation[1]))
            }
        }
        if let spacing = planes.common(\.pixelSpacing)?.decimals ?? (planes.isEmpty ? image.spacing : nil) {
            add(Concept.horizontalPixelSpacing, .number(Text.decimal(spacing[1]), unit: Unit.millimetre))
            add(Concept.verticalPixelSpacing, .number(Text.decimal(spacing[0]), unit: Unit.millimetre))
        }
        guard !planes.isEmpty else { return items }
        if let distance = request.source.grid.sliceDistance {
            add(Concept.spacingBetweenSlices, .number(Text.decimal(distance), unit: Unit.millimetre))
        }
        if let thickness = planes.common(\.sliceThickness)?.flatMap({ Double($0) }) {
            add(Concept.sliceThickness, .number(Text.decimal(thickness), unit: Unit.millimetre))
        }
        if let cosines = planes.common(\.orientation)?.decimals {
            for (concept, cosine) in zip(Concept.imageOrientation, cosines) {
                add(concept, .number(Text.decimal(cosine), unit: Unit.cosine))
            }
        }
        return items
    }
}

extension [SourceFacts.Plane] {
    /// What all of them have; nil where they differ, or there are none.
    fileprivate func common<Value: Equatable>(_ value: KeyPath<SourceFacts.Plane, Value>) -> Value? {
        guard let first = first?[keyPath: value], allSatisfy({ $0[keyPath: value] == first }) else { return nil }
        return first
    }
}

extension String {
    /// Of a multi-valued decimal string that was read as numbers before.
    fileprivate var decimals: [Double] { split(separator: "\\").map { Double($0) ?? .nan } }
}

extension SourceFacts {
    /// CID 29.
    static func code(ofModality modality: String) -> Code {
        let meanings = [
            "CT": "Computed Tomography", "MR": "Magnetic Resonance", "CR": "Computed Radiography",
            "DX": "Digital Radiography", "MG": "Mammography", "PT": "Positron emission tomography",
        ]
        return Code(modality, "DCM", meanings[modality] ?? modality)
    }

    /// CID 244.
    static func code(ofLaterality laterality: String) -> Code? {
        switch laterality {
        case "L": Code("7771000", "SCT", "Left")
        case "R": Code("24028007", "SCT", "Right")
        case "B": Code("51440002", "SCT", "Bilateral")
        case "U": Code("66459002", "SCT", "Unilateral")
        default: nil
        }
    }
}
