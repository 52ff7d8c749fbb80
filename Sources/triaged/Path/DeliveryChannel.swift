// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM
import Delivery
import Index

/// How objects come to one destination: DIMSE or DICOMweb. Used by one thread; its calls block, with deadlines.
protocol DeliveryRoute {
    /// For what is to be sent, or asked for. Throws where nothing can be sent now.
    func open(for deliveries: [Delivery]) throws(RouteFailure) -> any DeliveryChannel
}

/// Why a destination is not reached, in words of ours.
struct RouteFailure: Error {
    var words: String
    /// False where only an administrator can mend it.
    var isTransient: Bool
}

/// A destination that is reached, as long as it lasts.
protocol DeliveryChannel {
    func store(_ delivery: Delivery, path: String) -> Outcome
    func find(_ delivery: Delivery) -> Outcome
    /// Asks for storage commitment. The report is another's business.
    func commit(_ request: CommitmentRequest) -> Outcome
    /// Waits a moment for a report; false once none can come here any more.
    func awaitReport(seconds: Double) -> Bool
    func close()
}
