// Four-tuple -> what stands for it: open addressing, at most half full, deletion by shifting back (no tombstones, so look-ups stay
// short for ever). Keys are compared by the owner of the values, so a slot is 16 bytes.
//
// Came from: each arriving segment. Goes to: the connection or the TIME-WAIT entry it belongs to.
// Invariant: every entry lies between its home slot (hash & mask) and the first empty slot after it.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "core/endpoint.h"
#include "core/result.h"
#include "core/siphash.h"

namespace pushmail::tcp {

/// A connection's name, seen from us. IPv4 in mapped form, so IPv6 needs no second table.
struct Tuple {
  Endpoint local;
  Endpoint peer;
  bool operator==(const Tuple&) const = default;
};

[[nodiscard]] inline std::uint64_t hash_of(const HashKey& key, const Tuple& tuple) {
  std::array<std::uint8_t, 36> bytes;
  std::memcpy(bytes.data(), tuple.local.ip.bytes.data(), 16);
  std::memcpy(bytes.data() + 16, tuple.peer.ip.bytes.data(), 16);
  store(bytes.data() + 32, tuple.local.port, std::endian::big);
  store(bytes.data() + 34, tuple.peer.port, std::endian::big);
  return siphash(key, bytes);
}

class TupleTable {
 public:
  TupleTable() : slots_(64) {}

  /// The value with this hash that `is_it` recognises.
  template <class IsIt>
  [[nodiscard]] std::optional<std::uint32_t> find(std::uint64_t hash, IsIt is_it) const {
    for (std::size_t at = hash & mask(); slots_[at].used; at = (at + 1) & mask()) {
      if (slots_[at].hash == hash && is_it(slots_[at].value)) return slots_[at].value;
    }
    return std::nullopt;
  }

  void insert(std::uint64_t hash, std::uint32_t value) {
    if ((count_ + 1) * 2 > slots_.size()) grow();
    place(Slot{hash, value, true});
    ++count_;
  }

  void erase(std::uint64_t hash, std::uint32_t value) {
    std::size_t at = hash & mask();
    while (slots_[at].used && slots_[at].value != value) at = (at + 1) & mask();
    PM_CHECK(slots_[at].used);
    // Entries behind the hole move into it unless that would put them before their home.
    for (std::size_t next = (at + 1) & mask(); slots_[next].used; next = (next + 1) & mask()) {
      const std::size_t home = slots_[next].hash & mask();
      if (((next - home) & mask()) >= ((next - at) & mask())) {
        slots_[at] = slots_[next];
        at = next;
      }
    }
    slots_[at] = Slot{};
    --count_;
  }

  [[nodiscard]] std::size_t count() const { return count_; }

 private:
  struct Slot {
    std::uint64_t hash = 0;
    std::uint32_t value = 0;
    bool used = false;
  };

  [[nodiscard]] std::size_t mask() const { return slots_.size() - 1; }

  void place(Slot slot) {
    std::size_t at = slot.hash & mask();
    while (slots_[at].used) at = (at + 1) & mask();
    slots_[at] = slot;
  }
  void grow() {
    std::vector<Slot> old(slots_.size() * 2);
    old.swap(slots_);
    for (const Slot& slot : old) {
      if (slot.used) place(slot);
    }
  }

  std::vector<Slot> slots_;
  std::size_t count_ = 0;
};

}  // namespace pushmail::tcp
