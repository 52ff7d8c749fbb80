// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

/// Why a query or a retrieval is not carried out: the status and the comment that the peer gets.
package struct QueryRefusal: Error, Sendable, Equatable {
    package var status: Status
    /// Error Comment (0000,0902): ASCII, names attributes, never their values.
    package var comment: String

    package init(_ status: Status, _ comment: String) {
        self.status = status
        self.comment = comment
    }
}

/// What a C-FIND, C-MOVE or C-GET identifier asks for (PS3.4 C.4.1.1.3, C.4.2.1.4).
///
/// More lenient than hierarchical queries are (C.4.1.2.1): unique keys of the levels above may be missing, lists, or
/// accompanied by other keys of these levels, as in relational queries; what they leave open is open. Keys of levels below are
/// not matched, and come back empty.
package struct Query: Sendable {
    package enum Model: Sendable { case patientRoot, studyRoot }

    package struct Key: Sendable {
        package var tag: Tag
        /// As sent, or "UN".
        package var vr: String
        /// Nil where this node does not support the attribute at this level.
        package var attribute: QueryAttribute?
        package var criterion: Criterion
        /// Of a sequence.
        package var items: [Key]
    }

    package var level: QueryLevel
    package var model: Model
    package var keys: [Key]
    /// Terms of Specific Character Set (0008,0005); nil where the query has none.
    package var specificCharacterSet: [String]?
    /// Answers say so by FF01 (PS3.4 C.4.1.1.4).
    package var hasUnsupportedKeys: Bool { keys.contains { $0.attribute == nil } }

    package init(identifier: [DataElement], model: Model) throws(QueryRefusal) {
        (level, self.model) = (try Self.level(identifier, model), model)
        let terms = identifier[.specificCharacterSet].map { Self.codes($0.bytes) }
        specificCharacterSet = terms
        let characterSet = SpecificCharacterSet(terms: terms ?? [])
        keys = []
        let notKeys: Set<Tag> = [.specificCharacterSet, .queryRetrieveLevel, Tag(0x0008, 0x0201)]
        // Group lengths, and Timezone Offset From UTC, are no keys.
        for element in identifier where !notKeys.contains(element.tag) && element.tag.element != 0 {
            keys.append(try Self.key(element, level, characterSet))
        }
        // All instances of the node are no answer to anything.
        let uids: [Tag] = [.studyInstanceUID, .seriesInstanceUID, .sopInstanceUID]
        if level == .image, !keys.contains(where: { uids.contains($0.tag) && !$0.criterion.isUniversal }) {
            throw QueryRefusal(.dataSetDoesNotMatchSOPClass, "IMAGE level without a Study, Series or SOP Instance UID")
        }
    }

    /// The instances that a C-MOVE or C-GET asks for: by unique keys, that of the level among them, and without wildcards.
    package init(retrieving identifier: [DataElement], model: Model) throws(QueryRefusal) {
        let asked = try Self.level(identifier, model)
        let unique = QueryLevel.allCases.filter { $0 <= asked }.map(\.uniqueKey)
        let characterSet = SpecificCharacterSet(
            terms: identifier[.specificCharacterSet].map { Self.codes($0.bytes) } ?? [])
        (level, self.model, specificCharacterSet) = (.image, model, nil)
        keys = []
        for element in identifier where unique.contains(element.tag) {
            let key = try Self.key(element, .image, characterSet)
            if case .anyOf(let alternatives) = key.criterion {
                let isWildcard = alternatives.contains { if case .wildcard = $0 { true } else { false } }
                guard !isWildcard else {
                    throw QueryRefusal(.dataSetDoesNotMatchSOPClass, "\(element.tag) has a wildcard in a retrieval")
                }
            }
            keys.append(key)
        }
        guard keys.contains(where: { $0.tag == asked.uniqueKey && !$0.criterion.isUniversal }) else {
            throw QueryRefusal(
                .dataSetDoesNotMatchSOPClass, "\(asked.codeString) level without its unique key \(asked.uniqueKey)")
        }
    }

    package subscript(tag: Tag) -> Key? { keys.first { $0.tag == tag } }

    private static func level(_ identifier: [DataElement], _ model: Model) throws(QueryRefusal) -> QueryLevel {
        guard let text = identifier[.queryRetrieveLevel].flatMap({ codes($0.bytes).first }), !text.isEmpty else {
            throw QueryRefusal(.dataSetDoesNotMatchSOPClass, "Query/Retrieve Level (0008,0052) is missing")
        }
        guard let level = QueryLevel(codeString: text), model == .patientRoot || level != .patient else {
            throw QueryRefusal(
                .dataSetDoesNotMatchSOPClass, "Query/Retrieve Level (0008,0052) is none of this SOP class")
        }
        return level
    }

    private static func key(
        _ element: DataElement, _ level: QueryLevel, _ characterSet: SpecificCharacterSet, isNested: Bool = false
    ) throws(QueryRefusal) -> Key {
        let nested: Set<Tag> = [.scheduledProcedureStepID, .requestedProcedureID]
        guard let attribute = QueryAttribute[element.tag], attribute.level <= level,
            nested.contains(element.tag) == isNested
        else { return Key(tag: element.tag, vr: element.vr, attribute: nil, criterion: .universal, items: []) }
        var key = Key(
            tag: element.tag, vr: attribute.vr, attribute: attribute, criterion: .universal, items: [])
        if attribute.rule == .sequence {
            // One item is all that there may be (PS3.4 C.2.2.2.6).
            guard case .items(let items) = element.value else { return key }
            for inner in items.first ?? [] {
                key.items.append(try Self.key(inner, level, characterSet, isNested: true))
            }
            return key
        }
        guard case .bytes(let bytes) = element.value else { return key }
        let values =
            switch attribute.rule {
            case .text: characterSet.decode(bytes, as: .values).values
            case .personName: characterSet.decode(bytes, as: .personName).values
            case .integer where attribute.vr == "US":
                stride(from: 0, to: bytes.count - 1, by: 2).map { String(Int(bytes[$0]) | Int(bytes[$0 + 1]) << 8) }
            case .uid, .code, .date, .time, .integer, .sequence, .returned: codes(bytes)
            }
        do throws(Criterion.Malformation) { key.criterion = try Criterion(attribute.rule, values) } catch {
            throw QueryRefusal(.dataSetDoesNotMatchSOPClass, "the value of \(element.tag) \(error.reason)")
        }
        return key
    }

    /// Values of the default repertoire, without padding.
    private static func codes(_ bytes: [UInt8]) -> [String] {
        bytes.split(separator: UInt8(ascii: "\\"), omittingEmptySubsequences: false).map {
            String(decoding: DataSetScan.trimmed($0[...]), as: UTF8.self)
        }
    }
}
