// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM

/// A slice that shows findings best.
struct KeySlice: Equatable {
    var slice: Int
    /// Positions in the request's findings, the most urgent first.
    var findings: [Int]
}

extension ResultRequest {
    /// Of each finding the slice on which it is shown, the most urgent first; `maximumKeySlices` at most. None where there
    /// is no finding, or none that lies on a slice.
    func keySlices(_ masks: [Mask]) -> [KeySlice] {
        var keys: [KeySlice] = []
        let order = findings.indices.sorted { a, b in
            findings[a].priority == findings[b].priority ? a < b : findings[a].priority > findings[b].priority
        }
        for index in order {
            guard let slice = keySlice(of: index, masks) else { continue }
            if let place = keys.firstIndex(where: { $0.slice == slice }) {
                keys[place].findings.append(index)
            } else if keys.count < Self.maximumKeySlices {
                keys.append(KeySlice(slice: slice, findings: [index]))
            }
        }
        return keys
    }

    static let maximumKeySlices = 20

    /// The slices whose pixels `encode` asks for, where the template has pictures.
    package func pictureSlices(masks: [Mask]) -> [Int] {
        var slices: Set<Int> = []
        if template.objects.contains(.secondaryCapture) { slices.formUnion(keySlices(masks).map(\.slice)) }
        if template.objects.contains(.heatMap) { slices.formUnion(heatMaps.compactMap { $0.map?.slice }) }
        return slices.sorted()
    }

    /// Explanations that are pictures.
    var heatMaps: [Explanation] { explanations.filter { $0.map?.values.isEmpty == false } }

    /// The one that the finding names, unless its mask is empty there: then that with most pixels.
    private func keySlice(of index: Int, _ masks: [Mask]) -> Int? {
        let finding = findings[index]
        guard let mask = finding.maskIndex.map({ masks[$0] }) else { return finding.keySlice }
        if let slice = finding.keySlice, !mask.isEmpty(slice: slice) { return slice }
        let counts = mask.blockSlices.map { slice in
            mask.blockRows.reduce(0) { $0 + mask.line(row: $1, slice: slice).count { $0 != 0 } }
        }
        return counts.indices.max { counts[$0] < counts[$1] }.map { mask.blockSlices.lowerBound + $0 }
    }

    /// As the segment has, where there is one: scaled CIELab values.
    func color(of finding: Int) -> [Double] {
        let isMasked = findings[finding].maskIndex != nil
        let before = findings[..<finding].count { ($0.maskIndex != nil) == isMasked }
        return Palette.color(isMasked ? before : before + findings.count { $0.maskIndex != nil })
    }

    /// "12.3 mL", or the first thing that was measured; nil where nothing was.
    func measure(of finding: Finding) -> String? {
        if let volume = finding.volumeML { return "\(Text.decimal(volume, digits: 3)) mL" }
        return finding.measurements.first.map { "\(Text.decimal($0.value, digits: 3)) \($0.unit.value)" }
    }
}
