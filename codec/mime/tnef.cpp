// One pass over the attributes, one over each list of properties; nothing nests:
//
//   signature u32 | key u16 | { level u8 | id u32 | length u32 | data | checksum u16 } ...
//   a list of properties: count u32 | { type u16 | id u16 | [name] | [count u32] | [length u32] value padded to 4 } ...
#include "codec/mime/tnef.h"

#include <algorithm>
#include <array>
#include <numeric>

#include "codec/mime/fields.h"
#include "codec/mime/tolerances.h"
#include "core/limits.h"

namespace pushmail::mime {
namespace {

constexpr std::uint32_t signature = 0x223E9F78;
constexpr std::size_t header_size = 6;            // signature and key
constexpr std::size_t attribute_header_size = 9;  // level, id, length

enum Level : std::uint8_t { level_message = 1, level_attachment = 2 };

// MS-OXTNEF §2.1.3.2: the upper half of an id is the type of its data.
enum AttributeId : std::uint32_t {
  id_subject = 0x00018004,
  id_body = 0x0002800C,
  id_message_properties = 0x00069003,
  id_oem_codepage = 0x00069007,
  id_attachment_start = 0x00069002,  // attAttachRendData
  id_attachment_title = 0x00018010,
  id_attachment_data = 0x0006800F,
  id_attachment_properties = 0x00069005,
};

// MS-OXPROPS.
enum PropertyId : std::uint16_t {
  property_subject = 0x0037,
  property_body = 0x1000,
  property_rtf = 0x1009,
  property_html = 0x1013,
  property_attach_data = 0x3701,
  property_attach_file_name = 0x3704,
  property_attach_long_file_name = 0x3707,
  property_attach_mime_tag = 0x370E,
  property_attach_content_id = 0x3712,
};

// MS-OXCDATA §2.11.1.
enum PropertyType : std::uint16_t {
  type_string8 = 0x001E,
  type_unicode = 0x001F,
  type_object = 0x000D,
  type_binary = 0x0102,
  type_multiple = 0x1000
};

/// Bytes of one value in the list, padding included; 0 for those with a length of their own; nothing for a type that does not exist.
std::optional<std::size_t> fixed_size(std::uint16_t type) {
  switch (type) {
    case 0x0002:  // 16 bits
    case 0x0003:  // 32 bits
    case 0x0004:  // float
    case 0x000A:  // error
    case 0x000B:  // truth
      return 4;
    case 0x0005:  // double
    case 0x0006:  // currency
    case 0x0007:  // time as double
    case 0x0014:  // 64 bits
    case 0x0040:  // time
      return 8;
    case 0x0048:  // GUID
      return 16;
    case type_string8:
    case type_unicode:
    case type_object:
    case type_binary:
      return 0;
    default:
      return std::nullopt;
  }
}

struct Property {
  std::uint16_t type = 0;
  std::uint16_t id = 0;
  ByteView value;  // the first one of several
};

/// Reads numbers and pieces until one is not there.
class Cursor {
 public:
  explicit Cursor(ByteView bytes) : bytes_(bytes) {}

  template <std::unsigned_integral T>
  [[nodiscard]] T number() {
    const ByteView piece = take(sizeof(T));
    return piece.empty() ? T{0} : load<T>(piece.data(), std::endian::little);
  }
  /// Empty, and failed() from then on, when so many bytes are not there.
  [[nodiscard]] ByteView take(std::size_t size) {
    if (size > bytes_.size() - at_) {
      failed_ = true;
      return {};
    }
    at_ += size;
    return bytes_.subspan(at_ - size, size);
  }
  void skip(std::size_t size) { static_cast<void>(take(size)); }
  [[nodiscard]] bool failed() const { return failed_; }
  [[nodiscard]] std::size_t at() const { return at_; }
  [[nodiscard]] std::size_t left() const { return bytes_.size() - at_; }

