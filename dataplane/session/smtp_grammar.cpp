#include "dataplane/session/smtp_grammar.h"

#include <algorithm>
#include <array>

#include "codec/simd/simd.h"
#include "core/ascii.h"
#include "dataplane/session/errors.h"
#include "dataplane/session/smtp_dsn.h"

namespace pushmail::smtp {

namespace {

constexpr std::size_t path_size_max = 256;    // RFC 5321 §4.5.3.1.3, brackets included
constexpr std::size_t domain_size_max = 255;  // RFC 5321 §4.5.3.1.2
constexpr std::size_t reply_line_count_max = 100;
constexpr std::size_t reply_size_max = 32 * limits::KiB;

/// RFC 5322 §3.2.3, and RFC 6531 §3.3 for what is not ASCII.
constexpr bool is_atext(char c) {
  constexpr std::string_view marks = "!#$%&'*+-/=?^_`{|}~";
  return is_alphanumeric(c) || is_above_ascii(c) || marks.find(c) != std::string_view::npos;
}
constexpr bool is_let_dig(char c) { return is_alphanumeric(c) || is_above_ascii(c); }

/// Reads a path from the front of what is left; every take_* moves on only when it succeeds.
class PathReader {
 public:
  explicit PathReader(std::string_view text) : text_(text) {}

