// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM
import GRDB
import Synchronization

/// What is known of one instance of a series, for completeness, selection and volume.
package struct IndexedInstance: Sendable, Equatable {
    package var header: InstanceHeader
    package var arrivalSequence: Int64
    /// Relative to the store.
    package var path: String
    package var size: Int64
    package var headerDigest: [UInt8]
    package var pixelDigest: [UInt8]?
}

/// All that decides whether a series has arrived, read in one transaction.
package struct SeriesEvidence: Sendable, Equatable {
    package var id: SeriesID
    package var studyInstanceUID: UID
    package var seriesInstanceUID: UID
    package var state: SeriesState
    package var run: SeriesRun?
    /// To be given back with what is decided from this evidence.
    package var revision: Int64
    package var lastArrivalSequence: Int64
    package var lastInstance: Moment
    /// Associations that have sent to this series and are still open.
    package var openAssociations: Set<AssociationID>
    /// Current versions only, in arrival order.
    package var instances: [IndexedInstance]
    /// What others list of the series; nil where nobody does.
    package var listing: SeriesListing?
    /// Copies that wait for a worker to compare them.
    package var uncompared: Int
    /// Why the study must not be analysed; empty where nothing speaks against it.
    package var blocks: [String]
}

/// A series that still needs somebody's attention.
package struct OpenSeries: Sendable, Equatable {
    package var id: SeriesID
    package var state: SeriesState
    package var run: SeriesRun?
    package var revision: Int64
    package var instances: Int
    /// The monotonic reading is of this boot: where the last instance came in another one, it is when the index was opened.
    package var lastInstance: Moment
    package var openAssociations: Set<AssociationID>
    /// What others list of it; nil where nobody does.
    package var listed: Listed?

    package struct Listed: Sendable, Equatable {
        /// Of the longest list.
        package var instances: Int
        /// Of the last change, milliseconds since 1970.
        package var at: Int64
    }
}

extension StudyIndex {
    /// Series that arrive, that are complete and have no job yet, or whose companions have changed. For a look every second, and after a start.
    package func openSeries() throws(IndexError) -> [OpenSeries] {
        let rows = try reading { db in
            try Row.fetchAll(
                db,
                sql: """
                    SELECT id, state, run, revision, instances, lastInstanceAt, lastInstanceMonotonic, boot,
                        (SELECT max(at) FROM listing WHERE listing.seriesInstanceUID = series.seriesInstanceUID) AS listedAt,
                        (SELECT max((SELECT count(*) FROM listedInstance WHERE listedInstance.listing = listing.id))
                            FROM listing WHERE listing.seriesInstanceUID = series.seriesInstanceUID) AS listedInstances
                    FROM series
                    WHERE id IN (
                        SELECT id FROM series WHERE state IN ('arriving', 'waiting') AND (state = 'arriving' OR NOT EXISTS (
                            SELECT 1 FROM job WHERE job.series = series.id AND job.revision = series.revision
                                AND job.run = 'final' AND job.state <> 'superseded'))
                        UNION SELECT id FROM series WHERE companions = 1)
                    ORDER BY lastArrivalSequence
                    """
            ).map { row in
                OpenSeries(
                    id: SeriesID(rawValue: row[0]), state: try row.stored("state"), run: try row.storedIfPresent("run"),
                    revision: row[3], instances: row[4],
                    lastInstance: moment(row), openAssociations: [],
                    listed: (row["listedAt"] as Int64?).map {
                        OpenSeries.Listed(instances: row["listedInstances"], at: $0)
                    })
            }
        }
        return associations.withLock { associations in
            rows.map { row in
                var row = row
                row.openAssociations = associations[row.id]
                return row
            }
        }
    }

    private func moment(_ row: Row) -> Moment {
        let written: String = row["boot"]
        return Moment(
            wall: row["lastInstanceAt"], monotonic: written == boot ? row["lastInstanceMonotonic"] : openedAt.monotonic)
    }

