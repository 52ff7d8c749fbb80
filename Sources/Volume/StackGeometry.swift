// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM
import Glibc

/// Planes in their order along the stack, on one even grid; made only of planes that fit.
struct StackGeometry {
    /// Sorted along the normal (row cosines × column cosines): for axial slices, from the feet to the head.
    var planes: [PlaneDescription]
    var grid: Grid
    var notes: [String] = []
    /// The largest difference of a step from the median one, as a share of it.
    var unevenSpacing = 0.0
    /// Of the first file given, whose frame may not be part of the stack; the range of values is of all slices.
    var declared: DeclaredFacts

    init(_ given: [PlaneDescription], choice: FrameChoice = FrameChoice(), minimumSlices: Int) throws(VolumeRefusal) {
        guard let any = given.first else { throw .empty }
        try StackGeometry.checkOrigin(given, any)
        let chosen = try StackChoice(given, choice)
        let unsorted = chosen.planes
        notes = chosen.notes
        declared = any.declared
        let ranges = unsorted.compactMap(\.declared.valueRange)
        if let least = ranges.map(\.lowerBound).min(), let most = ranges.map(\.upperBound).max() {
            declared.valueRange = least...most
        }
        guard let first = unsorted.first else { throw .empty }
        guard unsorted.count >= max(2, minimumSlices) else {
            throw .tooFewSlices(count: unsorted.count, needed: max(2, minimumSlices))
        }
        try StackGeometry.checkAlike(unsorted, first)
        // Of the most usual orientation, not of whichever plane came first.
        let reference = StackGeometry.mostUsual(unsorted)
        let normal = reference.rowCosines.cross(reference.columnCosines)
        planes = unsorted.sorted { a, b in
            let (da, db) = (a.position.dot(normal), b.position.dot(normal))
            if da != db { return da < db }
            return (a.source.sopInstanceUID, a.frameIndex) < (b.source.sopInstanceUID, b.frameIndex)
        }
        for (index, plane) in planes.enumerated() where !plane.isParallel(to: reference) {
            throw .mixedOrientation(slice: index + 1, of: planes.count, degrees: plane.angle(to: reference))
        }
        try StackGeometry.checkSpacing(planes, normal)
        let steps = zip(planes, planes.dropFirst()).map { ($1.position - $0.position).dot(normal) }.sorted()
        let middle = steps[steps.count / 2]
        unevenSpacing = max(middle - steps[0], steps[steps.count - 1] - middle) / middle

        let count = planes.count
        let step = (planes[count - 1].position - planes[0].position) * (1 / Double(count - 1))
        grid = Grid(
            origin: planes[0].position, columnStep: reference.rowCosines * first.pixelSpacing.column,
            rowStep: reference.columnCosines * first.pixelSpacing.row, sliceStep: step, columns: first.columns,
            rows: first.rows, slices: count)
        try checkStraight(normal)
        try noteTilt(normal)
        noteCoverage(normal)
        if planes.contains(where: \.isLossy) { notes.append("the images were compressed with loss") }
    }

    private static func checkOrigin(_ planes: [PlaneDescription], _ first: PlaneDescription) throws(VolumeRefusal) {
        for plane in planes {
            guard plane.source.sopClassUID == first.source.sopClassUID else { throw .mixedSOPClass }
            guard plane.seriesInstanceUID == first.seriesInstanceUID else { throw .mixedSeries }
        }
    }

    private static func checkAlike(_ planes: [PlaneDescription], _ first: PlaneDescription) throws(VolumeRefusal) {
        for plane in planes {
            guard plane.frameOfReferenceUID == first.frameOfReferenceUID else { throw .mixedFrameOfReference }
            guard plane.columns == first.columns, plane.rows == first.rows else { throw .mixedSize }
            let (a, b) = (plane.pixelSpacing, first.pixelSpacing)
            guard abs(a.row - b.row) <= Tolerance.pixelSpacing * b.row,
                abs(a.column - b.column) <= Tolerance.pixelSpacing * b.column
            else { throw .mixedPixelSpacing }
        }
        guard first.frameOfReferenceUID != nil else {
            throw .missingAttribute("FrameOfReferenceUID", first.source.sopInstanceUID)
        }
    }

