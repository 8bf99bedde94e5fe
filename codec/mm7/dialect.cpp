#include "codec/mm7/dialect.h"

#include <algorithm>
#include <array>

#include "codec/mm7/errors.h"
#include "core/ascii.h"
#include "core/bytes.h"

namespace pushmail::mm7 {

namespace {

/// The position of `value` among words divided by `|`; `count` when it is none of them.
constexpr std::size_t position_of(std::string_view words, std::string_view value) {
  std::size_t position = 0;
  for (;;) {
    const std::size_t end = std::min(words.find('|'), words.size());
    if (words.substr(0, end) == value) return position;
    ++position;
    if (end == words.size()) return static_cast<std::size_t>(-1);
    words.remove_prefix(end + 1);
  }
}

constexpr std::string_view boolean_words = "false|true";
constexpr std::string_view number_words = "plus|digits|plus_plmn";
constexpr std::string_view parts_words = "base64|binary|8bit";
constexpr std::string_view sender_words = "wrapped|bare|none";
constexpr std::string_view short_code_words = "short_code|number";
constexpr std::string_view content_words = "related|mixed|single";

template <auto Member>
bool set_text(Mm7Dialect& dialect, std::string_view value) {
  dialect.*Member = value;
  return true;
}
/// It becomes a header field (SOAP 1.1 §6.1.1: a URI in quotes): nothing that could end the quotes or the line.
bool set_soap_action(Mm7Dialect& dialect, std::string_view value) {
  if (!std::ranges::all_of(value, [](char c) { return c > 0x20 && c < 0x7F && c != '"' && c != '\\'; })) return false;
  dialect.soap_action = value;
  return true;
}
/// A prefix is an XML name without a colon; `xml` is reserved. Some may be empty.
template <auto Member, bool may_be_empty>
bool set_prefix(Mm7Dialect& dialect, std::string_view value) {
  const auto letter = [](char c) { return is_letter(c) || c == '_'; };
  const bool good = value.empty()
                        ? may_be_empty
                        : letter(value.front()) && !ascii_starts_with_nocase(value, "xml") && value.size() <= 32 &&
                              std::ranges::all_of(value, [&](char c) { return letter(c) || is_digit(c) || c == '-' || c == '.'; });
  if (!good) return false;
  dialect.*Member = value;
  return true;
}
template <auto Member, const std::string_view& words>
bool set_word(Mm7Dialect& dialect, std::string_view value) {
  using Word = std::remove_cvref_t<decltype(dialect.*Member)>;
  dialect.*Member = static_cast<Word>(position_of(words, value));
  return true;
}
template <auto Member, int least, int most>
bool set_number(Mm7Dialect& dialect, std::string_view value) {
  const auto number = parse_number<int>(value);
  if (!number || *number < least || *number > most) return false;
  dialect.*Member = static_cast<std::remove_cvref_t<decltype(dialect.*Member)>>(*number);
  return true;
}
bool set_parts(Mm7Dialect& dialect, std::string_view value) {
  const auto coding = static_cast<PartCoding>(position_of(parts_words, value));
  dialect.parts_base64 = coding == PartCoding::base64;
  if (!dialect.parts_base64) dialect.part_coding_plain = coding;
  return true;
}

// Elements that a SubmitReq can do without. DeliveryReport is not among them: without reports nobody learns what became of a message.
constexpr std::array<std::string_view, 8> optional_elements{"ServiceCode", "LinkedID",  "MessageClass", "TimeStamp",
                                                            "ExpiryDate",  "ReadReply", "Priority",     "Subject"};

/// The next of the names divided by blanks; empty when there is none.
std::string_view next_name(std::string_view& names) {
  names = ascii_trim(names);
  const std::string_view name = names.substr(0, std::min(names.find(' '), names.size()));
  names.remove_prefix(name.size());
  return name;
}
bool set_omitted(Mm7Dialect& dialect, std::string_view value) {
  std::string_view names = value;
  for (std::string_view name = next_name(names); !name.empty(); name = next_name(names)) {
    if (std::ranges::find(optional_elements, name) == optional_elements.end()) return false;
  }
  dialect.omitted = value;
  return true;
}

constexpr auto knob_rows = std::to_array<Knob>({
    {"namespace_uri", "", "namespace of what we write", set_text<&Mm7Dialect::namespace_uri>},
    {"mm7_version", "", "MM7Version of what we write", set_text<&Mm7Dialect::version>},
    {"vaspid", "", "VASPID of SenderIdentification; empty: not sent", set_text<&Mm7Dialect::vaspid>},
    {"vasid", "", "VASID of SenderIdentification; empty: not sent", set_text<&Mm7Dialect::vasid>},
    {"service_code", "", "ServiceCode; empty: not sent", set_text<&Mm7Dialect::service_code>},
    {"number_form", number_words, "how numbers are written", set_word<&Mm7Dialect::number_form, number_words>},
    {"parts", parts_words, "transfer coding of the parts", set_parts},
    {"element_prefix", "", "prefix of MM7 elements; empty: default namespace", set_prefix<&Mm7Dialect::element_prefix, true>},
    {"envelope_prefix", "", "prefix of SOAP elements", set_prefix<&Mm7Dialect::envelope_prefix, false>},
    {"sender_form", sender_words, "SenderAddress with an address element, as bare text, or left out",
     set_word<&Mm7Dialect::sender_form, sender_words>},
    {"short_code_form", short_code_words, "element that a short code stands in", set_word<&Mm7Dialect::short_code_form, short_code_words>},
    {"content_form", content_words, "multipart around the content; single: none around a lone part",
     set_word<&Mm7Dialect::content_form, content_words>},
    {"content_id_brackets", boolean_words, "Content-ID in <>", set_word<&Mm7Dialect::content_id_brackets, boolean_words>},
    {"href_escapes_at", boolean_words, "@ in href as %40", set_word<&Mm7Dialect::href_escapes_at, boolean_words>},
    {"xml_charset", boolean_words, "charset parameter of the envelope's part", set_word<&Mm7Dialect::xml_charset, boolean_words>},
    {"allow_adaptations", boolean_words, "attribute allowAdaptations of Content", set_word<&Mm7Dialect::allow_adaptations, boolean_words>},
    {"omitted", "", "optional elements that are never sent", set_omitted},
    {"soap_action", "", "value of SOAPAction, without its quotes", set_soap_action},
    {"fault_http_status", "", "HTTP status of a Fault: 200 to 599", set_number<&Mm7Dialect::fault_http_status, 200, 599>},
    {"recipients_max", "", "recipients of one SubmitReq; 0: no limit", set_number<&Mm7Dialect::recipients_max, 0, 1000>},
});

/// What families of peers were seen to need beside the defaults; later rows of a profile win.
struct ProfileRow {
  std::string_view profile, knob, value;
};
constexpr auto profile_rows = std::to_array<ProfileRow>({
    {"rel5", "namespace_uri", "http://www.3gpp.org/ftp/Specs/archive/23_series/23.140/schema/REL-5-MM7-1-2"},
    {"rel5", "mm7_version", "5.3.0"},
    {"rel5_first", "namespace_uri", "http://www.3gpp.org/ftp/Specs/archive/23_series/23.140/schema/REL-5-MM7-1-0"},
    {"rel5_first", "mm7_version", "5.3.0"},
    {"rel6_first", "namespace_uri", "http://www.3gpp.org/ftp/Specs/archive/23_series/23.140/schema/REL-6-MM7-1-0"},
    {"rel6_first", "mm7_version", "6.3.0"},
    {"prefixed", "element_prefix", "mm7"},
    {"plain_parts", "parts", "binary"},
    {"digits_only", "number_form", "digits"},
    {"bare_sender", "sender_form", "bare"},
});

}  // namespace

bool Mm7Dialect::omits(std::string_view element) const {
  std::string_view names = omitted;
  for (std::string_view name = next_name(names); !name.empty(); name = next_name(names)) {
    if (name == element) return true;
  }
  return false;
}

std::span<const Knob> knobs() { return knob_rows; }

Result<void> set_knob(Mm7Dialect& dialect, std::string_view name, std::string_view value) {
  const auto row = std::ranges::find(knob_rows, name, &Knob::name);
  if (row == knob_rows.end()) return fail(mm7_unknown_knob);
  if (!row->values.empty() && position_of(row->values, value) == static_cast<std::size_t>(-1)) return fail(mm7_bad_knob);
  if (!row->set(dialect, value)) return fail(mm7_bad_knob);
  return {};
}

std::vector<KnobSetting> profile_settings(std::string_view profile) {
  std::vector<KnobSetting> settings;
  for (const ProfileRow& row : profile_rows) {
    if (row.profile == profile) settings.push_back({row.knob, row.value});
  }
  return settings;
}

Result<void> apply_profile(Mm7Dialect& dialect, std::string_view profile) {
  bool known = profile == "rel6";
  for (const ProfileRow& row : profile_rows) {
    if (row.profile != profile) continue;
    known = true;
    if (auto set = set_knob(dialect, row.knob, row.value); !set) return set;
  }
  if (!known) return fail(mm7_unknown_knob);
  return {};
}

}  // namespace pushmail::mm7
