// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM
import Models
import Testing
import Volume

@testable import Inference

@Suite struct RestorationTests {
    static let oblique = [Vector3(0.3, 0.2, 2), Vector3(0.1, 0.9, -0.1), Vector3(0.8, -0.1, 0)]

    static func volume(_ shape: [Int], steps: [Vector3]? = nil, origin: Vector3 = Vector3(0, 0, 0)) -> VoxelVolume {
        let values = (0..<shape.reduce(1, *)).map { Float($0 * 7919 % 1009) }
        let straight = [Vector3(0, 0, 2), Vector3(0, 1, 0), Vector3(1, 0, 0)]
        return Fixtures.volume(values, shape: shape, steps: steps ?? straight, origin: origin)
    }

    struct Way: Sendable, CustomTestStringConvertible {
        var name: String
        var steps: [Vector3]?
        var preprocess: [Manifest.Preprocessing]
        var interpolation: Manifest.Interpolation = .linear
        var testDescription: String { name }
    }
    static let ways = [
        Way(name: "same axes", preprocess: [.spacing(.init(mm: [1.3, 0.7, 1.1]))]),
        Way(
            name: "planes are columns",
            preprocess: [.orientation(AxisCodes("RAS")!), .spacing(.init(mm: [1.3, 0.7, 1.1]))]),
        Way(
            name: "planes are rows, after a crop",
            preprocess: [
                .transpose([1, 0, 2]), .cropForeground(.init(above: 900, margin: [0, 0, 0], allowSmaller: true)),
                .spacing(.init(mm: [0.6, 1, 1], lattice: .halfPixel)),
            ], interpolation: .nearest),
        Way(name: "oblique", steps: oblique, preprocess: [.spacing(.init(mm: [1.3, 0.7, 1.1]))]),
        Way(
            name: "turned", steps: oblique,
            preprocess: [
                .orientation(AxisCodes("SRA")!), .spacing(.init(mm: [1.3, 0.7, 1.1])),
                .cropForeground(.init(above: 700, margin: [1, 1, 1], allowSmaller: false)),
            ]),
    ]