    /// Nil where there is no such series.
    package func evidence(for id: SeriesID) throws(IndexError) -> SeriesEvidence? {
        var evidence = try reading { db -> SeriesEvidence? in
            guard
                let row = try Row.fetchOne(
                    db,
                    sql: """
                        SELECT series.*, study.studyInstanceUID, study.accessionNumber, study.studyID, study.studyDate,
                            study.studyTime, study.studyDescription
                        FROM series JOIN study ON study.id = series.study WHERE series.id = ?
                        """, arguments: [id.rawValue])
            else { return nil }
            let instances = try Row.fetchAll(
                db,
                sql: """
                    SELECT instance.*, identity.patientID, identity.issuerOfPatientID, identity.patientName,
                        identity.patientBirthDate, identity.patientSex
                    FROM instance JOIN identity ON identity.id = instance.identity
                    WHERE instance.series = ? AND instance.version = 'first' ORDER BY instance.id
                    """, arguments: [id.rawValue])
            let here = Set(try instances.map { try $0.uid("sopInstanceUID") })
            return SeriesEvidence(
                id: id, studyInstanceUID: try row.uid("studyInstanceUID"),
                seriesInstanceUID: try row.uid("seriesInstanceUID"),
                state: try row.stored("state"), run: try row.storedIfPresent("run"), revision: row["revision"],
                lastArrivalSequence: row["lastArrivalSequence"], lastInstance: moment(row), openAssociations: [],
                instances: try instances.map { try Self.instance($0, in: row) },
                listing: try Self.listing(of: row.uid("seriesInstanceUID"), here: here, db),
                uncompared: try Int.fetchOne(
                    db, sql: "SELECT count(*) FROM instance WHERE series = ? AND version = 'uncompared'",
                    arguments: [id.rawValue]) ?? 0,
                blocks: try Notice.blocks(study: row["study"], db))
        }
        evidence?.openAssociations = associations.withLock { $0[id] }
        return evidence
    }

    private static func instance(_ row: Row, in series: Row) throws -> IndexedInstance {
        var header = InstanceHeader(
            sopClassUID: try row.uid("sopClassUID"), sopInstanceUID: try row.uid("sopInstanceUID"),
            studyInstanceUID: try series.uid("studyInstanceUID"),
            seriesInstanceUID: try series.uid("seriesInstanceUID"),
            transferSyntaxUID: try row.uid("transferSyntaxUID"))
        func texts(_ column: String) -> [String] {
            let text: String = row[column]
            return text.isEmpty ? [] : text.split(separator: "\\", omittingEmptySubsequences: false).map(String.init)
        }
        func numbers(_ column: String) -> [Double]? { (row[column] as String?).flatMap(Numbers.values) }
        header.patient = PatientIdentity(
            patientID: row["patientID"], issuerOfPatientID: row["issuerOfPatientID"], patientName: row["patientName"],
            patientBirthDate: row["patientBirthDate"], patientSex: row["patientSex"])
        header.specificCharacterSet = texts("specificCharacterSet")
        header.isTextIntact = row["isTextIntact"]
        header.accessionNumber = series["accessionNumber"]
        header.studyID = series["studyID"]
        header.studyDate = series["studyDate"]
        header.studyTime = series["studyTime"]
        header.studyDescription = series["studyDescription"]
        header.modality = series["modality"]
        header.manufacturer = series["manufacturer"]
        header.seriesNumber = series["seriesNumber"]
        header.seriesDescription = series["seriesDescription"]
        header.protocolName = series["protocolName"]
        header.bodyPartExamined = series["bodyPartExamined"]
        header.convolutionKernel = row["convolutionKernel"]
        header.contrastBolusAgent = row["contrastBolusAgent"]
        header.hasContrast = row["hasContrast"]
        header.imageType = texts("imageType")
        header.instanceNumber = row["instanceNumber"]
        header.acquisitionNumber = row["acquisitionNumber"]
        header.numberOfFrames = row["numberOfFrames"]
        header.rows = row["rows"]
        header.columns = row["columns"]
        header.sliceThickness = row["sliceThickness"]
        header.spacingBetweenSlices = row["spacingBetweenSlices"]
        header.pixelSpacing = numbers("pixelSpacing")
        header.imagePositionPatient = numbers("imagePositionPatient")
        header.imageOrientationPatient = numbers("imageOrientationPatient")
        header.gantryDetectorTilt = row["gantryDetectorTilt"]
        header.frameOfReferenceUID = try (row["frameOfReferenceUID"] as String?).map { _ in
            try row.uid("frameOfReferenceUID")
        }
        header.imagesInAcquisition = row["imagesInAcquisition"]
        header.burnedInAnnotation = row["burnedInAnnotation"]
        header.hasPixelData = row["hasPixelData"]
        return IndexedInstance(
            header: header, arrivalSequence: row["id"], path: row["path"], size: row["size"],
            headerDigest: (row["headerDigest"] as Blob).bytes, pixelDigest: (row["pixelDigest"] as Blob?)?.bytes)
    }

