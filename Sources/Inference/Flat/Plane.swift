// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import Dispatch

/// One image as a 2-D network takes it: [C, H, W], W fastest, and where its pixels lie in the slice it was made from.
struct Plane: Sendable, Equatable {
    var channels: Int
    var height: Int
    var width: Int
    var values: [Float]
    /// Row and column of the slice at each row and column of the plane.
    var rows: AxisMap
    var columns: AxisMap

    init(channels: Int = 1, height: Int, width: Int, values: [Float]) {
        precondition(values.count == channels * height * width)
        self.channels = channels
        self.height = height
        self.width = width
        self.values = values
        rows = AxisMap()
        columns = AxisMap()
    }

    var pixels: Int { height * width }

    /// The same pixels with other channels.
    func with(channels: Int, values: [Float]) -> Plane {
        precondition(values.count == channels * pixels)
        var plane = self
        plane.channels = channels
        plane.values = values
        return plane
    }

    func map(_ body: (Float) -> Float) -> Plane {
        var plane = self
        for i in plane.values.indices { plane.values[i] = body(plane.values[i]) }
        return plane
    }
}

/// Pixel centres of one axis in those of another: source = offset + step · index.
struct AxisMap: Sendable, Equatable {
    var offset = 0.0
    var step = 1.0

    /// The map of a plane made from this one whose index i lies at `other`(i) here.
    func then(_ other: AxisMap) -> AxisMap {
        AxisMap(offset: offset + step * other.offset, step: step * other.step)
    }
    /// n pixels over the extent of m: edges meet, not centres.
    static func resized(from m: Int, to n: Int) -> AxisMap {
        let step = Double(m) / Double(n)
        return AxisMap(offset: step / 2 - 0.5, step: step)
    }
    static func shifted(by start: Int) -> AxisMap { AxisMap(offset: Double(start), step: 1) }
    func index(of source: Double) -> Double { (source - offset) / step }
}

/// Each slice on a thread of its own.
func mapSlices<Result: Sendable>(_ count: Int, _ body: @escaping @Sendable (Int) -> Result) -> [Result] {
    [Result](unsafeUninitializedCapacity: count) { buffer, initialized in
        // Each slice initialises its own element.
        nonisolated(unsafe) let start = buffer.baseAddress
        DispatchQueue.concurrentPerform(iterations: count) { (start! + $0).initialize(to: body($0)) }
        initialized = count
    }
}
