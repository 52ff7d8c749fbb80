// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM

/// A content item of a structured report (PS3.3 C.17.3) with those below it. All text is ASCII.
package struct ReportItem: Sendable, Equatable {
    package enum Relationship: Sendable {
        case contains, hasObservationContext, hasAcquisitionContext, hasConceptModifier, hasProperties, inferredFrom
        case selectedFrom
    }

    package enum Value: Sendable, Equatable {
        case container
        case text(String)
        case uid(UID)
        case code(Code)
        /// A decimal string and its UCUM unit.
        case number(String, unit: Code)
        /// The whole image, or only `frames` or `segments` of it, numbered from 1.
        case image(sopClassUID: UID, sopInstanceUID: UID, frames: [Int] = [], segments: [Int] = [])
        /// Column and row in turn; (0, 0) is the outer corner of the first pixel (PS3.3 C.18.6.1.1).
        case polyline([Float])
        /// A closed one in the patient: x, y and z in turn, mm, the first point again at the end.
        case polygon3D([Float], frameOfReferenceUID: UID)
    }

    package var relationship: Relationship
    package var name: Code?
    package var value: Value
    package var children: [ReportItem]

    package init(_ relationship: Relationship, _ name: Code?, _ value: Value, _ children: [ReportItem] = []) {
        self.relationship = relationship
        self.name = name
        self.value = value
        self.children = children
    }

    /// This item and all below it, in document order.
    package var flattened: [ReportItem] { [self] + children.flatMap(\.flattened) }
}
