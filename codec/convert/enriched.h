// text/enriched (RFC 1896) and its elder text/richtext (RFC 1341) as plain text. Not for use outside this folder.
#pragma once

#include <string_view>

#include "codec/mime/message.h"
#include "core/arena.h"

namespace pushmail::convert {

[[nodiscard]] bool is_enriched(const mime::Part& part);
/// Without its commands; paragraphs as one line each. `text` is decoded, with LF line ends. Never longer; in the arena. Linear.
[[nodiscard]] std::string_view read_enriched(const mime::Part& part, std::string_view text, Arena& arena);

}  // namespace pushmail::convert
