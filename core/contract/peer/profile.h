// An MMSC as the control plane configures it and the data plane uses it: one value for each row of core/peer_fields.h.
//
// Came from: [peer.NAME], then a record of the handoff (or the last-known file, which holds the same records). Goes to: who speaks with the
// peer. A value is asked for by the name of its row, and a name that no row has, or one of another type, does not compile:
//
//   profile.text("url")   profile.number("connections_max")   profile.is({"sender", "alias"})
#pragma once

#include <array>
#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "core/clock.h"
#include "core/config.h"
#include "core/peer_fields.h"
#include "core/record.h"

namespace pushmail {

/// Declared only: a constant expression that needs it is none.
void no_such_field_of_a_peer();

/// The row of a field, found while compiling.
template <KeyType... types>
class PeerKey {
 public:
  consteval PeerKey(const char* name) {
    while (row < peer_fields.size() && peer_fields[row].field_name() != name) ++row;
    if (row == peer_fields.size() || ((peer_fields[row].key.type != types) && ...)) no_such_field_of_a_peer();
  }
  std::size_t row = 0;
};
using PeerTextKey = PeerKey<KeyType::text, KeyType::word>;
using PeerListKey = PeerKey<KeyType::text_list, KeyType::network_list>;
using PeerFlagKey = PeerKey<KeyType::flag>;
using PeerNumberKey = PeerKey<KeyType::number>;
using PeerSizeKey = PeerKey<KeyType::size>;
using PeerDurationKey = PeerKey<KeyType::duration>;
using PeerAnyNumberKey = PeerKey<KeyType::number, KeyType::size, KeyType::duration>;

/// A field and one of the words that its row allows.
class PeerWord {
 public:
  consteval PeerWord(PeerKey<KeyType::word> field, const char* of_its) : row(field.row), word(of_its) {
    if (!is_word_of(word, peer_fields[row].key.words)) no_such_field_of_a_peer();
  }
  std::size_t row;
  std::string_view word;
};

class PeerProfile {
 public:
  /// Every value is its row's default; one that must be given is empty.
  explicit PeerProfile(std::string name = {});
  /// What [peer.NAME] gives, with the passwords of its files. Derived fields are not set.
  [[nodiscard]] static std::expected<PeerProfile, StartError> from(const Config& config, std::string name);
  /// What the record gives; what it does not stays at its default, and fields that no row has are passed over.
  [[nodiscard]] static PeerProfile of(const RecordView& record);
  /// A record of handoff::Kind::peer.
  [[nodiscard]] RecordWriter record() const;

  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] const std::string& text(PeerTextKey key) const { return std::get<std::string>(values_[key.row]); }
  [[nodiscard]] bool is(PeerWord one) const { return std::get<std::string>(values_[one.row]) == one.word; }
  [[nodiscard]] const std::vector<std::string>& texts(PeerListKey key) const {
    return std::get<std::vector<std::string>>(values_[key.row]);
  }
  [[nodiscard]] bool flag(PeerFlagKey key) const { return std::get<bool>(values_[key.row]); }
  [[nodiscard]] std::uint64_t number(PeerNumberKey key) const {
    return static_cast<std::uint64_t>(std::get<std::int64_t>(values_[key.row]));
  }
  [[nodiscard]] std::uint64_t size(PeerSizeKey key) const { return static_cast<std::uint64_t>(std::get<std::int64_t>(values_[key.row])); }
  [[nodiscard]] Duration duration(PeerDurationKey key) const { return milliseconds(std::get<std::int64_t>(values_[key.row])); }

  /// Of the row at this position in peer_fields, whatever its type.
  [[nodiscard]] const ConfigValue& value(std::size_t row) const { return values_[row]; }

  void set_text(PeerTextKey key, std::string value) { values_[key.row] = std::move(value); }
  void set_texts(PeerListKey key, std::vector<std::string> value) { values_[key.row] = std::move(value); }
  void set_flag(PeerFlagKey key, bool value) { values_[key.row] = value; }
  /// Bytes of a size, milliseconds of a duration.
  void set_number(PeerAnyNumberKey key, std::uint64_t value) { values_[key.row] = static_cast<std::int64_t>(value); }

 private:
  std::string name_;
  std::array<ConfigValue, peer_fields.size()> values_;
};

}  // namespace pushmail
