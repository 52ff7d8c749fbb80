// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import CDCMTK

/// A condition that DCMTK reported, with what was being done.
package struct DCMTKError: Error, CustomStringConvertible {
    package let doing: String
    package let module: UInt16
    package let code: UInt16
    package let text: String

    package var description: String { "\(doing): \(text)" }

    /// Throws unless the condition is good.
    package static func check(_ condition: cdcmtk_condition, _ doing: @autoclosure () -> String) throws(DCMTKError) {
        guard !condition.good else { return }
        let text = withUnsafeBytes(of: condition.text) { bytes in
            String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
        }
        throw DCMTKError(doing: doing(), module: condition.module, code: condition.code, text: text)
    }
}
