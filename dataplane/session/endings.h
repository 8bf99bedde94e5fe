// An exchange that ends without its whole answer: what the ending proves, and what is done then. One table for both outgoing protocols.
//
//      our bytes leave ──> the peer's TCP has them ──> the peer answers ──> whole answer
//          |                     |                          |
//          +── unread            +── silent                 +── cut
//
// unread: the peer cannot have taken it. It ended the connection and named what it had (Stream::acknowledged), and that is no byte of the
//         SubmitReq, or not the mail's final dot. It could not answer any more either.
// silent: acknowledged, or ended by a time-out or by a RST that proves nothing, and no byte of an answer: anything may be true. A balancer
//         acknowledges what the MMSC never saw.
// cut:    the answer began, so the peer was at work on it.
#pragma once

#include <array>
#include <cstdint>

#include "core/result.h"
#include "dataplane/tcp/stream.h"

namespace pushmail {

enum class Exchange : std::uint8_t { submit_req, mail };
enum class Ending : std::uint8_t { unread, silent, cut };
/// `reused`: the connection has carried whole exchanges before and said nothing about this one: the peer may just have been closing it.
enum class Use : std::uint8_t { fresh, reused };
/// All tries after the first are made on a new connection with the same bytes, so with the same TransactionID.
enum class Next : std::uint8_t {
  again,                         // nobody can have seen it
  again_marked,                  // once; the result says duplicate_possible
  again_marked_if_deduplicated,  // the same where the peer recognises a TransactionID, else unknown
  not_sent,                      // given back: sending again is safe
  unknown,                       // given back: it may have been taken
};

struct EndingRow {
  Exchange exchange;
  Ending ending;
  Use use;
  Next next;
};

inline constexpr std::array<EndingRow, 12> ending_rows{{
    {Exchange::submit_req, Ending::unread, Use::fresh, Next::again},
    {Exchange::submit_req, Ending::unread, Use::reused, Next::again},
    {Exchange::submit_req, Ending::silent, Use::reused, Next::again_marked},
    {Exchange::submit_req, Ending::silent, Use::fresh, Next::again_marked_if_deduplicated},
    {Exchange::submit_req, Ending::cut, Use::fresh, Next::unknown},
    {Exchange::submit_req, Ending::cut, Use::reused, Next::unknown},
    // A mail is its host's with the final dot (RFC 5321 §4.1.1.4). A host has no way to recognise it, so the relay decides when it goes
    // again; only a kept connection that had died is replaced here.
    {Exchange::mail, Ending::unread, Use::reused, Next::again},
    {Exchange::mail, Ending::unread, Use::fresh, Next::not_sent},
    {Exchange::mail, Ending::silent, Use::fresh, Next::unknown},
    {Exchange::mail, Ending::silent, Use::reused, Next::unknown},
    {Exchange::mail, Ending::cut, Use::fresh, Next::unknown},
    {Exchange::mail, Ending::cut, Use::reused, Next::unknown},
}};

/// How often `again` is obeyed for one request, and for one mail; then it is not_sent, and the relay waits before it tries again.
inline constexpr std::uint32_t submit_req_again_max = 3;
inline constexpr std::uint32_t mail_again_max = 1;

namespace detail {
constexpr bool each_ending_once() {
  for (std::size_t i = 0; i < ending_rows.size(); ++i) {
    for (std::size_t j = i + 1; j < ending_rows.size(); ++j) {
      const EndingRow& a = ending_rows[i];
      const EndingRow& b = ending_rows[j];
      if (a.exchange == b.exchange && a.ending == b.ending && a.use == b.use) return false;
    }
  }
  return true;  // and 2 x 3 x 2 rows: none is missing
}
}  // namespace detail
static_assert(detail::each_ending_once());

[[nodiscard]] constexpr Next next_after(Exchange exchange, Ending ending, Use use) {
  for (const EndingRow& row : ending_rows) {
    if (row.exchange == exchange && row.ending == ending && row.use == use) return row.next;
  }
  check_failed("the table of endings has no such row", "dataplane/session/endings.h", __LINE__);
}

/// Whether the byte at `offset` of what was sent on the connection cannot have reached the peer, and never will.
[[nodiscard]] constexpr bool proves_unread(const Acknowledged& acknowledged, std::uint64_t offset) {
  return acknowledged.is_last && acknowledged.size <= offset;
}

}  // namespace pushmail
