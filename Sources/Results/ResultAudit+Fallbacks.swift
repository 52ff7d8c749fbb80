// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DCMTK
import DICOM

/// What validators do not see of the objects for simpler viewers.
extension ResultAudit {
    func checkSelection(_ item: Item) throws(Defect) {
        let evidence = evidence(item)
        var images = 0
        try item.forEachChild(Attribute.contentSequence) { (content) throws(Defect) in
            guard let reference = content.child(Attribute.referencedSOPSequence) else { return }
            images += 1
            // PS3.16 TID 2010: the title says what the images are.
            try require(content.child(Attribute.conceptNameCodeSequence) == nil, "an image of it has a concept name")
            let uid = reference.uid(Attribute.referencedSOPInstanceUID)
            try require(uid.map(evidence.contains) == true, "it selects an instance that is not in its evidence")
        }
        try require(images > 0, "it selects nothing")
    }

    func checkPicture(_ item: Item) throws(Defect) {
        try require(item.string(Attribute.burnedInAnnotation) == "YES", "it does not say that words are burned in")
        try require(
            item.child(Attribute.sourceImageSequence)?.hasValue(Attribute.referencedSOPInstanceUID) == true,
            "it does not say of which image it is")
        let pixels = (item.integer(Attribute.rows) ?? 0) * (item.integer(Attribute.columns) ?? 0) * 3
        try require(
            pixels > 0 && item.pixelLayout == .native(length: pixels + pixels % 2),
            "its size is not that of its pixels")
    }

    func checkPresentation(_ item: Item) throws(Defect) {
        var images: Set<UID> = []
        let series = item.child(Attribute.referencedSeriesSequence)
        series?.forEachChild(Attribute.referencedImageSequence) { image in
            if let uid = image.uid(Attribute.referencedSOPInstanceUID) { images.insert(uid) }
        }
        var layers: Set<String> = []
        item.forEachChild(Attribute.graphicLayerSequence) { layer in
            if let name = layer.string(Attribute.graphicLayer) { layers.insert(name) }
        }
        var used: Set<String> = []
        try item.forEachChild(Attribute.graphicAnnotationSequence) { (annotation) throws(Defect) in
            let uid = annotation.child(Attribute.referencedImageSequence)?.uid(Attribute.referencedSOPInstanceUID)
            try require(uid.map(images.contains) == true, "it annotates an image that it does not refer to")
            if let name = annotation.string(Attribute.graphicLayer) { used.insert(name) }
            try annotation.forEachChild(Attribute.graphicObjectSequence) { (graphic) throws(Defect) in
                let points = graphic.integer(Attribute.numberOfGraphicPoints) ?? 0
                let ends = [0, 1, 2 * points - 2, 2 * points - 1].map { graphic.number(Attribute.graphicData, $0) }
                try require(
                    points > 3 && ends[0] != nil && ends[0] == ends[2] && ends[1] == ends[3],
                    "an outline of it is not closed")
            }
        }
        try require(!used.isEmpty && used == layers, "its graphic layers are not those of its annotations")
    }
}
