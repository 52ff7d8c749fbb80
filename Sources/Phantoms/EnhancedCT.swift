// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DCMTK
import DICOM
extension PhantomSeries {
    func writeMultiFrame(to directory: String, progress: (Int, Int) -> Void) throws(PhantomError) -> WrittenSeries {
        throw .impossible("todo")
    }
}
