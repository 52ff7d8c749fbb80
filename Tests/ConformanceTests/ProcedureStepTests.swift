// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Support
import Testing

extension EndToEnd {
    /// A peer that tells what a series consists of: pynetdicom as modality and as archive.
    @Suite("Performed procedure steps", .serialized, .sharedNode({ try Daemon(quietPeriod: 20) }))
    struct ProcedureStepTests {
        /// Sends what the arguments ask for, a message each, and prints the statuses.
        private static let peer = """
            import json, sys
            from pydicom import dcmread
            from pydicom.dataset import Dataset
            from pydicom.uid import generate_uid
            from pynetdicom import AE
            MPPS, IAN = "1.2.840.10008.3.1.2.3.3", "1.2.840.10008.5.1.4.33"
            port, step, actions, *files = sys.argv[1:]
            ae = AE(ae_title="CT1")
            for uid in (MPPS, IAN): ae.add_requested_context(uid)
            association = ae.associate("127.0.0.1", int(port), ae_title="TRIAGED")
            assert association.is_established
            assert {str(c.abstract_syntax) for c in association.accepted_contexts} == {MPPS, IAN}
            headers = [dcmread(file, stop_before_pixels=True) for file in files]
            def reference(h):
                item = Dataset()
                item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID = h.SOPClassUID, h.SOPInstanceUID
                return item
            def performed(hs):
                item = Dataset()
                item.SeriesInstanceUID = hs[0].SeriesInstanceUID
                item.ReferencedImageSequence = [reference(h) for h in hs]
                item.ReferencedNonImageCompositeSOPInstanceSequence = []
                return item
            answers = []
            for action in actions.split(","):
                data = Dataset()
                status = None
                if action.startswith("create"):
                    if action == "create": data.PerformedProcedureStepStatus = "IN PROGRESS"
                    if action == "create-completed": data.PerformedProcedureStepStatus = "COMPLETED"
                    data.PerformedSeriesSequence = []
                    data.PatientName = "ヤマダ^タロウ"
                    data.SpecificCharacterSet = "ISO_IR 192"
                    status, _ = association.send_n_create(data, MPPS, step if step != "-" else None)
                elif action in ("completed", "discontinued", "progress", "broken"):
                    data.PerformedProcedureStepStatus = {"progress": "IN PROGRESS", "broken": "DONE"}.get(action, action.upper())
                    if headers and action != "progress": data.PerformedSeriesSequence = [performed(headers)]
                    status, _ = association.send_n_set(data, MPPS, step)
                elif action in ("available", "unavailable", "nothing"):
                    item = Dataset()
                    item.SeriesInstanceUID = headers[0].SeriesInstanceUID
                    item.ReferencedSOPSequence = [reference(h) for h in headers]
                    for each in item.ReferencedSOPSequence:
                        each.InstanceAvailability = "UNAVAILABLE" if action == "unavailable" else "ONLINE"
                        each.RetrieveAETitle = "PACS"
                    data.StudyInstanceUID = headers[0].StudyInstanceUID
                    data.ReferencedPerformedProcedureStepSequence = []
                    if action != "nothing": data.ReferencedSeriesSequence = [item]
                    status, _ = association.send_n_create(data, IAN, generate_uid())
                elif action == "get":
                    status, _ = association.send_n_get([0x00400252], MPPS, step)
                answers.append(["%04X" % status.Status, "%04X" % status.get((0x0000, 0x0903)).value if (0x0000, 0x0903) in status else ""])
            association.release()
            print(json.dumps(answers))
            """

        private func tell(_ actions: String, step: String, _ files: [String] = []) throws -> [[String]] {
            let node = try SharedNode.node()
            return try Judge.highdicom.python(
                Self.peer, ["\(node.dicomPort)", step, actions] + files, as: [[String]].self)
        }

        private func newUID() -> String { "2.25.\(UInt64.random(in: 1...UInt64.max))" }

        /// The evidence by which the only series of a study was taken for complete; nil while it was not.
        private func evidence(of study: Phantom) throws -> String? {
            let row = try SharedNode.node().rows(
                """
                SELECT series.state, series.evidence FROM series JOIN study ON study.id = series.study
                WHERE study.studyInstanceUID = '\(study.studyInstanceUID)'
                """
            ).first
            guard let row, row[0] != "arriving" else { return nil }
            return row[1]
        }

