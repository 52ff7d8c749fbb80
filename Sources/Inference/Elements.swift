// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

/// Floats to and from the elements of a graph's tensors, in the machine's byte order.
extension Port.Element {
    /// Bytes of one element; nil for what cannot be converted.
    var size: Int? {
        switch self {
        case .f64, .i64: 8
        case .f32, .i32: 4
        case .f16, .bf16, .i16: 2
        case .i8, .u8, .boolean: 1
        case .other: nil
        }
    }

    func encode(_ values: UnsafeBufferPointer<Float>, into memory: UnsafeMutableRawPointer) {
        func write<T>(_ convert: (Float) -> T) {
            let target = memory.assumingMemoryBound(to: T.self)
            for i in 0..<values.count { target[i] = convert(values[i]) }
        }
        switch self {
        case .f32: if let start = values.baseAddress { memory.copyMemory(from: start, byteCount: 4 * values.count) }
        case .f64: write { Double($0) }
        case .f16: write { Float16($0) }
        case .bf16: write { bfloat16($0) }
        case .i64: write { integer($0) as Int64 }
        case .i32: write { integer($0) as Int32 }
        case .i16: write { integer($0) as Int16 }
        case .i8: write { integer($0) as Int8 }
        case .u8: write { integer($0) as UInt8 }
        case .boolean: write { UInt8($0 == 0 ? 0 : 1) }
        case .other: preconditionFailure("an element that cannot be converted")
        }
    }

    func decode(_ memory: UnsafeRawPointer, into values: UnsafeMutableBufferPointer<Float>) {
        func read<T>(_ convert: (T) -> Float) {
            for i in 0..<values.count {
                values[i] = convert(memory.loadUnaligned(fromByteOffset: i * MemoryLayout<T>.size, as: T.self))
            }
        }
        switch self {
        case .f32: read { (x: Float) in x }
        case .f64: read { (x: Double) in Float(x) }
        case .f16: read { (x: Float16) in Float(x) }
        case .bf16: read { (x: UInt16) in Float(bitPattern: UInt32(x) << 16) }
        case .i64: read { (x: Int64) in Float(x) }
        case .i32: read { (x: Int32) in Float(x) }
        case .i16: read { (x: Int16) in Float(x) }
        case .i8: read { (x: Int8) in Float(x) }
        case .u8, .boolean: read { (x: UInt8) in Float(x) }
        case .other: preconditionFailure("an element that cannot be converted")
        }
    }
}

private func integer<T: FixedWidthInteger>(_ value: Float) -> T {
    let rounded = value.rounded(.toNearestOrEven)
    if let exact = T(exactly: rounded) { return exact }
    return rounded < 0 ? T.min : rounded > 0 ? T.max : 0
}

/// The upper half, rounded half to even; NaN stays NaN.
private func bfloat16(_ value: Float) -> UInt16 {
    let bits = value.bitPattern
    if value.isNaN { return UInt16(truncatingIfNeeded: bits >> 16) | 0x40 }
    return UInt16(truncatingIfNeeded: (bits + 0x7FFF + (bits >> 16 & 1)) >> 16)
}
