// A text as a phone shows it: what the writer said, not what he answered to. Not for use outside this folder.
//
// Came from: a plain text of a mail, or html_text.cpp's text of a page. Goes to: the text of the MM.
#pragma once

#include <cstdint>
#include <string_view>

#include "codec/mime/message.h"
#include "core/arena.h"

namespace pushmail::convert {

/// What becomes of older messages below or between the writer's own lines. Of a forwarded mail they are what the reader wants; a mail that
/// answers nothing may quote a poem or a log, so that there only what is introduced as somebody's message is one.
enum class OlderMessages : std::uint8_t { fold, fold_introduced, keep };
/// By the header alone: `Fwd:` and its cousins keep; In-Reply-To, References, `Re:` and its cousins fold.
[[nodiscard]] OlderMessages older_messages_of(const mime::Part& header, Arena& arena);

struct ReplyText {
  std::string_view text;            // in the arena; LF; no white space at line ends, at most one empty line in a row
  std::size_t quoted_lines = 0;     // folded into `[12 quoted lines: On Monday Ann wrote]`
  std::size_t signature_lines = 0;  // folded into `[5 more lines of signature]`
};
/// Folds quotes (lines with `>`, RFC 3676 §4.5; messages appended under their header fields or under `On Monday Ann wrote:`, see
/// quote_words.h) and long signatures (RFC 3676 §4.3). A quote of one or two lines that is answered below stays, so does one that the
/// writer announces in words of his own, and a text that is nothing but quotes stays whole. Linear.
[[nodiscard]] ReplyText fold_reply(std::string_view utf8, OlderMessages older, Arena& arena);

/// Whether a subject says that the mail was forwarded: `Fwd:`, `FW:`, `WG:`, `TR:` and other languages'.
[[nodiscard]] bool is_forward_subject(std::string_view subject);

}  // namespace pushmail::convert
