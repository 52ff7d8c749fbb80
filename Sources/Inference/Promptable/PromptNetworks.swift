// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM
import Models
import Volume

/// Segment Anything's two networks, their ports bound.
struct PromptNetworks {
    let encoder: any NetworkRunner
    let decoder: any NetworkRunner
    /// Names of the decoder's inputs by what they are.
    let inputs: [String: String]
    let quality: Int
    let lowResolution: Int

    /// As segment-anything exports them (scripts/export_onnx_model.py).
    static let inputRoles = [
        "image_embeddings", "point_coords", "point_labels", "mask_input", "has_mask_input", "orig_im_size",
    ]
}

extension Engine {
    func promptNetworks(
        of package: ModelPackage, _ options: Manifest.Promptable
    ) throws(InferenceError) -> PromptNetworks {
        let name = package.identity.name
        let encoder = try network(.encoder, of: package, shapes: [0: [1, 3, options.size, options.size]])
        let decoder = try network(.decoder, of: package)
        let roles = PromptNetworks.inputRoles
        guard encoder.inputs.count == 1, decoder.inputs.count == roles.count, decoder.outputs.count >= 3 else {
            throw .mismatch(
                package: name,
                reason:
                    "the encoder has \(encoder.inputs.count) inputs, and the decoder \(decoder.inputs.count) inputs and \(decoder.outputs.count) outputs; 1, \(roles.count) and 3 are needed"
            )
        }
        let given = package.manifest.network(.decoder)
        var inputs: [String: String] = [:]
        for (position, role) in roles.enumerated() {
            let wanted = given?.inputs[role] ?? role
            if decoder.inputs.contains(where: { $0.name == wanted }) {
                inputs[role] = wanted
            } else if given?.inputs[role] != nil {
                throw .mismatch(package: name, reason: "the decoder has no input `\(wanted)`")
            } else {
                inputs[role] = decoder.inputs[position].name
            }
        }
        func output(_ role: String, _ position: Int) -> Int {
            let wanted = given?.outputs[role] ?? role
            return decoder.outputs.firstIndex { $0.name == wanted } ?? position
        }
        return PromptNetworks(
            encoder: encoder, decoder: decoder, inputs: inputs, quality: output("iou_predictions", 1),
            lowResolution: output("low_res_masks", 2))
    }
}

extension PromptedSegmentation {
    /// - Parameter values: the slices, prepared by the manifest's steps.
    init(
        _ networks: PromptNetworks, _ options: Manifest.Promptable, of field: Field, package: ModelPackage,
        cache: EmbeddingCache, seconds: @escaping (Double) -> Void
    ) {
        let shape = field.lattice.shape
        let values = field.values
        let name = package.identity.name
        let digest = package.identity.digest
        self.init(
            options: options, rows: shape[1], columns: shape[2], slices: shape[0],
            embed: { (slice) throws(InferenceError) in
                let plane = shape[1] * shape[2]
                let image = EncoderImage.make(
                    options.family, values[slice * plane..<(slice + 1) * plane], rows: shape[1], columns: shape[2],
                    side: options.size)
                let key = image.key(package: digest)
                if let known = cache.embedding(key) { return known }
                let (outputs, time) = try networks.encoder.outputs(of: [
                    TensorInput(shape: [1, 3, options.size, options.size], values: image.values)
                ])
                seconds(time)
                cache.store(outputs[0].values, for: key)
                return outputs[0].values
            },
            decode: { (embedding, prompt, mask) throws(InferenceError) in
                let side = options.size / 4
                let grid = options.size / 16
                guard embedding.count % (grid * grid) == 0 else {
                    throw .mismatch(
                        package: name, reason: "the encoder's output does not fit a square of \(options.size)")
                }
                func input(_ role: String, _ shape: [Int], _ values: [Float]) -> TensorInput {
                    TensorInput(port: networks.inputs[role], shape: shape, values: values)
                }
                let (outputs, time) = try networks.decoder.outputs(of: [
                    input("image_embeddings", [1, embedding.count / (grid * grid), grid, grid], embedding),
                    input("point_coords", [1, prompt.count, 2], prompt.coordinates),
                    input("point_labels", [1, prompt.count], prompt.labels),
                    input("mask_input", [1, 1, side, side], mask ?? [Float](repeating: 0, count: side * side)),
                    input("has_mask_input", [1], [mask == nil ? 0 : 1]),
                    input("orig_im_size", [2], [Float(shape[1]), Float(shape[2])]),
                ])
                seconds(time)
                let quality = outputs[networks.quality]
                let masks = outputs[networks.lowResolution]
                guard quality.values.count > 0, masks.values.count == quality.values.count * side * side else {
                    throw .mismatch(
                        package: name,
                        reason:
                            "the decoder gave \(quality.shape) and \(masks.shape), and must give iou_predictions [1, M] and low_res_masks [1, M, \(side), \(side)]"
                    )
                }
                return Decoded(quality: quality.values, lowResolution: masks.values)
            })
    }
}
