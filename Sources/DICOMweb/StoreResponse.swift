// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM
import Foundation

/// What an origin server says of an instance, in the DICOM JSON model (PS3.18 F, I.2.2). Pure.
enum StoreResponse {
    private static let failedSOPSequence = "00081198"
    private static let referencedSOPSequence = "00081199"
    private static let referencedSOPInstanceUID = "00081155"
    private static let failureReason = "00081197"
    private static let warningReason = "00081196"
    private static let sopInstanceUID = "00080018"

    /// 200: all are stored; 202: some are, or with warnings; 409: none is (PS3.18 Table 10.5.3-1). The body says which and why;
    /// without one, only 200 says enough.
    static func outcome(status: Int, body: [UInt8], of instance: UID) -> DICOMwebOutcome {
        guard [200, 202, 409].contains(status) else { return .answered(status: status) }
        let lists = dataSets(body)
        if let item = item(of: instance, in: failedSOPSequence, lists) {
            return .failed(number(failureReason, in: item).map(Status.init(rawValue:)) ?? .processingFailure)
        }
        if let item = item(of: instance, in: referencedSOPSequence, lists) {
            // Some servers state a warning of 0.
            let warning = number(warningReason, in: item).map(Status.init(rawValue:))
            return .stored(warning: warning == .success ? nil : warning)
        }
        return status == 200 ? .stored(warning: nil) : .answered(status: status)
    }

    static func search(status: Int, body: [UInt8], of instance: UID) -> DICOMwebOutcome {
        switch status {
        case 200:
            let isThere = dataSets(body).contains { values(sopInstanceUID, in: $0).first as? String == instance.string }
            return isThere ? .found : .notFound
        case 204: return .notFound
        default: return .answered(status: status)
        }
    }

    // MARK: DICOM JSON

    private static func dataSets(_ body: [UInt8]) -> [[String: Any]] {
        guard !body.isEmpty, let object = try? JSONSerialization.jsonObject(with: Data(body)) else { return [] }
        return object as? [[String: Any]] ?? (object as? [String: Any]).map { [$0] } ?? []
    }

    private static func values(_ tag: String, in dataSet: [String: Any]) -> [Any] {
        (dataSet[tag] as? [String: Any])?["Value"] as? [Any] ?? []
    }

    private static func item(of instance: UID, in sequence: String, _ lists: [[String: Any]]) -> [String: Any]? {
        lists.lazy.flatMap { values(sequence, in: $0) }.compactMap { $0 as? [String: Any] }.first {
            values(referencedSOPInstanceUID, in: $0).first as? String == instance.string
        }
    }

    private static func number(_ tag: String, in item: [String: Any]) -> UInt16? {
        guard let value = values(tag, in: item).first else { return nil }
        return (value as? Int).flatMap { UInt16(exactly: $0) } ?? (value as? String).flatMap { UInt16($0) }
    }
}
