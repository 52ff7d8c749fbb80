// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM
import Models
import Volume

extension Analysis {
    /// One package on all that it reads: the volumes of its channels, that of the job's own series first, and what the package
    /// of its region marks in it. Results are on the grid of the first volume. The manifest's gates are asked before and
    /// after.
    package func run(
        _ package: ModelPackage, on volumes: [VoxelVolume], shouldStop: @escaping () -> Bool = { false }
    ) throws(InferenceError) -> AnalysisResult {
        let quality = package.manifest.quality
        let before =
            QualityGates(quality: quality, volume: volumes[0]).results
            + volumes.enumerated().flatMap { place, volume in
                let verdicts = quality.gates.isEmpty ? [] : verdicts(on: volume, quality)
                // Of several series each is named.
                guard package.manifest.channels.count == volumes.count, volumes.count > 1 else { return verdicts }
                return verdicts.map { result in
                    var result = result
                    result.evidence = "\(package.manifest.channels[place].name): \(result.evidence)"
                    return result
                }
            }
        try refuse(before)
        var result = try ungated(package, volumes, shouldStop: shouldStop)
        result.explainMarks()
        let after = AnatomyVerdicts(
            quality: quality, slices: volumes[0].grid.slices, marked: { Anatomy(of: $0, in: result, volumes[0]) },
            declaresContrast: !volumes[0].declared.contrastBolusAgent.isEmpty
        ).all
        try refuse(after)
        result.gates = before + after
        result.notes += result.gates.filter { $0.outcome == .warn }.map(\.evidence)
        return result
    }

    private func verdicts(on volume: VoxelVolume, _ quality: Manifest.Quality) -> [QualityGateResult] {
        QualityVerdicts(gates: quality.gates, facts: VolumeFacts(volume), unit: volume.unit.value).all
    }

    private func refuse(_ gates: [QualityGateResult]) throws(InferenceError) {
        let reasons = gates.filter { $0.outcome == .block }.map(\.evidence)
        if !reasons.isEmpty { throw .refused(reasons) }
    }

    private func ungated(
        _ package: ModelPackage, _ volumes: [VoxelVolume], shouldStop: @escaping () -> Bool
    ) throws(InferenceError) -> AnalysisResult {
        let volume = volumes[0]
        guard let other = package.regionPackages.first, let region = package.manifest.region else {
            return try whole(package, volumes, shouldStop: shouldStop)
        }
        let found = try run(other, on: volume, shouldStop: shouldStop)
        let masks = found.findings.filter { $0.label == region.label }.compactMap {
            $0.maskIndex.map { found.masks[$0] }
        }
        guard let box = VoxelBox(around: masks, margin: region.margin, in: volume.grid) else {
            throw .refused(["\(other.identity.name) found no \(region.label), to which the package is restricted"])
        }
        if case .promptable = package.manifest.inference {
            let prompts = masks.flatMap { Prompt.boxes(around: $0, margin: region.margin, grid: volume.grid) }
            var result = try segment(package, on: volume, prompts: prompts, shouldStop: shouldStop)
            note(&result, other, region, found)
            return result
        }
        // Judged on the whole series: what the other package marked is smaller by its nature.
        let refusals = QualityGates(quality: package.manifest.quality, volume: volume).refusals
        guard refusals.isEmpty else { throw .refused(refusals) }
        var inside = package
        inside.manifest.quality.minimumExtent = nil
        let part = volume.cut(to: box)
        let others = volumes.dropFirst().map { other in
            VoxelBox(readBy: part.grid, in: other.grid).map { other.cut(to: $0) } ?? other
        }
        var result = try whole(inside, [part] + others, shouldStop: shouldStop)
        result.masks = result.masks.map { box.restore($0, to: volume.grid) }
        for index in result.findings.indices {
            result.findings[index].keySlice? += box.slices.lowerBound
            result.findings[index].box?.rectangle.move(
                right: Double(box.columns.lowerBound), down: Double(box.rows.lowerBound))
        }
        for index in result.scores.indices { result.scores[index].slice? += box.slices.lowerBound }
        for index in result.explanations.indices {
            result.explanations[index].map = result.explanations[index].map?.restored(from: box, to: volume.grid)
        }
        for index in result.longAxes.indices {
            result.longAxes[index].slice += box.slices.lowerBound
            let corner = [box.columns.lowerBound, box.rows.lowerBound]
            result.longAxes[index].from = zip(result.longAxes[index].from, corner).map { $0 + $1 }
            result.longAxes[index].to = zip(result.longAxes[index].to, corner).map { $0 + $1 }
        }
        note(&result, other, region, found)
        return result
    }

