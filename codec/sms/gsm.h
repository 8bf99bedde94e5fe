// Text of short messages: GSM 03.38 default alphabet and UCS-2, segments with a user data header, and putting them together again.
//
// Came from: controlplane/notify (texts to phones), smpp deliver_sm. Goes to: smpp submit_sm, controlplane/retrieve (what a phone wrote).
// Over SMPP the default alphabet travels one character an octet; the SMSC packs it. Specs: 3GPP TS 23.038 §6, TS 23.040 §9.2.3.24.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "codec/sms/smpp.h"
#include "core/bytes.h"
#include "core/clock.h"
#include "core/timers.h"

namespace pushmail::sms {

/// How the octets of a message are to be read (SMPP 3.4 §5.2.19, TS 23.038 §4).
enum class Alphabet : std::uint8_t { gsm, ascii, latin1, ucs2, binary, other };
[[nodiscard]] Alphabet alphabet_of(std::uint8_t data_coding);

/// One SMS of a text, ready for submit_sm: esm_class has the UDHI bit when there is a header.
struct Segment {
  std::uint8_t esm_class = 0;
  std::uint8_t data_coding = 0;  // 0 default alphabet, 8 UCS-2
  Bytes short_message;
};
/// Splits a text: default alphabet where every character is in it, else UCS-2; never inside an escape or a surrogate pair.
/// One SMS takes 160 / 70 characters, each of several 152 / 66. `reference` names the set (TS 23.040 §9.2.3.24.8, 16 bits): a phone keeps
/// the parts of a set that is not whole for days, and joins them to another set of that name. What does not fit into 255 segments is cut
/// off. `in_zero`: what this SMSC takes data_coding 0 for, and turns into the default alphabet.
[[nodiscard]] std::vector<Segment> split_text(std::string_view utf8, std::uint16_t reference, Alphabet in_zero = Alphabet::gsm);
/// The text in the default alphabet, one character an octet; nothing when a character is not in it.
[[nodiscard]] std::optional<Bytes> encode_gsm(std::string_view utf8);
[[nodiscard]] std::string decode_gsm(ByteView octets);
/// UTF-16BE, or UTF-16LE behind its byte order mark, to valid UTF-8; a lone surrogate becomes U+FFFD.
[[nodiscard]] std::string decode_ucs2(ByteView octets);
[[nodiscard]] Bytes encode_ucs2(std::string_view utf8);

/// User data (without header) as UTF-8; binary data gives an empty text, unless it is printable ASCII throughout. `in_zero`: see
/// split_text.
[[nodiscard]] std::string decode_text(std::uint8_t data_coding, ByteView user_data, Alphabet in_zero = Alphabet::gsm);

struct Concatenation {
  std::uint16_t reference = 0;
  std::uint8_t total = 1;
  std::uint8_t number = 1;  // from 1
  bool operator==(const Concatenation&) const = default;
};
struct Ports {
  std::uint16_t destination = 0;
  std::uint16_t source = 0;
  bool operator==(const Ports&) const = default;
};
/// One deliver_sm as far as its header goes.
struct Incoming {
  std::string source;  // digits as the SMSC gave them
  std::string destination;
  std::uint8_t data_coding = 0;
  std::optional<Concatenation> part;
  std::optional<Ports> ports;
  Bytes user_data;                   // without header
  Alphabet in_zero = Alphabet::gsm;  // what this SMSC writes under data_coding 0
  std::uint8_t source_type = 0;      // TON
  std::uint8_t source_plan = 0;      // NPI
  [[nodiscard]] std::string text() const { return decode_text(data_coding, user_data, in_zero); }
};
/// Reads UDH (elements 00, 08, 04, 05) or sar_* TLVs. A header longer than the message is read as text: something is still shown.
[[nodiscard]] Incoming read_deliver(const smpp::Pdu& deliver_sm, Alphabet in_zero = Alphabet::gsm);

/// Puts segments together. Bounded: the oldest incomplete set of a phone, or of all, goes when there are too many, and sets go after a
/// time. What is late is handed out twice: its beginning after a moment, in case that says enough, and whatever there is when the rest is
/// no longer waited for.
class Reassembly {
 public:
  struct Limits {
    std::size_t set_count_max = 1000;
    std::size_t sets_of_source_max = 20;
    std::size_t set_size_max = 64 * 1024;  // bytes of user data; a set that grows above is dropped
    Duration beginning_after = timers::part_begins;
    Duration given_up_after = timers::part_missing;
    Duration incomplete_max = timers::part_late;  // until then a part that comes late still completes its set, and is no message of its own
  };
  using Key = std::tuple<std::string, std::string, std::uint16_t, std::uint8_t>;  // source, destination, reference, total
  struct Late {
    Key key;
    Incoming message;
    bool given_up = false;  // else: its first parts, in order
  };

  Reassembly() = default;
  explicit Reassembly(const Limits& limits) : limits_(limits) {}

  /// A message of one part comes back at once; of several, when the last one is there. Repeated parts are ignored.
  [[nodiscard]] std::optional<Incoming> add(Incoming message, Instant now);
  /// What is due, each once.
  [[nodiscard]] std::vector<Late> take_late(Instant now);
  /// When take_late() has something; nothing while no set waits for it.
  [[nodiscard]] std::optional<Instant> next_late() const;
  /// Enough was said: the rest of this set is no message any more.
  void ignore_rest(const Key& key);
  [[nodiscard]] std::size_t incomplete() const { return sets_.size(); }

 private:
  struct Set {
    Instant first;
    std::size_t size = 0;
    std::map<std::uint8_t, Incoming> parts;
    bool looked_at = false;  // its beginning was handed out, or there is none
    bool given_up = false;
    bool ignored = false;
  };
  [[nodiscard]] Key key_of(const Incoming& message, const Concatenation& part) const;
  void make_room(const Key& key);
  void drop_old(Instant now);

  Limits limits_;
  std::map<Key, Set> sets_;
};

}  // namespace pushmail::sms
