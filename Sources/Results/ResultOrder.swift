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

        package init(name: String, objects: [ResultKind], negativeReports: Bool) {
            self.name = name
            self.objects = objects
            self.negativeReports = negativeReports
        }
    }

    package var template: ResultTemplate
    package var recipients: [Recipient]

    /// Destinations whose objects are called and encoded alike share them, also where one takes fewer kinds than another:
    /// one UID, one byte string (decision 9). A report that comes without the Segmentation is another one.
    /// Where nobody is to get anything, what is made by default is made for the node's own queries.
    package static func orders(for destinations: [(name: String, template: ResultTemplate)]) -> [ResultOrder] {
        var orders: [ResultOrder] = []
        for (name, template) in destinations {
            let recipient = Recipient(
                name: name, objects: template.objects, negativeReports: template.negativeReport)
            guard let index = orders.firstIndex(where: { $0.template.common == template.common }) else {
                orders.append(ResultOrder(template: template, recipients: [recipient]))
                continue
            }
            let wanted = Set(orders[index].template.objects + template.objects)
            orders[index].template.objects = ResultKind.allCases.filter(wanted.contains)
            if template.negativeReport { orders[index].template.negativeReport = true }
            orders[index].recipients.append(recipient)
        }
        return orders.isEmpty ? [ResultOrder(template: ResultTemplate(), recipients: [])] : orders
    }

    package func recipients(of kind: ResultKind, isNegative: Bool) -> [String] {
        recipients.filter { $0.objects.contains(kind) && (!isNegative || $0.negativeReports) }.map(\.name)
    }
}

extension ResultTemplate {
    /// What changes the bytes of objects that two templates have in common.
    var common: ResultTemplate {
        var template = self
        template.negativeReport = false
        template.objects = objects.contains(.segmentation) ? [.segmentation] : []
        return template
    }
}