    // MARK: Decisions about a series

    /// The series has arrived, by this evidence. It waits for its final run.
    package func markComplete(_ id: SeriesID, revision: Int64, evidence: String) throws(IndexError) -> SeriesAnswer {
        try deciding(id, revision) { row, now, db in
            guard row.state == .arriving else { return false }
            try db.execute(
                sql: "UPDATE series SET state = 'waiting', evidence = ?, reason = '' WHERE id = ?",
                arguments: [evidence, id.rawValue])
            try Self.noteChange(of: id.rawValue, study: row.study, db)
            try Self.forgetListings(of: id.rawValue, db)
            try Ledger.write(
                .lastInstance, study: row.study, series: id.rawValue, at: row.lastInstance, boot: row.boot, db)
            try Ledger.write(
                .complete, study: row.study, series: id.rawValue, detail: evidence, at: now, boot: boot, db)
            try Ledger.changed(study: row.study, series: id.rawValue, detail: "complete", at: now, boot: boot, db)
            return true
        }
    }

    /// The series ends without a run: nothing claims it, a rule refused it, or it cannot be looked at.
    package func conclude(
        _ id: SeriesID, revision: Int64, as verdict: SeriesVerdict, companions: Companions = .none
    ) throws(IndexError) -> SeriesAnswer {
        let (state, reason): (SeriesState, String) =
            switch verdict {
            case .notAnalysed(let reason): (.notAnalysed, reason)
            case .outOfScope(let reason): (.outOfScope, reason)
            case .failed(let reason): (.failed, reason)
            }
        // A blocked study's series end here too, with the block as their reason.
        return try deciding(id, revision, evenIfBlocked: true) { row, now, db in
            try Self.set(companions, of: id, db)
            guard row.state != state || row.reason != reason else { return false }
            try db.execute(
                sql: "UPDATE series SET state = ?, reason = ? WHERE id = ?",
                arguments: [state.rawValue, reason, id.rawValue])
            try Ledger.changed(study: row.study, series: id.rawValue, detail: state.rawValue, at: now, boot: boot, db)
            return true
        }
    }

    struct SeriesRow {
        var study: Int64
        var state: SeriesState
        var run: SeriesRun?
        var reason: String
        var revision: Int64
        var lastInstance: Moment
        var boot: String

        init(_ id: SeriesID, _ db: Database) throws {
            guard let row = try Row.fetchOne(db, sql: "SELECT * FROM series WHERE id = ?", arguments: [id.rawValue])
            else {
                throw IndexError.noSuchRow(table: "series", id: id.rawValue)
            }
            study = row["study"]
            state = try row.stored("state")
            run = try row.storedIfPresent("run")
            reason = row["reason"]
            revision = row["revision"]
            lastInstance = Moment(wall: row["lastInstanceAt"], monotonic: row["lastInstanceMonotonic"])
            boot = row["boot"]
        }
    }

    /// Runs `body` if the series is still what the decision was made from. `body` tells whether the worklist changes.
    func deciding(
        _ id: SeriesID, _ revision: Int64, evenIfBlocked: Bool = false,
        _ body: (SeriesRow, Moment, Database) throws -> Bool
    ) throws(IndexError) -> SeriesAnswer {
        let now = clock()
        var changes = false
        let answer = try durably { db -> SeriesAnswer in
            let row = try SeriesRow(id, db)
            guard row.revision == revision else { return .stale }
            if !evenIfBlocked, let answer = try Self.objection(to: id, study: row.study, db) { return answer }
            changes = try body(row, now, db)
            return .done
        }
        if changes { worklistChanged() }
        return answer
    }

    /// Why the series must not be analysed now.
    static func objection(to id: SeriesID, study: Int64, _ db: Database) throws -> SeriesAnswer? {
        if let reason = try Notice.blocks(study: study, db).first { return .blocked(reason: reason) }
        let isUncompared =
            try Bool.fetchOne(
                db, sql: "SELECT EXISTS (SELECT 1 FROM instance WHERE series = ? AND version = 'uncompared')",
                arguments: [id.rawValue]) ?? false
        return isUncompared ? .uncompared : nil
    }
}
