// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM
import Delivery
import Testing

struct DeliveryConditionTests {
    private static let bleed = Code("1386000", "SCT", "Intracranial hemorrhage")
    private static let pneumothorax = Code("36118008", "SCT", "Pneumothorax")

    private static func finding(_ code: Code, _ priority: Priority) -> Finding {
        Finding(
            label: code == bleed ? "Bleed" : "Air", code: code, category: code, type: code, confidence: 1,
            priority: priority)
    }

    private static func run(_ modality: String, _ findings: Finding..., sought: [Code] = []) -> DeliveryCondition.Run {
        DeliveryCondition.Run(modality: modality, findings: findings, soughtFindings: sought)
    }

    struct Case: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var condition: DeliveryCondition
        var run: DeliveryCondition.Run
        var isMet: Bool
    }

    static let cases: [Case] = [
        Case(
            testDescription: "nothing said", condition: .init(), run: run("CT", finding(bleed, .routine)), isMet: true),
        Case(testDescription: "nothing said, nothing found", condition: .init(), run: run("CT"), isMet: true),
        Case(
            testDescription: "its modality", condition: .init(modalities: ["MR", "CT"]),
            run: run("CT", finding(bleed, .routine)), isMet: true),
        Case(
            testDescription: "another modality", condition: .init(modalities: ["MR"]),
            run: run("CT", finding(bleed, .critical)), isMet: false),
        Case(
            testDescription: "by code value", condition: .init(findings: ["1386000"]),
            run: run("CT", finding(bleed, .routine)), isMet: true),
        Case(
            testDescription: "by meaning, in another case", condition: .init(findings: ["intracranial HEMORRHAGE"]),
            run: run("CT", finding(bleed, .routine)), isMet: true),
        Case(
            testDescription: "by label", condition: .init(findings: ["air"]),
            run: run("CT", finding(bleed, .routine), finding(pneumothorax, .routine)), isMet: true),
        Case(
            testDescription: "another finding", condition: .init(findings: ["36118008"]),
            run: run("CT", finding(bleed, .critical)), isMet: false),
        Case(
            testDescription: "as urgent", condition: .init(minimumPriority: .urgent),
            run: run("CT", finding(bleed, .urgent)), isMet: true),
        Case(
            testDescription: "less urgent", condition: .init(minimumPriority: .urgent),
            run: run("CT", finding(bleed, .routine)), isMet: false),
        Case(
            testDescription: "the finding and the priority of two different findings",
            condition: .init(findings: ["1386000"], minimumPriority: .urgent),
            run: run("CT", finding(bleed, .routine), finding(pneumothorax, .critical)), isMet: false),
        Case(
            testDescription: "a negative for what was looked for",
            condition: .init(findings: ["1386000"], minimumPriority: .critical), run: run("CT", sought: [bleed]),
            isMet: true),
        Case(
            testDescription: "a negative for something else", condition: .init(findings: ["1386000"]),
            run: run("CT", sought: [pneumothorax]), isMet: false),
    ]

    @Test("a destination gets the runs that its condition names [DEST-2]", arguments: cases)
    func condition(_ test: Case) {
        #expect(test.condition.isMet(by: test.run) == test.isMet)
    }
}
