// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

#include "cdcmtk_pixels.h"

#include "dataset.h"

#include <dcmtk/dcmdata/dcpixel.h>
#include <dcmtk/dcmdata/dcpixseq.h>
#include <dcmtk/dcmdata/dcpxitem.h>
#include <dcmtk/dcmdata/dcrleerg.h>
#include <dcmtk/dcmjpeg/djdecode.h>
#include <dcmtk/dcmjpeg/djencode.h>
#include <dcmtk/dcmjpeg/djrplol.h>
#include <dcmtk/dcmjpeg/djrploss.h>
#include <dcmtk/dcmjpls/djdecode.h>
#include <dcmtk/dcmjpls/djencode.h>
#include <dcmtk/dcmjpls/djrparam.h>
#include <dcmtk/oflog/oflog.h>
#include <dcmtk/oflog/spi/logevent.h>

#include <cstdlib>
#include <cstring>
#include <memory>
#include <mutex>
#include <vector>

namespace {

thread_local uint32_t warnings_here = 0;

/// The JPEG library goes on over corrupt data with invented samples and only logs it; this counts what it logs.
class WarningCounter : public dcmtk::log4cplus::Appender {
  public:
    ~WarningCounter() override { destructorImpl(); }
    void close() override { closed = true; }

  protected:
    void append(const dcmtk::log4cplus::spi::InternalLoggingEvent &event) override {
        // By its text (jerror.h): other warnings are of headers that scanners write and that hurt no sample.
        const auto &text = event.getMessage();
        if (text.find("Corrupt JPEG data") != OFString_npos || text.find("Premature end") != OFString_npos)
            warnings_here++;
    }
};

/// DCMTK's lists of codecs are global; they are filled once and never emptied.
void register_codecs() {
    static std::once_flag once;
    std::call_once(once, [] {
        DJDecoderRegistration::registerCodecs(EDC_photometricInterpretation, EUC_never);
        DJLSDecoderRegistration::registerCodecs(EJLSUC_never, EJLSPC_colorByPixel);
        // No offset table and unlimited fragments: a frame is one stream, and cdcmtk_pixels_set_frames wraps it.
        DJEncoderRegistration::registerCodecs(ECC_lossyYCbCr, EUC_never, OFFalse, 0, 0, 0, OFFalse);
        DJLSEncoderRegistration::registerCodecs(0, 0, 0, 0, OFFalse, 0, OFFalse, EJLSUC_never);
        DcmRLEEncoderRegistration::registerCodecs(OFFalse, 0, OFFalse);
        // The lossy encoder tells of each frame that it ignores the rescale, as it should.
        dcmtk::log4cplus::Logger::getInstance("dcmtk.dcmimgle").setLogLevel(dcmtk::log4cplus::WARN_LOG_LEVEL);
        for (const char *name : {"dcmtk.dcmjpeg", "dcmtk.dcmjpls"}) {
            dcmtk::log4cplus::Logger logger = dcmtk::log4cplus::Logger::getInstance(name);
            logger.setLogLevel(dcmtk::log4cplus::WARN_LOG_LEVEL);
            logger.setAdditivity(false);
            logger.addAppender(dcmtk::log4cplus::SharedAppenderPtr(new WarningCounter()));
        }
    });
}

OFCondition describe(DcmDataset &dataset, const cdcmtk_frame_format &format) {
    const std::pair<DcmTagKey, uint16_t> numbers[] = {
        {DCM_SamplesPerPixel, format.samples_per_pixel},
        {DCM_Rows, format.rows},
        {DCM_Columns, format.columns},
        {DCM_BitsAllocated, format.bits_allocated},
        {DCM_BitsStored, format.bits_stored},
        {DCM_HighBit, static_cast<uint16_t>(format.bits_stored - 1)},
        {DCM_PixelRepresentation, format.pixel_representation},
    };
    OFCondition condition = EC_Normal;
    for (const auto &number : numbers)
        if (condition.good()) condition = dataset.putAndInsertUint16(number.first, number.second);
    if (condition.good() && format.samples_per_pixel > 1)
        condition = dataset.putAndInsertUint16(DCM_PlanarConfiguration, format.planar_configuration);
    if (condition.good())
        condition = dataset.putAndInsertString(DCM_PhotometricInterpretation, format.photometric_interpretation);
    return condition;
}

DcmPixelData *find_pixels(DcmItem &item) {
    DcmElement *found = nullptr;
    if (item.findAndGetElement(DCM_PixelData, found).bad() || !found) return nullptr;
    return dynamic_cast<DcmPixelData *>(found);
}

/// The encapsulated form as it was read or set; null where Pixel Data is native.
DcmPixelSequence *find_sequence(DcmPixelData &pixels) {
    E_TransferSyntax syntax = EXS_Unknown;
    const DcmRepresentationParameter *parameter = nullptr;
    pixels.getOriginalRepresentationKey(syntax, parameter);
    DcmPixelSequence *sequence = nullptr;
    if (pixels.getEncapsulatedRepresentation(syntax, parameter, sequence).bad()) return nullptr;
    return sequence;
}

OFCondition make_sequence(
    DcmPixelData &pixels, E_TransferSyntax syntax, const DcmRepresentationParameter *parameter,
    const uint8_t *const *streams, const size_t *lengths, size_t count, bool with_offsets) {
    auto sequence = std::make_unique<DcmPixelSequence>(DcmTag(DCM_PixelData, EVR_OB));
    auto table = std::make_unique<DcmPixelItem>(DcmTag(DCM_Item, EVR_OB));
    DcmPixelItem &offsets = *table;
    OFCondition condition = sequence->insert(table.get());
    if (condition.bad()) return condition;
    (void)table.release();
    DcmOffsetList list;
    for (size_t i = 0; i < count && condition.good(); i++) {
        if (lengths[i] > 0xFFFFFFF0u) return EC_IllegalParameter;
        // storeCompressedFrame takes a mutable pointer and copies from it.
        condition = sequence->storeCompressedFrame(
            list, const_cast<Uint8 *>(streams[i]), static_cast<Uint32>(lengths[i]), 0);
    }
    if (condition.good() && with_offsets) condition = offsets.createOffsetTable(list);
    if (condition.good()) pixels.putOriginalRepresentation(syntax, parameter, sequence.release());
    return condition;
}

} // namespace