    /// A plane that at least half of the planes are parallel to, or the first.
    private static func mostUsual(_ planes: [PlaneDescription]) -> PlaneDescription {
        for candidate in planes.prefix(3) {
            let parallel = planes.count { $0.isParallel(to: candidate) }
            if parallel * 2 >= planes.count { return candidate }
        }
        return planes[0]
    }

    private static func checkSpacing(_ planes: [PlaneDescription], _ normal: Vector3) throws(VolumeRefusal) {
        let count = planes.count
        let steps = zip(planes, planes.dropFirst()).map { ($1.position - $0.position).dot(normal) }
        let same = steps.indices.filter { steps[$0] < Tolerance.samePosition }
        if let index = same.first { throw .duplicatePositions(count: same.count, slice: index + 2, of: count) }
        let sorted = steps.sorted()
        let expected = sorted[sorted.count / 2]
        let uneven = steps.indices.filter { abs(steps[$0] - expected) > Tolerance.spacing(expected) }
        guard let index = uneven.first else { return }
        // A few wide steps among even ones are slices that are missing; anything else is no even stack.
        if uneven.allSatisfy({ steps[$0] > Tolerance.gap * expected }), uneven.count <= max(1, count / 10) {
            throw .gap(
                millimetres: steps[index], afterSlice: index + 1, of: count, expected: expected,
                others: uneven.count - 1)
        }
        throw .mixedSpacing(smallest: sorted[0], largest: sorted[sorted.count - 1])
    }

    /// That each plane lies where the grid says.
    private func checkStraight(_ normal: Vector3) throws(VolumeRefusal) {
        let along = Tolerance.alongStack(abs(grid.sliceStep.dot(normal)))
        let across = Tolerance.acrossStack(min(grid.spacing.column, grid.spacing.row))
        for (index, plane) in planes.enumerated() {
            let off = plane.position - grid.point(column: 0, row: 0, slice: Double(index))
            let lengthwise = off.dot(normal)
            let sideways = (off - normal * lengthwise).length
            guard abs(lengthwise) <= along, sideways <= across else {
                throw .crooked(slice: index + 1, of: planes.count, millimetres: off.length)
            }
        }
    }

    private mutating func noteTilt(_ normal: Vector3) throws(VolumeRefusal) {
        let cosine = min(1, abs(grid.sliceStep.dot(normal)) / grid.sliceStep.length)
        let tilt = acos(cosine) * 180 / Double.pi
        guard tilt <= Tolerance.largestTilt else { throw .tooOblique(degrees: tilt) }
        if tilt > Tolerance.tilt { notes.append("gantry tilt of \(fixed(tilt, 10))°: the slices are sheared") }
        // Only a tilt that some slice states can contradict.
        if let said = planes.lazy.compactMap(\.gantryDetectorTilt).first(where: {
            abs(abs($0) - tilt) > Tolerance.tiltAttribute
        }) {
            notes.append(
                "GantryDetectorTilt says \(fixed(abs(said), 10))°, the positions say \(fixed(tilt, 10))°; the positions are used"
            )
        }
    }

    private mutating func noteCoverage(_ normal: Vector3) {
        let step = abs(grid.sliceStep.dot(normal))
        if let thickness = planes.compactMap(\.sliceThickness).min(), thickness > 0, thickness < 0.9 * step {
            notes.append(
                "slices of \(fixed(thickness, 10)) mm every \(fixed(step, 10)) mm: tissue between them was not imaged")
        }
    }
}

extension PlaneDescription {
    func isParallel(to other: PlaneDescription) -> Bool {
        func isNear(_ a: Vector3, _ b: Vector3) -> Bool {
            abs(a.x - b.x) <= Tolerance.cosine && abs(a.y - b.y) <= Tolerance.cosine
                && abs(a.z - b.z) <= Tolerance.cosine
        }
        return isNear(rowCosines, other.rowCosines) && isNear(columnCosines, other.columnCosines)
    }

    /// The larger of the angles between rows and between columns, degrees.
    func angle(to other: PlaneDescription) -> Double {
        let cosine = min(rowCosines.dot(other.rowCosines), columnCosines.dot(other.columnCosines))
        return acos(max(-1, min(1, cosine))) * 180 / Double.pi
    }
}
