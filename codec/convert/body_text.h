// The texts of a mail as the phone shows them. Not for use outside this folder.
//
// Came from: mail_to_mm.cpp, one text part after the other. Goes to: its text and its order of pictures. Chooses between html_text.cpp and
// plain text, then folds what the reader knows already (reply_text.cpp); says what it did in the decisions. Texts are in the arena.
#pragma once

#include <algorithm>
#include <span>
#include <string_view>

#include "codec/convert/convert.h"
#include "codec/convert/reply_text.h"
#include "codec/mime/message.h"
#include "core/arena.h"

namespace pushmail::convert {

/// A calendar part or file, by its type or, where that says nothing, its name.
[[nodiscard]] bool is_calendar(const mime::Part& part);

class BodyReader {
 public:
  /// All three must outlive it.
  BodyReader(const mime::Message& mail, ArenaList<Decision>& decisions, Arena& arena);

  /// The lines of one part, of which `utf8` is the decoded text.
  [[nodiscard]] std::string_view read(const mime::Part& part, std::string_view utf8);
  /// The card of a calendar part (index into the mail's), for the top of the text; empty when it cannot be read or is shown already, which
  /// the decisions say.
  [[nodiscard]] std::string_view read_card(std::size_t part);
  /// Whether the card of this part was read: then what it says is in the text.
  [[nodiscard]] bool is_on_card(std::size_t part) {
    return std::find(on_cards_.items().begin(), on_cards_.items().end(), part) != on_cards_.items().end();
  }
  /// What the first card's author wrote below it: for a mail without a text of its own.
  [[nodiscard]] std::string_view card_description() const { return card_description_; }
  /// Content-IDs and Content-Locations of pictures, as the pages that were read show them.
  [[nodiscard]] std::span<const std::string_view> pictures() { return pictures_.items(); }

 private:
  [[nodiscard]] std::string_view read_page(const mime::Part& part, std::string_view utf8);

  const mime::Message& mail_;
  ArenaList<Decision>& decisions_;
  Arena& arena_;
  OlderMessages older_;
  ArenaList<std::string_view> cards_;
  ArenaList<std::size_t> on_cards_;  // parts
  std::string_view card_description_;
  ArenaList<std::string_view> carried_;  // sorted; what a page can show of the mail; filled for the first page
  ArenaList<std::string_view> pictures_;
};

}  // namespace pushmail::convert
