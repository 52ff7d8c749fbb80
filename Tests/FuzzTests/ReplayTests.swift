// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import Association
import DICOM
import Foundation
import Testing

/// The corpus without libFuzzer and without a sanitizer: what was found once is tried in every run. `make fuzz` looks for more.
@Suite("The corpus of the fuzzers") struct ReplayTests {
    private static let corpus = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appendingPathComponent("Fuzz/Corpus").path

    private static func inputs(of target: FuzzTarget) throws -> [(name: String, bytes: [UInt8])] {
        let folder = corpus + "/" + target.corpus
        return try FileManager.default.contentsOfDirectory(atPath: folder).filter { !$0.hasPrefix(".") }.sorted().map {
            ($0, [UInt8](try Data(contentsOf: URL(fileURLWithPath: folder + "/" + $0))))
        }
    }

    @Test(
        "every input is read in one way, however it is cut, and harms nothing [ROBUST-9]",
        arguments: FuzzTarget.allCases)
    func replay(target: FuzzTarget) throws {
        let inputs = try Self.inputs(of: target)
        #expect(inputs.count >= 8)
        for (name, bytes) in inputs { #expect(target.violation(of: bytes) == nil, "\(target)/\(name)") }
    }

    /// A corpus that is refused at the door finds nothing behind it.
    @Test("the scan's seeds are accepted in every kind of transfer syntax, and refused")
    func scanSeeds() throws {
        var accepted: Set<Int> = []
        var refused: Set<Int> = []
        for (_, bytes) in try Self.inputs(of: .scan) where bytes.count > 2 {
            let choice = Int(bytes[0]) % ScanHarness.syntaxes.count
            let body = Array(bytes[2...])
            switch ScanHarness.read(body, ScanHarness.syntaxes[choice], { body.count }).verdict {
            case .success: accepted.insert(choice)
            case .failure: refused.insert(choice)
            }
        }
        #expect(accepted == Set(ScanHarness.syntaxes.indices))
        #expect(refused == accepted)
    }

    @Test("the connections of the seeds store, are refused, abort and break off")
    func connectionSeeds() throws {
        var syntaxes: Set<UID> = []
        var seen: Set<String> = []
        for (name, bytes) in try Self.inputs(of: .connection) where name.hasPrefix("seed-") {
            let stream = (bytes[0] & 1 == 0 ? ConnectionHarness.request : []) + bytes[2...]
            let conversation = Conversation.play(stream) { stream.count }
            syntaxes.formUnion(conversation.instances.filter { $0.finished == 1 }.map(\.request.transferSyntaxUID))
            if !conversation.refused.isEmpty { seen.insert("refused") }
            for end in conversation.ended { seen.insert("\(end)".prefix { $0 != "(" }.description) }
        }
        #expect(syntaxes == Set(ScanHarness.syntaxes))
        #expect(seen == ["refused", "released", "aborted", "lost", "violated"])
    }
}
