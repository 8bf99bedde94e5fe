#include "core/siphash.h"

#include <bit>
#include <utility>

#include "core/ids.h"

namespace pushmail {

HashKey new_hash_key() {
  HashKey key;
  fill_random(key);
  return key;
}

void SipHash::Lanes::round() {
  a += b;
  b = std::rotl(b, 13) ^ a;
  a = std::rotl(a, 32);
  c += d;
  d = std::rotl(d, 16) ^ c;
  a += d;
  d = std::rotl(d, 21) ^ a;
  c += b;
  b = std::rotl(b, 17) ^ c;
  c = std::rotl(c, 32);
}

void SipHash::Lanes::absorb(std::uint64_t word) {
  d ^= word;
  round();
  round();
  a ^= word;
}

SipHash::SipHash(const HashKey& key, Length length) {
  const auto k0 = load<std::uint64_t>(key.data(), std::endian::little);
  const auto k1 = load<std::uint64_t>(key.data() + 8, std::endian::little);
  // The four constants are "somepseudorandomlygeneratedbytes" in ASCII.
  lanes_ = {k0 ^ 0x736f6d6570736575, k1 ^ 0x646f72616e646f6d, k0 ^ 0x6c7967656e657261, k1 ^ 0x7465646279746573};
  if (length == Length::bits128) lanes_.b ^= 0xee;
}

void SipHash::add(ByteView bytes) {
  std::size_t at = 0;
  for (; at < bytes.size() && size_ % 8 != 0; ++at) {
    partial_ |= static_cast<std::uint64_t>(bytes[at]) << 8 * (size_ % 8);
    if (++size_ % 8 == 0) lanes_.absorb(std::exchange(partial_, 0));
  }
  for (; at + 8 <= bytes.size(); at += 8, size_ += 8) lanes_.absorb(load<std::uint64_t>(bytes.data() + at, std::endian::little));
  for (; at < bytes.size(); ++at, ++size_) partial_ |= static_cast<std::uint64_t>(bytes[at]) << 8 * (size_ % 8);
}

SipHash::Lanes SipHash::ended() const {
  Lanes lanes = lanes_;
  lanes.absorb(partial_ | size_ << 56);
  return lanes;
}

std::uint64_t SipHash::result64() const {
  Lanes lanes = ended();
  lanes.c ^= 0xff;
  for (int i = 0; i < 4; ++i) lanes.round();
  return lanes.fold();
}

std::array<std::uint8_t, 16> SipHash::result128() const {
  Lanes lanes = ended();
  std::array<std::uint8_t, 16> out;
  lanes.c ^= 0xee;
  for (int i = 0; i < 4; ++i) lanes.round();
  store(out.data(), lanes.fold(), std::endian::little);
  lanes.b ^= 0xdd;
  for (int i = 0; i < 4; ++i) lanes.round();
  store(out.data() + 8, lanes.fold(), std::endian::little);
  return out;
}

std::uint64_t siphash(const HashKey& key, ByteView bytes) {
  SipHash hash(key, SipHash::Length::bits64);
  hash.add(bytes);
  return hash.result64();
}

}  // namespace pushmail
