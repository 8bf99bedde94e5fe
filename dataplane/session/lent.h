// Lent bytes that are sent in two pieces: their lender hears of it once, when both pieces are done with.
#pragma once

#include <utility>

#include "dataplane/tcp/stream.h"

namespace pushmail {

/// Gives back what was never handed to a stream.
inline void release_lent(const LentBytes& lent) {
  if (lent.release != nullptr) lent.release(lent.context);
}

/// Bytes that own themselves until they are sent.
[[nodiscard]] inline LentBytes lend_own(Bytes bytes) {
  auto* own = new Bytes(std::move(bytes));
  return {.bytes = *own, .release = [](void* context) { delete static_cast<Bytes*>(context); }, .context = own};
}

/// Two halves of one loan.
[[nodiscard]] inline std::pair<LentBytes, LentBytes> split_lent(LentBytes whole) {
  struct Shared {
    LentBytes whole;
    int left;
  };
  auto* shared = new Shared{.whole = whole, .left = 2};
  const auto release = [](void* context) {
    auto* each = static_cast<Shared*>(context);
    if (--each->left > 0) return;
    release_lent(each->whole);
    delete each;
  };
  const std::size_t half = whole.bytes.size() / 2;
  return {{.bytes = whole.bytes.first(half), .release = release, .context = shared},
          {.bytes = whole.bytes.subspan(half), .release = release, .context = shared}};
}

}  // namespace pushmail
