// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

/// Collects the report while an importer works, so that one run names every field at fault.
final class ImportLog {
    private(set) var report: ImportReport
    private var places: [String: Int] = [:]

    init(kind: String, title: String) { report = ImportReport(kind: kind, title: title) }

    /// The last word about a field stands, but a refusal is never taken back.
    func note(_ fate: ImportReport.Fate, _ path: String, in file: String, value: ConfigValue?, why: String) {
        let text = value.map(\.description) ?? ""
        let field = ImportReport.Field(
            file: file, path: path, fate: fate, value: text.count > 200 ? text.prefix(197) + "..." : text, why: why)
        if let place = places[file + "\0" + path] {
            if report.fields[place].fate != .refused { report.fields[place] = field }
        } else {
            places[file + "\0" + path] = report.fields.count
            report.fields.append(field)
        }
    }

    func has(_ path: String, in file: String) -> Bool { places[file + "\0" + path] != nil }

    func fate(_ path: String, in file: String) -> ImportReport.Fate? {
        places[file + "\0" + path].map { report.fields[$0].fate }
    }

    /// Names in a coding scheme of our own, in one warning.
    func noteUncoded(_ name: String) {
        let head = "no SNOMED CT code is known for these, which are coded in \(SegmentName.ownScheme): "
        if let place = report.warnings.firstIndex(where: { $0.hasPrefix(head) }) {
            report.warnings[place] += ", " + name
        } else {
            report.warnings.append(head + name)
        }
    }

    func warn(_ text: String) { if !report.warnings.contains(text) { report.warnings.append(text) } }

    var refusals: [ImportError.Refusal] {
        report.fields.filter { $0.fate == .refused }.map {
            .init(field: $0.file.isEmpty ? $0.path : "\($0.file): \($0.path)", why: $0.why)
        }
    }
}

extension ImportLog {
    /// Whether anything at or below an id has been noted.
    func hasUnder(_ path: String, in file: String) -> Bool {
        report.fields.contains { $0.file == file && ($0.path == path || $0.path.hasPrefix(path + "#")) }
    }
}
