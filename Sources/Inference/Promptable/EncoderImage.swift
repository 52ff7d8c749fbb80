// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import Crypto
import Models

/// One slice as the image encoder takes it, and where its pixels went.
struct EncoderImage {
    /// [3, side, side].
    var values: [Float]
    var frame: EncoderFrame

    /// Segment Anything: smallest to greatest value of the slice to bytes (micro_sam `util._to_image`), longest side to
    /// `side`, ImageNet's mean and deviation of bytes, 0 at the right and below (segment_anything `Sam.preprocess`).
    static func sam(_ slice: ArraySlice<Float>, rows: Int, columns: Int, side: Int) -> EncoderImage {
        let frame = EncoderFrame.longestSide(rows: rows, columns: columns, side: side)
        let bytes = ByteImage(rows: rows, columns: columns, values: bytes(spreading: slice))
        let image = bytes.resized(rows: frame.scaledRows, columns: frame.scaledColumns)
        let mean: [Float] = [123.675, 116.28, 103.53]
        let deviation: [Float] = [58.395, 57.12, 57.375]
        var values = [Float](repeating: 0, count: 3 * side * side)
        for channel in 0..<3 {
            for row in 0..<image.rows {
                let line = (channel * side + row) * side
                for column in 0..<image.columns {
                    let value = Float(image.values[row * image.columns + column])
                    values[line + column] = (value - mean[channel]) / deviation[channel]
                }
            }
        }
        return EncoderImage(values: values, frame: frame)
    }

    /// MedSAM: bytes, stretched to the square by a cubic spline, bytes again, and smallest to greatest to 0…1 (MedSAM
    /// `MedSAM_Inference.py`). The slice already holds 0…255: a CT window or percentiles are steps of the manifest.
    static func medSAM(_ slice: ArraySlice<Float>, rows: Int, columns: Int, side: Int) -> EncoderImage {
        let bytes = slice.map { Double(min(max($0, 0), 255).rounded(.towardZero)) }
        let stretched = splineResized(bytes, rows: rows, columns: columns, toRows: side, toColumns: side)
            .map { $0.rounded(.towardZero) }
        let least = stretched.min() ?? 0
        let span = max((stretched.max() ?? 0) - least, 1e-8)
        let plane = stretched.map { Float(($0 - least) / span) }
        return EncoderImage(
            values: plane + plane + plane,
            frame: EncoderFrame(rows: rows, columns: columns, scaledRows: side, scaledColumns: side, side: side))
    }

    static func make(
        _ family: Manifest.Promptable.Family, _ slice: ArraySlice<Float>, rows: Int, columns: Int, side: Int
    ) -> EncoderImage {
        switch family {
        case .sam: sam(slice, rows: rows, columns: columns, side: side)
        case .medSAM: medSAM(slice, rows: rows, columns: columns, side: side)
        }
    }

    /// SHA-256 of the pixels, together with the package's digest: what an embedding depends on.
    func key(package digest: String) -> String {
        var hash = SHA256()
        hash.update(data: Array(digest.utf8))
        values.withUnsafeBytes { hash.update(bufferPointer: $0) }
        return hash.finalize().map { byte in
            let text = String(byte, radix: 16)
            return text.count == 1 ? "0" + text : text
        }.joined()
    }

    /// In single precision and in upstream's order; a slice of one value is black.
    static func bytes(spreading slice: ArraySlice<Float>) -> [UInt8] {
        let least = slice.min() ?? 0
        let span = ((slice.max() ?? 0) - least) + 1e-7
        return slice.map { UInt8(min(max(($0 - least) / span * 255, 0), 255)) }
    }
}

/// How pixels of a slice lie in the encoder's square.
struct EncoderFrame: Equatable {
    var rows: Int
    var columns: Int
    var scaledRows: Int
    var scaledColumns: Int
    var side: Int

    /// segment_anything `ResizeLongestSide.get_preprocess_shape`.
    static func longestSide(rows: Int, columns: Int, side: Int) -> EncoderFrame {
        let scale = Double(side) / Double(max(rows, columns))
        return EncoderFrame(
            rows: rows, columns: columns, scaledRows: Int(Double(rows) * scale + 0.5),
            scaledColumns: Int(Double(columns) * scale + 0.5), side: side)
    }

    /// Pixel coordinates of the slice in the square (`apply_coords`; MedSAM divides by the size likewise).
    func placed(_ point: Prompt.Point) -> (x: Float, y: Float) {
        (
            Float(point.x * (Double(scaledColumns) / Double(columns))),
            Float(point.y * (Double(scaledRows) / Double(rows)))
        )
    }
}