cdcmtk_condition cdcmtk_frame_decode(
    const char *transfer_syntax, cdcmtk_frame_format format, const uint8_t *stream, size_t stream_length,
    uint8_t *buffer, size_t capacity, uint32_t *warnings) {
    *warnings = 0;
    return cdcmtk_guard([&] {
        const DcmXfer syntax(transfer_syntax);
        if (syntax.getXfer() == EXS_Unknown || !syntax.isEncapsulated()) return cdcmtk_failed("no codec");
        const uint64_t size = uint64_t(format.rows) * format.columns * format.samples_per_pixel * (format.bits_allocated / 8);
        if (size == 0 || size != capacity || size > 0x7FFFFFFFu || stream_length < 4)
            return cdcmtk_failed("impossible frame size");
        register_codecs();
        // A data set of this one frame, so that no count or offset from outside reaches DCMTK's codecs.
        DcmDataset dataset;
        OFCondition condition = describe(dataset, format);
        auto pixels = std::make_unique<DcmPixelData>(DcmTag(DCM_PixelData, EVR_OB));
        DcmPixelData &data = *pixels;
        if (condition.good())
            condition = make_sequence(data, syntax.getXfer(), nullptr, &stream, &stream_length, 1, false);
        if (condition.good()) condition = dataset.insert(pixels.get(), OFTrue);
        if (condition.bad()) return cdcmtk_copy(condition);
        (void)pixels.release();
        Uint32 fragment = 1;
        OFString model;
        warnings_here = 0;
        // DCMTK wants room for an even number of bytes.
        std::vector<uint8_t> even(capacity % 2 ? capacity + 1 : 0);
        uint8_t *target = even.empty() ? buffer : even.data();
        condition = data.getUncompressedFrame(
            &dataset, 0, fragment, target, static_cast<Uint32>(capacity + capacity % 2), model, nullptr);
        if (!even.empty()) memcpy(buffer, target, capacity);
        *warnings = warnings_here;
        return cdcmtk_copy(condition);
    });
}

