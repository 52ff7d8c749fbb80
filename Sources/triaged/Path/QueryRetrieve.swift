// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import Association
import DICOM
import Index
import Logging
import Storage

/// What other systems may find in this node and fetch from it: all that it keeps, its own results included.
struct QueryRetrieve: Sendable {
    let index: StudyIndex
    let store: InstanceStore
    let configuration: Configuration
    let credentials: TLSCredentials?
    let logger: Logger

    var query: QueryNeeds {
        QueryNeeds { query, association throws(QueryRefusal) in
            let title = configuration.aeTitle
            do throws(IndexError) {
                return Answers(query: query, cursor: try index.find(query), retrieveAETitle: title, logger: logger)
            } catch { throw refusal(error, association) }
        }
    }

    var retrieve: RetrieveNeeds {
        RetrieveNeeds(
            instances: { query, association throws(QueryRefusal) in
                do throws(IndexError) {
                    return try index.instances(retrieving: query).map { instance in
                        Association.StoredInstance(
                            // A path that is none fails its own sub-operation.
                            path: (try? store.absolutePath(of: instance.path)) ?? "",
                            sopClassUID: instance.sopClassUID, sopInstanceUID: instance.sopInstanceUID,
                            transferSyntaxUID: instance.transferSyntaxUID)
                    }
                } catch { throw refusal(error, association) }
            },
            destination: { title in
                var requestor = configuration.requestor(to: title, credentials: credentials)
                // Somebody waits for the images, and the requestor can ask again.
                requestor?.timeouts.response = .seconds(60)
                return requestor
            },
            ended: { report, association in
                var metadata: Logger.Metadata = [
                    "association": "\(association.id)", "callingAETitle": "\(association.callingAETitle)",
                    "status": "\(report.status)", "completed": "\(report.completed)", "failed": "\(report.failed)",
                    "warning": "\(report.warning)",
                ]
                if let destination = report.destination { metadata["destination"] = "\(destination)" }
                let level: Logger.Level = report.failed > 0 ? .warning : .info
                logger.log(level: level, "retrieved\(report.comment.map { ": \($0)" } ?? "")", metadata: metadata)
            })
    }

    private func refusal(_ error: IndexError, _ association: AssociationInfo) -> QueryRefusal {
        logger.error(
            "a query was not answered: \(error)",
            metadata: ["association": "\(association.id)", "callingAETitle": "\(association.callingAETitle)"])
        return .of(error)
    }

    private final class Answers: QueryAnswers {
        private let query: Query
        private let cursor: QueryCursor
        private let retrieveAETitle: AETitle
        private let logger: Logger

        init(query: Query, cursor: QueryCursor, retrieveAETitle: AETitle, logger: Logger) {
            self.query = query
            self.cursor = cursor
            self.retrieveAETitle = retrieveAETitle
            self.logger = logger
        }

        func next() throws(QueryRefusal) -> [[DataElement]]? {
            do throws(IndexError) {
                return try cursor.next()?.map { query.identifier(of: $0, retrieveAETitle: retrieveAETitle) }
            } catch {
                logger.error("a query was not answered to its end: \(error)")
                throw .of(error)
            }
        }
    }
}

extension QueryRefusal {
    /// PS3.4 C.4.1.1.4: A700 where it may work later, C001 otherwise.
    static func of(_ error: IndexError) -> QueryRefusal {
        error.isTransient
            ? QueryRefusal(.outOfResources, "the index is busy")
            : QueryRefusal(.unableToProcess, "the index cannot be read")
    }
}