    /// A package on the volumes as they are, whatever its region.
    private func whole(
        _ package: ModelPackage, _ volumes: [VoxelVolume], shouldStop: @escaping () -> Bool
    ) throws(InferenceError) -> AnalysisResult {
        guard volumes.count > 1 else { return try run(package, on: volumes[0], shouldStop: shouldStop) }
        if case .slices = package.manifest.inference {
            return try analyseSlices(package, volumes, progress: { _ in }, shouldStop: shouldStop)
        }
        return try mark(package, volumes, progress: { _ in }, shouldStop: shouldStop)
    }

    private func note(
        _ result: inout AnalysisResult, _ other: ModelPackage, _ region: Manifest.Region, _ found: AnalysisResult
    ) {
        result.timing.engine += found.timing.engine
        result.timing.total += found.timing.total
        let words = "\(other.identity.name) \(other.identity.version)"
        result.notes.append(
            "Only within \(region.margin.formattedAsNote) mm of the \(region.label) that \(words) marked was analysed.")
    }
}

/// A block of voxels of a grid; never empty.
struct VoxelBox: Equatable {
    var columns: Range<Int>
    var rows: Range<Int>
    var slices: Range<Int>

    /// Around all that is marked, and so many mm further in each direction; nil where nothing is marked.
    init?(around masks: [Mask], margin: Double, in grid: Grid) {
        var low = [Int.max, Int.max, Int.max]
        var high = [Int.min, Int.min, Int.min]
        for mask in masks {
            for slice in mask.blockSlices {
                for row in mask.blockRows {
                    let line = mask.line(row: row, slice: slice)
                    guard let first = line.firstIndex(where: { $0 != 0 }), let last = line.lastIndex(where: { $0 != 0 })
                    else { continue }
                    let start = mask.blockColumns.lowerBound - line.startIndex
                    low = [min(low[0], start + first), min(low[1], row), min(low[2], slice)]
                    high = [max(high[0], start + last), max(high[1], row), max(high[2], slice)]
                }
            }
        }
        guard low[0] <= high[0] else { return nil }
        let steps = [grid.spacing.column, grid.spacing.row, grid.spacing.slice]
        let counts = [grid.columns, grid.rows, grid.slices]
        let ranges = (0..<3).map { axis in
            let more = Int((margin / steps[axis]).rounded(.up))
            return max(0, low[axis] - more)..<min(counts[axis], high[axis] + more + 1)
        }
        (columns, rows, slices) = (ranges[0], ranges[1], ranges[2])
    }

    /// The voxels of a grid that are read, linearly, at those of another; nil where there are none.
    init?(readBy reader: Grid, in grid: Grid) {
        let lattice = Lattice(grid)
        let (map, counts) = (lattice.map(from: Lattice(reader)), Lattice(reader).shape)
        var ranges: [Range<Int>] = []
        for dimension in 0..<3 {
            let reach = (0..<3).map { map.matrix[dimension][$0] * Double(counts[$0] - 1) }
            let low = map.offset[dimension] + reach.map { min($0, 0) }.reduce(0, +)
            let high = map.offset[dimension] + reach.map { max($0, 0) }.reduce(0, +)
            // One further, so that rounding leaves none out.
            let start = max(0, Int(low.rounded(.down)) - 1)
            let end = min(lattice.shape[dimension], Int(high.rounded(.up)) + 2)
            guard start < end else { return nil }
            ranges.append(start..<end)
        }
        (slices, rows, columns) = (ranges[0], ranges[1], ranges[2])
    }

    /// The mask of the block, on the whole grid.
    func restore(_ mask: Mask, to grid: Grid) -> Mask {
        mask.placed(
            column: columns.lowerBound, row: rows.lowerBound, slice: slices.lowerBound, columns: grid.columns,
            rows: grid.rows, slices: grid.slices)
    }
}

extension VoxelVolume {
    /// The block as a volume of its own, with the frames of its slices.
    func cut(to box: VoxelBox) -> VoxelVolume {
        var cut = grid
        cut.origin = grid.point(
            column: Double(box.columns.lowerBound), row: Double(box.rows.lowerBound),
            slice: Double(box.slices.lowerBound))
        (cut.columns, cut.rows, cut.slices) = (box.columns.count, box.rows.count, box.slices.count)
        var values: [Float] = []
        values.reserveCapacity(cut.count)
        for slice in box.slices {
            for row in box.rows {
                let start = grid.index(column: box.columns.lowerBound, row: row, slice: slice)
                values.append(contentsOf: voxels[start..<start + box.columns.count])
            }
        }
        return VoxelVolume(
            grid: cut, voxels: values, unit: unit, frames: Array(frames[box.slices]), notes: notes,
            placement: placement,
            declared: declared)
    }
}

extension Double {
    fileprivate var formattedAsNote: String { self == rounded() ? String(Int(self)) : String(self) }
}
