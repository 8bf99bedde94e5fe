// Notices in WBXML 1.2 (WAP-192). A document is an element with attributes, and for an indication one more inside it; the reader walks tags
// and their ends with a counter, and takes the attributes that are in the table.
#include <algorithm>
#include <array>

#include "codec/wap/errors.h"
#include "codec/wap/push.h"
#include "core/ascii.h"
#include "core/limits.h"
#include "core/utf8.h"

namespace pushmail::wap {

namespace {

using Kind = Notice::Kind;
using Action = Notice::Action;

// Global tokens (WAP-192 §5.8.1).
constexpr std::uint8_t switch_page = 0x00, end = 0x01, entity = 0x02, inline_string = 0x03, table_string = 0x83, opaque = 0xC3;
constexpr std::uint8_t has_attributes = 0x80, has_content = 0x40, tag_mask = 0x3F;
constexpr std::uint8_t version_1_2 = 0x02;
constexpr std::uint32_t charset_utf8 = 106;

struct Document {
  Kind kind;
  std::uint8_t public_id;
};
constexpr auto documents = std::to_array<Document>({{Kind::indication, 0x05}, {Kind::loading, 0x06}, {Kind::mail, 0x0D}});

// All three have their root at 05; an indication keeps what it says in an element of its own.
constexpr std::uint8_t root_tag = 0x05, indication_tag = 0x06;

enum class Attribute : std::uint8_t { address, id, created, expires, action, other };
struct AttributeRow {
  Kind kind;
  std::uint8_t token;
  Attribute attribute;
  std::string_view prefix;  // that the token stands for
  Action action = Action::usual;
};
// WAP-167 §8.3, WAP-168 §8.3, OMA-EMN 1.0 §6.
constexpr auto attribute_rows = std::to_array<AttributeRow>({
    {Kind::indication, 0x05, Attribute::action, {}, Action::signal_none},
    {Kind::indication, 0x06, Attribute::action, {}, Action::signal_low},
    {Kind::indication, 0x07, Attribute::action, {}, Action::signal_medium},
    {Kind::indication, 0x08, Attribute::action, {}, Action::signal_high},
    {Kind::indication, 0x09, Attribute::action, {}, Action::remove},
    {Kind::indication, 0x0A, Attribute::created, {}},
    {Kind::indication, 0x0B, Attribute::address, {}},
    {Kind::indication, 0x0C, Attribute::address, "http://"},
    {Kind::indication, 0x0D, Attribute::address, "http://www."},
    {Kind::indication, 0x0E, Attribute::address, "https://"},
    {Kind::indication, 0x0F, Attribute::address, "https://www."},
    {Kind::indication, 0x10, Attribute::expires, {}},
    {Kind::indication, 0x11, Attribute::id, {}},
    {Kind::indication, 0x12, Attribute::other, {}},
    {Kind::loading, 0x05, Attribute::action, {}, Action::execute_low},
    {Kind::loading, 0x06, Attribute::action, {}, Action::execute_high},
    {Kind::loading, 0x07, Attribute::action, {}, Action::cache},
    {Kind::loading, 0x08, Attribute::address, {}},
    {Kind::loading, 0x09, Attribute::address, "http://"},
    {Kind::loading, 0x0A, Attribute::address, "http://www."},
    {Kind::loading, 0x0B, Attribute::address, "https://"},
    {Kind::loading, 0x0C, Attribute::address, "https://www."},
    {Kind::mail, 0x05, Attribute::created, {}},
    {Kind::mail, 0x06, Attribute::address, {}},
    {Kind::mail, 0x07, Attribute::address, "mailat:"},
    {Kind::mail, 0x08, Attribute::address, "pop://"},
    {Kind::mail, 0x09, Attribute::address, "imap://"},
    {Kind::mail, 0x0A, Attribute::address, "http://"},
    {Kind::mail, 0x0B, Attribute::address, "http://www."},
    {Kind::mail, 0x0C, Attribute::address, "https://"},
    {Kind::mail, 0x0D, Attribute::address, "https://www."},
});

constexpr std::uint8_t first_value_token = 0x85;
constexpr std::array<std::string_view, 4> value_tokens{".com/", ".edu/", ".net/", ".org/"};

/// A date is octets of two decimal digits, from the year on, in UTC; zero octets at its end are left out (WAP-167 §8.2.2).
Result<Timestamp> read_date(ByteView octets, std::size_t at) {
  constexpr std::size_t octets_min = 4, octets_max = 7;
  if (octets.size() < octets_min || octets.size() > octets_max) return fail(wbxml_bad_date, at);
  std::array<char, 2 * octets_max> digits;
  digits.fill('0');
  for (std::size_t i = 0; i < octets.size(); ++i) {
    const int high = octets[i] >> 4;
    const int low = octets[i] & 0x0F;
    if (high > 9 || low > 9) return fail(wbxml_bad_date, at);
    digits[2 * i] = static_cast<char>('0' + high);
    digits[2 * i + 1] = static_cast<char>('0' + low);
  }
  // 20240630123000 as 2024-06-30T12:30:00Z
  std::string text = "YYYY-MM-DDThh:mm:ssZ";
  std::size_t from = 0;
  for (char& c : text) {
    if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Y' && c != 'T')) c = digits[from++];
  }
  const auto date = parse_rfc3339(text);
  if (!date) return fail(wbxml_bad_date, at);
  return *date;
}

void write_date(Bytes& out, Timestamp date) {
  std::string digits;
  for (const char c : format_rfc3339(date).substr(0, std::string_view("YYYY-MM-DDThh:mm:ss").size())) {
    if (is_digit(c)) digits += c;
  }
  Bytes octets = from_hex(digits);
  while (octets.size() > 4 && octets.back() == 0) octets.pop_back();
  out.push_back(opaque);
  write_uintvar(out, static_cast<std::uint32_t>(octets.size()));
  append(out, ByteView(octets));
}

/// As UTF-8; nothing for a number that is no character of a text.
void append_character(ArenaText& out, std::uint32_t code) {
  if (code != 0 && code <= 0x10FFFF) out += utf8_of(code).view();
}

class NoticeReader {
 public:
  NoticeReader(ByteView bytes, Arena& arena) : reader_(bytes), arena_(arena), text_(arena) {}

