// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM

/// The values of a slice that a picture is made of, as the volume has them.
package struct KeyImage: Sendable {
    package var slice: Int
    /// 1, or 3 for red, green and blue of 0 to 255.
    package var channels: Int
    /// Columns vary fastest, then rows, then channels, as in the grid of the source.
    package var values: [Float]
    /// Whether the grid's millimetres are the patient's.
    package var isToScale: Bool

    package init(slice: Int, channels: Int = 1, values: [Float], isToScale: Bool) {
        self.slice = slice
        self.channels = channels
        self.values = values
        self.isToScale = isToScale
    }
}

extension KeyImage {
    /// Brightness of every pixel and channel, 0 to 255. By the window of the source, unless it says nothing, or nothing that
    /// shows anything: then from the first to the last hundredth of the values.
    func brightness(_ display: SliceDisplay) -> [UInt8] {
        if channels == 3 { return values.map(Self.byte) }
        let sorted = values.filter(\.isFinite).sorted()
        guard let lowest = sorted.first, let highest = sorted.last else {
            return [UInt8](repeating: 0, count: values.count)
        }
        var lower = sorted[sorted.count / 100]
        var upper = sorted[sorted.count - 1 - sorted.count / 100]
        if lower == upper { (lower, upper) = (lowest, highest) }
        // What was turned round on reading does not go with the window any more.
        if !display.isInverted, let window = display.window, let center = Float(window.center),
            let width = Float(window.width)
        {
            // PS3.3 C.11.2.1.2.1
            let bounds = (center - 0.5 - (width - 1) / 2, center - 0.5 + (width - 1) / 2)
            if bounds.0 < upper, bounds.1 > lower, bounds.0 < bounds.1 { (lower, upper) = bounds }
        }
        guard lower < upper else { return [UInt8](repeating: 0, count: values.count) }
        return values.map { Self.byte(($0 - lower) / (upper - lower) * 255) }
    }

    private static func byte(_ value: Float) -> UInt8 { value.isFinite ? UInt8(min(max(value, 0), 255).rounded()) : 0 }
}
