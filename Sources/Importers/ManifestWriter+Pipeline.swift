// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM
import Models

extension ManifestWriter {
    static func step(_ step: Manifest.Preprocessing) -> (String, Value) {
        switch step {
        case .orientation(let codes): ("orientation", .text(codes.description))
        case .transpose(let order): ("transpose", integers(order))
        case .spacing(let rule): ("spacing", spacing(rule))
        case .scaleRange(let from, let to, let clip):
            ("scaleRange", .flowMapping([("from", pair(from)), ("to", pair(to)), ("clip", .boolean(clip))]))
        case .clip(let range): ("clip", pair(range))
        case .clipPercentiles(let lower, let upper, let nonzero):
            (
                "clipPercentiles",
                .flowMapping([("percentiles", numbers([lower, upper])), ("nonzero", .boolean(nonzero))])
            )
        case .scaleMinMax(let to, let channelWise):
            ("scaleMinMax", .flowMapping([("to", pair(to)), ("channelWise", .boolean(channelWise))]))
        case .normalize(let rule): ("normalize", normalize(rule))
        case .perChannel(let lists):
            ("perChannel", .sequence(lists.map { .flow($0.map { .flowMapping([Self.step($0)]) }) }))
        case .cropForeground(let rule):
            (
                "cropForeground",
                .flowMapping([
                    ("above", .number(rule.above)), ("margin", integers(rule.margin)),
                    ("allowSmaller", .boolean(rule.allowSmaller)),
                ])
            )
        case .cropNonzero: ("cropNonzero", .boolean(true))
        case .scaleStored(let to): ("scaleStored", .flowMapping([("to", pair(to))]))
        case .windows(let windows): ("windows", self.windows(windows))
        case .stretchWindows(let windows): ("stretchWindows", self.windows(windows))
        case .neighbours(let offsets): ("neighbours", integers(offsets))
        case .repeatChannels(let count): ("repeatChannels", .number(Double(count)))
        case .resize(let rule):
            (
                "resize",
                .flowMapping([
                    ("size", integers(rule.size)), ("method", .word(rule.method.rawValue)),
                    ("fit", .word(rule.fit.rawValue)),
                ])
            )
        case .centerCropSquare: ("centerCropSquare", .boolean(true))
        case .autocrop: ("autocrop", .boolean(true))
        case .toByte: ("toByte", .boolean(true))
        case .truncate: ("truncate", .boolean(true))
        }
    }

    private static func windows(_ windows: [Manifest.IntensityWindow]) -> Value {
        .flow(windows.map { .flowMapping([("center", .number($0.center)), ("width", .number($0.width))]) })
    }

    private static func spacing(_ rule: Manifest.Spacing) -> Value {
        var entries: Entries = [
            ("mm", .flow(rule.mm.map { $0.map { .number($0) } ?? .word("source") })),
            ("interpolation", .word(rule.interpolation.rawValue)), ("lattice", .word(rule.lattice.rawValue)),
        ]
        if let separate = rule.separateAxis {
            entries.append(
                (
                    "separateAxis",
                    .flowMapping([
                        ("above", .number(separate.above)), ("interpolation", .word(separate.interpolation.rawValue)),
                    ])
                ))
        }
        return .flowMapping(entries)
    }

    private static func normalize(_ rule: Manifest.Normalization) -> Value {
        var entries: Entries = [("of", .word(rule.of.rawValue)), ("channelWise", .boolean(rule.channelWise))]
        if let mean = rule.mean { entries.append(("mean", numbers(mean))) }
        if let deviation = rule.deviation { entries.append(("deviation", numbers(deviation))) }
        entries.append(("minimumDeviation", .number(rule.minimumDeviation)))
        return .flowMapping(entries)
    }

    private static func padding(_ padding: Manifest.Padding) -> Value {
        switch padding {
        case .constant(let value): .number(value)
        case .replicate: .word("replicate")
        }
    }

