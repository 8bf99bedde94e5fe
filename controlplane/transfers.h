// Mails on their way from a fetcher to the data plane. No body is kept: chunks pass one by one, as the data plane grants credit.
//
//   begin --submission--> data plane
//         --fetch-------> fetcher --chunk--> pass --submission_chunk--> data plane --submission_credit--> credit --> fetcher
//                                 --fetched--> all passed: the item is `converting`
//   a transfer that breaks off, for whatever reason, leaves its item in `requested`, from where it begins again under the same id
//
// Came from: to_phone (begin), the fetchers, the data plane, the clock. Goes to: both of them, and the item's state. Invariants: the last
// chunk of the announced size is held back until the fetcher says that it was the last; whoever broke off, both sides are told.
// Threads: one.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "controlplane/effects.h"
#include "controlplane/ports.h"
#include "controlplane/store/store.h"
#include "core/clock.h"

namespace pushmail {

/// What a fetcher's reason word means for the reader of `item show`.
[[nodiscard]] std::string explain_fetch(std::string_view word, const Binding& binding);

class Transfers {
 public:
  struct Ports {
    Store& store;
    const Clock& clock;
    DataPlanePort& data_plane;
    FetcherPort& fetchers;
  };
  explicit Transfers(Ports ports) : ports_(std::move(ports)) {}

  [[nodiscard]] std::size_t count() const { return transfers_.size(); }
  [[nodiscard]] bool has_room() const;
  [[nodiscard]] bool contains(const ItemId& id) const { return transfers_.contains(id); }

  /// Offers this mail, whose item is `fetching`, to the data plane, and has it fetched. `submission` describes it (submission.h).
  void begin(const Item& item, RecordWriter submission);
  void on_credit(const RecordView& record);
  void on_chunk(const RecordView& record);
  [[nodiscard]] Effects on_fetched(const RecordView& record);
  [[nodiscard]] Effects on_fetch_failed(const RecordView& record);

  enum class Retry : std::uint8_t { at_once, backing_off, late };  // at once: it was nobody's fault, and does not count
  /// Ends the transfer, if there is one; the item, which need not have had one, is `requested` again.
  void break_off(const ItemId& id, std::string reason, Retry retry);
  /// The same, at once, for every transfer whose binding is one of these.
  template <typename IsOne>
  void break_off_all(const IsOne& is_one, std::string_view reason) {
    break_off_each([&](const Transfer& transfer) { return is_one(std::string_view(transfer.binding)); }, reason, Retry::at_once);
  }
  /// Breaks off what stands still. Call every second or so.
  void tick();

  /// Nobody waits for the rest: the fetcher stops. Nothing becomes of the item.
  void forget(const ItemId& id);
  /// Moreover the data plane drops what it has of it, unless it is being sent.
  void withdraw(const ItemId& id);
  /// The data plane has the whole mail: it ends the item, unless it is being sent, and says so.
  void take_back(const ItemId& id);
  /// After a restart nothing of before is under way.
  void clear() { transfers_.clear(); }

 private:
  struct Transfer {
    std::string binding{};
    std::uint64_t size = 0;              // announced to the data plane; 0: it was less than the server sends
    std::uint64_t passed = 0;            // bytes given to the data plane
    std::optional<RecordWriter> last{};  // the chunk that completes the size, as it is passed on, waits for `fetched`
    std::uint64_t held = 0;              // bytes of it
    Instant progress{};
  };
  template <typename IsOne>
  void break_off_each(const IsOne& is_one, std::string_view reason, Retry retry) {
    std::vector<ItemId> broken;
    for (const auto& [id, transfer] : transfers_) {
      if (is_one(transfer)) broken.push_back(id);
    }
    for (const ItemId& id : broken) break_off(id, std::string(reason), retry);
  }
  [[nodiscard]] bool pass(const ItemId& id, Transfer& transfer, RecordWriter chunk, std::uint64_t size);
  void grant(const ItemId& id, Transfer& transfer, std::uint64_t chunks);
  void size_was_wrong(const ItemId& id, std::uint64_t real_size);
  [[nodiscard]] Result<void> write_fetched(const ItemId& id, std::uint64_t size);
  void send_withdrawn(const ItemId& id);

  Ports ports_;
  std::map<ItemId, Transfer> transfers_;
};

}  // namespace pushmail
