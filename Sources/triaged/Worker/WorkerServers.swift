// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Inference

/// How a worker learns of the site's inference servers: an argument of its start, in JSON. It holds paths of secrets, and no
/// secret.
enum WorkerServers {
    static func argument(_ routes: [ServerRoute]) -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        guard let data = try? encoder.encode(routes) else { preconditionFailure("a route always encodes") }
        return String(decoding: data, as: UTF8.self)
    }

    static func routes(_ argument: String) -> [ServerRoute]? {
        try? JSONDecoder().decode([ServerRoute].self, from: Data(argument.utf8))
    }
}
