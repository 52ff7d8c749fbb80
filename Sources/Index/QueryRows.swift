// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM
import Foundation
import GRDB

/// Reads the values that a query asks for, a page of candidates at a time.
struct QueryRows {
    let source: QuerySource
    private var query: Query { source.query }

    struct Entity {
        var id: Int64
        var patient: Int64
        var match: QueryMatch
    }

    func studies(_ ids: ArraySlice<Int64>, _ db: Database) throws -> [Entity] {
        try rows(ids, ["study"], "study.id", "FROM study", db)
    }

    func series(_ ids: ArraySlice<Int64>, _ db: Database) throws -> [Entity] {
        try rows(
            ids, ["study", "series"], "series.id", "FROM series JOIN study ON study.id = series.study", db)
    }

    func instances(_ ids: ArraySlice<Int64>, _ db: Database) throws -> [Entity] {
        try rows(
            ids, ["study", "series", "instance"], "instance.id",
            """
            FROM instance JOIN series ON series.id = instance.series JOIN study ON study.id = series.study
            """, db)
    }

    /// Each result, or each series of results by its first one.
    func results(_ ids: ArraySlice<Int64>, _ db: Database) throws -> [Entity] {
        let columns = source.columns(in: ["study"])
        let list = ids.map(String.init).joined(separator: ",")
        let rows = try Row.fetchAll(
            db,
            sql: """
                SELECT study.id, study.patient, result.sopClassUID, result.sopInstanceUID, result.seriesInstanceUID,
                    result.transferSyntaxUID, result.header,
                    (SELECT count(*) FROM result AS other WHERE other.seriesInstanceUID = result.seriesInstanceUID
                        AND other.isSuperseded = 0) AS instances, result.id
                    \(columns.map { ", " + $0.column }.joined())
                \(QuerySource.resultTables) WHERE result.id IN (\(list)) ORDER BY result.id
                """)
        let studies = try facts(rows.map { $0[0] }, db)
        return try rows.map { row in
            var match = QueryMatch()
            for (index, column) in columns.enumerated() { match.values[column.tag] = Self.values(row, 9 + index) }
            let header = (row[6] as String?).flatMap {
                try? JSONDecoder().decode(InstanceHeader.self, from: Data($0.utf8))
            }
            add(header, of: row, to: &match)
            try add(studies[row[0]], patient: row[1], to: &match, db)
            return Entity(id: row[8], patient: row[1], match: match)
        }
    }

    /// A study expires whole. Where nothing ever did, the first condition is asked once and the second never.
    private static let isExpired = """
        (EXISTS (SELECT 1 FROM expiredInstance) AND EXISTS (
            SELECT 1 FROM series AS part JOIN instance AS file ON file.series = part.id
                JOIN expiredInstance ON expiredInstance.instance = file.id WHERE part.study = study.id))
        """

    private func rows(
        _ ids: ArraySlice<Int64>, _ tables: Set<String>, _ key: String, _ from: String, _ db: Database
    ) throws -> [Entity] {
        let columns = source.columns(in: tables)
        let list = ids.map(String.init).joined(separator: ",")
        let sql = """
            SELECT \(key), study.id, study.patient, \(Self.isExpired)\(columns.map { ", " + $0.column }.joined()) \(from)
            WHERE \(key) IN (\(list))
            """
        let rows = try Row.fetchAll(db, sql: sql)
        let studies = try facts(rows.map { $0[1] }, db)
        var byID: [Int64: Entity] = [:]
        for row in rows {
            var match = QueryMatch()
            match.isExpired = row[3]
            for (index, column) in columns.enumerated() {
                if column.tag == .requestAttributesSequence {
                    match.requestAttributes = try Self.requestAttributes(row[4 + index])
                } else {
                    match.values[column.tag] = Self.values(row, 4 + index)
                }
            }
            try add(studies[row[1]], patient: row[2], to: &match, db)
            byID[row[0]] = Entity(id: row[0], patient: row[2], match: match)
        }
        // In the order of the candidates.
        return ids.compactMap { byID[$0] }
    }

    private static func values(_ row: Row, _ index: Int) -> [String] {
        switch (row[index] as DatabaseValue).storage {
        case .null: []
        case .int64(let number): ["\(number)"]
        case .string(let text):
            text.isEmpty ? [] : text.split(separator: "\\", omittingEmptySubsequences: false).map(String.init)
        case .double, .blob: []
        }
    }

    private static func requestAttributes(_ json: String?) throws -> [RequestAttributes] {
        try json.map { try JSONDecoder().decode([RequestAttributes].self, from: Data($0.utf8)) } ?? []
    }

    private func add(_ header: InstanceHeader?, of row: Row, to match: inout QueryMatch) {
        let sopClass: String = row[2]
        var values: [Tag: [String?]] = [
            .sopClassUID: [sopClass], .sopInstanceUID: [row[3]], .seriesInstanceUID: [row[4]],
            .availableTransferSyntaxUID: [row[5]], .numberOfSeriesRelatedInstances: ["\(row[7] as Int)"],
            .modality: [header?.modality ?? Self.modality(ofResult: sopClass)],
        ]
        if let header {
            match.requestAttributes = header.requestAttributes
            values.merge([
                .seriesNumber: [header.seriesNumber.map(String.init)], .seriesDescription: [header.seriesDescription],
                .bodyPartExamined: [header.bodyPartExamined], .protocolName: [header.protocolName],
                .manufacturer: [header.manufacturer], .seriesDate: [header.seriesDate],
                .seriesTime: [header.seriesTime], .instanceNumber: [header.instanceNumber.map(String.init)],
                .rows: [header.rows.map(String.init)], .columns: [header.columns.map(String.init)],
                .numberOfFrames: [header.numberOfFrames.map(String.init)], .contentDate: [header.contentDate],
                .contentTime: [header.contentTime], .imageType: header.imageType,
            ]) { $1 }
        }
        for key in query.keys where key.attribute != nil {
            if let found = values[key.tag] { match.values[key.tag] = found.compactMap { $0 }.filter { !$0.isEmpty } }
        }
    }

