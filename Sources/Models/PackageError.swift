// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

/// Why a model package cannot be used. Each description is one line per problem, with the file and line at fault.
package enum PackageError: Error, Equatable, CustomStringConvertible {
    /// One thing wrong with a manifest.
    package struct Problem: Equatable, Sendable, CustomStringConvertible {
        package var file: String
        /// From 1; nil where no single line is at fault.
        package var line: Int?
        package var message: String
        package var description: String { line.map { "\(file):\($0): \(message)" } ?? "\(file): \(message)" }
    }

    case unreadable(file: String, reason: String)
    case invalid([Problem])
    /// The manifest is valid, and files of its networks are not there yet: the package is listed and never runs.
    case incomplete(Manifest, folder: String, missing: [String])

    /// The manifest is valid, and a file of its networks is not the one that it pins: the package never runs.
    case altered(Manifest, folder: String, [Problem])

    package var description: String {
        switch self {
        case .unreadable(let file, let reason): "\(file): \(reason)"
        case .invalid(let problems), .altered(_, _, let problems): problems.map(\.description).joined(separator: "\n")
        case .incomplete(let manifest, let folder, let missing):
            "\(folder): \(manifest.name) \(manifest.version) is incomplete: \(missing.joined(separator: ", ")) is not there"
        }
    }

    /// A file that is away or being written may be there the next time; a wrong manifest stays wrong.
    package var isTransient: Bool { if case .unreadable = self { true } else { false } }
    package var hint: String { "run `triaged model check` on the package folder after correcting it" }
}
