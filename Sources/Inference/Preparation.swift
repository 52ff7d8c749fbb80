// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM
import Models

/// Voxels on their way from the series to the network's tensor, and what it takes to come back.
///
/// Beside the voxels of the series it holds one working copy. Steps that only name the axes anew move no voxel: the next
/// step that moves them reads through the names.
struct Preparation {
    /// Where the voxels lie in memory.
    private(set) var field: Field
    /// Where they should.
    private(set) var wanted: Lattice
    private(set) var restoration: Restoration
    private var isResampled = false

    init(_ field: Field) {
        self.field = field
        wanted = field.lattice
        restoration = Restoration(source: field.lattice)
    }

    /// Changes values where they are.
    mutating func change(_ body: (inout Field) throws(InferenceError) -> Void) throws(InferenceError) {
        try body(&field)
    }

    mutating func orient(_ codes: AxisCodes) { rename(wanted.oriented(codes)) }
    mutating func transpose(_ order: [Int]) { rename(wanted.transposed(order)) }

    private mutating func rename(_ lattice: Lattice) {
        restoration.border = restoration.border.moved(from: wanted, to: lattice) ?? restoration.border
        if let separate = restoration.separate, let axes = wanted.map(from: lattice).axes {
            restoration.separate?.dimension = axes[separate.dimension]
        }
        wanted = lattice
        restoration.network = lattice
    }

    mutating func resample(_ step: Manifest.Spacing) throws(InferenceError) {
        let spacing = Resampling(step: step)
        guard spacing.target(of: wanted) != wanted else { return }
        if isResampled, restoration.border != Box(shape: wanted.shape) {
            throw .unsupported("a crop between two `spacing` steps")
        }
        // Halves are rounded up in the order of the wanted lattice.
        if spacing.zoom != nil, step.interpolation == .nearest || step.separateAxis != nil { settle() }
        let (stored, wanted, channels) = (field.lattice, wanted, field.channels)
        let target = spacing.target(of: wanted)
        field = try withPointer(to: field.values) { (pointer) throws(InferenceError) in
            try spacing.apply(pointer, channels: channels, stored: stored, lattice: wanted)
        }
        restoration.network = target
        restoration.border = Box(shape: target.shape)
        restoration.zoom = isResampled ? nil : spacing.zoom
        restoration.separate =
            isResampled
            ? nil
            : spacing.separateDimension(from: spacing.goal(of: wanted), to: wanted.spacing)
                .map { ($0, step.separateAxis?.interpolation == .nearest) }
        isResampled = true
        self.wanted = target
    }

    /// To a block in voxels of the wanted lattice; what reaches beyond the image is 0.
    mutating func crop(to box: Box) {
        guard box != Box(shape: wanted.shape) else { return }
        let cropped = wanted.cropped(to: box)
        if isResampled {
            restoration.border = restoration.border.moved(by: box.lower.map { -$0 })
        } else {
            let inSource = box.moved(from: wanted, to: restoration.source)
            restoration.within = inSource.map { restoration.within.intersection($0) } ?? restoration.within
            restoration.border = Box(shape: cropped.shape)
        }
        restoration.network = cropped
        wanted = cropped
        settle()
    }

    /// MONAI's `CropForeground`.
    mutating func cropForeground(_ step: Manifest.Foreground) throws(InferenceError) {
        let above = Float(step.above)
        let found = field.box { $0 > above }
        guard !found.isEmpty else { throw .refused(["no voxel is greater than \(step.above): there is no foreground"]) }
        guard let box = found.moved(from: field.lattice, to: wanted) else { return }
        crop(
            to: step.allowSmaller
                ? box.expanded(by: step.margin, within: wanted.shape) : box.expanded(by: step.margin))
    }

    /// nnU-Net's `crop_to_nonzero` (preprocessing/cropping/cropping.py); filled holes do not change the block.
    mutating func cropNonzero() throws(InferenceError) {
        let found = field.box { $0 != 0 }
        guard !found.isEmpty else { throw .refused(["every voxel is 0"]) }
        if let box = found.moved(from: field.lattice, to: wanted) { crop(to: box) }
    }

    /// To what is marked on the grid of the series, and so many mm around it.
    mutating func crop(to region: Marking, margin: Double) throws(InferenceError) {
        guard !region.isEmpty else { throw .refused(["the region that the package is restricted to was not found"]) }
        let source = restoration.source
        let box = region.box.expanded(by: source.voxels(within: margin), within: source.shape)
        guard let moved = box.moved(from: source, to: wanted) else { return }
        crop(to: moved)
    }

    /// Voxels to where they should be.
    mutating func settle() {
        guard field.lattice != wanted else { return }
        let everywhere = Box(lower: [Int](repeating: -1 << 30, count: 3), upper: [Int](repeating: 1 << 30, count: 3))
        let inside = Box(shape: wanted.shape).moved(from: wanted, to: field.lattice)
        let isWhole = inside.map { Box(shape: field.lattice.shape).contains($0) } ?? false
        let sampler = Sampler(
            source: field.lattice, target: wanted, rules: [.nearest, .nearest, .nearest],
            border: isWhole ? nil : everywhere)
        let (channels, count, stored) = (field.channels, wanted.count, field.lattice.count)
        let values = [Float](unsafeUninitializedCapacity: channels * count) { buffer, initialized in
            field.values.withUnsafeBufferPointer { source in
                for c in 0..<channels {
                    sampler.resample(source.baseAddress! + c * stored, into: buffer.baseAddress! + c * count)
                }
            }
            initialized = channels * count
        }
        field = Field(lattice: wanted, channels: channels, values: values)
    }

    private func withPointer<Result>(
        to values: [Float], _ body: (UnsafePointer<Float>) throws(InferenceError) -> Result
    ) throws(InferenceError) -> Result {
        let outcome = values.withUnsafeBufferPointer { buffer -> Swift.Result<Result, InferenceError> in
            do throws(InferenceError) {
                return .success(try body(buffer.baseAddress!))
            } catch {
                return .failure(error)
            }
        }
        return try outcome.get()
    }
}

extension Lattice {
    /// The greatest lattice that steps can make of this one, before its voxels are known: crops cut nothing off, and add
    /// their margins where these may reach beyond the image.
    func planned(_ steps: [Manifest.Preprocessing]) -> Lattice {
        steps.reduce(self) { lattice, step in
            switch step {
            case .orientation(let codes): lattice.oriented(codes)
            case .transpose(let order): lattice.transposed(order)
            case .spacing(let spacing): Resampling(step: spacing).target(of: lattice)
            case .cropForeground(let foreground) where !foreground.allowSmaller:
                lattice.cropped(to: Box(shape: lattice.shape).expanded(by: foreground.margin))
            default: lattice
            }
        }
    }
}
