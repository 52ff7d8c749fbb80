// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM
import Dispatch
import Glibc
import Models

extension Channels {
    var voxels: Int { lattice.count }

    mutating func activate(_ activation: Manifest.Decision.Activation) {
        let voxels = voxels
        let count = count
        let depth = lattice.shape[0]
        values.withUnsafeMutableBufferPointer { buffer in
            switch activation {
            case .none: break
            case .sigmoid: transform(buffer) { 1 / (1 + expf(-$0)) }
            case .softmax:
                // Each voxel is written by one iteration.
                nonisolated(unsafe) let buffer = buffer
                DispatchQueue.concurrentPerform(iterations: depth) { d in
                    let plane = voxels / depth
                    for i in d * plane..<(d + 1) * plane {
                        var top = -Float.infinity
                        for c in 0..<count { top = max(top, buffer[c * voxels + i]) }
                        var sum: Float = 0
                        for c in 0..<count {
                            buffer[c * voxels + i] = expf(buffer[c * voxels + i] - top)
                            sum += buffer[c * voxels + i]
                        }
                        for c in 0..<count { buffer[c * voxels + i] /= sum }
                    }
                }
            }
        }
    }

    /// mL of the voxels whose value in a channel is greater.
    func volume(above threshold: Float, channel: Int) -> Double {
        let count = values.withUnsafeBufferPointer { values in
            values[channel * voxels..<(channel + 1) * voxels].reduce(0) { $0 + ($1 > threshold ? 1 : 0) }
        }
        return Double(count) * lattice.voxelVolume / 1000
    }

    /// What belongs to `output`, read at the voxels of `target`: `sampler` reads this lattice there.
    func marking(of output: Manifest.Output, rule: Manifest.Decision.Rule, sampler: Sampler) -> Marking {
        let shape = sampler.target
        let box = sampler.targets(of: support(of: output, rule: rule))
        var marked = [UInt8](repeating: 0, count: shape[0] * shape[1] * shape[2])
        guard !box.isEmpty else { return Marking(shape: shape, voxels: marked, within: box) }
        let threshold = Float(output.threshold)
        let voxels = voxels
        let width = box.shape[2]
        values.withUnsafeBufferPointer { values in
            marked.withUnsafeMutableBufferPointer { marked in
                // Each D writes its own part.
                nonisolated(unsafe) let marked = marked
                nonisolated(unsafe) let channels = values.baseAddress!
                DispatchQueue.concurrentPerform(iterations: box.shape[0]) { part in
                    let d = box.lower[0] + part
                    let row = UnsafeMutablePointer<Float>.allocate(capacity: width)
                    let best = UnsafeMutablePointer<Float>.allocate(capacity: width)
                    defer {
                        row.deallocate()
                        best.deallocate()
                    }
                    for h in box.lower[1]..<box.upper[1] {
                        let start = (d * shape[1] + h) * shape[2] + box.lower[2]
                        let range = box.lower[2]..<box.upper[2]
                        sampler.read(channels + output.channel * voxels, d: d, h: h, range: range, into: row)
                        switch rule {
                        case .threshold, .regions:
                            for w in 0..<width where row[w] > threshold { marked[start + w] = 1 }
                        case .argmax:
                            // The first of equal channels wins, as in numpy.
                            for w in 0..<width { marked[start + w] = 1 }
                            for c in 0..<count where c != output.channel {
                                sampler.read(channels + c * voxels, d: d, h: h, range: range, into: best)
                                for w in 0..<width where best[w] > row[w] || (best[w] == row[w] && c < output.channel) {
                                    marked[start + w] = 0
                                }
                            }
                        }
                    }
                }
            }
        }
        return Marking(shape: shape, voxels: marked, within: box)
    }

    /// The block outside of which no voxel of this lattice can make one of the output.
    private func support(of output: Manifest.Output, rule: Manifest.Decision.Rule) -> Box {
        guard rule != .argmax else { return Box(shape: lattice.shape) }
        let threshold = Float(output.threshold)
        let base = output.channel * voxels
        let marked = values.withUnsafeBufferPointer { values in
            [UInt8](unsafeUninitializedCapacity: voxels) { buffer, count in
                for i in 0..<voxels { buffer[i] = values[base + i] > threshold ? 1 : 0 }
                count = voxels
            }
        }
        return Marking(shape: lattice.shape, voxels: marked).box
    }

    /// 0 to 1: the activated values of the output's channel at the voxels of its mask, put together as the manifest says.
    func confidence(of output: Manifest.Output, in marking: Marking, sampler: Sampler) -> Double {
        var values: [Float] = []
        let box = marking.box
        let width = max(1, box.shape[2])
        if case .fixed(let value) = output.confidence { return value }
        self.values.withUnsafeBufferPointer { channels in
            let channel = channels.baseAddress! + output.channel * voxels
            withUnsafeTemporaryAllocation(of: Float.self, capacity: width) { row in
                for d in box.lower[0]..<box.upper[0] {
                    for h in box.lower[1]..<box.upper[1] {
                        let start = (d * marking.shape[1] + h) * marking.shape[2] + box.lower[2]
                        guard marking.voxels[start..<start + box.shape[2]].contains(1) else { continue }
                        sampler.read(channel, d: d, h: h, range: box.lower[2]..<box.upper[2], into: row.baseAddress!)
                        for w in 0..<box.shape[2] where marking.voxels[start + w] != 0 { values.append(row[w]) }
                    }
                }
            }
        }
        guard !values.isEmpty else { return 0 }
        let value: Double
        switch output.confidence {
        case .fixed(let fixed): value = fixed
        case .maximum: value = Double(values.max() ?? 0)
        case .mean: value = values.reduce(0) { $0 + Double($1) } / Double(values.count)
        case .percentile(let percentile):
            // Linear between ranks, as numpy's default.
            values.sort()
            let rank = percentile / 100 * Double(values.count - 1)
            let lower = Int(rank.rounded(.down))
            let upper = min(lower + 1, values.count - 1)
            value = Double(values[lower]) + (Double(values[upper]) - Double(values[lower])) * (rank - Double(lower))
        }
        return min(max(value, 0), 1)
    }
}
