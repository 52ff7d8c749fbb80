// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import Dispatch
import Models

/// Weighted sums of windows over the planes that are not finished yet. A plane is let go once no window can reach it, so
/// that memory follows the depth of a window, not of the volume: (channels + 1) × (window + 1) × plane × 4 bytes, and the
/// marks of the slab's form.
/// Belongs to one thread.
final class Accumulator {
    private let windows: Windows
    private let shape: [Int]
    /// Slab dimensions: the cut one first.
    let order: [Int]
    private let planeSize: Int
    /// Planes that the memory holds.
    private let depth: Int
    /// Values from one voxel to the next along D, H, W of the network's lattice.
    private let strides: [Int]
    private let channels: Int
    private let sums: UnsafeMutablePointer<Float>
    private let weights: UnsafeMutablePointer<Float>
    private let form: Slab.Form
    /// [form.marks, depth, plane]
    private let marks: UnsafeMutablePointer<Float>
    /// The plane of the volume that lies first in memory, and the first that is not finished.
    private var first = 0
    private var closed = 0

    /// The dimension along which the planes of one window are the fewest bytes.
    static func axis(of shape: [Int], roi: [Int]) -> Int {
        (0..<3).min { roi[$0] * shape[$1] < roi[$1] * shape[$0] } ?? 0
    }

    /// Bytes for so many channels.
    static func bytes(shape: [Int], roi: [Int], channels: Int, marks: Int) -> Int {
        let axis = axis(of: shape, roi: roi)
        let planes = min(shape[axis], roi[axis] + 1)
        return 4 * (channels + 1 + marks) * planes * (shape.reduce(1, *) / max(1, shape[axis]))
    }

    init(shape: [Int], windows: Windows, channels: Int, form: Slab.Form) {
        self.form = form
        self.windows = windows
        self.shape = shape
        self.channels = channels
        let axis = Self.axis(of: shape, roi: windows.roi)
        order = [axis] + (0..<3).filter { $0 != axis }
        planeSize = shape[order[1]] * shape[order[2]]
        depth = min(shape[axis], windows.roi[axis] + 1)
        var strides = [0, 0, 0]
        strides[axis] = planeSize
        strides[order[1]] = shape[order[2]]
        strides[order[2]] = 1
        self.strides = strides
        sums = .allocate(capacity: channels * depth * planeSize)
        sums.initialize(repeating: 0, count: channels * depth * planeSize)
        weights = .allocate(capacity: depth * planeSize)
        weights.initialize(repeating: 0, count: depth * planeSize)
        marks = .allocate(capacity: max(1, form.marks * depth * planeSize))
        marks.initialize(repeating: 0, count: form.marks * depth * planeSize)
    }

    deinit {
        sums.deallocate()
        weights.deallocate()
        marks.deallocate()
    }

    /// The block of a window that lies in the volume, in voxels of the window.
    private func inside(_ start: [Int]) -> (lower: [Int], upper: [Int]) {
        (
            (0..<3).map { max(0, windows.before[$0] - start[$0]) },
            (0..<3).map { min(windows.roi[$0], windows.before[$0] + shape[$0] - start[$0]) }
        )
    }

    /// Counts a window once, however many outputs are averaged for it.
    func weigh(at start: [Int]) {
        let ones = [Float](repeating: 1, count: 1)
        windows.weights.withUnsafeBufferPointer { weights in
            ones.withUnsafeBufferPointer { one in
                blend(
                    one.baseAddress!, strides: [0, 0, 0], weights: weights.baseAddress!, at: start, into: self.weights)
            }
        }
    }

    /// - Parameters:
    ///   - output: [channels, roi] of one pass.
    ///   - mirrored: dimensions in which it is to be turned round.
    ///   - weights: of the window, each divided by the number of outputs that are averaged.
    func add(_ output: UnsafePointer<Float>, mirrored: [Int], weights: [Float], at start: [Int]) {
        let roi = windows.roi
        var strides = [roi[1] * roi[2], roi[2], 1]
        var corner = 0
        for dimension in mirrored {
            corner += (roi[dimension] - 1) * strides[dimension]
            strides[dimension] = -strides[dimension]
        }
        let (size, turned) = (roi.reduce(1, *), strides)
        weights.withUnsafeBufferPointer { weights in
            // Each part writes its own channels.
            nonisolated(unsafe) let (output, weights, sums) = (output + corner, weights.baseAddress!, self.sums)
            nonisolated(unsafe) let accumulator = self
            let parts = min(channels, 8)
            DispatchQueue.concurrentPerform(iterations: parts) { part in
                for c in Swift.stride(from: part, to: accumulator.channels, by: parts) {
                    accumulator.blend(
                        output + c * size, strides: turned, weights: weights, at: start,
                        into: sums + c * accumulator.depth * accumulator.planeSize)
                }
            }
        }
    }

    /// The same value in all voxels of a channel.
    func add(constants: [Float], weights: [Float], at start: [Int]) {
        weights.withUnsafeBufferPointer { weights in
            constants.withUnsafeBufferPointer { constants in
                for c in 0..<channels {
                    blend(
                        constants.baseAddress! + c, strides: [0, 0, 0], weights: weights.baseAddress!, at: start,
                        into: sums + c * depth * planeSize)
                }
            }
        }
    }

