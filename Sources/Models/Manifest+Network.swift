// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

extension Manifest {
    /// A graph on disk, pinned.
    package struct Graph: Sendable, Equatable {
        /// ONNX (`.onnx`) or OpenVINO IR (`.xml`), inside the package folder.
        package var file: String
        /// nil only in a package whose weights are not there yet.
        package var sha256: String?
        /// The `.bin` beside an IR.
        package var weights: String?
        package var weightsSHA256: String?

        /// Files with their pinned digests and the key that pins them.
        package var files: [(name: String, sha256: String?, key: String)] {
            [(file, sha256, "sha256")] + (weights.map { [($0, weightsSHA256, "weightsSHA256")] } ?? [])
        }
    }

    /// What a network does in its package.
    package enum Role: String, Sendable, CaseIterable { case main, encoder, sequence, decoder }

    /// One network of a package: a graph, or several of one signature whose raw outputs are averaged.
    package struct Network: Sendable, Equatable {
        package enum Precision: String, Sendable, CaseIterable { case f32, bf16, f16 }
        package var role: Role
        /// At least one; more are folds.
        package var graphs: [Graph]
        package var precision: Precision
        /// Names of the graph's tensors by what they are to the kind; what is not named is bound by position.
        package var inputs: [String: String]
        package var outputs: [String: String]

        package var file: String { graphs[0].file }
        package var sha256: String? { graphs[0].sha256 }
        package var weights: String? { graphs[0].weights }
        package var weightsSHA256: String? { graphs[0].weightsSHA256 }
    }

    /// Every file that a result depends on, in the order in which the package's digest has them.
    package var files: [(name: String, sha256: String?, key: String)] {
        networks.flatMap(\.graphs).flatMap(\.files) + [explain?.file].compactMap(\.self)
    }

    /// Nothing but a person could say what it is to mark.
    package var needsPrompt: Bool {
        if case .promptable = inference { region == nil } else { false }
    }

    /// The only network, or the first.
    package var network: Network { networks[0] }
    package func network(_ role: Role) -> Network? { networks.first { $0.role == role } }

    /// One input series of several, such as an MR sequence.
    package struct Channel: Sendable, Equatable {
        package var name: String
        package var claim: Rules
    }

    /// What another package found, beyond which this one does not look.
    package struct Region: Sendable, Equatable {
        /// Name of the other package.
        package var package: String
        /// Label of its output.
        package var label: String
        /// mm around it.
        package var margin: Double
    }
}