    @Test(
        "Slabs in any order of dimensions, laid down anew, give the same as all of them",
        arguments: [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]])
    func turnedSlabs(_ order: [Int]) throws {
        let prepared = try prepare([Self.volume([6, 9, 8])], Self.ways[1].preprocess)
        let network = prepared.restoration.network
        let whole = prepared.restoration.sampler(.linear).resample(prepared.field.values)
        let ordered = prepared.restoration.reordered(order)
        let turned = ordered.network
        let sampler = ordered.sampler(.linear)
        // Two channels: the second is twice the first.
        let (depth, plane) = (4, turned.shape[1] * turned.shape[2])
        func value(_ index: [Int]) -> Float {
            var place = [0, 0, 0]
            for (i, dimension) in order.enumerated() { place[dimension] = index[i] }
            return prepared.field.values[(place[0] * network.shape[1] + place[1]) * network.shape[2] + place[2]]
        }
        var pieces = [[Float]](repeating: [Float](repeating: .nan, count: whole.count), count: 2)
        var memory = [Float](repeating: .nan, count: 2 * depth * plane)
        var laid: (slab: TurnedSlab, sampler: Sampler)?
        for first in stride(from: 0, to: turned.shape[0], by: 3) {
            let planes = first..<min(first + 4, turned.shape[0])
            for (p, d) in planes.enumerated() {
                for i in 0..<plane {
                    let voxel = value([d, i / turned.shape[2], i % turned.shape[2]])
                    memory[p * plane + i] = voxel
                    memory[(depth + p) * plane + i] = 2 * voxel
                }
            }
            memory.withUnsafeMutableBufferPointer { memory in
                let slab = Slab(
                    order: order, shape: turned.shape, planes: planes, channels: 2, stride: depth * plane,
                    values: memory.baseAddress!)
                if laid == nil, let turning = TurnedSlab(slab, sampler) {
                    #expect(turning.bytes == 4 * 2 * depth * plane)
                    laid = (turning, turning.sampler(prepared.restoration.reordered(turning.order).sampler(.linear)))
                }
                guard let laid else { return }
                #expect(laid.sampler.followed == [0, 1, 2])
                let read = laid.slab.turned(slab)
                for d in 0..<sampler.target[0] {
                    for h in 0..<sampler.target[1] {
                        let range = laid.sampler.range(d: d, h: h, readingFrom: read.readable)
                        guard !range.isEmpty else { continue }
                        for c in 0..<2 {
                            var row = [Float](repeating: 0, count: range.count)
                            laid.sampler.read(
                                read.values + c * read.stride, firstPlane: planes.lowerBound, d: d, h: h, range: range,
                                into: &row)
                            let start = (d * sampler.target[1] + h) * sampler.target[2]
                            for (w, value) in zip(range, row) { pieces[c][start + w] = value }
                        }
                    }
                }
            }
        }
        // What lies in the order of the series already is read as it is.
        guard laid != nil else {
            #expect(sampler.followed == [0, 1, 2])
            return
        }
        for c in 0..<2 {
            let worst = zip(pieces[c], whole).reduce(0) { max($0, abs($1.0 - Float(c + 1) * $1.1)) }
            #expect(worst < 2e-3, "\(worst)")
        }
    }

    @Test("Slabs of the network's planes give the same as all of them, each voxel from one slab", arguments: ways)
    func slabs(_ way: Way) throws {
        let prepared = try prepare([Self.volume([6, 9, 8], steps: way.steps)], way.preprocess)
        let sampler = prepared.restoration.sampler(way.interpolation)
        let network = prepared.restoration.network
        let whole = sampler.resample(prepared.field.values)
        #expect(whole.contains { $0 != 0 })
        var pieces = [Float](repeating: 0, count: whole.count)
        var seen = [Int](repeating: 0, count: whole.count)
        let plane = network.shape[1] * network.shape[2]
        for first in stride(from: 0, to: network.shape[0], by: 3) {
            let planes = first..<min(first + 3, network.shape[0])
            // Nothing else is there to read.
            let slab = Array(prepared.field.values[first * plane..<min(first + 4, network.shape[0]) * plane])
            for d in 0..<sampler.target[0] {
                for h in 0..<sampler.target[1] {
                    let range = sampler.range(d: d, h: h, readingFrom: planes)
                    guard !range.isEmpty else { continue }
                    var row = [Float](repeating: 0, count: range.count)
                    sampler.read(slab, firstPlane: first, d: d, h: h, range: range, into: &row)
                    for (w, value) in zip(range, row) {
                        let index = (d * sampler.target[1] + h) * sampler.target[2] + w
                        pieces[index] = value
                        seen[index] += 1
                    }
                }
            }
        }
        // All of them may be read along other lines, and be summed up in another order.
        let worst = zip(pieces, whole).reduce(0) { max($0, abs($1.0 - $1.1)) }
        #expect(worst < 1e-3, "\(worst)")
        let within = sampler.within
        for d in 0..<sampler.target[0] {
            for h in 0..<sampler.target[1] {
                for w in 0..<sampler.target[2] {
                    let isInside = within.contains(Box(lower: [d, h, w], upper: [d + 1, h + 1, w + 1]))
                    #expect(seen[(d * sampler.target[1] + h) * sampler.target[2] + w] == (isInside ? 1 : 0))
                }
            }
        }
    }

    @Test("A block's readers lie in the block of targets", arguments: ways)
    func targets(_ way: Way) throws {
        let prepared = try prepare([Self.volume([6, 9, 8], steps: way.steps)], way.preprocess)
        let sampler = prepared.restoration.sampler(way.interpolation)
        let shape = prepared.restoration.network.shape
        let box = Box(lower: shape.map { $0 / 3 }, upper: shape.map { $0 / 3 + max(1, $0 / 3) })
        var marks = [Float](repeating: 0, count: shape.reduce(1, *))
        for d in box.lower[0]..<box.upper[0] {
            for h in box.lower[1]..<box.upper[1] {
                for w in box.lower[2]..<box.upper[2] { marks[(d * shape[1] + h) * shape[2] + w] = 1 }
            }
        }
        let read = Marking(shape: sampler.target, voxels: sampler.resample(marks).map { $0 > 0 ? 1 : 0 })
        #expect(!read.isEmpty)
        #expect(sampler.targets(of: box).contains(read.box))
    }

    @Test("A region and its margin in whole millimetres bound what is seen, and come back to their place")
    func region() throws {
        let volume = Self.volume([10, 20, 30])
        var voxels = [UInt8](repeating: 0, count: 6000)
        voxels[(4 * 20 + 8) * 30 + 11] = 1
        voxels[(6 * 20 + 9) * 30 + 12] = 1
        let marking = Marking(shape: [10, 20, 30], voxels: voxels)
        let prepared = try prepare(
            [volume], [.orientation(AxisCodes("RAS")!)], region: (marking, 3.9))
        // 3.9 mm are one slice of 2 mm and three pixels.
        #expect(prepared.restoration.within == Box(lower: [3, 5, 8], upper: [8, 13, 16]))
        #expect(prepared.field.lattice.shape == [8, 8, 5])
        let back = prepared.restoration.sampler(.linear).resample(prepared.field.values)
        for d in 0..<10 {
            for h in 0..<20 {
                for w in 0..<30 {
                    let index = (d * 20 + h) * 30 + w
                    let isInside = (3..<8).contains(d) && (5..<13).contains(h) && (8..<16).contains(w)
                    #expect(back[index] == (isInside ? volume.voxels[index] : 0))
                }
            }
        }
        let empty = Marking(shape: [10, 20, 30], voxels: [UInt8](repeating: 0, count: 6000))
        #expect(throws: InferenceError.refused(["the region that the package is restricted to was not found"])) {
            try prepare([volume], [], region: (empty, 5))
        }
    }

    @Test("An image without what a crop looks for is refused, and two resamplings around a crop are not supported")
    func refusals() throws {
        let zeros = Fixtures.volume([Float](repeating: 0, count: 60), shape: [3, 4, 5])
        #expect(throws: InferenceError.refused(["every voxel is 0"])) { try prepare([zeros], [.cropNonzero]) }
        #expect(throws: InferenceError.refused(["no voxel is greater than 5.0: there is no foreground"])) {
            try prepare([zeros], [.cropForeground(.init(above: 5, margin: [0, 0, 0], allowSmaller: true))])
        }
        #expect(throws: InferenceError.unsupported("a crop between two `spacing` steps")) {
            try prepare(
                [
                    Fixtures.volume(
                        (0..<432).map { $0 % 8 == 3 ? 1 : 0 }, shape: [6, 9, 8])
                ],
                [
                    .spacing(.init(mm: [1, 1, 1.5])),
                    .cropForeground(.init(above: 0, margin: [0, 0, 0], allowSmaller: true)),
                    .spacing(.init(mm: [1, 2, 2])),
                ])
        }
        #expect(throws: InferenceError.unsupported("`perChannel` for 2 channels on 1")) {
            try prepare([Self.volume([3, 4, 5])], [.perChannel([[.clip(0...1)], []])])
        }
        let tilted = Self.volume(
            [6, 9, 8], steps: [Vector3(0, 0.7, 2), Vector3(0, 1, 0), Vector3(1, 0, 0)])
        #expect(throws: InferenceError.self) {
            try prepare([tilted], [.spacing(.init(mm: [1, 1, 1], interpolation: .cubic))])
        }
    }

    @Test("Further series are read at the first one's voxels, are 0 where they have none, and must lie beside it")
    func stacking() throws {
        let first = Self.volume([4, 8, 8])
        let shifted = Self.volume([4, 8, 8], origin: Vector3(2, 0, 0))
        let field = try stack([first, first, shifted])
        #expect(field.channels == 3 && field.lattice == Lattice(first.grid))
        #expect(Array(field.values[256..<512]) == first.voxels)
        for row in 0..<32 {
            let line = Array(field.values[512 + row * 8..<512 + row * 8 + 8])
            #expect(line == [0, 0] + shifted.voxels[row * 8..<row * 8 + 6])
        }
        let far = Self.volume([4, 8, 8], origin: Vector3(5, 0, 0))
        #expect(throws: InferenceError.refused(["input series 2 covers only 37 % of the first one's grid"])) {
            try stack([first, far])
        }
    }

    @Test("A constant image stays finite, whatever is normalised")
    func constant() throws {
        let volume = Fixtures.volume([Float](repeating: 3, count: 60), shape: [3, 4, 5])
        let normalization = Manifest.Normalization(
            of: .filled, channelWise: false, mean: nil, deviation: nil, minimumDeviation: 1e-8)
        let steps: [Manifest.Preprocessing] = [
            .normalize(normalization), .scaleMinMax(to: 0...1, channelWise: false),
            .clipPercentiles(lower: 1, upper: 99, nonzero: true),
        ]
        #expect(try prepare([volume], steps).field.values.allSatisfy { $0 == 0 })
    }
}
