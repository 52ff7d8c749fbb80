// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

/// Why an association was rejected: the three fields of an A-ASSOCIATE-RJ (PS3.8 9.3.4).
package struct Rejection: Hashable, Sendable, CustomStringConvertible {
    /// 1 permanent, 2 transient.
    package var result: UInt8
    /// 1 service user, 2 service provider (ACSE), 3 service provider (presentation).
    package var source: UInt8
    package var reason: UInt8

    package init(result: UInt8, source: UInt8, reason: UInt8) {
        self.result = result
        self.source = source
        self.reason = reason
    }

    package static let noReason = Rejection(result: 1, source: 1, reason: 1)
    package static let applicationContextNotSupported = Rejection(result: 1, source: 1, reason: 2)
    package static let callingAETitleNotRecognized = Rejection(result: 1, source: 1, reason: 3)
    package static let calledAETitleNotRecognized = Rejection(result: 1, source: 1, reason: 7)
    package static let malformedRequest = Rejection(result: 1, source: 2, reason: 1)
    package static let protocolVersionNotSupported = Rejection(result: 1, source: 2, reason: 2)
    package static let temporaryCongestion = Rejection(result: 2, source: 3, reason: 1)
    package static let localLimitExceeded = Rejection(result: 2, source: 3, reason: 2)

    /// True where the same request may succeed later.
    package var isTransient: Bool { result == 2 }

    package var description: String {
        let words =
            switch (source, reason) {
            case (1, 1): "no reason given"
            case (1, 2): "application context name not supported"
            case (1, 3): "calling AE title not recognized"
            case (1, 7): "called AE title not recognized"
            case (2, 1): "no reason given by the upper layer"
            case (2, 2): "protocol version not supported"
            case (3, 1): "temporary congestion"
            case (3, 2): "local limit exceeded"
            default: "source \(source), reason \(reason)"
            }
        return "rejected \(isTransient ? "transiently" : "permanently"): \(words)"
    }
}
