// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import Association
import DICOM
import Delivery
import Foundation
import Index
import Storage
import Support
import Synchronization
import Testing

@testable import triaged

@Suite("Delivery to a PACS") struct DeliveryLoopTests {
    // MARK: Proof

    @Test(
        "Objects that the PACS commits to, on the association of the request, are committed by its own report [PROOF-1]"
    )
    func committed() throws {
        let pacs = try ScriptedPACS(commitment: .reports { _ in 0 }) { _, _ in .status(0) }
        defer { pacs.stop() }
        let outbox = try Outbox(results: 3)
        let said = try Sender(outbox, port: pacs.port).turn { $0.allSatisfy { $0.state == .committed } }
        #expect(said.count == 3 && said.allSatisfy { $0.state == .committed && $0.proof == .storageCommitment })
        // One request for all of them, and the report was answered with success.
        #expect(pacs.commitments.map { Set($0.instances) } == [Set(outbox.results.map(\.string))])
        #expect(eventually(within: 5) { pacs.reportStatuses == [0] ? true : nil } == true)
        #expect(pacs.receptions.count == 3 && pacs.queries.isEmpty)
    }

    @Test(
        "Of a report with failures, each object goes its own way: one is committed, one sent again, one parked [PROOF-4]"
    )
    func partialFailure() throws {
        let rounds = Mutex(0)
        let pacs = try ScriptedPACS(
            commitment: .reports { uid in
                switch uid {
                case "2.25.91":
                    return rounds.withLock { round in
                        round += 1
                        return round == 1 ? 0x0112 : 0
                    }
                case "2.25.92": return 0x0119
                default: return 0
                }
            }
        ) { _, _ in .status(0) }
        defer { pacs.stop() }
        let outbox = try Outbox(results: 3)
        let said = try Sender(outbox, port: pacs.port).turn {
            $0.map(\.state) == [.committed, .committed, .failed]
        }
        #expect(said.map(\.state) == [.committed, .committed, .failed])
        #expect(said[2].lastStatus == "0119" && said[2].comment.contains("class-instance conflict"))
        let sent = Dictionary(grouping: pacs.receptions, by: \.sopInstanceUID)
        #expect(sent["2.25.90"]?.count == 1 && sent["2.25.92"]?.count == 1)
        let twice = try #require(sent["2.25.91"])
        #expect(twice.count == 2 && twice[0].dataSet == twice[1].dataSet)
        // Parked is parked, until somebody asks for it.
        #expect(try outbox.index.dueDeliveries(to: "pacs").isEmpty)
        #expect(try outbox.index.retry(studyInstanceUID: .of("1.2")) == nil)
        #expect(try outbox.index.retry(studyInstanceUID: Outbox.study) == 1)
        #expect(try outbox.index.dueDeliveries(to: "pacs").map(\.sopInstanceUID.string) == ["2.25.92"])
    }

    @Test(
        "A PACS that accepts and loses again and again gets the object a few times; then it is parked with the reason")
    func loses() throws {
        let pacs = try ScriptedPACS(commitment: .reports { _ in 0x0112 }) { _, _ in .status(0) }
        defer { pacs.stop() }
        let said = try Sender(Outbox(), port: pacs.port).turn { $0[0].state == .failed }
        #expect(said[0].state == .failed && said[0].comment.contains("again and again"))
        #expect(pacs.receptions.count == 3 && Set(pacs.receptions.map(\.dataSet)).count == 1)
    }

