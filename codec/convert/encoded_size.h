// How large an MM is on the wire, before it is written. Not for use outside this folder.
#pragma once

#include <cstddef>

#include "codec/convert/convert.h"

namespace pushmail::convert {

/// Bytes. `parts` is exact, of the data alone; the others are bounds, at most some hundred bytes above for each part.
struct EncodedSizes {
  std::size_t parts = 0;
  std::size_t pdu = 0;     // MM1, as codec/mms writes it
  std::size_t submit = 0;  // SubmitReq with its envelope and content, as codec/mm7 writes it
};
[[nodiscard]] EncodedSizes encoded_sizes(const MailToMm& made, const MmProfile& profile, bool display_only_recipients);

}  // namespace pushmail::convert
