// What each part of a mail is for: text to be shown, attachment, or nothing. Not for use outside this folder.
#pragma once

#include <span>
#include <string_view>

#include "codec/convert/convert.h"
#include "codec/mime/message.h"
#include "core/arena.h"

namespace pushmail::convert {

struct SortedParts {
  std::span<std::size_t>
      texts;  // shown as text, in order: text of any kind, message/rfc822 (its header lines), what is sealed, a report without words
  std::span<std::size_t> attachments;  // in order
  std::span<std::size_t> calendars;    // in order; they are attachments too
};
/// Lists are in the arena; what is neither goes to `decisions`. Of an alternative the plain text wins when it says enough.
[[nodiscard]] SortedParts sort_parts(const mime::Message& mail, ArenaList<Decision>& decisions, Arena& arena);

[[nodiscard]] bool is_html(const mime::Part& part);
/// Its name, else its media type.
[[nodiscard]] std::string_view label_of(const mime::Part& part);

}  // namespace pushmail::convert
