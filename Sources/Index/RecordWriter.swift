// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM
import Foundation
import GRDB

/// Writes a batch of instances within one transaction.
struct RecordWriter {
    let memory: WriterMemory
    let boot: String
    let holds: (String, Int64) -> Bool
    private(set) var changesWorklist = false
    private(set) var touched: [(SeriesID, AssociationID)] = []
    private var dirty: Set<WriterMemory.SeriesKey> = []

    init(memory: WriterMemory, boot: String, holds: @escaping (String, Int64) -> Bool) {
        self.memory = memory
        self.boot = boot
        self.holds = holds
    }

    mutating func record(_ recording: Recording, _ db: Database) throws -> RecordOutcome {
        let header = recording.header
        let known = try versions(of: header.sopInstanceUID, db)
        var decision = VersionDecision.of(VersionFacts(recording), among: known.map { ($0.facts, $0.version) })
        let isOurs = try StudyIndex.isResult(header.sopInstanceUID, db)
        // A result that came back is what somebody made of it: no copy of it says anything of the study.
        if isOurs, case .keep(let version, _) = decision, version != .first { decision = .keep(.coerced) }
        if case .duplicate(let index) = decision {
            // Not a new instance, but the association did send to the series.
            touched.append((SeriesID(rawValue: known[index].series), recording.association))
            let kept = known[index]
            let isExpired =
                try Bool.fetchOne(
                    db, sql: "SELECT 1 FROM expiredInstance WHERE instance = ?", arguments: [kept.id]) ?? false
            // Whether the file is still there or not: it is about to be removed.
            guard kept.path != recording.file.path,
                try isExpired || !holds(kept.path, kept.size) || isDamaged(kept.id, db)
            else {
                return .duplicate(existing: kept.path)
            }
            // What was lost is here again; its row must not go on pointing at nothing.
            try db.execute(
                sql: "UPDATE instance SET path = ?, epoch = ?, size = ? WHERE id = ?",
                arguments: [recording.file.path, recording.file.epoch, recording.file.size, kept.id])
            try db.execute(sql: "DELETE FROM damagedInstance WHERE instance = ?", arguments: [kept.id])
            if isExpired {
                try db.execute(sql: "DELETE FROM expiredInstance WHERE instance = ?", arguments: [kept.id])
                return .returned
            }
            return .restored(lost: kept.path)
        }
        guard case .keep(let version, let differing) = decision else { preconditionFailure("decided above") }

        try noteClockStep(recording.received, db)
        let identity = try identityRow(header.patient, db)
        var study = try study(of: recording, db)
        let key = WriterMemory.SeriesKey(study: study.id, seriesInstanceUID: header.seriesInstanceUID)
        var series = try series(of: recording, key: key, db)
        let sequence = try nextSequence(db)
        try insert(
            recording, series: series.id, identity: identity, version: version, ordinal: known.count,
            sequence: sequence, db)

        if version == .first {
            series.revision += 1
            series.instances += 1
            if series.state != .arriving || series.run == .provisional || series.run == .final {
                try reopen(&series, db)
            }
            series.lastArrivalSequence = sequence
            series.lastInstance = recording.received
            try note(header.sopClassUID, in: &series, db)
            dirty.insert(key)
        }
        memory.series[key] = series
        touched.append((SeriesID(rawValue: series.id), recording.association))

        if !isOurs { try compareIdentity(header, with: &study, at: recording.received, db) }
        memory.studies[header.studyInstanceUID] = study

        switch version {
        case .first: return .new
        case .coerced, .transcoded: return .coercedCopy
        case .uncompared: return .transcodedCopyPending
        case .conflict:
            let reason = Notice.conflict(differing)
            for study in Set([study.id, known[0].study]) {
                try Notice.block(
                    study: study, reason: reason, sopInstanceUID: header.sopInstanceUID, at: recording.received,
                    boot: boot, db)
            }
            changesWorklist = true
            return .conflict(reason: reason)
        }
    }

    /// One UPDATE a series, however many of its instances are in the batch.
    mutating func flush(_ db: Database) throws {
        for key in dirty {
            guard let series = memory.series[key] else { continue }
            try db.cachedStatement(
                sql: """
                    UPDATE series SET state = ?, run = ?, revision = ?, instances = ?, lastArrivalSequence = ?, lastInstanceAt = ?,
                        lastInstanceMonotonic = ?, boot = ?, reason = CASE WHEN ? THEN '' ELSE reason END WHERE id = ?
                    """
            ).execute(arguments: [
                series.state.rawValue, series.run?.rawValue, series.revision, series.instances,
                series.lastArrivalSequence,
                series.lastInstance.wall, series.lastInstance.monotonic, boot, series.state == .arriving, series.id,
            ])
        }
        dirty.removeAll()
    }