    @Test(
        "Without storage commitment the PACS is asked, and without a query the status counts; the worklist says which [PROOF-2]"
    )
    func fallback() throws {
        for (commitment, offersFind) in [
            (ScriptedPACS.Commitment.none, true), (.answers(0x0122), true), (.none, false), (.answers(0x0110), true),
        ] {
            let pacs = try ScriptedPACS(offersFind: offersFind, commitment: commitment) { _, _ in .status(0) }
            defer { pacs.stop() }
            let said = try Sender(Outbox(), port: pacs.port).turn { $0[0].proof != nil }
            #expect(said[0].state == (offersFind ? .committed : .sent), "\(commitment)")
            #expect(said[0].proof == (offersFind ? .query : .status), "\(commitment)")
            if !offersFind { #expect(said[0].proofComment.contains("1.2.840.10008.5.1.4.1.2.2.1")) }
        }
    }

    @Test("A report that never comes is asked for again, and then the PACS is asked what it holds [PROOF-2]")
    func noReport() throws {
        let pacs = try ScriptedPACS(commitment: .answers(0)) { _, _ in .status(0) }
        defer { pacs.stop() }
        let outbox = try Outbox()
        let sender = Sender(outbox, port: pacs.port, commitmentPatience: 0.2)
        // The association is kept open for the report; another is not waited for in this test.
        let said = try sender.turn(within: 60) { $0[0].state == .committed }
        #expect(said[0].state == .committed && said[0].proof == .query)
        #expect(pacs.commitments.count == 3 && Set(pacs.commitments.map(\.transactionUID)).count == 3)
        // The report on the first request is a better proof, however late.
        let late = CommitmentReport(
            transactionUID: .of(pacs.commitments[0].transactionUID),
            committed: [
                SOPReference(sopClassUID: .of(PDUBytes.ctImageStorage), sopInstanceUID: outbox.results[0])
            ], failed: [])
        #expect(sender.reports.take(late, from: AETitle(literal: "PACS")).status == .success)
        #expect(try outbox.deliveries()[0].proof == .storageCommitment)
    }

    @Test("A report is taken after a restart, from the one that was asked, and from nobody else [PROOF-3]")
    func lateReport() throws {
        let pacs = try ScriptedPACS(commitment: .answers(0)) { _, _ in .status(0) }
        let outbox = try Outbox()
        let sender = Sender(outbox, port: pacs.port)
        let asked = Thread { _ = try? sender.turn(within: 3) { _ in false } }
        asked.start()
        _ = eventually(within: 10) { (try? outbox.index.awaitsReport(from: "pacs")) == true ? true : nil }
        let request = try #require(eventually(within: 5) { pacs.commitments.first })
        pacs.stop()
        // Another process opens the same index.
        let again = try StudyIndex(path: StudyIndex.path(in: outbox.store.directory))
        #expect(try again.awaitsReport(from: "pacs"))
        func report(_ transaction: String) -> CommitmentReport {
            CommitmentReport(
                transactionUID: .of(transaction),
                committed: [
                    SOPReference(sopClassUID: .of(PDUBytes.ctImageStorage), sopInstanceUID: outbox.results[0])
                ], failed: [])
        }
        let reports = sender.reports
        #expect(reports.take(report("2.25.1"), from: AETitle(literal: "PACS")).status == .processingFailure)
        #expect(
            reports.take(report(request.transactionUID), from: AETitle(literal: "OTHER")).status == .processingFailure)
        #expect(try outbox.deliveries()[0].state == .sent)
        #expect(reports.take(report(request.transactionUID), from: AETitle(literal: "PACS")).status == .success)
        #expect(try outbox.deliveries()[0].state == .committed)
    }

    // MARK: Bad days

    @Test("A refused presentation context parks the object, with the reason [OUTBOX-10]")
    func refusedContext() throws {
        let pacs = try ScriptedPACS(refuses: [PDUBytes.ctImageStorage]) { _, _ in .status(0) }
        defer { pacs.stop() }
        let said = try Sender(Outbox(), port: pacs.port).turn { $0[0].state == .failed }
        #expect(said[0].state == .failed)
        #expect(said[0].comment.contains("accepts no presentation context for \(PDUBytes.ctImageStorage)"))
        #expect(pacs.receptions.isEmpty)
    }

    @Test(
        "A PACS that aborts in mid-transfer, answers a wrong message, hangs up or never answers gets the same bytes, and says so meanwhile [OUTBOX-10]",
        arguments: ["abortInTransfer", "wrongMessage", "dropAndHangUp", "silence"])
    func badAnswers(kind: String) throws {
        let bad: ScriptedPACS.Answer =
            switch kind {
            case "abortInTransfer": .abortInTransfer
            case "wrongMessage": .wrongMessage
            case "silence": .silence
            default: .dropAndHangUp
            }
        let pacs = try ScriptedPACS { number, _ in number == 0 ? bad : .status(0) }
        defer { pacs.stop() }
        let sender = Sender(try Outbox(), port: pacs.port, response: 0.5)
        let first = try sender.turn { !$0[0].comment.isEmpty }
        #expect(first[0].state == .pending && !first[0].comment.isEmpty, "\(first)")
        let said = try sender.turn { $0[0].state == .committed }
        #expect(said[0].state == .committed && said[0].proof == .query)
        #expect(pacs.receptions.count == 2)
        if kind != "abortInTransfer" { #expect(Set(pacs.receptions.map(\.dataSet)).count == 1) }
    }

    @Test("A destination that is dead or silent costs the others nothing [OUTBOX-9]")
    func independent() throws {
        let gate = DispatchSemaphore(value: 0)
        let silent = try ScriptedPACS { _, _ in .waits(gate) }
        let good = try ScriptedPACS { _, _ in .status(0) }
        defer {
            silent.stop()
            good.stop()
        }
        let outbox = try Outbox(results: 2, to: ["dead", "silent", "pacs"])
        let threads = [("silent", silent.port), ("dead", freePort())].map { name, port in
            let sender = Sender(outbox, to: name, port: port, response: 30)
            let thread = Thread { _ = try? sender.turn(within: 2) { $0.allSatisfy { $0.state == .committed } } }
            thread.start()
            return thread
        }
        // It has the first object, and says nothing yet.
        #expect(eventually(within: 10) { silent.receptions.count == 1 ? true : nil } == true)
        let said = try Sender(outbox, port: good.port).turn { $0.allSatisfy { $0.state == .committed } }
        #expect(said.count == 2 && said.allSatisfy { $0.state == .committed })
        let waiting = try outbox.deliveries(to: "silent")
        #expect(waiting.map(\.state) == [.sending, .pending] && waiting.allSatisfy { $0.comment.isEmpty })
        #expect(silent.receptions.count == 1)
        #expect(try outbox.deliveries(to: "dead").allSatisfy { $0.state == .pending })
        for _ in 0..<2 { gate.signal() }
        #expect(
            eventually(within: 5) {
                (try? outbox.deliveries(to: "dead").allSatisfy { $0.comment.contains("not connected") }) == true
                    ? true : nil
            } == true)
        while threads.contains(where: \.isExecuting) { Thread.sleep(forTimeInterval: 0.05) }
    }

