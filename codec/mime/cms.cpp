// Down through the elements that hold each other, passing over what stands beside them:
//
//   SEQUENCE { OID signedData, [0] { SEQUENCE { INTEGER version, SET digests, SEQUENCE { OID data, [0] { OCTET STRING }}}}}
//
// Writers of long messages use indefinite lengths (X.690 §8.1.3.6) and cut the string into pieces (§8.7.3).
#include "codec/mime/cms.h"

#include <algorithm>
#include <array>
#include <optional>

namespace pushmail::mime {
namespace {

constexpr std::size_t piece_depth_max = 8;
constexpr std::size_t length_size_max = 4;                    // bytes of a length
constexpr std::size_t no_end = static_cast<std::size_t>(-1);  // of an indefinite length

enum Tag : std::uint8_t {
  tag_end = 0x00,
  tag_integer = 0x02,
  tag_octets = 0x04,
  tag_oid = 0x06,
  tag_sequence = 0x30,
  tag_set = 0x31,
  tag_explicit = 0xA0
};
constexpr std::uint8_t constructed_bit = 0x20;

// RFC 5652 §4, §5.1: 1.2.840.113549.1.7 as DER writes it, without the last number.
constexpr auto content_type_prefix = std::to_array<std::uint8_t>({0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x07});
constexpr unsigned id_data = 1;

struct Element {
  std::uint8_t tag = 0;
  std::size_t begin = 0;  // of its content
  std::size_t end = 0;    // of its content, or no_end
};

/// After a fault nothing more is read, and it is the answer.
class Reader {
 public:
  Reader(ByteView bytes, Arena& arena) : bytes_(bytes), arena_(arena) {}

  Result<ByteView> read() {
    if (content_type() != cms_signed_data) note(cms_not_signed, at_);
    enter(tag_explicit);
    enter(tag_sequence);
    pass_over(tag_integer);
    pass_over(tag_set);
    if (content_type() != id_data) note(cms_not_signed, at_);
    if (at_ == bytes_.size() || bytes_[at_] != tag_explicit) note(cms_detached, at_);
    enter(tag_explicit);
    const ByteView content = octets();
    if (fault_) return std::unexpected(*fault_);
    return content;
  }

 private:
  /// The first fault stays.
  void note(const ErrorInfo& row, std::size_t at) {
    if (!fault_) fault_ = fail(row, at).error();
  }

  /// The tag and the length here; reading goes on with the content.
  Element element() {
    if (bytes_.size() - at_ < 2) note(cms_bad_length, at_);
    if (fault_) return {};
    const std::size_t start = at_;
    Element element{.tag = bytes_[at_++]};
    std::size_t length = bytes_[at_++];
    if (length == 0x80) {
      if ((element.tag & constructed_bit) == 0) {
        note(cms_bad_length, start);
        return {};
      }
      element.begin = at_;
      element.end = no_end;
      return element;
    }
    if (length > 0x80) {
      const std::size_t count = length - 0x80;
      // Tags of several bytes do not stand on this road, and what four bytes cannot say does not fit into a mail.
      if (count > length_size_max || count > bytes_.size() - at_) {
        note(cms_bad_length, start);
        return {};
      }
      length = 0;
      for (std::size_t i = 0; i < count; ++i) length = length << 8U | bytes_[at_++];
    }
    if (length > bytes_.size() - at_) {
      note(cms_bad_length, start);
      return {};
    }
    element.begin = at_;
    element.end = at_ + length;
    return element;
  }

  void enter(std::uint8_t tag) {
    const std::size_t start = at_;
    if (element().tag != tag) note(cms_bad_element, start);
  }

  /// Enters the SEQUENCE that starts with an object identifier, and passes that: what it names.
  unsigned content_type() {
    enter(tag_sequence);
    const std::size_t start = at_;
    const Element oid = element();
    if (oid.tag != tag_oid) note(cms_bad_element, start);
    if (fault_) return 0;
    at_ = oid.end;
    const ByteView bytes = bytes_.subspan(oid.begin, oid.end - oid.begin);
    const bool is_one =
        bytes.size() == content_type_prefix.size() + 1 && std::equal(content_type_prefix.begin(), content_type_prefix.end(), bytes.begin());
    return is_one ? bytes.back() : 0;
  }

  void pass_over(std::uint8_t tag) {
    const std::size_t start = at_;
    const Element first = element();
    if (first.tag != tag) note(cms_bad_element, start);
    if (first.end != no_end) {
      at_ = std::max(at_, first.end);
      return;
    }
    // To the end of this indefinite length, and of those inside.
    for (std::size_t open = 1; open > 0 && !fault_;) {
      const Element inner = element();
      if (inner.end == no_end)
        ++open;
      else if (inner.tag == tag_end)
        --open;
      else
        at_ = inner.end;
    }
  }

  /// An octet string in one piece, or the pieces of one joined.
  ByteView octets() {
    const std::size_t start = at_;
    const Element whole = element();
    if (fault_) return {};
    if (whole.tag == tag_octets) return bytes_.subspan(whole.begin, whole.end - whole.begin);
    if (whole.tag != (tag_octets | constructed_bit)) note(cms_bad_element, start);
    if (fault_) return {};
    std::array<std::size_t, piece_depth_max> ends{};
    std::size_t depth = 0;
    ends[depth++] = whole.end;
    ArenaText joined(arena_);
    joined.reserve(std::min(whole.end, bytes_.size()) - whole.begin);
    while (depth > 0 && !fault_) {
      if (at_ >= ends[depth - 1]) {
        --depth;
        continue;
      }
      const std::size_t piece_start = at_;
      const Element piece = element();
      if (fault_) break;
      if (piece.tag == tag_octets) {
        joined += text_of(bytes_.subspan(piece.begin, piece.end - piece.begin));
        at_ = piece.end;
      } else if (piece.tag == tag_end && ends[depth - 1] == no_end) {
        --depth;
      } else if (piece.tag != (tag_octets | constructed_bit)) {
        note(cms_bad_element, piece_start);
      } else if (depth == piece_depth_max) {
        note(cms_too_deep, piece_start);
      } else {
        ends[depth++] = piece.end;
      }
    }
    return bytes_of(joined.take_view());
  }

  ByteView bytes_;
  Arena& arena_;
  std::size_t at_ = 0;
  std::optional<Error> fault_;
};

}  // namespace

Result<ByteView> signed_content(ByteView cms, Arena& arena) { return Reader(cms, arena).read(); }

unsigned cms_content_type(ByteView cms) {
  // The lengths may run beyond the first bytes, so they are not asked.
  const ByteView start = cms.first(std::min<std::size_t>(cms.size(), 24));
  const auto found = std::search(start.begin(), start.end(), content_type_prefix.begin(), content_type_prefix.end());
  const auto at = static_cast<std::size_t>(found - start.begin()) + content_type_prefix.size();
  return found == start.end() || at >= start.size() ? 0 : start[at];
}

}  // namespace pushmail::mime
