// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

/// A kind of object that results are made of, in the order in which those of one run are made.
package enum ResultKind: String, Sendable, Codable, CaseIterable, CodingKeyRepresentable {
    case segmentation, measurementReport
    /// For viewers that know neither: the key slices by reference, as pictures, and with outlines on the images themselves.
    case keyObjects, secondaryCapture, presentationState
    /// What contributes to a score, as pictures.
    case heatMap

    /// For viewers that do not know what the others mean; kept only where somebody takes it.
    package var isFallback: Bool {
        switch self {
        case .segmentation, .measurementReport: false
        case .keyObjects, .secondaryCapture, .presentationState, .heatMap: true
        }
    }
}
