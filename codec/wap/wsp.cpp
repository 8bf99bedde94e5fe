#include "codec/wap/wsp.h"

#include <algorithm>
#include <array>

#include "codec/wap/errors.h"

namespace pushmail::wap {

namespace {

constexpr std::uint8_t length_quote = 31;
constexpr std::uint8_t text_quote = 0x7F;
constexpr std::uint8_t mib_utf8 = 106;

std::string_view without_quote(std::string_view text) {
  const bool quoted = !text.empty() && (static_cast<std::uint8_t>(text.front()) == text_quote || text.front() == '"');
  return quoted ? text.substr(1) : text;
}

void append_text(Bytes& out, std::string_view text) {
  const std::size_t at = out.size();
  append(out, text);
  // A NUL would end the text before its end.
  if (!text.contains('\0')) return;
  out.erase(std::remove(out.begin() + static_cast<std::ptrdiff_t>(at), out.end(), std::uint8_t{0}), out.end());
}

/// The octets of a uintvar, the last `size` of the array.
struct Uintvar {
  std::array<std::uint8_t, 5> octets{};
  std::size_t size = 0;
  [[nodiscard]] ByteView view() const { return ByteView(octets).last(size); }
};
Uintvar uintvar_of(std::uint32_t value) {
  Uintvar out;
  do {
    const auto more = static_cast<std::uint8_t>(out.size == 0 ? 0x00 : 0x80);
    out.octets[out.octets.size() - ++out.size] = static_cast<std::uint8_t>(more | (value & 0x7F));
    value >>= 7;
  } while (value != 0);
  return out;
}

}  // namespace

std::string_view lower(std::string_view text, Arena& arena) {
  if (std::ranges::none_of(text, [](char c) { return c >= 'A' && c <= 'Z'; })) return text;
  const MutableBytes copy = arena.bytes(text.size());
  std::ranges::transform(text, copy.begin(), [](char c) { return static_cast<std::uint8_t>(ascii_lower(c)); });
  return text_of(copy);
}

Result<std::uint32_t> Reader::uintvar() {
  const std::size_t begin = offset();
  std::uint64_t value = 0;
  for (int i = 0; i < 5; ++i) {
    PM_TRY(const std::uint8_t byte, octet());
    value = value << 7 | (byte & 0x7FU);
    if ((byte & 0x80) == 0) {
      if (value > UINT32_MAX) break;
      return static_cast<std::uint32_t>(value);
    }
  }
  return fail(wsp_bad_uintvar, begin);
}

Result<std::uint32_t> Reader::value_length() {
  const std::size_t begin = offset();
  PM_TRY(const std::uint8_t first, octet());
  if (first < length_quote) return first;
  if (first == length_quote) return uintvar();
  return fail(wsp_bad_length, begin);
}

Result<Reader> Reader::counted() {
  PM_TRY(const std::uint32_t length, value_length());
  const std::size_t begin = offset();
  PM_TRY(const ByteView value, take(length));
  return Reader(value, begin);
}

Result<std::uint64_t> Reader::long_integer() {
  const std::size_t begin = offset();
  PM_TRY(const std::uint8_t size, octet());
  if (size == 0 || size > 30) return fail(wsp_bad_integer, begin);
  PM_TRY(const ByteView digits, take(size));
  std::uint64_t value = 0;
  for (const std::uint8_t digit : digits) {
    if (value >> 56 != 0) return fail(wsp_bad_integer, begin);
    value = value << 8 | digit;
  }
  return value;
}

Result<std::string_view> Reader::text() {
  const std::string_view all = text_of(rest());
  const std::size_t size = all.find('\0');
  if (size == std::string_view::npos) return fail(wsp_bad_text, offset());
  at_ += size + 1;
  return without_quote(all.substr(0, size));
}

Result<EncodedString> Reader::encoded_string() {
  if (peek() > length_quote || at_end()) {
    PM_TRY(const std::string_view plain, text());
    return EncodedString{.charset = 0, .octets = bytes_of(plain)};
  }
  PM_TRY(Reader value, counted());
  if (value.at_end()) return EncodedString{};
  PM_TRY(const std::uint64_t charset, value.integer());
  // UTF-16 holds zero octets, so the text ends where its length says; one NUL, or two in UTF-16, are its end and not its content.
  ByteView octets = value.rest();
  if (!octets.empty() && octets.front() == text_quote) octets = octets.subspan(1);
  const bool wide = charset == 1000 || (charset >= 1013 && charset <= 1015);
  if (wide && octets.size() % 2 == 0 && octets.size() >= 2 && octets.back() == 0 && octets[octets.size() - 2] == 0) {
    octets = octets.first(octets.size() - 2);
  } else if (!octets.empty() && octets.back() == 0 && (!wide || octets.size() % 2 != 0)) {
    octets = octets.first(octets.size() - 1);
  }
  if (!wide) octets = octets.first(static_cast<std::size_t>(std::ranges::find(octets, std::uint8_t{0}) - octets.begin()));
  return EncodedString{.charset = static_cast<std::uint32_t>(std::min<std::uint64_t>(charset, UINT32_MAX)), .octets = octets};
}

Result<void> Reader::skip_value() {
  if (at_end()) return fail(wsp_truncated, offset());
  const std::uint8_t first = peek();
  if (first >= 0x80) {
    ++at_;
    return {};
  }
  if (first <= length_quote) {
    const auto value = counted();
    if (!value) return std::unexpected(value.error());
    return {};
  }
  const auto skipped = text();
  if (!skipped) return std::unexpected(skipped.error());
  return {};
}

void write_uintvar(Bytes& out, std::uint32_t value) {
  const Uintvar octets = uintvar_of(value);
  append(out, octets.view());
}

void insert_uintvar(Bytes& out, std::size_t at, std::uint32_t value) {
  const Uintvar octets = uintvar_of(value);
  out.insert(out.begin() + static_cast<std::ptrdiff_t>(at), octets.view().begin(), octets.view().end());
}

void write_value_length(Bytes& out, std::size_t length) {
  if (length < length_quote) {
    out.push_back(static_cast<std::uint8_t>(length));
    return;
  }
  out.push_back(length_quote);
  write_uintvar(out, static_cast<std::uint32_t>(length));
}

void insert_value_length(Bytes& out, std::size_t begin) {
  const std::size_t length = out.size() - begin;
  const auto at = out.begin() + static_cast<std::ptrdiff_t>(begin);
  if (length < length_quote) {
    out.insert(at, static_cast<std::uint8_t>(length));
    return;
  }
  out.insert(at, length_quote);
  insert_uintvar(out, begin + 1, static_cast<std::uint32_t>(length));
}

void write_short_integer(Bytes& out, std::uint8_t value) { out.push_back(static_cast<std::uint8_t>(0x80 | value)); }

void write_long_integer(Bytes& out, std::uint64_t value) {
  const int size = std::max(1, (64 - std::countl_zero(value) + 7) / 8);
  out.push_back(static_cast<std::uint8_t>(size));
  for (int shift = 8 * (size - 1); shift >= 0; shift -= 8) out.push_back(static_cast<std::uint8_t>(value >> shift));
}

void write_integer(Bytes& out, std::uint64_t value) {
  if (value < 0x80) {
    write_short_integer(out, static_cast<std::uint8_t>(value));
  } else {
    write_long_integer(out, value);
  }
}

void write_text(Bytes& out, std::string_view text) {
  const std::size_t begin = std::min(text.find_first_not_of('\0'), text.size());
  const auto first = begin == text.size() ? std::uint8_t{0} : static_cast<std::uint8_t>(text[begin]);
  // A text that begins with a quotation mark, or with an octet that another type would begin with, needs the quote too.
  if (first >= text_quote || first == '"' || (first > 0 && first < 0x20)) out.push_back(text_quote);
  append_text(out, text);
  out.push_back(0);
}

void write_quoted(Bytes& out, std::initializer_list<std::string_view> pieces) {
  out.push_back('"');
  for (const std::string_view piece : pieces) append_text(out, piece);
  out.push_back(0);
}

void write_encoded_string(Bytes& out, std::string_view utf8) {
  const bool ascii = std::ranges::all_of(utf8, [](char c) { return static_cast<std::uint8_t>(c) < 0x80; });
  if (ascii) {
    write_text(out, utf8);
    return;
  }
  const std::size_t begin = out.size();
  out.push_back(0x80 | mib_utf8);
  append_text(out, utf8);
  out.push_back(0);
  insert_value_length(out, begin);
}

}  // namespace pushmail::wap
