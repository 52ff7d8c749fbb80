// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc
import Synchronization

/// Debian's Orthanc as the PACS, in a directory of its own.
package final class Orthanc: Sendable {
    package let dicomPort: Int
    package let httpPort: Int
    private let directory: TemporaryDirectory
    private let running = Mutex<Tool?>(nil)

    /// Of Debian's orthanc-dicomweb; its services are below /dicom-web.
    package static let dicomWeb = "/usr/share/orthanc/plugins/libOrthancDicomWeb.so"

    /// `settings` are further lines of its configuration, each with a comma behind it. `plugins` are paths.
    package init(
        dicomPort: Int = freePort(), httpPort: Int = freePort(), modalities: [String: (String, Int)] = [:],
        settings: String = "", plugins: [String] = []
    ) throws {
        self.dicomPort = dicomPort
        self.httpPort = httpPort
        directory = try TemporaryDirectory()
        let known = modalities.map { "\"\($0.key)\": [\"\($0.value.0)\", \"127.0.0.1\", \($0.value.1)]" }
        let configuration = """
            {\(settings)
             "Name": "PACS", "DicomAet": "PACS", "DicomPort": \(dicomPort), "HttpPort": \(httpPort),
             "StorageDirectory": "\(directory.file("db"))", "IndexDirectory": "\(directory.file("db"))",
             "RemoteAccessAllowed": false, "AuthenticationEnabled": false, "DicomAlwaysAllowFind": true,
             "DicomModalities": {\(known.joined(separator: ", "))}, "StableAge": 1,
             "Plugins": [\(plugins.map { "\"\($0)\"" }.joined(separator: ", "))]}
            """
        try configuration.write(toFile: directory.file("orthanc.json"), atomically: true, encoding: .utf8)
    }

    package func start() throws {
        let process = try Tool(
            "/usr/sbin/Orthanc", [directory.file("orthanc.json")], environment: ["TCP_NODELAY": "1"],
            log: directory.file("orthanc.log"))
        running.withLock { $0 = process }
        let isUp = try eventually(within: 60) {
            if let status = process.poll() { throw ToolError("Orthanc ended with \(status):\n\(process.output)") }
            return (try? HTTP.get("http://127.0.0.1:\(httpPort)/system", seconds: 2)).flatMap {
                $0.status == 200 ? true : nil
            }
        }
        guard isUp != nil else { throw ToolError("Orthanc did not start:\n\(process.output)") }
    }

    package func stop() {
        let process = running.withLock { running in
            defer { running = nil }
            return running
        }
        process?.signal(SIGTERM, within: 20)
    }

    deinit { running.withLock { $0 }?.signal(SIGKILL, within: 5) }

    package var output: String { running.withLock { $0 }?.output ?? "" }

    /// Orthanc's ids of all instances whose SOP class is `sopClassUID`, or of all.
    package func instances(sopClassUID: String? = nil, studyInstanceUID: String? = nil) throws -> [String] {
        var query: [String: String] = [:]
        if let sopClassUID { query["SOPClassUID"] = sopClassUID }
        if let studyInstanceUID { query["StudyInstanceUID"] = studyInstanceUID }
        return try found("Instance", query)
    }

    /// Removes a study; gives whether it was there.
    package func remove(studyInstanceUID: String) throws -> Bool {
        guard let id = try found("Study", ["StudyInstanceUID": studyInstanceUID]).first else { return false }
        return try HTTP.delete("http://127.0.0.1:\(httpPort)/studies/\(id)", seconds: 20).status == 200
    }

    private func found(_ level: String, _ query: [String: String]) throws -> [String] {
        let body = try JSONSerialization.data(withJSONObject: ["Level": level, "Query": query])
        let answer = try HTTP.post(
            "http://127.0.0.1:\(httpPort)/tools/find", json: String(decoding: body, as: UTF8.self), seconds: 20)
        return (try JSONSerialization.jsonObject(with: answer.body) as? [String]) ?? []
    }

    /// The Part 10 file of one instance.
    package func file(_ id: String) throws -> Data {
        try HTTP.get("http://127.0.0.1:\(httpPort)/instances/\(id)/file", seconds: 30).body
    }
}
