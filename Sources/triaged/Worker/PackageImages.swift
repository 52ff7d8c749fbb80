// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM
import Foundation
import Inference
import Models
import Volume

/// The images that a package runs on, read as its manifest says: of each series one volume, or of a single series of
/// radiographs each for itself. For workers and for commands.
struct PackageImages {
    struct Series {
        var sopClassUIDs: [UID]
        var paths: [String]
    }

    let volumes: [VoxelVolume]
    private let areRadiographs: Bool

    /// - Parameter series: in the order of the package's channels. Thread: blocks.
    init(_ series: [Series], for package: ModelPackage, shouldStop: () -> Bool = { false }) throws {
        var volumes: [VoxelVolume] = []
        var areRadiographs = false
        for each in series {
            if shouldStop() { throw InferenceError.cancelled }
            let options = VolumeOptions(of: each.sopClassUIDs, for: package.manifest.images)
            if case .projection = options.kind, series.count == 1 {
                areRadiographs = true
                volumes += try VoxelVolume.readImages(paths: each.paths, options: options)
            } else {
                volumes.append(try VoxelVolume.read(paths: each.paths, options: options))
            }
        }
        self.volumes = volumes
        self.areRadiographs = areRadiographs
    }

    /// A folder with the DICOM files of one series for each channel.
    init(folders: [String], for package: ModelPackage) throws {
        try self.init(
            folders.map { folder in
                let paths = try Self.files(in: folder)
                // The first file says what the series is; what is wrong with it, or does not fit it, its reader says.
                let first = paths.first.flatMap { try? FileScan.admit($0) }
                return Series(sopClassUIDs: first.map { [$0.sopClassUID] } ?? [], paths: paths)
            }, for: package)
    }

    private static func files(in folder: String) throws -> [String] {
        var isDirectory: ObjCBool = false
        return try FileManager.default.subpathsOfDirectory(atPath: folder).sorted().map { "\(folder)/\($0)" }.filter {
            FileManager.default.fileExists(atPath: $0, isDirectory: &isDirectory) && !isDirectory.boolValue
                && !$0.hasSuffix("/DICOMDIR")
        }
    }

    /// Whose slices results name: of radiographs a list, a slice each.
    var listed: VoxelVolume { areRadiographs ? VoxelVolume(listing: volumes) : volumes[0] }
    /// What is one run of the package: all volumes together, or each radiograph.
    var runs: [[VoxelVolume]] { areRadiographs ? volumes.map { [$0] } : [volumes] }

    func analyse(
        with package: ModelPackage, _ analysis: Analysis, shouldStop: @escaping () -> Bool = { false }
    ) throws(InferenceError) -> AnalysisResult {
        areRadiographs
            ? try analysis.run(package, onImages: volumes, shouldStop: shouldStop)
            : try analysis.run(package, on: volumes, shouldStop: shouldStop)
    }

    /// What a prompt marks, on the volume that it is for: of radiographs the one that its slice counts.
    func segment(
        with package: ModelPackage, _ analysis: Analysis, prompt: Prompt
    ) throws(InferenceError) -> (result: AnalysisResult, grid: Grid) {
        guard areRadiographs, volumes.indices.contains(prompt.slice) else {
            return (try analysis.segment(package, on: volumes[0], prompts: [prompt]), volumes[0].grid)
        }
        var inImage = prompt
        inImage.slice = 0
        let image = volumes[prompt.slice]
        var result = try analysis.segment(package, on: image, prompts: [inImage])
        for index in result.findings.indices { result.findings[index].keySlice = prompt.slice }
        return (result, image.grid)
    }
}
