// What we write is strict whatever the values are, and our reader reads it back. Input: lines; subject, name, file name, body.
#include "codec/mime/compose.h"
#include "codec/simd/simd.h"

using namespace pushmail;

namespace {

/// As the writer cleans a value: valid UTF-8, line ends and tabs as blanks, no other controls.
std::string cleaned(std::string_view value) {
  std::string out;
  for (const char c : mime::to_utf8(bytes_of(value), "utf-8")) {
    if (c == '\r' || c == '\n' || c == '\t')
      out += ' ';
    else if (static_cast<unsigned char>(c) >= 0x20 && c != 0x7F)
      out += c;
  }
  return out;
}
/// As a reader shows it: C1 and direction controls are gone, blanks at the ends too.
std::string shown(std::string_view value) { return mime::decode_header(cleaned(value)); }

std::string_view take_line(std::string_view& rest) {
  const std::size_t end = std::min(rest.find('\n'), rest.size());
  const std::string_view line = rest.substr(0, end);
  rest.remove_prefix(std::min(end + 1, rest.size()));
  return line;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view rest = text_of({data, std::min<std::size_t>(size, 65536)});
  const std::string_view subject = take_line(rest);
  const std::string_view display = take_line(rest);
  const std::string_view file = take_line(rest);
  const ByteView body = bytes_of(rest);

  Bytes mail;
  mime::write_text_field(mail, "Subject", subject);
  const mime::Mailbox mailbox{std::string(display), "joe", "example.com"};
  mime::write_mailboxes_field(mail, "From", std::span(&mailbox, 1));
  const std::size_t parameter_start = mail.size();
  append(mail, "Content-Disposition: attachment");
  mime::write_parameter(mail, "filename", file);
  append(mail, "\r\n");
  const std::size_t header_end = mail.size();
  mime::write_body(mail, body, mime::BodyForm::base64);

  // The header: lines of at most 78 columns, no control, nothing but ASCII.
  std::size_t column = 0;
  for (std::size_t i = 0; i < header_end; ++i) {
    const std::uint8_t c = mail[i];
    if (c == '\r') {
      PM_CHECK(mail[i + 1] == '\n');
      PM_CHECK(column <= 78);
      column = 0;
      ++i;
    } else {
      PM_CHECK(c >= 0x20 && c < 0x7F);
      ++column;
    }
  }
  PM_CHECK(parameter_start < header_end);

  const auto message = mime::parse(mail);
  PM_CHECK(message && message->parts.size() == 1);
  const mime::Part& part = message->parts[0];
  PM_CHECK(mime::decode_body(part) == Bytes(body.begin(), body.end()));
  // A value that itself looks encoded or holds controls is shown cleaned; every other comes back as it was.
  const std::string subject_back = mime::decode_header(part.field("Subject"));
  if (shown(subject) == cleaned(subject)) PM_CHECK(subject_back == cleaned(subject));
  const auto mailboxes = mime::parse_mailboxes(part.field("From"));
  PM_CHECK(mailboxes.size() == 1 && mailboxes[0].address() == "joe@example.com");
  if (shown(display) == cleaned(display)) PM_CHECK(mailboxes[0].display_name == cleaned(display));
  if (shown(file) == cleaned(file) && cleaned(file).size() <= 1024) PM_CHECK(part.name == cleaned(file));

  // Text in quoted-printable comes back but for its line ends.
  Bytes text_mail;
  append(text_mail, "Content-Type: text/plain; charset=utf-8\r\n");
  const std::string text = mime::to_utf8(body, "utf-8");
  mime::write_body(text_mail, bytes_of(text), mime::BodyForm::quoted_printable);
  const auto text_message = mime::parse(text_mail);
  PM_CHECK(text_message.has_value());
  mime::Part plain;
  plain.media_type = "text/plain";
  plain.charset = "utf-8";
  plain.body = bytes_of(text);
  PM_CHECK(mime::decode_text(text_message->parts[0]) == mime::decode_text(plain));
  return 0;
}
