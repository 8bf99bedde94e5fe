#include "dataplane/tcp/syn_cookies.h"

#include <algorithm>

#include "dataplane/tcp/planted.h"

namespace pushmail::tcp {

namespace {
constexpr unsigned period_shift = 30, row_shift = 27;
constexpr std::uint32_t period_mask = 3, row_mask = 7, tag_mask = (1u << row_shift) - 1;
static_assert(SynCookies::mss_rows.size() == row_mask + 1);
static_assert(SynCookies::age_max < period_mask, "two bits must tell the youngest period from the oldest");
}  // namespace

Seq SynCookies::make(std::uint64_t tuple_hash, Seq peer_first, std::uint16_t mss, Instant now) {
  last_period_ = period_of(now);
  made_ = true;
  const auto above = std::upper_bound(mss_rows.begin(), mss_rows.end(), mss);
  const auto row = static_cast<std::uint32_t>(above == mss_rows.begin() ? 0 : above - mss_rows.begin() - 1);
  const auto low_period = static_cast<std::uint32_t>(last_period_) & period_mask;
  return Seq{low_period << period_shift | row << row_shift | tag(tuple_hash, peer_first, last_period_, row)};
}

std::optional<std::uint16_t> SynCookies::mss_of(Seq cookie, std::uint64_t tuple_hash, Seq peer_first, Instant now) const {
  const std::uint64_t current = period_of(now);
  const std::uint32_t age = (static_cast<std::uint32_t>(current) - (cookie.v >> period_shift)) & period_mask;
  if ((age > age_max || age > current) && !planted(Planted::cookie_unchecked)) return std::nullopt;
  const std::uint32_t row = cookie.v >> row_shift & row_mask;
  if ((cookie.v & tag_mask) != tag(tuple_hash, peer_first, current - age, row) && !planted(Planted::cookie_unchecked)) return std::nullopt;
  return mss_rows[row];
}

std::uint32_t SynCookies::tag(std::uint64_t tuple_hash, Seq peer_first, std::uint64_t in_period, std::uint32_t row) const {
  std::array<std::uint8_t, 24> bytes;
  store(bytes.data(), tuple_hash, std::endian::little);
  store(bytes.data() + 8, in_period, std::endian::little);
  store(bytes.data() + 16, peer_first.v, std::endian::little);
  store(bytes.data() + 20, row, std::endian::little);
  return static_cast<std::uint32_t>(siphash(key_, bytes)) & tag_mask;
}

}  // namespace pushmail::tcp
