// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM
import Models

/// A package in words, a line each, for `triaged model show`.
struct ModelDescription {
    let manifest: Manifest
    let state: String
    let digest: String?

    func print() {
        Swift.print(manifest.title)
        for (name, text) in lines {
            Swift.print("  " + name.padding(toLength: 14, withPad: " ", startingAt: 0) + text)
        }
    }

    private var lines: [(String, String)] {
        var lines = [
            ("name", "\(manifest.name) \(manifest.version)"), ("state", state),
            ("manufacturer", manifest.manufacturer), ("use", manifest.use.rawValue),
            ("licence", manifest.licence.spdx + (manifest.licence.isNonCommercial ? ", non-commercial" : "")),
        ]
        if let digest { lines.append(("digest", digest)) }
        lines.append(("intended use", manifest.intendedUse))
        if let notFor = manifest.notFor { lines.append(("not for", notFor)) }
        lines.append(
            ("takes", (manifest.claim.modality ?? []).joined(separator: ", ") + " in " + manifest.quality.unit))
        for channel in manifest.channels { lines.append(("channel", channel.name)) }
        if let region = manifest.region {
            lines.append(("region", "\(region.label) of \(region.package), \(region.margin) mm around"))
        }
        lines.append(("runs", runs))
        for network in manifest.networks {
            let files = network.graphs.map(\.file).joined(separator: ", ")
            lines.append((network.role.rawValue, "\(files), \(network.precision.rawValue)"))
        }
        if !manifest.preprocess.isEmpty { lines.append(("steps", "\(manifest.preprocess.count)")) }
        for output in manifest.outputs {
            lines.append(
                (
                    output.isReported ? "finds" : "marks",
                    "\(output.label) (\(output.code.value), \(output.code.scheme)), \(output.priority.rawValue), from \(output.minimumVolume) mL"
                ))
        }
        for score in manifest.scores {
            lines.append(
                (
                    "scores",
                    "\(score.label) (\(score.code.value), \(score.code.scheme)), \(score.priority.rawValue), from \(score.threshold)"
                ))
        }
        lines.append(("budget", "\(manifest.budget.memory >> 20) MiB, \(manifest.budget.time) s"))
        return lines
    }

    private var runs: String {
        switch manifest.inference {
        case .slidingWindow(let window):
            let mirrors = window.mirror.isEmpty ? "" : ", mirrored along \(window.mirror)"
            return "slidingWindow \(window.roi), overlap \(window.overlap), \(window.tiling.rawValue)\(mirrors)"
        case .detection(let detector): return "detection\(detector.roi.map { " \($0)" } ?? "")"
        case .promptable(let rule): return "promptable, \(rule.family.rawValue)"
        default: return manifest.inference.name
        }
    }
}
