// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Support
import Testing

extension EndToEnd {
    /// A DICOMweb server as a destination: Orthanc's plugin, which lets in who shows a token.
    @Suite(
        "DICOMweb", .serialized,
        .enabled(if: FileManager.default.fileExists(atPath: Orthanc.dicomWeb), "install orthanc-dicomweb"))
    struct WebDestinationTests {
        private static let filter = """
            function IncomingHttpRequestFilter(method, uri, ip, username, headers)
              return string.sub(uri, 1, 11) ~= '/dicom-web/' or headers['authorization'] == 'Bearer right'
            end
            """

        @Test(
            "results go out by STOW-RS and are proven by QIDO-RS; a token that is refused holds them, with the reason, until it is renewed [WEB-4]"
        )
        func orthanc() throws {
            let directory = try TemporaryDirectory()
            let (script, token) = (directory.file("filter.lua"), directory.file("token"))
            try Self.filter.write(toFile: script, atomically: true, encoding: .utf8)
            try "wrong\n".write(toFile: token, atomically: true, encoding: .utf8)
            let pacs = try Orthanc(
                settings:
                    "\"LuaScripts\": [\"\(script)\"], \"DicomWeb\": {\"Enable\": true, \"Root\": \"/dicom-web/\"},",
                plugins: [Orthanc.dicomWeb])
            try pacs.start()
            defer { pacs.stop() }
            let node = try Daemon(
                destinations: """
                    destinations:
                      - {name: web, url: "http://127.0.0.1:\(pacs.httpPort)/dicom-web", tokenFile: \(token)}
                    """, quietPeriod: 0.5)
            try node.start()
            let study = try Fixtures.smallBleed(seed: 370)
            try node.storeAll(study.files)
            func results() throws -> [[String: Any]] {
                try node.item(study: study.studyInstanceUID)?.list("results") ?? []
            }
            let refused = try eventually(within: 60) {
                let shown = try results()
                return shown.count == 2 && shown.allSatisfy { $0.text("reason")?.isEmpty == false } ? shown : nil
            }
            let held = try #require(refused, "\(node.output)")
            for result in held {
                #expect(result.text("delivery") == "pending" && result.text("destination") == "web")
                let reason = result.text("reason") ?? ""
                #expect(
                    reason.hasPrefix("HTTP 40") && reason.contains("does not let the node in; see its token"),
                    "\(reason)")
            }
            #expect(try pacs.instances().isEmpty)

            try "right\n".write(toFile: token, atomically: true, encoding: .utf8)
            let asked = try Command.run("deliver", "--retry", "--all", "--config", node.configurationPath)
            #expect(asked.status == 0 && asked.output.contains("2 deliveries taken up"), "\(asked.output)")
            let settled = try eventually(within: 60) {
                let shown = try results()
                return shown.allSatisfy { $0.text("delivery") == "committed" } ? shown : nil
            }
            let last = try results()
            let delivered = try #require(settled, "\(last) \(node.output)")
            #expect(delivered.count == 2 && delivered.allSatisfy { $0.text("proof") == "query" }, "\(delivered)")

            let kept = try node.keptResults()
            let stored = try pacs.instances(studyInstanceUID: study.studyInstanceUID)
            #expect(stored.count == 2)
            for id in stored {
                let path = directory.file(id)
                try pacs.file(id).write(to: URL(fileURLWithPath: path))
                let uid = try #require(try sopInstanceUIDs(ofFiles: [path])[path])
                #expect(try dataSet(ofFile: path) == kept[uid], "\(uid)")
            }
            #expect(node.stop() == 0)
        }
    }
}
