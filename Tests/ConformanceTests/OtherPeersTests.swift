// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Support
import Testing

extension EndToEnd {
    /// Other people's programs as requestors, with what they propose.
    @Suite("Other peers", .serialized, .sharedNode({ try Daemon(peers: ["CT1", "PACS"], quietPeriod: 0.5) }))
    struct OtherPeersTests {
        private struct Answers: Decodable {
            var proposed: Int
            var accepted: Int
            var statuses: [String: Int]?
            var files: [String: String]?
        }

        @Test(
            "pynetdicom gets every storage SOP class that it knows, 128 contexts at a time, with PDUs of any length [DOOR-8] [CTX-1] [ASSOC-2]",
            .enabled(if: Judge.areDue(.pynetdicom)))
        func everyClass() throws {
            let node = try SharedNode.node()
            let answers = try Judge.pynetdicom.python(
                """
                import sys, json
                from pynetdicom import AE
                from pynetdicom.sop_class import _STORAGE_CLASSES
                from pydicom.uid import ExplicitVRLittleEndian
                classes = sorted(set(_STORAGE_CLASSES.values()))
                accepted, proposed = set(), 0
                for start in range(0, len(classes), 128):
                    ae = AE(ae_title="ct1")
                    for uid in classes[start:start + 128]: ae.add_requested_context(uid, ExplicitVRLittleEndian)
                    association = ae.associate("127.0.0.1", int(sys.argv[1]), ae_title="triaged", max_pdu=0)
                    assert association.is_established
                    proposed += len(ae.requested_contexts)
                    accepted |= {c.abstract_syntax for c in association.accepted_contexts}
                    association.release()
                missing = sorted(set(classes) - accepted)
                assert not missing, missing
                print(json.dumps({"proposed": proposed, "accepted": len(accepted)}))
                """, ["\(node.dicomPort)"], as: Answers.self)
            #expect(answers.proposed >= 170)
            #expect(answers.accepted == answers.proposed)
        }

        @Test(
            "pynetdicom's data sets in JPEG 2000, HTJ2K, JPEG-LS, RLE and MPEG are kept as bytes, many contexts of one class with one syntax each [DOOR-8]",
            .enabled(if: Judge.areDue(.pynetdicom)))
        func encapsulated() throws {
            let node = try SharedNode.node()
            let directory = try TemporaryDirectory()
            let answers = try Judge.pynetdicom.python(
                """
                import sys, json
                from pynetdicom import AE, _config
                from pydicom.dataset import Dataset, FileMetaDataset
                from pydicom.encaps import encapsulate
                from pydicom.uid import generate_uid, UID
                _config.STORE_SEND_CHUNKED_DATASET = True
                port, directory = int(sys.argv[1]), sys.argv[2]
                secondary = "1.2.840.10008.5.1.4.1.1.7.4"
                syntaxes = ["1.2.840.10008.1.2.4.90", "1.2.840.10008.1.2.4.91", "1.2.840.10008.1.2.4.201",
                            "1.2.840.10008.1.2.4.202", "1.2.840.10008.1.2.4.203", "1.2.840.10008.1.2.4.80",
                            "1.2.840.10008.1.2.5", "1.2.840.10008.1.2.4.100", "1.2.840.10008.1.2.4.102",
                            "1.2.840.10008.1.2.4.107"]
                ae = AE(ae_title="CT1")
                for syntax in syntaxes: ae.add_requested_context(secondary, syntax)
                ae.add_requested_context("1.2.840.10008.5.1.4.1.1.2", [
                    "1.2.840.113619.5.2", "1.2.840.10008.1.2.4.94"] + syntaxes)
                association = ae.associate("127.0.0.1", port, ae_title="TRIAGED")
                assert association.is_established
                study, statuses, files = generate_uid(), {}, {}
                for syntax in syntaxes:
                    d = Dataset()
                    d.SOPClassUID, d.SOPInstanceUID = secondary, generate_uid()
                    d.StudyInstanceUID, d.SeriesInstanceUID = study, generate_uid()
                    d.PatientID, d.PatientName, d.Modality = "PEER-900", "Peer^Nine", "OT"
                    d.Rows = d.Columns = 16; d.SamplesPerPixel = 1; d.PhotometricInterpretation = "MONOCHROME2"
                    d.BitsAllocated = d.BitsStored = 8; d.HighBit = 7; d.PixelRepresentation = 0; d.NumberOfFrames = 2
                    d.PixelData = encapsulate([bytes(range(200)), bytes(range(100))])
                    d["PixelData"].VR = "OB"
                    d.file_meta = FileMetaDataset()
                    d.file_meta.TransferSyntaxUID = UID(syntax)
                    path = directory + "/" + d.SOPInstanceUID + ".dcm"
                    d.save_as(path, enforce_file_format=True)
                    statuses[syntax] = association.send_c_store(path).Status
                    files[d.SOPInstanceUID] = path
                accepted = len(association.accepted_contexts)
                association.release()
                print(json.dumps({"proposed": len(syntaxes) + 1, "accepted": accepted, "statuses": statuses, "files": files}))
                """, ["\(node.dicomPort)", directory.path], as: Answers.self)
            #expect(answers.accepted == answers.proposed)
            let statuses = try #require(answers.statuses)
            #expect(statuses.count == 10)
            #expect(statuses.values.allSatisfy { $0 == 0 }, "\(statuses)")
            let stored = node.storedFiles()
            for (uid, path) in try #require(answers.files) {
                let kept = try #require(stored[uid]?.first, "\(uid)")
                #expect(try dataSet(ofFile: kept) == dataSet(ofFile: path))
            }
        }

