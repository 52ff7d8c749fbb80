// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM

extension VoxelVolume {
    /// One volume of one slice for each frame that the options ask for, in the order of Instance Number. Thread: blocks.
    static func images(_ planes: [ImagePlane], options: VolumeOptions) throws(VolumeRefusal) -> [VoxelVolume] {
        var volumes: [VoxelVolume] = []
        for plane in planes { volumes.append(try image(of: [plane], options: options)) }
        return volumes
    }

    /// Frames of one size as the slices of one volume.
    static func image(of planes: [ImagePlane], options: VolumeOptions) throws(VolumeRefusal) -> VoxelVolume {
        guard let first = planes.first else { throw .empty }
        guard planes.allSatisfy({ $0.columns == first.columns && $0.rows == first.rows }) else { throw .mixedSize }
        var channels = 1
        if case .frames(_, .rgb) = options.kind { channels = 3 }
        let (voxels, overflow) = (first.columns * first.rows * channels).multipliedReportingOverflow(by: planes.count)
        guard !overflow, voxels <= options.maximumVoxels else {
            throw .tooLarge(voxels: overflow ? .max : voxels, limit: options.maximumVoxels)
        }
        let spacing = first.spacing.millimetres
        // The first pixel is the origin: there is no frame of reference that would say where it lies.
        let grid = Grid(
            origin: Vector3(0, 0, 0), columnStep: Vector3(spacing?[1] ?? 1, 0, 0),
            rowStep: Vector3(0, spacing?[0] ?? 1, 0), sliceStep: Vector3(0, 0, 1), columns: first.columns,
            rows: first.rows, slices: planes.count)
        var notes = first.spacing.note.map { [$0] } ?? []
        if planes.contains(where: \.declared.isLossy) { notes.append("the images were compressed with loss") }
        return VoxelVolume(
            grid: grid, voxels: try FrameDecoding.decode(planes.map(\.task), channels: channels), unit: arbitraryUnit,
            frames: planes.map(\.source), notes: notes, placement: spacing == nil ? .pixels : .image,
            channels: channels, declared: first.declared)
    }

    /// In the order of Instance Number, then of the UID, so that the order of files does not matter.
    static func ordered(_ planes: [ImagePlane]) throws(VolumeRefusal) -> [ImagePlane] {
        guard planes.allSatisfy({ $0.seriesInstanceUID == planes[0].seriesInstanceUID }) else { throw .mixedSeries }
        return planes.enumerated().sorted { a, b in
            let (x, y) = (a.element.instanceNumber ?? .max, b.element.instanceNumber ?? .max)
            if x != y { return x < y }
            let (u, v) = (a.element.source.sopInstanceUID, b.element.source.sopInstanceUID)
            return u == v ? a.offset < b.offset : u < v
        }.map(\.element)
    }
}
