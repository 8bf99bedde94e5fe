// An MM in any of the forms in which it lies in a file: what peers send, what our conversions write, what a recording of HTTP holds.
//
// Came from: `pushmailctl convert mm FILE`. Goes to: codec/convert.
#pragma once

#include <expected>
#include <string>

#include "codec/convert/convert.h"
#include "codec/mms/multimedia.h"
#include "core/bytes.h"

namespace pushmail::cli {

/// Views into the bytes that it was read from: these must outlive it.
struct MmFile {
  convert::MmHeader header;
  MultimediaMessage mm;
};
/// An MM1 PDU (NAME.mms); or an MM7 DeliverReq or SubmitReq: the body alone, the body behind header fields (NAME.submitreq), or a whole
/// HTTP request. Line ends of header fields may be LF. On failure: a sentence that says what the file is, and what it would have to be.
[[nodiscard]] std::expected<MmFile, std::string> read_mm_file(ByteView bytes);

}  // namespace pushmail::cli
