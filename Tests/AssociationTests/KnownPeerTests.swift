// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM
import Support
import Testing

@testable import Association

@Suite struct KnownPeerTests {
    @Test(
        "an address belongs to a network of its own family, whatever the bits beyond the prefix",
        arguments: [
            ("10.0.0.7", "10.0.0.7", true), ("10.0.0.7", "10.0.0.8", false), ("10.0.0.0/24", "10.0.0.255", true),
            ("10.0.0.0/24", "10.0.1.0", false), ("10.0.0.128/25", "10.0.0.129", true),
            ("10.0.0.128/25", "10.0.0.127", false), ("10.16.0.0/12", "10.31.255.255", true),
            ("10.16.0.0/12", "10.32.0.0", false), ("0.0.0.0/0", "192.0.2.1", true), ("0.0.0.0/0", "::1", false),
            ("10.0.0.7/32", "10.0.0.7", true), ("::/0", "2001:db8::1", true), ("2001:db8::/32", "2001:db8:9::1", true),
            ("2001:db8::/32", "2001:db9::1", false), ("fe80::/10", "fe80::1%eth0", true),
            ("::1", "0:0:0:0:0:0:0:1", true),
            // RFC 4291 2.5.5.2
            ("10.0.0.0/8", "::ffff:10.1.2.3", true), ("::ffff:10.0.0.7", "10.0.0.7", true), ("10.0.0.7", "", false),
        ])
    func addresses(range: String, address: String, isInside: Bool) throws {
        #expect(try #require(AddressRange(range)).contains(address) == isInside)
    }

    @Test(
        "what is no address or network, or says two things at once, is none",
        arguments: [
            "", "ct1", "10.0.0", "10.0.0.7/24", "10.0.0.0/33", "10.0.0.0/", "10.0.0.0/-1", "10.0.0.0/+8",
            "10.0.0.0/8/8",
            "2001:db8::1/32", "2001:db8::/129", "10.0.0.256",
        ])
    func noAddresses(text: String) { #expect(AddressRange(text) == nil) }

    @Test(
        "an AE title means the equal entry, or the only one that differs in case",
        arguments: [
            ("CT1", ["CT1", "MR1"], "CT1"), ("ct1", ["CT1", "MR1"], "CT1"), (" Ct1\0", ["ct1"], "ct1"),
            ("ct1", ["CT1", "ct1"], "ct1"), ("Ct1", ["CT1", "ct1"], nil), ("CT", ["CT1"], nil), ("CT10", ["CT1"], nil),
        ] as [(String, [String], String?)])
    func titles(sent: String, known: [String], meant: String?) throws {
        let title = try #require(AETitle(sent))
        #expect(title.match(among: known.compactMap { AETitle($0) }, title: { $0 })?.string == meant)
    }

    private func policy(_ peers: [KnownPeer], offers: Set<ServiceClass> = Set(ServiceClass.allCases))
        -> AcceptancePolicy
    {
        AcceptancePolicy(
            calledAETitle: AETitle(literal: "TRIAGED"), peers: peers, strangers: nil, services: offers)
    }

    private static let services: [(UID, ServiceClass)] = [
        (UID(literal: "1.2.840.10008.1.1"), .verification), (UID(literal: "1.2.840.10008.5.1.4.1.1.2"), .storage),
        (UID(literal: "1.2.840.10008.1.20.1"), .storageCommitment),
        (UID(literal: "1.2.840.10008.5.1.4.1.2.2.1"), .query),
        (UID(literal: "1.2.840.10008.5.1.4.1.2.2.2"), .retrieve),
        (UID(literal: "1.2.840.10008.5.1.4.1.2.2.3"), .retrieve),
        (UID(literal: "1.2.840.10008.3.1.2.3.3"), .performedProcedureStep),
        (UID(literal: "1.2.840.10008.5.1.4.33"), .instanceAvailability),
    ]

    private func results(_ caller: KnownPeer, role: RoleSelection? = nil, _ policy: AcceptancePolicy? = nil)
        -> [PresentationContextAnswer.Result]
    {
        let policy = policy ?? self.policy([caller])
        return Self.services.map { uid, _ in
            let context = ProposedPresentationContext(
                id: 1, abstractSyntax: uid, transferSyntaxes: [TransferSyntax.implicitVRLittleEndian.uid])
            return policy.answer(to: context, for: caller, role: role).result
        }
    }

    @Test(
        "a context of a service that the peer may not use gets result 1, one that nobody may result 3",
        arguments: ServiceClass.allCases)
    func permission(service: ServiceClass) {
        let caller = KnownPeer(aeTitle: AETitle(literal: "CT1"), services: [service])
        #expect(
            results(caller)
                == Self.services.map { $0.1 == service ? .acceptance : .userRejection })
        let offered = policy([caller], offers: [])
        #expect(results(caller, offered).allSatisfy { $0 == .abstractSyntaxNotSupported })
    }

    private func results(_ caller: KnownPeer, _ policy: AcceptancePolicy) -> [PresentationContextAnswer.Result] {
        results(caller, role: nil, policy)
    }

    @Test("a destination may report on commitment and no more; who retrieves gets instances, and may not store")
    func exceptions() {
        let destination = KnownPeer(
            aeTitle: AETitle(literal: "PACS"), services: [.verification], isDestination: true)
        #expect(
            results(destination, role: .onlySCP)
                == Self.services.map {
                    [.verification, .storageCommitment].contains($0.1) ? .acceptance : .userRejection
                })
        let viewer = KnownPeer(aeTitle: AETitle(literal: "VIEWER"), services: [.query, .retrieve])
        #expect(results(viewer)[1] == .userRejection)
        #expect(results(viewer, role: RoleSelection(isSCU: false, isSCP: true))[1] == .acceptance)
        let policy = policy([viewer])
        let asked = [Self.services[1].0: RoleSelection(isSCU: true, isSCP: true)]
        #expect(policy.roles(answering: asked, for: viewer) == [Self.services[1].0: .onlySCP])
    }
}
