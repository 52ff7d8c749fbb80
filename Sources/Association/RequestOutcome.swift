// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM

/// What became of a request to a peer. The cases differ in what may have happened over there.
package enum RequestOutcome<Answer: Sendable>: Sendable {
    /// The peer answered, well or not: see the answer's status.
    case answered(Answer)
    /// No association, and nothing was sent.
    case failed(RequestFailure)
    /// The request went out, perhaps not all of it, and no answer was seen: the peer may or may not have carried it out.
    case unanswered(reason: String)
}

extension RequestOutcome: Equatable where Answer: Equatable {}

/// Why a request certainly had no effect at the peer.
package enum RequestFailure: Error, Sendable, Equatable, CustomStringConvertible {
    /// No connection, or one that ended before the association was established.
    case notConnected(reason: String)
    case rejected(Rejection)
    /// The peer accepted the association without a presentation context for this.
    case contextNotAccepted(abstractSyntax: UID, transferSyntax: UID?)
    /// The association had ended before this request began.
    case associationEnded(reason: String)
    /// Something of ours: the file cannot be read, or the call makes no sense.
    case local(reason: String)

    /// True where trying again later, unchanged, may succeed.
    package var isTransient: Bool {
        switch self {
        case .notConnected, .associationEnded: true
        case .rejected(let rejection): rejection.isTransient
        case .contextNotAccepted, .local: false
        }
    }

    package var description: String {
        switch self {
        case .notConnected(let reason): "not connected: \(reason)"
        case .rejected(let rejection): "association \(rejection)"
        case .contextNotAccepted(let abstractSyntax, let transferSyntax):
            "the peer accepts no presentation context for \(abstractSyntax)"
                + (transferSyntax.map { " in transfer syntax \($0)" } ?? "")
        case .associationEnded(let reason): "association ended: \(reason)"
        case .local(let reason): reason
        }
    }
}

/// A response's Status (0000,0900) and Error Comment (0000,0902).
package struct StatusAnswer: Sendable, Equatable {
    package var status: Status
    package var errorComment: String?

    package init(status: Status, errorComment: String? = nil) {
        self.status = status
        self.errorComment = errorComment
    }
}

/// What a C-FIND for one instance said.
package enum FindAnswer: Sendable, Equatable {
    case found
    case notFound
    /// The peer answered with a failure: it is unknown whether it holds the instance.
    case refused(StatusAnswer)
}
