// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DCMTK
import DICOM

/// How Hounsfield units become stored values, and those a frame.
struct StoredValues {
    var bitsAllocated: Int
    var bitsStored: Int
    var isSigned: Bool
    var slope: Double
    var intercept: Double

    init(_ choices: HeadCT) throws(PhantomError) {
        isSigned = choices.isSigned
        switch choices.bitsStored {
        case 8: (bitsAllocated, bitsStored, slope, intercept) = (8, 8, 16, -1024)
        case 12, 16:
            (bitsAllocated, bitsStored, slope) = (16, isSigned ? 16 : choices.bitsStored, 1)
            intercept = isSigned ? 0 : -1024
        default: throw .impossible("8, 12 or 16 bits are stored")
        }
        guard bitsStored != 8 || !isSigned else { throw .impossible("8 bits are stored unsigned") }
        switch choices.transferSyntax {
        case .jpegBaseline:
            guard bitsStored == 8 else { throw .impossible("JPEG Baseline holds 8 bits") }
        case .jpegExtended:
            guard bitsStored == 12, !isSigned else { throw .impossible("JPEG Extended holds 12 bits, unsigned") }
        default: break
        }
    }

    func format(_ choices: HeadCT) -> FrameFormat {
        FrameFormat(
            rows: choices.rows, columns: choices.columns, bitsAllocated: bitsAllocated, bitsStored: bitsStored,
            isSigned: isSigned)
    }

    func words(_ hounsfield: [Int16]) -> [UInt16] {
        let offset = Int16(intercept)
        return hounsfield.map { UInt16(bitPattern: $0 &- offset) }
    }

    func bytes(_ hounsfield: [Int16]) -> [UInt8] {
        if bitsAllocated == 8 { return hounsfield.map { UInt8(clamping: (Int($0) + 1024) / 16) } }
        return words(hounsfield).withUnsafeBytes { Array($0) }
    }
}