    @Test("A slow destination gets as many associations at once as it may, and each object once")
    func lanes() throws {
        let pacs = try ScriptedPACS { _, _ in .slow(milliseconds: 60) }
        defer { pacs.stop() }
        let outbox = try Outbox(results: 16)
        let threads = (1...2).map { lane in
            let sender = Sender(outbox, lane: lane, port: pacs.port)
            let thread = Thread { _ = try? sender.turn(within: 3) { $0.allSatisfy { $0.state == .committed } } }
            thread.start()
            return thread
        }
        let said = try Sender(outbox, port: pacs.port).turn { $0.allSatisfy { $0.state == .committed } }
        #expect(said.allSatisfy { $0.state == .committed })
        while threads.contains(where: \.isExecuting) { Thread.sleep(forTimeInterval: 0.05) }
        #expect(pacs.receptions.count == 16 && Set(pacs.receptions.map(\.sopInstanceUID)).count == 16)
        #expect(pacs.mostAssociations == 3)
    }

    @Test(
        "What waits for its next attempt goes out at once when somebody asks, also where the destination was to be left alone [RETRY-1]"
    )
    func hurry() throws {
        let port = freePort()
        let outbox = try Outbox(results: 2)
        let isAsked = Mutex(false)
        let sender = Sender(outbox, port: port, firstDelay: 3600) {
            isAsked.withLock { asked in
                defer { asked = false }
                return asked
            }
        }
        let away = try sender.turn { $0.allSatisfy { $0.comment.contains("not connected") } }
        #expect(away.map(\.state) == [.pending, .pending])
        let pacs = try ScriptedPACS(port: port) { _, _ in .status(0) }
        defer { pacs.stop() }
        #expect(try sender.loop.turn() > 1000)
        #expect(try outbox.index.retry(studyInstanceUID: nil) == 2)
        isAsked.withLock { $0 = true }
        let said = try sender.turn { $0.allSatisfy { $0.state == .committed } }
        #expect(said.map(\.state) == [.committed, .committed])
    }

    @Test(
        "An object whose file is gone waits and says so; the others go out, and so does it when the file is back [OUTBOX-11]"
    )
    func missingFile() throws {
        let pacs = try ScriptedPACS { _, _ in .status(0) }
        defer { pacs.stop() }
        let outbox = try Outbox(results: 2)
        let path = try outbox.store.absolutePath(of: try outbox.index.dueDeliveries(to: "pacs")[0].path)
        try FileManager.default.moveItem(atPath: path, toPath: path + ".away")
        let sender = Sender(outbox, port: pacs.port)
        let said = try sender.turn { $0[1].state == .committed && !$0[0].comment.isEmpty }
        #expect(said.map(\.state) == [.pending, .committed])
        #expect(said[0].comment.contains(path) && said[0].comment.contains("No such file"), "\(said[0].comment)")
        #expect(pacs.receptions.map(\.sopInstanceUID) == ["2.25.91"])
        try FileManager.default.moveItem(atPath: path + ".away", toPath: path)
        #expect(try sender.turn { $0[0].state == .committed }[0].state == .committed)
    }

    @Test("Warnings are kept beside the proof [OUTBOX-8]")
    func warning() throws {
        for (status, words) in [(0xB000, "coercion"), (0xB006, "discarded"), (0xB007, "stored nevertheless")] {
            let pacs = try ScriptedPACS { _, _ in .status(UInt16(status)) }
            defer { pacs.stop() }
            let said = try Sender(Outbox(), port: pacs.port).turn { $0[0].state == .committed }
            #expect(said[0].state == .committed && said[0].comment.contains(words))
        }
    }
}
