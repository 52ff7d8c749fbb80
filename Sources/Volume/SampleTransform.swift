// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DCMTK
import DICOM

/// How a frame's samples become physical values: bits out of their words, padding, rescale (PS3.3 C.11.1).
struct SampleTransform: Hashable, Sendable {
    var bitsStored: Int
    var highBit: Int
    var isSigned: Bool
    var slope: Double
    var intercept: Double
    /// Stored values that are no image; they become `paddingValue`.
    var padding: ClosedRange<Int>?
    /// Air for CT: -1024 HU, whatever the scanner marks the corners with, so that no filter sees -3000. 0 for MR.
    var paddingValue: Float

    init(bitsStored: Int, highBit: Int, isSigned: Bool, slope: Double, intercept: Double, paddingValue: Float = -1024) {
        self.bitsStored = bitsStored
        self.highBit = highBit
        self.isSigned = isSigned
        self.slope = slope
        self.intercept = intercept
        self.paddingValue = paddingValue
    }

    init(_ item: Item, _ groups: FunctionalGroups, of image: ImageDescription, isCT: Bool) throws(VolumeRefusal) {
        let uid = image.sopInstanceUID
        let group = Tag.pixelValueTransformationSequence
        guard !item.hasValue(.modalityLUTSequence) else { throw .unsupported("a modality look-up table", uid) }
        let slopeHolder = groups.holder(of: .rescaleSlope, in: group)
        let interceptHolder = groups.holder(of: .rescaleIntercept, in: group)
        if let slopeHolder, let interceptHolder {
            guard let slope = slopeHolder.number(.rescaleSlope), slope.isFinite, slope != 0 else {
                throw .invalidAttribute("RescaleSlope", uid)
            }
            guard let intercept = interceptHolder.number(.rescaleIntercept), intercept.isFinite else {
                throw .invalidAttribute("RescaleIntercept", uid)
            }
            // Absent or empty means Hounsfield units in a CT (PS3.3 C.8.2.1.1.2).
            let type = groups.holder(of: .rescaleType, in: group)?.string(.rescaleType) ?? ""
            if isCT, type != "", type != "HU" { throw .notHounsfield(String(type.prefix(16)), uid) }
            (self.slope, self.intercept) = (slope, intercept)
        } else if isCT {
            throw .noRescale(uid)
        } else {
            (slope, intercept) = (1, 0)
        }
        bitsStored = image.format.bitsStored
        highBit = image.highBit
        isSigned = image.format.isSigned
        paddingValue = isCT ? -1024 : 0
        if let value = item.integer(.pixelPaddingValue) {
            let first = paddingSample(value)
            let last = item.integer(.pixelPaddingRangeLimit).map { paddingSample($0) } ?? first
            padding = min(first, last)...max(first, last)
        }
    }

    /// Padding is given as a sample, not shifted to the high bit; some scanners give it unsigned where samples are signed.
    private func paddingSample(_ value: Int) -> Int {
        extended(value & ((1 << bitsStored) - 1))
    }

    /// The sample in a word, other bits (overlays of old) masked away.
    func sample(_ word: UInt16) -> Int {
        extended((Int(word) >> (highBit + 1 - bitsStored)) & ((1 << bitsStored) - 1))
    }

    private func extended(_ bits: Int) -> Int {
        isSigned && (bits >> (bitsStored - 1)) & 1 == 1 ? bits - (1 << bitsStored) : bits
    }

    /// The physical value of every word that can occur.
    func table(words: Int) -> [Float] {
        (0..<words).map { word in
            let value = sample(UInt16(truncatingIfNeeded: word))
            if let padding, padding.contains(value) { return paddingValue }
            return Float(Double(value) * slope + intercept)
        }
    }
}
