// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import Crypto
import Foundation

/// What this program is, as results and peers are told.
enum Version {
    static let text = "0.1.0"

    /// Of what the configuration contributes to the bytes of results: which destinations ask for negative reports.
    static func configurationDigest(_ destinations: [Configuration.Destination]) -> String {
        let text = destinations.contains(where: \.negativeReports) ? "negativeReports" : ""
        return hexadecimal(Array(SHA256.hash(data: Data(text.utf8))))
    }
}
