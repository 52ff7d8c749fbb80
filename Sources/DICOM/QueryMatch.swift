// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

/// What the node knows of one patient, study, series or instance: the values of the attributes that a query asks for.
package struct QueryMatch: Sendable, Equatable {
    /// Text, decoded; numbers in digits. An attribute without a value is missing, or has none.
    package var values: [Tag: [String]]
    /// Items of the one sequence that there is.
    package var requestAttributes: [RequestAttributes]
    /// Its files, or some of them, were given up to an archive.
    package var isExpired = false

    package init(values: [Tag: [String]] = [:], requestAttributes: [RequestAttributes] = []) {
        self.values = values
        self.requestAttributes = requestAttributes
    }
}

/// An item of Request Attributes Sequence (0040,0275): which order the series is of.
package struct RequestAttributes: Sendable, Codable, Hashable {
    package var scheduledProcedureStepID: String
    package var requestedProcedureID: String

    package init(scheduledProcedureStepID: String = "", requestedProcedureID: String = "") {
        self.scheduledProcedureStepID = scheduledProcedureStepID
        self.requestedProcedureID = requestedProcedureID
    }

    func value(_ tag: Tag) -> String {
        switch tag {
        case .scheduledProcedureStepID: scheduledProcedureStepID
        case .requestedProcedureID: requestedProcedureID
        default: ""
        }
    }
}

extension Query {
    package func matches(_ match: QueryMatch) -> Bool {
        keys.allSatisfy { key in
            guard let attribute = key.attribute else { return true }
            if attribute.rule == .sequence {
                // One item of the object's has to match all keys of the query's (PS3.4 C.2.2.2.6).
                let telling = key.items.filter { !$0.criterion.isUniversal }
                return telling.isEmpty
                    || match.requestAttributes.contains { item in
                        telling.allSatisfy { $0.criterion.matches([item.value($0.tag)]) }
                    }
            }
            return key.criterion.isUniversal || key.criterion.matches(match.values[key.tag] ?? [])
        }
    }

    /// The identifier of a response (PS3.4 C.4.1.1.3.2): every key, empty where the node does not support it.
    package func identifier(of match: QueryMatch, retrieveAETitle: AETitle) -> [DataElement] {
        var values = match.values
        values[.retrieveAETitle] = [retrieveAETitle.string]
        // PS3.3 C.4.23.1.1: what has expired here is to be had from the archive that holds it.
        values[.instanceAvailability] = [match.isExpired ? "UNAVAILABLE" : "ONLINE"]
        let texts = keys.flatMap { key -> [(text: String, usage: SpecificCharacterSet.Usage)] in
            switch key.attribute?.rule {
            case .sequence:
                match.requestAttributes.flatMap {
                    [($0.scheduledProcedureStepID, .values), ($0.requestedProcedureID, .values)]
                }
            case .text: (values[key.tag] ?? []).map { ($0, .values) }
            case .personName: (values[key.tag] ?? []).map { ($0, .personName) }
            case .uid, .code, .date, .time, .integer, .returned, nil: []
            }
        }
        let encoder = ResponseText(asked: specificCharacterSet, texts: texts)
        var elements = keys.map { key -> DataElement in
            guard let attribute = key.attribute else {
                return DataElement(key.tag, key.vr, key.vr == "SQ" ? .items([]) : .bytes([]))
            }
            if attribute.rule == .sequence {
                let items = match.requestAttributes.map { item in
                    key.items.map { DataElement($0.tag, $0.vr, .bytes(encoder.bytes([item.value($0.tag)], $0.vr))) }
                }
                return DataElement(key.tag, "SQ", .items(items))
            }
            return DataElement(key.tag, attribute.vr, .bytes(encoder.bytes(values[key.tag] ?? [], attribute.vr)))
        }
        // A client that looks for what it asked for finds where to get it, too.
        for tag in [Tag.retrieveAETitle] where !keys.contains(where: { $0.tag == tag }) {
            elements.append(DataElement(tag, "AE", .bytes(encoder.bytes(values[tag] ?? [], "AE"))))
        }
        elements.append(DataElement(.queryRetrieveLevel, "CS", .bytes(Array(level.codeString.utf8))))
        if let terms = encoder.terms {
            elements.append(
                DataElement(.specificCharacterSet, "CS", .bytes(Array(terms.joined(separator: "\\").utf8))))
        }
        return elements
    }
}

/// The text of one response, in a character set that carries all of it.
private struct ResponseText {
    /// Nil for the default repertoire, which needs no mention (PS3.4 C.4.1.1.3.2).
    let terms: [String]?
    private let characterSet: SpecificCharacterSet

    /// The query's own character set where it has room for the text, else UTF-8.
    init(asked: [String]?, texts: [(text: String, usage: SpecificCharacterSet.Usage)]) {
        let set = SpecificCharacterSet(terms: asked ?? [])
        if texts.allSatisfy({ $0.text.utf8.allSatisfy { $0 < 0x80 } }) {
            terms = nil
        } else if let asked, texts.allSatisfy({ set.encode($0.text, as: $0.usage) != nil }) {
            terms = asked
        } else {
            terms = ["ISO_IR 192"]
        }
        characterSet = SpecificCharacterSet(terms: terms ?? [])
    }

    func bytes(_ values: [String], _ vr: String) -> [UInt8] {
        let text = values.joined(separator: "\\")
        switch vr {
        case "US": return values.compactMap { UInt16($0) }.flatMap { [UInt8($0 & 0xFF), UInt8($0 >> 8)] }
        case "PN": return characterSet.encode(text, as: .personName) ?? []
        case "LO", "SH": return characterSet.encode(text, as: .values) ?? []
        default: return Array(text.utf8)
        }
    }
}
