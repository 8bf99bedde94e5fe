#include "dataplane/session/http_grammar.h"

#include <algorithm>
#include <array>

#include "core/ascii.h"
#include "dataplane/session/errors.h"

namespace pushmail::http {

namespace {

constexpr std::uint32_t chunk_line_size_max = 256;   // size and extensions; nobody needs extensions
constexpr std::uint32_t chunk_size_digits_max = 16;  // leading zeros included
constexpr int chunk_size_bits_max = 36;              // far above every body limit, far below an overflow
constexpr std::uint64_t trailer_size_max = 8 * limits::KiB;

/// What a byte may be in a head (RFC 9110 §5.6.2, §5.5; RFC 3986 §3.3 for targets).
enum ByteClass : std::uint8_t { in_token = 1, in_value = 2, in_target = 4 };

constexpr std::array<std::uint8_t, 256> byte_classes = [] {
  std::array<std::uint8_t, 256> table{};
  for (unsigned c = 0; c < 256; ++c) {
    std::uint8_t classes = 0;
    constexpr std::string_view token_marks = "!#$%&'*+-.^_`|~";
    if (is_alphanumeric(c) || (c < 128 && token_marks.find(static_cast<char>(c)) != std::string_view::npos)) classes |= in_token;
    if (c == '\t' || (c >= 0x20 && c != 0x7f)) classes |= in_value;
    if (c > 0x20 && c < 0x7f) classes |= in_target;
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

/// Gives the elements of a comma-separated value that are not empty (RFC 9110 §5.6.1.2) to `take`, whose false ends it: then false.
template <class Take>
bool each_element(std::string_view value, const Take& take) {
  while (!value.empty()) {
    const std::size_t comma = value.find(',');
    const std::string_view element = trim_blanks(value.substr(0, comma));
    if (!element.empty() && !take(element)) return false;
    value.remove_prefix(comma == std::string_view::npos ? value.size() : comma + 1);
  }
  return true;
}
bool lists(std::string_view value, std::string_view word) {
  return !each_element(value, [word](std::string_view element) { return !ascii_equal_nocase(element, word); });
}

/// The first line without its end, which `text` loses. Which ends there may be find_head_end has seen to.
std::string_view take_line(std::string_view& text) {
  const std::size_t end = text.find('\n');
  std::string_view line = text.substr(0, end);
  text.remove_prefix(std::min(line.size() + 1, text.size()));
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

// Fields of a request that may be folded (RFC 9112 §5.2 lets a server read a fold as a blank). Toolkits of the time of MM7 fold
// multipart/related, and say the same again for ever when they are refused.
constexpr auto folded_in_requests = std::to_array<std::string_view>({"content-type"});

/// Who knows no folding may take this line for a field of its own: then what it names must not decide about the request.
bool looks_like_field(std::string_view line) {
  const std::size_t colon = line.find(':');
  return colon != std::string_view::npos && all_are(trim_blanks(line.substr(0, colon)), in_token);
}

/// Reads the fields of a head, one after another.
class FieldReader {
 public:
  /// `text` starts `at` bytes behind the head's start.
  FieldReader(std::string_view text, std::size_t at, Dialect dialect) : whole_(text), rest_(text), first_at_(at), dialect_(dialect) {}

  Result<void> read_into(Head& head) {
    // RFC 9112 §2.2: blank-led lines behind the start line belong to nothing; a client may take them away unread.
    while (dialect_ == Dialect::answer && continues()) take_line(rest_);
    while (!rest_.empty()) {
      const std::size_t at = here();
      const std::string_view line = take_line(rest_);
      if (line.empty()) return {};
      if (is_blank(line.front())) return fail(http_folded_field, at);
      const std::size_t colon = line.find(':');
      // What is no field says nothing, in an answer.
      if (colon == std::string_view::npos && dialect_ == Dialect::answer) {
        while (continues()) take_line(rest_);
        continue;
      }
      if (colon == std::string_view::npos) return fail(http_bad_field, at);
      PM_TRY(Field field, read_name(line.substr(0, colon), at));
      field.value = trim_blanks(line.substr(colon + 1));
      if (continues()) {
        PM_TRY(field.value, join(field, head));
      }
      if (!all_are(field.value, in_value)) return fail(http_bad_byte, at + colon);
      if (head.fields.size() == limits::http_header_count_max) return fail(http_head_too_large, at);
      head.fields.push_back(field);
    }
    return {};
  }

 private:
  [[nodiscard]] std::size_t here() const { return first_at_ + whole_.size() - rest_.size(); }
  [[nodiscard]] bool continues() const { return !rest_.empty() && is_blank(rest_.front()); }

  [[nodiscard]] Result<Field> read_name(std::string_view name, std::size_t at) const {
    // RFC 9112 §5.1: a blank between name and colon is refused with 400 in a request, since readers differ about it.
    if (dialect_ == Dialect::answer) name = name.substr(0, name.find_last_not_of(" \t") + 1);
    if (name.empty() || !all_are(name, in_token)) return fail(http_bad_field, at);
    return Field{.name = name, .value = {}};
  }

  /// The field's value with its continuations, each fold one blank (RFC 9112 §5.2).
  [[nodiscard]] Result<std::string_view> join(const Field& field, Head& head) {
    const auto is_it = [&field](std::string_view name) { return ascii_equal_nocase(field.name, name); };
    const bool may_fold = dialect_ == Dialect::answer || std::ranges::any_of(folded_in_requests, is_it);
    if (!may_fold) return fail(http_folded_field, here());
    if (!head.unfolded) {
      head.unfolded = std::make_unique<std::string>();
      // What is joined is shorter than what it is joined from, so nothing that points into it moves.
      head.unfolded->reserve(whole_.size());
    }
    std::string& joined = *head.unfolded;
    const std::size_t begin = joined.size();
    joined += field.value;
    while (continues()) {
      const std::size_t at = here();
      const std::string_view line = take_line(rest_);
      if (dialect_ == Dialect::request && looks_like_field(line)) return fail(http_folded_field, at);
      joined += ' ';
      joined += trim_blanks(line);
    }
    return trim_blanks(std::string_view(joined).substr(begin));
  }

  std::string_view whole_;
  std::string_view rest_;
  std::size_t first_at_;
  Dialect dialect_;
};

/// What the fields say about where the body ends.
struct Framed {
  std::optional<std::uint64_t> length;
  bool chunked = false;
  bool doubtful = false;  // read, but nothing is read behind it
};

std::optional<std::uint64_t> parse_length(std::string_view digits) { return parse_number<std::uint64_t>(digits); }

/// RFC 9112 §6.3, in its strict reading: whatever could be read in two ways is refused.
Result<Framed> read_request_framing(const Head& head) {
  Framed framed;
  bool coded = false;
  for (const Field& field : head.fields) {
    if (ascii_equal_nocase(field.name, "content-length")) {
      if (framed.length) return fail(http_bad_length);
      framed.length = parse_length(field.value);
      if (!framed.length) return fail(http_bad_length);
    } else if (ascii_equal_nocase(field.name, "transfer-encoding")) {
      if (std::exchange(coded, true)) return fail(http_bad_coding);
      framed.chunked = ascii_equal_nocase(field.value, "chunked");
    }
  }
  if (coded && framed.length) return fail(http_two_framings);
  // RFC 9112 §6.1: a transfer coding in HTTP/1.0 is faulty framing.
  if (coded && (!framed.chunked || head.minor_version == 0)) return fail(http_bad_coding);
  return framed;
}

/// RFC 9112 §6.3 for a client: a length said twice is one length (5), chunked overrides a length (3), and a coding in HTTP/1.0 is read
/// (§6.1). What a proxy may have read otherwise ends with its connection.
Result<Framed> read_answer_framing(const Head& head) {
  Framed framed;
  for (const Field& field : head.fields) {
    if (ascii_equal_nocase(field.name, "content-length")) {
      bool any = false;
      const bool same = each_element(field.value, [&](std::string_view element) {
        const auto length = parse_length(element);
        if (!length || (framed.length && *framed.length != *length)) return false;
        framed.length = length;
        any = true;
        return true;
      });
      if (!same || !any) return fail(http_bad_length);
    } else if (ascii_equal_nocase(field.name, "transfer-encoding")) {
      const bool known = each_element(field.value, [&](std::string_view element) {
        // RFC 2616 §3.6 had a name for no coding at all.
        if (ascii_equal_nocase(element, "identity")) return true;
        framed.doubtful = framed.doubtful || framed.chunked;
        framed.chunked = ascii_equal_nocase(element, "chunked");
        return framed.chunked;
      });
      if (!known) return fail(http_bad_coding);
    }
  }
  if (framed.chunked && (framed.length || head.minor_version == 0)) framed.doubtful = true;
  return framed;
}

Result<void> read_framing(Head& head, Dialect dialect) {
  PM_TRY(const Framed framed, dialect == Dialect::request ? read_request_framing(head) : read_answer_framing(head));
  bool close = false;
  bool keep_alive = false;
  for (const Field& field : head.fields) {
    if (!ascii_equal_nocase(field.name, "connection")) continue;
    close = close || lists(field.value, "close");
    keep_alive = keep_alive || lists(field.value, "keep-alive");
  }
  head.keep_alive = !close && !framed.doubtful && (head.minor_version >= 1 || keep_alive);
  head.framing = dialect == Dialect::request ? Framing::none : Framing::until_close;
  if (framed.length) head.framing = Framing::length;
  if (framed.chunked) head.framing = Framing::chunked;
  if (head.framing == Framing::length) head.content_length = *framed.length;
  return {};
}

/// RFC 9112 §2.3: `HTTP/` and two single digits. Only 1.x has this framing.
Result<int> read_version(std::string_view text) {
  if (text.size() != 8 || text.substr(0, 5) != "HTTP/" || text[6] != '.' || !is_digit(text[5]) || !is_digit(text[7])) {
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
    {"content-encoding", Repeat::refused},
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

Parsed<std::size_t> find_head_end(ByteView bytes, std::size_t from, Dialect dialect) {
  // A CR that was the last byte of an earlier look is looked at again with what follows it.
  for (std::size_t i = from; i < bytes.size(); ++i) {
    const std::uint8_t byte = bytes[i];
    if (i >= limits::http_head_size_max) return Parsed<std::size_t>::bad(http_head_too_large, i);
    if (byte == '\n') {
      const std::size_t line_end = i > 0 && bytes[i - 1] == '\r' ? i - 1 : i;
      // RFC 9112 §2.2 lets a recipient take a bare LF; two recipients that differ about it are a smuggler's tool.
      if (line_end == i && dialect == Dialect::request) return Parsed<std::size_t>::bad(http_bad_line_end, i);
      if (line_end == 0 || bytes[line_end - 1] == '\n') return Parsed<std::size_t>::done(i + 1, i + 1);
    } else if (i > 0 && bytes[i - 1] == '\r') {
      return Parsed<std::size_t>::bad(http_bad_line_end, i - 1);
    } else if (byte != '\r' && !is(byte, in_value)) {
      return Parsed<std::size_t>::bad(http_bad_byte, i);
    }
  }
  return Parsed<std::size_t>::need_more();
}

Result<RequestHead> parse_request_head(ByteView bytes) {
  std::string_view text = text_of(bytes);
  const std::string_view line = take_line(text);
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
  FieldReader reader(text, bytes.size() - text.size(), Dialect::request);
  if (const auto fields = reader.read_into(head); !fields) return std::unexpected(fields.error());
  if (const auto host = check_host(head); !host) return std::unexpected(host.error());
  if (const auto single = check_single_fields(head); !single) return std::unexpected(single.error());
  if (const auto framing = read_framing(head, Dialect::request); !framing) return std::unexpected(framing.error());
  return head;
}

Result<ResponseHead> parse_response_head(ByteView bytes, Asked asked) {
  std::string_view text = text_of(bytes);
  const std::string_view line = take_line(text);
  ResponseHead head;
  // RFC 9112 §4: `HTTP/1.1 200 ` with the space, though many leave it out before an empty reason. §3: several blanks may be read as one.
  const auto version = read_version(line.substr(0, 8));
  if (!version || line.size() < 12 || !is_blank(line[8])) return fail(http_bad_status_line);
  head.minor_version = *version;
  const std::size_t status_at = std::min(line.find_first_not_of(" \t", 8), line.size());
  const std::string_view digits = line.substr(status_at, 3), reason = line.substr(status_at + digits.size());
  const bool is_status = digits.size() == 3 && is_digits(digits) && digits[0] >= '1' && digits[0] <= '5';
  if (!is_status || (!reason.empty() && !is_blank(reason.front()))) return fail(http_bad_status_line, status_at);
  head.status = (digits[0] - '0') * 100 + (digits[1] - '0') * 10 + (digits[2] - '0');
  FieldReader reader(text, bytes.size() - text.size(), Dialect::answer);
  if (const auto fields = reader.read_into(head); !fields) return std::unexpected(fields.error());
  if (const auto framing = read_framing(head, Dialect::answer); !framing) return std::unexpected(framing.error());
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
    if (is_hex_digit(byte)) return hex;
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
  // What is not here is a broken chunk. A blank behind the size (BWS, RFC 9112 §7.1.1) is one in a request.
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
  // In an answer LF alone ends a line as if its CR stood before it.
  const State behind_cr = ChunkRules::table[static_cast<std::size_t>(state_)][ChunkRules::cr];
  if (dialect_ == Dialect::answer && input == ChunkRules::lf && behind_cr != ChunkRules::bad) state_ = behind_cr;
  if (state_ == State::size_lf) {
    if (input != ChunkRules::lf) return fail(http_bad_chunk);
    state_ = left_ == 0 ? State::trailer_start : State::data;
    line_size_ = 0;
    return {};
  }
  State next = ChunkRules::table[static_cast<std::size_t>(state_)][input];
  // A folded trailer.
  if (dialect_ == Dialect::answer && state_ == State::trailer_start && input == ChunkRules::blank) next = State::trailer;
  if (next == State::done && state_ != State::last_lf) return fail(http_bad_chunk);
  if (next == State::size) {
    if (state_ == State::size_first) left_ = 0;
    if (++line_size_ > chunk_size_digits_max || left_ >> chunk_size_bits_max != 0) return fail(http_bad_chunk);
    const auto digit = static_cast<std::uint64_t>(byte <= '9' ? byte - '0' : (byte | 0x20) - 'a' + 10);
    left_ = left_ << 4 | digit;
  } else if (next == State::size_blank || next == State::extension) {
    if (next == State::size_blank && dialect_ == Dialect::request) return fail(http_bad_chunk);
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
  const std::string_view scheme = ascii_starts_with_nocase(text, "https://") ? "https://" : "http://";
  if (!ascii_starts_with_nocase(text, scheme) || !all_are(text, in_target) || text.find('#') != std::string_view::npos) {
    return fail(http_bad_url);
  }
  const std::size_t slash = std::min(text.find_first_of("/?", scheme.size()), text.size());
  Url url;
  url.is_https = scheme.size() > std::string_view("http://").size();
  if (url.is_https) url.port = 443;
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
  const auto number = port.front() == ':' ? parse_number<std::uint16_t>(port.substr(1)) : std::nullopt;
  if (!number || *number == 0) return fail(http_bad_url, slash);
  url.port = *number;
  return url;
}

}  // namespace pushmail::http
