#include "codec/wap/numbers.h"

#include <algorithm>
#include <array>

#include "core/bytes.h"

namespace pushmail::wap {

namespace {

struct Row {
  std::uint32_t number;
  std::string_view name;
};

// Types without a number (application/smil, audio/amr, video/3gpp ...) travel as text.
constexpr auto content_types = std::to_array<Row>({
    {0x00, "*/*"},
    {0x01, "text/*"},
    {0x02, "text/html"},
    {0x03, "text/plain"},
    {0x04, "text/x-hdml"},
    {0x05, "text/x-ttml"},
    {0x06, "text/x-vcalendar"},
    {0x07, "text/x-vcard"},
    {0x08, "text/vnd.wap.wml"},
    {0x09, "text/vnd.wap.wmlscript"},
    {0x0B, "multipart/*"},
    {0x0C, "multipart/mixed"},
    {0x0D, "multipart/form-data"},
    {0x0E, "multipart/byteranges"},
    {0x0F, "multipart/alternative"},
    {0x10, "application/*"},
    {0x11, "application/java-vm"},
    {0x12, "application/x-www-form-urlencoded"},
    {0x13, "application/x-hdmlc"},
    {0x14, "application/vnd.wap.wmlc"},
    {0x15, "application/vnd.wap.wmlscriptc"},
    {0x17, "application/vnd.wap.uaprof"},
    {0x18, "application/vnd.wap.wtls-ca-certificate"},
    {0x19, "application/vnd.wap.wtls-user-certificate"},
    {0x1A, "application/x-x509-ca-cert"},
    {0x1B, "application/x-x509-user-cert"},
    {0x1C, "image/*"},
    {0x1D, "image/gif"},
    {0x1E, "image/jpeg"},
    {0x1F, "image/tiff"},
    {0x20, "image/png"},
    {0x21, "image/vnd.wap.wbmp"},
    {0x22, "application/vnd.wap.multipart.*"},
    {0x23, "application/vnd.wap.multipart.mixed"},
    {0x24, "application/vnd.wap.multipart.form-data"},
    {0x25, "application/vnd.wap.multipart.byteranges"},
    {0x26, "application/vnd.wap.multipart.alternative"},
    {0x27, "application/xml"},
    {0x28, "text/xml"},
    {0x29, "application/vnd.wap.wbxml"},
    {0x2A, "application/x-x968-cross-cert"},
    {0x2B, "application/x-x968-ca-cert"},
    {0x2C, "application/x-x968-user-cert"},
    {0x2D, "text/vnd.wap.si"},
    {0x2E, "application/vnd.wap.sic"},
    {0x2F, "text/vnd.wap.sl"},
    {0x30, "application/vnd.wap.slc"},
    {0x31, "text/vnd.wap.co"},
    {0x32, "application/vnd.wap.coc"},
    {0x33, "application/vnd.wap.multipart.related"},
    {0x34, "application/vnd.wap.sia"},
    {0x35, "text/vnd.wap.connectivity-xml"},
    {0x36, "application/vnd.wap.connectivity-wbxml"},
    {0x37, "application/pkcs7-mime"},
    {0x38, "application/vnd.wap.hashed-certificate"},
    {0x39, "application/vnd.wap.signed-certificate"},
    {0x3A, "application/vnd.wap.cert-response"},
    {0x3B, "application/xhtml+xml"},
    {0x3C, "application/wml+xml"},
    {0x3D, "text/css"},
    {0x3E, "application/vnd.wap.mms-message"},
    {0x3F, "application/vnd.wap.rollover-certificate"},
    {0x40, "application/vnd.wap.locc+wbxml"},
    {0x41, "application/vnd.wap.loc+xml"},
    {0x42, "application/vnd.syncml.dm+wbxml"},
    {0x43, "application/vnd.syncml.dm+xml"},
    {0x44, "application/vnd.syncml.notification"},
    {0x45, "application/vnd.wap.xhtml+xml"},
    {0x46, "application/vnd.wv.csp.cir"},
    {0x47, "application/vnd.oma.dd+xml"},
    {0x48, "application/vnd.oma.drm.message"},
    {0x49, "application/vnd.oma.drm.content"},
    {0x4A, "application/vnd.oma.drm.rights+xml"},
    {0x4B, "application/vnd.oma.drm.rights+wbxml"},
    {0x4C, "application/vnd.wv.csp+xml"},
    {0x4D, "application/vnd.wv.csp+wbxml"},
    {0x4E, "application/vnd.syncml.ds.notification"},
    {0x4F, "audio/*"},
    {0x50, "video/*"},
    {0x51, "application/vnd.oma.dd2+xml"},
    {0x52, "application/mikey"},
    {0x5A, "application/octet-stream"},
    {0x304, "text/vnd.wap.emn+xml"},
    {0x305, "text/calendar"},
    {0x30A, "application/vnd.wap.emn+wbxml"},
    {0x310, "application/vnd.docomo.pf"},
    {0x311, "application/vnd.docomo.ub"},
    {0x317, "application/vnd.sbm.mid2"},
    {0x31A, "application/vnd.sbm.cid"},
});

// MIBenum of the IANA character set registry.
constexpr auto charsets = std::to_array<Row>({
    {3, "us-ascii"},   {4, "iso-8859-1"},         {5, "iso-8859-2"},      {6, "iso-8859-3"},      {7, "iso-8859-4"},      {8, "iso-8859-5"},
    {9, "iso-8859-6"}, {10, "iso-8859-7"},        {11, "iso-8859-8"},     {12, "iso-8859-9"},     {111, "iso-8859-15"},   {17, "shift_jis"},
    {18, "euc-jp"},    {36, "ks_c_5601-1987"},    {38, "euc-kr"},         {39, "iso-2022-jp"},    {106, "utf-8"},         {113, "gbk"},
    {114, "gb18030"},  {1000, "iso-10646-ucs-2"}, {1013, "utf-16be"},     {1014, "utf-16le"},     {1015, "utf-16"},       {2025, "gb2312"},
    {2026, "big5"},    {2084, "koi8-r"},          {2250, "windows-1250"}, {2251, "windows-1251"}, {2252, "windows-1252"},
});

// Where a name has two numbers, the first is the old one.
constexpr auto parameters = std::to_array<Row>({
    {0x00, "q"},          {0x01, "charset"},     {0x02, "level"},   {0x03, "type"},          {0x05, "name"},
    {0x06, "filename"},   {0x07, "differences"}, {0x08, "padding"}, {0x09, "type"},          {0x0A, "start"},
    {0x0B, "start-info"}, {0x0C, "comment"},     {0x0D, "domain"},  {0x0E, "max-age"},       {0x0F, "path"},
    {0x10, "secure"},     {0x11, "sec"},         {0x12, "mac"},     {0x13, "creation-date"}, {0x14, "modification-date"},
    {0x15, "read-date"},  {0x16, "size"},        {0x17, "name"},    {0x18, "filename"},      {0x19, "start"},
    {0x1A, "start-info"}, {0x1B, "comment"},     {0x1C, "domain"},  {0x1D, "path"},
});

/// Both ways without a search: small numbers are places in an array, and names are kept by their length.
template <std::size_t row_count>
class Table {
 public:
  explicit constexpr Table(const std::array<Row, row_count>& rows) : rows_(rows) {
    // Two numbers of one name: the first row stays the first.
    for (const Row& row : rows) {
      if (row.number < small_count) small_[row.number] = row.name;
      ++starts_[row.name.size() + 1];
    }
    for (std::size_t size = 1; size < starts_.size(); ++size) starts_[size] += starts_[size - 1];
    std::array<std::size_t, name_size_max + 2> next = starts_;
    for (const Row& row : rows) by_size_[next[row.name.size()]++] = row;
  }

