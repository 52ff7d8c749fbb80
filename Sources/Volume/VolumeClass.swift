// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM

/// The storage classes that are stacks of planes here.
enum VolumeClass {
    case ct, mr, enhancedCT, enhancedMR

    init?(_ uid: UID) {
        switch uid.string {
        case "1.2.840.10008.5.1.4.1.1.2": self = .ct
        case "1.2.840.10008.5.1.4.1.1.4": self = .mr
        // Enhanced, and what was converted to it.
        case "1.2.840.10008.5.1.4.1.1.2.1", "1.2.840.10008.5.1.4.1.1.2.2": self = .enhancedCT
        case "1.2.840.10008.5.1.4.1.1.4.1", "1.2.840.10008.5.1.4.1.1.4.4": self = .enhancedMR
        default: return nil
        }
    }

    var isCT: Bool { self == .ct || self == .enhancedCT }
    var isMultiFrame: Bool { self == .enhancedCT || self == .enhancedMR }
}

/// The storage classes whose images stand alone, without a place in the patient.
enum ImageClass: Equatable {
    case projection(isForProcessing: Bool)
    case frames

    init?(_ uid: UID) {
        switch uid.string {
        // CR; DX and MG for presentation.
        case "1.2.840.10008.5.1.4.1.1.1", "1.2.840.10008.5.1.4.1.1.1.1", "1.2.840.10008.5.1.4.1.1.1.2":
            self = .projection(isForProcessing: false)
        case "1.2.840.10008.5.1.4.1.1.1.1.1", "1.2.840.10008.5.1.4.1.1.1.2.1":
            self = .projection(isForProcessing: true)
        // Ultrasound, single and multi-frame; secondary capture, single, byte, word and true colour; VL endoscopy.
        case "1.2.840.10008.5.1.4.1.1.6.1", "1.2.840.10008.5.1.4.1.1.3.1", "1.2.840.10008.5.1.4.1.1.7",
            "1.2.840.10008.5.1.4.1.1.7.1", "1.2.840.10008.5.1.4.1.1.7.2", "1.2.840.10008.5.1.4.1.1.7.3",
            "1.2.840.10008.5.1.4.1.1.7.4", "1.2.840.10008.5.1.4.1.1.77.1.1":
            self = .frames
        default: return nil
        }
    }
}

extension VolumeOptions.Kind {
    /// How the images of these SOP classes are read. Whether a package wants images for processing is for its `claim`.
    package init(of sopClassUIDs: [UID]) {
        switch sopClassUIDs.lazy.compactMap({ ImageClass($0) }).first {
        case .projection?: self = .projection(forProcessing: true)
        case .frames?: self = .frames()
        case nil: self = .stack
        }
    }
}
