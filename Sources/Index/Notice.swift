// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM
import GRDB

/// What people must know about a study.
enum Notice {
    static func disagreement(_ keyword: String) -> String { "instances of the study disagree on \(keyword)" }
    static func variation(_ keyword: String) -> String { "\(keyword) is not written alike in all instances" }
    static func conflict(_ keyword: String) -> String { "an instance was sent again with another \(keyword)" }
    static let sharedSeries = "a Series Instance UID of the study occurs in another study"
    static func undecided(_ reason: String) -> String { "a copy in another encoding could not be compared: \(reason)" }

    static func warn(study: Int64, reason: String, sopInstanceUID: UID, at moment: Moment, _ db: Database) throws {
        try insert("warning", study: study, reason: reason, sopInstanceUID: sopInstanceUID.string, at: moment, db)
    }

    /// From now on the study is not analysed, nothing of it is delivered, and what was delivered must be reviewed.
    static func block(
        study: Int64, reason: String, sopInstanceUID: UID, at moment: Moment, boot: String, _ db: Database
    ) throws {
        guard try insert("block", study: study, reason: reason, sopInstanceUID: sopInstanceUID.string, at: moment, db)
        else { return }
        try db.execute(
            sql: """
                UPDATE job SET state = 'superseded', reason = ?
                WHERE state = 'queued' AND series IN (SELECT id FROM series WHERE study = ?)
                """, arguments: [reason, study])
        try db.execute(
            sql: """
                UPDATE result SET review = ? WHERE review = ''
                    AND job IN (SELECT job.id FROM job JOIN series ON series.id = job.series WHERE series.study = ?)
                    AND \(StudyIndex.isDelivered)
                """, arguments: [reason, study])
        try Ledger.changed(study: study, detail: "blocked", at: moment, boot: boot, db)
    }

    @discardableResult
    private static func insert(
        _ kind: String, study: Int64, reason: String, sopInstanceUID: String, at moment: Moment, _ db: Database
    ) throws -> Bool {
        try db.execute(
            sql: """
                INSERT INTO notice (study, kind, reason, sopInstanceUID, at) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING
                """, arguments: [study, kind, reason, sopInstanceUID, moment.wall])
        return db.changesCount > 0
    }

    static func blocks(study: Int64, _ db: Database) throws -> [String] {
        try String.fetchAll(
            db, sql: "SELECT reason FROM notice WHERE study = ? AND kind = 'block' ORDER BY id", arguments: [study])
    }
}

/// Who is one patient, across studies.
enum Patients {
    /// The row of (ID, issuer); a row of its own where the ID identifies nobody.
    ///
    /// - Parameter study: the study whose row is kept when its patient has no identifying ID.
    static func row(for identity: PatientIdentity, study: Int64? = nil, _ db: Database) throws -> Int64 {
        guard identity.isIdentifying else {
            if let study,
                let row = try Int64.fetchOne(
                    db, sql: "SELECT patient FROM study WHERE id = ?", arguments: [study])
            {
                return row
            }
            try insert(identity, isIdentifying: false, db)
            return db.lastInsertedRowID
        }
        let arguments: StatementArguments = [identity.patientID, identity.issuerOfPatientID]
        let sql = "SELECT id FROM patient WHERE patientID = ? AND issuerOfPatientID = ? AND isIdentifying = 1"
        if let id = try Int64.fetchOne(db, sql: sql, arguments: arguments) { return id }
        try insert(identity, isIdentifying: true, db)
        return db.lastInsertedRowID
    }

    private static func insert(_ identity: PatientIdentity, isIdentifying: Bool, _ db: Database) throws {
        try db.execute(
            sql: "INSERT INTO patient (patientID, issuerOfPatientID, isIdentifying) VALUES (?, ?, ?)",
            arguments: [identity.patientID, identity.issuerOfPatientID, isIdentifying])
    }

    /// Why another study under the same ID and issuer may be of somebody else; a warning, as each study stands for itself.
    static func disagreement(of identity: PatientIdentity, patient: Int64, study: Int64, _ db: Database) throws
        -> String?
    {
        guard identity.isIdentifying else { return nil }
        let rows = try Row.fetchAll(
            db,
            sql: """
                SELECT DISTINCT patientID, issuerOfPatientID, patientName, patientBirthDate, patientSex FROM study
                WHERE patient = ? AND id <> ?
                """, arguments: [patient, study])
        for row in rows {
            let other = PatientIdentity(
                patientID: row[0], issuerOfPatientID: row[1], patientName: row[2], patientBirthDate: row[3],
                patientSex: row[4])
            if let keyword = IdentityComparison(other, identity).disagreements.first {
                return "another study with this Patient ID has another \(keyword)"
            }
        }
        return nil
    }
}
