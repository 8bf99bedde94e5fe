// One seed: the real Notifier, SmppProtocol and store against a scripted SMSC, by a clock moved by hand, until every SMS has its end.
//
// Checked: no text may show on a phone more than twice; no phone gets more of a kind in an hour than its ceiling; every SMS ends as sent,
// or failed with a reason; where only some texts are bad, every good one is notified; after an end without an answered submit_sm the
// pauses grow; no receipt is taken for words, and no word is lost while the session holds; nothing waits for ever.
#pragma once

#include <cstdint>
#include <string>

namespace pushmail::notify {

struct Outcome {
  std::string failure{};  // empty: all right
  std::uint64_t texts = 0, shown = 0, twice = 0, set_aside = 0, refused = 0, binds = 0, restarts = 0, pdus = 0;
  std::int64_t seconds = 0;  // virtual
};
[[nodiscard]] Outcome simulate(std::uint64_t seed);

}  // namespace pushmail::notify