  [[nodiscard]] std::size_t at() const { return at_; }
  [[nodiscard]] bool take(char c) {
    if (at_ >= text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  [[nodiscard]] bool next_is(char c) const { return at_ < text_.size() && text_[at_] == c; }

  /// RFC 5321 §4.1.2 A-d-l, whose use is obsolete (§3.3) and whose content is ignored.
  [[nodiscard]] bool take_source_route() {
    while (true) {
      if (!take('@') || !take_domain()) return false;
      if (take(',')) continue;
      return take(':');
    }
  }
  [[nodiscard]] bool take_local_part() { return next_is('"') ? take_quoted_string() : take_dot_string(); }
  [[nodiscard]] bool take_domain() {
    const std::size_t start = at_;
    if (next_is('[')) return take_address_literal();
    do {
      if (!take_label()) return false;
    } while (take('.') && !next_is('>'));
    return at_ - start <= domain_size_max;
  }

 private:
  [[nodiscard]] bool take_dot_string() {
    do {
      const std::size_t start = at_;
      while (at_ < text_.size() && is_atext(text_[at_])) ++at_;
      if (at_ == start) return false;
    } while (take('.'));
    return true;
  }
  [[nodiscard]] bool take_quoted_string() {
    ++at_;
    while (at_ < text_.size()) {
      const char c = text_[at_++];
      if (c == '"') return true;
      // qtextSMTP is 32-126 without these two; a pair is a backslash and any of 32-126.
      const char kept = c == '\\' && at_ < text_.size() ? text_[at_++] : c;
      if (static_cast<std::uint8_t>(kept) < 0x20 || kept == 0x7f) return false;
    }
    return false;
  }
  [[nodiscard]] bool take_label() {
    const std::size_t start = at_;
    while (at_ < text_.size() && (is_let_dig(text_[at_]) || text_[at_] == '-')) ++at_;
    return at_ > start && at_ - start <= 63 && text_[start] != '-' && text_[at_ - 1] != '-';
  }
  [[nodiscard]] bool take_address_literal() {
    const std::size_t end = text_.find(']', at_);
    if (end == std::string_view::npos) return false;
    std::string_view inside = text_.substr(at_ + 1, end - at_ - 1);
    const bool v6 = ascii_starts_with_nocase(inside, "IPv6:");
    if (v6) inside.remove_prefix(5);
    const auto ip = parse_ip(inside);
    if (!ip || v6 == (inside.find(':') == std::string_view::npos)) return false;
    at_ = end + 1;
    return true;
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

enum class Direction : std::uint8_t { reverse, forward };
struct Path {
  std::string_view address;
  std::size_t used = 0;
};

Result<Path> parse_path(std::string_view text, Direction direction) {
  PathReader reader(text);
  if (!reader.take('<')) return fail(smtp_bad_path, 0);
  if (direction == Direction::reverse && reader.take('>')) return Path{.address = {}, .used = reader.at()};
  // RFC 5321 §4.5.1: postmaster without a domain is always an address.
  constexpr std::string_view postmaster = "<postmaster>";
  if (direction == Direction::forward && ascii_starts_with_nocase(text, postmaster)) {
    return Path{.address = text.substr(1, postmaster.size() - 2), .used = postmaster.size()};
  }
  if (reader.next_is('@') && !reader.take_source_route()) return fail(smtp_bad_path, reader.at());
  const std::size_t start = reader.at();
  // RFC 5321 §4.5.3.1: local parts above 64 octets exist, and limits beyond the path's own should not be imposed.
  if (!reader.take_local_part() || !reader.take('@') || !reader.take_domain()) return fail(smtp_bad_path, reader.at());
  Path path{.address = text.substr(start, reader.at() - start), .used = reader.at() + 1};
  // The root's dot, as zone files and some programs write it, is no part of a domain here (RFC 5321 §2.3.5).
  if (path.address.ends_with('.')) path.address.remove_suffix(1);
  if (!reader.take('>') || path.address.size() + 2 > path_size_max) return fail(smtp_bad_path, reader.at());
  if (simd::active().utf8_valid_prefix(bytes_of(path.address)) != path.address.size()) return fail(smtp_bad_path, start);
  return path;
}

struct Parameter {
  std::string_view name;
  std::string_view value;
  bool has_value = false;
};

/// Takes one ` keyword[=value]` from the front (RFC 5321 §4.1.2).
Result<Parameter> take_parameter(std::string_view& text) {
  if (text.front() != ' ') return fail(smtp_bad_parameter);
  text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
  const std::string_view word = text.substr(0, text.find(' '));
  text.remove_prefix(word.size());
  const std::size_t equals = word.find('=');
  Parameter parameter{.name = word.substr(0, equals), .value = {}, .has_value = equals != std::string_view::npos};
  if (parameter.has_value) parameter.value = word.substr(equals + 1);
  const auto in_name = [](char c) { return is_alphanumeric(c) || c == '-'; };
  // RFC 6531 §3.3: and UTF-8.
  const auto in_value = [](char c) { return (c > 0x20 && c != 0x7f && c != '=') || is_above_ascii(c); };
  const bool named = !parameter.name.empty() && parameter.name.front() != '-' && std::ranges::all_of(parameter.name, in_name);
  const bool valued = !parameter.has_value || (!parameter.value.empty() && std::ranges::all_of(parameter.value, in_value));
  if (!named || !valued) return fail(smtp_bad_parameter);
  return parameter;
}

/// Up to 20 digits (RFC 1870 §3, RFC 3030 §2), saturated.
std::optional<std::uint64_t> parse_size(std::string_view digits) {
  if (digits.size() > 20 || !is_digits(digits)) return std::nullopt;
  std::uint64_t size = 0;
  for (const char c : digits) {
    const auto digit = static_cast<std::uint64_t>(c - '0');
    if (size > (UINT64_MAX - digit) / 10) return UINT64_MAX;
    size = size * 10 + digit;
  }
  return size;
}

Result<void> assign(std::string& field, std::optional<std::string> value) {
  if (!value) return fail(smtp_bad_parameter);
  field = std::move(*value);
  return {};
}
Result<void> set_size(MailCommand& mail, const Parameter& parameter) {
  mail.size = parse_size(parameter.value);
  if (!mail.size) return fail(smtp_bad_parameter);
  return {};
}
Result<void> set_body(MailCommand& mail, const Parameter& parameter) {
  // RFC 6152 §2.
  mail.eight_bit = ascii_equal_nocase(parameter.value, "8BITMIME");
  if (!mail.eight_bit && !ascii_equal_nocase(parameter.value, "7BIT")) return fail(smtp_bad_parameter);
  return {};
}
Result<void> set_utf8(MailCommand& mail, const Parameter& parameter) {
  // RFC 6531 §3.4: it has no value.
  if (parameter.has_value) return fail(smtp_bad_parameter);
  mail.utf8 = Utf8::allowed;
  return {};
}
// RFC 3461 §4.
Result<void> set_return(MailCommand& mail, const Parameter& parameter) { return assign(mail.ret, read_return(parameter.value)); }
Result<void> set_envelope_id(MailCommand& mail, const Parameter& parameter) {
  return assign(mail.envelope_id, read_envelope_id(parameter.value));
}
Result<void> set_notify(MailRecipient& recipient, const Parameter& parameter) {
  return assign(recipient.notify, read_notify(parameter.value));
}
Result<void> set_original(MailRecipient& recipient, const Parameter& parameter) {
  return assign(recipient.original, read_original_recipient(parameter.value));
}

template <class Command>
struct ParameterRow {
  std::string_view name;
  Result<void> (*set)(Command&, const Parameter&);
};
constexpr auto mail_parameters = std::to_array<ParameterRow<MailCommand>>(
    {{"SIZE", set_size}, {"BODY", set_body}, {"SMTPUTF8", set_utf8}, {"RET", set_return}, {"ENVID", set_envelope_id}});
constexpr auto rcpt_parameters = std::to_array<ParameterRow<MailRecipient>>({{"NOTIFY", set_notify}, {"ORCPT", set_original}});

/// All parameters behind a path, each once and in any order (RFC 5321 §4.1.1.11).
template <class Command, std::size_t count>
Result<void> read_parameters(std::string_view rest, const std::array<ParameterRow<Command>, count>& rows, Command& command) {
  std::array<bool, count> seen{};
  while (!rest.empty()) {
    PM_TRY(const Parameter parameter, take_parameter(rest));
    const auto row =
        std::ranges::find_if(rows, [&](const ParameterRow<Command>& each) { return ascii_equal_nocase(each.name, parameter.name); });
    if (row == rows.end()) return fail(smtp_unknown_parameter);
    bool& once = seen[static_cast<std::size_t>(row - rows.begin())];
    if (std::exchange(once, true)) return fail(smtp_bad_parameter);
    PM_TRY_VOID(row->set(command, parameter));
  }
  return {};
}

/// `text` without `prefix`, and without blanks that clients put after the colon though RFC 5321 §3.3 forbids them.
std::optional<std::string_view> after_prefix(std::string_view text, std::string_view prefix) {
  if (!ascii_starts_with_nocase(text, prefix)) return std::nullopt;
  text.remove_prefix(prefix.size());
  text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
  return text;
}

enum class Argument : std::uint8_t { none, optional, needed };
struct VerbRow {
  std::string_view name;
  Verb verb;
  Argument argument;
};
constexpr auto verbs = std::to_array<VerbRow>({
    {"EHLO", Verb::ehlo, Argument::needed},
    {"HELO", Verb::helo, Argument::needed},
    {"MAIL", Verb::mail, Argument::needed},
    {"RCPT", Verb::rcpt, Argument::needed},
    {"DATA", Verb::data, Argument::none},
    {"RSET", Verb::rset, Argument::none},
    {"NOOP", Verb::noop, Argument::optional},
    {"QUIT", Verb::quit, Argument::none},
    {"VRFY", Verb::vrfy, Argument::needed},
    {"HELP", Verb::help, Argument::optional},
    {"EXPN", Verb::not_offered, Argument::optional},
    {"STARTTLS", Verb::starttls, Argument::optional},
    {"AUTH", Verb::not_offered, Argument::optional},
    {"ETRN", Verb::not_offered, Argument::optional},
    {"TURN", Verb::not_offered, Argument::optional},
    {"SEND", Verb::not_offered, Argument::optional},
    {"SOML", Verb::not_offered, Argument::optional},
    {"SAML", Verb::not_offered, Argument::optional},
    {"BDAT", Verb::bdat, Argument::optional},
    {"GET", Verb::foreign, Argument::optional},
    {"POST", Verb::foreign, Argument::optional},
    {"PUT", Verb::foreign, Argument::optional},
    {"CONNECT", Verb::foreign, Argument::optional},
});

struct ReplyRow {
  const ErrorInfo* info;
  SmtpReply reply;
};
constexpr auto replies = std::to_array<ReplyRow>({
    {&smtp_bad_line_end, {500, "5.5.2", "a line must end with CRLF"}},
    {&smtp_line_too_long, {500, "5.5.2", "line too long"}},
    {&smtp_bad_byte, {500, "5.5.2", "control byte in command"}},
    {&smtp_unknown_command, {500, "5.5.2", "command not recognised"}},
    {&smtp_bad_argument, {501, "5.5.4", "argument missing or malformed"}},
    {&smtp_bad_path, {553, "5.1.3", "not a mail address"}},
    {&smtp_needs_utf8, {553, "5.6.7", "the address needs SMTPUTF8"}},
    {&smtp_bad_parameter, {501, "5.5.4", "parameter malformed or repeated"}},
    {&smtp_unknown_parameter, {555, "5.5.4", "parameter not offered"}},
    {&smtp_bad_chunk, {501, "5.5.4", "not a chunk's size"}},
    {&smtp_too_large, {552, "5.3.4", "mail too large"}},
});

/// RFC 3463 §2: class.subject.detail at the front of a reply's text.
std::size_t enhanced_size(std::string_view text, int code) {
  if (text.size() < 5 || text[0] != static_cast<char>('0' + code / 100) || text[1] != '.') return 0;
  std::size_t at = 2;
  for (int part = 0; part < 2; ++part) {
    const std::size_t start = at;
    while (at < text.size() && is_digit(text[at]) && at - start < 3) ++at;
    if (at == start) return 0;
    if (part == 0 && (at >= text.size() || text[at++] != '.')) return 0;
  }
  return at == text.size() || text[at] == ' ' ? at : 0;
}

}  // namespace

Parsed<Line> read_line(ByteView bytes, std::size_t from, LineEnd end) {
  const std::size_t most = std::min<std::size_t>(bytes.size(), limits::smtp_line_size_max);
  const auto* const found = from < most ? static_cast<const std::uint8_t*>(std::memchr(bytes.data() + from, '\n', most - from)) : nullptr;
  if (found == nullptr) {
    if (bytes.size() < limits::smtp_line_size_max) return Parsed<Line>::need_more();
    return Parsed<Line>::done({.text = {}, .broken = &smtp_line_too_long, .complete = false}, most);
  }
  const auto size = static_cast<std::size_t>(found - bytes.data());
  // RFC 5321 §2.3.8: a bare LF ends nothing. It is not taken for a command, but what follows it is a new line all the same.
  const bool has_cr = size > 0 && bytes[size - 1] == '\r';
  if (!has_cr && end == LineEnd::crlf) return Parsed<Line>::done({.text = {}, .broken = &smtp_bad_line_end}, size + 1);
  const std::string_view text = text_of(bytes.first(size - (has_cr ? 1 : 0)));
  const auto is_control = [](char c) { return (static_cast<std::uint8_t>(c) < 0x20 && c != '\t') || c == 0x7f; };
  return Parsed<Line>::done({.text = text, .broken = std::ranges::any_of(text, is_control) ? &smtp_bad_byte : nullptr}, size + 1);
}

Result<Command> parse_command(std::string_view line) {
  // RFC 5321 §4.1.1: trailing blanks are tolerated.
  line = line.substr(0, line.find_last_not_of(" \t") + 1);
  const std::size_t space = std::min(line.find(' '), line.size());
  const std::string_view name = line.substr(0, space);
  for (const VerbRow& row : verbs) {
    if (!ascii_equal_nocase(name, row.name)) continue;
    const std::string_view argument = line.substr(std::min(line.find_first_not_of(' ', space), line.size()));
    if (row.argument == Argument::none && !argument.empty()) return fail(smtp_bad_argument, space);
    if (row.argument == Argument::needed && argument.empty()) return fail(smtp_bad_argument, space);
    return Command{.verb = row.verb, .argument = argument};
  }
  return fail(smtp_unknown_command);
}

Result<MailCommand> parse_mail(std::string_view argument) {
  const auto after = after_prefix(argument, "FROM:");
  if (!after) return fail(smtp_bad_argument);
  PM_TRY(const Path path, parse_path(*after, Direction::reverse));
  MailCommand mail{.address = std::string(path.address), .size = {}, .eight_bit = false, .utf8 = Utf8::refused};
  PM_TRY_VOID(read_parameters(after->substr(path.used), mail_parameters, mail));
  if (mail.utf8 == Utf8::refused && !is_ascii(mail.address)) return fail(smtp_needs_utf8);
  return mail;
}

Result<MailRecipient> parse_rcpt(std::string_view argument, Utf8 utf8) {
  const auto after = after_prefix(argument, "TO:");
  if (!after) return fail(smtp_bad_argument);
  PM_TRY(const Path path, parse_path(*after, Direction::forward));
  MailRecipient recipient{.address = std::string(path.address)};
  PM_TRY_VOID(read_parameters(after->substr(path.used), rcpt_parameters, recipient));
  if (utf8 == Utf8::refused && (!is_ascii(path.address) || !is_ascii(recipient.original))) return fail(smtp_needs_utf8);
  return recipient;
}

Result<Chunk> parse_chunk(std::string_view argument) {
  // RFC 3030 §2: digits, and LAST behind one blank.
  const std::size_t space = std::min(argument.find(' '), argument.size());
  const auto size = parse_size(argument.substr(0, space));
  const bool is_last = space < argument.size();
  if (!size || (is_last && !ascii_equal_nocase(argument.substr(space + 1), "LAST"))) return fail(smtp_bad_chunk);
  return Chunk{.size = *size, .is_last = is_last};
}

bool is_greeting_name(std::string_view text) {
  return !text.empty() && text.size() <= domain_size_max && std::ranges::all_of(text, [](char c) { return c > 0x20 && c < 0x7f; });
}

bool is_address(std::string_view address, Utf8 utf8) {
  if (address.empty()) return true;
  const std::string bracketed = "<" + std::string(address) + ">";
  const auto path = parse_path(bracketed, Direction::forward);
  return path && path->used == bracketed.size() && path->address == address && (utf8 == Utf8::allowed || is_ascii(address));
}

//   line_start --.--> dot --CR--> dot_cr --LF--> done
//    |   ^             | other: text              | other: a bare CR
//    |   LF            v
//    +-> text --CR--> cr --LF--> line_start       (a CR or LF that is alone stays text: it starts no line)
struct DataRules {
  using State = DataReader::State;
  enum Class : std::uint8_t { cr, lf, dot, other, class_count };
  enum Keep : std::uint8_t { nothing, byte, cr_and_byte };  // what goes to the mail; a CR waits for its LF

  static constexpr Class class_of(std::uint8_t c) { return c == '\r' ? cr : c == '\n' ? lf : c == '.' ? dot : other; }

  struct Rule {
    State state;
    Class input;
    State next;
    Keep keep;
    bool bare;
  };
  static constexpr auto rules = std::to_array<Rule>({
      {State::line_start, cr, State::cr, nothing, false},
      {State::line_start, lf, State::text, byte, true},
      {State::line_start, dot, State::dot, nothing, false},
      {State::line_start, other, State::text, byte, false},
      {State::text, cr, State::cr, nothing, false},
      {State::text, lf, State::text, byte, true},
      {State::text, dot, State::text, byte, false},
      {State::text, other, State::text, byte, false},
      {State::cr, cr, State::cr, byte, true},
      {State::cr, lf, State::line_start, cr_and_byte, false},
      {State::cr, dot, State::text, cr_and_byte, true},
      {State::cr, other, State::text, cr_and_byte, true},
      {State::dot, cr, State::dot_cr, nothing, false},
      {State::dot, lf, State::text, byte, true},
      {State::dot, dot, State::text, byte, false},
      {State::dot, other, State::text, byte, false},
      {State::dot_cr, cr, State::cr, byte, true},
      {State::dot_cr, lf, State::done, nothing, false},
      {State::dot_cr, dot, State::text, cr_and_byte, true},
      {State::dot_cr, other, State::text, cr_and_byte, true},
  });
  static constexpr auto table = [] {
    std::array<std::array<Rule, class_count>, 5> next{};
    for (const Rule& rule : rules) next[static_cast<std::size_t>(rule.state)][rule.input] = rule;
    return next;
  }();
  static_assert(rules.size() == 5 * class_count, "every state knows every byte");
};

/// Most bytes are lines that end in CRLF and start with no dot: they go in one piece, and the state follows the last of them. Never the
/// last byte, whose neighbour has not come; what the table must see stays. Returns how many bytes were kept.
template <class Keep>
std::size_t DataReader::take_run(ByteView bytes, std::size_t from, const Keep& keep) {
  const DataRules::Class first = DataRules::class_of(bytes[from]);
  const bool starts = (state_ == State::text || state_ == State::line_start) && first == DataRules::other;
  if (!starts) return 0;
  std::size_t end = std::min(simd::active().find_dot_line(bytes, from), bytes.size() - 1);
  // A CR waits for its LF.
  if (end > from && bytes[end - 1] == '\r') --end;
  if (end <= from) return 0;
  keep(bytes.subspan(from, end - from));
  state_ = bytes[end - 1] == '\n' ? State::line_start : State::text;
  return end - from;
}

DataReader::Step DataReader::read(ByteView bytes, Bytes& mail, std::uint64_t room) {
  const auto keep = [&](ByteView kept) {
    size_ += kept.size();
    const std::uint64_t left = mail.size() < room ? room - mail.size() : 0;
    append(mail, kept.first(static_cast<std::size_t>(std::min<std::uint64_t>(left, kept.size()))));
  };
  std::size_t used = 0;
  while (used < bytes.size() && state_ != State::done) {
    used += take_run(bytes, used, keep);
    const std::uint8_t byte = bytes[used++];
    const DataRules::Rule& rule = DataRules::table[static_cast<std::size_t>(state_)][DataRules::class_of(byte)];
    static constexpr std::uint8_t carriage_return = '\r';
    if (rule.keep == DataRules::cr_and_byte) keep({&carriage_return, 1});
    if (rule.keep != DataRules::nothing) keep({&byte, 1});
    bare_ = bare_ || rule.bare;
    state_ = rule.next;
  }
  return {.used = used, .last = state_ == State::done};
}

void LineEndCheck::read(ByteView bytes) {
  for (const std::uint8_t byte : bytes) {
    bare_ = bare_ || (byte == '\n') != after_cr_;
    after_cr_ = byte == '\r';
  }
}

std::optional<Bytes> stuff(ByteView mail) {
  Bytes out;
  std::size_t copied = 0;  // of `mail`, into `out`
  bool changed = false;
  const auto insert = [&](std::size_t at, std::string_view text) {
    append(out, mail.subspan(copied, at - copied));
    append(out, text);
    copied = at;
    changed = true;
  };
  // RFC 5321 §2.3.8: a client must not send CR or LF alone. §4.5.2: a dot that starts a line is doubled.
  if (!mail.empty() && mail.front() == '\n') insert(0, "\r");
  if (!mail.empty() && mail.front() == '.') insert(0, ".");
  for (std::size_t at = 0; (at = simd::active().find_dot_line(mail, at)) != simd::none; ++at) {
    const std::uint8_t next = mail[at + 1];
    if (mail[at] == '\r') insert(at + 1, "\n");
    if (mail[at] != '\r' && next == '\n') insert(at + 1, "\r");
    if (next == '.') insert(at + 1, ".");
  }
  const bool ended = !mail.empty() && mail.back() == '\n';
  if (!ended && !mail.empty()) insert(mail.size(), mail.back() == '\r' ? "\n" : "\r\n");
  if (!changed) return std::nullopt;
  append(out, mail.subspan(copied));
  return out;
}

std::string Reply::text() const {
  std::string all;
  for (const std::string& line : lines) {
    if (!all.empty()) all += ' ';
    all += line;
  }
  return all;
}

Parsed<Reply> parse_reply(ByteView bytes) {
  Reply reply;
  std::size_t at = 0;
  while (true) {
    const auto line = read_line(bytes.subspan(at), 0, LineEnd::any);
    if (line.needs_more()) return Parsed<Reply>::need_more();
    const std::string_view text = line.value().text;
    if (line.value().broken != nullptr) return Parsed<Reply>::bad(*line.value().broken, at);
    // RFC 5321 §4.2: three digits, then blank or hyphen; the code of all lines is the same.
    const bool shaped = text.size() >= 3 && text[0] >= '2' && text[0] <= '5' && is_digit(text[1]) && is_digit(text[2]) &&
                        (text.size() == 3 || text[3] == ' ' || text[3] == '-');
    if (!shaped) return Parsed<Reply>::bad(smtp_bad_reply, at);
    const int code = (text[0] - '0') * 100 + (text[1] - '0') * 10 + (text[2] - '0');
    if (reply.code != 0 && code != reply.code) return Parsed<Reply>::bad(smtp_bad_reply, at);
    reply.code = code;
    at += line.used();
    if (reply.lines.size() == reply_line_count_max || at > reply_size_max) return Parsed<Reply>::bad(smtp_bad_reply, at);
    std::string_view rest = text.substr(std::min<std::size_t>(4, text.size()));
    const std::size_t enhanced = enhanced_size(rest, code);
    reply.enhanced = rest.substr(0, enhanced);
    rest.remove_prefix(std::min(enhanced == 0 ? 0 : enhanced + 1, rest.size()));
    reply.lines.emplace_back(rest);
    if (text.size() == 3 || text[3] == ' ') return Parsed<Reply>::done(std::move(reply), at);
  }
}

SmtpReply reply_of(const Error& error) {
  for (const ReplyRow& row : replies) {
    if (error.is(*row.info)) return row.reply;
  }
  return {.code = 451, .enhanced = "4.3.0", .text = "internal error"};
}

}  // namespace pushmail::smtp
