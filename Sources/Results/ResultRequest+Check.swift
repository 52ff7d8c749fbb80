// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM

extension ResultRequest {
    /// Throws where the request contradicts itself or its masks. What only the source files can tell is checked later.
    func check(_ masks: [Mask]) throws(ResultsError) {
        guard isFinal else { throw .request("results are made of final runs only") }
        try checkInstances()
        if refusals.isEmpty {
            try checkGrid()
        } else {
            guard findings.isEmpty else { throw .request("a series that was not analysed has findings") }
        }
        try checkCodes()
        let grid = source.grid
        for (index, finding) in findings.enumerated() {
            guard finding.confidence.isFinite, (0...1).contains(finding.confidence) else {
                throw .request("the confidence of finding \(index + 1) is not between 0 and 1")
            }
            guard finding.measurements.allSatisfy(\.value.isFinite) else {
                throw .request("a measurement of finding \(index + 1) is not finite")
            }
            if let slice = finding.keySlice {
                guard (0..<grid.slices).contains(slice) else {
                    throw .request("the key slice of finding \(index + 1) is not in the volume")
                }
            }
            if let box = finding.box?.rectangle {
                guard box.left >= 0, box.top >= 0, box.left < box.right, box.top < box.bottom,
                    box.right <= Double(grid.columns), box.bottom <= Double(grid.rows), finding.keySlice != nil
                else { throw .request("the box of finding \(index + 1) is empty or not on a slice of the volume") }
            }
            guard let maskIndex = finding.maskIndex else { continue }
            guard masks.indices.contains(maskIndex) else {
                throw .request("finding \(index + 1) names a mask that is not there")
            }
            let mask = masks[maskIndex]
            guard mask.columns == grid.columns, mask.rows == grid.rows, mask.slices == grid.slices else {
                throw .maskDoesNotFit(
                    finding: index, "\(mask.columns)×\(mask.rows)×\(mask.slices) voxels are not those of the source")
            }
        }
        try checkScores()
        for text in [
            model.name, model.version, model.manufacturer, equipment.manufacturer,
            equipment.manufacturerModelName, equipment.deviceSerialNumber, equipment.softwareVersions,
        ] {
            guard !Text.plain(text).isEmpty else {
                throw .request("a name, version or serial number of model or equipment is empty")
            }
        }
    }

    private func checkScores() throws(ResultsError) {
        for score in scores {
            guard score.value.isFinite, score.threshold.isFinite, score.operatingPoint?.isFinite ?? true,
                score.slice.map(source.frames.indices.contains) ?? true
            else { throw .request("the score of class \(score.label) is not finite, or on no slice") }
            try Text.check(score.code, "class \(score.label)")
        }
        for (index, explanation) in explanations.enumerated() {
            guard findings.indices.contains(explanation.finding) else {
                throw .request("explanation \(index + 1) is of a finding that is not there")
            }
            guard let map = explanation.map else { continue }
            guard source.frames.indices.contains(map.slice), map.rows > 0, map.columns > 0,
                map.rows <= UInt16.max, map.columns <= UInt16.max, map.values.count == map.rows * map.columns,
                map.values.allSatisfy({ (0...1).contains($0) })
            else { throw .request("the map of explanation \(index + 1) lies on no frame, or is not between 0 and 1") }
        }
    }

    func check(_ probabilities: [[UInt8]], of masks: [Mask]) throws(ResultsError) {
        guard !probabilities.isEmpty else { return }
        guard probabilities.count == masks.count else {
            throw .request("there are probabilities of \(probabilities.count) masks, and \(masks.count) masks")
        }
        for (index, finding) in findings.enumerated() {
            guard let mask = finding.maskIndex, probabilities[mask].count != masks[mask].blockCount else { continue }
            throw .maskDoesNotFit(
                finding: index,
                "it has \(masks[mask].blockCount) voxels, and \(probabilities[mask].count) probabilities")
        }
    }

    private func checkGrid() throws(ResultsError) {
        let grid = source.grid
        guard grid.columns > 0, grid.rows > 0, grid.slices > 0, grid.columns <= UInt16.max, grid.rows <= UInt16.max,
            [grid.origin, grid.columnStep, grid.rowStep, grid.sliceStep].allSatisfy(\.isFinite), grid.voxelVolume > 0
        else { throw .request("the grid has no volume") }
        guard source.frames.count == grid.slices else {
            throw .request("the source has \(source.frames.count) frames, the grid \(grid.slices) slices")
        }
        guard Set(source.frames).count == source.frames.count else {
            throw .request("a source frame belongs to two slices")
        }
        var classes: [UID: UID] = [:]
        for instance in source.instances { classes[instance.sopInstanceUID] = instance.sopClassUID }
        guard
            source.frames.allSatisfy({ classes[$0.sopInstanceUID] == $0.sopClassUID && $0.frameNumber ?? 1 > 0 })
        else { throw .request("a slice is of an instance that was not analysed") }
    }

    private func checkInstances() throws(ResultsError) {
        guard !source.instances.isEmpty else { throw .request("there are no instances") }
        var seen: Set<UID> = []
        for instance in source.instances + source.companions.flatMap(\.instances) {
            guard seen.insert(instance.sopInstanceUID).inserted else {
                throw .request("instance \(instance.sopInstanceUID) is listed twice")
            }
            guard instance.digest.utf8.count == 64, instance.digest.allSatisfy(\.isHexDigit) else {
                throw .request("instance \(instance.sopInstanceUID) comes without its digest")
            }
        }
        for document in predecessors {
            guard seen.insert(document.sopInstanceUID).inserted else {
                throw .request("predecessor \(document.sopInstanceUID) is listed twice")
            }
        }
    }

    private func checkCodes() throws(ResultsError) {
        for (index, finding) in findings.enumerated() {
            let what = "finding \(index + 1)"
            var codes = [finding.code, finding.category, finding.type]
            codes += [finding.site, finding.laterality].compactMap { $0 }
            for measurement in finding.measurements {
                codes += [measurement.concept, measurement.unit]
                codes += [measurement.method, measurement.derivation].compactMap { $0 }
            }
            for code in codes { try Text.check(code, what) }
            guard !Text.plain(finding.label).isEmpty else { throw .request("\(what) has no label") }
        }
    }
}
