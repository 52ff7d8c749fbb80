// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

#include "dataset.h"

#include <cstdlib>
#include <cstring>
#include <vector>

namespace {

/// Makes an element of the dictionary's VR, fills it with `fill` and inserts it, replacing the former.
template <typename Fill>
cdcmtk_condition insert(cdcmtk_item *item, uint16_t group, uint16_t element, Fill fill) {
    return cdcmtk_guard([&] {
        DcmElement *made = nullptr;
        OFCondition condition = DcmItem::newDicomElement(made, DcmTag(group, element));
        if (condition.good()) condition = fill(*made);
        if (condition.good()) condition = cdcmtk_unwrap(item).insert(made, OFTrue);
        if (condition.bad()) delete made;
        return cdcmtk_copy(condition);
    });
}

template <typename Number> std::vector<Number> converted(const double *values, size_t count) {
    std::vector<Number> numbers(count);
    for (size_t i = 0; i < count; i++) numbers[i] = static_cast<Number>(values[i]);
    return numbers;
}

} // namespace

cdcmtk_dataset *cdcmtk_dataset_create(void) { return new cdcmtk_dataset(); }
void cdcmtk_dataset_destroy(cdcmtk_dataset *dataset) { delete dataset; }

cdcmtk_condition cdcmtk_dataset_read(const char *path, uint32_t loaded_length, cdcmtk_dataset **dataset) {
    *dataset = nullptr;
    return cdcmtk_guard([&] {
        auto *made = new cdcmtk_dataset();
        OFCondition condition =
            made->file.loadFile(path, EXS_Unknown, EGL_noChange, loaded_length, ERM_fileOnly);
        if (condition.good()) *dataset = made;
        else delete made;
        return cdcmtk_copy(condition);
    });
}

cdcmtk_condition cdcmtk_dataset_write(cdcmtk_dataset *dataset, const char *path, const char *transfer_syntax) {
    return cdcmtk_guard([&] {
        const DcmXfer syntax(transfer_syntax);
        if (syntax.getXfer() == EXS_Unknown) return cdcmtk_failed("unknown transfer syntax");
        DcmDataset &data = *dataset->file.getDataset();
        if (!data.canWriteXfer(syntax.getXfer(), data.getOriginalXfer()))
            return cdcmtk_failed("the data set cannot be written in that transfer syntax");
        return cdcmtk_copy(dataset->file.saveFile(
            path, syntax.getXfer(), EET_ExplicitLength, EGL_recalcGL, EPD_withoutPadding, 0, 0, EWM_createNewMeta));
    });
}

const char *cdcmtk_dataset_transfer_syntax(cdcmtk_dataset *dataset) {
    const DcmXfer syntax(dataset->file.getDataset()->getOriginalXfer());
    const char *uid = syntax.getXferID();
    return uid ? uid : "";
}

cdcmtk_item *cdcmtk_dataset_root(cdcmtk_dataset *dataset) { return cdcmtk_wrap(dataset->file.getDataset()); }

bool cdcmtk_item_has_value(cdcmtk_item *item, uint16_t group, uint16_t element) {
    return cdcmtk_unwrap(item).tagExistsWithValue(DcmTagKey(group, element));
}

bool cdcmtk_item_has(cdcmtk_item *item, uint16_t group, uint16_t element) {
    return cdcmtk_unwrap(item).tagExists(DcmTagKey(group, element));
}

char *cdcmtk_item_copy_string(cdcmtk_item *item, uint16_t group, uint16_t element, size_t *length) {
    *length = 0;
    try {
        OFString value;
        if (cdcmtk_unwrap(item).findAndGetOFStringArray(DcmTagKey(group, element), value).bad()) return nullptr;
        size_t count = value.length();
        while (count > 0 && (value[count - 1] == ' ' || value[count - 1] == '\0')) count--;
        char *copy = static_cast<char *>(malloc(count + 1));
        if (!copy) return nullptr;
        memcpy(copy, value.data(), count);
        copy[count] = 0;
        *length = count;
        return copy;
    } catch (...) {
        return nullptr;
    }
}

bool cdcmtk_item_get_number(cdcmtk_item *item, uint16_t group, uint16_t element, size_t index, double *value) {
    try {
        DcmElement *found = nullptr;
        if (cdcmtk_unwrap(item).findAndGetElement(DcmTagKey(group, element), found).bad() || !found) return false;
        const unsigned long position = static_cast<unsigned long>(index);
        switch (found->getVR()) {
        case EVR_US: { Uint16 v; if (found->getUint16(v, position).bad()) return false; *value = v; return true; }
        case EVR_SS: { Sint16 v; if (found->getSint16(v, position).bad()) return false; *value = v; return true; }
        case EVR_UL: { Uint32 v; if (found->getUint32(v, position).bad()) return false; *value = v; return true; }
        case EVR_SL: { Sint32 v; if (found->getSint32(v, position).bad()) return false; *value = v; return true; }
        case EVR_FL: { Float32 v; if (found->getFloat32(v, position).bad()) return false; *value = v; return true; }
        case EVR_xs:
        case EVR_FD: { Float64 v; if (found->getFloat64(v, position).bad()) return false; *value = v; return true; }
        case EVR_DS:
        case EVR_IS: {
            // DcmIntegerString has no getFloat64, and DcmDecimalString's rejects padding that scanners write.
            OFString text;
            if (found->getOFString(text, position).bad() || text.empty()) return false;
            char *end = nullptr;
            const double parsed = strtod(text.c_str(), &end);
            if (end == text.c_str()) return false;
            while (*end == ' ') end++;
            if (*end) return false;
            *value = parsed;
            return true;
        }
        // LUT Data may be words of either kind (PS3.3 C.11.1.1.1).
        case EVR_lt:
        case EVR_OW: {
            Uint16 *words = nullptr;
            if (found->getUint16Array(words).bad() || !words || position >= found->getLength() / 2) return false;
            *value = words[position];
            return true;
        }
        default: return false;
        }
    } catch (...) {
        return false;
    }
}

