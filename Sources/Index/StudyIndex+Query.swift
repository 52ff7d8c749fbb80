// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM
import Foundation
import GRDB

/// An instance that can be sent.
package struct RetrievableInstance: Sendable, Hashable {
    /// Relative to the store.
    package var path: String
    package var sopClassUID: UID
    package var sopInstanceUID: UID
    package var transferSyntaxUID: UID
}

/// The matches of one query, page by page. Each page is a read transaction of its own, over before the page is returned: a slow
/// peer holds up neither a checkpoint nor anybody else. What arrives after the query began is not found.
package final class QueryCursor {
    /// Candidates a page.
    static let page = 200

    private let index: StudyIndex
    private let query: Query
    private let rows: QueryRows
    private var candidates: ArraySlice<Int64>
    private var results: ArraySlice<Int64>
    /// Patients that were answered already; candidates come ordered by patient.
    private var lastPatient: Int64?

    init(_ query: Query, index: StudyIndex) throws(IndexError) {
        let source = QuerySource(query: query, level: query.level)
        self.index = index
        self.query = query
        rows = QueryRows(source: source)
        (candidates, results) = try index.reading { db in
            switch query.level {
            case .patient, .study: (try source.studies(db)[...], [])
            case .series: (try source.series(db)[...], try source.results(db)[...])
            case .image: (try source.instances(db)[...], try source.results(db)[...])
            }
        }
    }

    /// The matches among the next candidates, perhaps none; nil where there are no more candidates.
    package func next() throws(IndexError) -> [QueryMatch]? {
        let isOurs = candidates.isEmpty
        let page = (isOurs ? results : candidates).prefix(Self.page)
        guard !page.isEmpty else { return nil }
        if isOurs { results = results.dropFirst(page.count) } else { candidates = candidates.dropFirst(page.count) }
        let (rows, level) = (rows, query.level)
        let entities = try index.reading { db in
            if isOurs { return try rows.results(page, db) }
            return switch level {
            case .patient, .study: try rows.studies(page, db)
            case .series: try rows.series(page, db)
            case .image: try rows.instances(page, db)
            }
        }
        var matches: [QueryMatch] = []
        for entity in entities {
            if level == .patient, entity.patient == lastPatient { continue }
            guard query.matches(entity.match) else { continue }
            lastPatient = entity.patient
            matches.append(entity.match)
        }
        return matches
    }
}

extension StudyIndex {
    package func find(_ query: Query) throws(IndexError) -> QueryCursor { try QueryCursor(query, index: self) }

    /// Of several versions of an instance the first (decision 15).
    package func instances(retrieving query: Query) throws(IndexError) -> [RetrievableInstance] {
        var found: [RetrievableInstance] = []
        let source = QuerySource(query: query, level: .image)
        let (instances, results) = try reading { db in (try source.instances(db), try source.results(db)) }
        let rows = QueryRows(source: source)
        for (table, ids) in [("instance", instances), ("result", results)] {
            for start in stride(from: 0, to: ids.count, by: 1000) {
                let page = ids[start..<min(start + 1000, ids.count)]
                found += try reading { db in
                    // PatientID and the UIDs, as text may be the same in another normal form.
                    let entities = try table == "instance" ? rows.instances(page, db) : rows.results(page, db)
                    let list = entities.filter { query.matches($0.match) }.map { String($0.id) }
                    return try Row.fetchAll(
                        db,
                        sql: """
                            SELECT path, sopClassUID, sopInstanceUID, transferSyntaxUID FROM \(table)
                            WHERE id IN (\(list.joined(separator: ","))) ORDER BY id
                            """
                    ).map { row in
                        RetrievableInstance(
                            path: row[0], sopClassUID: try row.uid("sopClassUID"),
                            sopInstanceUID: try row.uid("sopInstanceUID"),
                            transferSyntaxUID: try row.uid("transferSyntaxUID"))
                    }
                }
            }
        }
        return found
    }

    // MARK: what results say of themselves

    /// Results whose headers are not known yet: those of earlier releases.
    package func resultsWithoutHeader() throws(IndexError) -> [String] {
        try reading { db in
            try String.fetchAll(db, sql: "SELECT path FROM result WHERE header IS NULL ORDER BY id")
        }
    }

    package func describe(result path: String, _ header: InstanceHeader) throws(IndexError) {
        try durably { db in
            try db.execute(
                sql: "UPDATE result SET header = ? WHERE path = ?", arguments: [try Self.json(header), path])
        }
    }

    static func json(_ header: InstanceHeader) throws -> String {
        String(decoding: try JSONEncoder().encode(header), as: UTF8.self)
    }
}
