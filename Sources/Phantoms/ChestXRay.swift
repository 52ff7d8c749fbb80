// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM

/// Radiographs of a chest: each pixel is what lies on its ray. Body, lungs, heart, spine, ribs and clavicles; an
/// optional pneumothorax with the line of the collapsed lung.
package struct ChestXRay: Sendable {
    package enum View: String, Sendable, CaseIterable {
        case pa = "PA"
        case ap = "AP"
        case lateral = "LL"
    }
    package enum Finding: Hashable, Sendable {
        case none
        /// Air around a lung that kept 1 − `share` of its volume.
        case pneumothorax(side: HeadCT.Side = .right, share: Double = 0.4)
    }

    package var seed: UInt64
    package var finding: Finding
    /// One image each, all in one series.
    package var views: [View] = [.pa]
    /// Computed Radiography in place of Digital X-Ray for Presentation.
    package var isComputedRadiography = false
    /// Low values are shown white.
    package var isMonochrome1 = false
    package var columns = 1024
    package var rows = 1024
    /// 8 to 16.
    package var bitsStored = 12
    /// Stored values are (value − intercept) / slope; only CR may differ from 1 and 0.
    package var slope = 1
    package var intercept = 0
    /// Pixels on each side that the collimator covers; they bear Pixel Padding Value.
    package var collimation = 0
    /// Standard deviation, in stored values of 12 bits.
    package var noise = 12.0
    package var transferSyntax = PhantomTransferSyntax.explicitLittleEndian
    package var patient = PhantomPatient()
    package var identity: String?
    package var hasFreshUIDs = false

    package init(seed: UInt64 = 1, finding: Finding = .none) {
        self.seed = seed
        self.finding = finding
    }

    /// mm between pixels at the detector: 430 mm over the longer side.
    package var pixelSpacing: Double { rounded(430 / Double(max(columns, rows))) }
    /// The largest value that the bits can store.
    package var maximum: Int { 1 << bitsStored - 1 }
    var isByte: Bool { bitsStored == 8 }

    /// mL of air around the lung, of the ideal shapes; 0 without the finding.
    package var airVolumeML: Double {
        guard case .pneumothorax(let side, let share) = finding else { return 0 }
        return ChestAnatomy.lung(side).volume * share
    }

    func check() throws(PhantomError) {
        guard (1...65_535).contains(columns), (1...65_535).contains(rows) else {
            throw .impossible("columns and rows are 1 to 65535")
        }
        guard (8...16).contains(bitsStored) else { throw .impossible("8 to 16 bits are stored") }
        guard !views.isEmpty else { throw .impossible("a study has at least one view") }
        guard slope != 0, isComputedRadiography || (slope == 1 && intercept == 0) else {
            throw .impossible("only CR has a rescale, and its slope is not 0")
        }
        guard (0..<min(columns, rows) / 2 + 1).contains(collimation) else {
            throw .impossible("the collimator leaves an image")
        }
        guard noise.isFinite, (0...1000).contains(noise) else { throw .impossible("noise is 0 to 1000") }
        if case .pneumothorax(_, let share) = finding {
            guard share > 0, share < 1 else { throw .impossible("a share lies between 0 and 1") }
        }
        switch transferSyntax {
        case .jpegBaseline where bitsStored != 8: throw .impossible("JPEG Baseline holds 8 bits")
        case .jpegExtended where bitsStored != 12: throw .impossible("JPEG Extended holds 12 bits")
        default: break
        }
    }

    /// Values of an image as they are stored, and which pixels lie before or behind air around the lung.
    package func truth(ofImage index: Int) throws(PhantomError) -> (stored: [UInt16], air: [UInt8]) {
        try check()
        guard views.indices.contains(index) else { throw .impossible("no image \(index)") }
        return render(index)
    }

    func render(_ index: Int) -> (stored: [UInt16], air: [UInt8]) {
        let anatomy = ChestAnatomy(finding)
        let (view, spacing, top) = (views[index], Float(pixelSpacing), Float(maximum))
        var stored = [UInt16](repeating: 0, count: columns * rows)
        var air = [UInt8](repeating: 0, count: stored.count)
        let padding = UInt16(isMonochrome1 ? maximum : 0)
        for row in 0..<rows {
            let z = (Float(rows - 1) / 2 - Float(row)) * spacing
            var random = NoiseGenerator(seed: seed, slice: index, row: row)
            for column in 0..<columns {
                let across = (Float(column) - Float(columns - 1) / 2) * spacing
                let (attenuation, isAir) = anatomy.ray(view, across, z)
                // Film-like: dense is bright, and nothing is burnt out.
                var value = top * min(1, 0.02 + 1.3 * attenuation / (attenuation + 130))
                value += Float(noise) * top / 4095 * random.next()
                value.round()
                let at = row * columns + column
                let bright = UInt16(min(max(value, 1), top - 1))
                stored[at] = isMonochrome1 ? UInt16(maximum) - bright : bright
                air[at] = isAir ? 1 : 0
                let rim = min(min(row, rows - 1 - row), min(column, columns - 1 - column))
                if rim < collimation { (stored[at], air[at]) = (padding, 0) }
            }
        }
        return (stored, air)
    }
}
