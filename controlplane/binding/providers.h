// What mail providers are known to need, by the end of a mailbox's host name: conf/providers.toml, as data.
//
// Came from: the table that is compiled in, or the file that mailbox.providers names, whole. Goes to: the record that tells a fetcher of a
// mailbox (account_record.h), and to Bindings, which asks how many numbers may share a mailbox. An unknown key, a word that is none and a
// host in two rows are errors: a typo must not silently become a default.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <vector>

#include "core/clock.h"
#include "core/contract/fetcher/words.h"

namespace pushmail {

struct Provider {
  std::string name{};
  std::vector<std::string> hosts{};  // lower case
  std::uint64_t connections = 0;     // to one mailbox; 0: unknown
  bool idle = true;
  Duration idle_break{};  // 0: the usual one, as everywhere here
  mailbox::Refresh refresh = mailbox::Refresh::noop;
  Duration refresh_every{};
  bool id = false;
};

class Providers {
 public:
  /// Of nobody anything is known.
  Providers() = default;
  /// built_in_providers(), which a test has read.
  [[nodiscard]] static Providers built_in();
  /// The text names the line and what is wrong with it.
  [[nodiscard]] static std::expected<Providers, std::string> parse(std::string_view toml);

  /// By the longest suffix that fits, without case; what nobody knows is a Provider without a name.
  [[nodiscard]] const Provider& of_host(std::string_view host) const;
  [[nodiscard]] const std::vector<Provider>& all() const { return providers_; }

 private:
  std::vector<Provider> providers_;
};

/// The text of conf/providers.toml, as it was when this was compiled.
[[nodiscard]] std::string_view built_in_providers();

}  // namespace pushmail
