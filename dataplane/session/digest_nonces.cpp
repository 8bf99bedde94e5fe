#include "dataplane/session/digest_nonces.h"

#include <fmt/format.h>

#include "core/ascii.h"
#include "core/bytes.h"
#include "dataplane/session/basic_auth.h"

namespace pushmail {

namespace {

constexpr std::size_t number_size = 16;             // hexadecimal digits of 64 bits
constexpr std::size_t head_size = 2 * number_size;  // when it was made, and its serial
constexpr std::uint32_t window = 64;

}  // namespace

std::string DigestNonces::seal_of(std::string_view head) const {
  SipHash hash(secret_, SipHash::Length::bits128);
  hash.add(bytes_of(head));
  return to_hex(hash.result128());
}

std::string DigestNonces::make(Instant now) {
  const std::string head = fmt::format("{:016x}{:016x}", static_cast<std::uint64_t>(now.ns), ++last_serial_);
  return head + seal_of(head);
}

bool DigestNonces::use(std::string_view nonce, std::uint32_t count, Instant now) {
  if (nonce.size() <= head_size || count == 0) return false;
  const std::string_view head = nonce.substr(0, head_size);
  if (!equal_in_constant_time(nonce.substr(head_size), seal_of(head))) return false;
  const auto made = parse_number<std::uint64_t>(head.substr(0, number_size), 16);
  const auto serial = parse_number<std::uint64_t>(head.substr(number_size), 16);
  if (!made || !serial) return false;
  const auto is_old = [&](Instant from) { return now - from > timers::digest_nonce; };
  while (!used_.empty() && is_old(used_.begin()->second.made)) used_.erase(used_.begin());
  const Instant made_at{.ns = static_cast<std::int64_t>(*made)};
  if (is_old(made_at)) return false;
  auto found = used_.find(*serial);
  if (found == used_.end()) {
    if (*serial <= forgotten_) return false;
    found = used_.emplace(*serial, Used{.made = made_at}).first;
  }
  Used& used = found->second;
  bool is_new = count > used.highest;
  if (is_new) {
    const std::uint32_t ahead = count - used.highest;
    used.seen = (ahead < window ? used.seen << ahead : 0) | 1;
    used.highest = count;
  } else if (const std::uint32_t behind = used.highest - count; behind < window) {
    const std::uint64_t bit = std::uint64_t{1} << behind;
    is_new = (used.seen & bit) == 0;
    used.seen |= bit;
  }
  if (used_.size() > kept_max) {
    forgotten_ = used_.begin()->first;
    used_.erase(used_.begin());
  }
  return is_new;
}

}  // namespace pushmail
