// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Inference
import Models

struct ModelCheck: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract: "Validates a package, loads its networks and runs its golden vectors; one line per problem.",
        aliases: ["validate"])
    @Argument(help: "Folder of a model package.") var package: String

    func run() throws {
        let problems: [String]
        var name = package
        do {
            let package = try ModelPackage.load(folder: package)
            name = "\(package.identity.name) \(package.identity.version)"
            problems = try Self.problems(of: package, engine: try Engine())
        } catch { throw Failure(error) }
        guard problems.isEmpty else {
            for problem in problems { print(problem) }
            throw ExitCode(1)
        }
        print("\(name): ok")
    }

    /// What keeps a valid package from running: a network that does not fit, a golden vector that differs.
    static func problems(of package: ModelPackage, engine: Engine) throws -> [String] {
        do throws(InferenceError) { try engine.prepare(package) } catch { return ["\(package.folder): \(error)"] }
        return try SelfTest(engine: engine).failures(of: package).map { "\(package.folder): \($0)" }
    }
}
