// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import Models

/// Masks of slices by prompts, with whatever runs the two networks.
struct PromptedSegmentation {
    /// What a decoder says to one prompt.
    struct Answer {
        /// 0 or 1, of the slice's size.
        var mask: [UInt8]
        /// The decoder's own estimate of intersection over union with what was meant.
        var quality: Float
        /// Logits in low resolution: the `previous` of the next prompt on this slice.
        var lowResolution: [Float]
    }

    /// A decoder's outputs: M estimates of quality, and M masks in low resolution.
    struct Decoded {
        var quality: [Float]
        var lowResolution: [Float]
    }

    let options: Manifest.Promptable
    let rows: Int
    let columns: Int
    let slices: Int
    /// The embedding of a slice, cached or made.
    let embed: (_ slice: Int) throws(InferenceError) -> [Float]
    /// `mask`: logits in low resolution, nil where there is none.
    let decode: (_ embedding: [Float], _ prompt: DecoderPrompt, _ mask: [Float]?) throws(InferenceError) -> Decoded

    var frame: EncoderFrame {
        switch options.family {
        case .sam: .longestSide(rows: rows, columns: columns, side: options.size)
        case .medSAM:
            EncoderFrame(
                rows: rows, columns: columns, scaledRows: options.size, scaledColumns: options.size, side: options.size)
        }
    }

    func answer(_ prompt: Prompt, previous: [Float]? = nil) throws(InferenceError) -> Answer {
        if let complaint = prompt.complaint(rows: rows, columns: columns, slices: slices) {
            throw .refused(["the prompt cannot be used: \(complaint)"])
        }
        let frame = frame
        let inputs = DecoderPrompt(prompt, in: frame)
        let decoded = try decode(embed(prompt.slice), inputs, previous)
        let choice = inputs.choice(among: decoded.quality, withMask: previous != nil)
        let count = LowResolutionMask.side(frame) * LowResolutionMask.side(frame)
        let logits = Array(decoded.lowResolution[choice * count..<(choice + 1) * count])
        let mask =
            switch options.family {
            case .sam: LowResolutionMask.sam(logits, frame: frame)
            case .medSAM: LowResolutionMask.medSAM(logits, frame: frame)
            }
        return Answer(mask: mask, quality: decoded.quality[choice], lowResolution: logits)
    }

    /// The answer on each slice that the structure reaches: the prompted slices, and from the first and the last of them
    /// outwards while two neighbours overlap enough (micro_sam `segment_mask_in_volume` without what lies between).
    func masks(
        _ prompts: [Prompt], shouldStop: () -> Bool = { false }
    ) throws(InferenceError) -> [Int: Answer] {
        var answers: [Int: Answer] = [:]
        for prompt in prompts {
            if shouldStop() { throw .cancelled }
            let answer = try answer(prompt)
            // Two prompts on one slice mark one structure.
            if let other = answers[prompt.slice] {
                answers[prompt.slice] = Answer(
                    mask: zip(other.mask, answer.mask).map { max($0, $1) }, quality: min(other.quality, answer.quality),
                    lowResolution: answer.lowResolution)
            } else {
                answers[prompt.slice] = answer
            }
        }
        guard let least = options.propagate, let first = answers.keys.min(), let last = answers.keys.max() else {
            return answers
        }
        for (start, step) in [(first, -1), (last, 1)] {
            var slice = start
            while let before = answers[slice]?.mask, (0..<slices).contains(slice + step),
                let box = Self.box(around: before, columns: columns)
            {
                if shouldStop() { throw .cancelled }
                // A mask of MedSAM is no prompt: it was trained on boxes alone.
                let mask =
                    options.family == .sam
                    ? LowResolutionMask.prompt(before, rows: rows, columns: columns, side: options.size / 4) : nil
                let next = try answer(Prompt(slice: slice + step, box: box), previous: mask)
                guard next.mask.contains(1), Self.overlap(before, next.mask) >= least else { break }
                slice += step
                answers[slice] = next
            }
        }
        return answers
    }

    /// From the first pixel to one beyond the last (micro_sam `_compute_box_from_mask`); nil where there is none.
    static func box(around mask: [UInt8], columns: Int) -> Prompt.Box? {
        var box: (left: Int, top: Int, right: Int, bottom: Int)?
        for (index, value) in mask.enumerated() where value != 0 {
            let (x, y) = (index % columns, index / columns)
            let old = box ?? (x, y, x, y)
            box = (min(old.left, x), min(old.top, y), max(old.right, x), max(old.bottom, y))
        }
        return box.map {
            Prompt.Box(
                left: Double($0.left), top: Double($0.top), right: Double($0.right + 1), bottom: Double($0.bottom + 1))
        }
    }

    /// Intersection over union.
    static func overlap(_ a: [UInt8], _ b: [UInt8]) -> Double {
        var (both, either) = (0, 0)
        for (x, y) in zip(a, b) {
            both += Int(x & y)
            either += Int(x | y)
        }
        return Double(both) / (Double(either) + 1e-7)
    }
}
