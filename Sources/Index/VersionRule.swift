// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM

/// What is compared when a SOP Instance UID comes again (decision 15).
struct VersionFacts: Sendable {
    var studyInstanceUID: String
    var seriesInstanceUID: String
    var sopClassUID: String
    var transferSyntaxUID: String
    var identity: PatientIdentity
    var headerDigest: [UInt8]
    var pixelDigest: [UInt8]?
    var hasPixelData: Bool
}

/// How a kept file stands to the first file of its SOP Instance UID.
package enum InstanceVersion: String, Sendable, Codable {
    case first
    /// Same identity and pixels, another header.
    case coerced
    /// Same identity; another encoding of what a worker found to be the same pixels.
    case transcoded
    /// Same identity; whether the pixels are the same is not known yet.
    case uncompared
    /// Another identity or other pixels under the same UID.
    case conflict
}

enum VersionDecision: Equatable, Sendable {
    case duplicate(index: Int)
    /// `differing` is the keyword of the attribute in conflict.
    case keep(InstanceVersion, differing: String = "")

    /// Native encodings: there, other bytes of Pixel Data are other pixels. In a compressed syntax they may be the same
    /// pixels from another encoder, and a worker has to look.
    private static let native: Set<String> = ["1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.2"]

    /// `existing` in arrival order, the first one first.
    static func of(_ new: VersionFacts, among existing: [(facts: VersionFacts, version: InstanceVersion)])
        -> VersionDecision
    {
        guard let first = existing.first?.facts else { return .keep(.first) }
        for (index, other) in existing.enumerated()
        where other.facts.transferSyntaxUID == new.transferSyntaxUID && other.facts.headerDigest == new.headerDigest
            && other.facts.pixelDigest == new.pixelDigest
        {
            return .duplicate(index: index)
        }
        if first.studyInstanceUID != new.studyInstanceUID { return .keep(.conflict, differing: "StudyInstanceUID") }
        if first.seriesInstanceUID != new.seriesInstanceUID { return .keep(.conflict, differing: "SeriesInstanceUID") }
        if first.sopClassUID != new.sopClassUID { return .keep(.conflict, differing: "SOPClassUID") }
        if let keyword = IdentityComparison(first.identity, new.identity).disagreements.first {
            return .keep(.conflict, differing: keyword)
        }
        if first.hasPixelData != new.hasPixelData { return .keep(.conflict, differing: "PixelData") }
        if !new.hasPixelData { return .keep(.coerced) }
        if new.pixelDigest != nil,
            let twin = existing.first(where: {
                $0.facts.transferSyntaxUID == new.transferSyntaxUID && $0.facts.pixelDigest == new.pixelDigest
            })
        {
            switch twin.version {
            case .first, .coerced: return .keep(.coerced)
            case .transcoded: return .keep(.transcoded)
            case .uncompared: return .keep(.uncompared)
            // A twin in conflict over its identity may still have the right pixels: they are compared with the first's.
            case .conflict: break
            }
        }
        if first.transferSyntaxUID == new.transferSyntaxUID, native.contains(new.transferSyntaxUID),
            first.pixelDigest != nil, new.pixelDigest != nil
        {
            return .keep(.conflict, differing: "PixelData")
        }
        return .keep(.uncompared)
    }
}
