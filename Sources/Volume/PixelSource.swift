// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DCMTK
import DICOM

/// The frames of one open instance. Thread: one.
struct PixelSource: ~Copyable {
    private let dataSet: DataSet
    let image: ImageDescription
    /// The fragments of each frame, as item numbers; empty where Pixel Data is native.
    private let fragments: [Range<Int>]

    /// Opens a file that the scan has admitted.
    init(path: String) throws(VolumeRefusal) {
        try self.init(DataSet.opening(path), path: path)
    }

    init(_ dataSet: consuming DataSet, path: String) throws(VolumeRefusal) {
        guard let transferSyntaxUID = dataSet.transferSyntaxUID else {
            throw .unreadable(path: path, reason: "the transfer syntax is unknown")
        }
        let (image, fragments) = try dataSet.withItem { (item) throws(VolumeRefusal) in
            let image = try ImageDescription(item, transferSyntaxUID: transferSyntaxUID, path: path)
            return (image, try EncapsulatedFrames.fragments(of: image, in: item))
        }
        self.dataSet = dataSet
        self.image = image
        self.fragments = fragments
    }

    /// Decodes frame `index` (from 0) into `buffer`, which has exactly the native size of a frame; gives the width of
    /// the samples in it, 8 or 16 bits, which is the stream's own where one was decoded.
    borrowing func decode(frame index: Int, into buffer: UnsafeMutableRawBufferPointer) throws(VolumeRefusal) -> Int {
        precondition(buffer.count == image.frameLength && (0..<image.frames).contains(index))
        let uid = image.sopInstanceUID
        let image = image
        let range = fragments.isEmpty ? nil : fragments[index]
        return try dataSet.withItem { (item) throws(VolumeRefusal) in
            do {
                guard let range else {
                    try item.copyNativePixels(from: index * image.frameLength, into: buffer)
                    return image.format.bitsAllocated
                }
                var stream: [UInt8] = []
                for fragment in range { stream += try item.pixelItem(fragment) }
                return try FrameDecoder.decode(stream, of: image, into: buffer)
            } catch let error as DCMTKError {
                throw .undecodable(uid, reason: error.text)
            } catch let error as FrameDefect {
                throw .undecodable(uid, reason: error.reason)
            } catch {
                throw .undecodable(uid, reason: "\(error)")
            }
        }
    }
}

extension DataSet {
    static func opening(_ path: String) throws(VolumeRefusal) -> DataSet {
        do {
            return try DataSet(contentsOf: path)
        } catch {
            throw .unreadable(path: path, reason: error.text)
        }
    }
}

/// A defect of one encoded frame.
struct FrameDefect: Error {
    var reason: String
    init(_ reason: String) { self.reason = reason }
}
