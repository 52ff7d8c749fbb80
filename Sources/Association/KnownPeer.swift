// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM

/// What one calling AE title may do here.
package struct KnownPeer: Sendable, Hashable {
    package var aeTitle: AETitle
    /// Where it may call from; empty: anywhere.
    package var addresses: [AddressRange]
    package var services: Set<ServiceClass>
    /// Associations at once; nil: as many as there are places.
    package var maximumAssociations: Int?
    /// May take the places that are kept free of others.
    package var isUrgent: Bool
    /// We send to it, so that it may report on the storage commitment of what we sent, also on associations of its own
    /// (PS3.4 J.3.3).
    package var isDestination: Bool

    package init(
        aeTitle: AETitle, addresses: [AddressRange] = [], services: Set<ServiceClass> = Set(ServiceClass.allCases),
        maximumAssociations: Int? = nil, isUrgent: Bool = false, isDestination: Bool = false
    ) {
        self.aeTitle = aeTitle
        self.addresses = addresses
        self.services = services
        self.maximumAssociations = maximumAssociations
        self.isUrgent = isUrgent
        self.isDestination = isDestination
    }

    /// May have a context of this service: to use it; for the instances that it gets by C-GET; for the reports of a destination.
    /// What comes on the context is for its provider to judge, by `services`.
    func mayPropose(_ service: ServiceClass, _ role: RoleSelection?) -> Bool {
        if services.contains(service) { return true }
        return switch service {
        case .storage: role?.isSCP == true && services.contains(.retrieve)
        // With the SCP's role as it should, or without.
        case .storageCommitment: isDestination
        case .verification, .query, .retrieve, .performedProcedureStep, .instanceAvailability: false
        }
    }

    package func mayCall(from address: String) -> Bool {
        addresses.isEmpty || addresses.contains { $0.contains(address) }
    }
}
