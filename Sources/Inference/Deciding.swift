// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM
import Dispatch
import Models

/// Decides, slab by slab, which voxels belong to which output: on the lattice that the sampler reads the network's at.
/// Each target voxel is decided once, with the slab that holds the planes it lies between.
/// Belongs to one thread; uses Dispatch's for the rows.
final class Decider {
    private let outputs: [Manifest.Output]
    private let decision: Manifest.Decision
    private let byChannel: [Int: [Int]]
    private let examinedChannel: Int?
    /// By channel: whether an output asks for its value.
    private var valued: [Bool] = []
    /// By order of the slab's dimensions.
    private let sampler: ([Int]) -> Sampler
    private var made: Sampler?
    private let limit: Int
    /// Where slabs are laid down anew; nil where they are read as they come.
    private var turning: TurnedSlab?
    /// One an output.
    private(set) var marked: [MarkedVoxels]
    /// Voxels above 0.5 in the channel that the manifest names for what was examined.
    private(set) var examined = 0
    private(set) var seconds = 0.0
    /// Of the lattice on which is decided.
    let shape: [Int]

    /// - Parameters:
    ///   - limit: bytes of marked voxels, beyond which the run is refused.
    ///   - sampler: from the network's lattice, its dimensions in the given order, to the lattice on which is decided.
    init(
        _ manifest: Manifest, shape: [Int], limit: Int = .max, sampler: @escaping (_ order: [Int]) -> Sampler
    ) {
        outputs = manifest.outputs
        decision = manifest.decision
        byChannel = Dictionary(grouping: outputs.indices) { manifest.outputs[$0].channel }
        examinedChannel = manifest.quality.examined?.channel
        self.shape = shape
        self.limit = limit
        self.sampler = sampler
        marked = manifest.outputs.map {
            if case .fixed = $0.confidence { MarkedVoxels(keepsValues: false) } else { MarkedVoxels(keepsValues: true) }
        }
    }

    /// What one target plane gave: runs in order, with the output that each belongs to.
    private struct Part {
        var runs: [(output: Int32, run: MarkedVoxels.Run)] = []
        var values: [Float] = []
        var examined = 0
    }

    func take(_ slab: Slab) throws(InferenceError) {
        let start = ContinuousClock.now
        let sampler = made ?? prepare(slab)
        let slab = turning?.turned(slab) ?? slab
        valued = (0..<slab.channels).map { c in (byChannel[c] ?? []).contains { marked[$0].keepsValues } }
        // A few planes at once: what they give is held twice until it is put together.
        let several = 32
        for first in stride(from: 0, to: shape[0], by: several) {
            take(slab, sampler, planes: first..<min(shape[0], first + several))
        }
        let bytes = marked.reduce(turning?.bytes ?? 0) { $0 + $1.bytes }
        if bytes > limit {
            throw .refused([
                "what the network marked takes \(bytes >> 20) MiB, and the package's budget leaves \(limit >> 20) MiB"
            ])
        }
        seconds += start.duration(to: .now).seconds
    }

    private func prepare(_ slab: Slab) -> Sampler {
        var sampler = sampler(slab.order)
        if slab.owners == nil, let turned = TurnedSlab(slab, sampler), turned.bytes <= limit / 2 {
            sampler = turned.sampler(self.sampler(turned.order))
            turning = turned
        }
        made = sampler
        return sampler
    }

    private func take(_ slab: Slab, _ sampler: Sampler, planes: Range<Int>) {
        var parts = [Part](repeating: Part(), count: planes.count)
        parts.withUnsafeMutableBufferPointer { parts in
            // Each plane writes its own part; the slab is only read.
            nonisolated(unsafe) let parts = parts
            nonisolated(unsafe) let slab = slab
            nonisolated(unsafe) let decider = self
            DispatchQueue.concurrentPerform(iterations: parts.count) { place in
                decider.decide(slab, sampler, planes.lowerBound + place, into: &parts[place])
            }
        }
        var counts = [(runs: Int, values: Int)](repeating: (0, 0), count: marked.count)
        for part in parts {
            for (output, run) in part.runs {
                counts[Int(output)].runs += 1
                counts[Int(output)].values += Int(run.length)
            }
        }
        for (output, count) in counts.enumerated() { marked[output].makeRoom(runs: count.runs, values: count.values) }
        for part in parts {
            var offset = 0
            part.values.withUnsafeBufferPointer { values in
                for (output, run) in part.runs {
                    let length = Int(run.length)
                    marked[Int(output)].append(
                        run, values: UnsafeBufferPointer(rebasing: values[offset..<offset + length]), rows: shape[1])
                    offset += length
                }
            }
            examined += part.examined
        }
    }

