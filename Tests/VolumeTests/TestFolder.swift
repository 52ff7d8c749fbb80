// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DCMTK
import DICOM
import Foundation
import Phantoms

@testable import Volume

/// A directory, gone with the value.
final class TestFolder {
    let path = NSTemporaryDirectory() + "/triaged-\(UUID().uuidString)"

    init() throws { try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true) }
    deinit { try? FileManager.default.removeItem(atPath: path) }

    func refusal(_ paths: [String], _ kind: VolumeOptions.Kind, choice: FrameChoice = FrameChoice()) -> VolumeRefusal? {
        do {
            _ = try read(paths, kind, choice: choice)
            return nil
        } catch { return error as? VolumeRefusal }
    }

    func read(
        _ paths: [String], _ kind: VolumeOptions.Kind = .stack, choice: FrameChoice = FrameChoice()
    ) throws -> VoxelVolume {
        var options = VolumeOptions(kind: kind) { _ in }
        options.choice = choice
        return try VoxelVolume.read(paths: paths, options: options)
    }

    func edit(_ path: String, _ change: (Item) throws(DCMTKError) -> Void) throws {
        try DataSet(contentsOf: path).rewrite(path, change)
    }
}

/// A frame of ultrasound or secondary capture, of bytes made up by the test.
struct SmallImage {
    var sopClassUID = "1.2.840.10008.5.1.4.1.1.7"
    var sopInstanceUID = "1.2.3.4"
    var instanceNumber = 1
    var columns = 3
    var rows = 2
    var samples = 1
    var bits = 8
    var photometric = "MONOCHROME2"
    var planarConfiguration = 0
    /// Native frames, which `write` encodes as the transfer syntax asks.
    var frames: [[UInt8]] = [[1, 2, 3, 4, 5, 6]]
    var transferSyntax = PhantomTransferSyntax.explicitLittleEndian
    /// What the encoder is told where it differs from what the file says.
    var encodedPhotometric: String?

    func write(_ folder: TestFolder, _ change: (Item) throws(DCMTKError) -> Void = { _ in }) throws -> String {
        let path = "\(folder.path)/\(sopInstanceUID).dcm"
        let format = FrameFormat(
            rows: rows, columns: columns, samplesPerPixel: samples, bitsAllocated: bits > 8 ? 16 : 8, bitsStored: bits,
            isSigned: false, planarConfiguration: planarConfiguration,
            photometricInterpretation: encodedPhotometric ?? photometric)
        let dataSet = DataSet()
        let syntax = transferSyntax.uid
        let streams =
            transferSyntax.isEncapsulated
            ? try frames.map { try FrameCodec.encode($0, transferSyntaxUID: syntax, format: format) } : frames
        try dataSet.withItem { (item) throws(DCMTKError) in
            try item.set(Tag(0x0008, 0x0016), sopClassUID)
            try item.set(Tag(0x0008, 0x0018), sopInstanceUID)
            try item.set(Tag(0x0020, 0x000D), "1.2.3")
            try item.set(Tag(0x0020, 0x000E), "1.2.3.1")
            try item.set(Tag(0x0020, 0x0013), "\(instanceNumber)")
            try item.set(Tag(0x0028, 0x0002), samples)
            try item.set(Tag(0x0028, 0x0004), photometric)
            if samples > 1 { try item.set(Tag(0x0028, 0x0006), planarConfiguration) }
            if frames.count > 1 { try item.set(Tag(0x0028, 0x0008), "\(frames.count)") }
            try item.set(Tag(0x0028, 0x0010), rows)
            try item.set(Tag(0x0028, 0x0011), columns)
            try item.set(Tag(0x0028, 0x0100), bits > 8 ? 16 : 8)
            try item.set(Tag(0x0028, 0x0101), bits)
            try item.set(Tag(0x0028, 0x0102), bits - 1)
            try item.set(Tag(0x0028, 0x0103), 0)
            if transferSyntax.isEncapsulated {
                try item.setPixelFrames(streams, transferSyntaxUID: syntax)
            } else if bits > 8 {
                let bytes = streams.flatMap { $0 }
                try item.set(
                    Tag(0x7FE0, 0x0010),
                    words: (0..<bytes.count / 2).map { UInt16(bytes[2 * $0]) | UInt16(bytes[2 * $0 + 1]) << 8 })
            } else {
                let bytes = streams.flatMap { $0 }
                try item.set(Tag(0x7FE0, 0x0010), bytes: bytes + (bytes.count % 2 == 1 ? [0] : []))
            }
            try change(item)
        }
        try dataSet.write(to: path, transferSyntaxUID: syntax)
        return path
    }
}
