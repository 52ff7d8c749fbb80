// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DCMTK
import DICOM
import Dispatch

extension VoxelVolume {
    /// Reads the files of one series, in any order. Geometry is judged before any pixel is decoded; slices are then
    /// decoded on all cores. Thread: blocks.
    package static func read(paths: [String], options: VolumeOptions) throws(VolumeRefusal) -> VoxelVolume {
        guard !paths.isEmpty else { throw .empty }
        let planes = try describe(paths, options: options)
        guard planes.count <= options.maximumSlices else {
            throw .tooLarge(voxels: planes.count * planes[0].columns * planes[0].rows, limit: options.maximumVoxels)
        }
        let stack = try StackGeometry(planes, minimumSlices: options.minimumSlices)
        let (voxels, overflow) = (stack.grid.columns * stack.grid.rows)
            .multipliedReportingOverflow(by: stack.grid.slices)
        guard !overflow, voxels <= options.maximumVoxels else {
            throw .tooLarge(voxels: overflow ? .max : voxels, limit: options.maximumVoxels)
        }
        return VoxelVolume(
            grid: stack.grid, voxels: try decode(stack), unit: planes[0].isCT ? hounsfieldUnit : arbitraryUnit,
            frames: stack.planes.map(\.source), notes: stack.notes)
    }

    /// On all cores; the first file in the order given that is refused speaks for all.
    private static func describe(_ paths: [String], options: VolumeOptions) throws(VolumeRefusal) -> [PlaneDescription]
    {
        typealias Description = Result<[PlaneDescription], VolumeRefusal>
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
                    slots[number] = .success(try describe(path))
                } catch {
                    slots[number] = .failure(error)
                }
            }
        }
        var planes: [PlaneDescription] = []
        for description in described { planes += try description.get() }
        return planes
    }

    private static func describe(_ path: String) throws(VolumeRefusal) -> [PlaneDescription] {
        let dataSet = try DataSet.opening(path)
        guard let transferSyntaxUID = dataSet.transferSyntaxUID else {
            throw .unreadable(path: path, reason: "the transfer syntax is unknown")
        }
        return try dataSet.withItem { (item) throws(VolumeRefusal) in
            let image = try ImageDescription(item, transferSyntaxUID: transferSyntaxUID, path: path)
            return try PlaneDescription.all(in: item, of: image, path: path)
        }
    }

    private static func decode(_ stack: StackGeometry) throws(VolumeRefusal) -> [Float] {
        let size = stack.grid.columns * stack.grid.rows
        let jobs = DecodingJob.split(stack.planes, parallel: 4)
        // One table serves all slices where they are rescaled alike, as in CT.
        let transforms = Set(stack.planes.map(\.transform))
        let table = transforms.count == 1 ? transforms.first?.table(words: 65_536) : nil
        var failures = [VolumeRefusal?](repeating: nil, count: jobs.count)
        let voxels = [Float](unsafeUninitializedCapacity: stack.grid.count) { buffer, count in
            buffer.initialize(repeating: 0)
            count = stack.grid.count
            failures.withUnsafeMutableBufferPointer { failed in
                // Each job writes the slices that it names, and its own failure; no two jobs share one.
                nonisolated(unsafe) let target = buffer
                nonisolated(unsafe) let slots = failed
                DispatchQueue.concurrentPerform(iterations: jobs.count) { number in
                    do throws(VolumeRefusal) {
                        try jobs[number].run(planes: stack.planes, table: table) { slice in
                            UnsafeMutableBufferPointer(rebasing: target[slice * size..<(slice + 1) * size])
                        }
                    } catch {
                        slots[number] = error
                    }
                }
            }
        }
        if let failure = failures.lazy.compactMap({ $0 }).first { throw failure }
        return voxels
    }
}

/// Slices that one thread decodes from one file.
private struct DecodingJob: Sendable {
    var path: String
    var slices: [Int]

    /// A job for each file; a file with many frames is opened by several.
    static func split(_ planes: [PlaneDescription], parallel: Int) -> [DecodingJob] {
        var order: [String] = []
        var slicesOfFile: [String: [Int]] = [:]
        for (slice, plane) in planes.enumerated() {
            if slicesOfFile[plane.path] == nil { order.append(plane.path) }
            slicesOfFile[plane.path, default: []].append(slice)
        }
        return order.flatMap { path -> [DecodingJob] in
            let slices = slicesOfFile[path] ?? []
            let share = max(1, (slices.count + parallel - 1) / parallel)
            return stride(from: 0, to: slices.count, by: share).map {
                DecodingJob(path: path, slices: Array(slices[$0..<min($0 + share, slices.count)]))
            }
        }
    }

    func run(
        planes: [PlaneDescription], table: [Float]?, target: (Int) -> UnsafeMutableBufferPointer<Float>
    ) throws(VolumeRefusal) {
        let source = try PixelSource(path: path)
        let frame = UnsafeMutableRawBufferPointer.allocate(byteCount: source.image.frameLength, alignment: 8)
        defer { frame.deallocate() }
        for slice in slices {
            let plane = planes[slice]
            let voxels = target(slice)
            // The file was opened a second time: it must still be what its description said.
            guard source.image.format.columns * source.image.format.rows == voxels.count,
                source.image.sopInstanceUID == plane.source.sopInstanceUID, plane.frameIndex < source.image.frames
            else { throw .unreadable(path: path, reason: "the file changed while it was read") }
            let width = try source.decode(frame: plane.frameIndex, into: frame)
            let table = table ?? plane.transform.table(words: width == 8 ? 256 : 65_536)
            table.withUnsafeBufferPointer { table in
                if width == 8 {
                    for index in 0..<voxels.count { voxels[index] = table[Int(frame[index])] }
                } else {
                    let words = frame.bindMemory(to: UInt16.self)
                    for index in 0..<voxels.count { voxels[index] = table[Int(words[index])] }
                }
            }
        }
    }
}
