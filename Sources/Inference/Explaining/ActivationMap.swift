// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

/// Class-activation maps: where the features lie that a score was summed from (Zhou 2016, for average pooling and one
/// linear layer, which needs no gradients).
enum ActivationMap {
    /// relu(Σ w·F): one map, [H, W], of features [F, H, W] and the weights of one class.
    static func map(features: [Float], weights: [Float], count: Int) -> [Float] {
        var map = [Float](repeating: 0, count: count)
        for (feature, weight) in weights.enumerated() {
            for i in 0..<count { map[i] += weight * features[feature * count + i] }
        }
        return map.map { max($0, 0) }
    }
}
