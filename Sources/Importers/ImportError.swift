// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

/// Why nothing was imported. Each line of the description names one field or file.
package enum ImportError: Error, Equatable, CustomStringConvertible {
    /// One field that cannot be honoured.
    package struct Refusal: Error, Equatable, CustomStringConvertible {
        /// Such as configs/inference.json: preprocessing#transforms#3#pixdim.
        package var field: String
        package var why: String
        package var description: String { "\(field): \(why)" }
    }

    case unreadable(file: String, reason: String)
    case refused([Refusal])
    /// The folder that the package should go to.
    case output(folder: String, reason: String)
    case setting(String)

    package var description: String {
        switch self {
        case .unreadable(let file, let reason): "\(file): \(reason)"
        case .refused(let refusals): refusals.map(\.description).joined(separator: "\n")
        case .output(let folder, let reason): "\(folder): \(reason)"
        case .setting(let text): "--set \(text)"
        }
    }

    /// A file that is away or being written may be there the next time.
    package var isTransient: Bool { if case .unreadable = self { true } else { false } }

    package var hint: String {
        switch self {
        case .refused: "give the value with --set ID=VALUE where one is meant, or write the manifest by hand"
        case .unreadable: "give the folder that upstream published, with its description files"
        case .output: "give a folder that does not exist yet"
        case .setting: "ids are those of the report, such as --set pixdim=[1.5,1.5,1.5]"
        }
    }
}