  Result<Notice> read() {
    if (const auto done = read_head(); !done) return std::unexpected(done.error());
    std::uint32_t depth = 0;
    ArenaText elsewhere(arena_);  // text that does not belong to the notice
    do {
      const std::size_t at = reader_.offset();
      PM_TRY(const std::uint8_t token, reader_.octet());
      if (token == end) {
        // An end that closes nothing ends the reading.
        if (depth == 0) return fail(wbxml_bad_token, at);
        --depth;
      } else if (const auto taken = take_content(token, is_notice_ && notice_.kind == Kind::indication ? text_ : elsewhere); !taken) {
        return std::unexpected(taken.error());
      } else if (!*taken) {
        if (depth == limits::xml_depth_max) return fail(wbxml_too_deep, at);
        const std::uint8_t tag = token & tag_mask;
        is_notice_ = notice_.kind == Kind::indication ? tag == indication_tag : tag == root_tag;
        if ((token & has_attributes) != 0) {
          if (const auto done = read_attributes(); !done) return std::unexpected(done.error());
        }
        if ((token & has_content) != 0) ++depth;
      }
    } while (depth > 0);
    notice_.text = text_.take_view();
    return notice_;
  }

 private:
  Result<void> read_head() {
    const auto version = reader_.octet();
    const auto public_id = reader_.uintvar();
    const auto charset = reader_.uintvar();
    const auto table_size = reader_.uintvar();
    const auto table = table_size ? reader_.take(*table_size) : Result<ByteView>(std::unexpected(table_size.error()));
    for (const auto* error : {version ? nullptr : &version.error(), public_id ? nullptr : &public_id.error(),
                              charset ? nullptr : &charset.error(), table ? nullptr : &table.error()}) {
      if (error != nullptr) return std::unexpected(*error);
    }
    const auto document = std::ranges::find(documents, *public_id, [](const Document& row) { return std::uint32_t{row.public_id}; });
    if (document == documents.end()) return fail(wbxml_unknown_document, 1);
    notice_.kind = document->kind;
    strings_ = *table;
    return {};
  }

  /// Takes a piece of text, and tells whether the token was one. What is opaque here is no text.
  Result<bool> take_content(std::uint8_t token, ArenaText& to) {
    const std::size_t at = reader_.offset();
    switch (token) {
      case inline_string: {
        PM_TRY(const ByteView text, terminated(reader_.rest(), at));
        [[maybe_unused]] const auto taken = reader_.take(text.size() + 1);
        to += text_of(text);
        return true;
      }
      case table_string: {
        PM_TRY(const std::uint32_t place, reader_.uintvar());
        if (place > strings_.size()) return fail(wbxml_bad_token, at);
        PM_TRY(const ByteView text, terminated(strings_.subspan(place), at));
        // A table may be named again and again: what it gives is bounded all the same.
        if (to.size() + text.size() > limits::xml_size_max) return fail(wbxml_too_long, at);
        to += text_of(text);
        return true;
      }
      case entity: {
        PM_TRY(const std::uint32_t code, reader_.uintvar());
        append_character(to, code);
        return true;
      }
      case opaque: {
        PM_TRY(const std::uint32_t size, reader_.uintvar());
        PM_TRY(opaque_, reader_.take(size));
        return true;
      }
      case switch_page: {
        if (const auto page = reader_.octet(); !page) return std::unexpected(page.error());
        return true;
      }
      default:
        return false;
    }
  }
  static Result<ByteView> terminated(ByteView bytes, std::size_t at) {
    const auto nul = std::ranges::find(bytes, std::uint8_t{0});
    if (nul == bytes.end()) return fail(wsp_bad_text, at);
    return bytes.first(static_cast<std::size_t>(nul - bytes.begin()));
  }

