// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

extension Plane {
    /// One channel at the pixels of the slice that the plane was made from. Pixels whose centre the plane does not
    /// cover get `outside`; between the outermost centres and the edge of the plane its border holds.
    func restored(channel: Int, height: Int, width: Int, isNearest: Bool = false, outside: Float = 0) -> [Float] {
        struct Tap {
            var low: Int
            var high: Int
            var weight: Float
        }
        func taps(_ map: AxisMap, _ count: Int, _ limit: Int) -> [Tap?] {
            (0..<count).map { i in
                let x = map.index(of: Double(i))
                guard x >= -0.5 - 1e-9, x <= Double(limit) - 0.5 + 1e-9 else { return nil }
                let inside = min(max(x, 0), Double(limit - 1))
                if isNearest {
                    let index = Int(inside.rounded(.toNearestOrEven))
                    return Tap(low: index, high: index, weight: 0)
                }
                let low = Int(inside.rounded(.down))
                return Tap(low: low, high: min(low + 1, limit - 1), weight: Float(inside - Double(low)))
            }
        }
        let rows = taps(rows, height, self.height)
        let columns = taps(columns, width, self.width)
        var result = [Float](repeating: outside, count: height * width)
        let start = channel * pixels
        for (h, row) in rows.enumerated() {
            guard let row else { continue }
            let (upper, lower) = (start + row.low * self.width, start + row.high * self.width)
            for (w, column) in columns.enumerated() {
                guard let column else { continue }
                let a = values[upper + column.low]
                let b = values[upper + column.high]
                let c = values[lower + column.low]
                let d = values[lower + column.high]
                let top = a + (b - a) * column.weight
                let bottom = c + (d - c) * column.weight
                result[h * width + w] = top + (bottom - top) * row.weight
            }
        }
        return result
    }
}
