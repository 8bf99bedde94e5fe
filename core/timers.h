// The waits of the programs, one table for each plane; `pushmailctl timer list` prints them. Where a key of the configuration sets one, its
// row names the key and has the key's default. A wait that grows is doubled from `first` up to `most`.
//
//   if (now - transfer.progress > timers::transfer_stall) ...
//   item.retry_at = {now.us + doubled(timers::fetch_retry, item.attempts).us()};
#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <string_view>

#include "core/clock.h"

namespace pushmail {

struct Timer {
  std::string_view name;
  std::string_view who;
  Duration first;
  Duration most;  // as `first` where it does not grow
  std::string_view what;
  std::uint8_t jitter_percent = 0;  // of the wait, drawn at random

  constexpr operator Duration() const { return first; }
  [[nodiscard]] constexpr std::int64_t us() const { return first.us(); }
  [[nodiscard]] constexpr std::chrono::nanoseconds chrono() const { return std::chrono::nanoseconds(first.ns); }
};

/// The wait after `times` doublings of the first, which is at most `most` unless the first is longer.
[[nodiscard]] constexpr Duration doubled(Duration first, Duration most, std::uint32_t times) {
  std::int64_t wait = std::max<std::int64_t>(first.ns, 1);
  for (std::uint32_t n = 0; n < times && wait < most.ns; ++n) wait *= 2;
  return {std::min(wait, std::max(most.ns, first.ns))};
}
[[nodiscard]] constexpr Duration doubled(const Timer& timer, std::uint32_t times) { return doubled(timer.first, timer.most, times); }

/// `longest`, of which `percent` are drawn by `random` (any number), so that what failed together does not come back together.
[[nodiscard]] constexpr Duration with_jitter(Duration longest, std::uint8_t percent, std::uint64_t random) {
  const std::int64_t drawn = longest.ns / 100 * percent + longest.ns % 100 * percent / 100;
  return {longest.ns - drawn + static_cast<std::int64_t>(random % static_cast<std::uint64_t>(drawn + 1))};
}

namespace timers {

namespace detail {
constexpr Timer one(std::string_view name, std::string_view who, Duration wait, std::string_view what) {
  return {name, who, wait, wait, what};
}
constexpr Timer growing(std::string_view name, std::string_view who, Duration first, Duration most, std::string_view what,
                        std::uint8_t jitter_percent = 0) {
  return {name, who, first, most, what, jitter_percent};
}
constexpr Duration minutes(std::int64_t n) { return seconds(60 * n); }
constexpr Duration hours(std::int64_t n) { return seconds(3600 * n); }
constexpr Duration days(std::int64_t n) { return hours(24 * n); }
}  // namespace detail

// ---- control plane and fetcher

inline constexpr Timer plane_tick = detail::one("plane_tick", "plane", seconds(1), "what waits by the clock is looked at");
inline constexpr Timer peers_resolve = detail::one("peers_resolve", "plane", seconds(10), "peers given by name are resolved anew");
inline constexpr Timer transfer_stall =
    detail::one("transfer_stall", "transfers", detail::minutes(3), "a mail of which nothing came is fetched again");
inline constexpr Timer after_hello =
    detail::one("after_hello", "to_phone", milliseconds(500), "outcomes of before the break arrive before mails are fetched again");
inline constexpr Timer fetch_retry =
    detail::growing("fetch_retry", "transfers", seconds(5), detail::hours(1), "a fetch that broke off begins again");
inline constexpr Timer mark_retry =
    detail::growing("mark_retry", "marks", seconds(30), detail::hours(6), "a delivered mail is marked again");
inline constexpr Timer item_ends =
    detail::one("item_ends", "reports", seconds(30), "ends of items (code, expiry, no report) are looked at");
inline constexpr Timer announcements = detail::one("announcements", "asking", seconds(5), "phones whose mails wait are looked at");
inline constexpr Timer no_report =
    detail::one("no_report", "reports", detail::days(1), "after its expiry, an MM without a report is unconfirmed");
inline constexpr Timer suspended_retry = detail::one("suspended_retry", "to_phone", detail::minutes(10),
                                                     "a mail of a suspended binding is looked at, in case nobody says that it was resumed");
inline constexpr Timer burst_over = detail::one("burst_over", "asking", seconds(10), "a burst of mails is over, and can be counted");
inline constexpr Timer doubt_usual =
    detail::one("doubt_usual", "in_doubt", detail::minutes(10), "a submission in doubt waits for its report, until the peer is known");
inline constexpr Timer doubt = detail::growing("doubt", "in_doubt", detail::minutes(2), detail::hours(6),
                                               "the same, of a known peer: twice the 95th percentile, within these bounds");
inline constexpr Timer health_window = detail::one("health_window", "peer_health", detail::days(7), "reports are counted so far back");
inline constexpr Timer report_grace = detail::one("report_grace", "peer_health", detail::minutes(30), "a report may take so long");
inline constexpr Timer sms_deferred =
    detail::growing("sms_deferred", "notify", seconds(5), detail::hours(1), "an SMS that the SMSC puts off is sent again");
inline constexpr Timer sms_end = detail::one("sms_end", "notify", detail::days(1), "an SMS that never got through is given up");
inline constexpr Timer sms_doubt = detail::one("sms_doubt", "notify", detail::minutes(2), "an SMS in doubt is sent once more");
inline constexpr Timer sms_alone =
    detail::one("sms_alone", "notify", detail::minutes(1), "after a break at a doubtful SMS the others go first");
inline constexpr Timer receipt_early =
    detail::one("receipt_early", "notify", detail::minutes(10), "a receipt that came before its response waits for it");
inline constexpr Timer part_begins =
    detail::one("part_begins", "notify", milliseconds(1500), "a part that began nothing known waits for the first one");
inline constexpr Timer part_missing =
    detail::one("part_missing", "notify", detail::minutes(1), "a message of which a part is missing is read as it is");
inline constexpr Timer part_late =
    detail::one("part_late", "notify", detail::minutes(10), "a part that comes so late still belongs to its message");
inline constexpr Timer answer_usual =
    detail::one("answer_usual", "smpp", seconds(5), "a submit_sm without an answer gives its place in the window to others");
inline constexpr Timer unbind = detail::one("unbind", "smpp", seconds(2), "at the end, unbind_resp is waited for");
inline constexpr Timer enquire_answer =
    detail::one("enquire_answer", "smpp", seconds(5), "enquire_link_resp is waited for at least so long");
inline constexpr Timer smpp_response = detail::one("smpp_response", "smpp", detail::minutes(1), "a response is waited for");
inline constexpr Timer smpp_throttled =
    detail::growing("smpp_throttled", "smpp", seconds(1), detail::minutes(1), "after a refusal for now, nothing is submitted");
inline constexpr Timer smpp_rebind =
    detail::growing("smpp_rebind", "smpp", seconds(1), detail::minutes(1), "after a lost session, bind again", 50);
inline constexpr Timer smpp_stable = detail::one("smpp_stable", "smpp", detail::minutes(5), "a session that held so long was a good one");
inline constexpr Timer code_fresh =
    detail::one("code_fresh", "store", detail::minutes(10), "a person answers an SMS that just came: its code is taken from nobody");
inline constexpr Timer suffix_rest = detail::one("suffix_rest", "store", detail::days(30), "a suffix is not given to another thread");
inline constexpr Timer help_window =
    detail::one("help_window", "retrieve", detail::hours(1), "help texts to a phone are counted so far back");
inline constexpr Timer trial_answer = detail::one("trial_answer", "account_trials", seconds(25), "a new binding's log-in is tried");
inline constexpr Timer certificate_ends =
    detail::one("certificate_ends", "status", detail::days(30), "a certificate that ends sooner is named in the status");
inline constexpr Timer reload_data_plane =
    detail::one("reload_data_plane", "reloading", seconds(20), "the data plane says what came of reading its files again");
inline constexpr Timer reload_fetchers =
    detail::one("reload_fetchers", "reloading", seconds(5), "the fetchers say the same; below what pushmailctl waits for");
inline constexpr Timer fetcher_restart =
    detail::growing("fetcher_restart", "fetchers", milliseconds(100), milliseconds(3200), "a fetcher that died is started again");
inline constexpr Timer fetcher_steady =
    detail::one("fetcher_steady", "fetchers", seconds(10), "a fetcher that lived so long was a good one");
inline constexpr Timer watch_again =
    detail::one("watch_again", "mailboxes", seconds(5), "a mailbox that could not be watched is tried again");
inline constexpr Timer host_resolve = detail::one("host_resolve", "mailboxes", detail::minutes(1), "a mail server's name is resolved anew");
inline constexpr Timer api_silence = detail::one("api_silence", "api", seconds(30), "a client that says nothing is closed");
inline constexpr Timer api_drain =
    detail::one("api_drain", "api", seconds(20), "at the end, requests under way may be answered: below TimeoutStopSec of the units");
inline constexpr Timer api_accept = detail::one("api_accept", "api", milliseconds(100), "after a failed accept");
inline constexpr Timer status_silence =
    detail::one("status_silence", "status", seconds(10), "a reader of metrics that says nothing is closed");
inline constexpr Timer status_listen = detail::one("status_listen", "status", seconds(5), "a port that is taken is tried again");
inline constexpr Timer launcher_accept = detail::one("launcher_accept", "launcher", seconds(1), "after a failed accept");
inline constexpr Timer handoff_again =
    detail::one("handoff_again", "handoff_client", milliseconds(200), "a data plane that is away is tried again");
inline constexpr Timer handoff_take_over =
    detail::one("handoff_take_over", "handoff_client", seconds(5), "the same, while it serves another control plane");
inline constexpr Timer fetcher_ending = detail::one("fetcher_ending", "fetcher", seconds(2), "at the end, servers may answer LOGOUT");
inline constexpr Timer mailbox_connect = detail::one("mailbox_connect", "fetcher", seconds(20), "a mail server accepts and greets");
inline constexpr Timer mailbox_command = detail::one("mailbox_command", "fetcher", detail::minutes(1), "a mail server answers a command");
inline constexpr Timer idle_reissue =
    detail::one("idle_reissue", "fetcher", detail::minutes(9), "IDLE is said again (RFC 2177: before 29 min)");
inline constexpr Timer unseen_news =
    detail::growing("unseen_news", "fetcher", seconds(5), seconds(40), "news that the search did not show is looked for again, four times");
inline constexpr Timer idle_pause = detail::one("idle_pause", "fetcher", milliseconds(500), "between two looks that IDLE caused");
inline constexpr Timer mailbox_refresh =
    detail::one("mailbox_refresh", "fetcher", detail::minutes(1), "mode idle at a server without IDLE: NOOP");
inline constexpr Timer mailbox_linger =
    detail::one("mailbox_linger", "fetcher", seconds(5), "a session of mode poll waits for the next command");
inline constexpr Timer self_poll = detail::one("self_poll", "fetcher", detail::minutes(5), "mode idle without a descriptor to stay");
inline constexpr Timer fetch_credit = detail::one("fetch_credit", "fetcher", detail::minutes(10), "a fetch waits for the data plane");
inline constexpr Timer mailbox_retry =
    detail::growing("mailbox_retry", "fetcher", seconds(1), detail::minutes(5), "after a failed session, log in again", 50);
inline constexpr Timer mailbox_refused =
    detail::growing("mailbox_refused", "fetcher", detail::hours(1), detail::days(1),
                    "after a refused password; the first is the most after a refusal without a reason", 50);
inline constexpr Timer fetch_patience =
    detail::one("fetch_patience", "fetcher", seconds(10), "a fetch waits for the end of a pause, else it goes back");
inline constexpr Timer mail_again =
    detail::growing("mail_again", "fetcher", seconds(2), seconds(4), "a mail that was not handed out is asked for again");
inline constexpr Timer mailbox_steady =
    detail::one("mailbox_steady", "fetcher", detail::minutes(5), "a session that lived so long was no failure");

inline constexpr auto of_control_plane = std::to_array<Timer>({
    plane_tick,        peers_resolve,   transfer_stall,  after_hello,    fetch_retry,     mark_retry,     item_ends,
    announcements,     no_report,       suspended_retry, burst_over,     doubt_usual,     doubt,          health_window,
    report_grace,      sms_deferred,    sms_end,         sms_doubt,      sms_alone,       receipt_early,  part_begins,
    part_missing,      part_late,       answer_usual,    unbind,         enquire_answer,  smpp_response,  smpp_throttled,
    smpp_rebind,       smpp_stable,     code_fresh,      suffix_rest,    help_window,     trial_answer,   certificate_ends,
    reload_data_plane, reload_fetchers, fetcher_restart, fetcher_steady, watch_again,     host_resolve,   api_silence,
    api_drain,         api_accept,      status_silence,  status_listen,  launcher_accept, handoff_again,  handoff_take_over,
    fetcher_ending,    mailbox_connect, mailbox_command, idle_reissue,   unseen_news,     idle_pause,     mailbox_refresh,
    mailbox_linger,    self_poll,       fetch_credit,    mailbox_retry,  mailbox_refused, fetch_patience, mail_again,
    mailbox_steady,
});

// ---- data plane

inline constexpr Timer tcp_retransmission = detail::growing(
    "tcp_retransmission", "tcp", seconds(1), seconds(60), "a segment without an acknowledgement is sent again (RFC 6298), at least 200 ms");
inline constexpr Timer tcp_challenge = detail::one("tcp_challenge", "tcp", milliseconds(50), "between two challenge ACKs (RFC 5961 §7)");
inline constexpr Timer tcp_time_wait = detail::one("tcp_time_wait", "tcp", seconds(60), "a closed connection is remembered");
inline constexpr Timer tcp_delayed_ack =
    detail::one("tcp_delayed_ack", "tcp", milliseconds(40), "an acknowledgement waits for something to say");
inline constexpr Timer syn_cookie = detail::one("syn_cookie", "tcp", seconds(32), "a SYN cookie's secret changes");
inline constexpr Timer flood_quiet = detail::one("flood_quiet", "tcp", detail::minutes(1), "without a cookie a flood is over");
inline constexpr Timer neighbour_ask = detail::one("neighbour_ask", "tcp", seconds(1), "a neighbour is asked for again (ARP, NDP)");
inline constexpr Timer neighbour_fresh = detail::one("neighbour_fresh", "tcp", seconds(30), "a neighbour's address is believed");
inline constexpr Timer kernel_accept = detail::one("kernel_accept", "tcp", milliseconds(100), "after a failed accept of the kernel link");
inline constexpr Timer worker_sleep = detail::one("worker_sleep", "worker", milliseconds(100), "an idle worker looks at its deadlines");
inline constexpr Timer manager_notified =
    detail::one("manager_notified", "io_thread", seconds(1), "the service manager is told that the worker makes its turns");
inline constexpr Timer drain =
    detail::one("drain", "worker", seconds(20), "at the end, what is under way may be finished: below TimeoutStopSec of the units");
inline constexpr Timer link_counters = detail::one("link_counters", "worker", seconds(1), "counters of port and stack are published");
inline constexpr Timer journal_room = detail::one("journal_room", "journal", seconds(1), "a full disk is tried again");
inline constexpr Timer journal_proof = detail::one("journal_proof", "journal", seconds(1), "a last batch is proved by a record of its own");
inline constexpr Timer journal_busy = detail::one("journal_busy", "journal", seconds(30), "a kernel that takes no write ends the program");
inline constexpr Timer handoff_silence = detail::one("handoff_silence", "handoff", seconds(30),
                                                     "a control plane that reads and says nothing meanwhile gives its place to another");
inline constexpr Timer handoff_accept = detail::one("handoff_accept", "handoff", seconds(1), "after a failed accept");
inline constexpr Timer session_linger = detail::one("session_linger", "session", seconds(5), "after our FIN the peer's is waited for");
inline constexpr Timer session_idle =
    detail::one("session_idle", "session", detail::minutes(5), "a connection without a request is closed (RFC 5321 §4.5.3.2.7)");
inline constexpr Timer message_time = detail::one("message_time", "session", detail::minutes(10), "a message arrives whole");
inline constexpr Timer session_check = detail::one("session_check", "session", milliseconds(100), "deadlines are looked at");
inline constexpr Timer http_head = detail::one("http_head", "session", seconds(60), "a request's head arrives whole");
inline constexpr Timer http_retry_after = detail::one("http_retry_after", "session", seconds(10), "Retry-After of a 503");
inline constexpr Timer digest_nonce =
    detail::one("digest_nonce", "session", detail::minutes(5), "a nonce that we gave may be answered (RFC 7616 §3.3)");
// A client that does not wait for us writes right behind its handshake, so its first bytes are here by then, whatever the round trip.
inline constexpr Timer smtp_greeting = detail::one("smtp_greeting", "session", milliseconds(5), "who speaks before our greeting is found");
inline constexpr Timer smtp_line = detail::one("smtp_line", "session", seconds(60), "a command arrives whole");
inline constexpr Timer smtp_answer =
    detail::one("smtp_answer", "session", seconds(240), "the relay answers, else 451: below the client's 5 minutes");
inline constexpr Timer http_connect = detail::one("http_connect", "session", seconds(10), "an MMSC accepts");
inline constexpr Timer tls_handshake = detail::one("tls_handshake", "session", seconds(10), "both sides agree on TLS");
inline constexpr Timer http_answer = detail::one("http_answer", "session", seconds(60), "an MMSC answers");
inline constexpr Timer http_keep = detail::one("http_keep", "session", seconds(15), "an idle connection may be used again");
inline constexpr Timer smtp_connect = detail::one("smtp_connect", "session", seconds(30), "a smart host accepts");
inline constexpr Timer smtp_keep = detail::one("smtp_keep", "session", seconds(5), "an idle connection says QUIT");
inline constexpr Timer login_rest =
    detail::growing("login_rest", "session", detail::minutes(1), detail::minutes(30), "a smart host that refused our log-in is left alone");
inline constexpr Timer reopen = detail::one("reopen", "session", seconds(1), "after a refused connection");
inline constexpr Timer close_follows =
    detail::one("close_follows", "session", seconds(1), "a peer that closes later than this closes idle connections");
inline constexpr Timer request_limit = detail::growing("request_limit", "session", detail::minutes(10), detail::hours(6),
                                                       "a peer that closed unannounced gets no more requests on a connection");
inline constexpr Timer overload_rest = detail::one("overload_rest", "session", seconds(30), "a limit that was halved rests");
inline constexpr Timer overload_once = detail::one("overload_once", "session", seconds(1), "one trouble of a peer halves once");
inline constexpr Timer passed_over =
    detail::growing("passed_over", "session", seconds(2), seconds(10), "an exchange that waits so long holds no place");
inline constexpr Timer submit_retry = detail::growing("submit_retry", "relay", seconds(5), detail::minutes(5),
                                                      "a submission is tried again (peer.*.retry_first, retry_most)", 25);
inline constexpr Timer mail_retry =
    detail::growing("mail_retry", "relay", seconds(5), detail::minutes(10), "a mail is sent again (smtp.retry_first, retry_most)", 25);
inline constexpr Timer mail_doubt =
    detail::one("mail_doubt", "relay", detail::minutes(30),
                "a mail whose final dot got no reply is sent again (RFC 5321 §4.5.4.1; smtp.unknown_retry)");
inline constexpr Timer mail_expire = detail::one("mail_expire", "relay", detail::days(5), "a mail is given up (smtp.expire)");
inline constexpr Timer submit_expire =
    detail::one("submit_expire", "relay", detail::days(3), "a submission is given up where it says nothing");
inline constexpr Timer admission = detail::one("admission", "relay", seconds(2), "the control plane says who may send, else later");
inline constexpr Timer route_again = detail::one("route_again", "relay", seconds(30), "a route without an answer is asked for again");
inline constexpr Timer repeats = detail::one("repeats", "relay", detail::days(7), "a peer's repeat is recognised");

inline constexpr auto of_data_plane = std::to_array<Timer>({
    tcp_retransmission,
    tcp_challenge,
    tcp_time_wait,
    tcp_delayed_ack,
    syn_cookie,
    flood_quiet,
    neighbour_ask,
    neighbour_fresh,
    kernel_accept,
    worker_sleep,
    manager_notified,
    drain,
    link_counters,
    journal_room,
    journal_proof,
    journal_busy,
    handoff_silence,
    handoff_accept,
    session_linger,
    session_idle,
    message_time,
    session_check,
    http_head,
    http_retry_after,
    digest_nonce,
    smtp_greeting,
    smtp_line,
    smtp_answer,
    http_connect,
    tls_handshake,
    http_answer,
    http_keep,
    smtp_connect,
    smtp_keep,
    login_rest,
    reopen,
    close_follows,
    request_limit,
    overload_rest,
    overload_once,
    passed_over,
    submit_retry,
    mail_retry,
    mail_doubt,
    mail_expire,
    submit_expire,
    admission,
    route_again,
    repeats,
});

/// What a table of timers must be: each name once, no wait of nothing, none that grows downwards.
template <typename Timers>
[[nodiscard]] consteval bool are_sound(const Timers& timers) {
  for (std::size_t i = 0; i < timers.size(); ++i) {
    if (timers[i].first.ns <= 0 || timers[i].most < timers[i].first || timers[i].what.empty() || timers[i].who.empty()) return false;
    for (std::size_t k = 0; k < i; ++k) {
      if (timers[i].name == timers[k].name) return false;
    }
  }
  return true;
}
static_assert(are_sound(of_control_plane));
static_assert(are_sound(of_data_plane));

}  // namespace timers
}  // namespace pushmail
