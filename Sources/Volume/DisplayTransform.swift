// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DCMTK
import DICOM
import Foundation

/// From values after the modality's transformation to what is shown (PS3.3 C.11.2), 0 to 1. MONOCHROME1 is not turned
/// round here.
enum DisplayTransform: Hashable, Sendable {
    enum Function: String {
        case linear = "LINEAR"
        case linearExact = "LINEAR_EXACT"
        case sigmoid = "SIGMOID"
    }

    case lookUp(LookUpTable)
    case window(center: Double, width: Double, Function)
    /// Neither is there: from the least value that the stored bits can express to the greatest.
    case range

    /// The first VOI LUT of an image, else its first window.
    /// - Parameter isSigned: values before it may be negative.
    init(_ item: Item, of image: ImageDescription, isSigned: Bool) throws(VolumeRefusal) {
        let uid = image.sopInstanceUID
        if let table = try LookUpTable(item, .voiLUTSequence, isSigned: isSigned, uid) {
            self = .lookUp(table)
            return
        }
        guard item.hasValue(.windowCenter) || item.hasValue(.windowWidth) else {
            self = .range
            return
        }
        guard let center = item.number(.windowCenter), center.isFinite else {
            throw .invalidAttribute("WindowCenter", uid)
        }
        let name = item.string(.voiLUTFunction).map(trimmed) ?? ""
        guard let function = name.isEmpty ? .linear : Function(rawValue: name) else {
            throw .invalidAttribute("VOILUTFunction", uid)
        }
        // C.11.2.1.2, C.11.2.1.3.
        guard let width = item.number(.windowWidth), width.isFinite, width > 0, function != .linear || width >= 1 else {
            throw .invalidAttribute("WindowWidth", uid)
        }
        self = .window(center: center, width: width, function)
    }

    func shown(_ value: Double, of range: ClosedRange<Double>) -> Double {
        switch self {
        case .lookUp(let table):
            let top = Double((1 << table.bits) - 1)
            return min(Double(table.value(of: Int(value.rounded()))) / top, 1)
        case .window(let center, let width, .linear):
            // C.11.2.1.2.1: the ends are pixels, not edges.
            let middle = center - 0.5
            let span = width - 1
            if value <= middle - span / 2 { return 0 }
            if value > middle + span / 2 { return 1 }
            return (value - middle) / span + 0.5
        case .window(let center, let width, .linearExact):
            return min(max((value - center) / width + 0.5, 0), 1)
        case .window(let center, let width, .sigmoid): return 1 / (1 + exp(-4 * (value - center) / width))
        case .range:
            return (value - range.lowerBound) / max(range.upperBound - range.lowerBound, .leastNonzeroMagnitude)
        }
    }
}