    /// Nearly always the first instance's only.
    private func note(_ sopClass: UID, in series: inout WriterMemory.Series, _ db: Database) throws {
        // Null is of an earlier release: the instances are asked.
        guard let known = series.sopClassUIDs else { return }
        let classes = known.split(separator: "\\").map(String.init)
        guard !classes.contains(sopClass.string) else { return }
        let all = (classes + [sopClass.string]).joined(separator: "\\")
        series.sopClassUIDs = all
        try db.execute(sql: "UPDATE series SET sopClassUIDs = ? WHERE id = ?", arguments: [all, series.id])
    }

    private static func json(_ items: [RequestAttributes]) throws -> String? {
        items.isEmpty ? nil : String(decoding: try JSONEncoder().encode(items), as: UTF8.self)
    }

    /// A late instance: what ran before is superseded, what waits to run must not.
    private mutating func reopen(_ series: inout WriterMemory.Series, _ db: Database) throws {
        series.state = .arriving
        if series.run != nil { series.run = .superseded }
        try db.execute(
            sql:
                "UPDATE job SET state = 'superseded', reason = 'instances arrived later' WHERE series = ? AND state = 'queued'",
            arguments: [series.id])
        try StudyIndex.noteChange(of: series.id, study: series.study, db)
        changesWorklist = true
    }

    // MARK: Rows

    private func isDamaged(_ instance: Int64, _ db: Database) throws -> Bool {
        try Bool.fetchOne(
            db, sql: "SELECT EXISTS (SELECT 1 FROM damagedInstance WHERE instance = ?)", arguments: [instance]) ?? false
    }

    struct Known {
        var id: Int64
        var size: Int64
        var series: Int64
        var study: Int64
        var path: String
        var facts: VersionFacts
        var version: InstanceVersion
    }

    private func versions(of uid: UID, _ db: Database) throws -> [Known] {
        let statement = try db.cachedStatement(
            sql: """
                SELECT instance.series, series.study, instance.path, study.studyInstanceUID, series.seriesInstanceUID,
                    instance.sopClassUID, instance.transferSyntaxUID, instance.headerDigest, instance.pixelDigest,
                    instance.hasPixelData, instance.version, identity.patientID, identity.issuerOfPatientID,
                    identity.patientName, identity.patientBirthDate, identity.patientSex, instance.id, instance.size
                FROM instance JOIN series ON series.id = instance.series JOIN study ON study.id = series.study
                    JOIN identity ON identity.id = instance.identity
                WHERE instance.sopInstanceUID = ? ORDER BY instance.ordinal
                """)
        return try Row.fetchAll(statement, arguments: [uid.string]).map { row in
            Known(
                id: row[16], size: row[17], series: row[0], study: row[1], path: row[2],
                facts: VersionFacts(
                    studyInstanceUID: row[3], seriesInstanceUID: row[4], sopClassUID: row[5], transferSyntaxUID: row[6],
                    identity: PatientIdentity(
                        patientID: row[11], issuerOfPatientID: row[12], patientName: row[13], patientBirthDate: row[14],
                        patientSex: row[15]),
                    headerDigest: (row[7] as Blob).bytes, pixelDigest: (row[8] as Blob?)?.bytes, hasPixelData: row[9]),
                version: try row.stored("version"))
        }
    }

    private func identityRow(_ identity: PatientIdentity, _ db: Database) throws -> Int64 {
        if let id = memory.identities[identity] { return id }
        let arguments: StatementArguments = [
            identity.patientID, identity.issuerOfPatientID, identity.patientName, identity.patientBirthDate,
            identity.patientSex,
        ]
        try db.execute(
            sql: """
                INSERT INTO identity (patientID, issuerOfPatientID, patientName, patientBirthDate, patientSex)
                VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING
                """, arguments: arguments)
        let id =
            try Int64.fetchOne(
                db,
                sql: """
                    SELECT id FROM identity WHERE patientID = ? AND issuerOfPatientID = ? AND patientName = ?
                        AND patientBirthDate = ? AND patientSex = ?
                    """, arguments: arguments) ?? 0
        memory.identities[identity] = id
        return id
    }

