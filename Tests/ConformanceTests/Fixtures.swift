// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Support

enum Fixtures {
    static func destination(_ pacs: Orthanc, negativeReports: Bool = false) -> String {
        """
        destinations:
          - {name: pacs, aeTitle: PACS, host: 127.0.0.1, port: \(pacs.dicomPort), negativeReports: \(negativeReports)}
        """
    }

    /// Delivery states of an item's results.
    static func deliveries(_ item: [String: Any]) -> [String] {
        (item["results"] as? [[String: Any]])?.compactMap { $0["delivery"] as? String } ?? []
    }
}

/// A synthetic study in a directory of its own, made by the built `triaged phantom`.
final class Phantom {
    let directory: TemporaryDirectory
    let studyInstanceUID: String
    let seriesInstanceUID: String
    let sopInstanceUIDs: [String]
    /// As voxelised, mL; 0 without a bleed.
    let bleedVolumeML: Double

    /// `arguments` follow `triaged phantom head-ct --output DIR`.
    init(_ arguments: [String]) throws {
        directory = try TemporaryDirectory()
        let made = try Tool.run(
            Daemon.executable, ["phantom", "head-ct", "--output", directory.path] + arguments, seconds: 300)
        guard made.status == 0,
            let line = made.output.split(separator: "\n").last(where: { $0.hasPrefix("{") }),
            let truth = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any],
            let study = truth["studyInstanceUID"] as? String, let series = truth["seriesInstanceUID"] as? String,
            let instances = truth["sopInstanceUIDs"] as? [String]
        else { throw ToolError("triaged phantom failed with \(made.status): \(made.output)") }
        studyInstanceUID = study
        seriesInstanceUID = series
        sopInstanceUIDs = instances
        bleedVolumeML = truth["bleedVolumeML"] as? Double ?? 0
    }

    var files: [String] {
        let names = (try? FileManager.default.subpathsOfDirectory(atPath: directory.path)) ?? []
        return names.filter { $0.hasSuffix(".dcm") }.sorted().map { directory.file($0) }
    }
}
