// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import Foundation

/// One spelling for text that Unicode lets be spelled in several ways, so that it is equal where its bytes are.
package enum NormalForm {
    /// NFC of what stands between the delimiters of PN: a combining character after "=" would make another sign of it.
    package static func composed(_ text: String) -> String {
        // Below U+0300 nothing combines, and nothing decomposes that is composed.
        if text.unicodeScalars.allSatisfy({ $0.value < 0x300 }) { return text }
        var composed = ""
        var part = String.UnicodeScalarView()
        for scalar in text.unicodeScalars {
            if scalar == "=" || scalar == "^" {
                composed += String(part).precomposedStringWithCanonicalMapping
                composed.unicodeScalars.append(scalar)
                part = String.UnicodeScalarView()
            } else {
                part.append(scalar)
            }
        }
        return composed + String(part).precomposedStringWithCanonicalMapping
    }
}
