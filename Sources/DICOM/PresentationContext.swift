// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

/// A presentation context as a requestor proposes it (PS3.8 9.3.2.2). A nil UID stands for bytes that are no UID.
package struct ProposedPresentationContext: Hashable, Sendable {
    /// Odd, 1 to 255.
    package var id: UInt8
    package var abstractSyntax: UID?
    package var transferSyntaxes: [UID?]

    package init(id: UInt8, abstractSyntax: UID?, transferSyntaxes: [UID?]) {
        self.id = id
        self.abstractSyntax = abstractSyntax
        self.transferSyntaxes = transferSyntaxes
    }
}

/// The acceptor's answer to a proposed presentation context (PS3.8 9.3.3.2).
package struct PresentationContextAnswer: Hashable, Sendable {
    package enum Result: UInt8, Sendable {
        case acceptance = 0
        case userRejection = 1
        case noReason = 2
        case abstractSyntaxNotSupported = 3
        case transferSyntaxesNotSupported = 4
    }

    package var id: UInt8
    package var result: Result
    /// Nil unless accepted.
    package var transferSyntax: UID?

    package init(id: UInt8, result: Result, transferSyntax: UID?) {
        self.id = id
        self.result = result
        self.transferSyntax = transferSyntax
    }
}

/// A presentation context that both sides agreed on.
package struct PresentationContext: Hashable, Sendable {
    package var id: UInt8
    package var abstractSyntax: UID
    package var transferSyntax: UID

    package init(id: UInt8, abstractSyntax: UID, transferSyntax: UID) {
        self.id = id
        self.abstractSyntax = abstractSyntax
        self.transferSyntax = transferSyntax
    }
}
