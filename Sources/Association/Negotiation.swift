// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM

/// Who may associate, and for what (decision 19).
package struct AcceptancePolicy: Sendable {
    /// The called AE title that we answer to; nil answers to any.
    package var calledAETitle: AETitle?
    package var peers: [KnownPeer]
    /// What callers that are not among the peers may do; nil rejects them.
    package var strangers: Set<ServiceClass>?
    /// Private storage SOP classes that are accepted beside the standard's.
    package var privateStorageSOPClasses: Set<UID>
    /// What the node offers.
    package var services: Set<ServiceClass>
    /// Destinations may bring their reports of storage commitment, whether the node commits to anything or not.
    package var takesReports = false

    package init(
        calledAETitle: AETitle?, peers: [KnownPeer], strangers: Set<ServiceClass>?,
        privateStorageSOPClasses: Set<UID> = [], services: Set<ServiceClass> = [.verification, .storage]
    ) {
        self.calledAETitle = calledAETitle
        self.peers = peers
        self.strangers = strangers
        self.privateStorageSOPClasses = privateStorageSOPClasses
        self.services = services
    }

    /// Peers that may do all that is offered, from anywhere; nil lets anybody.
    package init(
        calledAETitle: AETitle?, callingAETitles: Set<AETitle>?, privateStorageSOPClasses: Set<UID> = [],
        services: Set<ServiceClass> = [.verification, .storage]
    ) {
        self.init(
            calledAETitle: calledAETitle, peers: (callingAETitles ?? []).map { KnownPeer(aeTitle: $0) },
            strangers: callingAETitles == nil ? Set(ServiceClass.allCases) : nil,
            privateStorageSOPClasses: privateStorageSOPClasses, services: services)
    }

    /// Why an association is rejected.
    struct Rebuff: Error {
        var kind: AssociationRefusal.Kind
        var rejection: Rejection
        var reason: String
    }

    /// Who calls. The reasons against it are in the order in which PS3.8 9.3.4 lists them.
    func caller(of request: AssociateRequest, from address: String) throws(Rebuff) -> KnownPeer {
        guard request.isVersionSupported else {
            throw Rebuff(
                kind: .protocolVersion, rejection: .protocolVersionNotSupported,
                reason: "the request names no supported protocol version")
        }
        guard request.applicationContextName == AssociatePDU.applicationContextName else {
            throw Rebuff(
                kind: .malformed, rejection: .applicationContextNotSupported,
                reason: "the request names another application context than DICOM's")
        }
        let title = request.callingText.isEmpty ? "" : " \(request.callingText)"
        guard let calling = request.callingAETitle, let caller = caller(calling) else {
            throw Rebuff(
                kind: .unknownCallingAETitle, rejection: .callingAETitleNotRecognized,
                reason: title.isEmpty
                    ? "empty calling AE title from \(address)" : "unknown calling AE title\(title) from \(address)")
        }
        guard caller.mayCall(from: address) else {
            // PS3.8 has no reason that is nearer.
            throw Rebuff(
                kind: .address, rejection: .callingAETitleNotRecognized,
                reason: "calling AE title\(title) from \(address), which is not among its addresses")
        }
        guard let called = request.calledAETitle, calledAETitle.map({ called.isMeant(by: $0) }) ?? true else {
            throw Rebuff(
                kind: .calledAETitle, rejection: .calledAETitleNotRecognized,
                reason: (request.calledText.isEmpty
                    ? "empty called AE title" : "wrong called AE title \(request.calledText)")
                    + ", called by\(title) from \(address)")
        }
        return caller
    }

    private func caller(_ calling: AETitle) -> KnownPeer? {
        calling.match(among: peers, title: \.aeTitle) ?? strangers.map { KnownPeer(aeTitle: calling, services: $0) }
    }

    /// True for an address from which, as far as it is configured, an urgent peer may call: before its request is read, nothing
    /// else is known of it.
    func isUrgent(address: String) -> Bool {
        peers.contains { $0.isUrgent && !$0.addresses.isEmpty && $0.mayCall(from: address) }
    }

    /// Of the transfer syntaxes proposed for a context, the first that this node carries, in the requestor's order; Explicit VR
    /// Big Endian, retired (PS3.5 A.3), only where there is no other. Without a caller, as for one that may do anything.
    func answer(
        to context: ProposedPresentationContext, for caller: KnownPeer? = nil, role: RoleSelection? = nil
    ) -> PresentationContextAnswer {
        guard let abstractSyntax = context.abstractSyntax, let service = service(of: abstractSyntax),
            isOffered(service, to: caller)
        else {
            return PresentationContextAnswer(id: context.id, result: .abstractSyntaxNotSupported, transferSyntax: nil)
        }
        guard caller?.mayPropose(service, role) ?? true else {
            return PresentationContextAnswer(id: context.id, result: .userRejection, transferSyntax: nil)
        }
        var carried = context.transferSyntaxes.compactMap { $0.flatMap(TransferSyntax.init(uid:)) }
        // Identifiers, and the data sets of DIMSE-N, are read and written without a codec.
        if service != .storage, service != .verification {
            carried.removeAll { $0.isEncapsulated || $0.isBigEndian || $0.encoding == .deflated }
        }
        guard let chosen = carried.first(where: { !$0.isBigEndian }) ?? carried.first else {
            return PresentationContextAnswer(id: context.id, result: .transferSyntaxesNotSupported, transferSyntax: nil)
        }
        return PresentationContextAnswer(id: context.id, result: .acceptance, transferSyntax: chosen.uid)
    }

    /// The requestor keeps its part of SCU, as far as it may use the service, and gets that of SCP where it wants instances from
    /// us (C-GET, PS3.4 C.5.3) or brings a report.
    func roles(answering proposed: [UID: RoleSelection], for caller: KnownPeer? = nil) -> [UID: RoleSelection] {
        var answered: [UID: RoleSelection] = [:]
        for (sopClass, role) in proposed {
            guard let service = service(of: sopClass), isOffered(service, to: caller),
                caller?.mayPropose(service, role) ?? true
            else { continue }
            answered[sopClass] = RoleSelection(
                isSCU: role.isSCU && services.contains(service) && caller?.services.contains(service) ?? true,
                isSCP: role.isSCP && mayServe(service, caller))
        }
        return answered
    }

    private func isOffered(_ service: ServiceClass, to caller: KnownPeer?) -> Bool {
        services.contains(service) || (service == .storageCommitment && brings(caller))
    }

    private func brings(_ caller: KnownPeer?) -> Bool { takesReports && caller?.isDestination ?? false }

    private func mayServe(_ service: ServiceClass, _ caller: KnownPeer?) -> Bool {
        switch service {
        case .storage: services.contains(.retrieve) && caller?.services.contains(.retrieve) ?? true
        // The reports of a destination (PS3.4 J.3.3).
        case .storageCommitment: brings(caller)
        case .verification, .query, .retrieve, .performedProcedureStep, .instanceAvailability: false
        }
    }

    /// What is worth telling of the answers: services that this caller may not use, or that nothing was accepted. An association
    /// without a context is lawful (PS3.8 7.1.1.13), and of no use.
    func refusal(
        of proposed: [ProposedPresentationContext], _ answers: [PresentationContextAnswer], on info: AssociationInfo
    ) -> AssociationRefusal? {
        var forbidden: Set<ServiceClass> = []
        for (context, answer) in zip(proposed, answers) where answer.result == .userRejection {
            if let service = context.abstractSyntax.flatMap(service(of:)) { forbidden.insert(service) }
        }
        let nothing = answers.allSatisfy { $0.result != .acceptance }
        if !forbidden.isEmpty {
            let words = forbidden.map(\.rawValue).sorted().joined(separator: ", ")
            return info.refusal(
                .service,
                reason:
                    "\(info.callingAETitle) may not use \(words) here\(nothing ? ", and asks for nothing that it may" : "")"
            )
        }
        guard nothing else { return nil }
        let unknown = zip(proposed, answers).filter { $0.1.result == .abstractSyntaxNotSupported }
            .map { $0.0.abstractSyntax?.string ?? "no UID" }
        let shown = Set(unknown).sorted().prefix(3).joined(separator: ", ")
        return info.refusal(
            .noContext,
            reason: "no presentation context of \(proposed.count) accepted: "
                + (unknown.isEmpty ? "no transfer syntax that this node carries" : "\(shown) is not offered here"))
    }

    func service(of abstractSyntax: UID) -> ServiceClass? {
        ServiceClass(sopClass: abstractSyntax) ?? (isStorage(abstractSyntax) ? .storage : nil)
    }

    func isStorage(_ sopClass: UID) -> Bool {
        StorageSOPClasses.contains(sopClass) || privateStorageSOPClasses.contains(sopClass)
    }
}
