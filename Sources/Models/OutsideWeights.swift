// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc

/// An ONNX graph may keep its weights in a file beside it, which the graph's own digest says nothing about.
package enum OutsideWeights {
    package static let words =
        "keeps weights in another file, which its digest does not pin; save it as one file (`external_data=False` of torch.onnx.export, or onnx.save), or convert it to an OpenVINO IR"

    /// TensorProto.external_data (field 13 of onnx.proto) is a list of entries, of which one has the key `location`: field 1
    /// of 8 bytes, with a value, field 2, behind it.
    private static let mark: [UInt8] = [0x0A, 0x08] + Array("location".utf8) + [0x12]

    /// Whether the file is a graph that does so. Reads it in pieces.
    package static func areNamed(in path: String) throws -> Bool {
        guard path.hasSuffix(".onnx") else { return false }
        let handle = try FileHandle(forReadingFrom: URL(fileURLWithPath: path))
        defer { try? handle.close() }
        var rest = Data()
        while let chunk = try handle.read(upToCount: 1 << 20), !chunk.isEmpty {
            let bytes = rest + chunk
            if bytes.withUnsafeBytes(holdsMark) { return true }
            rest = Data(bytes.suffix(mark.count - 1))
        }
        return false
    }

    private static func holdsMark(_ bytes: UnsafeRawBufferPointer) -> Bool {
        guard var place = bytes.baseAddress else { return false }
        let end = place + bytes.count
        while let found = memchr(place, Int32(mark[0]), end - place) {
            let hit = UnsafeRawPointer(found)
            guard end - hit >= mark.count else { return false }
            if memcmp(hit, mark, mark.count) == 0 { return true }
            place = hit + 1
        }
        return false
    }
}
