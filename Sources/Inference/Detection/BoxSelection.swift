// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import Glibc
import Models

/// One level of a detector's outputs over the whole image.
struct HeadMap: Equatable {
    /// Places along D, H and W.
    var shape: [Int]
    /// [anchors·classes, D, H, W], logits.
    var scores: [Float]
    /// [anchors·6, D, H, W].
    var offsets: [Float]
}

/// Boxes from the outputs of all levels: MONAI's `BoxSelector` and `RetinaNetDetector.postprocess_detections`.
struct BoxSelection {
    let detector: Manifest.Detector
    let givesLogits: Bool

    /// - Parameters:
    ///   - image: size of the image as the network saw it, padded.
    ///   - kept: size before padding, beyond which no box reaches.
    func boxes(_ levels: [HeadMap], image: [Int], kept: [Int]) -> [DetectedBox] {
        var candidates: [DetectedBox] = []
        for (level, map) in levels.enumerated() {
            let anchors = Anchors(
                base: detector.anchors, scale: detector.scales[level], image: image, places: map.shape)
            candidates += best(map).compactMap { candidate in
                box(candidate, map, anchors).clipped(to: kept)
            }
        }
        return Self.suppressed(candidates, above: Float(detector.overlapThreshold), maximum: detector.maximum)
    }

    private struct Candidate {
        var anchor: Int
        var label: Int
        /// Index in [D, H, W].
        var place: Int
        var score: Float
    }

    /// Those above the threshold, the best `candidates` of them, in the order of upstream's flattened tensor
    /// ([D, H, W, anchor, class]) where scores are equal.
    private func best(_ map: HeadMap) -> [Candidate] {
        let places = map.shape.reduce(1, *)
        let anchors = detector.anchors.count
        let classes = map.scores.count / places / anchors
        let threshold = Float(detector.scoreThreshold)
        var found: [Candidate] = []
        for place in 0..<places {
            for anchor in 0..<anchors {
                for label in 0..<classes {
                    let value = map.scores[(anchor * classes + label) * places + place]
                    let score = givesLogits ? 1 / (1 + expf(-value)) : value
                    if score > threshold {
                        found.append(Candidate(anchor: anchor, label: label, place: place, score: score))
                    }
                }
            }
        }
        // Swift's sort is stable.
        return Array(found.sorted { $0.score > $1.score }.prefix(detector.candidates))
    }

    private func box(_ candidate: Candidate, _ map: HeadMap, _ anchors: Anchors) -> DetectedBox {
        let places = map.shape.reduce(1, *)
        let plane = map.shape[1] * map.shape[2]
        let place = [
            candidate.place / plane, candidate.place / map.shape[2] % map.shape[1], candidate.place % map.shape[2],
        ]
        let offsets = (0..<6).map { map.offsets[(candidate.anchor * 6 + $0) * places + candidate.place] }
        let (lower, upper) = anchors.box(shape: candidate.anchor, at: place, offsets: offsets)
        return DetectedBox(lower: lower, upper: upper, score: candidate.score, label: candidate.label)
    }

    /// The best first; what overlaps a better box of its class too much goes (`batched_nms`, which moves classes apart
    /// instead of telling them apart, to the same end).
    static func suppressed(_ boxes: [DetectedBox], above threshold: Float, maximum: Int) -> [DetectedBox] {
        var kept: [DetectedBox] = []
        for box in boxes.sorted(by: { $0.score > $1.score }) {
            if kept.count == maximum { break }
            if !kept.contains(where: { $0.label == box.label && $0.overlap(box) > threshold }) { kept.append(box) }
        }
        return kept
    }
}

extension DetectedBox {
    /// Within 0 and the image's size; nil where less than one voxel is left of an edge (`clip_boxes_to_image`).
    func clipped(to size: [Int]) -> DetectedBox? {
        var box = self
        for d in 0..<3 {
            box.lower[d] = min(max(lower[d], 0), Float(size[d]))
            box.upper[d] = min(max(upper[d], 0), Float(size[d]))
            guard box.upper[d] >= box.lower[d] + 1 else { return nil }
        }
        return box
    }
}
