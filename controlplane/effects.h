// What follows elsewhere from what one part of the plane did: returned by the part when its change is in the store, and carried out by the
// switchboard alone (switchboard.cpp, carry_out), which says for each field who does what.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "controlplane/store/item_life.h"
#include "controlplane/store/store.h"

namespace pushmail {

/// An item whose mail the mailbox does not give, however often it is asked; the item has not ended yet.
struct NotFetched {
  Item item;
  ItemEvent event;  // that ends it
  std::string reason;
};

/// In the order in which they are carried out.
struct Effects {
  std::vector<ItemId> over{};             // nobody waits for the rest of this mail
  std::vector<Item> withdrawn{};          // ended here: the data plane, which may have it, drops it
  std::vector<ItemId> taken_back{};       // the data plane has it whole: it ends it unless it has begun to send it, and says so
  std::vector<Item> refused{};            // ended here: the data plane is told where it waits for the word
  std::vector<std::string> news_lost{};   // bindings: what the fetcher reported could not be stored
  bool sms_queued = false;                // a text waits in the store
  std::vector<NotFetched> not_fetched{};  // to be ended
  std::vector<Binding> changed{};         // the phone stopped or started it
  std::vector<Item> requested{};          // to be fetched; of a forwarded mail, the data plane waits for the word
  bool fetch = false;                     // what is requested already may be fetched now
};

/// Runs `body`, which returns a Result, in one transaction. Its value, or why nothing was written.
template <typename Body>
[[nodiscard]] auto in_one_write(Store& store, Body&& body) -> decltype(body()) {
  std::optional<typename decltype(body())::value_type> value;
  const auto done = store.write([&]() -> Result<void> {
    auto result = body();
    if (!result) return std::unexpected(result.error());
    value = std::move(*result);
    return {};
  });
  if (!done) return std::unexpected(done.error());
  return std::move(*value);
}

}  // namespace pushmail