    static func inference(_ inference: Manifest.Inference) -> Value {
        switch inference {
        case .fullVolume(let multiple, let padding):
            return .mapping([("multiple", integers(multiple)), ("padding", self.padding(padding))])
        case .slidingWindow(let window): return .mapping(self.window(window))
        case .slices(let slices): return .mapping(self.slices(slices))
        case .sliceSequence(let rule):
            return .mapping([("batch", .number(Double(rule.batch))), ("deltas", .boolean(rule.deltas))])
        case .projection: return .word("{}")
        case .promptable(let rule):
            var entries: Entries = [
                ("family", .word(rule.family.rawValue)), ("size", .number(Double(rule.size))),
            ]
            if let propagate = rule.propagate { entries.append(("propagate", .number(propagate))) }
            entries.append(("cache", .number(Double(rule.cache >> 20))))
            return .mapping(entries)
        case .detection(let rule): return .mapping(detector(rule))
        }
    }

    private static func slices(_ slices: Manifest.Slices) -> Entries {
        var entries: Entries = [("batch", .number(Double(slices.batch)))]
        guard let window = slices.window else { return entries }
        // Of what a window may say, a slice's has these: they lie in its plane.
        entries += [
            ("roi", integers(Array(window.roi.dropFirst()))), ("overlap", .number(window.overlap[2])),
        ]
        if case .gaussian(let sigma) = window.weighting {
            entries += [("weighting", .word("gaussian")), ("sigma", .number(sigma))]
        }
        entries.append(("padding", padding(window.padding)))
        return entries
    }

    private static func window(_ window: Manifest.Window) -> Entries {
        let isEven = Set(window.overlap).count == 1
        var entries: Entries = [
            ("roi", integers(window.roi)),
            ("overlap", isEven ? .number(window.overlap[0]) : numbers(window.overlap)),
            ("tiling", .word(window.tiling.rawValue)),
        ]
        switch window.weighting {
        case .constant: entries.append(("weighting", .word("constant")))
        case .gaussian(let sigma): entries += [("weighting", .word("gaussian")), ("sigma", .number(sigma))]
        case .gaussianNNUNet: entries.append(("weighting", .word("gaussianNNUNet")))
        }
        entries.append(("padding", padding(window.padding)))
        if !window.mirror.isEmpty { entries.append(("mirror", integers(window.mirror))) }
        if let background = window.background {
            var rule: Entries = [("atMost", .number(background.atMost))]
            if let outputs = background.outputs { rule.append(("outputs", numbers(outputs))) }
            entries.append(("skipBackground", .flowMapping(rule)))
        }
        entries.append(("batch", .number(Double(window.batch))))
        return entries
    }

    private static func detector(_ rule: Manifest.Detector) -> Entries {
        var entries: Entries = []
        if let roi = rule.roi { entries.append(("roi", integers(roi))) }
        return entries + [
            ("overlap", .number(rule.overlap)), ("multiple", integers(rule.multiple)),
            ("anchors", .flow(rule.anchors.map(numbers))), ("scales", numbers(rule.scales)),
            ("scoreThreshold", .number(rule.scoreThreshold)), ("candidates", .number(Double(rule.candidates))),
            ("overlapThreshold", .number(rule.overlapThreshold)), ("maximum", .number(Double(rule.maximum))),
        ]
    }

    static func decision(_ decision: Manifest.Decision, marks: Bool) -> Entries {
        var entries: Entries = [("activation", .word(decision.activation.rawValue))]
        guard marks else { return entries }
        entries += [("rule", .word(decision.rule.rawValue)), ("restore", .word(decision.restore.rawValue))]
        if decision.activatesAfterRestore { entries.append(("activateAfterRestore", .boolean(true))) }
        if decision.keepsProbabilities { entries.append(("probabilities", .boolean(true))) }
        return entries
    }

