// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM
import Models
import Volume

/// What the manifest asks of the volume itself, measured on its grid and not taken from headers.
struct QualityGates {
    let quality: Manifest.Quality
    let volume: VoxelVolume

    private var normal: Vector3 {
        let normal = volume.grid.columnStep.cross(volume.grid.rowStep)
        return normal * (1 / normal.length)
    }
    /// mm between slices along their normal.
    private var sliceSpacing: Double { abs(volume.grid.sliceStep.dot(normal)) }
    private var extent: Double { sliceSpacing * Double(volume.grid.slices) }

    var refusals: [String] {
        var refusals: [String] = []
        if quality.unit != Manifest.Quality.anyUnit, quality.unit != volume.unit.value,
            !(quality.unit.contains("hnsf'U") && isHounsfield(volume.unit))
        {
            refusals.append("the voxels are in \(volume.unit.value), and the package needs \(quality.unit)")
        }
        return refusals + results.filter { $0.outcome == .block }.map(\.evidence)
    }

    /// What the manifest asks of the geometry, each with what was measured.
    var results: [QualityGateResult] {
        var results: [QualityGateResult] = []
        func add(_ name: String, _ value: Double, _ unit: String, isKept: Bool, _ evidence: String) {
            results.append(
                QualityGateResult(
                    name: name, outcome: isKept ? .pass : .block, value: value, unit: unit, evidence: evidence))
        }
        if let least = quality.minimumExtent {
            add(
                "minimumExtent", extent, "mm", isKept: extent >= least,
                "the slices cover \(tenth(extent)) mm, at least \(tenth(least)) mm needed")
        }
        if let most = quality.maximumSliceSpacing, volume.grid.slices > 1 {
            add(
                "maximumSliceSpacing", sliceSpacing, "mm", isKept: sliceSpacing <= most * 1.001,
                "the slices are \(tenth(sliceSpacing)) mm apart, at most \(tenth(most)) mm allowed")
        }
        if let rule = quality.orientation {
            let angle = rule.angle(of: normal)
            add(
                "orientation", angle, "deg", isKept: angle <= rule.within,
                "the slices lie \(tenth(angle))° from the \(rule.plane) plane, at most \(tenth(rule.within))° allowed"
            )
        }
        return results
    }

    /// - Parameter examined: mL of what the network says that it looked at; nil where it does not say.
    func coverage(examined: Double?) -> AnalysisResult.Coverage {
        var reason: String?
        if let examined, let least = quality.examined?.minimumVolume, examined < least {
            reason = "the network looked at \(tenth(examined)) mL; a negative needs \(tenth(least)) mL"
        } else if let least = quality.negativeExtent {
            if extent < least { reason = "the slices cover \(tenth(extent)) mm; a negative needs \(tenth(least)) mm" }
        } else {
            reason = "the package gives no negative results"
        }
        return .init(slices: volume.grid.slices, extent: extent, isNegativeAccepted: reason == nil, reason: reason)
    }
}

private func tenth(_ value: Double) -> String { String((value * 10).rounded() / 10) }
