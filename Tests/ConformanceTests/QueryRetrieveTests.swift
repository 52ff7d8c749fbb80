// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Support
import Testing

extension EndToEnd {
    /// What other people's clients find in the node, and fetch from it.
    @Suite("Query and retrieve", .serialized, .sharedNode { try QueryNode.make() }) struct QueryRetrieveTests {
        typealias Match = [String: String]

        /// Matches of DCMTK's findscu, by tag, and the words of the final response.
        private func find(_ model: String, _ keys: [String]) throws -> (matches: [Match], final: String) {
            let node = try SharedNode.node()
            let outcome = try Tool.run(
                "/usr/bin/findscu",
                ["-v", model, "-aet", "CT1", "-aec", "TRIAGED", "127.0.0.1", "\(node.dicomPort)"]
                    + keys.flatMap { ["-k", $0] }, seconds: 60)
            var matches: [Match] = []
            var final = ""
            for line in outcome.output.split(separator: "\n") {
                if line.hasPrefix("I: Find Response:") { matches.append([:]) }
                if line.contains("Final Find Response") || line.contains("Find Failed") { final = String(line) }
                guard !matches.isEmpty,
                    let element = line.firstMatch(of: #/\(([0-9a-f]{4},[0-9a-f]{4})\) [A-Z]{2} \[(.*?)\]  ?/#)
                else { continue }
                matches[matches.count - 1][String(element.1)] = element.2.trimmingCharacters(
                    in: CharacterSet(charactersIn: " \0"))
            }
            return (matches, final)
        }

        private func values(_ tag: String, _ model: String, _ keys: [String]) throws -> [String] {
            try find(model, keys).matches.compactMap { $0[tag] }.sorted()
        }

        /// One slice with attributes of its own, stored.
        @discardableResult
        private func store(seed: Int, _ attributes: [String], arguments: [String] = []) throws -> Phantom {
            let study = try Phantom(
                ["--slices", "2", "--matrix", "64", "--seed", "\(seed)", "--patient-id", "QUERY-\(seed)"] + arguments)
            if !attributes.isEmpty {
                let changed = try Tool.run(
                    "/usr/bin/dcmodify", ["-nb"] + attributes.flatMap { ["-i", $0] } + study.files)
                #expect(changed.status == 0, "\(changed.output)")
            }
            try SharedNode.node().storeAll(study.files)
            return study
        }

        @Test("each level is found in both models, with its counts [FIND-2]")
        func levels() throws {
            let study = try store(seed: 301, ["StudyDescription=Query levels", "AccessionNumber=ACC301"])
            let (uid, series) = (study.studyInstanceUID, study.seriesInstanceUID)
            for model in ["-P", "-S"] {
                let found = try find(
                    model,
                    [
                        "QueryRetrieveLevel=STUDY", "PatientID=QUERY-301", "StudyInstanceUID", "AccessionNumber",
                        "StudyDescription", "ModalitiesInStudy", "NumberOfStudyRelatedSeries",
                        "NumberOfStudyRelatedInstances", "InstanceAvailability",
                    ])
                #expect(found.final.contains("Success"))
                #expect(found.matches.count == 1)
                let match = try #require(found.matches.first)
                #expect(match["0020,000d"] == uid)
                #expect(match["0008,0050"] == "ACC301")
                #expect(match["0008,1030"] == "Query levels")
                #expect(match["0008,0061"] == "CT")
                #expect(match["0020,1206"] == "1")
                #expect(match["0020,1208"] == "2")
                #expect(match["0008,0054"] == "TRIAGED")
                #expect(match["0008,0056"] == "ONLINE")
                let above = model == "-P" ? ["PatientID=QUERY-301"] : []
                let seriesFound = try values(
                    "0020,000e", model,
                    above + [
                        "QueryRetrieveLevel=SERIES", "StudyInstanceUID=\(uid)", "SeriesInstanceUID", "Modality=CT",
                    ])
                #expect(seriesFound == [series])
                #expect(
                    try values(
                        "0008,0018", model,
                        above + [
                            "QueryRetrieveLevel=IMAGE", "StudyInstanceUID=\(uid)", "SeriesInstanceUID=\(series)",
                            "SOPInstanceUID", "InstanceNumber",
                        ]) == study.sopInstanceUIDs.sorted())
            }
            #expect(
                try values("0010,0020", "-P", ["QueryRetrieveLevel=PATIENT", "PatientID=QUERY-30?", "PatientName"])
                    == ["QUERY-301"])
            #expect(
                try find("-S", ["QueryRetrieveLevel=PATIENT", "PatientID"]).final.contains(
                    "DataSetDoesNotMatchSOPClass"))
        }

        @Test("wildcards, ranges, lists, letter case and sequences match as PS3.4 C.2.2.2 says [FIND-3]")
        func matching() throws {
            let one = try store(
                seed: 311,
                [
                    "StudyDate=20200110", "StudyTime=101500.25", "AccessionNumber=QX311", "StudyDescription=Head",
                    "(0040,0275)[0].RequestedProcedureID=RP311", "(0040,0275)[0].ScheduledProcedureStepID=SPS311",
                ], arguments: ["--patient-name", "Query^Anna"])
            let two = try store(
                seed: 312,
                ["StudyDate=20200220", "StudyTime=235959", "AccessionNumber=QX312", "StudyDescription=HEAD"],
                arguments: ["--patient-name", "Query^Berta"])
            let (first, second) = (one.studyInstanceUID, two.studyInstanceUID)
            let cases: [([String], Set<String>)] = [
                (["PatientName=query*"], [first, second]), (["PatientName=QUERY^ANNA"], [first]),
                (["PatientName=Query^?erta"], [second]), (["AccessionNumber=QX31?"], [first, second]),
                (["AccessionNumber=qx31?"], []), (["AccessionNumber=QX311"], [first]),
                (["PatientName=query*", "StudyDescription=Head"], [first]),
                (["StudyDate=20200101-20200131", "AccessionNumber=QX*"], [first]),
                (["StudyDate=20200111-", "AccessionNumber=QX*"], [second]),
                (["StudyDate=-20200220", "AccessionNumber=QX*"], [first, second]),
                (["StudyTime=1015", "AccessionNumber=QX*"], [first]),
                (["StudyTime=1015-235959", "AccessionNumber=QX*"], [first, second]),
                (["StudyTime=1016-235958", "AccessionNumber=QX*"], []),
                (["StudyInstanceUID=\(first)\\\(second)\\1.2.3"], [first, second]),
                (["ModalitiesInStudy=MR", "AccessionNumber=QX*"], []),
                (["ModalitiesInStudy=CT", "AccessionNumber=QX*"], [first, second]),
            ]
            for (keys, expected) in cases {
                let asked = keys.contains { $0.hasPrefix("StudyInstanceUID") } ? keys : keys + ["StudyInstanceUID"]
                let found = try values("0020,000d", "-S", ["QueryRetrieveLevel=STUDY"] + asked)
                #expect(Set(found) == expected, "\(keys)")
                #expect(found.count == expected.count, "\(keys)")
            }
            func series(_ request: String) throws -> [String] {
                try values(
                    "0020,000d", "-S",
                    [
                        "QueryRetrieveLevel=SERIES", "StudyInstanceUID=\(first)\\\(second)", "SeriesInstanceUID",
                        "(0040,0275)[0].RequestedProcedureID=\(request)", "(0040,0275)[0].ScheduledProcedureStepID",
                    ])
            }
            #expect(try series("RP*") == [first])
            #expect(try series("RP312") == [])
            let asked = try #require(
                try find(
                    "-S",
                    [
                        "QueryRetrieveLevel=SERIES", "StudyInstanceUID=\(first)",
                        "(0040,0275)[0].ScheduledProcedureStepID",
                    ]
                ).matches.first)
            #expect(asked["0040,0009"] == "SPS311")
        }

        @Test(
            "a Japanese name is found by each of its groups, and answered in the character set of the query [FIND-4]",
            .enabled(if: Judge.areDue(.highdicom)), arguments: ["ISO 2022 IR 87", "ISO_IR 192", "ISO_IR 100"])
        func names(characterSet: String) throws {
            let node = try SharedNode.node()
            let name = "Yamada^Query=山田^太郎=やまだ^たろう"
            let study = try store(
                seed: 321, [], arguments: ["--character-set", "ISO 2022 IR 87", "--patient-name", name])
            let script = """
                import sys, json
                from pydicom.dataset import Dataset
                from pynetdicom import AE
                port, charset, *names = sys.argv[1:]
                ae = AE("CT1"); ae.add_requested_context("1.2.840.10008.5.1.4.1.2.2.1")
                a = ae.associate("127.0.0.1", int(port), ae_title="TRIAGED"); assert a.is_established
                out = []
                for name in names:
                    q = Dataset(); q.SpecificCharacterSet = ["", charset] if "2022" in charset else charset
                    q.QueryRetrieveLevel = "STUDY"; q.PatientName = name; q.StudyInstanceUID = ""
                    found = [d for s, d in a.send_c_find(q, "1.2.840.10008.5.1.4.1.2.2.1") if d]
                    out.append([[str(d.StudyInstanceUID), str(d.PatientName), str(d.SpecificCharacterSet)] for d in found])
                a.release(); print(json.dumps(out))
                """
            // What the set cannot say is not asked in it.
            let asked = characterSet == "ISO_IR 100" ? ["yamada^query"] : ["YAMADA*", "山田*", "=山田^太郎", "ﾔﾏﾀﾞ*", "=山*"]
            let usable = characterSet == "ISO 2022 IR 87" ? asked.filter { !$0.contains("ﾔ") } : asked
            let outcome = try Tool.run(
                try QueryNode.python(), ["-c", script, "\(node.dicomPort)", characterSet] + usable)
            let line = outcome.output.split(separator: "\n").last.map(String.init) ?? ""
            let answers = try JSONDecoder().decode([[[String]]].self, from: Data(line.utf8))
            #expect(answers.count == usable.count)
            for (asked, matches) in zip(usable, answers) {
                let match = matches.first { $0[0] == study.studyInstanceUID }
                #expect(match?[1] == name, "\(asked): \(matches)")
                // Latin-1 has no room for it.
                #expect(match?[2].contains(characterSet == "ISO_IR 100" ? "192" : characterSet) == true, "\(matches)")
            }
        }

        @Test(
            "results are found beside the images, and a C-MOVE and a C-GET bring all of it byte for byte [MOVE-1] [GET-1]"
        )
        func everything() throws {
            let node = try SharedNode.node()
            let study = try Fixtures.smallBleed(seed: 331)
            try node.storeAll(study.files)
            let item = try node.endedItem(study: study.studyInstanceUID)
            #expect(item.state == "analysed")
            let key = "StudyInstanceUID=\(study.studyInstanceUID)"
            #expect(
                try values(
                    "0008,0060", "-S", ["QueryRetrieveLevel=SERIES", key, "SeriesInstanceUID", "Modality"])
                    == ["CT", "SEG", "SR"])
            var expected = try node.keptResults().filter { uid, _ in
                try find("-S", ["QueryRetrieveLevel=IMAGE", key, "SOPInstanceUID=\(uid)"]).matches.count == 1
            }
            #expect(expected.count == 2)
            for (uid, files) in node.storedFiles() where study.sopInstanceUIDs.contains(uid) {
                expected[uid] = try dataSet(ofFile: files[0])
            }
            #expect(expected.count == study.sopInstanceUIDs.count + 2)

            let moved = try TemporaryDirectory()
            let logs = try TemporaryDirectory()
            let destination = try Tool(
                "/usr/bin/storescp",
                ["-aet", "STORE", "-od", moved.path, "+xa", "+B", "\(QueryNode.storePort)"],
                environment: ["TCP_NODELAY": "1"], log: logs.file("storescp.log"))
            let isUp = try eventually(within: 20) {
                try Tool.run("/usr/bin/echoscu", ["127.0.0.1", "\(QueryNode.storePort)"]).status == 0 ? true : nil
            }
            #expect(isUp == true)
            let move = try Tool.run(
                "/usr/bin/movescu",
                [
                    "-v", "-S", "-aet", "CT1", "-aec", "TRIAGED", "-aem", "STORE", "127.0.0.1", "\(node.dicomPort)",
                    "-k", "QueryRetrieveLevel=STUDY", "-k", key,
                ], seconds: 60)
            #expect(move.output.contains("Received Final Move Response (Success)"), "\(move.output.suffix(1000))")
            destination.signal(SIGTERM, within: 10)
            try expectEqual(moved, expected)

            let got = try TemporaryDirectory()
            let get = try Tool.run(
                "/usr/bin/getscu",
                [
                    "-v", "-S", "-aet", "CT1", "-aec", "TRIAGED", "+B", "-od", got.path, "127.0.0.1",
                    "\(node.dicomPort)",
                    "-k", "QueryRetrieveLevel=STUDY", "-k", key,
                ], seconds: 60)
            #expect(get.output.contains("Received C-GET Response (Success)"), "\(get.output.suffix(1000))")
            try expectEqual(got, expected)
        }

        private func expectEqual(_ directory: TemporaryDirectory, _ expected: [String: Data]) throws {
            let files = try FileManager.default.contentsOfDirectory(atPath: directory.path).map { directory.file($0) }
            let uids = files.isEmpty ? [:] : try sopInstanceUIDs(ofFiles: files)
            #expect(Set(uids.values) == Set(expected.keys))
            for (file, uid) in uids { #expect(try dataSet(ofFile: file) == expected[uid], "\(uid)") }
        }

        @Test(
            "a C-MOVE to an unknown destination is refused with A801, and one without its unique key with A900 [MOVE-2]"
        )
        func refusedMoves() throws {
            let node = try SharedNode.node()
            let study = try store(seed: 341, [])
            func move(_ destination: String, _ keys: [String]) throws -> String {
                try Tool.run(
                    "/usr/bin/movescu",
                    [
                        "-d", "-S", "-aet", "CT1", "-aec", "TRIAGED", "-aem", destination, "127.0.0.1",
                        "\(node.dicomPort)",
                    ] + keys.flatMap { ["-k", $0] }, seconds: 60
                ).output
            }
            #expect(
                try move("NOBODY", ["QueryRetrieveLevel=STUDY", "StudyInstanceUID=\(study.studyInstanceUID)"])
                    .contains("0xa801"))
            #expect(try move("STORE", ["QueryRetrieveLevel=STUDY", "PatientID=QUERY-341"]).contains("0xa900"))
            // Nobody listens there: every sub-operation fails, and is counted.
            let gone = try move("CT1", ["QueryRetrieveLevel=STUDY", "StudyInstanceUID=\(study.studyInstanceUID)"])
            #expect(gone.contains("0xa702"))
            #expect(gone.contains(try Regex("Failed Suboperations +: 2")))
        }

        @Test("Orthanc finds a study by query and retrieves it [MOVE-3]")
        func orthanc() throws {
            let node = try SharedNode.node()
            let study = try store(seed: 351, [])
            let pacs = try Orthanc(
                dicomPort: QueryNode.orthancPort, modalities: ["triaged": ("TRIAGED", node.dicomPort)])
            try pacs.start()
            defer { pacs.stop() }
            let base = "http://127.0.0.1:\(pacs.httpPort)"
            let asked = try HTTP.post(
                base + "/modalities/triaged/query",
                json:
                    #"{"Level": "Study", "Query": {"PatientID": "QUERY-35*", "StudyDate": "", "ModalitiesInStudy": "CT"}}"#,
                seconds: 30)
            let query = try #require(try JSONSerialization.jsonObject(with: asked.body) as? [String: Any])
            let path = try #require(query["Path"] as? String)
            let answers = try HTTP.get(base + path + "/answers", seconds: 10)
            #expect(try (JSONSerialization.jsonObject(with: answers.body) as? [Any])?.count == 1)
            let retrieved = try HTTP.post(
                base + path + "/retrieve", json: #"{"TargetAet": "PACS", "Synchronous": true}"#, seconds: 60)
            #expect(retrieved.status == 200, "\(retrieved.text)")
            let ids = try pacs.instances(studyInstanceUID: study.studyInstanceUID)
            #expect(ids.count == study.sopInstanceUIDs.count)
            let directory = try TemporaryDirectory()
            for id in ids { try pacs.file(id).write(to: URL(fileURLWithPath: directory.file(id))) }
            try expectEqual(
                directory,
                try Dictionary(
                    uniqueKeysWithValues: node.storedFiles().filter { study.sopInstanceUIDs.contains($0.key) }
                        .map { ($0.key, try dataSet(ofFile: $0.value[0])) }))
        }

        @Test("identifiers that are nested, cut off or endless are refused, and the node goes on [FIND-5]")
        func malformed() throws {
            let node = try SharedNode.node()
            let witness = try Witness(node)
            let findClass = "1.2.840.10008.5.1.4.1.2.2.1"
            let command = PDUBytes.commandSet(
                PDUBytes.element(2, PDUBytes.even(Array(findClass.utf8))) + PDUBytes.element(0x100, [0x20, 0])
                    + PDUBytes.element(0x110, [1, 0]) + PDUBytes.element(0x700, [0, 0])
                    + PDUBytes.element(0x800, [1, 0]))
            let level = PDUBytes.element(0x52, Array("STUDY ".utf8), group: 8)
            var bomb: [UInt8] = level
            for _ in 0..<20_000 {
                bomb += [0x40, 0, 0x75, 2, 0xFF, 0xFF, 0xFF, 0xFF, 0xFE, 0xFF, 0x00, 0xE0, 0xFF, 0xFF, 0xFF, 0xFF]
            }
            let cut = level + [0x10, 0, 0x10, 0, 0xFF, 0xFF, 0, 0, 0x41]
            let many = level + (0..<60_000).flatMap { _ in [0x11, 0, 0x10, 0x10, 0, 0, 0, 0] as [UInt8] }
            for identifier in [
                bomb, cut, many, [0xFF], level + level.dropLast(), [UInt8](repeating: 0x41, count: 5000),
            ] {
                let peer = try ScriptedPeer(port: UInt16(node.dicomPort))
                try peer.play([
                    .send(
                        PDUBytes.associateRequest(
                            contexts: PDUBytes.context(1, findClass, [PDUBytes.implicitLittleEndian]))), .expect(2),
                    .send(PDUBytes.data(1, command: true, last: true, command)),
                ])
                for start in stride(from: 0, to: identifier.count, by: 60_000) {
                    let end = min(start + 60_000, identifier.count)
                    peer.send(
                        PDUBytes.data(1, command: false, last: end == identifier.count, Array(identifier[start..<end])))
                }
                let response = try #require(peer.readPDU())
                #expect(response[0] == 4)
                // Status (0000,0900): C000.
                #expect(Array(response).contains(subsequence: [0, 0, 0, 9, 2, 0, 0, 0, 0x00, 0xC0]))
                peer.close()
            }
            let endless = try ScriptedPeer(port: UInt16(node.dicomPort))
            try endless.play([
                .send(
                    PDUBytes.associateRequest(
                        contexts: PDUBytes.context(1, findClass, [PDUBytes.implicitLittleEndian]))), .expect(2),
                .send(PDUBytes.data(1, command: true, last: true, command)),
            ])
            for _ in 0..<20 {
                endless.send(PDUBytes.data(1, command: false, last: false, [UInt8](repeating: 0x20, count: 65_536)))
            }
            #expect(endless.endsAfterReading())
            try witness.expectUnharmed()
        }
    }
}

extension [UInt8] {
    fileprivate func contains(subsequence part: [UInt8]) -> Bool {
        count >= part.count && indices.dropLast(part.count - 1).contains { self[$0...].starts(with: part) }
    }
}

/// A node that knows a storescp and an Orthanc as peers.
enum QueryNode {
    static let storePort = freePort()
    static let orthancPort = freePort()

    static func make() throws -> Daemon {
        let node = try Daemon(quietPeriod: 0.5)
        let text = try String(contentsOfFile: node.configurationPath, encoding: .utf8)
        let peers = [("STORE", storePort), ("PACS", orthancPort)].map {
            "  - {aeTitle: \($0.0), host: 127.0.0.1, port: \($0.1)}\n"
        }
        try text.replacingOccurrences(of: "storage:\n", with: peers.joined() + "storage:\n")
            .write(toFile: node.configurationPath, atomically: true, encoding: .utf8)
        return node
    }

    /// With pynetdicom.
    static func python() throws -> String {
        guard let judges = ProcessInfo.processInfo.environment["TRIAGED_JUDGES"] else {
            throw ToolError("TRIAGED_JUDGES names no Python environment")
        }
        return judges + "/bin/python"
    }
}
