// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DCMTK
import DICOM

/// How an instance's samples are stored (PS3.3 C.7.6.3), every number checked.
struct ImageDescription: Hashable, Sendable {
    var sopClassUID: UID
    var sopInstanceUID: UID
    var transferSyntaxUID: UID
    var frames: Int
    var format: FrameFormat
    var highBit: Int
    var layout: PixelLayout

    init(_ item: Item, transferSyntaxUID: UID, path: String) throws(VolumeRefusal) {
        guard let sopInstanceUID = item.uid(.sopInstanceUID), let sopClassUID = item.uid(.sopClassUID) else {
            throw .unreadable(path: path, reason: "SOPClassUID or SOPInstanceUID is missing")
        }
        self.sopClassUID = sopClassUID
        self.sopInstanceUID = sopInstanceUID
        self.transferSyntaxUID = transferSyntaxUID
        func number(_ tag: Tag, _ keyword: String, _ range: ClosedRange<Int>) throws(VolumeRefusal) -> Int {
            guard item.hasValue(tag) else { throw .missingAttribute(keyword, sopInstanceUID) }
            guard let value = item.integer(tag), range.contains(value) else {
                throw .invalidAttribute(keyword, sopInstanceUID)
            }
            return value
        }
        let rows = try number(.rows, "Rows", 1...65_535)
        let columns = try number(.columns, "Columns", 1...65_535)
        let samples = try number(.samplesPerPixel, "SamplesPerPixel", 1...65_535)
        let allocated = try number(.bitsAllocated, "BitsAllocated", 1...64)
        let stored = try number(.bitsStored, "BitsStored", 1...allocated)
        highBit = try number(.highBit, "HighBit", stored - 1...allocated - 1)
        let representation = try number(.pixelRepresentation, "PixelRepresentation", 0...1)
        frames = item.hasValue(.numberOfFrames) ? try number(.numberOfFrames, "NumberOfFrames", 1...Int(Int32.max)) : 1
        guard allocated == 8 || allocated == 16 else {
            throw .unsupported("BitsAllocated \(allocated)", sopInstanceUID)
        }
        guard samples == 1 || samples == 3 else { throw .unsupported("SamplesPerPixel \(samples)", sopInstanceUID) }
        guard let photometric = item.string(.photometricInterpretation), !photometric.isEmpty else {
            throw .missingAttribute("PhotometricInterpretation", sopInstanceUID)
        }
        format = FrameFormat(
            rows: rows, columns: columns, samplesPerPixel: samples, bitsAllocated: allocated, bitsStored: stored,
            isSigned: representation == 1,
            planarConfiguration: samples == 1 ? 0 : try number(.planarConfiguration, "PlanarConfiguration", 0...1),
            photometricInterpretation: photometric)
        guard let layout = item.pixelLayout else { throw .missingAttribute("PixelData", sopInstanceUID) }
        self.layout = layout
        // Two bytes a pixel, which nothing here reads; encoded frames carry their own layout.
        if case .native = layout, photometric == "YBR_FULL_422" {
            throw .unsupported("photometric interpretation YBR_FULL_422 without compression", sopInstanceUID)
        }
        try checkLength()
    }

    /// Bytes of one native frame.
    var frameLength: Int { format.byteCount ?? 0 }

    /// That Pixel Data can hold all frames, before anything of their size is allocated.
    private func checkLength() throws(VolumeRefusal) {
        guard let frameLength = format.byteCount, frameLength > 0, frameLength <= Int(Int32.max) else {
            throw .unsupported("a frame of \(format.columns)×\(format.rows) pixels", sopInstanceUID)
        }
        switch layout {
        case .native(let length):
            let (needed, overflow) = frameLength.multipliedReportingOverflow(by: frames)
            guard !overflow, needed <= length else { throw .shortPixelData(sopInstanceUID) }
        case .encapsulated(let items):
            // The Basic Offset Table, then at least one fragment a frame (PS3.5 A.4).
            guard items > frames else { throw .shortPixelData(sopInstanceUID) }
        }
    }
}
