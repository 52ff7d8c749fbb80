// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

#include "cdcmtk_report.h"
#include "dataset.h"

#include <dcmtk/dcmsr/dsrdoctr.h>

struct cdcmtk_report {
    DSRDocumentTree tree{DSRTypes::DT_Comprehensive3DSR};
};

namespace {

DSRTypes::E_RelationshipType unwrap(cdcmtk_relationship relationship) {
    switch (relationship) {
    case CDCMTK_CONTAINS: return DSRTypes::RT_contains;
    case CDCMTK_HAS_OBS_CONTEXT: return DSRTypes::RT_hasObsContext;
    case CDCMTK_HAS_ACQ_CONTEXT: return DSRTypes::RT_hasAcqContext;
    case CDCMTK_HAS_CONCEPT_MOD: return DSRTypes::RT_hasConceptMod;
    case CDCMTK_HAS_PROPERTIES: return DSRTypes::RT_hasProperties;
    case CDCMTK_INFERRED_FROM: return DSRTypes::RT_inferredFrom;
    case CDCMTK_SELECTED_FROM: return DSRTypes::RT_selectedFrom;
    }
    return DSRTypes::RT_invalid;
}

DSRCodedEntryValue unwrap(cdcmtk_code code) {
    if (!code.value || !code.scheme || !code.meaning) return DSRCodedEntryValue();
    // The checks come with setConceptName and the like.
    return DSRCodedEntryValue(code.value, code.scheme, code.meaning, DSRTypes::CVT_auto, OFFalse);
}

/// Adds the item and lets `fill` set its value; takes it away again when that fails.
template <typename Fill>
cdcmtk_condition begin(
    cdcmtk_report *report, cdcmtk_relationship relationship, DSRTypes::E_ValueType type, cdcmtk_code name, Fill fill) {
    return cdcmtk_guard([&] {
        DSRDocumentTree &tree = report->tree;
        if (tree.addContentItem(unwrap(relationship), type, DSRTypes::AM_belowCurrent) == 0)
            return cdcmtk_failed("the IOD does not allow this content item here");
        DSRContentItem &item = tree.getCurrentContentItem();
        OFCondition condition = EC_Normal;
        if (name.value) condition = item.setConceptName(unwrap(name), OFTrue);
        if (condition.good()) condition = fill(item);
        if (condition.bad()) {
            tree.goUp();
            // The new item is the last child.
            if (tree.goDown()) {
                while (tree.gotoNext()) {}
                tree.removeCurrentContentItem();
                tree.goUp();
            }
        }
        return cdcmtk_copy(condition);
    });
}

} // namespace

cdcmtk_condition cdcmtk_report_create(cdcmtk_code title, const char *template_identifier, cdcmtk_report **report) {
    *report = nullptr;
    return cdcmtk_guard([&] {
        auto *made = new cdcmtk_report();
        OFCondition condition = SR_EC_CannotAddContentItem;
        if (made->tree.addContentItem(DSRTypes::RT_isRoot, DSRTypes::VT_Container) != 0) {
            DSRContentItem &root = made->tree.getCurrentContentItem();
            condition = root.setConceptName(unwrap(title), OFTrue);
            if (condition.good()) condition = root.setTemplateIdentification(template_identifier, "DCMR", "", OFTrue);
        }
        if (condition.good()) *report = made;
        else delete made;
        return cdcmtk_copy(condition);
    });
}

void cdcmtk_report_destroy(cdcmtk_report *report) { delete report; }

cdcmtk_condition cdcmtk_report_begin_container(
    cdcmtk_report *report, cdcmtk_relationship relationship, cdcmtk_code name) {
    return begin(report, relationship, DSRTypes::VT_Container, name, [](DSRContentItem &) { return EC_Normal; });
}

cdcmtk_condition cdcmtk_report_begin_text(
    cdcmtk_report *report, cdcmtk_relationship relationship, cdcmtk_code name, const char *value) {
    return begin(report, relationship, DSRTypes::VT_Text, name, [&](DSRContentItem &item) {
        return item.setStringValue(value, OFTrue);
    });
}

