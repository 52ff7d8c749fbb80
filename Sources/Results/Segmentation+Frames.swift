// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM

extension Segmentation {
    struct Dimension {
        var pointer: Tag
        var group: Tag
        var label: String
    }

    /// What tells frames apart. The only frame of a label map of a radiograph has a label, so that there is something.
    var dimensions: [Dimension] {
        var dimensions: [Dimension] = []
        if frames.form != .labelMap {
            dimensions.append(
                Dimension(
                    pointer: Attribute.referencedSegmentNumber, group: Attribute.segmentIdentificationSequence,
                    label: "Segment"))
        }
        if isPlaced {
            dimensions.append(
                Dimension(
                    pointer: Attribute.imagePositionPatient, group: Attribute.planePositionSequence, label: "Position"))
        } else if dimensions.isEmpty {
            dimensions.append(
                Dimension(pointer: Attribute.frameLabel, group: Attribute.frameContentSequence, label: "Frame"))
        }
        return dimensions
    }

    /// Per-frame Functional Groups Sequence and Pixel Data: the last elements of the data set.
    func tail(isExplicit: Bool = true) -> ResultFile.Tail {
        var elements = ElementBytes(isExplicit: isExplicit)
        let positions = Set(frames.frames.map(\.slice)).sorted()
        let ordinals = Dictionary(uniqueKeysWithValues: zip(positions, 1...))
        elements.appendSequence(Attribute.perFrameFunctionalGroupsSequence) { sequence in
            for frame in frames.frames {
                sequence.appendItem { append(frame, ordinal: ordinals[frame.slice] ?? 0, to: &$0) }
            }
        }
        elements.appendHeader(
            Attribute.pixelData, frames.bitsAllocated == 16 ? "OW" : "OB", count: frames.pixelData.count)
        return ResultFile.Tail(elements: elements.bytes, value: frames.pixelData)
    }

    /// Segment Identification stays in each frame, even where there is one segment: highdicom's SR classes look for it
    /// there.
    private func append(_ frame: SegmentFrames.Frame, ordinal: Int, to item: inout ElementBytes) {
        let source = request.source.frames[frame.slice]
        item.append(
            Attribute.derivationImageSequence,
            item: { item in
                item.append(
                    Attribute.sourceImageSequence,
                    item: { item in
                        item.append(Attribute.referencedSOPClassUID, source.sopClassUID)
                        item.append(Attribute.referencedSOPInstanceUID, source.sopInstanceUID)
                        if let number = source.frameNumber {
                            item.append(Attribute.referencedFrameNumber, "IS", String(number))
                        }
                        item.append(Attribute.spatialLocationsPreserved, "CS", "YES")
                        item.append(Attribute.purposeOfReferenceCodeSequence, Concept.sourceImageForProcessing)
                    })
                item.append(Attribute.derivationCodeSequence, Concept.segmentation)
            })
        item.append(
            Attribute.frameContentSequence,
            item: { item in
                let indices = [frame.segment.map { $0 + 1 }, isPlaced ? ordinal : nil].compactMap { $0 }
                item.append(Attribute.dimensionIndexValues, unsignedLongs: indices.isEmpty ? [1] : indices)
                if indices.isEmpty { item.append(Attribute.frameLabel, "LO", "1") }
            })
        if isPlaced {
            item.append(
                Attribute.planePositionSequence,
                item: {
                    $0.append(Attribute.imagePositionPatient, "DS", facts.planes[frame.slice].position)
                })
        }
        if let segment = frame.segment {
            item.append(
                Attribute.segmentIdentificationSequence,
                item: { $0.append(Attribute.referencedSegmentNumber, unsignedShort: segment + 1) })
        }
    }
}
