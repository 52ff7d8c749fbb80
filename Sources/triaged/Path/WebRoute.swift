// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM
import DICOMweb
import Delivery
import Index

/// DICOMweb: STOW-RS, and QIDO-RS for the proof. There is no storage commitment.
struct WebRoute: DeliveryRoute {
    let client: DICOMwebClient

    /// Connections are the client's business; nothing is known before the first request.
    func open(for deliveries: [Delivery]) throws(RouteFailure) -> any DeliveryChannel { WebChannel(client: client) }
}

/// Where the client cannot be made: certificates may be mended while the node runs.
struct UnusableRoute: DeliveryRoute {
    let words: String

    func open(for deliveries: [Delivery]) throws(RouteFailure) -> any DeliveryChannel {
        throw RouteFailure(words: words, isTransient: false)
    }
}

struct WebChannel: DeliveryChannel {
    let client: DICOMwebClient

    func store(_ delivery: Delivery, path: String) -> Outcome {
        Outcome(
            client.store(
                path: path, sopInstanceUID: delivery.sopInstanceUID))
    }

    func find(_ delivery: Delivery) -> Outcome {
        Outcome(
            client.find(
                studyInstanceUID: delivery.studyInstanceUID, seriesInstanceUID: delivery.resultSeriesInstanceUID,
                sopInstanceUID: delivery.sopInstanceUID))
    }

    func commit(_ request: CommitmentRequest) -> Outcome { .contextNotAccepted("DICOMweb has no storage commitment") }
    func awaitReport(seconds: Double) -> Bool { false }
    func close() {}
}

extension Outcome {
    init(_ outcome: DICOMwebOutcome) {
        switch outcome {
        case .stored(let warning): self = .status(warning ?? .success, comment: "")
        case .failed(let reason): self = .status(reason, comment: "")
        case .found: self = .found
        case .notFound: self = .notFound
        case .notConnected(let words): self = .notConnected(words)
        case .unanswered(let words): self = .responseUnseen(words)
        case .answered(let status): self = Self.answered(status)
        }
    }

    /// RFC 9110 15, PS3.18 Table 10.5.3-1.
    private static func answered(_ status: Int) -> Outcome {
        switch status {
        case 401, 403:
            .rejected(isPermanent: true, words: "HTTP \(status): the server does not let the node in; see its token")
        case 404, 405, 501: .contextNotAccepted("HTTP \(status): the server does not offer this here")
        case 408, 425, 429: .rejected(isPermanent: false, words: "HTTP \(status): the server asks to try again later")
        case 500...599: .rejected(isPermanent: false, words: "HTTP \(status): the server failed")
        case 300...399: .rejected(isPermanent: true, words: "HTTP \(status): redirects are not followed; see url")
        case 400...499: .contextNotAccepted("HTTP \(status): the server refused the object")
        default: .responseUnseen("HTTP \(status) without a word on the object")
        }
    }
}