  Result<void> read_attributes() {
    const AttributeRow* row = nullptr;
    ArenaText value(arena_);
    opaque_ = {};
    while (true) {
      const std::size_t at = reader_.offset();
      const auto token = reader_.octet();
      if (!token) return std::unexpected(token.error());
      const auto taken = *token == end ? Result<bool>(false) : take_content(*token, value);
      if (!taken) return std::unexpected(taken.error());
      if (*taken) continue;
      if (const std::size_t known = static_cast<std::size_t>(*token) - first_value_token; known < value_tokens.size()) {
        value += value_tokens[known];
        continue;
      }
      if (row != nullptr) {
        if (const auto done = set(*row, value, at); !done) return done;
      }
      if (*token == end) return {};
      const auto found =
          std::ranges::find_if(attribute_rows, [&](const AttributeRow& r) { return r.kind == notice_.kind && r.token == *token; });
      row = found == attribute_rows.end() ? nullptr : &*found;
      value = ArenaText(arena_);
      opaque_ = {};
      if (row != nullptr) value += row->prefix;
    }
  }

  Result<void> set(const AttributeRow& row, ArenaText& value, std::size_t at) {
    if (!is_notice_) return {};
    switch (row.attribute) {
      case Attribute::address:
        notice_.address = value.take_view();
        return {};
      case Attribute::id:
        notice_.id = value.take_view();
        return {};
      case Attribute::action:
        notice_.action = row.action;
        return {};
      case Attribute::created:
      case Attribute::expires: {
        const auto date = read_date(opaque_, at);
        if (!date) return std::unexpected(date.error());
        (row.attribute == Attribute::created ? notice_.created : notice_.expires) = *date;
        return {};
      }
      case Attribute::other:
        return {};
    }
    return {};
  }

  Reader reader_;
  Arena& arena_;
  ArenaText text_;
  ByteView strings_;
  ByteView opaque_;         // of the attribute that is being read
  bool is_notice_ = false;  // the element that the attributes belong to is the one the notice is read from
  Notice notice_;
};

void write_inline(Bytes& out, std::string_view text) {
  if (text.empty()) return;
  out.push_back(inline_string);
  for (const char c : text) {
    if (c != '\0') out.push_back(static_cast<std::uint8_t>(c));
  }
  out.push_back(0);
}

/// The row whose prefix covers most of the address, then the rest with tokens for the endings of hosts.
void write_address(Bytes& out, Kind kind, std::string_view address) {
  const AttributeRow* best = nullptr;
  for (const AttributeRow& row : attribute_rows) {
    const bool fits = row.kind == kind && row.attribute == Attribute::address && address.starts_with(row.prefix);
    if (fits && (best == nullptr || row.prefix.size() > best->prefix.size())) best = &row;
  }
  if (best == nullptr) return;
  out.push_back(best->token);
  address.remove_prefix(best->prefix.size());
  // Readers do not agree on these tokens in a mail notification.
  std::size_t from = 0;
  for (std::size_t at = 0; kind != Kind::mail && at < address.size();) {
    const auto token = std::ranges::find_if(value_tokens, [&](std::string_view text) { return address.substr(at).starts_with(text); });
    if (token == value_tokens.end()) {
      ++at;
      continue;
    }
    write_inline(out, address.substr(from, at - from));
    out.push_back(static_cast<std::uint8_t>(first_value_token + (token - value_tokens.begin())));
    at += token->size();
    from = at;
  }
  write_inline(out, address.substr(from));
}

void write_attribute(Bytes& out, Kind kind, Attribute attribute, Action action = Action::usual) {
  const auto row = std::ranges::find_if(
      attribute_rows, [&](const AttributeRow& r) { return r.kind == kind && r.attribute == attribute && r.action == action; });
  if (row != attribute_rows.end()) out.push_back(row->token);
}

}  // namespace

Result<Notice> read_notice(ByteView bytes, Arena& arena) { return NoticeReader(bytes, arena).read(); }

Bytes write_notice(const Notice& notice) {
  const Kind kind = notice.kind;
  const auto document = std::ranges::find(documents, kind, &Document::kind);
  Bytes out{version_1_2, document->public_id};
  write_uintvar(out, charset_utf8);
  write_uintvar(out, 0);
  if (kind == Kind::indication) {
    out.push_back(root_tag | has_content);
    out.push_back(indication_tag | has_content | has_attributes);
  } else {
    out.push_back(root_tag | has_attributes);
  }
  if (!notice.address.empty()) write_address(out, kind, notice.address);
  if (!notice.id.empty() && kind == Kind::indication) {
    write_attribute(out, kind, Attribute::id);
    write_inline(out, notice.id);
  }
  if (notice.created && kind != Kind::loading) {
    write_attribute(out, kind, Attribute::created);
    write_date(out, *notice.created);
  }
  if (notice.expires && kind == Kind::indication) {
    write_attribute(out, kind, Attribute::expires);
    write_date(out, *notice.expires);
  }
  if (notice.action != Action::usual) write_attribute(out, kind, Attribute::action, notice.action);
  out.push_back(end);
  if (kind != Kind::indication) return out;
  write_inline(out, notice.text);
  out.push_back(end);
  out.push_back(end);
  return out;
}

}  // namespace pushmail::wap
