// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import Association
import DCMTK
import DICOM
import Index
import Logging
import Storage

/// One instance from its C-STORE request to its status: scanned as it arrives, written, made durable, indexed.
final class ReceivedInstance: InstanceSink {
    private let reception: Reception
    private let request: StoreRequest
    private let association: AssociationInfo
    private var scan: DataSetScan
    private let writer: InstanceWriter

    init(reception: Reception, request: StoreRequest, association: AssociationInfo) {
        self.reception = reception
        self.request = request
        self.association = association
        scan = DataSetScan(
            transferSyntaxUID: request.transferSyntaxUID, inflater: reception.inflater(request.transferSyntaxUID))
        writer = reception.store.writer(
            for: FileMetaInformation(
                sopClassUID: request.affectedSOPClassUID, sopInstanceUID: request.affectedSOPInstanceUID,
                transferSyntaxUID: request.transferSyntaxUID, sourceAETitle: association.callingAETitle))
    }

    func append(_ bytes: UnsafeRawBufferPointer) throws(StoreRefusal) {
        do throws(ScanError) { try scan.consume(bytes) } catch { throw refusal(error) }
        do throws(StorageError) {
            try writer.append(bytes, pixelDataOffset: scan.pixelDataOffset)
        } catch { throw refusal(error) }
    }

    func abandon() { writer.abandon() }

    func finish() -> StoreAnswer {
        do throws(StoreRefusal) {
            CrashPoint.reach(.instanceReceived)
            let header = try self.header()
            let stored = try self.stored()
            CrashPoint.reach(.fileStored)
            try record(header, stored)
            CrashPoint.reach(.rowWritten)
            reception.counters.received(bytes: stored.size)
            return StoreAnswer(.success)
        } catch {
            writer.abandon()
            reception.counters.refused(error.status)
            return StoreAnswer(error.status, comment: error.comment)
        }
    }

    private func header() throws(StoreRefusal) -> InstanceHeader {
        let header: InstanceHeader
        do throws(ScanError) { header = try scan.finish() } catch { throw refusal(error) }
        // PS3.4 B.2.3: A900, data set does not match SOP class. The instance UID must agree as well: the response
        // acknowledges the UID of the command, and the index knows that of the data set.
        guard header.sopClassUID == request.affectedSOPClassUID else {
            throw StoreRefusal(
                status: .dataSetDoesNotMatchSOPClass, comment: "SOP Class UID differs between command and data set")
        }
        guard header.sopInstanceUID == request.affectedSOPInstanceUID else {
            throw StoreRefusal(
                status: .dataSetDoesNotMatchSOPClass, comment: "SOP Instance UID differs between command and data set")
        }
        return header
    }

    private func stored() throws(StoreRefusal) -> Storage.StoredInstance {
        do throws(StorageError) { return try writer.commit() } catch { throw refusal(error) }
    }

    private func record(_ header: InstanceHeader, _ stored: Storage.StoredInstance) throws(StoreRefusal) {
        do throws(IndexError) {
            let outcome = try reception.index.record(
                header, file: StoredFile(stored), association: association.id,
                callingAETitle: association.callingAETitle)
            switch outcome {
            case .new, .coercedCopy: break
            case .duplicate:
                reception.counters.duplicate()
                try? reception.store.remove(stored.relativePath)
            case .restored(let lost):
                log(
                    .error, "a stored file was missing or damaged; the copy sent again has taken its place",
                    ["path": "\(lost)"])
            case .transcodedCopyPending:
                log(.notice, "the instance came again in another transfer syntax", [:])
            case .conflict(let reason):
                log(
                    .error, "the instance came again and differs: analysis of its study is blocked",
                    ["reason": "\(reason)"])
            }
        } catch {
            try? reception.store.remove(stored.relativePath)
            log(.error, "the index cannot be written: \(error)", [:])
            throw StoreRefusal(
                status: error.isOutOfSpace ? .outOfResources : .processingFailure,
                comment: "the index cannot be written")
        }
    }

    private func refusal(_ error: ScanError) -> StoreRefusal {
        log(.warning, "data set refused: \(error)", [:])
        return StoreRefusal(
            status: error.isStructural ? .cannotUnderstand : .dataSetDoesNotMatchSOPClass,
            comment: String("\(error)".prefix(64)))
    }

    private func refusal(_ error: StorageError) -> StoreRefusal {
        log(.error, "not stored: \(error)", [:])
        return StoreRefusal(
            status: error.isOutOfSpace ? .outOfResources : .processingFailure,
            comment: error.isOutOfSpace ? "no space to store" : "storing failed")
    }

    private func log(_ level: Logger.Level, _ message: Logger.Message, _ more: Logger.Metadata) {
        var metadata: Logger.Metadata = [
            "sopInstanceUID": "\(request.affectedSOPInstanceUID)", "callingAETitle": "\(association.callingAETitle)",
            "association": "\(association.id)",
        ]
        metadata.merge(more) { _, new in new }
        reception.logger.log(level: level, message, metadata: metadata)
    }
}

/// What received instances share.
struct Reception: Sendable {
    var store: InstanceStore
    var index: StudyIndex
    var counters: Counters
    var logger: Logger
    /// Gives an inflater where the transfer syntax is a deflated one.
    var inflater: @Sendable (UID) -> (any Inflater)?
}

extension StoredFile {
    init(_ stored: Storage.StoredInstance) {
        self.init(
            path: stored.relativePath, epoch: stored.epoch, size: stored.size, headerDigest: stored.headerDigest,
            pixelDigest: stored.pixelDigest)
    }
}
