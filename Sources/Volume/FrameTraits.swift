// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DCMTK
import DICOM

/// What tells images at one place apart, by the keyword of the attribute that says it.
enum Trait: String, CaseIterable, Sendable {
    case stackID = "StackID"
    case temporalPosition = "TemporalPositionIndex"
    case component = "ComplexImageComponent"
    case frameType = "ImageType"
    case echoTime = "EchoTime"
    case inversionTime = "InversionTime"
    case triggerTime = "TriggerTime"
    case bValue = "DiffusionBValue"
    case directionality = "DiffusionDirectionality"
    case gradient = "DiffusionGradientOrientation"
}

enum TraitValue: Hashable, Sendable, Comparable, CustomStringConvertible {
    case number(Double)
    case text(String)

    var description: String {
        switch self {
        case .number(let value): Int(exactly: value).map { "\($0)" } ?? "\(value)"
        case .text(let text): text
        }
    }
}

typealias FrameTraits = [Trait: TraitValue]

extension FunctionalGroups {
    /// Enhanced objects have their own attributes; converted ones keep the old ones, unassigned (PS3.3 C.7.6.16.2.25).
    func traits(isMultiFrame: Bool) -> FrameTraits {
        var traits: FrameTraits = [:]
        func number(_ trait: Trait, _ places: (group: Tag, tag: Tag)...) {
            for place in places where traits[trait] == nil {
                guard let value = holder(of: place.tag, in: place.group)?.number(place.tag), abs(value) < 1e9 else {
                    continue
                }
                traits[trait] = .number(value)
            }
        }
        func text(_ trait: Trait, _ places: (group: Tag, tag: Tag)...) {
            for place in places where traits[trait] == nil {
                guard let value = holder(of: place.tag, in: place.group)?.string(place.tag) else { continue }
                traits[trait] = .text(String(trimmed(value).prefix(64)))
            }
        }
        let (own, common) = (
            Tag.unassignedPerFrameConvertedAttributesSequence, Tag.unassignedSharedConvertedAttributesSequence
        )
        if isMultiFrame {
            text(.stackID, (.frameContentSequence, .stackID))
            text(.component, (.mrImageFrameTypeSequence, .complexImageComponent))
            text(.frameType, (.mrImageFrameTypeSequence, .frameType), (.ctImageFrameTypeSequence, .frameType))
        } else {
            // Single frames have no group: the top level holds all.
            text(.frameType, (.frameContentSequence, .imageType))
        }
        number(
            .temporalPosition, (.frameContentSequence, .temporalPositionIndex), (own, .temporalPositionIdentifier))
        number(.echoTime, (.mrEchoSequence, .effectiveEchoTime), (own, .echoTime), (common, .echoTime))
        number(.inversionTime, (.mrModifierSequence, .inversionTimes), (own, .inversionTime))
        number(
            .triggerTime, (.cardiacSynchronizationSequence, .nominalCardiacTriggerDelayTime), (own, .triggerTime))
        number(.bValue, (.mrDiffusionSequence, .diffusionBValue), (own, .diffusionBValue))
        text(.directionality, (.mrDiffusionSequence, .diffusionDirectionality), (own, .diffusionDirectionality))
        if let holder = holder(of: .diffusionGradientDirectionSequence, in: .mrDiffusionSequence),
            let direction = holder.child(.diffusionGradientDirectionSequence)?
                .numbers(.diffusionGradientOrientation, count: 3)
        {
            traits[.gradient] = .text(direction.map { fixed($0, 1000) }.joined(separator: " "))
        }
        return traits
    }
}
