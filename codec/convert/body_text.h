// The texts of a mail as the phone shows them. Not for use outside this folder.
//
// Came from: mail_to_mm.cpp, one text part after the other. Goes to: its text. Chooses between html_text.cpp and plain text, then folds
// what the reader knows already (reply_text.cpp); says what it did in the decisions.
#pragma once

#include <string_view>
#include <vector>

#include "codec/convert/convert.h"
#include "codec/convert/reply_text.h"
#include "codec/mime/message.h"
#include "core/arena.h"

namespace pushmail::convert {

class BodyReader {
 public:
  /// All of them must outlive it. What it returns and decides lies in the arena.
  BodyReader(const mime::Message& mail, ArenaList<Decision>& decisions, Arena& arena);

  /// The text of one part; `utf8` is its decoded text.
  [[nodiscard]] std::string_view read(const mime::Part& part, std::string_view utf8);
  /// The card of a calendar part, for the top of the text; empty when it cannot be read or is shown already, which the decisions say.
  [[nodiscard]] std::string_view read_card(const mime::Part& part);
  /// What the first card's author wrote below it: for a mail without a text of its own.
  [[nodiscard]] std::string_view card_description() const { return card_description_; }

 private:
  [[nodiscard]] std::string_view read_page(const mime::Part& part, std::string_view utf8);

  const mime::Message& mail_;
  ArenaList<Decision>& decisions_;
  Arena& arena_;
  OlderMessages older_;
  ArenaList<std::string_view> cards_;
  std::string_view card_description_;
  ArenaList<std::string_view> carried_;    // Content-IDs and Content-Locations, sorted; filled when a page needs it
};

}  // namespace pushmail::convert
