// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "cdcmtk_dataset.h"

#ifdef __cplusplus
extern "C" {
#endif

/// The content tree of a Comprehensive 3D SR document under construction, with a cursor on one content item.
/// Thread: one at a time.
typedef struct cdcmtk_report cdcmtk_report;

typedef enum cdcmtk_relationship {
    CDCMTK_CONTAINS,
    CDCMTK_HAS_OBS_CONTEXT,
    CDCMTK_HAS_ACQ_CONTEXT,
    CDCMTK_HAS_CONCEPT_MOD,
    CDCMTK_HAS_PROPERTIES,
    CDCMTK_INFERRED_FROM,
    CDCMTK_SELECTED_FROM
} cdcmtk_relationship;

/// A code; `value` NULL stands for none. The text must be ASCII: it is written whatever the character set.
typedef struct cdcmtk_code {
    const char *_Nullable value;
    const char *_Nullable scheme;
    const char *_Nullable meaning;
} cdcmtk_code;

/// A tree with its root, a container, which becomes the current item.
/// Ownership: `*report` is the caller's when the condition is good. Thread: any.
cdcmtk_condition cdcmtk_report_create(
    cdcmtk_code title, const char *_Nonnull template_identifier, cdcmtk_report *_Nullable *_Nonnull report);
void cdcmtk_report_destroy(cdcmtk_report *_Nonnull report);

// Each adds an item below the current one, after its last child, and makes it the current one. What the IOD does not
// allow at that place, and a value that its VR does not allow, is a failure, and the cursor has not moved.

cdcmtk_condition cdcmtk_report_begin_container(
    cdcmtk_report *_Nonnull report, cdcmtk_relationship relationship, cdcmtk_code name);
cdcmtk_condition cdcmtk_report_begin_text(
    cdcmtk_report *_Nonnull report, cdcmtk_relationship relationship, cdcmtk_code name, const char *_Nonnull value);
cdcmtk_condition cdcmtk_report_begin_uid(
    cdcmtk_report *_Nonnull report, cdcmtk_relationship relationship, cdcmtk_code name, const char *_Nonnull value);
cdcmtk_condition cdcmtk_report_begin_code(
    cdcmtk_report *_Nonnull report, cdcmtk_relationship relationship, cdcmtk_code name, cdcmtk_code value);
/// `value` is a decimal string.
cdcmtk_condition cdcmtk_report_begin_number(
    cdcmtk_report *_Nonnull report, cdcmtk_relationship relationship, cdcmtk_code name, const char *_Nonnull value,
    cdcmtk_code unit);
/// Reference to an image, to frames of it, or to segments of it.
cdcmtk_condition cdcmtk_report_begin_image(
    cdcmtk_report *_Nonnull report, cdcmtk_relationship relationship, cdcmtk_code name,
    const char *_Nonnull sop_class, const char *_Nonnull sop_instance, const int32_t *_Nonnull frames,
    size_t frame_count, const uint16_t *_Nonnull segments, size_t segment_count);
/// Spatial coordinates of graphic type POLYLINE: `point_count` pairs of column and row.
cdcmtk_condition cdcmtk_report_begin_polyline(
    cdcmtk_report *_Nonnull report, cdcmtk_relationship relationship, cdcmtk_code name, const float *_Nonnull points,
    size_t point_count);

/// Spatial coordinates in the patient of graphic type POLYGON: `point_count` triples of x, y and z, the last the first.
cdcmtk_condition cdcmtk_report_begin_polygon3d(
    cdcmtk_report *_Nonnull report, cdcmtk_relationship relationship, cdcmtk_code name, const float *_Nonnull points,
    size_t point_count, const char *_Nonnull frame_of_reference);

/// Makes the parent the current item. The root must not be the current item.
void cdcmtk_report_end(cdcmtk_report *_Nonnull report);

/// Writes the SR document content module into `item`. Whatever else is there stays as it is.
cdcmtk_condition cdcmtk_report_write(cdcmtk_report *_Nonnull report, cdcmtk_item *_Nonnull item);

#ifdef __cplusplus
}
#endif
