// Every field of a peer, one row each: what [peer.NAME] may say, and what of it reaches the data plane.
//
// From these rows come the keys of the configuration with their defaults and bounds (config_keys.cpp), the fields of a peer's record on the
// handoff (core/contract/handoff/schema.h), and the values that PeerProfile has, reads and writes (core/contract/peer/profile.h). A new
// field is a row here, and the line that uses it.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "core/config_key.h"
#include "core/limits.h"

namespace pushmail {

/// Where the control plane has the value from.
enum class PeerReader : std::uint8_t {
  value,        // the key
  secret_file,  // the file that the key names; never printed
  derived,      // other keys
};

struct PeerField {
  ConfigKey key;            // path `peer.*.LEAF`; a derived field has none
  std::uint16_t tag = 0;    // of the field in a record of the handoff; 0: it stays with the plane that reads it. Never used again
  std::string_view one{};   // a word that travels as 1; any other does as 0, and is read as the first other word
  std::string_view name{};  // in the code, where it is not LEAF
  PeerReader reader = PeerReader::value;

  [[nodiscard]] constexpr std::string_view field_name() const { return name.empty() ? key.path.substr(key.path.rfind('.') + 1) : name; }
};

inline constexpr auto peer_fields = std::to_array<PeerField>({
    {.key = {"peer.*.kind", KeyType::word, "mm7", "mm7", no_least, no_most, "what the peer speaks"}},
    {.key = {"peer.*.url", KeyType::text, "!", "", no_least, no_most, "where SubmitReq goes: http://host:port/path, or https://"},
     .tag = 81},
    {.key = {"", KeyType::text}, .tag = 82, .name = "host_header", .reader = PeerReader::derived},  // host and port as url has them
    {.key = {"peer.*.tls_ca", KeyType::text, "", "", no_least, no_most,
             "https: PEM file of the authorities that the peer's certificate may come from, in place of Debian's and tls.extra_ca"}},
    {.key = {"peer.*.tls_certificate", KeyType::text, "", "", no_least, no_most,
             "https: PEM file of the certificate that we show to the peer"}},
    {.key = {"peer.*.tls_key", KeyType::text, "", "", no_least, no_most, "https: PEM file of its key"}},
    {.key = {"peer.*.user", KeyType::text, "", "", no_least, no_most, "HTTP Basic or Digest: what we send"}, .tag = 83},
    {.key = {"peer.*.password_file", KeyType::text, "", "", no_least, no_most, "HTTP Basic or Digest: file with the password"},
     .tag = 84,
     .name = "password",
     .reader = PeerReader::secret_file},
    {.key = {"peer.*.scheme", KeyType::word, "basic", "basic|digest", no_least, no_most,
             "basic: HTTP Basic at once, Digest where the peer asks for it; digest: never Basic, which names the password"},
     .tag = 113,
     .one = "digest"},
    {.key = {"peer.*.inbound_user", KeyType::text, "", "", no_least, no_most,
             "HTTP Basic or Digest: what the peer must send; empty: only allow counts"},
     .tag = 85},
    {.key = {"peer.*.inbound_password_file", KeyType::text, "", "", no_least, no_most,
             "HTTP Basic or Digest: file with the peer's password"},
     .tag = 86,
     .name = "inbound_password",
     .reader = PeerReader::secret_file},
    {.key = {"peer.*.inbound_scheme", KeyType::word, "basic", "basic|digest", no_least, no_most,
             "how the peer sends its password; digest: HTTP Digest with SHA-256 or MD5, and nothing else"},
     .tag = 114,
     .one = "digest"},
    {.key = {"peer.*.inbound_certificate", KeyType::text, "", "", no_least, no_most,
             "certificate that the peer shows at http.tls_listen: a DNS name in it, from an authority in tls_ca or Debian's, or sha256: "
             "and its "
             "fingerprint; empty: it needs none"},
     .tag = 115},
    {.key = {"peer.*.allow", KeyType::network_list, "", "", no_least, no_most,
             "addresses and networks the peer comes from; none: any, then only the password counts"},
     .tag = 87},
    {.key = {"peer.*.inbound", KeyType::word, "authenticated", "authenticated|open", no_least, no_most,
             "open: whoever reaches http.listen is this peer; without it a peer needs inbound_user and password, or allow"},
     .tag = 110,
     .one = "open"},
    {.key =
         {"peer.*.sender_forms", KeyType::text_list, "number", "", no_least, no_most,
          "how this peer writes a phone as Sender: number (<Number>), rfc2822 (a number alone in <RFC2822Address>), mail:mms.example.net "
          "(number@ that domain); nothing else is a phone"},
     .tag = 111},
    {.key = {"peer.*.vaspid", KeyType::text, "pushmail", "", no_least, no_most, "VASPID"}, .tag = 88},
    {.key = {"peer.*.vasid", KeyType::text, "inbox", "", no_least, no_most, "VASID"}, .tag = 89},
    {.key = {"peer.*.service_code", KeyType::text, "", "", no_least, no_most, "ServiceCode; empty: not sent"}, .tag = 90},
    {.key = {"peer.*.service_number", KeyType::text, "!", "", no_least, no_most,
             "short code of the service: new mails from phones go to it"}},
    {.key = {"peer.*.sender", KeyType::word, "suffix", "suffix|alias|original", no_least, no_most, "what the phone sees as sender"}},
    {.key = {"peer.*.suffix_digits", KeyType::number, "4", "", 2, 8, "digits appended to the service number"}},
    {.key = {"peer.*.sender_refused", KeyType::number, "4007", "", 0, 4999,
             "StatusCode for a sender that is not bound; 0: accept and drop"},
     .tag = 94},
    {.key = {"peer.*.unbound_senders_per_minute", KeyType::number, "600", "", 1, 1'000'000,
             "DeliverReqs with senders that are not bound, each a question to the control plane; beyond them 503"}},
    {.key = {"peer.*.profile", KeyType::word, "rel6", "rel6|rel6_first|rel5|rel5_first|prefixed|plain_parts|digits_only|bare_sender",
             no_least, no_most, "how the peer is spoken to; the keys below that are given override it"}},
    {.key = {"peer.*.namespace", KeyType::text, "http://www.3gpp.org/ftp/Specs/archive/23_series/23.140/schema/REL-6-MM7-1-4", "", no_least,
             no_most, "MM7 namespace we write"},
     .tag = 91},
    {.key = {"peer.*.mm7_version", KeyType::text, "6.8.0", "", no_least, no_most, "MM7Version we write"}, .tag = 92},
    {.key = {"peer.*.number_form", KeyType::word, "plus", "plus|digits|plus_plmn", no_least, no_most, "how numbers are written"},
     .tag = 93},
    {.key = {"peer.*.parts", KeyType::word, "base64", "base64|binary|8bit", no_least, no_most, "transfer coding of the parts we write"},
     .tag = 96,
     .one = "base64"},
    {.key = {"peer.*.element_prefix", KeyType::text, "", "", no_least, no_most, "prefix of MM7 elements; empty: default namespace"}},
    {.key = {"peer.*.envelope_prefix", KeyType::text, "env", "", no_least, no_most, "prefix of SOAP elements"}},
    {.key = {"peer.*.sender_form", KeyType::word, "wrapped", "wrapped|bare|none", no_least, no_most,
             "SenderAddress with an address element, as bare text, or left out"}},
    {.key = {"peer.*.short_code_form", KeyType::word, "short_code", "short_code|number", no_least, no_most,
             "element that a short code stands in"}},
    {.key = {"peer.*.content_form", KeyType::word, "related", "related|mixed|single", no_least, no_most,
             "multipart around the content; single: none around a lone part"}},
    {.key = {"peer.*.content_id_brackets", KeyType::flag, "true", "", no_least, no_most, "Content-ID in <>"}},
    {.key = {"peer.*.href_escapes_at", KeyType::flag, "false", "", no_least, no_most, "@ in href as %40"}},
    {.key = {"peer.*.xml_charset", KeyType::flag, "true", "", no_least, no_most, "charset parameter of the envelope's part"}},
    {.key = {"peer.*.allow_adaptations", KeyType::flag, "true", "", no_least, no_most, "attribute allowAdaptations of Content"}},
    {.key = {"peer.*.omitted", KeyType::text, "", "", no_least, no_most,
             "optional elements that are never sent, divided by blanks: \"Priority LinkedID\""}},
    {.key = {"peer.*.soap_action", KeyType::text, "", "", no_least, no_most, "value of SOAPAction, without its quotes"}},
    {.key = {"peer.*.request_coding", KeyType::word, "none", "none|gzip", no_least, no_most,
             "gzip: our requests are compressed where that makes them smaller; answers may be either way"},
     .tag = 112,
     .one = "gzip"},
    {.key = {"peer.*.fault_http_status", KeyType::number, "500", "", 200, 599, "HTTP status of a SOAP Fault that we answer"}},
    {.key = {"peer.*.recipients_max", KeyType::number, "0", "", 0, 1000, "recipients of one SubmitReq; 0: no limit; we send one for each"}},
    {.key = {"peer.*.deduplicates", KeyType::flag, "false", "", no_least, no_most,
             "the peer recognises a TransactionID that it had before"},
     .tag = 95},
    {.key = {"peer.*.answer_transaction_id", KeyType::word, "checked", "checked|ignored", no_least, no_most,
             "whether an answer with another TransactionID says nothing of our request, or counts as its answer"},
     .tag = 100,
     .one = "checked"},
    {.key = {"peer.*.domains", KeyType::text_list, "", "", no_least, no_most,
             "mail domains of the MMSC, beside url's host and those in sender_forms: 5000@ one of them is the number or short code 5000"}},
    {.key = {"peer.*.message_id", KeyType::word, "auto", "auto|exact", no_least, no_most,
             "how a report's MessageID is compared; auto: without case, <>, blanks and zeros in front; exact: byte for byte"}},
    {.key = {"peer.*.mm_size_max", KeyType::size, "300KiB", "", 1 << 10, limits::http_body_size_max, "largest MM"}},
    {.key = {"peer.*.expiry", KeyType::duration, "3d", "", 1000, 30 * day_ms, "ExpiryDate of an MM"}},
    {.key = {"peer.*.connections_max", KeyType::number, "32", "", 1, 100,
             "connections that the contract with the peer allows; as many are used as make its answers come faster"},
     .tag = 97},
    {.key = {"peer.*.requests_per_connection", KeyType::number, "0", "", 0, 1'000'000,
             "requests after which we close a connection; 0: as many as the peer takes, which is learnt"},
     .tag = 101},
    {.key = {"peer.*.retry_first", KeyType::duration, "5s", "", 100, day_ms, "first retry after a temporary failure; doubles with jitter"}},
    {.key = {"peer.*.retry_most", KeyType::duration, "5min", "", 100, day_ms, "longest time between two tries"}},
    // `name=value` of the dialect (codec/mm7/dialect.h): the settings of `profile`, then the keys that are given; they count more than the
    // fields of the dialect that have a tag of their own.
    {.key = {"", KeyType::text_list}, .tag = 99, .name = "knob", .reader = PeerReader::derived},
});

}  // namespace pushmail
