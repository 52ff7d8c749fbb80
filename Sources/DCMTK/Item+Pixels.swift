// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import CDCMTK
import DICOM

/// How Pixel Data is stored.
package enum PixelLayout: Hashable, Sendable {
    case native(length: Int)
    /// `items` counts the Basic Offset Table, which is number 0.
    case encapsulated(items: Int)
}

extension Item {
    /// nil where there is no Pixel Data.
    package var pixelLayout: PixelLayout? {
        var layout = cdcmtk_pixel_layout()
        guard cdcmtk_pixels_layout(pointer, &layout) else { return nil }
        return layout.is_encapsulated
            ? .encapsulated(items: layout.item_count) : .native(length: Int(clamping: layout.native_length))
    }

    package func pixelItemLength(_ index: Int) -> Int { cdcmtk_pixels_item_length(pointer, index) }

    /// Item `index` of encapsulated Pixel Data.
    package func pixelItem(_ index: Int) throws(DCMTKError) -> [UInt8] {
        let length = pixelItemLength(index)
        guard length > 0 else { return [] }
        var bytes = [UInt8](repeating: 0, count: length)
        let condition = bytes.withUnsafeMutableBufferPointer { buffer in
            // An array of at least one byte has a base address.
            cdcmtk_pixels_copy_item(pointer, index, buffer.baseAddress!, length)
        }
        try DCMTKError.check(condition, "reading fragment \(index)")
        return bytes
    }

    /// Part of native Pixel Data, little endian whatever the file has.
    package func copyNativePixels(
        from offset: Int, into buffer: UnsafeMutableRawBufferPointer
    ) throws(DCMTKError) {
        guard let target = buffer.bindMemory(to: UInt8.self).baseAddress else { return }
        try DCMTKError.check(
            cdcmtk_pixels_copy_native(pointer, UInt32(clamping: offset), target, UInt32(clamping: buffer.count)),
            "reading Pixel Data")
    }

    /// Encapsulated Pixel Data, one fragment a frame, with a Basic Offset Table.
    package func setPixelFrames(_ streams: [[UInt8]], transferSyntaxUID: UID) throws(DCMTKError) {
        let bytes = streams.flatMap { $0 }
        let condition = bytes.withUnsafeBufferPointer { all in
            var pointers: [UnsafePointer<UInt8>] = []
            var offset = 0
            for stream in streams {
                guard let start = all.baseAddress else { preconditionFailure("a frame has at least one byte") }
                pointers.append(start + offset)
                offset += stream.count
            }
            return cdcmtk_pixels_set_frames(
                pointer, transferSyntaxUID.string, pointers, streams.map(\.count), streams.count)
        }
        try DCMTKError.check(condition, "setting encapsulated Pixel Data")
    }

    /// A text value in the bytes of whatever character set the data set names.
    package func set(_ tag: Tag, text: [UInt8]) throws(DCMTKError) {
        let string = text.filter { $0 != 0 }.map { CChar(bitPattern: $0) } + [0]
        try DCMTKError.check(
            cdcmtk_item_set_string(pointer, tag.group, tag.element, string), "setting \(tag)")
    }
}
