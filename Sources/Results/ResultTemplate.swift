// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM

/// What destinations want to have, and how it is called there.
package struct ResultTemplate: Sendable, Codable, Equatable {
    package enum Encoding: String, Sendable, Codable, CaseIterable {
        case explicit, implicit, deflated
    }

    /// Kinds that are made, each once.
    package var objects: [ResultKind]
    /// A report is made even where the model found nothing.
    package var negativeReport: Bool
    /// A report is made of a series that was not analysed.
    package var notAnalysedReport: Bool
    /// With `{package}`, `{version}` and `{object}` in place of what they stand for.
    package var seriesDescription: String
    /// Digits, and `{source}` in place of the Series Number of the source. Kinds that are not listed have their own.
    package var seriesNumbers: [ResultKind: String]
    package var encoding: Encoding
    /// What it takes. Binary where segments overlap and it wants a label map, or where the model states no probabilities.
    package var segmentationForm: SegmentationForm

    package init(
        objects: [ResultKind] = defaultObjects, negativeReport: Bool = false, notAnalysedReport: Bool = false,
        seriesDescription: String = "{package} {version} {object}", seriesNumbers: [ResultKind: String] = [:],
        encoding: Encoding = .explicit, segmentationForm: SegmentationForm = .fractional
    ) {
        self.objects = objects
        self.negativeReport = negativeReport
        self.notAnalysedReport = notAnalysedReport
        self.seriesDescription = seriesDescription
        self.seriesNumbers = seriesNumbers
        self.encoding = encoding
        self.segmentationForm = segmentationForm
    }

    package static let defaultObjects: [ResultKind] = [.segmentation, .measurementReport]
    package static let placeholders = ["{package}", "{version}", "{object}"]

    /// What a series description may not be; nil where it may.
    package static func fault(seriesDescription text: String) -> String? {
        guard Text.isPlain(text) else { return "must be printable ASCII text without a backslash" }
        let rest = placeholders.reduce(text) { $0.replacing($1, with: "") }
        if rest.contains(where: { "{}".contains($0) }) {
            return "may hold \(placeholders.joined(separator: ", ")), and no other braces"
        }
        return nil
    }

    /// What a series number may not be; nil where it may.
    package static func fault(seriesNumber text: String) -> String? {
        let digits = text.replacing("{source}", with: "")
        let isNumber = digits.utf8.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
        return isNumber && !text.isEmpty && digits.utf8.count <= 9
            ? nil : "must be up to nine digits, with `{source}` for the number of the source, such as {source}01"
    }

    /// VR LO.
    func seriesDescription(of kind: ResultKind, by model: ModelIdentity) -> String {
        let values = [model.name, model.version, kind.words]
        return zip(Self.placeholders, values).reduce(seriesDescription) { $0.replacing($1.0, with: $1.1) }
    }

    /// - Parameter source: Series Number of the source, as stored.
    func seriesNumber(of kind: ResultKind, source: String?) -> Int {
        guard let text = seriesNumbers[kind] else { return kind.seriesNumber }
        let own = source?.filter(\.isNumber) ?? ""
        // VR IS: up to 2^31 - 1.
        return Int32(text.replacing("{source}", with: own)).map { Int($0) } ?? kind.seriesNumber
    }

    var transferSyntaxUID: UID {
        switch encoding {
        case .explicit: TransferSyntax.explicitVRLittleEndian.uid
        case .implicit: TransferSyntax.implicitVRLittleEndian.uid
        case .deflated: TransferSyntax.deflatedExplicitVRLittleEndian.uid
        }
    }
}

extension ResultKind {
    /// In a series description.
    fileprivate var words: String {
        switch self {
        case .segmentation: "segmentation"
        case .measurementReport: "report"
        case .keyObjects: "key images"
        case .secondaryCapture: "pictures"
        case .presentationState: "outlines"
        case .heatMap: "heat maps"
        }
    }

    /// High, so that results come after the images.
    fileprivate var seriesNumber: Int {
        switch self {
        case .segmentation: 9801
        case .measurementReport: 9802
        case .keyObjects: 9803
        case .secondaryCapture: 9804
        case .presentationState: 9805
        case .heatMap: 9806
        }
    }
}