        private func awaitedEvidence(of study: Phantom, within seconds: Double = 15) throws -> String {
            let found: String? = try eventually(within: seconds) { try evidence(of: study) }
            guard let found else {
                throw ToolError(
                    "the series was not complete in \(seconds) s: \(try SharedNode.node().output.suffix(1500))")
            }
            return found
        }

        // The quiet period of this node is 20 s, the wait for evidence shorter.

        @Test("a series is complete once the last instance that its completed step lists is here [MPPS-1]")
        func stepFirst() throws {
            let study = try Fixtures.smallHead(["--finding", "none", "--seed", "401"])
            let step = newUID()
            #expect(try tell("create,completed", step: step, study.files) == [["0000", ""], ["0000", ""]])
            try SharedNode.node().storeAll(study.files)
            let words = try awaitedEvidence(of: study)
            #expect(words.contains("all \(study.files.count) that the performed procedure step lists"), "\(words)")
        }

        @Test("a step that ends after its instances have come completes their series at once [MPPS-1]")
        func stepLast() throws {
            let study = try Fixtures.smallHead(["--finding", "none", "--seed", "402"])
            let step = newUID()
            #expect(try tell("create,progress", step: step) == [["0000", ""], ["0000", ""]])
            try SharedNode.node().storeAll(study.files)
            #expect(try tell("completed", step: step, study.files) == [["0000", ""]])
            #expect(try awaitedEvidence(of: study).contains("performed procedure step"))
        }

        @Test("a list of which an instance is missing keeps the series waiting until it comes [MPPS-2]")
        func missing() throws {
            let study = try Fixtures.smallHead(["--finding", "none", "--seed", "403"])
            let node = try SharedNode.node()
            #expect(try tell("create,completed", step: newUID(), study.files) == [["0000", ""], ["0000", ""]])
            try node.storeAll(Array(study.files.dropLast()))
            // A provisional run may have been; complete it is not.
            let early: String? = try eventually(within: 3) { try evidence(of: study) }
            #expect(early == nil)
            try node.storeAll([study.files.last!])
            #expect(try awaitedEvidence(of: study).contains("all \(study.files.count) that"))
        }

        @Test("an archive's notification is such a list too; instances that it calls unavailable are none [IAN-1]")
        func availability() throws {
            let study = try Fixtures.smallHead(["--finding", "none", "--seed", "404"])
            #expect(try tell("unavailable", step: "-", study.files) == [["0000", ""]])
            #expect(
                try SharedNode.node().rows(
                    "SELECT count(*) FROM listing WHERE source = 'instanceAvailability'") == [["0"]])
            #expect(try tell("available", step: "-", study.files) == [["0000", ""]])
            try SharedNode.node().storeAll(study.files)
            #expect(try awaitedEvidence(of: study).contains("the availability notification lists"))
        }

        @Test(
            "statuses: duplicate 0111, unknown 0112, ended 0110 with A710, wrong state 0106, missing 0120, N-GET 0211 [MPPS-3]"
        )
        func statuses() throws {
            let study = try Fixtures.smallHead(["--finding", "none", "--seed", "405"])
            let step = newUID()
            let answers = try tell(
                "completed,create-completed,create-nothing,create,create,broken,get,discontinued,completed,nothing",
                step: step,
                Array(study.files.prefix(1)))
            #expect(
                answers.map { $0[0] } == [
                    "0112", "0106", "0120", "0000", "0111", "0106", "0211", "0000", "0110", "0120",
                ])
            #expect(answers[8][1] == "A710")
        }

        @Test("a step without a SOP Instance UID gets one [MPPS-3]")
        func generated() throws {
            let before = try SharedNode.node().rows("SELECT count(*) FROM performedProcedureStep")
            #expect(try tell("create", step: "-") == [["0000", ""]])
            let after = try SharedNode.node().rows("SELECT count(*) FROM performedProcedureStep")
            #expect(Int(after[0][0])! == Int(before[0][0])! + 1)
        }
    }
}
