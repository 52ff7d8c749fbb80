// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

/// What the instances of a series say about each other.
struct SeriesContent {
    let count: Int
    /// Frames of the only instance, where it has more than one.
    let frames: Int?
    let stack: SliceStack
    /// Instance numbers that are missing between the first and the last; nil where numbers are absent or repeat.
    let missingNumbers: Int?
    /// Images in Acquisition, where all instances are of one acquisition and state the same number.
    let expected: Int?

    init(_ instances: [SeriesEvidence.Instance]) {
        count = instances.count
        let declared = instances.compactMap(\.numberOfFrames).max() ?? 1
        frames = instances.count == 1 && declared > 1 ? declared : nil
        stack = SliceStack(instances)

        let numbers = Set(instances.compactMap(\.instanceNumber))
        if numbers.count == instances.count, let first = numbers.min(), let last = numbers.max() {
            // Numbers come from the network: their span may overflow.
            let (span, overflows) = last.subtractingReportingOverflow(first)
            missingNumbers = overflows ? nil : span - (numbers.count - 1)
        } else {
            missingNumbers = nil
        }

        let acquisitions = Set(instances.map(\.acquisitionNumber))
        let announced = Set(instances.map(\.imagesInAcquisition))
        expected = acquisitions.count == 1 && announced.count == 1 ? announced.first ?? nil : nil
    }

    var words: String {
        if let frames { return "one instance of \(frames) frames" }
        var words = stack.words ?? "\(count) \(count == 1 ? "instance" : "instances")"
        if let expected, expected > count { words += ", \(count) of \(expected) images in acquisition" }
        if let missingNumbers, missingNumbers > 0, missingNumbers < count - 1 {
            words += ", \(missingNumbers) instance \(missingNumbers == 1 ? "number" : "numbers") missing"
        }
        return words
    }

    /// Why geometry does not yet speak for the series; nil where it does.
    func doubt(minimumSlices: Int) -> String? {
        if frames != nil { return nil }
        if let doubt = stack.doubt { return doubt }
        if count < minimumSlices { return "only \(count) \(count == 1 ? "instance" : "instances")" }
        if let expected, expected > count { return "\(count) of \(expected) images in acquisition" }
        // A series numbered in steps of two or more is its scanner's way of counting, not a gap.
        if let missingNumbers, missingNumbers > 0, missingNumbers < count - 1 {
            return "\(missingNumbers) instance \(missingNumbers == 1 ? "number" : "numbers") missing"
        }
        return nil
    }
}

/// `value` rounded to at most `places` decimals, without trailing zeros.
func decimal(_ value: Double, places: Int) -> String {
    var scale = 1.0
    for _ in 0..<places { scale *= 10 }
    guard value.isFinite, abs(value * scale) < 1e15 else { return "\(value)" }
    let rounded = (value * scale).rounded() / scale
    return rounded == rounded.rounded() ? "\(Int(rounded))" : "\(rounded)"
}
