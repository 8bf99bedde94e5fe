// How one MMSC wants to be spoken to: the knobs of a peer profile, and a table of them by name.
//
// Came from: configuration (by name and text) or code. Goes to: codec/mm7/write.cpp. What a peer may send needs no knob: the reader
// takes all of it. Knobs that are HTTP's (authentication, timeouts, connections) belong to the session.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"

namespace pushmail::mm7 {

enum class NumberForm : std::uint8_t { plus, digits, plus_plmn };
/// SenderAddress: with an address element, with bare text, or left out.
enum class SenderForm : std::uint8_t { wrapped, bare, none };
enum class ShortCodeForm : std::uint8_t { short_code, number };
/// The content part: multipart/related when there is a presentation, always multipart/mixed, or the one part itself.
enum class ContentForm : std::uint8_t { related, mixed, single };
enum class PartCoding : std::uint8_t { base64, binary, eight_bit };

/// Defaults suit a Rel-6 MMSC.
struct Mm7Dialect {
  std::string namespace_uri = "http://www.3gpp.org/ftp/Specs/archive/23_series/23.140/schema/REL-6-MM7-1-4";
  std::string version = "6.8.0";
  std::string vaspid;
  std::string vasid;
  std::string service_code;  // empty: not sent
  NumberForm number_form = NumberForm::plus;
  bool parts_base64 = true;  // else part_coding_plain
  PartCoding part_coding_plain = PartCoding::binary;

  std::string element_prefix;  // of the message's elements; empty: the namespace is the default one
  std::string envelope_prefix = "env";
  SenderForm sender_form = SenderForm::wrapped;
  ShortCodeForm short_code_form = ShortCodeForm::short_code;
  ContentForm content_form = ContentForm::related;
  bool content_id_brackets = true;
  bool href_escapes_at = false;   // %40 instead of @ in href
  bool xml_charset = true;        // charset="utf-8" in the envelope's Content-Type
  bool allow_adaptations = true;  // write the attribute; false: leave it out
  std::string omitted;            // names of optional elements that are never sent, divided by blanks

  std::string soap_action;           // value inside the quotes of the SOAPAction header
  int fault_http_status = 500;       // SOAP 1.1 §6.2
  std::uint32_t recipients_max = 0;  // of one SubmitReq; 0: as many as there are

  [[nodiscard]] bool omits(std::string_view element) const;
  bool operator==(const Mm7Dialect&) const = default;
};

/// A knob by the name it has in configuration. `values` are the words it takes, divided by `|`; empty: any text.
struct Knob {
  std::string_view name;
  std::string_view values;
  std::string_view meaning;
  bool (*set)(Mm7Dialect& dialect, std::string_view value);
};
[[nodiscard]] std::span<const Knob> knobs();
/// Fails with mm7.unknown_knob or mm7.bad_knob; the dialect is unchanged then.
[[nodiscard]] Result<void> set_knob(Mm7Dialect& dialect, std::string_view name, std::string_view value);

/// Sets of knobs for families of peers: rel6 (the defaults), rel6_first, rel5, rel5_first, prefixed,
/// plain_parts, digits_only, bare_sender. What a profile does not name stays.
[[nodiscard]] Result<void> apply_profile(Mm7Dialect& dialect, std::string_view profile);

/// A knob and its value, as they travel between the planes.
struct KnobSetting {
  std::string_view knob, value;
};
/// What a profile sets, in order; nothing for rel6 and for a name that is none.
[[nodiscard]] std::vector<KnobSetting> profile_settings(std::string_view profile);

}  // namespace pushmail::mm7
