#include "dataplane/session/http_grammar.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "dataplane/session/errors.h"

namespace pushmail::http {

namespace {

constexpr std::uint32_t chunk_line_size_max = 256;   // size and extensions; nobody needs extensions
constexpr std::uint32_t chunk_size_digits_max = 16;  // leading zeros included
constexpr int chunk_size_bits_max = 36;              // far above every body limit, far below an overflow
constexpr std::uint64_t trailer_size_max = 8 * limits::KiB;

/// What a byte may be in a head (RFC 9110 §5.6.2, §5.5; RFC 3986 §3.3 for targets).
enum ByteClass : std::uint8_t { in_token = 1, in_value = 2, in_target = 4, is_hex = 8, is_digit = 16 };

constexpr std::array<std::uint8_t, 256> byte_classes = [] {
  std::array<std::uint8_t, 256> table{};
  for (unsigned c = 0; c < 256; ++c) {
    std::uint8_t classes = 0;
    const bool digit = c >= '0' && c <= '9';
    const bool alpha = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    constexpr std::string_view token_marks = "!#$%&'*+-.^_`|~";
    if (digit || alpha || (c < 128 && token_marks.find(static_cast<char>(c)) != std::string_view::npos)) classes |= in_token;
    if (c == '\t' || (c >= 0x20 && c != 0x7f)) classes |= in_value;
    if (c > 0x20 && c < 0x7f) classes |= in_target;
    if (digit || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F')) classes |= is_hex;
    if (digit) classes |= is_digit;
    table[c] = classes;
  }
  return table;
}();

constexpr bool is(std::uint8_t byte, ByteClass wanted) { return (byte_classes[byte] & wanted) != 0; }
bool all_are(std::string_view text, ByteClass wanted) {
  return std::all_of(text.begin(), text.end(), [wanted](char c) { return is(static_cast<std::uint8_t>(c), wanted); });
}

std::string_view trim_blanks(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

/// Whether a comma-separated value names `word` (RFC 9110 §5.6.1).
bool lists(std::string_view value, std::string_view word) {
  while (!value.empty()) {
    const std::size_t comma = value.find(',');
    if (ascii_equal_nocase(trim_blanks(value.substr(0, comma)), word)) return true;
    if (comma == std::string_view::npos) return false;
    value.remove_prefix(comma + 1);
  }
  return false;
}

Result<void> read_fields(std::string_view text, std::size_t at, Head& head) {
  while (!text.empty()) {
    const std::size_t end = text.find("\r\n");
    const std::string_view line = text.substr(0, end);
    if (line.empty()) return {};
    // RFC 9112 §5.2: a server must refuse folded fields outside message/http.
    if (line.front() == ' ' || line.front() == '\t') return fail(http_folded_field, at);
    const std::size_t colon = line.find(':');
    // RFC 9112 §5.1: a blank between name and colon is refused with 400, since readers differ about it.
    if (colon == std::string_view::npos || colon == 0 || !all_are(line.substr(0, colon), in_token)) return fail(http_bad_field, at);
    const std::string_view value = trim_blanks(line.substr(colon + 1));
    if (!all_are(value, in_value)) return fail(http_bad_byte, at + colon);
    if (head.fields.size() == limits::http_header_count_max) return fail(http_head_too_large, at);
    head.fields.push_back({.name = line.substr(0, colon), .value = value});
    at += end + 2;
    text.remove_prefix(end + 2);
  }
  return {};
}

/// RFC 9112 §6.3, in its strict reading: whatever could be read in two ways is refused.
Result<void> read_framing(Head& head, Framing without_any) {
  const Field* length = nullptr;
  const Field* coding = nullptr;
  bool close = false;
  bool keep_alive = false;
  for (const Field& field : head.fields) {
    if (ascii_equal_nocase(field.name, "content-length")) {
      if (length != nullptr) return fail(http_bad_length);
      length = &field;
    } else if (ascii_equal_nocase(field.name, "transfer-encoding")) {
      if (coding != nullptr) return fail(http_bad_coding);
      coding = &field;
    } else if (ascii_equal_nocase(field.name, "connection")) {
      close = close || lists(field.value, "close");
      keep_alive = keep_alive || lists(field.value, "keep-alive");
    }
  }
  head.keep_alive = !close && (head.minor_version >= 1 || keep_alive);
  if (length != nullptr && coding != nullptr) return fail(http_two_framings);
  if (coding != nullptr) {
    // RFC 9112 §6.1: a transfer coding in HTTP/1.0 is faulty framing.
    if (head.minor_version == 0 || !ascii_equal_nocase(coding->value, "chunked")) return fail(http_bad_coding);
    head.framing = Framing::chunked;
    return {};
  }
  head.framing = without_any;
  if (length == nullptr) return {};
  if (length->value.empty() || !all_are(length->value, is_digit)) return fail(http_bad_length);
  const char* const end = length->value.data() + length->value.size();
  if (std::from_chars(length->value.data(), end, head.content_length).ec != std::errc{}) return fail(http_bad_length);
  head.framing = Framing::length;
  return {};
}

/// RFC 9112 §2.3: `HTTP/` and two single digits. Only 1.x has this framing.
Result<int> read_version(std::string_view text) {
  if (text.size() != 8 || text.substr(0, 5) != "HTTP/" || text[6] != '.' || !all_are(text.substr(5, 1), is_digit) ||
      !all_are(text.substr(7, 1), is_digit)) {
    return fail(http_bad_request_line);
  }
  if (text[5] != '1') return fail(http_bad_version);
  return text[7] == '0' ? 0 : 1;
}

Result<void> check_host(const RequestHead& head) {
  const auto is_host = [](const Field& field) { return ascii_equal_nocase(field.name, "host"); };
  const auto count = std::count_if(head.fields.begin(), head.fields.end(), is_host);
  if (count > 1 || (count == 0 && head.minor_version >= 1)) return fail(http_bad_host);
  const std::string_view host = head.field("host");
  // RFC 3986 §3.2.2, by its bytes: a name, an address, a port.
  const auto in_host = [](char c) { return is(static_cast<std::uint8_t>(c), in_token) || c == ':' || c == '[' || c == ']'; };
  if (count == 1 && (host.empty() || !std::all_of(host.begin(), host.end(), in_host))) return fail(http_bad_host);
  return {};
}

// Fields of a request that stand in it once (RFC 9110 §5.3): of two, one reader takes the first and another the last. The same Content-Type
// twice says the same to both; credentials are never repeated by accident.
enum class Repeat : std::uint8_t { refused, same_value };
struct SingleField {
  std::string_view name;
  Repeat repeat;
};
constexpr auto single_fields = std::to_array<SingleField>({
    {"authorization", Repeat::refused},
    {"content-type", Repeat::same_value},
});

Result<void> check_single_fields(const Head& head) {
  for (const SingleField& single : single_fields) {
    const Field* first = nullptr;
    for (const Field& field : head.fields) {
      if (!ascii_equal_nocase(field.name, single.name)) continue;
      if (first != nullptr && (single.repeat == Repeat::refused || field.value != first->value)) return fail(http_repeated_field);
      if (first == nullptr) first = &field;
    }
  }
  return {};
}

std::string_view first_line(std::string_view head) { return head.substr(0, head.find("\r\n")); }

struct StatusRow {
  int status;
  std::string_view reason;
};
constexpr auto statuses = std::to_array<StatusRow>({
    {100, "Continue"},
    {200, "OK"},
    {400, "Bad Request"},
    {401, "Unauthorized"},
    {403, "Forbidden"},
    {405, "Method Not Allowed"},
    {408, "Request Timeout"},
    {413, "Content Too Large"},
    {415, "Unsupported Media Type"},
    {417, "Expectation Failed"},
    {431, "Request Header Fields Too Large"},
    {500, "Internal Server Error"},
    {429, "Too Many Requests"},
    {503, "Service Unavailable"},
    {505, "HTTP Version Not Supported"},
});

struct ErrorRow {
  const ErrorInfo* info;
  int status;
};
constexpr auto error_statuses = std::to_array<ErrorRow>({
    {&http_body_too_large, 413},
    {&http_head_too_large, 431},
    {&http_bad_version, 505},
});

}  // namespace

std::string_view Head::field(std::string_view name) const {
  for (const Field& each : fields) {
    if (ascii_equal_nocase(each.name, name)) return each.value;
  }
  return {};
}

Parsed<std::size_t> find_head_end(ByteView bytes, std::size_t from) {
  // A CR that was the last byte of an earlier look is looked at again with what follows it.
  for (std::size_t i = from; i < bytes.size(); ++i) {
    const std::uint8_t byte = bytes[i];
    if (i >= limits::http_head_size_max) return Parsed<std::size_t>::bad(http_head_too_large, i);
    if (byte == '\n') {
      // RFC 9112 §2.2 lets a recipient take a bare LF; two recipients that differ about it are a smuggler's tool.
      if (i == 0 || bytes[i - 1] != '\r') return Parsed<std::size_t>::bad(http_bad_line_end, i);
      if (i >= 3 && bytes[i - 2] == '\n') return Parsed<std::size_t>::done(i + 1, i + 1);
      if (i == 1) return Parsed<std::size_t>::done(2, 2);
    } else if (i > 0 && bytes[i - 1] == '\r') {
      return Parsed<std::size_t>::bad(http_bad_line_end, i - 1);
    } else if (byte != '\r' && !is(byte, in_value)) {
      return Parsed<std::size_t>::bad(http_bad_byte, i);
    }
  }
  return Parsed<std::size_t>::need_more();
}

Result<RequestHead> parse_request_head(ByteView bytes) {
  const std::string_view text = text_of(bytes);
  const std::string_view line = first_line(text);
  RequestHead head;
  // RFC 9112 §3: exactly one space each; anything lenient here is read differently by somebody else.
  const std::size_t first = line.find(' ');
  const std::size_t second = first == std::string_view::npos ? first : line.find(' ', first + 1);
  if (second == std::string_view::npos) return fail(http_bad_request_line);
  head.method = line.substr(0, first);
  head.target = line.substr(first + 1, second - first - 1);
  if (head.method.empty() || !all_are(head.method, in_token)) return fail(http_bad_request_line);
  if (head.target.empty() || !all_are(head.target, in_target)) return fail(http_bad_request_line, first + 1);
  PM_TRY(head.minor_version, read_version(line.substr(second + 1)));
  // RFC 9112 §3.2: origin-form, absolute-form; the others belong to methods that we do not serve, and say 405.
  const bool known_form =
      head.target.front() == '/' || ascii_starts_with_nocase(head.target, "http://") || head.target == "*" || head.method == "CONNECT";
  if (!known_form) return fail(http_bad_request_line, first + 1);
  if (const auto fields = read_fields(text.substr(line.size() + 2), line.size() + 2, head); !fields) return std::unexpected(fields.error());
  if (const auto host = check_host(head); !host) return std::unexpected(host.error());
  if (const auto single = check_single_fields(head); !single) return std::unexpected(single.error());
  if (const auto framing = read_framing(head, Framing::none); !framing) return std::unexpected(framing.error());
  return head;
}

Result<ResponseHead> parse_response_head(ByteView bytes, Asked asked) {
  const std::string_view text = text_of(bytes);
  const std::string_view line = first_line(text);
  ResponseHead head;
  // RFC 9112 §4: `HTTP/1.1 200 ` with the space, though many leave it out before an empty reason.
  if (line.size() < 12 || line[8] != ' ' || (line.size() > 12 && line[12] != ' ')) return fail(http_bad_status_line);
  const auto version = read_version(line.substr(0, 8));
  if (!version) return fail(http_bad_status_line);
  head.minor_version = *version;
  const std::string_view digits = line.substr(9, 3);
  if (!all_are(digits, is_digit) || digits[0] < '1' || digits[0] > '5') return fail(http_bad_status_line, 9);
  head.status = (digits[0] - '0') * 100 + (digits[1] - '0') * 10 + (digits[2] - '0');
  if (const auto fields = read_fields(text.substr(line.size() + 2), line.size() + 2, head); !fields) return std::unexpected(fields.error());
  if (const auto framing = read_framing(head, Framing::until_close); !framing) return std::unexpected(framing.error());
  // RFC 9112 §6.3 (1): these never have a body, whatever their fields say.
  if (asked == Asked::head_only || head.status < 200 || head.status == 204 || head.status == 304) {
    head.framing = Framing::none;
    head.content_length = 0;
  }
  if (head.framing == Framing::until_close) head.keep_alive = false;
  return head;
}

//   size_first --hex--> size --CR--> size_lf --LF--> data (n bytes) -> data_cr -> data_lf --LF--> size_first
//                  blank |  | ;   ^CR    |0
//              size_blank -;-> extension v
//                                 trailer_start --CR--> last_lf --LF--> done
//                                   |      ^
//                                 trailer -CR-> trailer_lf
struct ChunkRules {
  using State = ChunkReader::State;
  enum Class : std::uint8_t { hex, cr, lf, semicolon, blank, other, class_count };
  static constexpr State bad = State::done;  // no rule leads to done by a byte but last_lf's

  static constexpr Class class_of(std::uint8_t byte) {
    if (is(byte, is_hex)) return hex;
    if (byte == '\r') return cr;
    if (byte == '\n') return lf;
    if (byte == ';') return semicolon;
    if (byte == ' ' || byte == '\t') return blank;
    return other;
  }

  struct Rule {
    State state;
    Class input;
    State next;
  };
  // What is not here is a broken chunk. A blank behind the size is one only where the reader refuses blanks.
  static constexpr auto rules = std::to_array<Rule>({
      {State::size_first, hex, State::size},       {State::size, hex, State::size},
      {State::size, cr, State::size_lf},           {State::size, semicolon, State::extension},
      {State::size, blank, State::size_blank},     {State::size_blank, blank, State::size_blank},
      {State::size_blank, cr, State::size_lf},     {State::size_blank, semicolon, State::extension},
      {State::extension, hex, State::extension},   {State::extension, semicolon, State::extension},
      {State::extension, blank, State::extension}, {State::extension, other, State::extension},
      {State::extension, cr, State::size_lf},      {State::data_cr, cr, State::data_lf},
      {State::data_lf, lf, State::size_first},     {State::trailer_start, cr, State::last_lf},
      {State::trailer_start, hex, State::trailer}, {State::trailer_start, other, State::trailer},
      {State::trailer, hex, State::trailer},       {State::trailer, semicolon, State::trailer},
      {State::trailer, blank, State::trailer},     {State::trailer, other, State::trailer},
      {State::trailer, cr, State::trailer_lf},     {State::trailer_lf, lf, State::trailer_start},
      {State::last_lf, lf, State::done},
  });
  static constexpr auto table = [] {
    std::array<std::array<State, class_count>, 13> next{};
    for (auto& row : next) row.fill(bad);
    for (const Rule& rule : rules) next[static_cast<std::size_t>(rule.state)][rule.input] = rule.next;
    return next;
  }();
};

Result<void> ChunkReader::take(std::uint8_t byte) {
  const ChunkRules::Class input = ChunkRules::class_of(byte);
  if (state_ == State::size_lf) {
    if (input != ChunkRules::lf) return fail(http_bad_chunk);
    state_ = left_ == 0 ? State::trailer_start : State::data;
    line_size_ = 0;
    return {};
  }
  const State next = ChunkRules::table[static_cast<std::size_t>(state_)][input];
  if (next == State::done && state_ != State::last_lf) return fail(http_bad_chunk);
  if (next == State::size) {
    if (state_ == State::size_first) left_ = 0;
    if (++line_size_ > chunk_size_digits_max || left_ >> chunk_size_bits_max != 0) return fail(http_bad_chunk);
    const auto digit = static_cast<std::uint64_t>(byte <= '9' ? byte - '0' : (byte | 0x20) - 'a' + 10);
    left_ = left_ << 4 | digit;
  } else if (next == State::size_blank || next == State::extension) {
    if (next == State::size_blank && blanks_ == ChunkBlanks::refused) return fail(http_bad_chunk);
    if (++line_size_ > chunk_line_size_max || !is(byte, in_value)) return fail(http_bad_chunk);
  } else if (next == State::trailer) {
    if (++trailer_size_ > trailer_size_max || !is(byte, in_value)) return fail(http_bad_chunk);
  }
  state_ = next;
  return {};
}

Result<ChunkReader::Step> ChunkReader::read(ByteView bytes) {
  std::size_t used = 0;
  while (used < bytes.size() && state_ != State::done) {
    if (state_ == State::data) {
      const ByteView data = bytes.subspan(used, static_cast<std::size_t>(std::min<std::uint64_t>(left_, bytes.size() - used)));
      left_ -= data.size();
      if (left_ == 0) state_ = State::data_cr;
      return Step{.used = used + data.size(), .data = data, .last = false};
    }
    if (const auto taken = take(bytes[used]); !taken) return fail(*taken.error().info, used);
    ++used;
  }
  return Step{.used = used, .data = {}, .last = state_ == State::done};
}

int status_of(const Error& error) {
  for (const ErrorRow& row : error_statuses) {
    if (error.is(*row.info)) return row.status;
  }
  return 400;
}

std::string_view reason_of(int status) {
  for (const StatusRow& row : statuses) {
    if (row.status == status) return row.reason;
  }
  return "Unknown";
}

Result<Url> parse_url(std::string_view text) {
  constexpr std::string_view scheme = "http://";
  if (!ascii_starts_with_nocase(text, scheme) || !all_are(text, in_target) || text.find('#') != std::string_view::npos) {
    return fail(http_bad_url);
  }
  const std::size_t slash = std::min(text.find_first_of("/?", scheme.size()), text.size());
  Url url;
  url.authority = text.substr(scheme.size(), slash - scheme.size());
  url.path = text.substr(slash);
  if (url.path.empty() || url.path.front() != '/') url.path.insert(0, 1, '/');
  std::string_view host = url.authority;
  std::string_view port;
  if (host.starts_with('[')) {
    const std::size_t bracket = host.find(']');
    if (bracket == std::string_view::npos) return fail(http_bad_url, scheme.size());
    port = host.substr(bracket + 1);
    host = host.substr(1, bracket - 1);
  } else if (const std::size_t colon = host.find(':'); colon != std::string_view::npos) {
    port = host.substr(colon);
    host = host.substr(0, colon);
  }
  if (host.empty() || host.find('@') != std::string_view::npos) return fail(http_bad_url, scheme.size());
  url.host = host;
  if (port.empty()) return url;
  const char* const end = port.data() + port.size();
  const auto [stop, error] = std::from_chars(port.data() + 1, end, url.port);
  if (port.front() != ':' || port.size() < 2 || error != std::errc{} || stop != end || url.port == 0) return fail(http_bad_url, slash);
  return url;
}

}  // namespace pushmail::http
