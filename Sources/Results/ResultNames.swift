// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import Crypto
import DICOM
import Foundation

/// UIDs derived from everything that changes the bytes of the results (decision 9): one UID, one byte string.
struct ResultNames {
    private let seed: SHA256.Digest

    init(_ request: ResultRequest, _ frames: SegmentFrames) throws(ResultsError) {
        var named = request
        // Where the files lie does not change what is made of them.
        for index in named.source.instances.indices { named.source.instances[index].path = "" }
        for series in named.source.companions.indices {
            for index in named.source.companions[series].instances.indices {
                named.source.companions[series].instances[index].path = ""
            }
        }
        // Which kinds there are does not change what is in them: destinations share what they can.
        named.template = request.template.common
        // What was asked for, and could not be, changes nothing.
        named.template.segmentationForm = frames.form
        // Hashed below, as the masks are: JSON of a million numbers takes its time.
        named.explanations = named.explanations.map(\.summary)
        let encoder = JSONEncoder()
        encoder.outputFormatting = .sortedKeys
        guard let canonical = try? encoder.encode(named) else {
            throw .request("a number in it is not finite")
        }
        var hash = SHA256()
        hash.update(data: canonical)
        // A model need not find the same voxels twice: parallel sums are not reproducible.
        hash.update(data: Data(frames.frames.map { "\($0.segment ?? -1),\($0.slice);" }.joined().utf8))
        frames.pixelData.withUnsafeBytes { hash.update(bufferPointer: $0) }
        for explanation in request.explanations {
            explanation.map?.values.withUnsafeBytes { hash.update(bufferPointer: $0) }
        }
        seed = hash.finalize()
    }

    func uid(_ role: String) -> UID {
        var hash = SHA256()
        seed.withUnsafeBytes { hash.update(bufferPointer: $0) }
        hash.update(data: Data(role.utf8))
        return UID(nameBased: hash.finalize())
    }

    /// Of what has pixels of its own.
    func uid(_ role: String, of pixels: [UInt8]) -> UID {
        uid(role + " " + SHA256.hash(data: Data(pixels)).map { String($0, radix: 16) }.joined(separator: "."))
    }

    /// The Device UID of the algorithm: another one whenever the model or the program changes (IHE AIR 6.5.3.1).
    static func deviceUID(_ request: ResultRequest) -> UID {
        let parts = [
            "device", request.model.name, request.model.version, request.model.digest, request.codeVersion,
            request.equipment.deviceSerialNumber,
        ]
        return UID(nameBased: SHA256.hash(data: Data(parts.joined(separator: "\u{0}").utf8)))
    }
}

extension UID {
    /// `2.25.` and the decimal value of a version 8 UUID (RFC 9562 5.8) made of a digest (PS3.5 B.2).
    init(nameBased digest: SHA256.Digest) {
        var bytes = Array(digest.prefix(16))
        bytes[6] = bytes[6] & 0x0F | 0x80
        bytes[8] = bytes[8] & 0x3F | 0x80
        let value = bytes.reduce(into: UInt128(0)) { $0 = $0 << 8 | UInt128($1) }
        guard let uid = UID("2.25.\(value)") else { preconditionFailure("39 digits at most") }
        self = uid
    }
}