    static func output(_ output: Manifest.Output, rule: Manifest.Decision.Rule) -> Entries {
        var entries: Entries = [("channel", .number(Double(output.channel)))]
        if rule != .argmax { entries.append(("threshold", .number(output.threshold))) }
        entries += [
            ("label", .text(output.label)), ("code", code(output.code)), ("category", code(output.category)),
            ("type", code(output.type)),
        ]
        if let site = output.site { entries.append(("site", code(site))) }
        if let laterality = output.laterality { entries.append(("laterality", code(laterality))) }
        entries += [("priority", .word(output.priority.rawValue)), ("minimumVolume", .number(output.minimumVolume))]
        switch output.confidence {
        case .mean: entries.append(("confidence", .word("mean")))
        case .maximum: entries.append(("confidence", .word("maximum")))
        case .percentile(let value): entries.append(("confidence", .flowMapping([("percentile", .number(value))])))
        case .fixed(let value): entries.append(("confidence", .flowMapping([("fixed", .number(value))])))
        }
        if !output.postprocess.isEmpty {
            entries.append(("postprocess", .sequence(output.postprocess.map { .mapping([postprocess($0)]) })))
        }
        if !output.isReported { entries.append(("report", .boolean(false))) }
        return entries
    }

    private static func postprocess(_ step: Manifest.Postprocessing) -> (String, Value) {
        switch step {
        case .removeSmall(let volume, let connectivity):
            (
                "removeSmall",
                .flowMapping([
                    ("volume", .number(volume)), ("connectivity", .number(Double(connectivity.rawValue))),
                ])
            )
        case .keepLargest(let count, let connectivity):
            (
                "keepLargest",
                .flowMapping([
                    ("count", .number(Double(count))), ("connectivity", .number(Double(connectivity.rawValue))),
                ])
            )
        case .fillHoles(let inSlices): ("fillHoles", .word(inSlices ? "slices" : "volume"))
        case .restrict(let label, let margin):
            ("restrict", .flowMapping([("to", .text(label)), ("margin", .number(margin))]))
        case .removeFew(let voxels, let connectivity):
            (
                "removeSmall",
                .flowMapping([
                    ("voxels", .number(Double(voxels))), ("connectivity", .number(Double(connectivity.rawValue))),
                ])
            )
        case .restrictWithin(let labels, let closing, let dilation):
            (
                "restrict",
                .flowMapping([
                    ("to", .flow(labels.map { .text($0) })), ("closing", .number(Double(closing))),
                    ("dilation", .number(Double(dilation))),
                ])
            )
        case .merge(let labels): ("merge", .flow(labels.map { .text($0) }))
        case .keepSide(let side, let connectivity):
            (
                "keepSide",
                .flowMapping([
                    ("side", .word(side.rawValue)), ("connectivity", .number(Double(connectivity.rawValue))),
                ])
            )
        }
    }

    static func score(_ score: Manifest.Score) -> Entries {
        var entries: Entries = [
            ("channel", .number(Double(score.channel))), ("threshold", .number(score.threshold)),
        ]
        if let point = score.operatingPoint { entries.append(("operatingPoint", .number(point))) }
        switch score.aggregate {
        case .maximum: break
        case .meanOfTop(let count):
            entries.append(("aggregate", .flowMapping([("meanOfTop", .number(Double(count)))])))
        }
        entries += [("label", .text(score.label)), ("code", code(score.code)), ("category", code(score.category))]
        if let site = score.site { entries.append(("site", code(site))) }
        if let laterality = score.laterality { entries.append(("laterality", code(laterality))) }
        entries.append(("priority", .word(score.priority.rawValue)))
        if score.minimumSize > 0 { entries.append(("minimumSize", .number(score.minimumSize))) }
        return entries
    }

    static func explain(_ explanation: Manifest.Explanation) -> (String, Value) {
        switch explanation {
        case .activationMap(let output): ("activationMap", .text(output))
        case .features(let output, let weights):
            (
                "features",
                .flowMapping(
                    [("output", .text(output)), ("weights", .text(weights.name))]
                        + (weights.sha256.map { [("sha256", .text($0))] } ?? []))
            )
        case .occlusion(let rule):
            (
                "occlusion",
                .flowMapping([
                    ("size", integers(rule.size)), ("overlap", .number(rule.overlap)),
                    ("fill", .word(rule.fill.rawValue)), ("passes", .number(Double(rule.passes))),
                ])
            )
        }
    }
}
