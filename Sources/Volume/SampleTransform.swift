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
    /// Air for CT: -1024 HU, whatever the scanner marks the corners with, so that no filter sees -3000. 0 for MR. What is
    /// shown black for images that stand alone.
    var paddingValue: Float
    /// A Modality LUT in place of slope and intercept.
    var lookUp: LookUpTable?
    /// What a display would do with it, 0 to 255; nil leaves values as they are.
    var display: DisplayTransform?
    /// MONOCHROME1 turned round, so that larger is brighter.
    var isInverted = false

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
        setPadding(item)
    }

    mutating func setPadding(_ item: Item) {
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

    /// The stored values that the bits can express.
    private var sampleRange: ClosedRange<Int> {
        isSigned ? -(1 << (bitsStored - 1))...(1 << (bitsStored - 1)) - 1 : 0...(1 << bitsStored) - 1
    }

    /// The values that the stored bits can express, inverted or not.
    var valueRange: ClosedRange<Float> {
        if display != nil { return 0...255 }
        let range = range
        return Float(range.lowerBound)...Float(range.upperBound)
    }

    var range: ClosedRange<Double> {
        if let lookUp { return 0...Double((1 << lookUp.bits) - 1) }
        let ends = [sampleRange.lowerBound, sampleRange.upperBound].map { Double($0) * slope + intercept }
        return min(ends[0], ends[1])...max(ends[0], ends[1])
    }

    private func physical(_ sample: Int) -> Double {
        let value = lookUp.map { Double($0.value(of: sample)) } ?? Double(sample) * slope + intercept
        if let display {
            let shown = 255 * display.shown(value, of: range)
            return isInverted ? 255 - shown : shown
        }
        guard isInverted else { return value }
        // max − x where the least value is 0, as torchxrayvision does (utils.py, read_xray_dcm).
        return range.lowerBound + range.upperBound - value
    }

    /// The physical value of every word that can occur.
    func table(words: Int) -> [Float] {
        (0..<words).map { word in
            let value = sample(UInt16(truncatingIfNeeded: word))
            if let padding, padding.contains(value) { return paddingValue }
            return Float(physical(value))
        }
    }
}
