// What was here before: a repeated DeliverReq or report has one effect and gets the same answer (docs/design.md, Once, or marked).
//
// Keys name the peer first. The same TransactionID with another content is another message: real MMSCs reuse ids and send constants.
// Kept for seven days, and bounded: the oldest go first. Rebuilt at start from what the journal still holds.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string_view>

#include "codec/mm7/message.h"
#include "core/bytes.h"
#include "core/clock.h"
#include "core/ids.h"
#include "core/siphash.h"
#include "core/timers.h"

namespace pushmail::relay {

using DigestKey = std::array<std::uint8_t, 16>;

/// SipHash of 128 bits over length-prefixed pieces. Keyed by a secret of this installation: who knows a hash can make two messages that
/// have it in common, and the second would be answered "accepted" and thrown away.
class Digest {
 public:
  explicit Digest(const HashKey& secret) : hash_(secret, SipHash::Length::bits128) {}
  Digest& add(ByteView piece);
  Digest& add(std::string_view piece) { return add(bytes_of(piece)); }
  [[nodiscard]] DigestKey key() const { return hash_.result128(); }

 private:
  SipHash hash_;
};

[[nodiscard]] DigestKey key_of(const HashKey& secret, std::string_view peer, const mm7::DeliverReq& request);
[[nodiscard]] DigestKey key_of(const HashKey& secret, std::string_view peer, const mm7::DeliveryReportReq& request);
/// As a journal record keeps it; empty when the bytes are no key.
[[nodiscard]] std::optional<DigestKey> key_from(ByteView bytes);

class Repeats {
 public:
  struct Entry {
    ItemId item;
    bool durable = false;  // false: the first one has not been answered yet
    mm7::Status status;    // what it was answered
    Timestamp at;
  };
  static constexpr Duration keep = timers::repeats;

  explicit Repeats(std::size_t most = 1'000'000) : most_(most) {}

  [[nodiscard]] const Entry* find(const DigestKey& key, Timestamp now) const;
  void put(const DigestKey& key, Entry entry);
  void make_durable(const DigestKey& key, const mm7::Status& status);
  void forget(const DigestKey& key) { entries_.erase(key); }
  [[nodiscard]] std::size_t size() const { return entries_.size(); }
  /// Stops the program when there are more than may be, or one that will never be forgotten.
  void check() const;

 private:
  std::size_t most_;
  std::map<DigestKey, Entry> entries_;
  std::deque<DigestKey> order_;
};

}  // namespace pushmail::relay
