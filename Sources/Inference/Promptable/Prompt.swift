// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

/// What to segment on one slice, in pixels of that slice: (0, 0) is the centre of the first pixel, x runs along a row.
package struct Prompt: Sendable, Codable, Equatable {
    package struct Point: Sendable, Codable, Equatable {
        package var x: Double
        package var y: Double
        /// False: this belongs to the background.
        package var isForeground: Bool

        package init(x: Double, y: Double, isForeground: Bool = true) {
            self.x = x
            self.y = y
            self.isForeground = isForeground
        }
    }

    package struct Box: Sendable, Codable, Equatable {
        package var left: Double
        package var top: Double
        package var right: Double
        package var bottom: Double

        package init(left: Double, top: Double, right: Double, bottom: Double) {
            self.left = left
            self.top = top
            self.right = right
            self.bottom = bottom
        }
    }

    /// From 0.
    package var slice: Int
    package var points: [Point]
    package var box: Box?

    package init(slice: Int, points: [Point] = [], box: Box? = nil) {
        self.slice = slice
        self.points = points
        self.box = box
    }

    /// Why it cannot be asked of a slice of this size, or nil.
    package func complaint(rows: Int, columns: Int, slices: Int) -> String? {
        guard (0..<slices).contains(slice) else { return "slice \(slice) is not among the \(slices) of the series" }
        func isInside(_ x: Double, _ y: Double) -> Bool {
            (-0.5...Double(columns) - 0.5).contains(x) && (-0.5...Double(rows) - 0.5).contains(y)
        }
        for point in points where !isInside(point.x, point.y) {
            return "the point (\(point.x), \(point.y)) is not in the image of \(columns)×\(rows)"
        }
        if let box {
            // The far edge may be the image's own, one beyond the last pixel (micro_sam `_compute_box_from_mask`).
            guard box.left >= 0, box.top >= 0, box.left < box.right, box.top < box.bottom,
                box.right <= Double(columns), box.bottom <= Double(rows)
            else { return "the box is empty or not in the image of \(columns)×\(rows)" }
        }
        guard box != nil || points.contains(where: \.isForeground) else {
            return "there is neither a box nor a point of the foreground"
        }
        return nil
    }
}

/// Inputs of a decoder as segment-anything exports it, beside the embedding and the size of the image.
struct DecoderPrompt: Equatable {
    /// x and y in turn, in the encoder's square; [1, N, 2].
    var coordinates: [Float]
    /// 1 foreground, 0 background, 2 and 3 corners of a box, −1 padding; [1, N].
    var labels: [Float]

    /// Points, then a box as its two corners, or, where there is none, a padding point (segment-anything, notebook
    /// onnx_model_example).
    init(_ prompt: Prompt, in frame: EncoderFrame) {
        coordinates = []
        labels = []
        func add(_ x: Double, _ y: Double, _ label: Float) {
            let placed = frame.placed(Prompt.Point(x: x, y: y))
            coordinates += [placed.x, placed.y]
            labels.append(label)
        }
        for point in prompt.points { add(point.x, point.y, point.isForeground ? 1 : 0) }
        if let box = prompt.box {
            add(box.left, box.top, 2)
            add(box.right, box.bottom, 3)
        } else {
            coordinates += [0, 0]
            labels.append(-1)
        }
    }

    var count: Int { labels.count }

    /// Which of several masks answers. After points alone as segment-anything's export has it: the best of the masks for
    /// parts where one click leaves open what is meant, else the first (`SamOnnxModel.select_masks`). That rule would
    /// take a box alone for a click; with a box or a mask the first answers, as `multimask_output=False` of micro_sam
    /// and MedSAM has it.
    func choice(among quality: [Float], withMask: Bool) -> Int {
        let isOpen = !withMask && !labels.contains(2) && count <= 2
        guard quality.count > 1, isOpen else { return 0 }
        return (1..<quality.count).reduce(1) { quality[$1] > quality[$0] ? $1 : $0 }
    }
}
