// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM
import Foundation
import Testing

@testable import Models

@Suite struct PackageTests {
    private func withFolder(_ body: (URL) throws -> Void) throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("models-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        try body(folder)
    }
    private func write(_ folder: URL, _ manifest: String, network: String? = "graph", card: Bool = true) throws {
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        try Data(manifest.utf8).write(to: folder.appendingPathComponent("manifest.yaml"))
        if let network { try Data(network.utf8).write(to: folder.appendingPathComponent("network.onnx")) }
        if card { try Data().write(to: folder.appendingPathComponent("CARD.md")) }
        try Data().write(to: folder.appendingPathComponent("LICENSE"))
    }

    /// What the loader says that the file has.
    private func actualDigest(_ folder: URL) throws -> String {
        try write(folder, sample)
        guard
            case .failure(.altered(_, _, let problems)) = try ModelPackage.loadAll(
                directory: folder.deletingLastPathComponent().path)[0]
        else {
            return ""
        }
        #expect(problems[0].line == 12)
        return String(problems[0].message.suffix(64))
    }

    @Test("A network that is not the pinned one is refused, at the line of the digest")
    func digests() throws {
        try withFolder { root in
            let folder = root.appendingPathComponent("a")
            let actual = try actualDigest(folder)
            // sha256sum of "graph"
            #expect(actual == "eef93e1d14482804277fca0172464032d1a4fdbcc338524059fa1e861454ad4d")
            let pinned = sample.replacingOccurrences(of: String(repeating: "0", count: 64), with: actual)
            try write(folder, pinned)
            let package = try ModelPackage.load(folder: folder.path)
            #expect(package.path(of: package.manifest.network.graphs[0]) == folder.path + "/network.onnx")
            // The identity follows manifest and network.
            try write(folder, pinned + "\n# a remark\n")
            #expect(try ModelPackage.load(folder: folder.path).identity.digest != package.identity.digest)
            try write(folder, pinned, network: "graph ")
            #expect(throws: PackageError.self) { try ModelPackage.load(folder: folder.path) }
            // It does not keep others from running, and its series are not passed over in silence.
            let installed = try ModelPackage.installed(in: root.path)
            #expect(installed.map(\.identity.name) == ["sample"])
            #expect(
                installed.first?.hindrance?.hasPrefix("`sha256` does not match network.onnx: the file has ") == true)
        }
    }

    @Test("The file that an explanation is made of is pinned, and part of the package's digest")
    func explanation() throws {
        try withFolder { root in
            let folder = root.appendingPathComponent("a")
            let zeros = String(repeating: "0", count: 64)
            let pinned = sample.replacingOccurrences(of: zeros, with: try actualDigest(folder))
            func problems(_ explain: String) throws -> String {
                try write(folder, pinned + "\nexplain: {features: {output: f, \(explain)}}\n")
                do {
                    _ = try ModelPackage.load(folder: folder.path)
                    return ""
                } catch { return "\(error)" }
            }
            #expect(try problems("weights: fc.npy, sha256: \(zeros)").contains("incomplete: fc.npy is not there"))
            try Data("graph".utf8).write(to: folder.appendingPathComponent("fc.npy"))
            #expect(try problems("weights: fc.npy").contains("fc.npy is not pinned; write `sha256: eef93e1d"))
            #expect(try problems("weights: fc.npy, sha256: \(zeros)").contains("`sha256` does not match fc.npy"))
            #expect(
                try problems(
                    "weights: fc.npy, sha256: eef93e1d14482804277fca0172464032d1a4fdbcc338524059fa1e861454ad4d"
                ) == "")
            #expect(try problems("weights: fc") == "")
            #expect(try problems("weights: fc, sha256: \(zeros)").contains("belongs to a file"))
            #expect(try problems("weights: ../fc.npy").contains("explain.features.weights"))
        }
    }

    @Test(
        "A graph whose weights lie in another file is refused, wherever in the file it says so",
        arguments: [0, 1 << 20])
    func outsideWeights(before: Int) throws {
        try withFolder { root in
            let folder = root.appendingPathComponent("a")
            // An entry of external_data: `location`, and the name of a file; across two pieces that are read.
            let graph = String(repeating: "g", count: max(0, before - 5)) + "\n\u{8}location\u{12}\u{3}w.d"
            try write(folder, sample, network: graph)
            let all = try ModelPackage.loadAll(directory: root.path)
            guard case .failure(.altered(_, _, let problems)) = all[0] else {
                Issue.record("it was loaded")
                return
            }
            #expect(problems.contains { $0.message.hasPrefix("network.onnx keeps weights in another file") })
            try write(folder, sample, network: graph.replacingOccurrences(of: "\u{8}loc", with: "\u{7}loc"))
            guard case .failure(.altered(_, _, let others)) = try ModelPackage.loadAll(directory: root.path)[0] else {
                Issue.record("it was loaded")
                return
            }
            #expect(!others.contains { $0.message.contains("another file") })
        }
    }

    @Test("Missing files are named, a broken package does not hide its neighbour, and a name stands once")
    func folders() throws {
        try withFolder { root in
            let actual = try actualDigest(root.appendingPathComponent("a"))
            let pinned = sample.replacingOccurrences(of: String(repeating: "0", count: 64), with: actual)
            try write(root.appendingPathComponent("a"), pinned)
            try write(root.appendingPathComponent("b"), pinned)
            try write(
                root.appendingPathComponent("c"), pinned.replacingOccurrences(of: "name: sample", with: "name: other"),
                card: false)
            try write(root.appendingPathComponent("d"), pinned, network: nil)
            try FileManager.default.removeItem(at: root.appendingPathComponent("c/LICENSE"))
            let results = try ModelPackage.loadAll(directory: root.path)
            #expect(results.count == 4)
            func words(_ i: Int) -> String {
                if case .failure(let error) = results[i] { error.description } else { "" }
            }
            #expect(words(0).isEmpty)
            #expect(words(1).hasSuffix("a package sample 1.0 is there already"))
            #expect(words(2).contains("names CARD.md, which is not in the package folder"))
            #expect(words(2).contains("names LICENSE, which is not in the package folder"))
            #expect(words(3).hasSuffix("sample 1.0 is incomplete: network.onnx is not there"))
        }
    }
}
