#include "codec/scan/mail.h"

#include <utility>

namespace pushmail::scan {

namespace {

Places place_of(std::string_view field) {
  if (ascii_equal_nocase(field, "Subject")) return place::subject;
  if (ascii_equal_nocase(field, "From")) return place::from;
  if (ascii_equal_nocase(field, "To") || ascii_equal_nocase(field, "Cc")) return place::to;
  return place::header;
}

}  // namespace

void MailPieces::add(Places where, std::string text) {
  if (text.empty()) return;
  texts.push_back(std::move(text));
  pieces.push_back({.where = where, .text = texts.back()});
}

MailPieces pieces_of(const mime::Message& message) {
  MailPieces out;
  if (message.parts.empty()) return out;
  for (const mime::Field& field : message.parts.front().fields) out.add(place_of(field.name), mime::decode_header(field.value));
  for (const mime::Part& part : message.parts) {
    if (part.media_type.starts_with("text/")) out.add(place::text, mime::decode_text(part));
  }
  return out;
}

}  // namespace pushmail::scan
