// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM

/// What a peer may ask of the node as an SCP, by the words of the configuration.
package enum ServiceClass: String, Sendable, CaseIterable {
    case verification, storage, storageCommitment
    /// C-FIND, and C-MOVE with C-GET: two rights, for the second gives images away.
    case query, retrieve
    case performedProcedureStep, instanceAvailability

    /// PS3.4: A.4, C.6.1, C.6.2, F.7, J.3, R.3. Storage is not here: its classes are many, and configured.
    private static let sopClasses: [String: ServiceClass] = [
        "1.2.840.10008.1.1": .verification,
        "1.2.840.10008.1.20.1": .storageCommitment,
        "1.2.840.10008.5.1.4.1.2.1.1": .query, "1.2.840.10008.5.1.4.1.2.2.1": .query,
        "1.2.840.10008.5.1.4.1.2.1.2": .retrieve, "1.2.840.10008.5.1.4.1.2.2.2": .retrieve,
        "1.2.840.10008.5.1.4.1.2.1.3": .retrieve, "1.2.840.10008.5.1.4.1.2.2.3": .retrieve,
        "1.2.840.10008.3.1.2.3.3": .performedProcedureStep,
        "1.2.840.10008.5.1.4.33": .instanceAvailability,
    ]

    /// Nil where the abstract syntax belongs to none of these, or to Storage.
    init?(sopClass: UID) {
        guard let known = Self.sopClasses[sopClass.string] else { return nil }
        self = known
    }
}

/// Answers the requests of one service class on one association. Made for it, and used by its thread only.
protocol ServiceProvider {
    /// The command has been read, its data set not. When this returns, the next message can be read.
    func answer(_ command: CommandSet, on context: PresentationContext, over stream: MessageStream) throws(Ending)

    /// True while the node may have a request of its own for the peer: the wait for the next message is then cut in slices.
    var maySpeak: Bool { get }
    /// The peer has been silent for a moment. Must not wait for a response: `take` gets it.
    func speak(over stream: MessageStream) throws(Ending)
    /// A response; false where it answers nothing that this provider asked, and nothing has been read of its data set.
    func take(_ response: CommandSet, on context: PresentationContext, over stream: MessageStream) throws(Ending)
        -> Bool
    /// The association is over, however.
    func ended()
}

extension ServiceProvider {
    var maySpeak: Bool { false }
    func speak(over stream: MessageStream) throws(Ending) {}
    func take(_ response: CommandSet, on context: PresentationContext, over stream: MessageStream) throws(Ending)
        -> Bool
    {
        false
    }
    func ended() {}
}
