// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM

/// Objects that are made once, and who gets which of them.
package struct ResultOrder: Sendable, Codable, Equatable {
    package struct Recipient: Sendable, Codable, Equatable {
        /// Of the destination.
        package var name: String
        package var objects: [ResultKind]
        package var negativeReports: Bool
        package var notAnalysedReports: Bool

        package init(name: String, objects: [ResultKind], negativeReports: Bool, notAnalysedReports: Bool = false) {
            self.name = name
            self.objects = objects
            self.negativeReports = negativeReports
            self.notAnalysedReports = notAnalysedReports
        }
    }

    /// What came of a run.
    package enum Outcome: Sendable {
        case findings, negative, notAnalysed
    }

    package var template: ResultTemplate
    package var recipients: [Recipient]
    /// Reports of an earlier run that those of this order supersede.
    package var predecessors: [PredecessorDocument] = []

    /// Destinations whose objects are called and encoded alike share them, also where one takes fewer kinds than another:
    /// one UID, one byte string (decision 9). A report that comes without the Segmentation is another one.
    /// Where nobody is to get anything, what is made by default is made for the node's own queries.
    package static func orders(for destinations: [(name: String, template: ResultTemplate)]) -> [ResultOrder] {
        var orders: [ResultOrder] = []
        for (name, template) in destinations {
            let recipient = Recipient(
                name: name, objects: template.objects, negativeReports: template.negativeReport,
                notAnalysedReports: template.notAnalysedReport)
            guard let index = orders.firstIndex(where: { $0.template.common == template.common }) else {
                orders.append(ResultOrder(template: template, recipients: [recipient]))
                continue
            }
            let wanted = Set(orders[index].template.objects + template.objects)
            orders[index].template.objects = ResultKind.allCases.filter(wanted.contains)
            if template.negativeReport { orders[index].template.negativeReport = true }
            if template.notAnalysedReport { orders[index].template.notAnalysedReport = true }
            orders[index].recipients.append(recipient)
        }
        return orders.isEmpty ? [ResultOrder(template: ResultTemplate(), recipients: [])] : orders
    }

    package func recipients(of kind: ResultKind, after outcome: Outcome) -> [String] {
        recipients.filter { recipient in
            guard recipient.objects.contains(kind) else { return false }
            return switch outcome {
            case .findings: true
            case .negative: recipient.negativeReports
            case .notAnalysed: recipient.notAnalysedReports
            }
        }.map(\.name)
    }
}

extension ResultTemplate {
    /// What changes the bytes of objects that two templates have in common.
    var common: ResultTemplate {
        var template = self
        template.negativeReport = false
        template.notAnalysedReport = false
        template.objects = objects.contains(.segmentation) ? [.segmentation] : []
        return template
    }
}
