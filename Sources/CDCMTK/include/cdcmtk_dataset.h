// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "cdcmtk_condition.h"

#ifdef __cplusplus
extern "C" {
#endif

/// A DICOM file format object in memory: file meta information and data set.
/// Thread: one at a time.
typedef struct cdcmtk_dataset cdcmtk_dataset;

/// A data set or a sequence item within a cdcmtk_dataset.
/// Ownership: belongs to its data set; invalid once that is destroyed or the item removed.
typedef struct cdcmtk_item cdcmtk_item;

/// Ownership: the caller's, for cdcmtk_dataset_destroy. Thread: any.
cdcmtk_dataset *_Nonnull cdcmtk_dataset_create(void);
void cdcmtk_dataset_destroy(cdcmtk_dataset *_Nonnull dataset);

/// Reads a Part 10 file. Values longer than `loaded_length` bytes stay on disk until asked for.
/// The structure must have been accepted by the scan before: DCMTK 3.6.7 recurses without a limit.
/// Ownership: `*dataset` is the caller's when the condition is good. Thread: any.
cdcmtk_condition cdcmtk_dataset_read(
    const char *_Nonnull path, uint32_t loaded_length, cdcmtk_dataset *_Nullable *_Nonnull dataset);

/// Writes a Part 10 file in `transfer_syntax` (a UID), with explicit sequence and item lengths, and syncs nothing.
/// The data set must be native or already in that syntax. Thread: one per data set.
cdcmtk_condition cdcmtk_dataset_write(
    cdcmtk_dataset *_Nonnull dataset, const char *_Nonnull path, const char *_Nonnull transfer_syntax);

/// The transfer syntax UID that the data set was read in; empty for a new one. Ownership: static storage.
const char *_Nonnull cdcmtk_dataset_transfer_syntax(cdcmtk_dataset *_Nonnull dataset);

/// The top level of the data set. Ownership: the data set's.
cdcmtk_item *_Nonnull cdcmtk_dataset_root(cdcmtk_dataset *_Nonnull dataset);

/// True where the element is present with a value of at least one byte, or a sequence with at least one item.
bool cdcmtk_item_has_value(cdcmtk_item *_Nonnull item, uint16_t group, uint16_t element);
/// True where the element is present, even empty.
bool cdcmtk_item_has(cdcmtk_item *_Nonnull item, uint16_t group, uint16_t element);
/// All values joined by backslash, undecoded, padding removed at the end; NULL when absent.
/// Ownership: the caller's, for free().
char *_Nullable cdcmtk_item_copy_string(
    cdcmtk_item *_Nonnull item, uint16_t group, uint16_t element, size_t *_Nonnull length);
/// Value number `index` as a number, of whatever numeric VR, DS or IS; false when there is none.
bool cdcmtk_item_get_number(
    cdcmtk_item *_Nonnull item, uint16_t group, uint16_t element, size_t index, double *_Nonnull value);

cdcmtk_condition cdcmtk_item_set_string(
    cdcmtk_item *_Nonnull item, uint16_t group, uint16_t element, const char *_Nonnull value);
/// Sets all values of an element of VR US, SS, UL, SL, FD or FL from numbers.
cdcmtk_condition cdcmtk_item_set_numbers(
    cdcmtk_item *_Nonnull item, uint16_t group, uint16_t element, const double *_Nonnull values, size_t count);
/// Sets one value of VR AT.
cdcmtk_condition cdcmtk_item_set_tag(
    cdcmtk_item *_Nonnull item, uint16_t group, uint16_t element, uint16_t value_group, uint16_t value_element);
/// Sets an OB element (also Pixel Data of 8 bits or 1 bit), padded to even length.
cdcmtk_condition cdcmtk_item_set_bytes(
    cdcmtk_item *_Nonnull item, uint16_t group, uint16_t element, const uint8_t *_Nonnull bytes, size_t count);
/// Sets an OW element (also Pixel Data of 16 bits).
cdcmtk_condition cdcmtk_item_set_words(
    cdcmtk_item *_Nonnull item, uint16_t group, uint16_t element, const uint16_t *_Nonnull words, size_t count);
/// Inserts an element without a value (type 2).
cdcmtk_condition cdcmtk_item_set_empty(cdcmtk_item *_Nonnull item, uint16_t group, uint16_t element);
void cdcmtk_item_remove(cdcmtk_item *_Nonnull item, uint16_t group, uint16_t element);
/// Copies an element, sequences included, as it is. Good and without effect where `from` lacks it.
cdcmtk_condition cdcmtk_item_copy_element(
    cdcmtk_item *_Nonnull from, cdcmtk_item *_Nonnull to, uint16_t group, uint16_t element);

/// Number of items of a sequence; 0 when absent.
size_t cdcmtk_item_child_count(cdcmtk_item *_Nonnull item, uint16_t group, uint16_t element);
/// Ownership: the data set's.
cdcmtk_item *_Nullable cdcmtk_item_child(
    cdcmtk_item *_Nonnull item, uint16_t group, uint16_t element, size_t index);
/// Appends an empty item, making the sequence where there is none. NULL only when the tag is no sequence.
/// Ownership: the data set's.
cdcmtk_item *_Nullable cdcmtk_item_append(cdcmtk_item *_Nonnull item, uint16_t group, uint16_t element);

#ifdef __cplusplus
}
#endif
