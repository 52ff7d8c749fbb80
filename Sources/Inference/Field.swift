// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import Dispatch

/// Voxels with their place: values are [C, D, H, W], W fastest.
struct Field {
    var lattice: Lattice
    var channels: Int
    var values: [Float]

    init(lattice: Lattice, channels: Int = 1, values: [Float]) {
        self.lattice = lattice
        self.channels = channels
        self.values = values
    }
}

/// In place, in parallel.
func transform(_ values: inout [Float], _ body: @escaping @Sendable (Float) -> Float) {
    values.withUnsafeMutableBufferPointer { buffer in transform(buffer, body) }
}

func transform(_ buffer: UnsafeMutableBufferPointer<Float>, _ body: @escaping @Sendable (Float) -> Float) {
    let chunk = 1 << 16
    // Each chunk is written by one iteration.
    nonisolated(unsafe) let buffer = buffer
    DispatchQueue.concurrentPerform(iterations: (buffer.count + chunk - 1) / chunk) { part in
        for i in part * chunk..<min(buffer.count, (part + 1) * chunk) { buffer[i] = body(buffer[i]) }
    }
}
