// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM

/// A brain MR study: co-registered series of one frame of reference, one for each sequence; an optional tumor of
/// oedema, enhancing rim and necrosis.
package struct BrainMR: Sendable {
    package enum Sequence: String, Sendable, CaseIterable {
        case t1 = "T1"
        case t1c = "T1c"
        case t2 = "T2"
        case flair = "FLAIR"
    }
    package enum Form: String, Sendable, CaseIterable {
        /// MR Image Storage, a plane an instance.
        case singleFrame = "single-frame"
        /// Enhanced MR Image Storage, a series an instance.
        case enhanced
        /// Legacy Converted Enhanced MR Image Storage.
        case converted
    }
    package enum Finding: Hashable, Sendable {
        case none
        /// mL of the whole, oedema included; rim and necrosis are the same shape, smaller.
        case tumor(volume: Double = 40, side: HeadCT.Side = .left)
    }
    /// One of several images of each place.
    package struct Repeat: Hashable, Sendable {
        package var echoTime: Double?
        package var bValue: Double?
        package var temporalPosition: Int?
        package var component: String?

        package init(
            echoTime: Double? = nil, bValue: Double? = nil, temporalPosition: Int? = nil, component: String? = nil
        ) {
            self.echoTime = echoTime
            self.bValue = bValue
            self.temporalPosition = temporalPosition
            self.component = component
        }
    }

    package var seed: UInt64
    package var finding: Finding
    package var sequences = Sequence.allCases
    package var form = Form.singleFrame
    package var columns = 256
    package var rows = 256
    package var slices = 36
    package var orientation = HeadCT.Orientation.axial
    /// Degrees by which planes are turned about the left-right axis.
    package var turn = 0.0
    /// Series with half the slices, twice as far apart.
    package var thickSequences: [Sequence] = []
    /// Standard deviation of the noise.
    package var noise = 12.0
    /// Each slice has a rescale of its own, as some scanners write.
    package var rescalesEachSlice = false
    /// Images of each place; nil: one.
    package var repeats: [Repeat] = [Repeat()]
    /// Frames, or instances, in an order that is not the stack's.
    package var isShuffled = false
    /// A second stack with this many planes, coronal, in the same series.
    package var extraStackSlices = 0
    package var transferSyntax = PhantomTransferSyntax.explicitLittleEndian
    package var patient = PhantomPatient()
    package var identity: String?
    package var hasFreshUIDs = false

    package init(seed: UInt64 = 1, finding: Finding = .none) {
        self.seed = seed
        self.finding = finding
    }

    /// The share of the whole tumor's diameter that rim and necrosis have.
    static let rim = 0.65
    static let core = 0.4

    /// mL of the ideal shapes: the whole tumor, what the rim encloses, necrosis; empty without one.
    package var tumorVolumesML: [Double] {
        guard case .tumor(let volume, _) = finding else { return [] }
        return [1, BrainMR.rim, BrainMR.core].map { volume * $0 * $0 * $0 }
    }

    var tumorCentre: Vector3? {
        guard case .tumor(_, let side) = finding else { return nil }
        return Vector3(side == .left ? 28 : -28, -12, 20)
    }

    func check() throws(PhantomError) {
        guard !sequences.isEmpty, Set(sequences).count == sequences.count else {
            throw .impossible("a study has each sequence once")
        }
        guard noise.isFinite, (0...1000).contains(noise) else { throw .impossible("noise is 0 to 1000") }
        guard !repeats.isEmpty, (0...1000).contains(extraStackSlices) else {
            throw .impossible("each place has at least one image")
        }
        if case .tumor(let volume, _) = finding {
            guard (0.1...80).contains(volume) else { throw .impossible("a tumor has 0.1 to 80 mL") }
        }
        guard ![.jpegBaseline, .jpegExtended].contains(transferSyntax) else {
            throw .impossible("MR values have 16 bits here")
        }
    }

    /// Columns of values: T1, T1c, T2, FLAIR.
    func model() -> TissueModel {
        func part(
            _ x: Double, _ y: Double, _ z: Double, _ a: Double, _ b: Double, _ c: Double, _ values: [Float]
        ) -> TissueModel.Part {
            .init(shape: Ellipsoid(centre: Vector3(x, y, z), radii: Vector3(a, b, c)), values: values)
        }
        let fluid: [Float] = [150, 150, 1000, 110]
        // Scalp, skull, fluid around the brain, grey matter, white matter, ventricles.
        var parts = [
            part(0, 0, 0, 74, 92, 80, [900, 900, 700, 600]), part(0, 0, 0, 69, 87, 75, [60, 60, 50, 50]),
            part(0, 0, 0, 63, 81, 69, fluid), part(0, 0, 0, 60, 78, 66, [480, 500, 560, 520]),
            part(0, 0, 0, 51, 68, 56, [620, 640, 440, 430]), part(9, -4, 14, 5, 24, 9, fluid),
            part(-9, -4, 14, 5, 24, 9, fluid), part(0, 2, -2, 2.5, 10, 8, fluid),
        ]
        if case .tumor(let volume, _) = finding, let centre = tumorCentre {
            // Half axes 1 : 1.1 : 0.95.
            let a = cubeRoot(volume * 1000 * 3 / (4 * Double.pi * 1.1 * 0.95))
            let tissues: [(Double, [Float])] = [
                (1, [430, 440, 850, 900]), (BrainMR.rim, [460, 1050, 720, 780]), (BrainMR.core, [260, 270, 950, 420]),
            ]
            for (label, (scale, values)) in tissues.enumerated() {
                let r = a * scale
                parts.append(
                    .init(
                        shape: Ellipsoid(centre: centre, radii: Vector3(r, 1.1 * r, 0.95 * r)), values: values,
                        label: UInt8(label + 1)))
            }
        }
        return TissueModel(
            background: [0, 0, 0, 0], parts: parts, noise: Float(noise), seed: seed, limits: 0...4095)
    }

    func stack(of sequence: Sequence) throws(PhantomError) -> PlaneStack {
        let isThick = thickSequences.contains(sequence)
        return try PlaneStack(
            columns: columns, rows: rows, slices: isThick ? max(1, slices / 2) : slices, field: 240,
            extent: isThick ? 160 / Double(slices) * 2 * Double(max(1, slices / 2)) : 160, orientation: orientation,
            turn: turn)
    }

    /// Values of a plane of a series along its stack, before any rescale, and the tumor's labels: 1 oedema, 2 rim,
    /// 3 necrosis.
    package func truth(
        of sequence: Sequence, slice index: Int
    ) throws(PhantomError) -> (values: [Float], labels: [UInt8]) {
        try check()
        let stack = try stack(of: sequence)
        guard stack.planes.indices.contains(index) else { throw .impossible("no slice \(index)") }
        let slice = model().slice(stack.planes[index], of: stack, sequence: sequence.number)
        return (slice.values.map { Float($0) }, slice.labels)
    }
}

extension BrainMR.Sequence {
    /// Its column in the model.
    var number: Int { BrainMR.Sequence.allCases.firstIndex(of: self) ?? 0 }

    var seriesDescription: String {
        switch self {
        case .t1: "T1 TSE"
        case .t1c: "T1 TSE +C"
        case .t2: "T2 TSE"
        case .flair: "FLAIR"
        }
    }

    /// ms.
    var times: (repetition: Double, echo: Double, inversion: Double?) {
        switch self {
        case .t1, .t1c: (550, 10, nil)
        case .t2: (4500, 95, nil)
        case .flair: (9000, 110, 2500)
        }
    }
}
