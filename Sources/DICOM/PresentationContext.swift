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

/// Which roles the requestor of an association takes for an abstract syntax (PS3.7 D.3.3.4).
package struct RoleSelection: Hashable, Sendable {
    package var isSCU: Bool
    package var isSCP: Bool

    package init(isSCU: Bool, isSCP: Bool) {
        self.isSCU = isSCU
        self.isSCP = isSCP
    }

    /// Where none is negotiated: the requestor is the SCU.
    package static let none = RoleSelection(isSCU: true, isSCP: false)
    /// The requestor is the SCP, as for an N-EVENT-REPORT that it brings (PS3.4 J.3.3).
    package static let onlySCP = RoleSelection(isSCU: false, isSCP: true)
}

/// A presentation context that both sides agreed on.
package struct PresentationContext: Hashable, Sendable {
    package var id: UInt8
    package var abstractSyntax: UID
    package var transferSyntax: UID
    /// Of the association's requestor.
    package var role: RoleSelection

    package init(id: UInt8, abstractSyntax: UID, transferSyntax: UID, role: RoleSelection = .none) {
        self.id = id
        self.abstractSyntax = abstractSyntax
        self.transferSyntax = transferSyntax
        self.role = role
    }
}