        @Test("dcmsend, with as many contexts as it makes, has every instance acknowledged [DOOR-8]")
        func dcmsend() throws {
            let node = try SharedNode.node()
            let study = try Phantom(["--slices", "3", "--matrix", "64", "--seed", "921"])
            let sent = try Tool.run(
                "/usr/bin/dcmsend",
                [
                    "-v", "-aet", "CT1", "-aec", "TRIAGED", "-pdu", "4096", "127.0.0.1", "\(node.dicomPort)",
                    "--scan-directories",
                    study.directory.path,
                ], environment: ["TCP_NODELAY": "1"])
            #expect(sent.status == 0, "\(sent.output.suffix(2000))")
            #expect(node.storedFiles().keys.filter(Set(study.sopInstanceUIDs).contains).count == 3)
        }

        @Test("Orthanc verifies the node and sends it a study [DOOR-8]")
        func orthanc() throws {
            let node = try SharedNode.node()
            let study = try Phantom(["--slices", "2", "--matrix", "64", "--seed", "922"])
            let pacs = try Orthanc(modalities: ["triaged": ("TRIAGED", node.dicomPort)])
            try pacs.start()
            defer { pacs.stop() }
            let loaded = try Tool.run(
                "/usr/bin/storescu",
                ["-aet", "CT1", "-aec", "PACS", "+sd", "127.0.0.1", "\(pacs.dicomPort)", study.directory.path])
            #expect(loaded.status == 0, "\(loaded.output)")
            let base = "http://127.0.0.1:\(pacs.httpPort)"
            #expect(try HTTP.post(base + "/modalities/triaged/echo", json: "{}", seconds: 30).status == 200)
            let ids = try pacs.instances(studyInstanceUID: study.studyInstanceUID)
            #expect(ids.count == 2)
            let body = String(decoding: try JSONEncoder().encode(ids), as: UTF8.self)
            #expect(try HTTP.post(base + "/modalities/triaged/store", json: body, seconds: 60).status == 200)
            #expect(node.storedFiles().keys.filter(Set(study.sopInstanceUIDs).contains).count == 2)
        }
    }
}
