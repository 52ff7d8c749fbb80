// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DCMTK
import DICOM
import Dispatch

extension VoxelVolume {
    /// Reads the files of one series, in any order, into one volume. Geometry is judged before any pixel is decoded;
    /// slices are then decoded on all cores. A series of several radiographs is refused: see `readImages`.
    /// Thread: blocks.
    package static func read(paths: [String], options: VolumeOptions) throws(VolumeRefusal) -> VoxelVolume {
        guard options.kind != .stack else { return try stack(paths, options: options) }
        let planes = try images(paths, options: options)
        if case .projection = options.kind, planes.count > 1 { throw .severalImages(planes.count) }
        return try image(of: planes, options: options)
    }

    /// Reads the files of one series into one volume for each radiograph or frame, in the order of Instance Number; a
    /// stack into one volume. Thread: blocks.
    package static func readImages(paths: [String], options: VolumeOptions) throws(VolumeRefusal) -> [VoxelVolume] {
        guard options.kind != .stack else { return [try stack(paths, options: options)] }
        return try images(images(paths, options: options), options: options)
    }

    private static func images(_ paths: [String], options: VolumeOptions) throws(VolumeRefusal) -> [ImagePlane] {
        let (kind, isDisplayed) = (options.kind, options.isDisplayed)
        let planes = try describe(paths, options: options) { (item, image, path) throws(VolumeRefusal) in
            try ImagePlane.all(in: item, of: image, path: path, kind: kind, isDisplayed: isDisplayed)
        }
        guard let first = planes.first else { throw .empty }
        guard planes.count <= options.maximumSlices else {
            throw .tooLarge(voxels: planes.count * first.columns * first.rows, limit: options.maximumVoxels)
        }
        return try ordered(planes)
    }

    private static func stack(_ paths: [String], options: VolumeOptions) throws(VolumeRefusal) -> VoxelVolume {
        let planes = try describe(paths, options: options) { (item, image, path) throws(VolumeRefusal) in
            try PlaneDescription.all(in: item, of: image, path: path)
        }
        guard let first = planes.first else { throw .empty }
        guard planes.count <= options.maximumSlices else {
            throw .tooLarge(voxels: planes.count * first.columns * first.rows, limit: options.maximumVoxels)
        }
        let stack = try StackGeometry(planes, choice: options.choice, minimumSlices: options.minimumSlices)
        let (voxels, overflow) = (stack.grid.columns * stack.grid.rows)
            .multipliedReportingOverflow(by: stack.grid.slices)
        guard !overflow, voxels <= options.maximumVoxels else {
            throw .tooLarge(voxels: overflow ? .max : voxels, limit: options.maximumVoxels)
        }
        var volume = VoxelVolume(
            grid: stack.grid, voxels: try FrameDecoding.decode(stack.planes.map(\.task)),
            unit: first.isCT ? hounsfieldUnit : arbitraryUnit, frames: stack.planes.map(\.source),
            notes: stack.notes, declared: stack.declared)
        volume.unevenSpacing = stack.unevenSpacing
        return volume
    }

    /// On all cores; the first file in the order given that is refused speaks for all.
    private static func describe<Plane: Sendable>(
        _ paths: [String], options: VolumeOptions,
        _ planes: @escaping @Sendable (Item, ImageDescription, String) throws(VolumeRefusal) -> [Plane]
    ) throws(VolumeRefusal) -> [Plane] {
        guard !paths.isEmpty else { throw .empty }
        typealias Description = Result<[Plane], VolumeRefusal>
        var described = [Description](repeating: .success([]), count: paths.count)
        described.withUnsafeMutableBufferPointer { slots in
            // Each iteration writes its own slot.
            nonisolated(unsafe) let slots = slots
            DispatchQueue.concurrentPerform(iterations: paths.count) { number in
                let path = paths[number]
                do {
                    try options.admit(path)
                } catch {
                    slots[number] = .failure(.unreadable(path: path, reason: "\(error)"))
                    return
                }
                do throws(VolumeRefusal) {
                    slots[number] = .success(try describe(path, planes))
                } catch {
                    slots[number] = .failure(error)
                }
            }
        }
        var all: [Plane] = []
        for description in described { all += try description.get() }
        return all
    }

    private static func describe<Plane>(
        _ path: String, _ planes: (Item, ImageDescription, String) throws(VolumeRefusal) -> [Plane]
    ) throws(VolumeRefusal) -> [Plane] {
        let dataSet = try DataSet.opening(path)
        guard let transferSyntaxUID = dataSet.transferSyntaxUID else {
            throw .unreadable(path: path, reason: "the transfer syntax is unknown")
        }
        return try dataSet.withItem { (item) throws(VolumeRefusal) in
            let image = try ImageDescription(item, transferSyntaxUID: transferSyntaxUID, path: path)
            return try planes(item, image, path)
        }
    }
}
