// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DCMTK
import DICOM

/// Inflaters for the deflated transfer syntaxes (PS3.5 A.5).
enum Inflaters {
    static func inflater(for transferSyntaxUID: UID) -> (any Inflater)? {
        transferSyntaxUID.isDeflatedTransferSyntax ? ZlibInflater() : nil
    }
}
