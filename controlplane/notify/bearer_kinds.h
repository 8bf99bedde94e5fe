// What kinds of bearer there are, and how one is made from its [bearer.NAME]. A new kind is a file beside this one with a class of bearer.h
// and a function that reads its keys, a row of `bearer_kinds`, and its word and keys in core/config_keys.cpp.
//
// Came from: the configuration. Goes to: Notifier, by Settings and Plane.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "codec/sms/receipt.h"
#include "controlplane/notify/bearer.h"
#include "controlplane/notify/smpp_protocol.h"
#include "controlplane/store/durability.h"
#include "core/clock.h"
#include "core/config.h"
#include "core/start_error.h"

namespace boost::asio {
class io_context;
}

namespace pushmail::notify {

/// What a bearer may use; all of it outlives it.
struct BearerParts {
  boost::asio::io_context& context;
  const Clock& clock;
  Durability& durability;  // of the store: what leaves waits for it
  BearerEvents& events;
};
using MakeBearer = std::function<std::unique_ptr<Bearer>(const BearerParts&)>;

struct BearerProfile {
  std::string name{};
  std::string kind{};
  std::int64_t order = 1;                        // Notifier's
  std::optional<sms::IdForm> message_id_form{};  // of receipts; nothing: auto
  MakeBearer make{};
};

/// Reads the keys of one bearer; what is wrong is added to `problems`, and the result is good for nothing then.
using ReadBearer = MakeBearer (*)(const Config& config, std::string_view name, std::vector<StartError>& problems);
struct BearerKind {
  std::string_view word{};  // of `bearer.NAME.kind`
  std::string_view peer{};  // what it is connected to, in `pushmailctl status`, and what it says of it
  std::string_view works{}, fails{};
  ReadBearer read = nullptr;
};

[[nodiscard]] MakeBearer read_smpp_bearer(const Config& config, std::string_view name, std::vector<StartError>& problems);

inline constexpr auto bearer_kinds = std::to_array<BearerKind>({
    {.word = "smpp", .peer = "smsc", .works = "bound", .fails = "not bound", .read = read_smpp_bearer},
});

[[nodiscard]] constexpr const BearerKind& kind_of(std::string_view word) {
  for (const BearerKind& kind : bearer_kinds) {
    if (kind.word == word) return kind;
  }
  check_failed("the configuration has a kind of bearer that has no row", "controlplane/notify/bearer_kinds.h", __LINE__);
}

/// The only bearer of a configuration that has no [bearer.NAME]: it is as [notify] says.
inline constexpr std::string_view only_bearer = "smsc";

/// Every bearer, in order of name.
[[nodiscard]] std::vector<BearerProfile> configured_bearers(const Config& config, std::vector<StartError>& problems);
/// What holds for the SMSC of this bearer: its own keys, and those of [notify] that it does not give.
[[nodiscard]] SmppSettings configured_smpp(const Config& config, std::string_view name, std::vector<StartError>& problems);

}  // namespace pushmail::notify
