// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM
import Foundation
import GRDB

/// Where in the tables the attributes of a query are, and what of its keys SQL can narrow down. What SQL lets through is matched
/// again, by `Query.matches`: it may only ever leave out what does not match.
struct QuerySource {
    let query: Query
    let level: QueryLevel

    /// Columns that hold an attribute as it is.
    static let columns: [Tag: String] = [
        .patientName: "study.patientName", .patientID: "study.patientID", .issuerOfPatientID: "study.issuerOfPatientID",
        .patientBirthDate: "study.patientBirthDate", .patientSex: "study.patientSex", .studyDate: "study.studyDate",
        .studyTime: "study.studyTime", .accessionNumber: "study.accessionNumber", .studyID: "study.studyID",
        .studyInstanceUID: "study.studyInstanceUID", .studyDescription: "study.studyDescription",
        .referringPhysicianName: "study.referringPhysicianName",
        .modality: "series.modality", .seriesNumber: "series.seriesNumber",
        .seriesInstanceUID: "series.seriesInstanceUID", .seriesDescription: "series.seriesDescription",
        .bodyPartExamined: "series.bodyPartExamined", .protocolName: "series.protocolName",
        .manufacturer: "series.manufacturer", .seriesDate: "series.seriesDate", .seriesTime: "series.seriesTime",
        .numberOfSeriesRelatedInstances: "series.instances", .requestAttributesSequence: "series.requestAttributes",
        .instanceNumber: "instance.instanceNumber", .sopInstanceUID: "instance.sopInstanceUID",
        .sopClassUID: "instance.sopClassUID", .rows: "instance.rows", .columns: "instance.columns",
        .numberOfFrames: "instance.numberOfFrames", .contentDate: "instance.contentDate",
        .contentTime: "instance.contentTime", .imageType: "instance.imageType",
        .acquisitionNumber: "instance.acquisitionNumber",
        .availableTransferSyntaxUID: "instance.transferSyntaxUID",
    ]

    /// Those of the query's keys that are in columns of the tables named.
    func columns(in tables: Set<String>) -> [(tag: Tag, column: String)] {
        query.keys.compactMap { key in
            guard key.attribute != nil, let column = Self.columns[key.tag],
                tables.contains(String(column.prefix { $0 != "." }))
            else { return nil }
            return (key.tag, column)
        }
    }

    // MARK: candidates

    /// Patients and studies: only those of which an instance is kept as the first of its UID.
    func studies(_ db: Database) throws -> [Int64] {
        let (conditions, arguments) = try conditions(["study"], db)
        let sql = """
            SELECT study.id FROM study WHERE \(conditions)
                AND EXISTS (SELECT 1 FROM series WHERE series.study = study.id AND series.instances > 0)
            """
        // The newest statement of who a patient is comes first.
        return try Int64.fetchAll(
            db, sql: sql + (level == .patient ? " ORDER BY study.patient, study.id DESC" : " ORDER BY study.id"),
            arguments: arguments)
    }

    func series(_ db: Database) throws -> [Int64] {
        let (conditions, arguments) = try conditions(["study", "series"], db)
        return try Int64.fetchAll(
            db,
            sql: """
                SELECT series.id FROM study JOIN series ON series.study = study.id
                WHERE \(conditions) AND series.instances > 0 ORDER BY series.id
                """, arguments: arguments)
    }

    func instances(_ db: Database) throws -> [Int64] {
        let (conditions, arguments) = try conditions(["study", "series", "instance"], db)
        return try Int64.fetchAll(
            db,
            sql: """
                SELECT instance.id FROM study JOIN series ON series.study = study.id
                    JOIN instance ON instance.series = series.id
                WHERE \(conditions) AND instance.version = 'first' ORDER BY instance.id
                """, arguments: arguments)
    }