cdcmtk_condition cdcmtk_item_set_string(cdcmtk_item *item, uint16_t group, uint16_t element, const char *value) {
    return insert(item, group, element, [&](DcmElement &made) { return made.putString(value); });
}

cdcmtk_condition cdcmtk_item_set_numbers(
    cdcmtk_item *item, uint16_t group, uint16_t element, const double *values, size_t count) {
    return insert(item, group, element, [&](DcmElement &made) -> OFCondition {
        const unsigned long number = static_cast<unsigned long>(count);
        switch (made.getVR()) {
        case EVR_xs:
        case EVR_US: return made.putUint16Array(converted<Uint16>(values, count).data(), number);
        case EVR_SS: return made.putSint16Array(converted<Sint16>(values, count).data(), number);
        case EVR_UL: return made.putUint32Array(converted<Uint32>(values, count).data(), number);
        case EVR_SL: return made.putSint32Array(converted<Sint32>(values, count).data(), number);
        case EVR_FL: return made.putFloat32Array(converted<Float32>(values, count).data(), number);
        case EVR_FD: return made.putFloat64Array(values, number);
        default: return EC_IllegalCall;
        }
    });
}

cdcmtk_condition cdcmtk_item_set_tag(
    cdcmtk_item *item, uint16_t group, uint16_t element, uint16_t value_group, uint16_t value_element) {
    return insert(item, group, element, [&](DcmElement &made) {
        return made.putTagVal(DcmTagKey(value_group, value_element));
    });
}

cdcmtk_condition cdcmtk_item_set_bytes(
    cdcmtk_item *item, uint16_t group, uint16_t element, const uint8_t *bytes, size_t count) {
    return cdcmtk_guard([&] {
        DcmTag tag(group, element);
        tag.setVR(DcmVR(EVR_OB));
        if (count > 0xFFFFFFFEu) return cdcmtk_failed("a value is limited to 4 GB");
        return cdcmtk_copy(
            cdcmtk_unwrap(item).putAndInsertUint8Array(tag, bytes, static_cast<unsigned long>(count), OFTrue));
    });
}

cdcmtk_condition cdcmtk_item_set_words(
    cdcmtk_item *item, uint16_t group, uint16_t element, const uint16_t *words, size_t count) {
    return cdcmtk_guard([&] {
        DcmTag tag(group, element);
        tag.setVR(DcmVR(EVR_OW));
        if (count > 0x7FFFFFFFu) return cdcmtk_failed("a value is limited to 4 GB");
        return cdcmtk_copy(
            cdcmtk_unwrap(item).putAndInsertUint16Array(tag, words, static_cast<unsigned long>(count), OFTrue));
    });
}

cdcmtk_condition cdcmtk_item_set_empty(cdcmtk_item *item, uint16_t group, uint16_t element) {
    return cdcmtk_guard([&] { return cdcmtk_copy(cdcmtk_unwrap(item).insertEmptyElement(DcmTag(group, element), OFTrue)); });
}

void cdcmtk_item_remove(cdcmtk_item *item, uint16_t group, uint16_t element) {
    (void)cdcmtk_unwrap(item).findAndDeleteElement(DcmTagKey(group, element));
}

cdcmtk_condition cdcmtk_item_copy_element(cdcmtk_item *from, cdcmtk_item *to, uint16_t group, uint16_t element) {
    return cdcmtk_guard([&] {
        const DcmTagKey key(group, element);
        if (!cdcmtk_unwrap(from).tagExists(key)) return cdcmtk_good();
        return cdcmtk_copy(cdcmtk_unwrap(from).findAndInsertCopyOfElement(key, &cdcmtk_unwrap(to), OFTrue));
    });
}

size_t cdcmtk_item_child_count(cdcmtk_item *item, uint16_t group, uint16_t element) {
    DcmSequenceOfItems *sequence = nullptr;
    if (cdcmtk_unwrap(item).findAndGetSequence(DcmTagKey(group, element), sequence).bad() || !sequence) return 0;
    return sequence->card();
}

cdcmtk_item *cdcmtk_item_child(cdcmtk_item *item, uint16_t group, uint16_t element, size_t index) {
    DcmSequenceOfItems *sequence = nullptr;
    if (cdcmtk_unwrap(item).findAndGetSequence(DcmTagKey(group, element), sequence).bad() || !sequence) return nullptr;
    if (index >= sequence->card()) return nullptr;
    return cdcmtk_wrap(sequence->getItem(static_cast<unsigned long>(index)));
}

cdcmtk_item *cdcmtk_item_append(cdcmtk_item *item, uint16_t group, uint16_t element) {
    try {
        DcmItem *child = nullptr;
        if (cdcmtk_unwrap(item).findOrCreateSequenceItem(DcmTag(group, element), child, -2).bad()) return nullptr;
        return cdcmtk_wrap(child);
    } catch (...) {
        return nullptr;
    }
}
