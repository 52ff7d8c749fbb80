// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DCMTK
import DICOM
import Foundation
import Phantoms

@testable import Volume

/// Testing has a Tag too.
typealias Tag = DICOM.Tag

extension VolumeOptions {
    /// The tests' own files need no scan.
    static let trusting = VolumeOptions { _ in }
}

/// A small phantom on disk, gone with the value.
final class Phantom {
    let choices: HeadCT
    let directory: String
    let study: PhantomStudy

    init(_ change: (inout HeadCT) -> Void = { _ in }) throws {
        var choices = HeadCT(seed: 11, finding: .bleed(.init()))
        (choices.columns, choices.rows, choices.slices) = (37, 29, 7)
        change(&choices)
        self.choices = choices
        directory = NSTemporaryDirectory() + "/triaged-\(UUID().uuidString)"
        study = try choices.write(to: directory)
    }

    deinit { try? FileManager.default.removeItem(atPath: directory) }

    func volume() throws -> VoxelVolume { try VoxelVolume.read(paths: study.files, options: .trusting) }

    func uids(perSlice count: Int) -> [UID] {
        choices.isMultiFrame ? Array(repeating: study.sopInstanceUIDs[0], count: count) : study.sopInstanceUIDs
    }

    /// Against the values that were drawn, HU.
    func largestDifference(_ volume: VoxelVolume) throws -> Float { try differences(volume).largest }

    func differences(_ volume: VoxelVolume) throws -> (largest: Float, mean: Float) {
        let size = volume.grid.columns * volume.grid.rows
        var (largest, sum): (Float, Float) = (0, 0)
        for slice in 0..<volume.grid.slices {
            for (index, value) in try choices.truth(ofSlice: slice).hounsfield.enumerated() {
                let difference = abs(value - volume.voxels[slice * size + index])
                largest = max(largest, difference)
                sum += difference
            }
        }
        return (largest, sum / Float(volume.voxels.count))
    }

    /// Rewrites one file with its attributes changed.
    func edit(_ index: Int, _ change: (Item) throws(DCMTKError) -> Void) throws {
        let path = study.files[index]
        try DataSet(contentsOf: path).rewrite(path, change)
    }

    func editAll(_ change: (Int, Item) throws(DCMTKError) -> Void) throws {
        for index in study.files.indices { try edit(index) { (item) throws(DCMTKError) in try change(index, item) } }
    }
}

extension DataSet {
    borrowing func rewrite(_ path: String, _ change: (Item) throws(DCMTKError) -> Void) throws(DCMTKError) {
        try withItem { (item) throws(DCMTKError) in try change(item) }
        // Large values are still read from the old file, so the new one must not replace it before it is whole.
        try write(to: path + ".new", transferSyntaxUID: transferSyntaxUID ?? UID(literal: "1.2.840.10008.1.2.1"))
        rename(path + ".new", path)
    }
}
