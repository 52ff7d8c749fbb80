// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM

/// Who may associate, and for what (decision 19).
package struct AcceptancePolicy: Sendable {
    /// The called AE title that we answer to; nil answers to any.
    package var calledAETitle: AETitle?
    /// The calling AE titles that may associate; nil lets any.
    package var callingAETitles: Set<AETitle>?
    /// Private storage SOP classes that are accepted beside the standard's.
    package var privateStorageSOPClasses: Set<UID>
    /// What the node offers.
    package var services: Set<ServiceClass>

    package init(
        calledAETitle: AETitle?, callingAETitles: Set<AETitle>?, privateStorageSOPClasses: Set<UID> = [],
        services: Set<ServiceClass> = [.verification, .storage]
    ) {
        self.services = services
        self.calledAETitle = calledAETitle
        self.callingAETitles = callingAETitles
        self.privateStorageSOPClasses = privateStorageSOPClasses
    }

    /// Nil where the association is accepted. In the order in which PS3.8 9.3.4 lists the reasons.
    func rejection(of request: AssociateRequest) -> (rejection: Rejection, reason: String)? {
        guard request.isVersionSupported else {
            return (.protocolVersionNotSupported, "the request names no supported protocol version")
        }
        guard request.applicationContextName == AssociatePDU.applicationContextName else {
            return (.applicationContextNotSupported, "the request names another application context than DICOM's")
        }
        guard let calling = request.callingAETitle, callingAETitles?.contains(calling) ?? true else {
            return (.callingAETitleNotRecognized, "the calling AE title is not among the peers")
        }
        guard let called = request.calledAETitle, calledAETitle == nil || called == calledAETitle else {
            return (.calledAETitleNotRecognized, "the peer calls another AE title than ours")
        }
        return nil
    }

    /// Of the transfer syntaxes proposed for a context, the first that this node carries, in the requestor's order; Explicit VR
    /// Big Endian, retired (PS3.5 A.3), only where there is no other.
    func answer(to context: ProposedPresentationContext) -> PresentationContextAnswer {
        guard let abstractSyntax = context.abstractSyntax, accepts(abstractSyntax) else {
            return PresentationContextAnswer(id: context.id, result: .abstractSyntaxNotSupported, transferSyntax: nil)
        }
        let carried = context.transferSyntaxes.compactMap { $0.flatMap(TransferSyntax.init(uid:)) }
        guard let chosen = carried.first(where: { !$0.isBigEndian }) ?? carried.first else {
            return PresentationContextAnswer(id: context.id, result: .transferSyntaxesNotSupported, transferSyntax: nil)
        }
        return PresentationContextAnswer(id: context.id, result: .acceptance, transferSyntax: chosen.uid)
    }

    /// The requestor keeps its part of SCU, and gets that of SCP where it wants instances from us (C-GET, PS3.4 C.5.3).
    func roles(answering proposed: [UID: RoleSelection]) -> [UID: RoleSelection] {
        var answered: [UID: RoleSelection] = [:]
        for (sopClass, role) in proposed {
            guard let service = service(of: sopClass), services.contains(service) else { continue }
            answered[sopClass] = RoleSelection(
                isSCU: role.isSCU, isSCP: role.isSCP && service == .storage && services.contains(.retrieve))
        }
        return answered
    }

    func service(of abstractSyntax: UID) -> ServiceClass? {
        ServiceClass(sopClass: abstractSyntax) ?? (isStorage(abstractSyntax) ? .storage : nil)
    }

    func isStorage(_ sopClass: UID) -> Bool {
        StorageSOPClasses.contains(sopClass) || privateStorageSOPClasses.contains(sopClass)
    }

    private func accepts(_ abstractSyntax: UID) -> Bool {
        service(of: abstractSyntax).map(services.contains) ?? false
    }
}
