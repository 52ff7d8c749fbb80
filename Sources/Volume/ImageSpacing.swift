// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DCMTK
import DICOM

/// The physical size of a pixel of an image that stands alone, and how far it is to be believed.
struct ImageSpacing: Hashable, Sendable {
    /// mm between rows, then between columns; nil where no size is known.
    var millimetres: [Double]?
    var note: String?

    /// Pixel Spacing, which may be calibrated, before the detector's own (PS3.3 10.7.1.3).
    init(_ item: Item, isProjection: Bool) {
        func pair(_ tag: Tag) -> [Double]? {
            item.numbers(tag, count: 2).flatMap { $0.allSatisfy { (0.001...1000).contains($0) } ? $0 : nil }
        }
        if let spacing = pair(.pixelSpacing) {
            millimetres = spacing
            let type = item.string(.pixelSpacingCalibrationType).map(trimmed) ?? ""
            switch (isProjection, type) {
            case (false, _): note = "PixelSpacing gives the scale, not measured in a patient"
            case (true, "GEOMETRY"), (true, "FIDUCIAL"):
                note = "PixelSpacing is calibrated (\(type)); the scale holds at one depth"
            default: note = "PixelSpacing is not calibrated; the scale is uncertain"
            }
        } else if let spacing = pair(.imagerPixelSpacing) {
            millimetres = spacing
            note = "ImagerPixelSpacing gives the scale at the detector; anatomy is smaller"
        } else if let spacing = pair(.nominalScannedPixelSpacing) {
            millimetres = spacing
            note = "NominalScannedPixelSpacing gives the scale of the film; the scale is uncertain"
        } else {
            note = "no pixel spacing: lengths and areas are unknown"
        }
    }
}
