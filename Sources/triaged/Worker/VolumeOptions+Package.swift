// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM
import Models
import Volume

extension VolumeOptions {
    /// How images of these SOP classes are read for a package.
    init(of sopClassUIDs: [UID], for images: Manifest.Images) {
        self.init(kind: Kind(of: sopClassUIDs), admit: { path in try FileScan.admit(path) })
        if case .frames = kind {
            kind = .frames(FrameSelection(images.frames), images.colour == .rgb ? .rgb : .luminance)
        }
        if kind != .stack { isDisplayed = images.values == .display }
        choice.stackID = images.stack.stackID
        choice.temporalPosition = images.stack.temporalPosition
        choice.echoTime = images.stack.echoTime
        choice.bValue = images.stack.bValue
        choice.complexImageComponent = images.stack.component?.rawValue.uppercased()
    }
}

extension VolumeOptions.FrameSelection {
    fileprivate init(_ frames: Manifest.Images.Frames) {
        switch frames {
        case .all: self = .all
        case .middle: self = .middle
        case .numbers(let numbers): self = .numbers(numbers)
        }
    }
}
