// A parsed mail as the pieces that rules look at: what the conversion calls before RuleSet::scan.
#pragma once

#include <deque>
#include <string>
#include <vector>

#include "codec/mime/message.h"
#include "codec/scan/rule_set.h"

namespace pushmail::scan {

/// `pieces` are views into `texts`; moving keeps them good, copying is not possible.
struct MailPieces {
  MailPieces() = default;
  MailPieces(MailPieces&&) = default;
  MailPieces& operator=(MailPieces&&) = default;
  MailPieces(const MailPieces&) = delete;
  MailPieces& operator=(const MailPieces&) = delete;

  std::deque<std::string> texts;
  std::vector<Piece> pieces;

  void add(Places where, std::string text);
};

/// The mail's own header fields, decoded, and each text/* part as UTF-8 (HTML as it is written; attached text too). Other parts, the
/// fields of parts, and everything base64 that is no text are not looked at.
[[nodiscard]] MailPieces pieces_of(const mime::Message& message);

}  // namespace pushmail::scan
