// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Models

/// The transforms of a bundle's `postprocessing`: their order says where the decision is made.
struct BundlePostprocessing {
    typealias Refusal = ImportError.Refusal

    let configuration: BundleConfiguration
    let log: ImportLog

    private(set) var activation: Manifest.Decision.Activation = .none
    private(set) var rule: Manifest.Decision.Rule?
    private(set) var threshold = 0.5
    private(set) var restore: Manifest.Interpolation?
    private(set) var refusals: [Refusal] = []
    /// Channels of regions, each over those before it.
    private(set) var regions: [Int]?
    /// Labels that keep their largest component; nil: all.
    private(set) var largest: (labels: [Int]?, count: Int, connectivity: Manifest.Connectivity)?
    /// `to_onehot` or `argmax` of a classification.
    private(set) var isDecided = false

    init(configuration: BundleConfiguration, log: ImportLog) {
        self.configuration = configuration
        self.log = log
    }

    private static let harmless: Set<String> = [
        "SaveImage", "SaveClassification", "EnsureType", "CastToType", "ToTensor", "ToDevice", "Identity", "CopyItems",
        "DeleteItems", "SelectItems", "DataStats", "EnsureChannelFirst", "Decollate",
    ]
    /// What the engine does for a detector by itself.
    private static let boxes: Set<String> = ["ClipBoxToImage", "AffineBoxToWorldCoordinate", "ConvertBoxMode"]

    mutating func read(_ transforms: [BundleTransform]) {
        for transform in transforms {
            do throws(Refusal) {
                if try transform.isDisabled() {
                    transform.ignoreAll(why: "the step is disabled")
                } else {
                    try read(transform)
                }
            } catch { refusals.append(error) }
        }
    }

    private mutating func read(_ transform: BundleTransform) throws(Refusal) {
        if Self.harmless.contains(transform.name) {
            transform.ignoreAll(why: "\(transform.name) moves or writes data; the node writes DICOM")
            return
        }
        if Self.boxes.contains(transform.name) {
            transform.ignoreAll(why: "boxes are clipped and placed in the patient by the engine")
            return
        }
        switch transform.name {
        case "Activations": try activate(transform)
        case "AsDiscrete": try decide(transform)
        case "Invert": try invert(transform)
        case "KeepLargestConnectedComponent": try keepLargest(transform)
        case "Lambda": try recognise(transform)
        default:
            throw configuration.refusal(
                transform.id, "\(transform.name) is a transform that this importer does not know")
        }
        try transform.finish()
    }

    private mutating func activate(_ transform: BundleTransform) throws(Refusal) {
        let sigmoid = try transform.boolean("sigmoid") ?? false
        let softmax = try transform.boolean("softmax") ?? false
        try transform.expect("other", [], "a function is not known")
        guard !(sigmoid && softmax), activation == .none, rule == nil else {
            throw configuration.refusal(transform.id, "one activation, before the decision, is known")
        }
        activation = sigmoid ? .sigmoid : softmax ? .softmax : .none
    }

    private mutating func decide(_ transform: BundleTransform) throws(Refusal) {
        let argmax = try transform.boolean("argmax") ?? false
        let value = try transform.value("threshold")
        transform.ignore(["to_onehot", "keepdim", "dim"], why: "how labels are laid out in Python")
        try transform.expect("rounding", [], "rounding is not known")
        let threshold: Double?
        switch value {
        case nil, .boolean(false): threshold = nil
        case .number(let number): threshold = number
        default: throw transform.refuse("threshold", "must be a number, and is \(value!)")
        }
        guard argmax != (threshold != nil), rule == nil else {
            throw configuration.refusal(transform.id, "must decide by argmax or by a threshold, once")
        }
        rule = argmax ? .argmax : .threshold
        if let threshold { self.threshold = threshold }
    }

    private mutating func invert(_ transform: BundleTransform) throws(Refusal) {
        guard restore == nil else { throw configuration.refusal(transform.id, "is the second Invert") }
        let nearest = try transform.boolean("nearest_interp") ?? true
        transform.ignore(
            ["transform", "orig_keys", "orig_meta_keys", "meta_key_postfix", "to_tensor", "device", "post_func"],
            why: "the node inverts its own preprocessing")
        if rule == nil {
            restore = nearest ? .nearest : .linear
        } else {
            restore = .nearest
            if !nearest {
                log.note(
                    .overridden, transform.id + "#nearest_interp", in: configuration.file.name, value: .boolean(false),
                    why: "interpolating the numbers of labels makes labels that nobody decided; labels take the nearest"
                )
                log.warn(
                    "\(transform.id): upstream interpolates label numbers after the decision; at the borders of structures results differ"
                )
            }
        }
    }

    private mutating func keepLargest(_ transform: BundleTransform) throws(Refusal) {
        guard largest == nil else { throw configuration.refusal(transform.id, "is the second of its kind") }
        guard rule != nil else { throw configuration.refusal(transform.id, "must come after the decision") }
        if restore == .nearest, activation != .none || rule != nil {
            // After the inversion upstream counts on the source grid, this engine on the network's.
            if try isAfterInvert() { log.warn("\(transform.id): components are counted before the result is restored") }
        }
        var labels: [Int]?
        if let value = try transform.value("applied_labels") {
            guard let numbers = value.numbers ?? value.number.map({ [$0] }), numbers.allSatisfy({ $0 >= 0 }) else {
                throw transform.refuse("applied_labels", "must be whole numbers, and is \(value)")
            }
            labels = numbers.map { Int($0) }
        }
        try transform.expect("independent", [.boolean(true)], "only labels by themselves are known")
        try transform.expect("is_onehot", [.boolean(false), .boolean(true)], "must be true or false")
        let connectivities: [Int: Manifest.Connectivity] = [1: .six, 2: .eighteen, 3: .twentySix]
        var connectivity = Manifest.Connectivity.twentySix
        if let given = try transform.integer("connectivity") {
            guard let known = connectivities[given] else { throw transform.refuse("connectivity", "must be 1, 2 or 3") }
            connectivity = known
        }
        let count = try transform.integer("num_components") ?? 1
        guard (1...1000).contains(count) else { throw transform.refuse("num_components", "must be 1 to 1000") }
        largest = (labels, count, connectivity)
    }

    private func isAfterInvert() throws(Refusal) -> Bool { restore != nil }

    /// Functions by their exact text, blanks aside; never evaluated.
    private static let functions: [String: [Int]] = [
        // BraTS: the enhancing tumour (channel 2) over the core (0) over the whole (1), as labels 4, 1 and 2.
        "lambdax:torch.where(x[[2]]>0,4,torch.where(x[[0]]>0,1,torch.where(x[[1]]>0,2,0)))": [1, 0, 2]
    ]

    private mutating func recognise(_ transform: BundleTransform) throws(Refusal) {
        let path = transform.id + "#func"
        guard let found = try configuration.shallow(path), let text = found.value.text else {
            throw transform.refuse("func", "must be a text")
        }
        let plain = text.trimmingPrefix("$").filter { !$0.isWhitespace }
        guard let order = Self.functions[plain] else {
            throw transform.refuse(
                "func", "is the function `\(text)`, which is not evaluated and not one of those known")
        }
        guard rule == .threshold, regions == nil else {
            throw configuration.refusal(transform.id, "must come once, after a threshold")
        }
        transform.ignore(["func", "inv_func", "track_meta"], why: "")
        log.note(
            .used, path, in: configuration.file.name, value: found.value,
            why:
                "recognised by its text: regions, channels \(order.map(String.init).joined(separator: ", ")), each over those before"
        )
        rule = .regions
        regions = order
    }
}
