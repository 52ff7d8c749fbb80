// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM
import Foundation
import Models
import Volume

/// Runs a package on its own golden vectors and compares: on the whole volumes, whatever region it has in the node.
package struct SelfTest {
    let engine: Engine

    package init(engine: Engine) { self.engine = engine }

    /// What differs, a line each; empty: everything is as it was, or the package has no vectors.
    package func failures(of package: ModelPackage) throws(PackageError) -> [String] {
        guard let golden = try GoldenVectors.read(in: package.folder) else { return [] }
        var failures: [String] = []
        for vector in golden.vectors {
            let volumes = try Self.volumes(vector, of: package)
            do throws(InferenceError) {
                let result = try Analysis(engine: engine).run(package, on: volumes)
                failures += try compare(result, vector, package)
            } catch {
                failures.append("golden vector \(vector.name): \(error)")
            }
        }
        return failures
    }

    private static func volumes(
        _ vector: GoldenVectors.Vector, of package: ModelPackage
    ) throws(PackageError) -> [VoxelVolume] {
        // No file was read: the frames' names are never written anywhere.
        let frames = (0..<vector.grid.slices).map {
            SourceFrame(
                sopClassUID: UID(literal: "1.2.840.10008.5.1.4.1.1.7"),
                sopInstanceUID: UID("2.25.\($0 + 1)") ?? UID(literal: "2.25.1"), frameNumber: nil)
        }
        let unit =
            vector.unit == VoxelVolume.hounsfieldUnit.value ? VoxelVolume.hounsfieldUnit : VoxelVolume.arbitraryUnit
        var declared = DeclaredFacts()
        declared.valueRange = vector.stored.map { $0[0]...$0[1] }
        var channels: [[Float]] = []
        for array in vector.volumes {
            channels.append(try GoldenVectors.values(array, of: vector.grid, in: package.folder))
        }
        // Red, green and blue are one volume.
        if package.manifest.images.colour == .rgb, channels.count == 3 { channels = [Array(channels.joined())] }
        return channels.map {
            VoxelVolume(
                grid: vector.grid, voxels: $0, unit: unit, frames: frames,
                placement: vector.placement.flatMap(VoxelVolume.Placement.init) ?? .patient,
                channels: $0.count / vector.grid.count, declared: declared)
        }
    }

    private func compare(_ result: AnalysisResult, _ vector: GoldenVectors.Vector, _ package: ModelPackage)
        throws(InferenceError) -> [String]
    {
        var failures: [String] = []
        func fail(_ text: String) { failures.append("golden vector \(vector.name): \(text)") }
        let found = Dictionary(grouping: result.findings, by: \.label)
        let expected = Dictionary(grouping: vector.findings, by: \.label)
        for label in Set(found.keys).union(expected.keys).sorted() {
            let (here, there) = (found[label] ?? [], expected[label] ?? [])
            guard here.count == there.count else {
                fail("\(label) was found \(here.count) times, and \(there.count) were expected")
                continue
            }
            for (finding, want) in zip(here, there) {
                if !(abs(finding.confidence - want.confidence) <= vector.confidence) {
                    fail("\(label) has a confidence of \(finding.confidence), and \(want.confidence) was expected")
                }
                guard let array = want.mask else { continue }
                guard let index = finding.maskIndex else {
                    fail("\(label) has no mask, and one was expected")
                    continue
                }
                do throws(PackageError) {
                    let wanted = try GoldenVectors.values(array, of: vector.grid, in: package.folder)
                    let differing = zip(Self.voxels(of: result.masks[index]), wanted).count { ($0 != 0) != ($1 != 0) }
                    if Double(differing) > vector.disagreement * Double(vector.grid.count) {
                        fail("the mask of \(label) differs in \(differing) of \(vector.grid.count) voxels")
                    }
                } catch { fail("\(error)") }
            }
        }
        return failures
    }

    /// One byte a voxel.
    private static func voxels(of mask: Mask) -> [UInt8] { mask.voxels }
}
