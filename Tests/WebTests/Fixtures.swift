// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM
import Foundation
import Triage

@testable import Web

/// Studies of invented people, one for each thing that the page must show.
enum Fixtures {
    static let bleed = Code("1386000", "SCT", "Intracranial hemorrhage")

    static func uid(_ number: Int) -> UID { UID("1.2.826.0.1.3680043.10.999.\(number)")! }

    static func item(
        _ number: Int, _ name: String, state: StudyState = .analysed, run: RunKind? = .final,
        priority: Priority = .routine,
        reason: String = "no finding by head-ct-hyperdensity (demonstration)", minutes: Double = 5
    ) -> WorklistItem {
        var item = WorklistItem(
            studyInstanceUID: uid(number), receivedAt: Date(timeIntervalSinceNow: -minutes * 60 - 17), state: state,
            run: run,
            priority: priority, reason: reason)
        item.patientID = "H\(20_000 + number * 37)"
        item.patientName = name
        item.patientBirthDate = "19\(40 + number)0229"
        item.patientSex = number.isMultiple(of: 2) ? "F" : "M"
        item.accessionNumber = "A-10\(number)"
        item.modality = "CT"
        item.studyDescription = "CT head without contrast"
        item.sequence = number
        item.runSequence = number
        item.series = [
            WorklistSeries(
                seriesInstanceUID: uid(number * 100), state: state, model: run == nil ? "" : "head-ct-hyperdensity")
        ]
        item.demonstration = run != nil
        return item
    }

    static func finding(
        _ number: Int, _ priority: Priority = .critical, label: String = "Intracranial hemorrhage",
        run: RunKind = .final,
        confidence: Double = 0.97, volumeML: Double? = 23.42, gone: Bool = false
    ) -> WorklistFinding {
        let finding = Finding(
            label: label, code: bleed, category: Code("49755003", "SCT", "Morphologically abnormal structure"),
            type: bleed,
            confidence: confidence, priority: priority, volumeML: volumeML)
        let model = ModelIdentity(
            name: "head-ct-hyperdensity", version: "1.0.0", manufacturer: "triaged", digest: "00", isDemonstration: true
        )
        return WorklistFinding(
            StudyTriage.ShownFinding(
                seriesInstanceUID: uid(number * 100), finding: finding, model: model, run: run, isGone: gone))
    }

    static func result(_ number: Int, _ delivery: WorklistResult.Delivery, _ reason: String = "") -> [WorklistResult] {
        ["1.2.840.10008.5.1.4.1.1.66.4", "1.2.840.10008.5.1.4.1.1.88.34"].enumerated().map { index, sopClass in
            WorklistResult(
                sopClassUID: UID(sopClass)!, sopInstanceUID: uid(number * 1000 + index), destination: "pacs",
                delivery: delivery,
                reason: reason)
        }
    }

    static var mixed: [WorklistItem] {
        var japanese = item(
            1, "Yamada^Tarou=山田^太郎=やまだ^たろう", priority: .critical,
            reason: "Intracranial hemorrhage by head-ct-hyperdensity (demonstration)", minutes: 12)
        japanese.findings = [finding(1)]
        japanese.results = result(1, .committed)
        var provisional = item(
            2, "Okonkwo-Featherstonehaugh^Adaeze^Wilhelmina", state: .analysing, run: .provisional, priority: .critical,
            reason: "Intracranial hemorrhage by head-ct-hyperdensity (demonstration), provisional", minutes: 0.4)
        provisional.findings = [finding(2, run: .provisional, confidence: 0.81, volumeML: 3.1)]
        var vanished = item(
            3, "Hernández^María José", priority: .critical,
            reason:
                "stays critical: Intracranial hemorrhage by an earlier run, then no finding by head-ct-hyperdensity (demonstration)",
            minutes: 44)
        vanished.findings = [finding(3, run: .superseded, confidence: 0.55, volumeML: 1.2, gone: true)]
        var urgent = item(
            4, "Nowak^Agnieszka", priority: .urgent, reason: "Midline shift by head-ct-hyperdensity (demonstration)",
            minutes: 75)
        urgent.findings = [finding(4, .urgent, label: "Midline shift", confidence: 1, volumeML: nil)]
        urgent.results = result(4, .failed, "0122 SOP class not supported")
        let script = item(5, "<script>alert(1)</script>", minutes: 190)
        let refused = item(
            6, "O'Brien^Seán", state: .notAnalysed, run: nil, reason: "3 slices are missing between 41.25 and 45 mm",
            minutes: 21)
        let failed = item(
            7, "", state: .failed, run: nil, reason: "the worker ended twice on this series; see docs/operation.md",
            minutes: 9)
        let arriving = item(
            8, "김^민준=金^敏俊=김^민준", state: .arriving, run: nil, reason: "120 positions, 1.25 mm apart, association open",
            minutes: 0.1)
        let outside = item(
            9, "Ankle^Anna", state: .outOfScope, run: nil, reason: "no package claims DX ankle", minutes: 3)
        var done = item(
            10, "Svensson^Åsa", priority: .critical, reason: "Intracranial hemorrhage by head-ct-hyperdensity",
            minutes: 90)
        done.findings = [finding(10)]
        done.acknowledged = Acknowledged(by: "Dr. Lindqvist", at: Date(timeIntervalSinceNow: -600))
        return [vanished, japanese, provisional, urgent, script, refused, failed, arriving, outside, done]
    }

    static let refusals = [
        RefusalItem(
            kind: "unknownCallingAETitle", first: Date(timeIntervalSince1970: 1_795_313_400),
            last: Date(timeIntervalSince1970: 1_795_313_671), count: 9, peerAddress: "10.1.2.3", callingAETitle: "CT9",
            calledAETitle: "TRIAGED", rejection: "1/1/3", reason: "unknown calling AE title CT9 from 10.1.2.3",
            hint: "If the peer may call, list its AE title under peers in triaged.yaml, or correct it at the peer."),
        RefusalItem(
            kind: "tls", first: Date(timeIntervalSince1970: 1_795_313_400),
            last: Date(timeIntervalSince1970: 1_795_313_400), count: 1, peerAddress: "10.1.2.4", callingAETitle: "",
            calledAETitle: "", rejection: nil, reason: "<b>TLS</b> client on the plain port", hint: ""),
    ]
}
