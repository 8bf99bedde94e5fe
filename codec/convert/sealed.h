// Mail that a phone cannot open: encrypted or signed by S/MIME (RFC 8551) or OpenPGP (RFC 3156, RFC 9580). Not for use outside this folder.
//
// Came from: mail_to_mm.cpp, which asks before it sorts a part, and body_text.cpp for blocks inside a text. Goes to: one sentence in the
// text of the MM that says what it is and how to read it. Nothing is decrypted or verified here.
#pragma once

#include <optional>
#include <string_view>

#include "codec/convert/convert.h"
#include "codec/mime/message.h"
#include "core/arena.h"

namespace pushmail::convert {

/// The sentence for a part whose content nobody sees here; nothing for other parts. Views of static text.
struct Sealed {
  std::string_view sentence;
  std::string_view rule;  // for the decisions
};
[[nodiscard]] std::optional<Sealed> sealed_part(const mime::Message& mail, const mime::Part& part, Arena& arena);
/// The part of multipart/encrypted that only says `Version: 1` (RFC 3156 §4), also where a server renamed the multipart.
[[nodiscard]] bool is_encryption_header(const mime::Message& mail, const mime::Part& part);

/// A text (UTF-8, LF) without the armour of OpenPGP: of signed text the text, for encrypted blocks and keys a sentence each. Says what it
/// replaced in `decisions`, in the name of `what`. The text itself when there is no armour in it, else in the arena. Linear.
[[nodiscard]] std::string_view without_armour(std::string_view utf8, std::string_view what, ArenaList<Decision>& decisions, Arena& arena);

}  // namespace pushmail::convert
