// What the two flows stand on: the data plane and the fetchers as small seams. main wires them to sockets, tests to fakes.
#pragma once

#include <string_view>

#include "core/contract/fetcher/schema.h"
#include "core/contract/handoff/schema.h"
#include "core/ids.h"
#include "core/record.h"
#include "core/versions.h"

namespace pushmail {

/// The data plane behind its handoff socket.
class DataPlanePort {
 public:
  virtual ~DataPlanePort() = default;
  [[nodiscard]] virtual bool is_ready() const = 0;
  enum class Sent : std::uint8_t { yes, no };
  virtual Sent send(handoff::Kind kind, const ItemId& item, RecordWriter record) = 0;
};

/// The fetcher that takes care of this binding.
class FetcherPort {
 public:
  virtual ~FetcherPort() = default;
  /// False: that fetcher is being restarted; it will be told everything again.
  [[nodiscard]] virtual bool is_up(std::string_view binding) const = 0;
  virtual void send(std::string_view binding, mailbox::Kind kind, const ItemId& item, RecordWriter record) = 0;
};

namespace mailbox {
[[nodiscard]] inline RecordWriter make(Kind kind, const ItemId& item) {
  return {static_cast<std::uint16_t>(kind), versions::mailbox_schema, item};
}
[[nodiscard]] constexpr std::uint16_t tag(Tag t) { return static_cast<std::uint16_t>(t); }
}  // namespace mailbox

}  // namespace pushmail
