// What the relay is told when it is made, and the steps at which a test may end it.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>

#include "codec/wap/numbering.h"
#include "core/clock.h"
#include "core/contract/worker.h"
#include "core/ids.h"
#include "core/limits.h"
#include "core/siphash.h"
#include "core/timers.h"
#include "dataplane/relay/backoff.h"

namespace pushmail::relay {

/// Steps at which a kill test may stop the process (dataplane/faults.h); the two of the sessions are in session/fault_points.h.
namespace step {
inline constexpr std::string_view append_before_sync = "append_before_sync";
inline constexpr std::string_view sync_before_answer = "sync_before_answer";
inline constexpr std::string_view answer_before_relay = "answer_before_relay";
inline constexpr std::string_view attempt_before_sync = "attempt_before_sync";
inline constexpr std::string_view attempt_before_send = "attempt_before_send";
inline constexpr std::string_view submit_rsp_before_settle = "submit_rsp_before_settle";
}  // namespace step

struct Settings {
  std::string domain;
  wap::Numbering numbering;
  std::uint16_t node = 0;
  WorkerIndex worker{};
  std::uint16_t workers = 1;  // all of this data plane
  RetryPolicy smtp_retry;
  Duration smtp_expire = timers::mail_expire;
  Duration unknown_retry = timers::mail_doubt;  // a mail whose final dot got no reply (RFC 5321 §4.5.4.1)
  RetryPolicy submit_retry{.first = timers::submit_retry.first, .most = timers::submit_retry.most};
  std::map<std::string, RetryPolicy, std::less<>> peer_retry;
  Duration submit_expire = timers::submit_expire;                     // where a submission gives none
  std::map<std::string, std::uint32_t, std::less<>> unbound_senders;  // a minute, of each peer; 600 where it is not named
  std::string postmaster;                                             // where mail to postmaster goes, by smart_host; empty: to the log
  std::string smart_host;                                             // address:port
  Duration admission_time = timers::admission;
  Duration ask_again = timers::route_again;  // a route question without an answer
  std::uint64_t memory_max = limits::item_memory_size_max;
  std::uint64_t recipient_memory_max = 64 * limits::MiB;  // forwarded mails that wait for one phone
  std::uint64_t mail_size_max = limits::mail_size_max;
  HashKey digest_secret = new_hash_key();  // of repeats; one that outlives the process recognises them after a restart
  std::function<std::uint64_t()> random = random_u64;

  [[nodiscard]] const RetryPolicy& submit_retry_of(std::string_view peer) const {
    const auto named = peer_retry.find(peer);
    return named != peer_retry.end() ? named->second : submit_retry;
  }
};

}  // namespace pushmail::relay
