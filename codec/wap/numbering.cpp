#include "codec/wap/numbering.h"

#include <algorithm>
#include <optional>

#include "codec/wap/address.h"
#include "codec/wap/errors.h"
#include "core/ascii.h"
#include "core/bytes.h"
#include "core/typed_text.h"
#include "core/utf8.h"

namespace pushmail::wap {

namespace {

constexpr std::size_t text_size_max = 64;

bool stands_between_digits(char c) { return c == '-' || c == '.' || is_blank(c) || c == '(' || c == ')'; }

// Bytes of what nobody sees at the front, as copied from somewhere.
std::size_t unseen_size(std::string_view text) {
  std::size_t size = 0;
  for (;;) {
    const CodePoint found = code_point_at(text, size);
    const char32_t c = found ? found.value : 0;
    if (c < 0x80 || (!is_typed_unseen(c) && !is_typed_blank(c))) return size;
    size += found.size;
  }
}

struct Written {
  bool has_plus = false;
  std::string digits;
};

std::optional<Written> take_apart(std::string_view text) {
  constexpr std::string_view scheme = "tel:", trunk_in_brackets = "(0)";
  text = strip_type(text);
  if (text.size() > text_size_max) return std::nullopt;
  if (ascii_starts_with_nocase(text, scheme)) text = ascii_trim(text.substr(scheme.size()));
  Written written;
  text.remove_prefix(unseen_size(text));
  while (!text.empty() && (text.front() == '+' || stands_between_digits(text.front())) && !written.has_plus) {
    written.has_plus = text.front() == '+';
    text.remove_prefix(1);
  }
  for (; !text.empty(); text.remove_prefix(1)) {
    text.remove_prefix(unseen_size(text));
    if (text.empty()) break;
    // E.123 §2: the prefix of calls within the country, which is not dialled behind its country code.
    if (written.has_plus && text.starts_with(trunk_in_brackets)) text.remove_prefix(trunk_in_brackets.size() - 1);
    if (is_digit(text.front())) {
      written.digits += text.front();
    } else if (!stands_between_digits(text.front())) {
      return std::nullopt;
    }
  }
  return written;
}

}  // namespace

bool Numbering::has_national_length(std::size_t digits) const {
  return digits > 0 && (!is_length_known() || (digits >= national_length_min && digits <= national_length_max));
}

// Every number of the home network or the world that these digits, which have neither + nor an international prefix, may be.
std::vector<std::string> Numbering::readings(std::string_view digits, NumberType said) const {
  std::vector<std::string> found;
  const auto add = [&](std::string number) {
    if (Msisdn::from_digits(number) && std::ranges::find(found, number) == found.end()) found.push_back(std::move(number));
  };
  const bool has_country = !country_code.empty();
  const bool has_trunk = has_country && !trunk_prefix.empty() && digits.starts_with(trunk_prefix);
  if (has_trunk) {
    const std::string_view rest = digits.substr(trunk_prefix.size());
    const bool twice = digits.starts_with('0') && rest.starts_with('0');  // no number of a network whose prefix is 0 begins with it
    if (has_national_length(rest.size()) && !twice) add(country_code + std::string(rest));
  }
  // What begins with a trunk prefix 0 is nothing else: no country code and no such network's number does.
  if (digits.starts_with('0') && (has_trunk || !has_country || !trunk_prefix.empty())) return found;

  const bool behind_country = has_country && digits.starts_with(country_code) && has_national_length(digits.size() - country_code.size());
  const bool may_be_national = has_country && has_national_length(digits.size());
  if (said == NumberType::national) {
    if (may_be_national) add(country_code + std::string(digits));
    if (behind_country && is_length_known()) add(std::string(digits));
    return found;
  }
  // Shorter than every number here: as people dial within their area, which nobody elsewhere can tell from a country code.
  if (bare == Bare::checked && has_country && digits.size() < national_length_min) return found;
  if (bare != Bare::national || behind_country) add(std::string(digits));
  // Without a known length what begins with the country code is taken for whole: subscribers' numbers come so from most peers.
  const bool counts_as_national = bare == Bare::national || (bare == Bare::checked && (is_length_known() || !behind_country));
  if (may_be_national && counts_as_national) add(country_code + std::string(digits));
  return found;
}

// A number with its country code. Behind ours nothing stands that no number here can be: `+49 (0)170` is often written without brackets,
// and nobody has such a number.
Result<Msisdn> Numbering::whole(std::string_view digits) const {
  const bool is_ours = !country_code.empty() && digits.starts_with(country_code);
  const std::string_view rest = is_ours ? digits.substr(country_code.size()) : std::string_view();
  const bool has_trunk = is_ours && !trunk_prefix.empty() && rest.starts_with(trunk_prefix);
  if (has_trunk && !has_national_length(rest.size()) && has_national_length(rest.size() - trunk_prefix.size()))
    return Msisdn::from_digits(country_code + std::string(rest.substr(trunk_prefix.size())));
  if (has_trunk && !has_national_length(rest.size())) return fail(number_no_reading);
  return Msisdn::from_digits(digits);
}

Result<Msisdn> Numbering::read(std::string_view text, NumberType said) const {
  const auto written = take_apart(text);
  if (!written || written->digits.empty() || said == NumberType::other) return fail(number_bad_text);
  const std::string& digits = written->digits;
  const bool is_listed = std::ranges::find(short_codes, digits) != short_codes.end();
  const bool is_short = !written->has_plus && said != NumberType::national && digits.size() <= short_code_size_max;
  if (is_listed || is_short || said == NumberType::short_code) return fail(number_short_code);

  if (written->has_plus) return whole(digits);
  // SMSCs say international of everything; no such number begins with 0, so one that does has a prefix.
  if (said == NumberType::international && !digits.starts_with('0')) return whole(digits);
  if (said != NumberType::national) {
    // The longest one that fits: 00 and 0011 may both be configured.
    std::string_view prefix;
    for (const std::string& one : international_prefixes) {
      if (digits.starts_with(one) && one.size() > prefix.size()) prefix = one;
    }
    if (!prefix.empty()) return whole(std::string_view(digits).substr(prefix.size()));
  }
  if (country_code.empty() && (said == NumberType::national || digits.starts_with('0'))) return fail(number_national);
  const auto found = readings(digits, said);
  if (found.empty()) return fail(number_no_reading);
  if (found.size() > 1) return fail(number_ambiguous);
  return Msisdn::from_digits(found.front());
}

std::string digits_of(std::string_view text) {
  auto written = take_apart(text);
  return written ? std::move(written->digits) : std::string();
}

}  // namespace pushmail::wap
