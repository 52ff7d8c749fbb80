// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM

/// What became of a step or a notification that a peer told us of.
package enum ListingAnswer: Sendable, Equatable {
    case kept
    /// N-CREATE of a SOP instance that exists.
    case duplicate
    /// N-SET of a step that nobody created here.
    case unknown
    /// N-SET of a step that has ended (PS3.4 F.7.2.2.2).
    case ended
    case failed
}

/// What the services that tell of performed work need. Called on the association's thread, and may block.
package struct ProcedureStepNeeds: Sendable {
    package var create: @Sendable (PerformedProcedureStep, AssociationInfo) -> ListingAnswer
    /// The state is nil where the message leaves it as it is.
    package var set: @Sendable (UID, PerformedProcedureStep.State?, [ListedSeries]?, AssociationInfo) -> ListingAnswer
    package var available: @Sendable (UID, [ListedSeries], AssociationInfo) -> ListingAnswer

    package init(
        create: @escaping @Sendable (PerformedProcedureStep, AssociationInfo) -> ListingAnswer,
        set:
            @escaping @Sendable (UID, PerformedProcedureStep.State?, [ListedSeries]?, AssociationInfo) -> ListingAnswer,
        available: @escaping @Sendable (UID, [ListedSeries], AssociationInfo) -> ListingAnswer
    ) {
        self.create = create
        self.set = set
        self.available = available
    }
}

/// Modality Performed Procedure Step SOP Class (PS3.4 F.7): N-CREATE and N-SET.
struct ProcedureStepSCP: ServiceProvider {
    let needs: ProcedureStepNeeds
    let info: AssociationInfo

    private static let status = Tag(0x0040, 0x0252)
    private static let performedSeries = Tag(0x0040, 0x0340)
    /// Referenced Image Sequence, Referenced Non-Image Composite SOP Instance Sequence.
    private static let references = [Tag(0x0008, 0x1140), Tag(0x0040, 0x0220)]

    func answer(_ command: CommandSet, on context: PresentationContext, over stream: MessageStream) throws(Ending) {
        let field = try stream.value { () throws(CommandSet.Malformation) in try command.field() }
        guard field == .nCreateRequest || field == .nSetRequest else {
            return try stream.refuseOperation(command, on: context)
        }
        guard let list = try stream.readListing(command, on: context) else { return }
        var state: PerformedProcedureStep.State?
        if let term = list.string(Self.status) {
            state = PerformedProcedureStep.State(term: term)
            guard state != nil else {
                return try stream.respond(to: command, on: context, .invalidAttributeValue, comment: "\(Self.status)")
            }
        }
        let series: [ListedSeries]?
        do throws(ListedSeries.Malformation) {
            series =
                list[Self.performedSeries] == nil
                ? nil : try ListedSeries.read(list.items(Self.performedSeries), references: Self.references)
        } catch {
            return try stream.respond(to: command, on: context, .missingAttribute, comment: "\(error.missing)")
        }
        if field == .nCreateRequest {
            try create(command, state, series, on: context, over: stream)
        } else {
            try set(command, state, series, on: context, over: stream)
        }
    }

    private func create(
        _ command: CommandSet, _ state: PerformedProcedureStep.State?, _ series: [ListedSeries]?,
        on context: PresentationContext, over stream: MessageStream
    ) throws(Ending) {
        guard let instance = try stream.instance(of: command, on: context, element: 0x1000) else { return }
        // PS3.4 F.7.2.1.2: created in progress, whatever follows.
        guard let state else {
            return try stream.respond(to: command, on: context, .missingAttribute, comment: "\(Self.status)")
        }
        guard state == .inProgress else {
            return try stream.respond(to: command, on: context, .invalidAttributeValue, comment: "\(Self.status)")
        }
        let step = PerformedProcedureStep(sopInstanceUID: instance, state: state, series: series)
        try stream.respond(to: command, on: context, needs.create(step, info), instance: instance)
    }

    private func set(
        _ command: CommandSet, _ state: PerformedProcedureStep.State?, _ series: [ListedSeries]?,
        on context: PresentationContext, over stream: MessageStream
    ) throws(Ending) {
        guard let instance = try stream.instance(of: command, on: context, element: 0x1001) else { return }
        try stream.respond(to: command, on: context, needs.set(instance, state, series, info), instance: instance)
    }
}

