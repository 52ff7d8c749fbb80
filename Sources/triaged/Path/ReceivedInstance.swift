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
    private let claim: SpaceReserve.Claim

    init(reception: Reception, request: StoreRequest, association: AssociationInfo) throws(StoreRefusal) {
        guard reception.index.isRecording else {
            reception.counters.refused(.outOfResources)
            throw StoreRefusal(status: .outOfResources, comment: "the index cannot be written")
        }
        guard let claim = reception.reserve.claim(isUrgent: association.caller.isUrgent) else {
            reception.counters.refused(.outOfResources)
            throw StoreRefusal(status: .outOfResources, comment: "the store is full")
        }
        self.claim = claim
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
        guard claim.mayGrow(by: bytes.count) else {
            log(.error, "not stored: it would take the reserve of the store")
            throw StoreRefusal(status: .outOfResources, comment: "the store is full")
        }
        do throws(StorageError) {
            try writer.append(bytes, pixelDataOffset: scan.pixelDataOffset)
        } catch { throw refusal(error) }
    }

    func abandon() { writer.abandon() }

    func finish() -> StoreAnswer {
        do throws(StoreRefusal) {
            CrashPoint.reach(.instanceReceived)
            let header = try self.header()
            let durable = try self.durable()
            CrashPoint.reach(.fileStored)
            try record(header, durable)
            reception.counters.received(bytes: durable.size)
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

    private func durable() throws(StoreRefusal) -> DurableInstance {
        do throws(StorageError) { return try writer.makeDurable() } catch { throw refusal(error) }
    }

    /// Digests and row follow behind the answer: the file alone makes the row certain to come (decision 1).
    private func record(_ header: InstanceHeader, _ durable: DurableInstance) throws(StoreRefusal) {
        let path = durable.relativePath
        let keeper = RowKeeper(reception: reception, path: path, metadata: metadata)
        do throws(IndexError) {
            try reception.index.recordBehind(
                epoch: durable.epoch, association: association.id, callingAETitle: association.callingAETitle,
                make: { (header, StoredFile(durable.stored())) }, done: { keeper.recorded($0) })
        } catch {
            try? reception.store.remove(path)
            reception.logger.error("the index cannot be written: \(error)", metadata: metadata)
            throw StoreRefusal(
                status: error.isOutOfSpace ? .outOfResources : .processingFailure,
                comment: "the index cannot be written")
        }
    }

    private func refusal(_ error: ScanError) -> StoreRefusal {
        log(.warning, "data set refused: \(error)")
        return StoreRefusal(
            status: error.isStructural ? .cannotUnderstand : .dataSetDoesNotMatchSOPClass,
            comment: String("\(error)".prefix(64)))
    }

    private func refusal(_ error: StorageError) -> StoreRefusal {
        log(.error, "not stored: \(error)")
        return StoreRefusal(
            status: error.isOutOfSpace ? .outOfResources : .processingFailure,
            comment: error.isOutOfSpace ? "no space to store" : "storing failed")
    }

    private func log(_ level: Logger.Level, _ message: Logger.Message) {
        reception.logger.log(level: level, message, metadata: metadata)
    }

    private var metadata: Logger.Metadata {
        [
            "sopInstanceUID": "\(request.affectedSOPInstanceUID)", "callingAETitle": "\(association.callingAETitle)",
            "association": "\(association.id)",
        ]
    }
}

/// What is done about an instance once its row tells whether it was known.
private struct RowKeeper: Sendable {
    let reception: Reception
    let path: String
    let metadata: Logger.Metadata

    func recorded(_ result: Result<RecordOutcome, IndexError>) {
        switch result {
        case .success(.new), .success(.coercedCopy), .success(.returned): break
        case .success(.duplicate):
            reception.counters.duplicate()
            try? reception.store.remove(path)
        case .success(.restored(let lost)):
            log(
                .error, "a stored file was missing or damaged; the copy sent again has taken its place",
                ["path": "\(lost)"])
        case .success(.transcodedCopyPending): log(.notice, "the instance came again in another transfer syntax")
        case .success(.conflict(let reason)):
            log(
                .error, "the instance came again and differs: analysis of its study is blocked",
                ["reason": "\(reason)"])
        case .failure(let error):
            log(
                .error,
                "the index cannot be written: \(error); the instance is safe, and its row is written \(error.isTransient ? "later" : "by the next start")"
            )
        }
        if case .success = result { CrashPoint.reach(.rowWritten) }
    }

    private func log(_ level: Logger.Level, _ message: Logger.Message, _ more: Logger.Metadata = [:]) {
        reception.logger.log(level: level, message, metadata: metadata.merging(more) { _, new in new })
    }
}

/// What received instances share.
struct Reception: Sendable {
    var store: InstanceStore
    var reserve: SpaceReserve
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
