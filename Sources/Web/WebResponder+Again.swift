// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM
import Foundation
import HTTPTypes
import Hummingbird
import Logging

/// What changes something: who may ask for it, and what a person asks the node to do once more.
extension WebResponder {
    /// Of requests from elsewhere than our page or a program, and of bodies that are not ours.
    func refusal(of request: Request) -> Response? {
        guard guardian.isSameOrigin(request.head) else {
            return .error(.forbidden, "only the worklist's own page may do this")
        }
        let type = request.headers[.contentType]?.split(separator: ";").first?.lowercased()
        guard type?.trimmingCharacters(in: .whitespaces) == "application/json" else {
            return .error(.unsupportedMediaType, "send JSON as application/json")
        }
        if let length = request.headers[.contentLength].flatMap({ Int($0) }), length > Self.maximumBody {
            return .error(.contentTooLarge, "at most \(Self.maximumBody) bytes")
        }
        return nil
    }

    func rerun(_ study: String, _ request: Request) async -> Response {
        if let refusal = refusal(of: request) { return refusal }
        guard let study = UID(study) else { return .error(.badRequest, "not a Study Instance UID") }
        do {
            switch try await within(Self.seconds, { try await needs.rerun(study) }) {
            case nil: return .error(.notFound, "no such study")
            case .refused(let reason): return .error(.conflict, reason)
            case .begun(let series):
                await feed.wakeAll()
                return .json(.ok, ["series": series])
            }
        } catch {
            logger.error("a new run was not begun", metadata: ["study": "\(study)", "error": "\(error)"])
            return .error(.serviceUnavailable, "the new run was not begun; see the node's log")
        }
    }

    /// Nil is all studies.
    func deliver(_ study: String?, _ request: Request) async -> Response {
        if let refusal = refusal(of: request) { return refusal }
        var asked: UID?
        if let study {
            asked = UID(study)
            if asked == nil { return .error(.badRequest, "not a Study Instance UID") }
        }
        do {
            guard let count = try await within(Self.seconds, { [asked] in try await needs.deliver(asked) }) else {
                return .error(.notFound, "no such study")
            }
            await feed.wakeAll()
            return .json(.ok, ["deliveries": count])
        } catch {
            logger.error("parked deliveries were not taken up", metadata: ["error": "\(error)"])
            return .error(.serviceUnavailable, "nothing was taken up; see the node's log")
        }
    }
}
