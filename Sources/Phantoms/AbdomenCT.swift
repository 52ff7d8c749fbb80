// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM

/// An abdomen CT: wall, fat, liver, spleen, kidneys, great vessels, spine; an optional finding.
package struct AbdomenCT: Sendable {
    package enum Finding: Hashable, Sendable {
        case none
        /// Fluid of 8 HU in the peritoneal fat in front of the kidneys, mL.
        case freeFluid(volume: Double = 150)
        /// A sphere of 20 HU in the liver, mL.
        case liverLesion(volume: Double = 8)
    }
    package enum Organ: String, Sendable, CaseIterable { case liver, spleen, rightKidney, leftKidney }

    package var seed: UInt64
    package var finding: Finding
    package var hasContrast = false
    package var columns = 512
    package var rows = 512
    package var slices = 48
    /// mm between slices; nil: 240 mm over all slices.
    package var sliceSpacing: Double?
    /// Standard deviation, HU.
    package var noise = 10.0
    package var transferSyntax = PhantomTransferSyntax.explicitLittleEndian
    package var patient = PhantomPatient()
    package var identity: String?
    package var hasFreshUIDs = false

    package init(seed: UInt64 = 1, finding: Finding = .none) {
        self.seed = seed
        self.finding = finding
    }

    /// mL of the ellipsoids; a lesion is part of the liver.
    package static let organVolumes: [Organ: Double] = organs.mapValues(\.volume)

    static let organs: [Organ: Ellipsoid] = [
        .liver: Ellipsoid(centre: Vector3(-68, -25, 40), radii: Vector3(58, 50, 50)),
        .spleen: Ellipsoid(centre: Vector3(88, 25, 45), radii: Vector3(26, 36, 38)),
        .rightKidney: Ellipsoid(centre: Vector3(-58, 48, -35), radii: Vector3(24, 26, 48)),
        .leftKidney: Ellipsoid(centre: Vector3(58, 48, -35), radii: Vector3(24, 26, 48)),
    ]

    /// The finding's ellipsoid, clear of every organ but the one that it lies in.
    var findingShape: (shape: Ellipsoid, centre: Vector3, density: Float)? {
        switch finding {
        case .none: return nil
        case .freeFluid(let volume):
            // Half axes 2 : 1 : 1.2.
            let b = cubeRoot(volume * 1000 * 3 / (4 * Double.pi * 2.4))
            let centre = Vector3(0, -35, -70)
            return (Ellipsoid(centre: centre, radii: Vector3(2 * b, b, 1.2 * b)), centre, 8)
        case .liverLesion(let volume):
            let r = cubeRoot(volume * 1000 * 3 / (4 * Double.pi))
            let centre = Vector3(-68, -25, 40)
            return (Ellipsoid(centre: centre, radii: Vector3(r, r, r)), centre, 20)
        }
    }

    func model() throws(PhantomError) -> TissueModel {
        switch finding {
        case .none: break
        case .freeFluid(let volume):
            guard (1...900).contains(volume) else { throw .impossible("there is room for 1 to 900 mL of fluid") }
        case .liverLesion(let volume):
            guard (0.1...350).contains(volume) else { throw .impossible("a liver lesion has 0.1 to 350 mL") }
        }
        guard noise.isFinite, (0...1000).contains(noise) else { throw .impossible("noise is 0 to 1000") }
        func part(_ x: Double, _ y: Double, _ z: Double, _ a: Double, _ b: Double, _ c: Double, _ hu: Float)
            -> TissueModel.Part
        {
            .init(shape: Ellipsoid(centre: Vector3(x, y, z), radii: Vector3(a, b, c)), values: [hu])
        }
        let densities: [Organ: Float] =
            hasContrast
            ? [.liver: 110, .spleen: 125, .rightKidney: 190, .leftKidney: 190]
            : [.liver: 60, .spleen: 50, .rightKidney: 32, .leftKidney: 32]
        let vessel: Float = hasContrast ? 170 : 42
        // Skin fat, muscle, inner fat; aorta, vena cava, spine.
        var parts = [
            part(0, 0, 0, 165, 115, 900, -100), part(0, 0, 0, 150, 100, 850, 50), part(0, 0, 0, 138, 88, 800, -95),
            part(12, 31, 0, 9, 9, 900, vessel), part(-14, 31, 0, 10, 9, 900, vessel),
            part(0, 62, 0, 22, 20, 900, 250),
        ]
        for organ in Organ.allCases {
            guard let shape = AbdomenCT.organs[organ], let density = densities[organ] else { continue }
            parts.append(.init(shape: shape, values: [density]))
        }
        if let finding = findingShape { parts.append(.init(shape: finding.shape, values: [finding.density], label: 1)) }
        return TissueModel(
            background: [-1000], parts: parts, noise: Float(noise), seed: seed, limits: -1024...3071)
    }

    func stack() throws(PhantomError) -> PlaneStack {
        try PlaneStack(
            columns: columns, rows: rows, slices: slices, field: 380,
            extent: sliceSpacing.map { $0 * Double(slices) } ?? 240)
    }

    /// Hounsfield units of a plane as the files hold them, and which voxels are of the finding.
    package func truth(ofSlice index: Int) throws(PhantomError) -> (hounsfield: [Float], finding: [UInt8]) {
        let stack = try stack()
        guard stack.planes.indices.contains(index) else { throw .impossible("no slice \(index)") }
        let slice = try model().slice(stack.planes[index], of: stack, sequence: 0)
        return (slice.values.map { Float($0) }, slice.labels)
    }
}