  [[nodiscard]] constexpr std::string_view name_of(std::uint64_t number) const {
    if (number < small_count) return small_[number];
    const auto row = std::ranges::find(rows_, number, [](const Row& r) { return std::uint64_t{r.number}; });
    return row == rows_.end() ? std::string_view{} : row->name;
  }
  [[nodiscard]] constexpr std::optional<std::uint32_t> number_of(std::string_view name) const {
    if (name.empty() || name.size() > name_size_max) return std::nullopt;
    for (std::size_t i = starts_[name.size()]; i < starts_[name.size() + 1]; ++i) {
      // Many begin alike; their ends differ.
      if (by_size_[i].name.back() == ascii_lower(name.back()) && ascii_equal_nocase(by_size_[i].name, name)) return by_size_[i].number;
    }
    return std::nullopt;
  }

 private:
  static constexpr std::size_t small_count = 0x80;
  static constexpr std::size_t name_size_max = 63;

  std::array<Row, row_count> rows_;
  std::array<std::string_view, small_count> small_{};
  std::array<Row, row_count> by_size_{};
  std::array<std::size_t, name_size_max + 2> starts_{};
};

constexpr Table content_type_table(content_types);
constexpr Table charset_table(charsets);
constexpr Table parameter_table(parameters);

}  // namespace

std::string_view content_type_name(std::uint64_t number) { return content_type_table.name_of(number); }
std::optional<std::uint32_t> content_type_number(std::string_view name) { return content_type_table.number_of(name); }

std::string_view charset_name(std::uint64_t mib) { return charset_table.name_of(mib); }
std::optional<std::uint32_t> charset_number(std::string_view name) { return charset_table.number_of(name); }

std::string_view parameter_name(std::uint64_t number) { return parameter_table.name_of(number); }
std::optional<std::uint8_t> parameter_number(std::string_view name) {
  // 03 is the `type` of other headers; a multipart's is 09.
  if (ascii_equal_nocase(name, "type")) return std::uint8_t{0x09};
  const auto number = parameter_table.number_of(name);
  return number ? std::optional(static_cast<std::uint8_t>(*number)) : std::nullopt;
}

}  // namespace pushmail::wap
