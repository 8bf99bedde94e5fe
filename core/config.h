// Configuration: /etc/pushmail/pushmail.toml and conf.d/*.toml (in order of name), checked against one table of keys.
//
// Every process reads the files itself and uses its own tables; all of them refuse unknown keys, wrong types, missing units and values
// out of range, with file, line, key and rule, before any port opens (exit 78). Sizes and durations carry their unit ("25MiB", "30s").
// The same table makes the sample file and `pushmailctl config check`.
#pragma once

#include <cstdint>
#include <expected>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "core/clock.h"
#include "core/config_key.h"
#include "core/endpoint.h"
#include "core/start_error.h"

namespace pushmail {

/// What a key may have: text of text, word and endpoint; a flag; a number, bytes or milliseconds; the entries of a list.
using ConfigValue = std::variant<std::string, bool, std::int64_t, std::vector<std::string>>;
/// Empty text where a value must be given.
[[nodiscard]] ConfigValue default_of(const ConfigKey& key);

/// The whole table, in the order of the sample file.
[[nodiscard]] std::span<const ConfigKey> config_keys();
/// The row of a key, where `peer.NAME.url` has that of `peer.*.url`, and `bearer.NAME.window` likewise; nothing: there is none.
[[nodiscard]] const ConfigKey* find_key(std::string_view path);
/// The key that says what holds where `bearer.NAME.LEAF` is not given: `notify.LEAF`. Null: of this key none.
[[nodiscard]] const ConfigKey* inherited_key(const ConfigKey& key);
/// `unknown key`, and the one that was meant where there is one like it.
[[nodiscard]] std::string unknown_key_rule(std::string_view path);

struct ConfigError {
  std::string file;
  std::uint32_t line = 0;
  std::string key;
  std::string rule;
  int os = 0;                         // errno of a file that could not be read
  std::vector<ConfigError> others{};  // found in the same reading, in the order of the files; those have none of their own
  /// `file:line: key: rule`, of this one
  [[nodiscard]] std::string message() const;
  /// This one's and the others', one a line.
  [[nodiscard]] std::string messages() const;
  [[nodiscard]] int exit_code() const { return start_exit_code(os); }
};

class Config {
 public:
  /// Reads `<root>/etc/pushmail/pushmail.toml` and `conf.d/*.toml` beside it. `root` empty: the real /etc.
  [[nodiscard]] static std::expected<Config, ConfigError> load(const std::filesystem::path& root);
  /// The same for text that is already read; `file` is only named in errors.
  [[nodiscard]] static std::expected<Config, ConfigError> parse(std::string_view toml, std::string file);

  // Typed values; asking for a key that is not in the table, or by the wrong type, is our own fault and aborts.
  [[nodiscard]] std::string text(std::string_view path) const;  // text and word
  [[nodiscard]] bool flag(std::string_view path) const;
  [[nodiscard]] std::int64_t number(std::string_view path) const;
  [[nodiscard]] std::uint64_t size(std::string_view path) const;  // bytes
  [[nodiscard]] Duration duration(std::string_view path) const;
  [[nodiscard]] Endpoint endpoint(std::string_view path) const;
  [[nodiscard]] std::vector<std::string> texts(std::string_view path) const;  // text_list and network_list
  [[nodiscard]] std::vector<IpNetwork> networks(std::string_view path) const;
  [[nodiscard]] const ConfigValue& value(std::string_view path) const;  // whatever type the key has
  /// False when the key is neither in a file nor has a default.
  [[nodiscard]] bool has(std::string_view path) const;
  /// Whether a file gives the key itself.
  [[nodiscard]] bool is_given(std::string_view path) const { return places_.contains(path); }
  /// `path`, or where no file gives it the key that holds instead.
  [[nodiscard]] std::string inherited(std::string_view path) const;
  /// What a check beyond the key table found, with the place where a file gives the key, else its table; line 0 of the first file when
  /// none does.
  [[nodiscard]] ConfigError error_at(std::string_view path, std::string rule) const;
  /// The same of a `key: rule` that a program cannot start with.
  [[nodiscard]] ConfigError error_of(const StartError& why) const;
  /// Names of the [peer.NAME] tables, in order of name.
  [[nodiscard]] std::vector<std::string> peers() const { return names_of("peer"); }
  /// Names of the [bearer.NAME] tables, in order of name.
  [[nodiscard]] std::vector<std::string> bearers() const { return names_of("bearer"); }
  /// `peer.mmsc1.url`, `peer.mmsc2.url` of the row of `peer.*.url`; of any other row its path.
  [[nodiscard]] std::vector<std::string> paths_of(const ConfigKey& key) const;
  /// `path = value` of everything that differs from its default; secrets are never in the configuration, only their files.
  [[nodiscard]] std::vector<std::pair<std::string, std::string>> changed() const;
  /// The value as people read it, with its unit in the smallest one there is; empty when the key has neither value nor default.
  [[nodiscard]] std::string shown(std::string_view path) const;
  /// The same number for the same values of all keys, whatever files they stand in: which configuration a program runs with.
  [[nodiscard]] std::uint64_t generation() const;

  /// Folders under the root this was loaded from.
  [[nodiscard]] std::filesystem::path state_folder(std::string_view name) const;  // /var/lib/pushmail/<name>
  [[nodiscard]] std::filesystem::path run_folder() const;                         // /run/pushmail

 private:
  [[nodiscard]] const ConfigValue& value(std::string_view path, KeyType type) const;
  /// What is wrong is left out and noted in `errors`.
  void read(std::string_view toml, const std::string& file, std::vector<ConfigError>& errors);
  void complete(std::vector<ConfigError>& errors);
  [[nodiscard]] std::vector<std::string> names_of(std::string_view table) const;
  static std::expected<Config, ConfigError> checked(Config config, std::vector<ConfigError> errors);

  std::filesystem::path root_;
  std::string first_file_;
  struct Place {
    std::string file;
    std::uint32_t line = 0;
  };
  std::map<std::string, ConfigValue, std::less<>> values_;
  std::map<std::string, Place, std::less<>> places_;  // of what a file gives
  std::map<std::string, Place, std::less<>> tables_;  // of the headers, or of a table's first key where it has none
};

/// What keys must say together, and no key alone; above all that something authenticates whoever sends as a [peer.NAME].
/// Config::load and Config::parse ask it, so that no program starts without.
[[nodiscard]] std::vector<ConfigError> check_rules(const Config& config);
/// The peers that nothing authenticates, which the file says in so many words: worth a warning at each start.
[[nodiscard]] std::vector<std::string> open_peers(const Config& config);

/// A time with its unit, as in the configuration: `500ms`, `55s`, `3min`. The text says what is wrong.
[[nodiscard]] std::expected<Duration, std::string> parse_duration(std::string_view text);

/// A commented pushmail.toml with every key and its default.
[[nodiscard]] std::string sample_config();

}  // namespace pushmail
