// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

package import OpenInference

/// Why a package gave no result on a volume.
package enum InferenceError: Error, Equatable, CustomStringConvertible {
    /// A quality gate of the manifest, or its budget, refuses the volume: "not analysed", with each reason.
    case refused([String])
    /// The network does not fit the manifest: tensors, channels, precision.
    case mismatch(package: String, reason: String)
    /// OpenVINO's own words.
    case engine(operation: String, message: String)
    /// A server that runs the package's networks gave no answer that can be used.
    case server(ServerError)
    /// The network gave NaN or infinity.
    case notFinite(package: String)
    /// The package's time was up before the last window; seconds.
    case tooSlow(package: String, budget: Double)
    /// The manifest asks for what this kind of run does not do.
    case unsupported(String)
    /// `shouldStop` said so.
    case cancelled

    /// True where the series is at fault, or the rules, and not the node: the worklist says "not analysed", not "failed".
    package var isRefusal: Bool { if case .refused = self { true } else { false } }

    /// How an operation of the engine begins that reads a graph. The file is pinned: what cannot be read stays so.
    static let reading = "read the graph "

    /// The same input gives the same refusal or mismatch; only an engine may fail by lack of memory and work later.
    package var isTransient: Bool {
        switch self {
        case .engine(let operation, _): !operation.hasPrefix(Self.reading)
        case .cancelled: true
        case .server(let error): error.isTransient
        case .refused, .mismatch, .notFinite, .tooSlow, .unsupported: false
        }
    }

    /// True where not the job but the site is at fault: a server that is away, loading or refuses this node. The job waits
    /// until it is there, and no attempt is spent.
    package var isUnavailability: Bool { if case .server(let error) = self { error.isTransient } else { false } }

    package var description: String {
        switch self {
        case .refused(let reasons): reasons.joined(separator: "; ")
        case .mismatch(let package, let reason): "package \(package): \(reason)"
        case .engine(let operation, let message): "OpenVINO could not \(operation): \(message)"
        case .server(let error): "\(error)"
        case .notFinite(let package): "package \(package): the network gave a value that is not a finite number"
        case .tooSlow(let package, let budget):
            "package \(package): the series was not finished within the package's budget of \(budget) seconds"
        case .unsupported(let what): "\(what) is not supported"
        case .cancelled: "stopped before it was finished"
        }
    }

    package var hint: String {
        switch self {
        case .refused: "compare the series with `quality`, `require` and `budget` in the package's manifest"
        case .mismatch, .unsupported: "correct the manifest, or replace the network and its sha256"
        case .engine: "run `triaged check`; see whether memory was short and which operators the network uses"
        case .server(let error): error.hint
        case .notFinite: "try `precision: f32` in the manifest, or ask the model's maker"
        case .tooSlow: "raise `budget.time` in the manifest, or give the node more processors or `precision: bf16`"
        case .cancelled: "nothing to do: the job runs again if it is still wanted"
        }
    }
}
