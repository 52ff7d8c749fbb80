// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM

/// Why a series is no volume that a model may see. Slices are counted from 1 along the stack.
package enum VolumeRefusal: Error, Hashable, Sendable {
    case empty
    case tooFewSlices(count: Int, needed: Int)
    /// The scan did not accept the file, or it cannot be opened or parsed.
    case unreadable(path: String, reason: String)
    case unsupported(String, UID)
    case missingAttribute(String, UID)
    case invalidAttribute(String, UID)
    case mixedSeries
    case mixedSOPClass
    case mixedSize
    case mixedPixelSpacing
    case mixedFrameOfReference
    case mixedOrientation(slice: Int, of: Int, degrees: Double)
    case duplicatePositions(count: Int, slice: Int, of: Int)
    case gap(millimetres: Double, afterSlice: Int, of: Int, expected: Double, others: Int)
    case mixedSpacing(smallest: Double, largest: Double)
    /// Positions leave the straight line through the stack.
    case crooked(slice: Int, of: Int, millimetres: Double)
    /// The stack is sheared more than any gantry tilts.
    case tooOblique(degrees: Double)
    /// Several images of one place that differ in what a package must choose.
    case ambiguousFrames(differing: [String], positions: [Vector3])
    /// What was asked for is not there.
    case noSuchFrame(String)
    /// Radiographs are images of their own, not one volume.
    case severalImages(Int)
    case noRescale(UID)
    case notHounsfield(String, UID)
    case shortPixelData(UID)
    case undecodable(UID, reason: String)
    case tooLarge(voxels: Int, limit: Int)
}

extension VolumeRefusal: CustomStringConvertible {
    /// For the worklist.
    package var description: String {
        switch self {
        case .empty: "the series has no image"
        case .tooFewSlices(let count, let needed):
            "the series has \(count) slice\(count == 1 ? "" : "s"); a volume needs at least \(needed)"
        case .unreadable(let path, let reason): "\(path) cannot be read: \(reason)"
        case .unsupported(let what, let uid): "\(what) is not supported (instance \(uid))"
        case .missingAttribute(let keyword, let uid): "\(keyword) is missing in instance \(uid)"
        case .invalidAttribute(let keyword, let uid): "\(keyword) has no usable value in instance \(uid)"
        case .mixedSeries: "the instances come from more than one series"
        case .mixedSOPClass: "the instances are of more than one SOP class"
        case .mixedSize: "the slices differ in rows or columns"
        case .mixedPixelSpacing: "the slices differ in pixel spacing"
        case .mixedFrameOfReference: "the slices belong to more than one frame of reference"
        case .mixedOrientation(let slice, let count, let degrees):
            "slice \(slice) of \(count) is turned by \(one(degrees))° against the others"
        case .duplicatePositions(let count, let slice, let all):
            count == 1
                ? "slice \(slice) of \(all) lies where the slice before it lies"
                : "\(count) slices of \(all) lie where another slice lies, slice \(slice) first"
        case .gap(let gap, let slice, let count, let expected, let others):
            "gap of \(one(gap)) mm after slice \(slice) of \(count) (expected \(one(expected)) mm)"
                + (others == 0 ? "" : " and \(others) more")
        case .mixedSpacing(let smallest, let largest):
            "the spacing between slices varies from \(two(smallest)) to \(two(largest)) mm"
        case .crooked(let slice, let count, let millimetres):
            "slice \(slice) of \(count) lies \(two(millimetres)) mm off the line through the others"
        case .tooOblique(let degrees): "the slices are sheared by \(one(degrees))°, more than any gantry tilts"
        case .ambiguousFrames(let differing, let positions):
            "several images lie at one place and differ in \(differing.joined(separator: ", ")); the package does not say "
                + "which it takes: \(list(positions))"
        case .noSuchFrame(let what): what
        case .severalImages(let count): "the series has \(count) radiographs; each is an image of its own"
        case .noRescale(let uid): "RescaleSlope and RescaleIntercept are missing in CT instance \(uid)"
        case .notHounsfield(let type, let uid):
            "values are rescaled to \(type), not to Hounsfield units (instance \(uid))"
        case .shortPixelData(let uid): "PixelData is shorter than the image in instance \(uid)"
        case .undecodable(let uid, let reason): "the pixels of instance \(uid) cannot be decoded: \(reason)"
        case .tooLarge(let voxels, let limit): "the series has \(voxels) voxels; the limit is \(limit)"
        }
    }

    /// Whether the same files may do better later.
    package var isTransient: Bool {
        if case .unreadable = self { true } else { false }
    }

    /// What an operator can do.
    package var hint: String {
        switch self {
        case .empty, .tooFewSlices, .gap: "send the series again in full"
        case .duplicatePositions, .mixedSeries, .mixedSOPClass, .mixedSize, .mixedPixelSpacing, .mixedFrameOfReference,
            .mixedOrientation, .mixedSpacing, .crooked, .tooOblique, .ambiguousFrames, .noSuchFrame, .severalImages:
            "check how the scanner makes this series; the study must be read without the model"
        case .missingAttribute, .invalidAttribute, .noRescale, .notHounsfield, .unsupported:
            "check what the scanner writes; the study must be read without the model"
        case .unreadable, .shortPixelData, .undecodable: "check the disk, then have the instance sent again"
        case .tooLarge: "raise the limit if the machine has the memory"
        }
    }
}

/// The first few, mm.
private func list(_ positions: [Vector3]) -> String {
    let shown = positions.prefix(4).map { "(\(one($0.x)), \(one($0.y)), \(one($0.z)))" }.joined(separator: ", ")
    let more = positions.count > 4 ? " and \(positions.count - 4) more" : ""
    return "position\(positions.count == 1 ? "" : "s") \(shown)\(more)"
}

private func one(_ value: Double) -> String { fixed(value, 10) }
private func two(_ value: Double) -> String { fixed(value, 100) }

/// Rounded to tenths or hundredths; Foundation's formats are not needed for that.
func fixed(_ value: Double, _ scale: Int) -> String {
    guard value.isFinite, abs(value) < 1e12 else { return "\(value)" }
    let parts = Int((abs(value) * Double(scale)).rounded())
    let fraction = "\(parts % scale)"
    let zeros = String(repeating: "0", count: "\(scale)".count - 1 - fraction.count)
    return "\(value < 0 && parts > 0 ? "-" : "")\(parts / scale).\(zeros)\(fraction)"
}
