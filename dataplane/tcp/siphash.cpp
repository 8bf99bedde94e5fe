#include "dataplane/tcp/siphash.h"

namespace pushmail::tcp {

namespace {

struct Lanes {
  std::uint64_t a, b, c, d;

  void round() {
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
  void absorb(std::uint64_t word) {
    d ^= word;
    round();
    round();
    a ^= word;
  }
};

}  // namespace

std::uint64_t siphash(const HashKey& key, ByteView bytes) {
  const auto k0 = load<std::uint64_t>(key.data(), std::endian::little);
  const auto k1 = load<std::uint64_t>(key.data() + 8, std::endian::little);
  // The four constants are "somepseudorandomlygeneratedbytes" in ASCII.
  Lanes lanes{k0 ^ 0x736f6d6570736575, k1 ^ 0x646f72616e646f6d, k0 ^ 0x6c7967656e657261, k1 ^ 0x7465646279746573};
  std::size_t at = 0;
  for (; at + 8 <= bytes.size(); at += 8) lanes.absorb(load<std::uint64_t>(bytes.data() + at, std::endian::little));
  std::uint64_t last = static_cast<std::uint64_t>(bytes.size()) << 56;
  for (unsigned shift = 0; at < bytes.size(); ++at, shift += 8) last |= static_cast<std::uint64_t>(bytes[at]) << shift;
  lanes.absorb(last);
  lanes.c ^= 0xff;
  for (int i = 0; i < 4; ++i) lanes.round();
  return lanes.a ^ lanes.b ^ lanes.c ^ lanes.d;
}

}  // namespace pushmail::tcp
