// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import Foundation

/// A tensor on the wire: little-endian elements, row-major.
package struct WireTensor: Sendable, Equatable {
    package var name: String
    package var type: TensorType
    package var shape: [Int]
    /// Of every element and nothing else.
    package var bytes: Data

    package init(name: String, type: TensorType, shape: [Int], bytes: Data) {
        self.name = name
        self.type = type
        self.shape = shape
        self.bytes = bytes
    }
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