 private:
  ByteView bytes_;
  std::size_t at_ = 0;
  bool failed_ = false;
};

constexpr std::size_t padded(std::size_t size) { return (size + 3) / 4 * 4; }

/// The next property of a list; nothing at its broken end.
std::optional<Property> next_property(Cursor& cursor) {
  Property property;
  property.type = cursor.number<std::uint16_t>();
  property.id = cursor.number<std::uint16_t>();
  if (property.id >= 0x8000) {
    // A named one: GUID, kind, and a number or a padded name.
    cursor.skip(16);
    if (cursor.number<std::uint32_t>() == 0)
      cursor.skip(4);
    else
      cursor.skip(padded(cursor.number<std::uint32_t>()));
  }
  const bool is_multiple = (property.type & type_multiple) != 0;
  property.type &= static_cast<std::uint16_t>(~type_multiple);
  const auto fixed = fixed_size(property.type);
  if (!fixed || cursor.failed()) return std::nullopt;
  const bool has_count = is_multiple || *fixed == 0;
  const std::uint32_t count = has_count ? cursor.number<std::uint32_t>() : 1;
  for (std::uint32_t i = 0; i < count && !cursor.failed(); ++i) {
    const std::size_t size = *fixed > 0 ? *fixed : cursor.number<std::uint32_t>();
    const ByteView value = cursor.take(size);
    // The padding of the very last value may be missing.
    cursor.skip(std::min(padded(size) - size, cursor.left()));
    if (i == 0) property.value = value;
  }
  if (cursor.failed()) return std::nullopt;
  return property;
}

/// What iconv and mail call a code page; most are Windows'.
std::string_view codepage_name(std::uint32_t codepage) {
  struct Row {
    std::uint32_t number;
    std::string_view name;
  };
  static constexpr auto rows = std::to_array<Row>({
      {437, "cp437"},
      {850, "cp850"},
      {866, "cp866"},
      {874, "windows-874"},
      {932, "shift_jis"},
      {936, "gbk"},
      {949, "cp949"},
      {950, "big5"},
      {1250, "windows-1250"},
      {1251, "windows-1251"},
      {1252, "windows-1252"},
      {1253, "windows-1253"},
      {1254, "windows-1254"},
      {1255, "windows-1255"},
      {1256, "windows-1256"},
      {1257, "windows-1257"},
      {1258, "windows-1258"},
      {65001, "utf-8"},
  });
  const auto row = std::find_if(rows.begin(), rows.end(), [&](const Row& r) { return r.number == codepage; });
  return row == rows.end() ? std::string_view{} : row->name;
}

class Reader {
 public:
  Reader(ByteView bytes, Arena& arena, std::vector<Tolerance>* tolerated)
      : cursor_(bytes), arena_(arena), tolerated_(tolerated), attachments_(arena) {}

  Result<Tnef> read() {
    if (cursor_.number<std::uint32_t>() != signature) return fail(tnef_bad_signature);
    cursor_.skip(header_size - sizeof(signature));
    for (bool is_first = true; cursor_.left() >= (is_first ? 1 : attribute_header_size); is_first = false) {
      const std::size_t at = cursor_.at();
      if (const ErrorInfo* broken = attribute(); broken != nullptr) {
        if (is_first) return fail(*broken, at);
        note(tolerance::tnef_broken, at);
        break;
      }
    }
    tnef_.attachments = attachments_.take();
    return tnef_;
  }

 private:
  void note(std::string_view rule, std::size_t at) {
    if (tolerated_ != nullptr) tolerated_->push_back({rule, static_cast<std::uint32_t>(at)});
  }

  /// Reads one attribute; what is wrong with it, or nullptr.
  const ErrorInfo* attribute() {
    const std::size_t at = cursor_.at();
    const auto level = cursor_.number<std::uint8_t>();
    const auto id = cursor_.number<std::uint32_t>();
    const ByteView data = cursor_.take(cursor_.number<std::uint32_t>());
    const auto checksum = cursor_.number<std::uint16_t>();
    if (cursor_.failed()) return &tnef_truncated;
    if (level != level_message && level != level_attachment) return &tnef_bad_level;
    // MS-OXTNEF §2.1.3.1: the sum of the bytes, modulo 65536.
    if ((std::accumulate(data.begin(), data.end(), std::uint32_t{0}) & 0xFFFFU) != checksum) note_checksum(at);
    return level == level_message ? message_attribute(id, data) : attachment_attribute(id, data);
  }

  void note_checksum(std::size_t at) {
    if (!checksum_noted_) note(tolerance::tnef_checksum, at);
    checksum_noted_ = true;
  }

