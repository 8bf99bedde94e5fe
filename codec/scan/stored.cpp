// RuleSet as bytes, so that one process compiles and others load. Little-endian:
//
//   0       8         12       16      20                    ...                    multiple of 8
//   | magic | version | CRC32C | count | Hyperscan's version | rules ... | padding | size u64 | database |
//
// A rule is {action u8, where u8, kind u8, case u8, line u32, id, tag, pattern}; a text is {size u16, bytes}. The CRC covers everything
// behind itself. The tables of words are built again from the rules; only Hyperscan's database is taken as it is.
#include <cstdlib>
#include <utility>

#include <hs.h>

#include "codec/scan/rule_set.h"
#include "codec/scan/words.h"
#include "codec/simd/simd.h"
#include "core/record.h"

namespace pushmail::scan {

namespace {

constexpr std::string_view magic = "PMSCAN\r\n";
constexpr std::uint32_t stored_version = 1;
constexpr std::size_t crc_at = 12;
constexpr std::size_t covered_from = 16;
constexpr std::size_t database_size_max = 512U << 20U;

void put_text(Bytes& out, std::string_view text) {
  append<std::uint16_t>(out, static_cast<std::uint16_t>(text.size()), std::endian::little);
  append(out, text);
}

// Reads fields one after the other; after the first one that is not there, everything is empty and `is_short` set.
class Reader {
 public:
  explicit Reader(ByteView bytes) : bytes_(bytes) {}
  ByteView take(std::size_t size) {
    if (bytes_.size() - at_ < size) {
      is_short_ = true;
      at_ = bytes_.size();
      return {};
    }
    at_ += size;
    return bytes_.subspan(at_ - size, size);
  }
  template <class T>
  T number() {
    const ByteView field = take(sizeof(T));
    return field.empty() ? T{} : pushmail::load<T>(field.data(), std::endian::little);
  }
  std::string_view text() { return text_of(take(number<std::uint16_t>())); }
  [[nodiscard]] bool is_short() const { return is_short_; }
  [[nodiscard]] std::size_t at() const { return at_; }

 private:
  ByteView bytes_;
  std::size_t at_ = 0;
  bool is_short_ = false;
};

bool is_possible(const Rule& rule) {
  return rule.action <= Action::tag && rule.kind <= Kind::regex && rule.letter_case <= Case::matters && rule.where != 0 &&
         (rule.where & ~place::all) == 0 && rule.pattern.size() <= pattern_size_max &&
         simd::active().utf8_valid_prefix(bytes_of(rule.pattern)) == rule.pattern.size() && check_plain(rule.kind, rule.pattern) == nullptr;
}

}  // namespace

Result<Bytes> RuleSet::serialise() const {
  Bytes out;
  append(out, magic);
  append<std::uint32_t>(out, stored_version, std::endian::little);
  append<std::uint32_t>(out, 0, std::endian::little);
  append<std::uint32_t>(out, static_cast<std::uint32_t>(rules_.size()), std::endian::little);
  put_text(out, hs_version());
  out.push_back(static_cast<std::uint8_t>(plain_by_));
  for (const Rule& rule : rules_) {
    out.push_back(static_cast<std::uint8_t>(rule.action));
    out.push_back(rule.where);
    out.push_back(static_cast<std::uint8_t>(rule.kind));
    out.push_back(static_cast<std::uint8_t>(rule.letter_case));
    append<std::uint32_t>(out, rule.line, std::endian::little);
    put_text(out, rule.id);
    put_text(out, rule.tag);
    put_text(out, rule.pattern);
  }
  out.resize((out.size() + 7) / 8 * 8);
  char* database = nullptr;
  std::size_t size = 0;
  if (database_ != nullptr && hs_serialize_database(database_, &database, &size) != HS_SUCCESS) return fail(scan_no_memory);
  append<std::uint64_t>(out, size, std::endian::little);
  append(out, std::string_view(database, size));
  std::free(database);  // NOLINT(cppcoreguidelines-no-malloc): Hyperscan's default allocator
  store<std::uint32_t>(out.data() + crc_at, crc32c(ByteView(out).subspan(covered_from)), std::endian::little);
  return out;
}

Result<RuleSet> RuleSet::load(ByteView stored) {
  Reader reader(stored);
  if (text_of(reader.take(magic.size())) != magic) return fail(scan_stored_magic);
  if (reader.number<std::uint32_t>() != stored_version) return fail(scan_stored_version, magic.size());
  const auto crc = reader.number<std::uint32_t>();
  if (reader.is_short()) return fail(scan_stored_short, stored.size());
  // Before anything that depends on the bytes: a torn or bent file ends here.
  if (crc32c(stored.subspan(covered_from)) != crc) return fail(scan_stored_crc, crc_at);
  const auto count = reader.number<std::uint32_t>();
  if (count > rule_count_max) return fail(scan_stored_field, covered_from);
  if (reader.text() != hs_version()) return fail(scan_stored_version, reader.at());

  RuleSet set;
  set.plain_by_ = static_cast<PlainBy>(reader.number<std::uint8_t>());
  if (set.plain_by_ != PlainBy::hash && set.plain_by_ != PlainBy::hyperscan) return fail(scan_stored_field, reader.at());
  for (std::uint32_t i = 0; i < count && !reader.is_short(); ++i) {
    Rule rule;
    rule.action = static_cast<Action>(reader.number<std::uint8_t>());
    rule.where = reader.number<std::uint8_t>();
    rule.kind = static_cast<Kind>(reader.number<std::uint8_t>());
    rule.letter_case = static_cast<Case>(reader.number<std::uint8_t>());
    rule.line = reader.number<std::uint32_t>();
    rule.id = reader.text();
    rule.tag = reader.text();
    rule.pattern = reader.text();
    if (reader.is_short()) break;
    if (!is_possible(rule)) return fail(scan_stored_field, reader.at());
    set.rules_.push_back(std::move(rule));
  }
  static_cast<void>(reader.take((8 - reader.at() % 8) % 8));
  const auto size = reader.number<std::uint64_t>();
  if (reader.is_short() || size > stored.size() - reader.at()) return fail(scan_stored_short, stored.size());
  if (size != stored.size() - reader.at() || size > database_size_max) return fail(scan_stored_field, reader.at());
  if (!set.sort_plain()) return fail(scan_stored_field, reader.at());
  const bool needs_database = set.database_where_ != 0;
  if (needs_database != (size != 0)) return fail(scan_stored_field, reader.at());
  if (!needs_database) return set;
  const std::size_t database_at = reader.at();
  const ByteView database = reader.take(static_cast<std::size_t>(size));
  const hs_error_t loaded = hs_deserialize_database(reinterpret_cast<const char*>(database.data()), database.size(), &set.database_);
  if (loaded == HS_SUCCESS) return set;
  set.database_ = nullptr;
  return loaded == HS_NOMEM ? fail(scan_no_memory, database_at) : fail(scan_stored_platform, database_at);
}

}  // namespace pushmail::scan
