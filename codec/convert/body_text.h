// The texts of a mail as the phone shows them. Not for use outside this folder.
//
// Came from: mail_to_mm.cpp, one text part after the other. Goes to: its text and its order of pictures. Chooses between html_text.cpp and
// plain text, then folds what the reader knows already (reply_text.cpp); says what it did in the decisions.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "codec/convert/convert.h"
#include "codec/convert/reply_text.h"
#include "codec/mime/message.h"

namespace pushmail::convert {

/// A calendar part or file, by its type or, where that says nothing, its name.
[[nodiscard]] bool is_calendar(const mime::Part& part);

class BodyReader {
 public:
  /// Both must outlive it.
  BodyReader(const mime::Message& mail, std::vector<Decision>& decisions);

  /// The text of one part; for one that cannot be opened, a sentence that says so.
  [[nodiscard]] std::string read(const mime::Part& part);
  /// The card of a calendar part, for the top of the text; empty when it cannot be read or is shown already, which the decisions say.
  [[nodiscard]] std::string read_card(const mime::Part& part);
  /// What the first card's author wrote below it: for a mail without a text of its own.
  [[nodiscard]] const std::string& card_description() const { return card_description_; }
  /// Puts those of the parts (indices into the mail's) that pages showed into reading order; the others stay where they are.
  void order_pictures(std::vector<std::size_t>& parts) const;

 private:
  const mime::Message& mail_;
  std::vector<Decision>& decisions_;
  OlderMessages older_;
  std::vector<std::string> cards_;
  std::string card_description_;
  std::vector<std::string_view> carried_;  // sorted
  std::vector<std::string> pictures_;      // Content-IDs and Content-Locations that pages showed, in reading order
};

}  // namespace pushmail::convert
