// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import DCMTK
import DICOM
import Foundation
import Results

/// A long CT series and many masks, and the time that their Segmentation and report take, for measurements beside other
/// writers. The masks are ellipsoids that share no voxel, each through a fifth of the slices.
@main
struct SegmentStudy: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "segmentstudy", abstract: "Makes a series and masks, and times their results.")

    @Option(help: "A directory that is not there, for the series, the masks as `labels.raw` and the results.")
    var output: String
    @Option var slices = 1000
    @Option var segments = 20
    @Option var size = 512
    @Option(help: "How often the results are made.")
    var repeats = 1

    private static let study = UID(literal: "1.2.826.0.1.3680043.10.1338.11")
    private static let series = UID(literal: "1.2.826.0.1.3680043.10.1338.12")
    private static let frameOfReference = UID(literal: "1.2.826.0.1.3680043.10.1338.13")
    private static let ct = UID(literal: "1.2.840.10008.5.1.4.1.1.2")

    private var grid: Grid {
        Grid(
            origin: Vector3(-200, -200, 0), columnStep: Vector3(0.75, 0, 0), rowStep: Vector3(0, 0.75, 0),
            sliceStep: Vector3(0, 0, 1), columns: size, rows: size, slices: slices)
    }

    func run() throws {
        try FileManager.default.createDirectory(atPath: output + "/series", withIntermediateDirectories: true)
        let instances = try (0..<slices).map(makeInstance)
        let masks = makeMasks()
        try write(masks)
        let request = makeRequest(instances, masks)
        for number in 0..<repeats {
            let results = "\(output)/results-\(number)"
            try FileManager.default.createDirectory(atPath: results, withIntermediateDirectories: true)
            try Data("5".utf8).write(to: URL(fileURLWithPath: "/proc/self/clear_refs"))
            let before = Self.memory("VmRSS")
            let clock = ContinuousClock()
            let start = clock.now
            let encoded = try request.encode(masks: masks, into: results)
            let seconds = start.duration(to: clock.now) / .seconds(1)
            let peak = Self.memory("VmHWM") - before
            let path = encoded[0].path
            let bytes = try FileManager.default.attributesOfItem(atPath: path)[.size] as? Int ?? 0
            print(#"{"seconds": \#(seconds), "peakBytes": \#(peak), "fileBytes": \#(bytes), "path": "\#(path)"}"#)
        }
    }

    /// With the pixel data of a CT slice, as a hole in the file.
    private func makeInstance(_ slice: Int) throws -> SourceInstance {
        guard let uid = UID("\(Self.series).\(slice + 1)") else { preconditionFailure("a short UID") }
        let path = "\(output)/series/\(slice).dcm"
        let dataSet = DataSet()
        try dataSet.withItem { (item) throws(DCMTKError) in
            let texts: [(UInt16, UInt16, String)] = [
                (0x0008, 0x0008, "ORIGINAL\\PRIMARY\\AXIAL"), (0x0008, 0x0016, Self.ct.string),
                (0x0008, 0x0018, uid.string), (0x0008, 0x0020, "20260102"), (0x0008, 0x0030, "101112"),
                (0x0008, 0x0050, "A1"), (0x0008, 0x0060, "CT"), (0x0008, 0x0070, "Maker"), (0x0008, 0x0090, ""),
                (0x0010, 0x0010, "Phantom"), (0x0010, 0x0020, "P1"), (0x0010, 0x0030, ""), (0x0010, 0x0040, "O"),
                (0x0018, 0x0015, "CHEST"), (0x0018, 0x0050, "1"), (0x0018, 0x0060, "120"),
                (0x0020, 0x000D, Self.study.string), (0x0020, 0x000E, Self.series.string), (0x0020, 0x0010, "1"),
                (0x0020, 0x0011, "2"), (0x0020, 0x0012, "1"), (0x0020, 0x0013, "\(slice + 1)"),
                (0x0020, 0x0032, "-200\\-200\\\(slice)"), (0x0020, 0x0037, "1\\0\\0\\0\\1\\0"),
                (0x0020, 0x0052, Self.frameOfReference.string), (0x0020, 0x1040, ""), (0x0028, 0x0004, "MONOCHROME2"),
                (0x0028, 0x0030, "0.75\\0.75"), (0x0028, 0x1052, "-1024"), (0x0028, 0x1053, "1"),
            ]
            for (group, element, text) in texts { try item.set(Tag(group, element), text) }
            let numbers: [(UInt16, Int)] = [
                (0x0002, 1), (0x0010, size), (0x0011, size), (0x0100, 16), (0x0101, 16), (0x0102, 15), (0x0103, 1),
            ]
            for (element, value) in numbers { try item.set(Tag(0x0028, element), value) }
        }
        try dataSet.write(to: path, transferSyntaxUID: UID(literal: "1.2.840.10008.1.2.1"))
        let file = try FileHandle(forUpdating: URL(fileURLWithPath: path))
        let header = try file.seekToEnd()
        let length = UInt32(2 * size * size)
        let element: [UInt8] =
            [0xE0, 0x7F, 0x10, 0, 0x4F, 0x57, 0, 0] + (0..<4).map { UInt8(length >> (8 * $0) & 0xFF) }
        try file.write(contentsOf: element)
        try file.truncate(atOffset: header + 12 + UInt64(length))
        try file.close()
        return SourceInstance(
            sopClassUID: Self.ct, sopInstanceUID: uid, path: path, digest: String(repeating: "ab", count: 32))
    }

    /// In a square of places, as organs lie: every mask has the block of what is in it.
    private func makeMasks() -> [Mask] {
        let across = Int(Double(segments).squareRoot().rounded(.up))
        let cell = size / across
        let depth = max(1, slices / 5)
        return (0..<segments).map { index in
            let (left, top) = (index % across * cell, index / across * cell)
            let first = segments == 1 ? 0 : (slices - depth) * index / (segments - 1)
            var block = [UInt8](repeating: 0, count: cell * cell * depth)
            for slice in 0..<depth {
                let z = (Double(slice) + 0.5) / Double(depth) * 2 - 1
                for row in 0..<cell {
                    let y = (Double(row) + 0.5) / Double(cell) * 2 - 1
                    for column in 0..<cell {
                        let x = (Double(column) + 0.5) / Double(cell) * 2 - 1
                        if x * x + y * y + z * z <= 1 { block[(slice * cell + row) * cell + column] = 1 }
                    }
                }
            }
            return Mask(
                columns: size, rows: size, slices: slices, blockColumns: left..<left + cell,
                blockRows: top..<top + cell,
                blockSlices: first..<first + depth, block: block)
        }
    }

    /// One byte a voxel: the number of the segment.
    private func write(_ masks: [Mask]) throws {
        let path = output + "/labels.raw"
        _ = FileManager.default.createFile(atPath: path, contents: nil)
        let file = try FileHandle(forWritingTo: URL(fileURLWithPath: path))
        for slice in 0..<slices {
            var plane = [UInt8](repeating: 0, count: size * size)
            for (index, mask) in masks.enumerated() where mask.blockSlices.contains(slice) {
                for row in mask.blockRows {
                    let start = row * size + mask.blockColumns.lowerBound
                    for (offset, voxel) in mask.line(row: row, slice: slice).enumerated() where voxel != 0 {
                        plane[start + offset] = UInt8(index + 1)
                    }
                }
            }
            try file.write(contentsOf: plane)
        }
        try file.close()
    }

    private func makeRequest(_ instances: [SourceInstance], _ masks: [Mask]) -> ResultRequest {
        let findings = masks.indices.map { index in
            Finding(
                label: "Nodule \(index + 1)", code: Code("27925004", "SCT", "Nodule"),
                category: Code("49755003", "SCT", "Morphologically Abnormal Structure"),
                type: Code("27925004", "SCT", "Nodule"), confidence: 0.5, priority: .routine, maskIndex: index)
        }
        return ResultRequest(
            source: SourceSeries(
                studyInstanceUID: Self.study, seriesInstanceUID: Self.series,
                frameOfReferenceUID: Self.frameOfReference, instances: instances,
                frames: instances.map {
                    SourceFrame(sopClassUID: $0.sopClassUID, sopInstanceUID: $0.sopInstanceUID, frameNumber: nil)
                }, grid: grid),
            model: ModelIdentity(
                name: "bench", version: "1", manufacturer: "triaged project",
                digest: String(repeating: "cd", count: 32),
                isDemonstration: true),
            findings: findings,
            coverage: Coverage(slices: slices, extent: Double(slices), isNegativeAccepted: true), isFinal: true,
            equipment: Equipment(deviceSerialNumber: "1", softwareVersions: "1"),
            contentTime: ContentTime(secondsSince1970: 1_767_348_000, offsetMinutes: 0), codeVersion: "1",
            configurationDigest: String(repeating: "ef", count: 32))
    }

    /// Bytes, of proc(5).
    private static func memory(_ name: String) -> Int {
        let status = (try? String(contentsOfFile: "/proc/self/status", encoding: .utf8)) ?? ""
        let line = status.split(separator: "\n").first { $0.hasPrefix(name + ":") }
        return (line?.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0) * 1024
    }
}