    /// target += source × weight over the part of the window that lies in the volume.
    private func blend(
        _ source: UnsafePointer<Float>, strides from: [Int], weights: UnsafePointer<Float>, at start: [Int],
        into target: UnsafeMutablePointer<Float>
    ) {
        let roi = windows.roi
        let (lower, upper) = inside(start)
        let place = (0..<3).map { start[$0] - windows.before[$0] - ($0 == order[0] ? first : 0) }
        let corner = target + (place[0] * strides[0] + place[1] * strides[1] + place[2] * strides[2])
        // Along which the sums are contiguous, and the other two.
        let inner = order[2]
        let across = inner == 2 ? 1 : 2
        let weightStrides = [roi[1] * roi[2], roi[2], 1]
        let (sourceStep, weightStep) = (from[inner], weightStrides[inner])
        for d in lower[0]..<upper[0] {
            // In blocks, so that rows of both stay in the cache where one is read across.
            for block in stride(from: lower[inner], to: upper[inner], by: 32) {
                let end = min(upper[inner], block + 32)
                let (blockStart, blockEnd) = inner == 2 ? (lower[2], upper[2]) : (block, end)
                if inner == 2, block != lower[inner] { break }
                for a in lower[across]..<upper[across] {
                    let row = corner + (d * strides[0] + a * strides[across] + blockStart)
                    let values = source + (d * from[0] + a * from[across] + blockStart * sourceStep)
                    let shares = weights + (d * weightStrides[0] + a * weightStrides[across] + blockStart * weightStep)
                    let count = blockEnd - blockStart
                    if sourceStep == 1, weightStep == 1 {
                        for i in 0..<count { row[i] += values[i] * shares[i] }
                    } else {
                        for i in 0..<count { row[i] += values[i * sourceStep] * shares[i * weightStep] }
                    }
                }
            }
        }
    }

    /// Finishes the planes before `end`, in voxels of the padded volume: no window adds to them any more.
    func close(
        before end: Int, _ body: (Slab) throws(InferenceError) -> Void
    ) throws(InferenceError) {
        let axis = order[0]
        let end = min(max(end - windows.before[axis], 0), shape[axis])
        guard end > closed else { return }
        let stride = depth * planeSize
        let (owners, best) = (form.marks > 0 ? marks : nil, form.marks > 1 ? marks + stride : nil)
        let (from, count) = ((closed - first) * planeSize, (end - closed) * planeSize)
        // Each block of voxels is written by one iteration.
        nonisolated(unsafe) let accumulator = self
        DispatchQueue.concurrentPerform(iterations: (count + Finishing.block - 1) / Finishing.block) { part in
            let start = from + part * Finishing.block
            accumulator.finish(start, count: min(Finishing.block, from + count - start))
        }
        try body(
            Slab(
                order: order, shape: order.map { shape[$0] }, planes: first..<end, channels: channels, stride: stride,
                values: sums, owners: owners.map { UnsafePointer($0) }, best: best.map { UnsafePointer($0) }))
        closed = end
        shift(to: end - 1)
    }

    /// Voxels from `start` on in memory.
    private func finish(_ start: Int, count: Int) {
        let stride = depth * planeSize
        let (sums, weights, owners) = (sums + start, weights + start, marks + start)
        guard form.greatest == .alone else {
            Finishing.divide(sums, channels: channels, stride: stride, by: weights, count: count)
            activate(sums, channels: channels, stride: stride, count: count, form.activation)
            guard form.greatest == .beside else { return }
            return withUnsafeTemporaryAllocation(of: Float.self, capacity: count) { best in
                Finishing.findGreatest(
                    sums, channels: channels, stride: stride, count: count, owners: owners, best: best.baseAddress!)
            }
        }
        let best = owners + stride
        Finishing.findGreatest(sums, channels: channels, stride: stride, count: count, owners: owners, best: best)
        // Where only background is, nobody asks how sure it is.
        guard (0..<count).contains(where: { form.valued[Int(owners[$0])] }) else { return }
        Finishing.activateGreatest(
            sums, channels: channels, stride: stride, count: count, weights: weights, best: best, form.activation)
    }

    /// Plane `plane` becomes the first in memory.
    private func shift(to plane: Int) {
        let step = plane - first
        guard step > 0, closed < shape[order[0]] else { return }
        let kept = (depth - step) * planeSize
        let planeSize = planeSize
        @Sendable func move(_ values: UnsafeMutablePointer<Float>) {
            values.update(from: values + step * planeSize, count: kept)
            (values + kept).update(repeating: 0, count: step * planeSize)
        }
        // Each channel is moved by one iteration.
        nonisolated(unsafe) let sums = sums
        let size = depth * planeSize
        DispatchQueue.concurrentPerform(iterations: channels) { move(sums + $0 * size) }
        move(weights)
        for mark in 0..<form.marks { move(marks + mark * depth * planeSize) }
        first = plane
    }
}
