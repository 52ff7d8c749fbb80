// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DCMTK
import DICOM

/// Why results were not made. UIDs and paths only.
package enum ResultsError: Error, Equatable, CustomStringConvertible {
    /// The request contradicts itself.
    case request(String)
    /// An instance is not what the request says that it is.
    case source(path: String, String)
    /// Analysed instances disagree on whose study it is.
    case mixedPatients(path: String, attribute: Tag)
    /// The mask does not lie where the source lies.
    case maskDoesNotFit(finding: Int, String)
    /// DCMTK could not read or encode.
    case encoding(String)
    /// The file could not be written.
    case file(path: String, String)
    /// The same UID stands for other bytes already.
    case notReproducible(path: String)
    /// An object that was made does not pass our own check.
    case audit(path: String, String)

    package var description: String {
        switch self {
        case .request(let reason): "the request for results is not consistent: \(reason)"
        case .source(let path, let reason): "\(path) cannot be a source of results: \(reason)"
        case .mixedPatients(let path, let attribute):
            "\(path) disagrees with the first analysed instance on \(attribute): no results are made"
        case .maskDoesNotFit(let finding, let reason): "the mask of finding \(finding + 1) does not fit: \(reason)"
        case .encoding(let reason): "encoding failed: \(reason)"
        case .file(let path, let reason): "cannot write \(path): \(reason)"
        case .notReproducible(let path): "\(path) exists with other content under the same SOP Instance UID"
        case .audit(let path, let reason): "\(path) would have been wrong, and was not kept: \(reason)"
        }
    }

    /// True where the same request may succeed later.
    package var isTransient: Bool {
        switch self {
        case .file: true
        case .request, .source, .mixedPatients, .maskDoesNotFit, .encoding, .notReproducible, .audit: false
        }
    }

    /// What the operator can do.
    package var hint: String {
        switch self {
        case .request, .maskDoesNotFit: "check the model package with `triaged model check`"
        case .source: "the stored file was changed or removed after the analysis; run it again"
        case .mixedPatients: "correct the patient of the study at the modality and send it again"
        case .encoding, .notReproducible, .audit: "keep the study and report this defect"
        case .file: "check space and permissions of the directory; the job is tried again"
        }
    }

    init(_ error: DCMTKError) { self = .encoding(error.description) }
}
