// RTF, as far as a reader of its text needs: the form in which Outlook keeps the body of a mail (MS-OXRTFCP, MS-OXRTFEX), and text/rtf.
//
// Came from: tnef.h, or a decoded text/rtf part. Goes to: codec/convert, as plain text or as the page that was wrapped in it.
#pragma once

#include <optional>
#include <string_view>

#include "core/arena.h"
#include "core/bytes.h"

namespace pushmail::mime {

/// The RTF inside a PidTagRtfCompressed value (MS-OXRTFCP §2.1), in the arena; nothing when it is none. At most nine times as long. What
/// is broken behind its beginning ends it.
[[nodiscard]] std::optional<ByteView> decompress_rtf(ByteView compressed, Arena& arena);

struct RtfText {
  std::string_view text;  // UTF-8; LF
  bool is_html = false;   // it was made of a page, and is that page again (MS-OXRTFEX §2.1.3)
};
/// Fonts, styles, pictures and fields are passed over; a text that is no RTF is returned as it is. Linear, groups nest as deep as they
/// like.
[[nodiscard]] RtfText read_rtf(ByteView rtf, Arena& arena);

}  // namespace pushmail::mime
