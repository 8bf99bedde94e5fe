// What peers do, as tables: the deeds of an MMSC with a SubmitReq, and of a mail server with a mail. A seed draws from them by weight.
//
// `takes` is the truth outside pushmail: whether the peer has the message now, whatever it says or does not say about it.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "dataplane/tcp/sim_link.h"
#include "dataplane/tcp/stream.h"

namespace pushmail::edge {

enum class Takes : std::uint8_t { no, yes, drawn };

/// When the peer acts: as soon as the request begins, in the middle of it, or when it is there whole.
enum class Moment : std::uint8_t { first_byte, whole };

/// How the connection goes on after the deed.
enum class Then : std::uint8_t { keep, finish, reset, silence };
/// Does it; `keep` and `silence` are for whoever reads.
inline void go_on(Stream& stream, Then then) {
  if (then == Then::finish) stream.finish();
  if (then == Then::reset) stream.abort();
}

/// What is sent before that.
enum class Says : std::uint8_t {
  success,
  success_without_id,
  success_of_another,
  half_success,
  nothing,
  empty_200,
  no_content_204,
  html_200,
  busy,
  unavailable_503,
  refused,
};

struct MmscDeed {
  std::string_view name;
  Moment moment;
  Takes takes;
  Says says;
  Then then;
  std::uint32_t weight;
};

inline constexpr auto mmsc_deeds = std::to_array<MmscDeed>({
    {"answers", Moment::whole, Takes::yes, Says::success, Then::keep, 40},
    {"answers and finishes at once", Moment::whole, Takes::yes, Says::success, Then::finish, 6},
    {"answers and resets at once", Moment::whole, Takes::yes, Says::success, Then::reset, 3},
    {"answers without MessageID", Moment::whole, Takes::yes, Says::success_without_id, Then::keep, 3},
    {"answers another transaction", Moment::whole, Takes::drawn, Says::success_of_another, Then::keep, 2},
    {"answers half and finishes", Moment::whole, Takes::drawn, Says::half_success, Then::finish, 3},
    {"answers half and resets", Moment::whole, Takes::drawn, Says::half_success, Then::reset, 3},
    {"answers half and falls silent", Moment::whole, Takes::drawn, Says::half_success, Then::silence, 2},
    {"reads and finishes", Moment::whole, Takes::drawn, Says::nothing, Then::finish, 4},
    {"reads and resets", Moment::whole, Takes::drawn, Says::nothing, Then::reset, 4},
    {"reads and falls silent", Moment::whole, Takes::drawn, Says::nothing, Then::silence, 3},
    {"a balancer finishes", Moment::first_byte, Takes::no, Says::nothing, Then::finish, 3},
    {"a balancer resets", Moment::first_byte, Takes::no, Says::nothing, Then::reset, 3},
    {"a balancer falls silent", Moment::first_byte, Takes::no, Says::nothing, Then::silence, 2},
    {"200 with nothing", Moment::whole, Takes::drawn, Says::empty_200, Then::keep, 2},
    {"204", Moment::whole, Takes::drawn, Says::no_content_204, Then::keep, 2},
    {"200 with a page", Moment::whole, Takes::drawn, Says::html_200, Then::keep, 2},
    {"4006", Moment::whole, Takes::no, Says::busy, Then::keep, 3},
    {"503", Moment::whole, Takes::no, Says::unavailable_503, Then::keep, 3},
    {"3002", Moment::whole, Takes::no, Says::refused, Then::keep, 1},
});
/// A well-behaved peer.
inline constexpr MmscDeed calm_mmsc = mmsc_deeds.front();

/// Where in the dialogue a mail server acts.
enum class SmtpMoment : std::uint8_t { greeting, mail, data, body_begun, dot };

struct HostDeed {
  std::string_view name;
  SmtpMoment moment;
  Takes takes;
  std::string_view reply;  // empty: none
  Then then;
  std::uint32_t weight;
};

inline constexpr auto host_deeds = std::to_array<HostDeed>({
    {"takes it", SmtpMoment::dot, Takes::yes, "250 2.0.0 taken\r\n", Then::keep, 40},
    {"takes it and finishes", SmtpMoment::dot, Takes::yes, "250 2.0.0 taken\r\n", Then::finish, 6},
    {"has it and finishes without a word", SmtpMoment::dot, Takes::drawn, "", Then::finish, 5},
    {"has it and resets", SmtpMoment::dot, Takes::drawn, "", Then::reset, 5},
    {"has it and falls silent", SmtpMoment::dot, Takes::drawn, "", Then::silence, 3},
    {"says half a reply and resets", SmtpMoment::dot, Takes::drawn, "250 2.0", Then::reset, 3},
    {"451 after the dot", SmtpMoment::dot, Takes::no, "451 4.3.0 later\r\n", Then::keep, 4},
    {"421 at the greeting", SmtpMoment::greeting, Takes::no, "421 4.3.2 busy\r\n", Then::finish, 3},
    {"resets at the greeting", SmtpMoment::greeting, Takes::no, "", Then::reset, 3},
    {"450 to MAIL", SmtpMoment::mail, Takes::no, "450 4.7.1 later\r\n", Then::keep, 3},
    {"finishes at MAIL", SmtpMoment::mail, Takes::no, "", Then::finish, 3},
    {"resets at DATA", SmtpMoment::data, Takes::no, "", Then::reset, 3},
    {"resets in the body", SmtpMoment::body_begun, Takes::no, "", Then::reset, 3},
    {"finishes in the body", SmtpMoment::body_begun, Takes::no, "", Then::finish, 3},
});
inline constexpr HostDeed calm_host = host_deeds.front();

/// One row, by weight.
template <class Rows>
[[nodiscard]] const typename Rows::value_type& draw(const Rows& rows, tcp::SimRandom& random) {
  std::uint64_t total = 0;
  for (const auto& row : rows) total += row.weight;
  std::uint64_t at = random.below(total);
  for (const auto& row : rows) {
    if (at < row.weight) return row;
    at -= row.weight;
  }
  return rows.front();
}

/// How one connection of a peer ends by itself: after so many answers, so long after the last of them.
struct Closing {
  std::uint32_t after_answers = 0;  // 0: never
  Duration delay{};
};
inline constexpr std::array<std::uint32_t, 6> closing_answers{0, 0, 1, 2, 5, 10};
inline constexpr std::array<Duration, 4> closing_delays{Duration{}, milliseconds(2), milliseconds(10), milliseconds(50)};
[[nodiscard]] inline Closing draw_closing(tcp::SimRandom& random) {
  return {.after_answers = closing_answers[random.below(closing_answers.size())],
          .delay = closing_delays[random.below(closing_delays.size())]};
}

}  // namespace pushmail::edge