    private mutating func study(of recording: Recording, _ db: Database) throws -> WriterMemory.Study {
        let header = recording.header
        if let study = memory.studies[header.studyInstanceUID] { return study }
        if let row = try Row.fetchOne(
            db,
            sql: """
                SELECT id, patientID, issuerOfPatientID, patientName, patientBirthDate, patientSex FROM study
                WHERE studyInstanceUID = ?
                """, arguments: [header.studyInstanceUID.string])
        {
            return WriterMemory.Study(
                id: row[0],
                identity: PatientIdentity(
                    patientID: row[1], issuerOfPatientID: row[2], patientName: row[3], patientBirthDate: row[4],
                    patientSex: row[5]))
        }
        let identity = header.patient
        let patient = try Patients.row(for: identity, db)
        try db.execute(
            sql: """
                INSERT INTO study (studyInstanceUID, patient, patientID, issuerOfPatientID, patientName, patientBirthDate,
                    patientSex, accessionNumber, studyID, studyDate, studyTime, studyDescription, firstInstanceAt, worklistChangedAt,
                    referringPhysicianName)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                """,
            arguments: [
                header.studyInstanceUID.string, patient, identity.patientID, identity.issuerOfPatientID,
                identity.patientName,
                identity.patientBirthDate, identity.patientSex, header.accessionNumber, header.studyID,
                header.studyDate,
                header.studyTime, header.studyDescription, recording.received.wall, recording.received.wall,
                header.referringPhysicianName,
            ])
        let study = WriterMemory.Study(id: db.lastInsertedRowID, identity: identity)
        try NameKeys.write(identity.patientName, study: study.id, db)
        try Ledger.write(.firstInstance, study: study.id, at: recording.received, boot: boot, db)
        if let reason = try Patients.disagreement(of: identity, patient: patient, study: study.id, db) {
            try Notice.warn(
                study: study.id, reason: reason, sopInstanceUID: header.sopInstanceUID, at: recording.received, db)
        }
        changesWorklist = true
        return study
    }

    private mutating func series(
        of recording: Recording, key: WriterMemory.SeriesKey, _ db: Database
    ) throws -> WriterMemory.Series {
        if let series = memory.series[key] { return series }
        let header = recording.header
        if let row = try Row.fetchOne(
            db,
            sql: """
                SELECT id, state, run, revision, instances, lastArrivalSequence, lastInstanceAt, lastInstanceMonotonic, sopClassUIDs
                FROM series WHERE study = ? AND seriesInstanceUID = ?
                """, arguments: [key.study, header.seriesInstanceUID.string])
        {
            return WriterMemory.Series(
                id: row[0], study: key.study, state: try row.stored("state"), run: try row.storedIfPresent("run"),
                revision: row[3],
                instances: row[4], lastArrivalSequence: row[5], lastInstance: Moment(wall: row[6], monotonic: row[7]),
                sopClassUIDs: row[8])
        }
        try db.execute(
            sql: """
                INSERT INTO series (study, seriesInstanceUID, modality, manufacturer, seriesNumber, seriesDescription, protocolName,
                    bodyPartExamined, state, revision, instances, lastArrivalSequence, firstInstanceAt, lastInstanceAt,
                    lastInstanceMonotonic, boot, seriesDate, seriesTime, requestAttributes, sopClassUIDs)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?, 'arriving', 0, 0, 0, ?, ?, ?, ?, ?, ?, ?, '')
                """,
            arguments: [
                key.study, header.seriesInstanceUID.string, header.modality, header.manufacturer, header.seriesNumber,
                header.seriesDescription, header.protocolName, header.bodyPartExamined, recording.received.wall,
                recording.received.wall, recording.received.monotonic, boot, header.seriesDate, header.seriesTime,
                try Self.json(header.requestAttributes),
            ])
        let series = WriterMemory.Series(
            id: db.lastInsertedRowID, study: key.study, state: .arriving, run: nil, revision: 0, instances: 0,
            lastArrivalSequence: 0, lastInstance: recording.received, sopClassUIDs: "")
        try Ledger.write(.firstInstance, study: key.study, series: series.id, at: recording.received, boot: boot, db)
        // A series UID in two studies: one of them holds images that are not its own.
        let others = try Int64.fetchAll(
            db, sql: "SELECT study FROM series WHERE seriesInstanceUID = ? AND study <> ?",
            arguments: [header.seriesInstanceUID.string, key.study])
        if !others.isEmpty, try !StudyIndex.isResult(header.sopInstanceUID, db) {
            for study in others + [key.study] {
                try Notice.block(
                    study: study, reason: Notice.sharedSeries, sopInstanceUID: header.sopInstanceUID,
                    at: recording.received,
                    boot: boot, db)
            }
        }
        changesWorklist = true
        return series
    }

    private func nextSequence(_ db: Database) throws -> Int64 {
        let last = try memory.arrivalSequence ?? Int64.fetchOne(db, sql: "SELECT max(id) FROM instance") ?? 0
        memory.arrivalSequence = last + 1
        return last + 1
    }