    /// Our own objects that stand. One that came back from elsewhere is an instance like others, and found as such.
    func results(_ db: Database) throws -> [Int64] {
        var (conditions, arguments) = try conditions(["study"], db)
        for (tag, column) in [
            (Tag.seriesInstanceUID, "result.seriesInstanceUID"), (.sopInstanceUID, "result.sopInstanceUID"),
        ] where level >= (tag == .sopInstanceUID ? .image : .series) {
            narrow(tag, column, &conditions, &arguments)
        }
        return try Int64.fetchAll(
            db,
            sql: """
                SELECT \(level == .series ? "min(result.id)" : "result.id") AS id \(Self.resultTables)
                WHERE \(conditions) AND \(Self.stands)
                \(level == .series ? "GROUP BY study.id, result.seriesInstanceUID" : "") ORDER BY 1
                """, arguments: arguments)
    }

    static let resultTables = """
        FROM study JOIN series ON series.study = study.id JOIN job ON job.series = series.id
            JOIN result ON result.job = job.id
        """
    static let stands = """
        result.isSuperseded = 0
            AND NOT EXISTS (SELECT 1 FROM instance WHERE instance.sopInstanceUID = result.sopInstanceUID)
        """

    private func conditions(_ tables: Set<String>, _ db: Database) throws -> (String, StatementArguments) {
        var conditions = "1"
        var arguments = StatementArguments()
        let narrowing: [Tag] = [
            .studyInstanceUID, .patientID, .accessionNumber, .studyDate, .seriesInstanceUID, .modality, .sopInstanceUID,
        ]
        for tag in narrowing {
            guard let column = Self.columns[tag], tables.contains(String(column.prefix { $0 != "." })) else { continue }
            narrow(tag, column, &conditions, &arguments)
        }
        if case .anyOf(let names) = query[.patientName]?.criterion {
            let text = names.compactMap { if case .name(let name) = $0 { name } else { nil } }.joined(separator: "\\")
            if let condition = NameKeys.condition(SearchPattern(text)) {
                let (sql, more) = try condition.build(db)
                conditions += " AND (\(sql))"
                arguments += more
            }
        }
        return (conditions, arguments)
    }

    private func narrow(
        _ tag: Tag, _ column: String, _ conditions: inout String, _ arguments: inout StatementArguments
    ) {
        guard let key = query[tag], key.attribute != nil else { return }
        switch key.criterion {
        case .universal: break
        case .uids(let uids):
            if uids.count == 1, let uid = uids.first {
                conditions += " AND \(column) = ?"
                arguments += [uid]
            } else {
                conditions += " AND \(column) IN (SELECT value FROM json_each(?))"
                arguments += ["[" + uids.sorted().map { "\"\($0)\"" }.joined(separator: ",") + "]"]
            }
        case .anyOf(let alternatives):
            guard alternatives.count == 1 else { return }
            switch alternatives[0] {
            // Other text may be the same in another normal form.
            case .exact(let text) where text.utf8.allSatisfy { $0 < 0x80 }:
                conditions += " AND \(column) = ?"
                arguments += [text]
            case .wildcard(let pattern) where tag != .studyDate:
                let prefix = Wildcards.prefix(of: pattern)
                guard !prefix.isEmpty, prefix.utf8.allSatisfy({ $0 < 0x80 }) else { return }
                conditions += " AND \(column) >= ? AND \(column) < ?"
                arguments += [prefix, prefix + "\u{10FFFF}"]
            case .dates(let range):
                // A row may hold the form with dots, too.
                func dotted(_ date: String) -> String {
                    date.count == 8 ? "\(date.prefix(4)).\(date.dropFirst(4).prefix(2)).\(date.suffix(2))" : date
                }
                conditions += " AND (\(column) BETWEEN ? AND ? OR \(column) BETWEEN ? AND ?)"
                arguments += [
                    range.lowerBound, range.upperBound, dotted(range.lowerBound), dotted(range.upperBound),
                ]
            case .exact, .wildcard, .name, .times, .number: break
            }
        }
    }
}