    private func decide(_ slab: Slab, _ sampler: Sampler, _ d: Int, into part: inout Part) {
        let width = shape[2]
        let activatesHere = decision.activatesAfterRestore && decision.activation != .none
        var unclear: [Range<Int>] = []
        // All channels of a row at once, where they are activated here.
        let held = activatesHere ? slab.channels : 1
        withUnsafeTemporaryAllocation(of: Float.self, capacity: (held + 1) * width) { memory in
            withUnsafeTemporaryAllocation(of: Int32.self, capacity: width) { owners in
                let (best, rows) = (memory.baseAddress!, memory.baseAddress! + width)
                let owner = owners.baseAddress!
                for h in 0..<shape[1] {
                    let range = sampler.range(d: d, h: h, readingFrom: slab.readable)
                    guard !range.isEmpty else { continue }
                    func read(_ c: Int, _ range: Range<Int>, into row: UnsafeMutablePointer<Float>) {
                        sampler.read(
                            slab.values + c * slab.stride, firstPlane: slab.planes.lowerBound, d: d, h: h,
                            range: range, into: row)
                    }
                    func activateAll(_ range: Range<Int>) {
                        for c in 0..<held { read(c, range, into: rows + c * width) }
                        activate(rows, channels: held, stride: width, count: range.count, decision.activation)
                    }
                    if activatesHere, slab.owners == nil { activateAll(range) }
                    /// The activated values of a channel in this row.
                    func channel(_ c: Int) -> UnsafePointer<Float> {
                        if activatesHere { return UnsafePointer(rows + c * width) }
                        read(c, range, into: rows)
                        return UnsafePointer(rows)
                    }
                    let place = Row(row: Int32(d * shape[1] + h), start: Int32(range.lowerBound), count: range.count)
                    if let examinedChannel {
                        let row = channel(examinedChannel)
                        for w in 0..<range.count where row[w] > 0.5 { part.examined += 1 }
                    }
                    switch decision.rule {
                    case .argmax:
                        if let owners = slab.owners, let values = slab.best {
                            let plane = slab.planes.lowerBound
                            sampler.read(owners, firstPlane: plane, d: d, h: h, range: range, into: rows)
                            for w in 0..<range.count { owner[w] = Int32(rows[w]) }
                            sampler.read(values, firstPlane: plane, d: d, h: h, range: range, into: best)
                        } else if slab.owners != nil {
                            sampler.readUniform(
                                slab, d: d, h: h, range: range, isAsked: { activatesHere && self.valued[Int($0)] },
                                owner, best, unclear: &unclear)
                            for part in unclear {
                                let here = range.lowerBound + part.lowerBound..<range.lowerBound + part.upperBound
                                if activatesHere { activateAll(here) }
                                greatest(
                                    slab.channels, part.count, best + part.lowerBound, owner + part.lowerBound
                                ) { c in
                                    if activatesHere { return UnsafePointer(rows + c * width) }
                                    read(c, here, into: rows)
                                    return UnsafePointer(rows)
                                }
                            }
                        } else {
                            greatest(slab.channels, range.count, best, owner, channel)
                        }
                        emit(place, best, owner, into: &part) { self.byChannel[Int($0)] ?? [] }
                    case .regions:
                        for w in 0..<range.count { owner[w] = -1 }
                        for (index, output) in outputs.enumerated() {
                            let row = channel(output.channel)
                            let threshold = Float(output.threshold)
                            for w in 0..<range.count where row[w] > threshold {
                                owner[w] = Int32(index)
                                best[w] = row[w]
                            }
                        }
                        emit(place, best, owner, into: &part) { $0 < 0 ? [] : [Int($0)] }
                    case .threshold:
                        for (index, output) in outputs.enumerated() {
                            let row = channel(output.channel)
                            let threshold = Float(output.threshold)
                            for w in 0..<range.count { owner[w] = row[w] > threshold ? Int32(index) : -1 }
                            emit(place, row, owner, into: &part) { $0 < 0 ? [] : [Int($0)] }
                        }
                    }
                }
            }
        }
    }

    /// Channel and value of the greatest; the first of equals, as in numpy.
    private func greatest(
        _ channels: Int, _ count: Int, _ best: UnsafeMutablePointer<Float>, _ owner: UnsafeMutablePointer<Int32>,
        _ channel: (Int) -> UnsafePointer<Float>
    ) {
        for w in 0..<count {
            best[w] = -.infinity
            owner[w] = 0
        }
        for c in 0..<channels {
            let row = channel(c)
            for w in 0..<count {
                let isGreater = row[w] > best[w]
                best[w] = isGreater ? row[w] : best[w]
                owner[w] = isGreater ? Int32(c) : owner[w]
            }
        }
    }

    private struct Row {
        var row: Int32
        var start: Int32
        var count: Int
    }

    /// Runs of one owner, for each of the outputs that it stands for.
    private func emit(
        _ place: Row, _ values: UnsafePointer<Float>, _ owner: UnsafePointer<Int32>, into part: inout Part,
        outputs: (Int32) -> [Int]
    ) {
        var w = 0
        while w < place.count {
            let first = w
            while w < place.count, owner[w] == owner[first] { w += 1 }
            for output in outputs(owner[first]) {
                part.runs.append(
                    (Int32(output), .init(row: place.row, start: place.start + Int32(first), length: Int32(w - first))))
                part.values.append(contentsOf: UnsafeBufferPointer(start: values + first, count: w - first))
            }
        }
    }
}
