// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import Foundation

/// Element types of the protocol; BYTES is none that a network here takes or gives.
package enum TensorType: String, Sendable, CaseIterable {
    case bool = "BOOL"
    case uint8 = "UINT8"
    case uint16 = "UINT16"
    case uint32 = "UINT32"
    case uint64 = "UINT64"
    case int8 = "INT8"
    case int16 = "INT16"
    case int32 = "INT32"
    case int64 = "INT64"
    case fp16 = "FP16"
    case fp32 = "FP32"
    case fp64 = "FP64"
    case bf16 = "BF16"

    /// Bytes of one element.
    package var size: Int {
        switch self {
        case .bool, .uint8, .int8: 1
        case .uint16, .int16, .fp16, .bf16: 2
        case .uint32, .int32, .fp32: 4
        case .uint64, .int64, .fp64: 8
        }
    }

    package var isFloat: Bool { [.fp16, .fp32, .fp64, .bf16].contains(self) }

    /// Little-endian elements, as the protocol's raw tensors have them. Integers are rounded, and clamped to what the type holds.
    package func encode(_ values: UnsafeBufferPointer<Float>) -> Data {
        switch self {
        case .fp32: Data(buffer: values)
        case .fp16: made(values) { Float16($0).bitPattern }
        case .bf16: made(values) { Self.bfloat16($0) }
        case .fp64: made(values) { Double($0).bitPattern }
        case .bool: made(values) { UInt8($0 == 0 ? 0 : 1) }
        case .uint8: made(values) { integer($0) as UInt8 }
        case .uint16: made(values) { integer($0) as UInt16 }
        case .uint32: made(values) { integer($0) as UInt32 }
        case .uint64: made(values) { integer($0) as UInt64 }
        case .int8: made(values) { integer($0) as Int8 }
        case .int16: made(values) { integer($0) as Int16 }
        case .int32: made(values) { integer($0) as Int32 }
        case .int64: made(values) { integer($0) as Int64 }
        }
    }

    /// The reverse; `bytes` holds whole elements.
    package func decode(_ bytes: Data) -> [Float] {
        precondition(bytes.count % size == 0)
        return switch self {
        case .fp32: read(bytes) { (bits: UInt32) in Float(bitPattern: bits) }
        case .fp16: read(bytes) { (bits: UInt16) in Float(Float16(bitPattern: bits)) }
        case .bf16: read(bytes) { (bits: UInt16) in Float(bitPattern: UInt32(bits) << 16) }
        case .fp64: read(bytes) { (bits: UInt64) in Float(Double(bitPattern: bits)) }
        case .bool: read(bytes) { (value: UInt8) in value == 0 ? 0 : 1 }
        case .uint8: read(bytes) { (value: UInt8) in Float(value) }
        case .uint16: read(bytes) { (value: UInt16) in Float(value) }
        case .uint32: read(bytes) { (value: UInt32) in Float(value) }
        case .uint64: read(bytes) { (value: UInt64) in Float(value) }
        case .int8: read(bytes) { (value: Int8) in Float(value) }
        case .int16: read(bytes) { (value: Int16) in Float(value) }
        case .int32: read(bytes) { (value: Int32) in Float(value) }
        case .int64: read(bytes) { (value: Int64) in Float(value) }
        }
    }

    /// To the nearest, ties to even. A NaN stays one: rounding could carry it to infinity.
    static func bfloat16(_ value: Float) -> UInt16 {
        let bits = value.bitPattern
        if value.isNaN { return UInt16(truncatingIfNeeded: bits >> 16) | 0x40 }
        return UInt16(truncatingIfNeeded: (bits &+ 0x7FFF &+ ((bits >> 16) & 1)) >> 16)
    }
}

private func integer<Element: FixedWidthInteger>(_ value: Float) -> Element {
    let rounded = value.rounded(.toNearestOrEven)
    if let exact = Element(exactly: rounded) { return exact }
    return rounded > 0 ? .max : rounded < 0 ? .min : 0
}

private func made<Element: FixedWidthInteger>(
    _ values: UnsafeBufferPointer<Float>, _ element: (Float) -> Element
) -> Data {
    var data = Data(count: values.count * MemoryLayout<Element>.size)
    data.withUnsafeMutableBytes { bytes in
        for (index, value) in values.enumerated() {
            bytes.storeBytes(
                of: element(value).littleEndian, toByteOffset: index * MemoryLayout<Element>.size, as: Element.self)
        }
    }
    return data
}

private func read<Element: FixedWidthInteger>(_ data: Data, _ value: (Element) -> Float) -> [Float] {
    let count = data.count / MemoryLayout<Element>.size
    return data.withUnsafeBytes { bytes in
        [Float](unsafeUninitializedCapacity: count) { buffer, initialised in
            for index in 0..<count {
                let element = bytes.loadUnaligned(
                    fromByteOffset: index * MemoryLayout<Element>.size, as: Element.self)
                buffer.initializeElement(at: index, to: value(Element(littleEndian: element)))
            }
            initialised = count
        }
    }
}
