// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM
import Glibc

/// What one rule says of a series.
enum RuleVerdict: Equatable {
    case holds
    /// The attribute is not there to be judged by; the measured geometry is judged again before a run.
    case unknown(String)
    case breaks(String)
    /// Some slices hold and others break.
    case mixed(String)
}

extension Rules {
    /// The verdict of every rule that is asked, in the order of the manifest's documentation.
    func verdicts(on facts: SeriesFacts) -> [RuleVerdict] {
        var verdicts: [RuleVerdict] = []
        if let modality {
            verdicts.append(
                judge(facts.modality, whenMissing: .breaks("Modality is empty")) {
                    modality.contains($0)
                } _: {
                    "Modality is \($0), not \(modality.joined(separator: " or "))"
                })
        }
        if let sopClasses {
            verdicts.append(
                judge(facts.sopClasses, whenMissing: .breaks("no SOP Class")) {
                    sopClasses.contains($0)
                } _: {
                    "SOP Class \($0) is not one that the package reads"
                })
        }
        if let bodyPartExamined { verdicts.append(judge(bodyPartExamined, facts)) }
        if let imageType {
            verdicts.append(
                judge(
                    facts.imageType, whenMissing: imageType.contains.isEmpty ? .holds : .breaks("Image Type is empty")
                ) {
                    value in
                    imageType.contains.allSatisfy { value.contains($0) }
                        && !imageType.excludes.contains { value.contains($0) }
                } _: { value in
                    if let word = imageType.excludes.first(where: { value.contains($0) }) {
                        return "Image Type has \(word)"
                    }
                    let lacking = imageType.contains.filter { !value.contains($0) }.joined(separator: ", ")
                    return "Image Type lacks \(lacking)"
                })
        }
        for (name, rule, stated) in [
            ("Series Description", seriesDescription, facts.seriesDescription),
            ("Study Description", studyDescription, facts.studyDescription),
            ("Protocol Name", protocolName, facts.protocolName),
            ("Convolution Kernel", convolutionKernel, facts.convolutionKernel),
        ] {
            guard let rule else { continue }
            let whenMissing = rule.include == nil ? RuleVerdict.holds : .breaks("\(name) is empty")
            verdicts.append(
                judge(stated, whenMissing: whenMissing) { text in
                    rule.include.map { matches(text, $0) } ?? true && !(rule.exclude.map { matches(text, $0) } ?? false)
                } _: { text in
                    // Free text may carry a name: the reason quotes the pattern, not the description.
                    if let exclude = rule.exclude, matches(text, exclude) {
                        return "\(name) matches `\(exclude)`, which is excluded"
                    }
                    return "\(name) does not match `\(rule.include ?? "")`"
                })
        }
        if let slices, !slices.contains(Double(facts.slices)) {
            verdicts.append(.breaks("\(facts.slices) slices, \(slices.words(unit: ""))"))
        }
        for (name, rule, stated) in [
            ("Slice Thickness", sliceThickness, facts.sliceThickness),
            ("Pixel Spacing", pixelSpacing, facts.pixelSpacing),
        ] {
            guard let rule else { continue }
            verdicts.append(
                judge(stated, whenMissing: .unknown("\(name) is not stated")) {
                    rule.contains($0)
                } _: {
                    "\(name) is \(short($0)) mm, \(rule.words(unit: " mm"))"
                })
        }
        if let sliceSpacing {
            if let spacing = facts.sliceSpacing {
                if !sliceSpacing.contains(spacing) {
                    verdicts.append(
                        .breaks("slices are \(short(spacing)) mm apart, \(sliceSpacing.words(unit: " mm"))"))
                }
            } else {
                verdicts.append(.unknown("the spacing of the slices is not stated"))
            }
        }
        if let contrast {
            verdicts.append(
                judge(facts.hasContrast, whenMissing: .holds) {
                    $0 == (contrast == .required)
                } _: {
                    $0 ? "a contrast agent was given" : "no contrast agent was given"
                })
        }
        if let orientation {
            verdicts.append(
                judge(facts.normal, whenMissing: .unknown("the image orientation is not stated")) {
                    orientation.angle(of: $0) <= orientation.within
                } _: {
                    "slices lie \(short(orientation.angle(of: $0)))° from the \(orientation.plane) plane, at most \(short(orientation.within))° allowed"
                })
        }
        return verdicts
    }

    private func judge(_ rule: BodyPart, _ facts: SeriesFacts) -> RuleVerdict {
        var whenMissing = RuleVerdict.breaks("Body Part Examined is empty")
        if rule.orEmpty {
            whenMissing = .holds
        } else if let pattern = rule.orDescription {
            let texts = [facts.seriesDescription, facts.protocolName, facts.studyDescription].flatMap {
                $0.entries.map(\.value)
            }
            whenMissing =
                texts.contains { matches($0, pattern) }
                ? .holds : .breaks("Body Part Examined is empty, and no description matches `\(pattern)`")
        }
        return judge(facts.bodyPartExamined, whenMissing: whenMissing) {
            rule.oneOf.contains($0)
        } _: {
            "Body Part Examined is \($0), not \(rule.oneOf.joined(separator: " or "))"
        }
    }

    private func judge<Value>(
        _ stated: SeriesFacts.Stated<Value>, whenMissing: RuleVerdict, holds: (Value) -> Bool,
        _ reason: (Value) -> String
    ) -> RuleVerdict {
        if stated.entries.isEmpty { return whenMissing }
        let breaking = stated.entries.filter { !holds($0.value) }
        guard let first = breaking.first else {
            if stated.missing > 0, case .breaks(let why) = whenMissing {
                return .mixed("\(stated.missing) instances differ from the others: \(why)")
            }
            return .holds
        }
        if breaking.count == stated.entries.count, stated.missing == 0 { return .breaks(reason(first.value)) }
        if breaking.count == stated.entries.count, whenMissing != .holds { return .breaks(reason(first.value)) }
        let broken = breaking.reduce(0) { $0 + $1.instances }
        let all = stated.entries.reduce(stated.missing) { $0 + $1.instances }
        return .mixed("in \(broken) of \(all) instances \(reason(first.value))")
    }
}

extension Rules.Orientation {
    /// Degrees between a unit normal, either way round, and the plane's.
    package func angle(of normal: Vector3) -> Double {
        let cosine: Double =
            switch plane {
            case .axial: abs(normal.z)
            case .coronal: abs(normal.y)
            case .sagittal: abs(normal.x)
            }
        return acos(min(1, cosine / max(normal.length, 1e-9))) * 180 / .pi
    }
}

extension Rules.Range {
    func words(unit: String) -> String {
        switch (minimum, maximum) {
        case (let minimum?, let maximum?): "\(short(minimum)) to \(short(maximum))\(unit) allowed"
        case (let minimum?, nil): "at least \(short(minimum))\(unit) needed"
        case (nil, let maximum?): "at most \(short(maximum))\(unit) allowed"
        case (nil, nil): "any allowed"
        }
    }
}

/// At most two decimals, none where they are zero.
func short(_ value: Double) -> String {
    let rounded = (value * 100).rounded() / 100
    return rounded == rounded.rounded() && abs(rounded) < 1e15 ? String(Int(rounded)) : String(rounded)
}

/// `Regex` is not Sendable, so that the pattern travels as text, checked when the manifest was read.
private func matches(_ text: String, _ pattern: String) -> Bool {
    guard let regex = try? Regex(pattern).ignoresCase() else { return false }
    return text.firstMatch(of: regex) != nil
}