/// Instance Availability Notification SOP Class (PS3.4 R.3): N-CREATE.
struct InstanceAvailabilitySCP: ServiceProvider {
    let needs: ProcedureStepNeeds
    let info: AssociationInfo

    private static let referencedSeries = Tag(0x0008, 0x1115)
    private static let referencedSOP = Tag(0x0008, 0x1199)
    private static let instanceAvailability = Tag(0x0008, 0x0056)

    func answer(_ command: CommandSet, on context: PresentationContext, over stream: MessageStream) throws(Ending) {
        let field = try stream.value { () throws(CommandSet.Malformation) in try command.field() }
        guard field == .nCreateRequest else { return try stream.refuseOperation(command, on: context) }
        guard let list = try stream.readListing(command, on: context) else { return }
        let items = list.items(Self.referencedSeries)
        guard !items.isEmpty else {
            return try stream.respond(to: command, on: context, .missingAttribute, comment: "\(Self.referencedSeries)")
        }
        let series: [ListedSeries]
        do throws(ListedSeries.Malformation) {
            series = try ListedSeries.read(items, references: [Self.referencedSOP])
        } catch {
            return try stream.respond(to: command, on: context, .missingAttribute, comment: "\(error.missing)")
        }
        guard let instance = try stream.instance(of: command, on: context, element: 0x1000) else { return }
        // What is UNAVAILABLE over there tells nothing of what is to come here.
        let available = series.filter { listed in
            items.filter { $0.uid(Tag(0x0020, 0x000E)) == listed.seriesInstanceUID }.allSatisfy { item in
                item.items(Self.referencedSOP).allSatisfy { $0.string(Self.instanceAvailability) != "UNAVAILABLE" }
            }
        }
        try stream.respond(to: command, on: context, needs.available(instance, available, info), instance: instance)
    }
}

extension MessageStream {
    /// The data set of an N-CREATE or N-SET; nil where it cannot be read, and the peer has been told.
    fileprivate func readListing(_ command: CommandSet, on context: PresentationContext) throws(Ending)
        -> AttributeList?
    {
        guard try value({ () throws(CommandSet.Malformation) in try command.hasDataSet() }) else {
            try respond(to: command, on: context, .missingAttribute, comment: "a data set is due")
            return nil
        }
        let bytes = try readIdentifier(on: context)
        do throws(AttributeList.Malformation) {
            return try AttributeList(decoding: bytes, transferSyntax: context.transferSyntax)
        } catch {
            try respond(to: command, on: context, .processingFailure, comment: error.reason)
            return nil
        }
    }

    /// The UID in the command; in an N-CREATE without one, a new one (PS3.7 10.1.5.1.4). Nil where it is no UID, and the peer
    /// has been told.
    fileprivate func instance(
        of command: CommandSet, on context: PresentationContext, element: UInt16
    ) throws(Ending) -> UID? {
        if let instance = UID(bytes: command.bytes(element) ?? []) { return instance }
        if element == 0x1000, (command.bytes(element) ?? []).isEmpty { return .unique() }
        try respond(to: command, on: context, .invalidSOPInstance, comment: "the SOP Instance UID is not a UID")
        return nil
    }

    fileprivate func respond(
        to command: CommandSet, on context: PresentationContext, _ answer: ListingAnswer, instance: UID
    ) throws(Ending) {
        switch answer {
        // It may be one that we gave.
        case .kept: try respond(to: command, on: context, .success) { $0.set(0x1000, instance) }
        case .duplicate: try respond(to: command, on: context, .duplicateSOPInstance)
        case .unknown: try respond(to: command, on: context, .noSuchSOPInstance)
        case .ended:
            // PS3.4 F.7.2.2.2: 0110 with this comment and Error ID A710.
            try respond(
                to: command, on: context, .processingFailure,
                comment: "Performed Procedure Step Object may no longer be updated"
            ) { $0.set(0x0903, UInt16(0xA710)) }
        case .failed: try respond(to: command, on: context, .processingFailure, comment: "it could not be kept")
        }
    }
}
