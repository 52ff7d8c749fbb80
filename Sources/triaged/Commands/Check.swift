// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import DCMTK
import DICOM
import Foundation
import Glibc
import Index
import Inference
import Models

struct Check: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Validates configuration, model packages, database and directories; one line per problem.")

    @OptionGroup var options: ConfigurationOption

    func run() throws {
        var problems: [String] = []
        do {
            let configuration = try Configuration.read(path: options.config)
            problems += Self.models(configuration)
            problems += Self.storage(configuration)
            problems += Self.tls(configuration)
            problems += Self.servers(configuration)
        } catch {
            problems += "\(error)".split(separator: "\n").map(String.init)
        }
        for problem in problems { print(problem) }
        if !problems.isEmpty { throw ExitCode(1) }
        print("\(options.config): ok")
    }

    private static func tls(_ configuration: Configuration) -> [String] {
        guard let tls = configuration.tls else { return [] }
        do throws(Failure) {
            let context = try TLSCredentials.load(tls)
            guard let warning = TLSCredentials.warning(context) else { return [] }
            let line = "\(tls.files.certificate): \(warning)"
            // A node that starts with it would be refused by every peer.
            if TLSCredentials.daysLeft(context) < 0 { return [line] }
            print(line)
            return []
        } catch { return [error.description] }
    }

    private static func models(_ configuration: Configuration) -> [String] {
        do {
            let results = try ModelPackage.loadAll(directory: configuration.modelsDirectory)
            if results.isEmpty {
                print("\(configuration.modelsDirectory): no model package; every study is out of scope")
            }
            // The engine is started only where there is something to run on it.
            var engine: Engine?
            return try results.flatMap { result -> [String] in
                switch result {
                case .success(let package):
                    if package.identity.isDemonstration, !configuration.allowDemonstration {
                        print(
                            "\(package.folder): for demonstration only; models.allowDemonstration is false, so that it never runs"
                        )
                    }
                    let resolved = package.resolved(among: results.compactMap { try? $0.get() })
                    let problem =
                        resolved.hindrance ?? AnalysisDesk.refusal(of: resolved, memory: configuration.inferenceMemory)
                    if let problem { return ["\(package.folder): cannot run: \(problem)"] }
                    guard try GoldenVectors.read(in: package.folder) != nil else { return [] }
                    let tester = try engine ?? Engine()
                    engine = tester
                    return try SelfTest(engine: tester).failures(of: package).map { "\(package.folder): \($0)" }
                case .failure(let error):
                    // No fault of the installation: the package waits for its weights, and the worklist says so.
                    guard case .incomplete = error else { return "\(error)".split(separator: "\n").map(String.init) }
                    print("\(error); it never runs, and what it claims is not analysed")
                    return []
                }
            }
        } catch { return ["\(error)"] }
    }

    /// Asks the servers, and compares what their models give with what the packages' own networks give here.
    private static func servers(_ configuration: Configuration) -> [String] {
        guard !configuration.servers.isEmpty,
            let results = try? ModelPackage.loadAll(directory: configuration.modelsDirectory)
        else { return [] }
        let packages = results.compactMap { try? $0.get() }
        let engine: Engine
        do throws(InferenceError) { engine = try Engine() } catch { return ["\(error); \(error.hint)"] }
        return RemoteServers(configuration.servers).problems(among: packages, comparedBy: engine)
    }

    private static func storage(_ configuration: Configuration) -> [String] {
        let directory = configuration.storageDirectory
        var isDirectory: ObjCBool = false
        guard FileManager.default.fileExists(atPath: directory, isDirectory: &isDirectory) else {
            return access((directory as NSString).deletingLastPathComponent, W_OK) == 0
                ? [] : ["\(directory): does not exist, and cannot be made"]
        }
        guard isDirectory.boolValue else { return ["\(directory): is not a directory"] }
        guard access(directory, R_OK | W_OK | X_OK) == 0 else {
            return ["\(directory): this user may not read and write it; run the check as the user of the service"]
        }
        let database = StudyIndex.path(in: directory)
        guard FileManager.default.fileExists(atPath: database) else { return [] }
        do { try StudyIndex.check(path: database) } catch { return ["\(error)"] }
        return []
    }
}

extension StudyIndex {
    /// Where the index lies in a store.
    static func path(in storageDirectory: String) -> String { storageDirectory + "/index.sqlite" }
}
