// SipHash-2-4: a keyed hash of short inputs. Sequence numbers, ports, tables of strangers' addresses and the keys of repeated messages hang
// on its key, so that nobody outside can choose inputs that collide or guess a number (RFC 6528, RFC 6056).
#pragma once

#include <array>
#include <cstdint>

#include "core/bytes.h"

namespace pushmail {

using HashKey = std::array<std::uint8_t, 16>;
/// Drawn anew: for what does not outlive the process.
[[nodiscard]] HashKey new_hash_key();

/// The words of the input one after another; `result64` and `result128` end it. The two lengths have nothing in common but the key.
class SipHash {
 public:
  enum class Length : std::uint8_t { bits64, bits128 };
  SipHash(const HashKey& key, Length length);
  void add(ByteView bytes);
  [[nodiscard]] std::uint64_t result64() const;
  [[nodiscard]] std::array<std::uint8_t, 16> result128() const;

 private:
  struct Lanes {
    std::uint64_t a, b, c, d;
    void round();
    void absorb(std::uint64_t word);
    [[nodiscard]] std::uint64_t fold() const { return a ^ b ^ c ^ d; }
  };
  /// After the last word, which holds the input's length.
  [[nodiscard]] Lanes ended() const;

  Lanes lanes_;
  std::uint64_t size_ = 0;
  std::uint64_t partial_ = 0;  // the size_ % 8 bytes that are no whole word yet
};

[[nodiscard]] std::uint64_t siphash(const HashKey& key, ByteView bytes);

}  // namespace pushmail
