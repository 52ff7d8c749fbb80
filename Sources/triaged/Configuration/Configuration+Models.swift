// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import Models

/// The section `models`.
extension Configuration {
    mutating func readModels(_ root: StrictSection) {
        let keys = [
            "directory", "allowDemonstration", "workers", "threads", "memory", "maximumWait", "embeddings", "servers",
        ]
        guard let models = root.section("models", keys: keys) else { return }
        modelsDirectory = Self.absolute(models, "directory") ?? modelsDirectory
        allowDemonstration = models.boolean("allowDemonstration") ?? allowDemonstration
        workers = models.integer("workers", 1...64) ?? workers
        // Fewer processors than before for each of more workers, unless something else is said.
        threads = models.integer("threads", 1...1024) ?? max(1, Machine.current.cores / workers)
        inferenceMemory = models.integer("memory", 64...16_000_000).map { $0 << 20 } ?? inferenceMemory
        embeddingLimit = models.integer("embeddings", 0...1_000_000).map { $0 << 20 } ?? embeddingLimit
        readServers(models)
        maximumWait = models.number("maximumWait", 0...86_400) ?? maximumWait
    }
}