    static func modality(ofResult sopClass: String) -> String {
        switch sopClass {
        case "1.2.840.10008.5.1.4.1.1.66.4", "1.2.840.10008.5.1.4.1.1.66.7": "SEG"
        case "1.2.840.10008.5.1.4.1.1.88.59": "KO"
        case "1.2.840.10008.5.1.4.1.1.11.1": "PR"
        case "1.2.840.10008.5.1.4.1.1.7": "OT"
        default: "SR"
        }
    }

    // MARK: what is counted

    struct StudyFacts {
        var series = 0
        var instances = 0
        var modalities: [String] = []
        var sopClasses: [String] = []
    }

    private static let counted: Set<Tag> = [
        .modalitiesInStudy, .sopClassesInStudy, .numberOfStudyRelatedSeries, .numberOfStudyRelatedInstances,
    ]
    private static let countedOfPatient: Set<Tag> = [
        .numberOfPatientRelatedStudies, .numberOfPatientRelatedSeries, .numberOfPatientRelatedInstances,
    ]

    private func asks(_ tags: Set<Tag>) -> Bool { query.keys.contains { $0.attribute != nil && tags.contains($0.tag) } }

    /// From the rows of the studies' series, never by walking instances.
    private func facts(_ studies: [Int64], _ db: Database) throws -> [Int64: StudyFacts] {
        guard asks(Self.counted) else { return [:] }
        let list = Set(studies).map(String.init).joined(separator: ",")
        var facts: [Int64: StudyFacts] = [:]
        for row in try Row.fetchAll(
            db,
            sql:
                "SELECT id, study, instances, modality, sopClassUIDs FROM series WHERE study IN (\(list)) AND instances > 0"
        ) {
            var found = facts[row[1]] ?? StudyFacts()
            found.series += 1
            found.instances += row[2]
            Self.insert(row[3], in: &found.modalities)
            if asks([.sopClassesInStudy]) {
                let classes =
                    try (row[4] as String?).map { $0.split(separator: "\\").map(String.init) }
                    // A series of an earlier release.
                    ?? String.fetchAll(
                        db, sql: "SELECT DISTINCT sopClassUID FROM instance WHERE series = ? AND version = 'first'",
                        arguments: [row[0] as Int64])
                for sopClass in classes { Self.insert(sopClass, in: &found.sopClasses) }
            }
            facts[row[1]] = found
        }
        for row in try Row.fetchAll(
            db,
            sql: """
                SELECT study.id, count(*), count(DISTINCT result.seriesInstanceUID), group_concat(DISTINCT result.sopClassUID)
                \(QuerySource.resultTables) WHERE study.id IN (\(list)) AND \(QuerySource.stands) GROUP BY study.id
                """)
        {
            facts[row[0], default: StudyFacts()].instances += row[1]
            facts[row[0], default: StudyFacts()].series += row[2]
            for sopClass in (row[3] as String? ?? "").split(separator: ",").map(String.init) {
                Self.insert(sopClass, in: &facts[row[0], default: StudyFacts()].sopClasses)
                Self.insert(Self.modality(ofResult: sopClass), in: &facts[row[0], default: StudyFacts()].modalities)
            }
        }
        return facts
    }

    private static func insert(_ text: String, in list: inout [String]) {
        if !text.isEmpty, !list.contains(text) { list.append(text) }
    }

    private func add(_ facts: StudyFacts?, patient: Int64, to match: inout QueryMatch, _ db: Database) throws {
        if let facts {
            match.values[.modalitiesInStudy] = facts.modalities
            match.values[.sopClassesInStudy] = facts.sopClasses
            match.values[.numberOfStudyRelatedSeries] = ["\(facts.series)"]
            match.values[.numberOfStudyRelatedInstances] = ["\(facts.instances)"]
        }
        guard asks(Self.countedOfPatient),
            let row = try Row.fetchOne(
                db,
                sql: """
                    SELECT count(DISTINCT study.id), count(*), sum(series.instances) FROM study
                        JOIN series ON series.study = study.id
                    WHERE study.patient = ?1 AND series.instances > 0
                    """, arguments: [patient]),
            let results = try Row.fetchOne(
                db,
                sql: """
                    SELECT count(DISTINCT result.seriesInstanceUID), count(*) \(QuerySource.resultTables)
                    WHERE study.patient = ? AND \(QuerySource.stands)
                    """, arguments: [patient])
        else { return }
        match.values[.numberOfPatientRelatedStudies] = ["\(row[0] as Int)"]
        match.values[.numberOfPatientRelatedSeries] = ["\((row[1] as Int) + (results[0] as Int))"]
        match.values[.numberOfPatientRelatedInstances] = ["\((row[2] as Int? ?? 0) + (results[1] as Int))"]
    }
}