cdcmtk_condition cdcmtk_frame_encode(
    const char *transfer_syntax, cdcmtk_frame_format format, const uint8_t *native, size_t length, uint8_t **stream,
    size_t *stream_length) {
    *stream = nullptr;
    *stream_length = 0;
    return cdcmtk_guard([&] {
        const DcmXfer syntax(transfer_syntax);
        if (syntax.getXfer() == EXS_Unknown || !syntax.isEncapsulated()) return cdcmtk_failed("no codec");
        const uint64_t size = uint64_t(format.rows) * format.columns * format.samples_per_pixel * (format.bits_allocated / 8);
        if (size == 0 || size != length || size > 0x7FFFFFFFu) return cdcmtk_failed("impossible frame size");
        register_codecs();
        DcmDataset dataset;
        OFCondition condition = describe(dataset, format);
        if (condition.good()) {
            if (format.bits_allocated > 8) {
                std::vector<Uint16> words(length / 2);
                memcpy(words.data(), native, words.size() * 2);
                condition = dataset.putAndInsertUint16Array(DCM_PixelData, words.data(), words.size());
            } else {
                condition = dataset.putAndInsertUint8Array(DCM_PixelData, native, length);
            }
        }
        const DJ_RPLossless lossless(1, 0);
        const DJ_RPLossy lossy(95);
        const DJLSRepresentationParameter near(2, syntax.getXfer() == EXS_JPEGLSLossless);
        const DcmRepresentationParameter *parameter = nullptr;
        switch (syntax.getXfer()) {
        case EXS_JPEGLSLossless:
        case EXS_JPEGLSLossy: parameter = &near; break;
        case EXS_JPEGProcess1:
        case EXS_JPEGProcess2_4: parameter = &lossy; break;
        case EXS_JPEGProcess14:
        case EXS_JPEGProcess14SV1: parameter = &lossless; break;
        default: break;
        }
        if (condition.good()) condition = dataset.chooseRepresentation(syntax.getXfer(), parameter);
        if (condition.bad()) return cdcmtk_copy(condition);
        DcmPixelData *data = find_pixels(dataset);
        DcmPixelSequence *sequence = nullptr;
        if (!data || data->getEncapsulatedRepresentation(syntax.getXfer(), parameter, sequence).bad() || !sequence)
            return cdcmtk_failed("the codec made no frame");
        DcmPixelItem *item = nullptr;
        if (sequence->card() != 2 || sequence->getItem(item, 1).bad() || !item)
            return cdcmtk_failed("the codec made more than one fragment");
        const size_t count = item->getLength();
        auto *copy = static_cast<uint8_t *>(malloc(count));
        if (!copy) return cdcmtk_failed("out of memory");
        condition = item->getPartialValue(copy, 0, static_cast<Uint32>(count));
        if (condition.bad()) {
            free(copy);
            return cdcmtk_copy(condition);
        }
        *stream = copy;
        *stream_length = count;
        return cdcmtk_good();
    });
}

bool cdcmtk_pixels_layout(cdcmtk_item *item, cdcmtk_pixel_layout *layout) {
    *layout = {};
    DcmPixelData *pixels = find_pixels(cdcmtk_unwrap(item));
    if (!pixels) return false;
    if (DcmPixelSequence *sequence = find_sequence(*pixels)) {
        layout->is_encapsulated = true;
        layout->item_count = sequence->card();
    } else {
        layout->native_length = pixels->getLength();
    }
    return true;
}

size_t cdcmtk_pixels_item_length(cdcmtk_item *item, size_t index) {
    DcmPixelData *pixels = find_pixels(cdcmtk_unwrap(item));
    DcmPixelSequence *sequence = pixels ? find_sequence(*pixels) : nullptr;
    DcmPixelItem *found = nullptr;
    if (!sequence || index >= sequence->card()) return 0;
    if (sequence->getItem(found, static_cast<unsigned long>(index)).bad() || !found) return 0;
    return found->getLength();
}

cdcmtk_condition cdcmtk_pixels_copy_item(cdcmtk_item *item, size_t index, uint8_t *buffer, size_t length) {
    return cdcmtk_guard([&] {
        if (length == 0) return cdcmtk_good();
        DcmPixelData *pixels = find_pixels(cdcmtk_unwrap(item));
        DcmPixelSequence *sequence = pixels ? find_sequence(*pixels) : nullptr;
        DcmPixelItem *found = nullptr;
        if (!sequence || index >= sequence->card() ||
            sequence->getItem(found, static_cast<unsigned long>(index)).bad() || !found || found->getLength() < length)
            return cdcmtk_failed("no such fragment");
        return cdcmtk_copy(found->getPartialValue(buffer, 0, static_cast<Uint32>(length)));
    });
}

cdcmtk_condition cdcmtk_pixels_copy_native(cdcmtk_item *item, uint32_t offset, uint8_t *buffer, uint32_t length) {
    return cdcmtk_guard([&] {
        if (length == 0) return cdcmtk_good();
        DcmPixelData *pixels = find_pixels(cdcmtk_unwrap(item));
        if (!pixels || uint64_t(offset) + length > pixels->getLength()) return cdcmtk_failed("Pixel Data is too short");
        return cdcmtk_copy(pixels->getPartialValue(buffer, offset, length, nullptr, EBO_LittleEndian));
    });
}

cdcmtk_condition cdcmtk_pixels_set_frames(
    cdcmtk_item *item, const char *transfer_syntax, const uint8_t *const *streams, const size_t *lengths,
    size_t count) {
    return cdcmtk_guard([&] {
        const DcmXfer syntax(transfer_syntax);
        if (syntax.getXfer() == EXS_Unknown || !syntax.isEncapsulated())
            return cdcmtk_failed("not an encapsulated transfer syntax");
        auto pixels = std::make_unique<DcmPixelData>(DcmTag(DCM_PixelData, EVR_OB));
        OFCondition condition = make_sequence(*pixels, syntax.getXfer(), nullptr, streams, lengths, count, true);
        if (condition.good()) condition = cdcmtk_unwrap(item).insert(pixels.get(), OFTrue);
        if (condition.good()) (void)pixels.release();
        return cdcmtk_copy(condition);
    });
}