    private func insert(
        _ recording: Recording, series: Int64, identity: Int64, version: InstanceVersion, ordinal: Int, sequence: Int64,
        _ db: Database
    ) throws {
        let header = recording.header
        let file = recording.file
        try db.cachedStatement(
            sql: """
                INSERT INTO instance (id, series, identity, sopInstanceUID, sopClassUID, transferSyntaxUID, version, ordinal,
                    callingAETitle, receivedAt, path, epoch, size, headerDigest, pixelDigest, specificCharacterSet,
                    isTextIntact, imageType, instanceNumber, acquisitionNumber, numberOfFrames, rows, columns, sliceThickness,
                    spacingBetweenSlices, pixelSpacing, imagePositionPatient, imageOrientationPatient, gantryDetectorTilt,
                    frameOfReferenceUID, imagesInAcquisition, convolutionKernel, contrastBolusAgent, hasContrast, burnedInAnnotation,
                    hasPixelData, contentDate, contentTime)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                """
        ).execute(arguments: [
            sequence, series, identity, header.sopInstanceUID.string, header.sopClassUID.string,
            header.transferSyntaxUID.string,
            version.rawValue, ordinal, recording.callingAETitle, recording.received.wall, file.path, file.epoch,
            file.size, Blob(file.headerDigest), file.pixelDigest.map { Blob($0) },
            header.specificCharacterSet.joined(separator: "\\"),
            header.isTextIntact, header.imageType.joined(separator: "\\"), header.instanceNumber,
            header.acquisitionNumber,
            header.numberOfFrames, header.rows, header.columns, header.sliceThickness, header.spacingBetweenSlices,
            header.pixelSpacing.map(Numbers.text), header.imagePositionPatient.map(Numbers.text),
            header.imageOrientationPatient.map(Numbers.text), header.gantryDetectorTilt,
            header.frameOfReferenceUID?.string,
            header.imagesInAcquisition, header.convolutionKernel, header.contrastBolusAgent, header.hasContrast,
            header.burnedInAnnotation, header.hasPixelData, header.contentDate, header.contentTime,
        ])
    }

    // MARK: Whose patient

    private mutating func compareIdentity(
        _ header: InstanceHeader, with study: inout WriterMemory.Study, at moment: Moment, _ db: Database
    ) throws {
        let stated = header.patient
        guard stated != study.identity else { return }
        let comparison = IdentityComparison(study.identity, stated)
        for keyword in comparison.disagreements where study.notices.insert("block " + keyword).inserted {
            try Notice.block(
                study: study.id, reason: Notice.disagreement(keyword), sopInstanceUID: header.sopInstanceUID,
                at: moment, boot: boot, db)
            changesWorklist = true
        }
        for keyword in comparison.variations where study.notices.insert("warn " + keyword).inserted {
            try Notice.warn(
                study: study.id, reason: Notice.variation(keyword), sopInstanceUID: header.sopInstanceUID, at: moment,
                db)
            changesWorklist = true
        }
        guard comparison.disagreements.isEmpty else { return }
        // What one instance leaves out and another states belongs to what the study says: a third is compared with it.
        var filled = study.identity
        func fill(_ path: WritableKeyPath<PatientIdentity, String>) {
            if filled[keyPath: path].isEmpty { filled[keyPath: path] = stated[keyPath: path] }
        }
        fill(\.issuerOfPatientID)
        fill(\.patientName)
        fill(\.patientBirthDate)
        fill(\.patientSex)
        guard filled != study.identity else { return }
        let isNamed = filled.patientName != study.identity.patientName
        study.identity = filled
        try db.execute(
            sql: """
                UPDATE study SET patient = ?, issuerOfPatientID = ?, patientName = ?, patientBirthDate = ?, patientSex = ?
                WHERE id = ?
                """,
            arguments: [
                try Patients.row(for: filled, study: study.id, db),
                filled.issuerOfPatientID, filled.patientName, filled.patientBirthDate, filled.patientSex, study.id,
            ])
        if isNamed { try NameKeys.write(filled.patientName, study: study.id, db) }
    }

    /// Order and durations do not depend on the wall clock, but people and expiry do: a step of it is written down.
    private func noteClockStep(_ moment: Moment, _ db: Database) throws {
        let offset = moment.wall - moment.monotonic / 1_000_000
        defer { memory.wallOffset = offset }
        guard let before = memory.wallOffset, abs(offset - before) > 2_000 else { return }
        try Ledger.write(.clockStep, detail: "\(offset - before) ms", at: moment, boot: boot, db)
    }
}
