// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import Foundation

/// A tensor on its way out: little-endian, row-major.
package struct SentTensor: Sendable, Equatable {
    package var name: String
    package var type: TensorType
    package var shape: [Int]
    package var bytes: Data

    package init(name: String, type: TensorType, shape: [Int], values: UnsafeBufferPointer<Float>) {
        precondition(values.count == shape.reduce(1, *))
        self.name = name
        self.type = type
        self.shape = shape
        bytes = type.encode(values)
    }
}

/// A tensor that a server gave, as floats whatever it was.
package struct ReceivedTensor: Sendable, Equatable {
    package var name: String
    package var type: TensorType
    package var shape: [Int]
    package var values: [Float]
}

/// What a model takes and gives, in the server's words.
package struct ModelInterface: Sendable, Equatable {
    package struct Tensor: Sendable, Equatable, CustomStringConvertible {
        package var name: String
        /// nil for a type that no network here takes or gives.
        package var type: TensorType?
        /// -1 where the dimension is open.
        package var shape: [Int]

        package init(name: String, type: TensorType?, shape: [Int]) {
            self.name = name
            self.type = type
            self.shape = shape
        }

        package var description: String { "\(name) \(type?.rawValue ?? "of another type") \(shape)" }
    }

    package var name: String
    package var versions: [String]
    package var platform: String
    package var inputs: [Tensor]
    package var outputs: [Tensor]

    package init(name: String, versions: [String], platform: String, inputs: [Tensor], outputs: [Tensor]) {
        self.name = name
        self.versions = versions
        self.platform = platform
        self.inputs = inputs
        self.outputs = outputs
    }
}
