// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import CDCMTK
import DICOM

extension Item {
    /// Visits the items of a sequence in order, in linear time.
    package func forEachChild<E: Error>(_ tag: Tag, _ visit: (Item) throws(E) -> Void) throws(E) {
        var next = cdcmtk_item_next_child(pointer, tag.group, tag.element, nil)
        while let child = next {
            try visit(Item(pointer: child))
            next = cdcmtk_item_next_child(pointer, tag.group, tag.element, child)
        }
    }
}