  const ErrorInfo* message_attribute(std::uint32_t id, ByteView data) {
    switch (id) {
      case id_oem_codepage:
        if (data.size() >= 4) codepage_ = codepage_name(load<std::uint32_t>(data.data(), std::endian::little));
        break;
      case id_subject:
        if (tnef_.subject.empty()) tnef_.subject = decode_header(eight_bit(data), arena_);
        break;
      case id_body:
        if (tnef_.body.empty()) tnef_.body = with_lf(eight_bit(data));
        break;
      case id_message_properties:
        return properties(data, [&](const Property& property) {
          if (property.id == property_subject)
            tnef_.subject = decode_header(text_of_property(property), arena_);
          else if (property.id == property_body)
            tnef_.body = with_lf(text_of_property(property));
          else if (property.id == property_html)
            tnef_.html = property.type == type_binary ? eight_bit(property.value) : text_of_property(property);
          else if (property.id == property_rtf)
            tnef_.rtf = property.value;
        });
      default:
        break;
    }
    return nullptr;
  }

  const ErrorInfo* attachment_attribute(std::uint32_t id, ByteView data) {
    if (id == id_attachment_start) {
      if (attachments_.size() < limits::mime_part_count_max)
        attachments_.push_back({});
      else
        is_full_ = true;
    }
    // Data without a start belongs to no attachment; beyond the limit they are left out.
    if (attachments_.empty() || is_full_) return nullptr;
    TnefAttachment& attachment = attachments_[attachments_.size() - 1];
    switch (id) {
      case id_attachment_title:
        if (attachment.name.empty()) attachment.name = decode_header(eight_bit(data), arena_);
        break;
      case id_attachment_data:
        attachment.data = data;
        break;
      case id_attachment_properties:
        return properties(data, [&](const Property& property) {
          if (property.id == property_attach_long_file_name)
            attachment.name = decode_header(text_of_property(property), arena_);
          else if (property.id == property_attach_file_name && attachment.name.empty())
            attachment.name = decode_header(text_of_property(property), arena_);
          else if (property.id == property_attach_mime_tag)
            attachment.media_type = lower_case(decode_header(text_of_property(property), arena_), arena_);
          else if (property.id == property_attach_content_id)
            attachment.content_id = decode_header(text_of_property(property), arena_);
          else if (property.id == property_attach_data && attachment.data.empty())
            attachment.data = property.value;
        });
      default:
        break;
    }
    return nullptr;
  }

  template <class Take>
  const ErrorInfo* properties(ByteView data, Take take) {
    Cursor cursor(data);
    const auto count = cursor.number<std::uint32_t>();
    for (std::uint32_t i = 0; i < count; ++i) {
      const auto property = next_property(cursor);
      if (!property) return &tnef_bad_properties;
      take(*property);
    }
    return nullptr;
  }

  /// Text in the message's code page, up to its zero byte.
  std::string_view eight_bit(ByteView data) {
    const std::string_view text = text_of(data);
    return to_utf8(bytes_of(text.substr(0, text.find('\0'))), codepage_, arena_);
  }
  std::string_view text_of_property(const Property& property) {
    if (property.type != type_unicode) return eight_bit(property.value);
    std::string_view text = to_utf8(property.value, "utf-16le", arena_);
    return text.substr(0, text.find('\0'));
  }
  /// As decode_text: LF alone.
  std::string_view with_lf(std::string_view text) {
    Part part;
    part.media_type = "text/plain";
    part.charset = "utf-8";
    part.body = bytes_of(text);
    return decode_text(part, arena_);
  }

  Cursor cursor_;
  Arena& arena_;
  std::vector<Tolerance>* tolerated_;
  Tnef tnef_;
  ArenaList<TnefAttachment> attachments_;
  std::string_view codepage_ = "windows-1252";
  bool is_full_ = false;
  bool checksum_noted_ = false;
};

}  // namespace

bool is_tnef(const Part& part) {
  return part.media_type == "application/ms-tnef" || part.media_type == "application/vnd.ms-tnef" ||
         ascii_equal_nocase(part.name, "winmail.dat");
}

Result<Tnef> read_tnef(ByteView bytes, Arena& arena, std::vector<Tolerance>* tolerated) { return Reader(bytes, arena, tolerated).read(); }

}  // namespace pushmail::mime
