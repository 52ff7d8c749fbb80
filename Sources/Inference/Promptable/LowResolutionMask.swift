// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import Glibc

/// A decoder's mask, of 256 by 256 where the encoder's square is 1024, read at the pixels of the slice.
enum LowResolutionMask {
    static func side(_ frame: EncoderFrame) -> Int { frame.side / 4 }

    /// To the encoder's square, cut to where the image lies, to the slice, and above 0 (segment_anything
    /// `SamOnnxModel.mask_postprocessing`, `Sam.mask_threshold`).
    static func sam(_ logits: [Float], frame: EncoderFrame) -> [UInt8] {
        let side = side(frame)
        let square = bilinear(logits, [side, side], [frame.side, frame.side])
        var cut: [Float] = []
        cut.reserveCapacity(frame.scaledRows * frame.scaledColumns)
        for row in 0..<frame.scaledRows {
            cut += square[row * frame.side..<row * frame.side + frame.scaledColumns]
        }
        return bilinear(cut, [frame.scaledRows, frame.scaledColumns], [frame.rows, frame.columns]).map {
            $0 > 0 ? 1 : 0
        }
    }

    /// Probabilities straight to the slice, and above a half (MedSAM `medsam_inference`).
    static func medSAM(_ logits: [Float], frame: EncoderFrame) -> [UInt8] {
        bilinear(logits.map { 1 / (1 + expf(-$0)) }, [side(frame), side(frame)], [frame.rows, frame.columns])
            .map { $0 > 0.5 ? 1 : 0 }
    }

    /// A mask of a neighbouring slice as a prompt: made `side` on its longest side, the rest background, and the logits of
    /// 0.999 and 0.001 (micro_sam `_compute_logits_from_mask`).
    static func prompt(_ mask: [UInt8], rows: Int, columns: Int, side: Int) -> [Float] {
        let frame = EncoderFrame.longestSide(rows: rows, columns: columns, side: side)
        let scaled = bilinearAntialiased(
            mask.map { Float($0) }, [rows, columns], [frame.scaledRows, frame.scaledColumns])
        let inside = logf(0.999 / 0.001)
        var result = [Float](repeating: -inside, count: side * side)
        for row in 0..<frame.scaledRows {
            for column in 0..<frame.scaledColumns where scaled[row * frame.scaledColumns + column] > 0.5 {
                result[row * side + column] = inside
            }
        }
        return result
    }
}

/// torch's `interpolate(mode="bilinear", align_corners=False)`, in single precision.
func bilinear(_ values: [Float], _ shape: [Int], _ target: [Int]) -> [Float] {
    if shape == target { return values }
    func taps(_ count: Int, _ target: Int) -> [(lower: Int, upper: Int, weight: Float)] {
        let scale = Float(count) / Float(target)
        return (0..<target).map {
            let x = max(scale * (Float($0) + 0.5) - 0.5, 0)
            let lower = min(Int(x), count - 1)
            return (lower, min(lower + 1, count - 1), min(max(x - Float(lower), 0), 1))
        }
    }
    let columns = taps(shape[1], target[1])
    let width = shape[1]
    return values.withUnsafeBufferPointer { values in
        [Float](unsafeUninitializedCapacity: target[0] * target[1]) { buffer, count in
            var index = 0
            for row in taps(shape[0], target[0]) {
                for column in columns {
                    let a =
                        values[row.lower * width + column.lower] * (1 - column.weight)
                        + values[row.lower * width + column.upper] * column.weight
                    let b =
                        values[row.upper * width + column.lower] * (1 - column.weight)
                        + values[row.upper * width + column.upper] * column.weight
                    buffer[index] = a * (1 - row.weight) + b * row.weight
                    index += 1
                }
            }
            count = index
        }
    }
}

/// torch's `interpolate(mode="bilinear", antialias=True)`: a triangle as wide as the reduction.
func bilinearAntialiased(_ values: [Float], _ shape: [Int], _ target: [Int]) -> [Float] {
    func taps(_ count: Int, _ target: Int) -> [(first: Int, weights: [Float])] {
        let scale = Double(count) / Double(target)
        let support = max(scale, 1)
        return (0..<target).map {
            let center = (Double($0) + 0.5) * scale
            let lower = max(0, Int(center - support + 0.5))
            let upper = min(count, Int(center + support + 0.5))
            let shares = (lower..<upper).map { max(0, 1 - abs((Double($0) - center + 0.5) / support)) }
            let sum = shares.reduce(0, +)
            return (lower, shares.map { Float($0 / sum) })
        }
    }
    var narrow: [Float] = []
    narrow.reserveCapacity(shape[0] * target[1])
    let columns = taps(shape[1], target[1])
    for row in 0..<shape[0] {
        for (first, weights) in columns {
            narrow.append(weights.indices.reduce(0) { $0 + weights[$1] * values[row * shape[1] + first + $1] })
        }
    }
    var result: [Float] = []
    result.reserveCapacity(target[0] * target[1])
    for (first, weights) in taps(shape[0], target[0]) {
        for column in 0..<target[1] {
            result.append(weights.indices.reduce(0) { $0 + weights[$1] * narrow[(first + $1) * target[1] + column] })
        }
    }
    return result
}
