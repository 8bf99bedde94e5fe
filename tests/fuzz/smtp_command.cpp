// SMTP's grammar: lines, commands, paths, data and replies, each rule checked against another one that must agree.
#include "dataplane/session/smtp_grammar.h"

#include <algorithm>

#include "core/ascii.h"

namespace {

using namespace pushmail;

void check_command(std::string_view line) {
  const auto command = smtp::parse_command(line);
  if (!command) return;
  if (command->verb == smtp::Verb::mail) {
    const auto mail = smtp::parse_mail(command->argument);
    if (mail) PM_CHECK(mail->address.empty() || smtp::is_address(mail->address, mail->utf8));
    if (mail) PM_CHECK(std::ranges::none_of(mail->envelope_id + mail->ret, is_control));
  }
  if (command->verb == smtp::Verb::bdat) {
    const auto chunk = smtp::parse_chunk(command->argument);
    if (chunk) PM_CHECK(is_digit(command->argument.front()) && chunk->is_last == (command->argument.find(' ') != std::string_view::npos));
  }
  if (command->verb != smtp::Verb::rcpt) return;
  const auto strict = smtp::parse_rcpt(command->argument, smtp::Utf8::refused);
  const auto open = smtp::parse_rcpt(command->argument, smtp::Utf8::allowed);
  if (strict) PM_CHECK(open.has_value() && *strict == *open && is_ascii(strict->address) && is_ascii(strict->original));
  if (!open) return;
  const std::string& address = open->address;
  PM_CHECK(address.find_first_of("\r\n") == std::string::npos &&
           (ascii_equal_nocase(address, "postmaster") || smtp::is_address(address, smtp::Utf8::allowed)));
  // They stand in fields of a notification.
  PM_CHECK(std::ranges::none_of(open->original + open->notify, is_control));
}

struct Data {
  Bytes mail;
  std::size_t used = 0;
  bool last = false;
  bool bare = false;
  bool operator==(const Data&) const = default;
};
Data read_data(ByteView bytes, std::size_t piece) {
  smtp::DataReader reader;
  Data data;
  while (data.used < bytes.size() && !data.last) {
    const ByteView rest = bytes.subspan(data.used);
    const auto step = reader.read(rest.first(std::min(piece, rest.size())), data.mail, UINT64_MAX);
    data.used += step.used;
    data.last = step.last;
  }
  data.bare = reader.bare_line_end();
  return data;
}

bool has_bare(ByteView bytes) {
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    if (bytes[i] == '\n' && (i == 0 || bytes[i - 1] != '\r')) return true;
    if (bytes[i] == '\r' && (i + 1 == bytes.size() || bytes[i + 1] != '\n')) return true;
  }
  return false;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const ByteView bytes{data, size};
  std::size_t at = 0;
  while (at < size) {
    const auto line = smtp::read_line(bytes.subspan(at), 0);
    if (!line.is_done()) break;
    if (line.value().broken == nullptr) check_command(line.value().text);
    at += line.used();
  }
  (void)smtp::parse_reply(bytes);

  const Data whole = read_data(bytes, size + 1);
  PM_CHECK(whole == read_data(bytes, 1));
  if (whole.last) PM_CHECK(whole.bare == has_bare(whole.mail));
  for (const std::size_t piece : {size + 1, std::size_t{1}, std::size_t{5}}) {
    smtp::LineEndCheck check;
    for (std::size_t begin = 0; begin < size; begin += piece) check.read(bytes.subspan(begin, std::min(piece, size - begin)));
    PM_CHECK(check.is_bare() == has_bare(bytes));
  }

  // What we stuff and end by a dot is read back as one mail, without a bare CR or LF, to its last byte.
  const auto stuffed = smtp::stuff(bytes);
  Bytes wire = stuffed ? *stuffed : Bytes(bytes.begin(), bytes.end());
  append(wire, ".\r\n");
  const Data back = read_data(wire, 7);
  PM_CHECK(back.last && back.used == wire.size() && !back.bare);
  if (!stuffed) PM_CHECK(std::equal(back.mail.begin(), back.mail.end(), bytes.begin(), bytes.end()));
  return 0;
}
