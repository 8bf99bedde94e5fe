// Phone numbers as people, phones and peers write them, read by the rules of one network ([numbering]). The one reader of every protocol
// and of the command line; the one form behind it is Msisdn.
//
//   written                               | read as
//   +49 30 1234, +49 (0)30 1234, tel:+49… | as it stands
//   0049301234                            | behind an international prefix
//   0301234                               | behind the trunk prefix: country code and the rest
//   301234, and its writer says national  | country code and all of it
//   49301234                              | bare: see Bare
//
// Never a guess: what can be read as two numbers, or would need a country code that is not configured, is an error that says so, and never
// some number. /TYPE=PLMN in any case, blanks, brackets, dots and hyphens are passed over. Specs: ITU-T E.164 §6, E.123 §2, RFC 3966 §3.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/msisdn.h"
#include "core/result.h"

namespace pushmail::wap {

/// What the writer of a number says of it beside its digits (SMPP 3.4 §5.2.5, §5.2.6): its type, or that it is no telephone number at all.
enum class NumberType : std::uint8_t { unknown, international, national, short_code, other };

/// What digits without + and without a prefix are.
enum class Bare : std::uint8_t {
  checked,        // an international number, unless the home network has one of these digits too
  international,  // an international number
  national,       // a national number, or the country code and one
};

struct Numbering {
  std::string country_code{};     // digits; empty: national numbers cannot be read
  std::string trunk_prefix{"0"};  // empty: national numbers have none
  std::vector<std::string> international_prefixes{"00"};
  std::size_t national_length_min = 0;  // digits of a national number without its prefix; 0: not known
  std::size_t national_length_max = 0;
  Bare bare = Bare::checked;
  std::vector<std::string> short_codes{};  // digits that are no phone's number, whoever writes + in front

  /// What has at most this many digits and no + is a short code.
  static constexpr std::size_t short_code_size_max = 6;

  /// The one number that was meant. Errors: errors.h, number.*.
  [[nodiscard]] Result<Msisdn> read(std::string_view text, NumberType said = NumberType::unknown) const;

 private:
  [[nodiscard]] bool has_national_length(std::size_t digits) const;
  [[nodiscard]] bool is_length_known() const { return national_length_max != 0; }
  [[nodiscard]] Result<Msisdn> whole(std::string_view digits) const;
  [[nodiscard]] std::vector<std::string> readings(std::string_view digits, NumberType said) const;
};

/// The digits of a number or short code, without +, separators, tel: and /TYPE; empty when other characters stand among them.
[[nodiscard]] std::string digits_of(std::string_view text);

}  // namespace pushmail::wap
