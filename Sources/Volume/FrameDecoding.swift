// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DCMTK
import DICOM
import Dispatch

/// What a frame's samples become.
enum FrameValues: Hashable, Sendable {
    case single(SampleTransform)
    case colour(ColourTransform)
}

/// One frame to be decoded.
struct FrameTask: Sendable {
    var path: String
    var sopInstanceUID: UID
    /// From 0.
    var index: Int
    var pixels: Int
    var values: FrameValues
}

enum FrameDecoding {
    /// The frames' values, on all cores: pixels vary fastest, then frames, then channels. Thread: blocks.
    static func decode(_ tasks: [FrameTask], channels: Int = 1) throws(VolumeRefusal) -> [Float] {
        let size = tasks[0].pixels
        let count = size * tasks.count
        let jobs = DecodingJob.split(tasks, parallel: 4)
        // One table serves all frames where they are rescaled alike, as in CT.
        let values = Set(tasks.map(\.values))
        var table: [Float]?
        if values.count == 1, case .single(let transform)? = values.first { table = transform.table(words: 65_536) }
        let shared = table
        var failures = [VolumeRefusal?](repeating: nil, count: jobs.count)
        let voxels = [Float](unsafeUninitializedCapacity: count * channels) { buffer, written in
            buffer.initialize(repeating: 0)
            written = count * channels
            failures.withUnsafeMutableBufferPointer { failed in
                // Each job writes the frames that it names, and its own failure; no two jobs share one.
                nonisolated(unsafe) let target = buffer
                nonisolated(unsafe) let slots = failed
                DispatchQueue.concurrentPerform(iterations: jobs.count) { number in
                    do throws(VolumeRefusal) {
                        try jobs[number].run(tasks, table: shared, channels: channels) { frame, channel in
                            let start = channel * count + frame * size
                            return UnsafeMutableBufferPointer(rebasing: target[start..<start + size])
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

/// Frames that one thread decodes from one file.
private struct DecodingJob: Sendable {
    var path: String
    var frames: [Int]

    /// A job for each file; a file with many frames is opened by several.
    static func split(_ tasks: [FrameTask], parallel: Int) -> [DecodingJob] {
        var order: [String] = []
        var framesOfFile: [String: [Int]] = [:]
        for (frame, task) in tasks.enumerated() {
            if framesOfFile[task.path] == nil { order.append(task.path) }
            framesOfFile[task.path, default: []].append(frame)
        }
        return order.flatMap { path -> [DecodingJob] in
            let frames = framesOfFile[path] ?? []
            let share = max(1, (frames.count + parallel - 1) / parallel)
            return stride(from: 0, to: frames.count, by: share).map {
                DecodingJob(path: path, frames: Array(frames[$0..<min($0 + share, frames.count)]))
            }
        }
    }

    func run(
        _ tasks: [FrameTask], table: [Float]?, channels: Int,
        target: (_ frame: Int, _ channel: Int) -> UnsafeMutableBufferPointer<Float>
    ) throws(VolumeRefusal) {
        let source = try PixelSource(path: path)
        let bytes = UnsafeMutableRawBufferPointer.allocate(byteCount: source.image.frameLength, alignment: 8)
        defer { bytes.deallocate() }
        for frame in frames {
            let task = tasks[frame]
            // The file was opened a second time: it must still be what its description said.
            guard source.image.format.columns * source.image.format.rows == task.pixels,
                source.image.sopInstanceUID == task.sopInstanceUID, task.index < source.image.frames,
                source.image.format.samplesPerPixel == task.values.samplesPerPixel
            else { throw .unreadable(path: path, reason: "the file changed while it was read") }
            let width = try source.decode(frame: task.index, into: bytes)
            switch task.values {
            case .single(let transform):
                let table = table ?? transform.table(words: width == 8 ? 256 : 65_536)
                let voxels = target(frame, 0)
                table.withUnsafeBufferPointer { table in
                    if width == 8 {
                        for index in 0..<voxels.count { voxels[index] = table[Int(bytes[index])] }
                    } else {
                        let words = bytes.bindMemory(to: UInt16.self)
                        for index in 0..<voxels.count { voxels[index] = table[Int(words[index])] }
                    }
                }
                for channel in 1..<max(1, channels) { _ = target(frame, channel).update(fromContentsOf: voxels) }
            case .colour(let transform):
                guard width == 8 else { throw .unsupported("colour of \(width) bits", task.sopInstanceUID) }
                transform.write(UnsafeRawBufferPointer(bytes), pixels: task.pixels, channels: channels) {
                    target(frame, $0)
                }
            }
        }
    }
}

extension FrameValues {
    fileprivate var samplesPerPixel: Int {
        switch self {
        case .single: 1
        case .colour: 3
        }
    }
}
