// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM
import Models

/// Takes a tensor of voxels through a package's network, whole or window by window, over folds and mirrored copies, and
/// hands on its channels slab by slab. Blocks; the engine works on the next windows while slabs are taken.
struct NetworkRun {
    /// One a fold.
    let networks: [any NetworkRunner]
    let package: String
    let manifest: Manifest
    let progress: (Double) -> Void
    let shouldStop: () -> Bool
    /// Of the clock that `BusyTime` knows nothing about: when the manifest's time is up.
    let deadline: ContinuousClock.Instant
    private(set) var engineSeconds = 0.0
    /// Windows that were taken for background and not run.
    private(set) var skipped = 0
    private var output = 0

    init(
        networks: [any NetworkRunner], package: ModelPackage, started: ContinuousClock.Instant = .now,
        progress: @escaping (Double) -> Void = { _ in }, shouldStop: @escaping () -> Bool = { false }
    ) throws(InferenceError) {
        self.networks = networks
        self.package = package.identity.name
        manifest = package.manifest
        deadline = started + .seconds(manifest.budget.time)
        self.progress = progress
        self.shouldStop = shouldStop
        if let network = networks.first { output = try package.voxelOutput(of: network) }
    }

    /// - Parameter wanted: of each plane as it is finished.
    mutating func slabs(
        of field: Field, as wanted: Slab.Wanted,
        _ body: (Slab) throws(InferenceError) -> Void
    ) throws(InferenceError) {
        switch manifest.inference {
        case .fullVolume(let multiple, let padding):
            let shape = field.lattice.shape
            let roi = (0..<3).map { (shape[$0] + multiple[$0] - 1) / multiple[$0] * multiple[$0] }
            // One window that begins at the volume's first voxel: what pads it lies at the end.
            let window = Manifest.Window(roi: roi, overlap: [0, 0, 0], weighting: .constant, padding: padding)
            try run(field, window, Windows(volume: roi, window: window), wanted, body)
        case .slidingWindow(let window):
            try run(field, window, Windows(volume: field.lattice.shape, window: window), wanted, body)
        default: throw .unsupported("`inference: \(manifest.inference.name)`")
        }
    }

    /// One window on one of its mirrored copies.
    private struct Item {
        var start: [Int]
        var mirrored: [Int]
        var group: Int
    }

    private mutating func run(
        _ field: Field, _ window: Manifest.Window, _ windows: Windows,
        _ wanted: Slab.Wanted, _ body: (Slab) throws(InferenceError) -> Void
    ) throws(InferenceError) {
        let patches = Patches(field: field, before: windows.before, padding: window.padding)
        let mirrors = Self.combinations(window.mirror)
        let background = try window.background.map { (rule) throws(InferenceError) in
            try Background(rule, windows, patches, folds: networks, mirrors: mirrors, output: output)
        }
        engineSeconds += background?.engineSeconds ?? 0
        let assembly = Assembly(
            shape: field.lattice.shape, windows: windows, background: background,
            share: 1 / Float(mirrors.count * networks.count), form: wanted.form)
        let items = assembly.groups.enumerated().map { group, content in
            content.run.flatMap { start in mirrors.map { Item(start: start, mirrored: $0, group: group) } }
        }
        skipped = windows.count - assembly.groups.reduce(0) { $0 + $1.run.count }
        // With one fold all windows are one run, so that the engine does not wait between groups.
        let segments =
            networks.count == 1
            ? [(0, items.flatMap(\.self))]
            : items.flatMap { part in
                networks.indices.map { ($0, part) }
            }
        let total = max(1, segments.reduce(0) { $0 + $1.1.count })
        var done = 0
        let (run, roi, batch) = (self, windows.roi, window.batch)
        for (fold, items) in segments {
            let passes = (items.count + batch - 1) / batch
            engineSeconds += try networks[fold].run(count: passes) { (pass) throws(InferenceError) in
                if run.shouldStop() { throw .cancelled }
                if ContinuousClock.now > run.deadline {
                    throw .tooSlow(package: run.package, budget: run.manifest.budget.time)
                }
                return [run.input(items, pass: pass, batch: batch, patches, roi)]
            } take: { (pass, outputs) throws(InferenceError) in
                let output = outputs[run.output]
                let channels = try run.channels(of: output, batch: batch, roi)
                guard channels == assembly.channels ?? background?.channels ?? channels else {
                    throw .mismatch(
                        package: run.package,
                        reason:
                            "the network gives \(channels) channels, and a fold or `skipBackground.outputs` has \(assembly.channels ?? background?.channels ?? 0)"
                    )
                }
                for (place, item) in items[pass * batch..<min(items.count, (pass + 1) * batch)].enumerated() {
                    try assembly.advance(to: item.group, channels: channels, body)
                    assembly.add(
                        output.values.baseAddress! + place * channels * roi.reduce(1, *), mirrored: item.mirrored,
                        at: item.start)
                    done += 1
                }
                run.progress(Double(done) / Double(total))
            }
        }
        try assembly.advance(
            to: assembly.groups.count, channels: background?.channels ?? manifest.minimumChannels, body)
    }

    /// [batch, C, D, H, W]; what the last pass lacks is its last window again.
    private func input(
        _ items: [Item], pass: Int, batch: Int, _ patches: Patches, _ roi: [Int]
    ) -> TensorInput {
        let shape = [batch, patches.field.channels] + roi
        let size = shape.dropFirst().reduce(1, *)
        let values = [Float](unsafeUninitializedCapacity: batch * size) { buffer, count in
            for place in 0..<batch {
                let item = items[min(pass * batch + place, items.count - 1)]
                patches.cut(
                    at: item.start, size: roi, mirrored: item.mirrored, into: buffer.baseAddress! + place * size)
            }
            count = batch * size
        }
        return TensorInput(shape: shape, values: values)
    }

    private func channels(of output: TensorView, batch: Int, _ roi: [Int]) throws(InferenceError) -> Int {
        let given = output.shape
        let minimum = manifest.minimumChannels
        guard given.count == 5, given[0] == batch, given[1] >= minimum, Array(given[2...]) == roi else {
            throw .mismatch(
                package: package,
                reason:
                    "the network made \(given) of a window of \(roi), and must give [\(batch), C, D, H, W] of the same size with at least \(minimum) channels"
            )
        }
        return given[1]
    }

    /// None, and every combination of the dimensions.
    private static func combinations(_ dimensions: [Int]) -> [[Int]] {
        dimensions.reduce([[]]) { sets, dimension in sets + sets.map { $0 + [dimension] } }
    }
}
