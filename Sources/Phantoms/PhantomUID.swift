// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM

/// UIDs under 2.25 (PS3.5 B.2) that derive from a text, or are new each time.
struct PhantomUIDs {
    private let root: String

    init(_ choices: HeadCT) {
        self.init(choices, identity: choices.identity, isFresh: choices.hasFreshUIDs)
    }

    init(_ choices: some Sendable, identity: String?, isFresh: Bool) {
        if isFresh {
            root = "\(UInt64.random(in: .min ... .max))/\(UInt64.random(in: .min ... .max))"
        } else {
            // A struct of values describes itself the same way each time; it holds no set or dictionary.
            root = identity ?? "\(choices)"
        }
    }

    func uid(_ role: String, _ index: Int = 0) -> UID {
        // FNV-1a over 128 bits: distinct names give distinct UIDs; nothing here needs secrecy.
        var hash: UInt128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d
        for byte in "triaged/phantom/\(root)/\(role)/\(index)".utf8 {
            hash ^= UInt128(byte)
            hash &*= 0x0000_0000_0100_0000_0000_0000_0000_013B
        }
        // A name-based UUID's version (8, RFC 9562 5.8) and variant.
        hash = hash & ~(UInt128(0xF) << 76) | UInt128(8) << 76
        hash = hash & ~(UInt128(0x3) << 62) | UInt128(2) << 62
        guard let uid = UID("2.25.\(hash)") else { preconditionFailure("a 128-bit number fits a UID") }
        return uid
    }
}