cdcmtk_condition cdcmtk_report_begin_uid(
    cdcmtk_report *report, cdcmtk_relationship relationship, cdcmtk_code name, const char *value) {
    return begin(report, relationship, DSRTypes::VT_UIDRef, name, [&](DSRContentItem &item) {
        return item.setStringValue(value, OFTrue);
    });
}

cdcmtk_condition cdcmtk_report_begin_code(
    cdcmtk_report *report, cdcmtk_relationship relationship, cdcmtk_code name, cdcmtk_code value) {
    return begin(report, relationship, DSRTypes::VT_Code, name, [&](DSRContentItem &item) {
        return item.setCodeValue(unwrap(value), OFTrue);
    });
}

cdcmtk_condition cdcmtk_report_begin_number(
    cdcmtk_report *report, cdcmtk_relationship relationship, cdcmtk_code name, const char *value, cdcmtk_code unit) {
    return begin(report, relationship, DSRTypes::VT_Num, name, [&](DSRContentItem &item) {
        return item.setNumericValue(DSRNumericMeasurementValue(value, unwrap(unit), OFFalse), OFTrue);
    });
}

cdcmtk_condition cdcmtk_report_begin_image(
    cdcmtk_report *report, cdcmtk_relationship relationship, cdcmtk_code name, const char *sop_class,
    const char *sop_instance, const int32_t *frames, size_t frame_count, const uint16_t *segments,
    size_t segment_count) {
    return begin(report, relationship, DSRTypes::VT_Image, name, [&](DSRContentItem &item) {
        DSRImageReferenceValue value(sop_class, sop_instance, OFFalse);
        for (size_t i = 0; i < frame_count; i++) value.getFrameList().addItem(static_cast<Sint32>(frames[i]));
        for (size_t i = 0; i < segment_count; i++) value.getSegmentList().addItem(segments[i]);
        // Unchecked: DCMTK 3.6.7 does not know label maps, and takes a class that it does not know for no image.
        return item.setImageReference(value, OFFalse);
    });
}

cdcmtk_condition cdcmtk_report_begin_polyline(
    cdcmtk_report *report, cdcmtk_relationship relationship, cdcmtk_code name, const float *points,
    size_t point_count) {
    return begin(report, relationship, DSRTypes::VT_SCoord, name, [&](DSRContentItem &item) {
        DSRSpatialCoordinatesValue value(DSRTypes::GT_Polyline);
        for (size_t i = 0; i < point_count; i++)
            value.getGraphicDataList().addItem(points[2 * i], points[2 * i + 1]);
        return item.setSpatialCoordinates(value, OFTrue);
    });
}

cdcmtk_condition cdcmtk_report_begin_polygon3d(
    cdcmtk_report *report, cdcmtk_relationship relationship, cdcmtk_code name, const float *points,
    size_t point_count, const char *frame_of_reference) {
    return begin(report, relationship, DSRTypes::VT_SCoord3D, name, [&](DSRContentItem &item) {
        DSRSpatialCoordinates3DValue value(DSRTypes::GT3_Polygon);
        for (size_t i = 0; i < point_count; i++)
            value.getGraphicDataList().addItem(points[3 * i], points[3 * i + 1], points[3 * i + 2]);
        OFCondition condition = value.setFrameOfReferenceUID(frame_of_reference, OFTrue);
        return condition.good() ? item.setSpatialCoordinates3D(value, OFTrue) : condition;
    });
}

void cdcmtk_report_end(cdcmtk_report *report) { report->tree.goUp(); }

cdcmtk_condition cdcmtk_report_write(cdcmtk_report *report, cdcmtk_item *item) {
    return cdcmtk_guard([&] { return cdcmtk_copy(report->tree.write(cdcmtk_unwrap(item))); });
}
