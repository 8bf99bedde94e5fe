#include "codec/sms/gsm.h"

#include <algorithm>
#include <array>
#include <utility>

#include "core/ascii.h"
#include "core/utf8.h"

namespace pushmail::sms {

namespace {

constexpr std::uint8_t escape = 0x1B;

// TS 23.038 §6.2.1; the place of ESC holds the replacement character, so that nothing encodes to it.
constexpr std::array<char32_t, 128> default_alphabet{
    U'@', U'£', U'$', U'¥', U'è', U'é', U'ù', U'ì', U'ò', U'Ç', U'\n', U'Ø',  U'ø', U'\r',
    U'Å', U'å', U'Δ', U'_', U'Φ', U'Γ', U'Λ', U'Ω', U'Π', U'Ψ', U'Σ',  U'Θ',  U'Ξ', replacement_character,
    U'Æ', U'æ', U'ß', U'É', U' ', U'!', U'"', U'#', U'¤', U'%', U'&',  U'\'', U'(', U')',
    U'*', U'+', U',', U'-', U'.', U'/', U'0', U'1', U'2', U'3', U'4',  U'5',  U'6', U'7',
    U'8', U'9', U':', U';', U'<', U'=', U'>', U'?', U'¡', U'A', U'B',  U'C',  U'D', U'E',
    U'F', U'G', U'H', U'I', U'J', U'K', U'L', U'M', U'N', U'O', U'P',  U'Q',  U'R', U'S',
    U'T', U'U', U'V', U'W', U'X', U'Y', U'Z', U'Ä', U'Ö', U'Ñ', U'Ü',  U'§',  U'¿', U'a',
    U'b', U'c', U'd', U'e', U'f', U'g', U'h', U'i', U'j', U'k', U'l',  U'm',  U'n', U'o',
    U'p', U'q', U'r', U's', U't', U'u', U'v', U'w', U'x', U'y', U'z',  U'ä',  U'ö', U'ñ',
    U'ü', U'à',
};
// TS 23.038 §6.2.1.1: what follows ESC.
constexpr std::array extension{
    std::pair{std::uint8_t{0x0A}, U'\f'}, std::pair{std::uint8_t{0x14}, U'^'},  std::pair{std::uint8_t{0x28}, U'{'},
    std::pair{std::uint8_t{0x29}, U'}'},  std::pair{std::uint8_t{0x2F}, U'\\'}, std::pair{std::uint8_t{0x3C}, U'['},
    std::pair{std::uint8_t{0x3D}, U'~'},  std::pair{std::uint8_t{0x3E}, U']'},  std::pair{std::uint8_t{0x40}, U'|'},
    std::pair{std::uint8_t{0x65}, U'€'},
};

/// Anything that is not UTF-8 reads as U+FFFD, a byte at a time.
char32_t take_character(std::string_view& rest) { return take_code_point(rest).value_or(replacement_character); }

void append_character(std::string& out, char32_t code) { out += utf8_of(code).view(); }

/// How many octets from `at` fit into `most` without cutting an escape from its character.
std::size_t whole_gsm(ByteView octets, std::size_t at, std::size_t most) {
  if (octets.size() - at <= most) return octets.size() - at;
  return octets[at + most - 1] == escape ? most - 1 : most;
}
/// The same for UTF-16: never between the halves of a surrogate pair.
std::size_t whole_ucs2(ByteView octets, std::size_t at, std::size_t most) {
  if (octets.size() - at <= most) return octets.size() - at;
  const bool high_half_last = (octets[at + most - 2] & 0xFC) == 0xD8;
  return high_half_last ? most - 2 : most;
}

struct Header {
  std::optional<Concatenation> part;
  std::optional<Ports> ports;
};
/// TS 23.040 §9.2.3.24: identifier, length, data; what we do not know is passed over.
Header read_header(ByteView elements) {
  Header header;
  std::size_t at = 0;
  while (elements.size() - at >= 2) {
    const std::uint8_t id = elements[at];
    const std::size_t size = elements[at + 1];
    if (elements.size() - at - 2 < size) break;
    const std::uint8_t* data = elements.data() + at + 2;
    if (id == 0x00 && size == 3) header.part = Concatenation{.reference = data[0], .total = data[1], .number = data[2]};
    if (id == 0x08 && size == 4) {
      header.part = Concatenation{.reference = load<std::uint16_t>(data, std::endian::big), .total = data[2], .number = data[3]};
    }
    if (id == 0x04 && size == 2) header.ports = Ports{.destination = data[0], .source = data[1]};
    if (id == 0x05 && size == 4) {
      header.ports =
          Ports{.destination = load<std::uint16_t>(data, std::endian::big), .source = load<std::uint16_t>(data + 2, std::endian::big)};
    }
    at += 2 + size;
  }
  return header;
}

/// The parts up to `last`, one behind the other: their octets, which may divide a character between two parts, or where they are in
/// several alphabets their texts.
Incoming joined(const std::map<std::uint8_t, Incoming>& parts, std::uint8_t last) {
  constexpr std::uint8_t ucs2 = 8;
  Incoming whole = parts.begin()->second;
  whole.user_data.clear();
  whole.part.reset();
  const auto alphabet = [](const Incoming& one) { return one.data_coding == 0 ? one.in_zero : alphabet_of(one.data_coding); };
  const bool is_one_alphabet = std::ranges::all_of(parts, [&](const auto& entry) { return alphabet(entry.second) == alphabet(whole); });
  if (!is_one_alphabet) whole.data_coding = ucs2;
  for (const auto& [number, part] : parts) {
    if (number > last) break;
    append(whole.user_data, ByteView(is_one_alphabet ? part.user_data : encode_ucs2(part.text())));
  }
  return whole;
}

/// The text of these octets of the default alphabet in the octets of another one; nothing when a character is not in it.
std::optional<Bytes> in_alphabet(ByteView gsm, Alphabet wanted) {
  if (wanted == Alphabet::gsm) return Bytes(gsm.begin(), gsm.end());
  const char32_t last = wanted == Alphabet::latin1 ? 0xFF : 0x7F;
  const std::string text = decode_gsm(gsm);
  Bytes octets;
  for (std::string_view rest = text; !rest.empty();) {
    const char32_t code = take_character(rest);
    if (code > last) return std::nullopt;
    octets.push_back(static_cast<std::uint8_t>(code));
  }
  return octets;
}

/// Whether these may be two forms of one number: a network may write each part's source in another one. Behind its prefix the shorter one
/// is the end of the longer one, with as many digits as a subscriber's number has.
bool may_be_one_phone(std::string_view a, std::string_view b) {
  constexpr std::size_t length_min = 9;
  const auto bare = [](std::string_view text) { return text.substr(std::min(text.find_first_not_of("+0"), text.size())); };
  std::string_view longer = bare(a), shorter = bare(b);
  if (longer.size() < shorter.size()) std::swap(longer, shorter);
  return shorter.size() >= length_min && longer.ends_with(shorter) && is_digits(longer);
}

std::optional<Concatenation> sensible(std::optional<Concatenation> part) {
  if (part && (part->total < 2 || part->number < 1 || part->number > part->total)) return std::nullopt;
  return part;
}

}  // namespace

std::optional<Bytes> encode_gsm(std::string_view utf8) {
  Bytes out;
  out.reserve(utf8.size());
  while (!utf8.empty()) {
    const char32_t code = take_character(utf8);
    if (code == replacement_character) return std::nullopt;
    if (const auto place = std::ranges::find(default_alphabet, code); place != default_alphabet.end()) {
      out.push_back(static_cast<std::uint8_t>(place - default_alphabet.begin()));
      continue;
    }
    const auto place = std::ranges::find(extension, code, [](const auto& row) { return row.second; });
    if (place == extension.end()) return std::nullopt;
    out.push_back(escape);
    out.push_back(place->first);
  }
  return out;
}

std::string decode_gsm(ByteView octets) {
  std::string out;
  out.reserve(octets.size());
  for (std::size_t i = 0; i < octets.size(); ++i) {
    const std::uint8_t octet = octets[i];
    if (octet >= 0x80) {
      append_character(out, replacement_character);
    } else if (octet != escape) {
      append_character(out, default_alphabet[octet]);
    } else if (i + 1 < octets.size()) {
      // An unknown character after ESC is shown as the default table has it (TS 23.038 §6.2.1.1).
      const std::uint8_t next = octets[++i];
      const auto place = std::ranges::find(extension, next, [](const auto& row) { return row.first; });
      if (place != extension.end()) {
        append_character(out, place->second);
      } else if (next == escape) {
        append_character(out, U' ');
      } else {
        append_character(out, next < 0x80 ? default_alphabet[next] : replacement_character);
      }
    }
  }
  return out;
}

Bytes encode_ucs2(std::string_view utf8) {
  Bytes out;
  while (!utf8.empty()) {
    const char32_t code = take_character(utf8);
    if (code >= 0x10000) {
      append(out, static_cast<std::uint16_t>(0xD800 + ((code - 0x10000) >> 10)), std::endian::big);
      append(out, static_cast<std::uint16_t>(0xDC00 + ((code - 0x10000) & 0x3FF)), std::endian::big);
    } else {
      append(out, static_cast<std::uint16_t>(code), std::endian::big);
    }
  }
  return out;
}

/// U+FEFF in the other byte order.
constexpr char32_t turned_byte_order_mark = 0xFFFE;

std::string decode_ucs2(ByteView octets) {
  std::string out;
  // A byte order mark of a phone that writes the other order.
  const bool is_little = octets.size() >= 2 && octets[0] == 0xFF && octets[1] == 0xFE;
  const std::endian order = is_little ? std::endian::little : std::endian::big;
  for (std::size_t i = is_little ? 2 : 0; i + 1 < octets.size(); i += 2) {
    const char32_t unit = load<std::uint16_t>(octets.data() + i, order);
    // No character, but the mark of the other order to whoever reads the text next.
    if (unit == turned_byte_order_mark) {
      append_character(out, replacement_character);
      continue;
    }
    if (unit < 0xD800 || unit > 0xDFFF) {
      append_character(out, unit);
      continue;
    }
    const char32_t next = unit < 0xDC00 && i + 3 < octets.size() ? load<std::uint16_t>(octets.data() + i + 2, order) : 0;
    if (next >= 0xDC00 && next <= 0xDFFF) {
      append_character(out, 0x10000 + ((unit - 0xD800) << 10) + (next - 0xDC00));
      i += 2;
    } else {
      append_character(out, replacement_character);
    }
  }
  return out;
}

std::vector<Segment> split_text(std::string_view utf8, std::uint16_t reference, Alphabet in_zero) {
  constexpr std::size_t segment_count_max = 255;
  std::optional<Bytes> gsm = encode_gsm(utf8);
  // Cut as the SMSC will cut it: in characters of the default alphabet, whatever octets it gets them in.
  if (gsm && !in_alphabet(*gsm, in_zero)) gsm.reset();
  const Bytes octets = gsm ? *gsm : encode_ucs2(utf8);
  const std::uint8_t data_coding = gsm ? 0 : 8;
  // 160 septets or 140 octets; a header of 7 octets takes 8 septets, and leaves UCS-2 an odd octet.
  const std::size_t single = gsm ? 160 : 140;
  const std::size_t piece = gsm ? 152 : 132;
  const auto written = [&](ByteView piece_octets) {
    return gsm ? in_alphabet(piece_octets, in_zero).value_or(Bytes()) : Bytes(piece_octets.begin(), piece_octets.end());
  };
  if (octets.size() <= single) return {Segment{.esm_class = 0, .data_coding = data_coding, .short_message = written(octets)}};

  std::vector<Segment> segments;
  std::size_t at = 0;
  while (at < octets.size() && segments.size() < segment_count_max) {
    const std::size_t size = gsm ? whole_gsm(octets, at, piece) : whole_ucs2(octets, at, piece);
    const auto high = static_cast<std::uint8_t>(reference >> 8), low = static_cast<std::uint8_t>(reference & 0xFF);
    Segment segment{.esm_class = smpp::esm_udhi, .data_coding = data_coding, .short_message = {6, 8, 4, high, low, 0, 0}};
    append(segment.short_message, written(ByteView(octets).subspan(at, size)));
    segments.push_back(std::move(segment));
    at += size;
  }
  for (std::size_t i = 0; i < segments.size(); ++i) {
    segments[i].short_message[5] = static_cast<std::uint8_t>(segments.size());
    segments[i].short_message[6] = static_cast<std::uint8_t>(i + 1);
  }
  return segments;
}

Alphabet alphabet_of(std::uint8_t data_coding) {
  switch (data_coding) {
    case 0x00:
      return Alphabet::gsm;
    case 0x01:
      return Alphabet::ascii;
    case 0x02:
    case 0x04:
      return Alphabet::binary;
    case 0x03:
      return Alphabet::latin1;
    case 0x08:
      return Alphabet::ucs2;
    default:
      break;
  }
  // TS 23.038 §4: general groups, with or without a class, to be deleted or not. Below 0x10 SMPP has values of its own.
  if (data_coding >= 0x10 && data_coding < 0x80) {
    constexpr std::uint8_t compressed = 0x20, alphabet_mask = 0x0C;
    if ((data_coding & compressed) != 0) return Alphabet::binary;
    switch (data_coding & alphabet_mask) {
      case 0x00:
        return Alphabet::gsm;
      case 0x04:
        return Alphabet::binary;
      case 0x08:
        return Alphabet::ucs2;
      default:
        return Alphabet::other;
    }
  }
  switch (data_coding >> 4) {
    case 0xC:
    case 0xD:
      return Alphabet::gsm;
    case 0xE:
      return Alphabet::ucs2;
    case 0xF:
      return (data_coding & 0x04) != 0 ? Alphabet::binary : Alphabet::gsm;
    default:
      return Alphabet::other;
  }
}

namespace {

/// ASCII as UTF-16 under a data_coding that says otherwise: nobody writes an @ (0x00) in front of each letter.
bool is_wide_ascii(ByteView octets) {
  if (octets.size() < 4 || octets.size() % 2 != 0) return false;
  for (std::size_t i = 0; i < octets.size(); i += 2) {
    if (octets[i] != 0 || octets[i + 1] < 0x20 || octets[i + 1] > 0x7E) return false;
  }
  return true;
}

}  // namespace

std::string decode_text(std::uint8_t data_coding, ByteView user_data, Alphabet in_zero) {
  std::string out;
  switch (data_coding == 0 ? in_zero : alphabet_of(data_coding)) {
    case Alphabet::gsm:
      return is_wide_ascii(user_data) ? decode_ucs2(user_data) : decode_gsm(user_data);
    case Alphabet::ucs2:
      return decode_ucs2(user_data);
    case Alphabet::binary:
      // Some phones, and gateways, send what a person typed as 8-bit data.
      if (std::ranges::all_of(user_data,
                              [](std::uint8_t octet) { return (octet >= 0x20 && octet < 0x7F) || octet == '\r' || octet == '\n'; }))
        out = text_of(user_data);
      return out;
    case Alphabet::latin1:
      for (const std::uint8_t octet : user_data) append_character(out, octet);
      return out;
    case Alphabet::ascii:
    case Alphabet::other:
      // The national codings are read as far as they are ASCII: our codes and commands are.
      for (const std::uint8_t octet : user_data) append_character(out, octet < 0x80 ? octet : replacement_character);
      return out;
  }
  return out;
}

Incoming read_deliver(const smpp::Pdu& deliver_sm, Alphabet in_zero) {
  ByteView data = deliver_sm.user_data();
  Header header;
  if ((deliver_sm.esm_class & smpp::esm_udhi) != 0 && !data.empty() && data.size() > data.front()) {
    const std::size_t size = data.front();
    header = read_header(data.subspan(1, size));
    data = data.subspan(1 + size);
  }
  const auto reference = deliver_sm.tlv_number(smpp::tag::sar_msg_ref_num);
  const auto total = deliver_sm.tlv_number(smpp::tag::sar_total_segments);
  const auto number = deliver_sm.tlv_number(smpp::tag::sar_segment_seqnum);
  if (!header.part && reference && total && number && *total <= 255 && *number <= 255) {
    header.part = Concatenation{.reference = static_cast<std::uint16_t>(*reference),
                                .total = static_cast<std::uint8_t>(*total),
                                .number = static_cast<std::uint8_t>(*number)};
  }
  const auto destination_port = deliver_sm.tlv_number(smpp::tag::destination_port);
  if (!header.ports && destination_port) {
    header.ports = Ports{.destination = static_cast<std::uint16_t>(*destination_port),
                         .source = static_cast<std::uint16_t>(deliver_sm.tlv_number(smpp::tag::source_port).value_or(0))};
  }
  return {.source = deliver_sm.source_addr,
          .destination = deliver_sm.destination_addr,
          .data_coding = deliver_sm.data_coding,
          .part = sensible(header.part),
          .ports = header.ports,
          .user_data = Bytes(data.begin(), data.end()),
          .in_zero = in_zero,
          .source_type = deliver_sm.source_addr_ton,
          .source_plan = deliver_sm.source_addr_npi};
}

// The set that this part goes on with, or a new one's.
Reassembly::Key Reassembly::key_of(const Incoming& message, const Concatenation& part) const {
  Key own{message.source, message.destination, part.reference, part.total};
  if (sets_.contains(own)) return own;
  const auto other = std::ranges::find_if(sets_, [&](const auto& entry) {
    const auto& [source, destination, reference, total] = entry.first;
    return reference == part.reference && total == part.total && destination == message.destination &&
           !entry.second.parts.contains(part.number) && may_be_one_phone(source, message.source);
  });
  return other == sets_.end() ? own : other->first;
}

std::optional<Incoming> Reassembly::add(Incoming message, Instant now) {
  drop_old(now);
  if (!message.part) return message;
  const Concatenation part = *message.part;
  const Key key = key_of(message, part);
  Set& set = sets_.try_emplace(key, Set{.first = now, .size = 0, .parts = {}}).first->second;
  if (set.ignored) return std::nullopt;
  const std::size_t size = message.user_data.size();
  if (!set.parts.try_emplace(part.number, std::move(message)).second) return std::nullopt;
  set.size += size;
  if (set.size > limits_.set_size_max) {
    sets_.erase(key);
    return std::nullopt;
  }
  if (set.parts.size() < part.total) {
    make_room(key);
    return std::nullopt;
  }
  Incoming whole = joined(set.parts, part.total);
  sets_.erase(key);
  return whole;
}

std::vector<Reassembly::Late> Reassembly::take_late(Instant now) {
  std::vector<Late> late;
  drop_old(now);
  for (auto& [key, set] : sets_) {
    if (set.ignored || set.given_up) continue;
    if (now - set.first >= limits_.given_up_after) {
      set.looked_at = set.given_up = true;
      late.push_back({.key = key, .message = joined(set.parts, set.parts.rbegin()->first), .given_up = true});
    } else if (!set.looked_at && now - set.first >= limits_.beginning_after) {
      set.looked_at = true;
      std::uint8_t last = 0;
      while (set.parts.contains(static_cast<std::uint8_t>(last + 1))) ++last;
      if (last > 0) late.push_back({.key = key, .message = joined(set.parts, last)});
    }
  }
  return late;
}

std::optional<Instant> Reassembly::next_late() const {
  std::optional<Instant> next;
  for (const auto& [key, set] : sets_) {
    if (set.ignored || set.given_up) continue;
    const Instant due = set.first + (set.looked_at ? limits_.given_up_after : limits_.beginning_after);
    next = next ? std::min(*next, due) : due;
  }
  return next;
}

void Reassembly::ignore_rest(const Key& key) {
  const auto found = sets_.find(key);
  if (found == sets_.end()) return;
  found->second.ignored = true;
  found->second.parts.clear();
}

// Nobody takes the room of the others: whoever begins too many loses his own first.
void Reassembly::make_room(const Key& key) {
  const auto erase_oldest = [&](auto begin, auto end) {
    sets_.erase(std::ranges::min_element(begin, end, {}, [](const auto& entry) { return entry.second.first; }));
  };
  const std::string& source = std::get<0>(key);
  const auto begin = sets_.lower_bound(Key{source, {}, 0, 0});
  const auto end = std::find_if(begin, sets_.end(), [&](const auto& entry) { return std::get<0>(entry.first) != source; });
  if (static_cast<std::size_t>(std::distance(begin, end)) > limits_.sets_of_source_max) {
    erase_oldest(begin, end);
  } else if (sets_.size() > limits_.set_count_max) {
    erase_oldest(sets_.begin(), sets_.end());
  }
}

void Reassembly::drop_old(Instant now) {
  std::erase_if(sets_, [&](const auto& entry) { return now - entry.second.first > limits_.incomplete_max; });
}

}  // namespace pushmail::sms
