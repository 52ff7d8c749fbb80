// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import Crypto
import Foundation
import Inference

/// What this program is, as results and peers are told.
enum Version {
    static let text = "0.1.0"

    /// Of what the configuration contributes to the bytes of results: which destinations ask for negative reports.
    /// - Parameter route: of the package, which another engine than this node's may run.
    static func configurationDigest(_ destinations: [Configuration.Destination], route: ServerRoute?) -> String {
        var text = destinations.contains(where: \.negativeReports) ? "negativeReports" : ""
        if let route { text += " server \(route.server.name)" }
        return hexadecimal(Array(SHA256.hash(data: Data(text.utf8))))
    }
}
