// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

/// What a reader of volumes needs from others, and its limits.
package struct VolumeOptions: Sendable {
    /// What the images of a series are taken for.
    package enum Kind: Hashable, Sendable {
        /// Parallel planes in patient space: CT and MR.
        case stack
        /// One radiograph: CR, DX and MG; those "for processing" only where that is asked for.
        case projection(forProcessing: Bool = false)
        /// Frames of ultrasound and secondary capture, without a place in the patient.
        case frames(FrameSelection = .all, Colour = .luminance)
    }
    /// Which frames of each instance.
    package enum FrameSelection: Hashable, Sendable {
        case all
        /// From 1, in the order given.
        case numbers([Int])
        /// Number ⌈n / 2⌉ of n.
        case middle
    }
    /// What becomes of colour; grey images are repeated where three channels are asked for.
    package enum Colour: Hashable, Sendable { case luminance, rgb }

    /// Throws unless the bounded scan accepts the file's structure; called for each file before DCMTK parses it.
    package var admit: @Sendable (String) throws -> Void
    package var kind = Kind.stack
    package var choice = FrameChoice()
    /// Grey values of images that stand alone go through the VOI LUT or window, to 0 (black) … 255 (white).
    package var isDisplayed = false
    package var minimumSlices = 2
    /// 2 GB of voxels.
    package var maximumVoxels = 1 << 29
    package var maximumSlices = 20_000

    package init(kind: Kind = .stack, admit: @escaping @Sendable (String) throws -> Void) {
        self.admit = admit
        self.kind = kind
    }
}

/// Which of several images at one place a package takes; nil leaves it to the rules of `StackChoice`.
package struct FrameChoice: Hashable, Sendable {
    package var stackID: String?
    /// From 1.
    package var temporalPosition: Int?
    /// ms.
    package var echoTime: Double?
    /// s/mm².
    package var bValue: Double?
    /// MAGNITUDE, PHASE, REAL or IMAGINARY.
    package var complexImageComponent: String?

    package init() {}
}
