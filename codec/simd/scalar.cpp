// Kernels in plain C++: the oracle that every other instruction set is tested against.
#include <algorithm>
#include <array>
#include <cstring>

#include "codec/simd/kernels.h"
#include "core/ascii.h"
#include "core/base64.h"

namespace pushmail::simd {
namespace {

// 0..63: a digit of base64; else one of these.
constexpr std::uint8_t class_blank = 64;
constexpr std::uint8_t class_padding = 65;
constexpr std::uint8_t class_foreign = 66;

constexpr std::array<std::uint8_t, 256> make_base64_classes() {
  std::array<std::uint8_t, 256> classes{};
  classes.fill(class_foreign);
  for (std::size_t i = 0; i < base64_letters.size(); ++i) {
    classes[static_cast<std::uint8_t>(base64_letters[i])] = static_cast<std::uint8_t>(i);
  }
  for (const char blank : {' ', '\t', '\r', '\n', '\v', '\f'}) classes[static_cast<std::uint8_t>(blank)] = class_blank;
  classes['='] = class_padding;
  return classes;
}
constexpr auto base64_classes = make_base64_classes();

Decoded base64_decode(ByteView in, MutableBytes out) {
  Base64Run run;
  base64_run(run, in, out, none);
  return base64_finish(run, in, out);
}

std::size_t base64_encode(ByteView in, MutableBytes out) {
  constexpr std::size_t bytes_per_line = 57;
  std::uint8_t* to = out.data();
  const auto put = [&to](std::uint32_t value) { *to++ = static_cast<std::uint8_t>(base64_letters[value & 63U]); };
  for (std::size_t line = 0; line < in.size(); line += bytes_per_line) {
    const ByteView bytes = in.subspan(line, std::min(bytes_per_line, in.size() - line));
    std::size_t at = 0;
    for (; bytes.size() - at >= 3; at += 3) {
      const std::uint32_t group =
          static_cast<std::uint32_t>(bytes[at]) << 16U | static_cast<std::uint32_t>(bytes[at + 1]) << 8U | bytes[at + 2];
      put(group >> 18U);
      put(group >> 12U);
      put(group >> 6U);
      put(group);
    }
    if (const std::size_t left = bytes.size() - at; left > 0) {
      const std::uint32_t group =
          static_cast<std::uint32_t>(bytes[at]) << 16U | (left == 2 ? static_cast<std::uint32_t>(bytes[at + 1]) << 8U : 0U);
      put(group >> 18U);
      put(group >> 12U);
      if (left == 2)
        put(group >> 6U);
      else
        *to++ = '=';
      *to++ = '=';
    }
    *to++ = '\r';
    *to++ = '\n';
  }
  return static_cast<std::size_t>(to - out.data());
}

Decoded qp_decode(ByteView in, MutableBytes out) {
  Decoded done{.used = in.size()};
  std::size_t to = 0;
  std::size_t keep = 0;  // out[keep, to) are blanks that go if the line ends now
  for (std::size_t at = 0; at < in.size();) {
    const std::uint8_t c = in[at];
    if (c == '=') {
      if (in.size() - at >= 3 && hex_value(in[at + 1]) >= 0 && hex_value(in[at + 2]) >= 0) {
        out[to++] = static_cast<std::uint8_t>(hex_value(in[at + 1]) * 16 + hex_value(in[at + 2]));
        keep = to;
        at += 3;
        continue;
      }
      // A soft line break, with blanks that some relay added; at the end of the input too.
      std::size_t end = at + 1;
      while (end < in.size() && is_blank(in[end])) ++end;
      if (end < in.size() && in[end] == '\r' && end + 1 < in.size() && in[end + 1] == '\n') ++end;
      if (end == in.size() || in[end] == '\n') {
        keep = to;
        at = std::min(end + 1, in.size());
        continue;
      }
      if (done.faults++ == 0) done.first_fault = at;
      out[to++] = c;
      keep = to;
      ++at;
      continue;
    }
    if (c == '\n' || (c == '\r' && at + 1 < in.size() && in[at + 1] == '\n')) {
      to = keep;
      if (c == '\r') {
        out[to++] = c;
        ++at;
      }
      out[to++] = '\n';
      ++at;
      keep = to;
      continue;
    }
    out[to++] = c;
    ++at;
    if (!is_blank(c)) keep = to;
  }
  done.written = keep;
  return done;
}

std::size_t qp_encode(ByteView in, MutableBytes out, QpMode mode) {
  constexpr std::size_t columns = 76;
  std::uint8_t* to = out.data();
  std::size_t column = 0;
  for (std::size_t at = 0; at < in.size(); ++at) {
    const std::uint8_t c = in[at];
    const bool crlf = c == '\r' && at + 1 < in.size() && in[at + 1] == '\n';
    if (mode == QpMode::text && (c == '\n' || crlf)) {
      *to++ = '\r';
      *to++ = '\n';
      column = 0;
      at += crlf ? 1 : 0;
      continue;
    }
    const bool line_ends = at + 1 == in.size() || (mode == QpMode::text && (in[at + 1] == '\n' || in[at + 1] == '\r'));
    // A blank at the end of a line would be lost on the way (RFC 2045 §6.7 rule 3).
    const bool literal = (c >= 33 && c <= 126 && c != '=') || (is_blank(c) && !line_ends);
    const std::size_t width = literal ? 1 : 3;
    if (column + width > columns - (line_ends ? 0U : 1U)) {
      *to++ = '=';
      *to++ = '\r';
      *to++ = '\n';
      column = 0;
    }
    if (literal) {
      *to++ = c;
    } else {
      *to++ = '=';
      *to++ = static_cast<std::uint8_t>(upper_hex_digits[c >> 4U]);
      *to++ = static_cast<std::uint8_t>(upper_hex_digits[c & 15U]);
    }
    column += width;
  }
  return static_cast<std::size_t>(to - out.data());
}

std::size_t utf8_valid_prefix(ByteView in) {
  std::size_t at = 0;
  const auto tail = [&](std::size_t offset, std::uint8_t low, std::uint8_t high) {
    return at + offset < in.size() && in[at + offset] >= low && in[at + offset] <= high;
  };
  while (at < in.size()) {
    if (in.size() - at >= 8) {
      std::uint64_t eight;
      std::memcpy(&eight, in.data() + at, sizeof eight);
      if ((eight & 0x8080808080808080ULL) == 0) {
        at += 8;
        continue;
      }
    }
    const std::uint8_t lead = in[at];
    // RFC 3629 §4, row by row.
    if (lead < 0x80) {
      at += 1;
    } else if (lead >= 0xC2 && lead <= 0xDF) {
      if (!tail(1, 0x80, 0xBF)) break;
      at += 2;
    } else if (lead >= 0xE0 && lead <= 0xEF) {
      if (!tail(1, lead == 0xE0 ? 0xA0 : 0x80, lead == 0xED ? 0x9F : 0xBF) || !tail(2, 0x80, 0xBF)) break;
      at += 3;
    } else if (lead >= 0xF0 && lead <= 0xF4) {
      if (!tail(1, lead == 0xF0 ? 0x90 : 0x80, lead == 0xF4 ? 0x8F : 0xBF) || !tail(2, 0x80, 0xBF) || !tail(3, 0x80, 0xBF)) break;
      at += 4;
    } else {
      break;
    }
  }
  return at;
}

std::size_t find_byte(ByteView in, std::size_t from, std::uint8_t byte) {
  if (from >= in.size()) return none;
  const void* found = std::memchr(in.data() + from, byte, in.size() - from);
  return found == nullptr ? none : static_cast<std::size_t>(static_cast<const std::uint8_t*>(found) - in.data());
}

std::size_t find_dash_line(ByteView in, std::size_t from) {
  while (from + 2 <= in.size()) {
    if (in[from] == '-' && in[from + 1] == '-') return from;
    const std::size_t end = find_byte(in, from, '\n');
    if (end == none) break;
    from = end + 1;
  }
  return none;
}

std::size_t find_dot_line(ByteView in, std::size_t from) {
  for (; from + 1 < in.size(); ++from) {
    const bool lone = (in[from] == '\r') != (in[from + 1] == '\n');
    if (lone || (in[from] == '\n' && in[from + 1] == '.')) return from;
  }
  return none;
}

std::size_t find_field_end(ByteView in, std::size_t from) {
  while ((from = find_byte(in, from, '\n')) != none) {
    if (from + 1 == in.size() || !is_blank(in[from + 1])) return from;
    ++from;
  }
  return none;
}

}  // namespace

void base64_run(Base64Run& run, ByteView in, MutableBytes out, std::size_t give_back) {
  std::uint8_t* to = out.data() + run.done.written;
  std::size_t at = run.done.used;
  const auto fault = [&](std::size_t where) {
    if (run.done.faults++ == 0) run.done.first_fault = where;
  };
  while (at < in.size() && (run.digits != 0 || at < give_back)) {
    // Four digits in a row are nearly everything that a mail has.
    while (run.digits == 0 && in.size() - at >= 4 && at < give_back) {
      const std::uint32_t a = base64_classes[in[at]];
      const std::uint32_t b = base64_classes[in[at + 1]];
      const std::uint32_t c = base64_classes[in[at + 2]];
      const std::uint32_t d = base64_classes[in[at + 3]];
      if ((a | b | c | d) > 63) break;
      const std::uint32_t group = a << 18U | b << 12U | c << 6U | d;
      *to++ = static_cast<std::uint8_t>(group >> 16U);
      *to++ = static_cast<std::uint8_t>(group >> 8U);
      *to++ = static_cast<std::uint8_t>(group);
      at += 4;
    }
    if (at == in.size() || (run.digits == 0 && at >= give_back)) break;
    const std::uint8_t digit = base64_classes[in[at++]];
    if (digit < 64) {
      run.bits = run.bits << 6U | digit;
      if (++run.digits == 4) {
        *to++ = static_cast<std::uint8_t>(run.bits >> 16U);
        *to++ = static_cast<std::uint8_t>(run.bits >> 8U);
        *to++ = static_cast<std::uint8_t>(run.bits);
        run.digits = 0;
        run.bits = 0;
      }
    } else if (digit == class_foreign) {
      fault(at - 1);
    } else if (digit == class_padding) {
      // Padding ends the data only where it can stand: after two or three digits.
      if (run.digits < 2) {
        fault(at - 1);
        continue;
      }
      if (run.digits == 2 && at < in.size() && in[at] == '=') ++at;
      run.padded = true;
      break;
    }
  }
  run.done.used = at;
  run.done.written = static_cast<std::size_t>(to - out.data());
}

Decoded base64_finish(Base64Run& run, ByteView in, MutableBytes out) {
  Decoded& done = run.done;
  if (run.digits == 1 && done.faults++ == 0) done.first_fault = in.size();
  if (run.digits >= 2) out[done.written++] = static_cast<std::uint8_t>(run.bits >> (run.digits == 2 ? 4U : 10U));
  if (run.digits == 3) out[done.written++] = static_cast<std::uint8_t>(run.bits >> 2U);
  return done;
}

const Kernels scalar_kernels{
    .name = "scalar",
    .base64_decode = base64_decode,
    .base64_encode = base64_encode,
    .qp_decode = qp_decode,
    .qp_encode = qp_encode,
    .utf8_valid_prefix = utf8_valid_prefix,
    .find_byte = find_byte,
    .find_dash_line = find_dash_line,
    .find_dot_line = find_dot_line,
    .find_field_end = find_field_end,
    .single_byte_to_utf8 = scalar_single_byte_to_utf8,
    .shift_jis_to_utf8 = scalar_shift_jis_to_utf8,
    .iso2022jp_to_utf8 = scalar_iso2022jp_to_utf8,
};

}  // namespace pushmail::simd
