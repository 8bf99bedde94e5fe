#include "controlplane/fetcher/refusals.h"

#include <algorithm>
#include <charconv>
#include <string>

#include "controlplane/fetcher/errors.h"
#include "core/ascii.h"
#include "core/bytes.h"
#include "core/timers.h"

namespace pushmail::mailbox {

namespace {

constexpr Duration pause_max = timers::mailbox_refused;

// Codes first, or words within a code's own name would decide before it.
constexpr bool codes_stand_first() {
  bool words_seen = false;
  for (const RefusalRule& rule : refusal_rules) {
    if (rule.sign == RefusalRule::Sign::words) words_seen = true;
    if (rule.sign == RefusalRule::Sign::code && words_seen) return false;
    for (const char c : rule.text) {
      if (c != ascii_lower(c)) return false;
    }
  }
  return true;
}
static_assert(codes_stand_first());

std::string lower(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(), ascii_lower);
  return out;
}

// RFC 3501 §7.1, RFC 2449 §8: `[CODE]` or `[CODE arguments]`. It stands in front of the words; some servers put it behind them. Among them
// it is a word.
bool has_code(std::string_view status, std::string_view code) {
  std::size_t front = std::min(status.find(' '), status.size()) + 1;
  for (std::size_t open = 0; (open = status.find('[', open)) != std::string_view::npos; ++open) {
    const std::size_t close = status.find(']', open);
    const bool is_first = open <= front;
    const bool is_last = close == std::string_view::npos || status.find_first_not_of(" .!", close + 1) == std::string_view::npos;
    if (!is_first && !is_last) continue;
    if (is_first && close != std::string_view::npos) front = close + 2;
    const std::string_view name = status.substr(open + 1, status.find_first_of(" ]:", open) - open - 1);
    // RFC 2449 §8: what a server adds behind a slash changes nothing.
    if (name.starts_with(code) && (name.size() == code.size() || name[code.size()] == '/')) return true;
  }
  return false;
}

// Whether the answer begins with a code that says something, which no row of the table knows: at the log-in it is no bare NO then. [ALERT]
// and [CAPABILITY ...] say nothing of why.
bool has_another_code(std::string_view status) {
  for (const std::string_view word : {"no ", "bad ", "-err "}) {
    if (status.starts_with(word)) status.remove_prefix(word.size());
  }
  if (!status.starts_with('[')) return false;
  const std::string_view name = status.substr(1, status.find_first_of(" ]:") - 1);
  const bool is_atom = !name.empty() && std::ranges::all_of(name, [](char c) { return is_letter(c) || c == '-' || c == '/'; });
  return is_atom && name != "alert" && name != "capability";
}

struct Unit {
  std::string_view name;
  Duration length;
};
constexpr auto units = std::to_array<Unit>({
    {"milliseconds", milliseconds(1)},
    {"ms", milliseconds(1)},
    {"seconds", seconds(1)},
    {"second", seconds(1)},
    {"secs", seconds(1)},
    {"sec", seconds(1)},
    {"minutes", seconds(60)},
    {"minute", seconds(60)},
    {"mins", seconds(60)},
    {"min", seconds(60)},
    {"hours", seconds(3600)},
    {"hour", seconds(3600)},
});

const ErrorInfo& rule_of(Refusal refusal, const ErrorInfo& unsaid) {
  switch (refusal) {
    case Refusal::wrong_password:
      return mailbox_auth;
    case Refusal::needs_tls:
      return mailbox_tls;
    case Refusal::later:
    case Refusal::broken:
      return mailbox_busy;
    case Refusal::coded:
      return &unsaid == &mailbox_login ? mailbox_busy : unsaid;
    case Refusal::unsaid:
      break;
  }
  return unsaid;
}

}  // namespace

bool is_coded(std::string_view status, std::string_view code) { return has_code(lower(status), code); }

Refusal refusal_of(std::string_view status) {
  const std::string text = lower(status);
  for (const RefusalRule& rule : refusal_rules) {
    const bool fits = rule.sign == RefusalRule::Sign::code ? has_code(text, rule.text) : text.find(rule.text) != std::string::npos;
    if (fits) return rule.refusal;
  }
  return has_another_code(text) ? Refusal::coded : Refusal::unsaid;
}

Duration pause_asked(std::string_view status) {
  for (std::size_t at = 0; (at = status.find_first_of("0123456789", at)) != std::string_view::npos;) {
    std::uint64_t number = 0;
    const char* const end = status.data() + status.size();
    const auto [stop, error] = std::from_chars(status.data() + at, end, number);
    at = static_cast<std::size_t>(stop - status.data());
    std::string_view rest = status.substr(at);
    rest.remove_prefix(std::min(rest.find_first_not_of(' '), rest.size()));
    const std::string_view word = rest.substr(0, rest.find_first_of(" .,;:!)]"));
    for (const Unit& unit : units) {
      if (!ascii_equal_nocase(word, unit.name)) continue;
      const bool is_long = error != std::errc{} || number > static_cast<std::uint64_t>(pause_max.ns / unit.length.ns);
      return is_long ? pause_max : Duration{static_cast<std::int64_t>(number) * unit.length.ns};
    }
  }
  return {};
}

Failure refused(std::string_view status, const ErrorInfo& unsaid, std::string_view notice) {
  std::string text(status.empty() ? unsaid.text : status);
  Refusal refusal = refusal_of(status);
  if ((refusal == Refusal::unsaid || refusal == Refusal::coded) && !notice.empty()) {
    if (const Refusal beside = refusal_of(notice); beside != Refusal::unsaid) refusal = beside;
    text += " (";
    text += notice;
    text += ")";
  }
  const ErrorInfo& rule = rule_of(refusal, unsaid);
  Duration wait = &rule == &mailbox_busy ? pause_asked(text) : Duration{};
  if (&rule == &mailbox_busy && (refusal == Refusal::broken || refusal == Refusal::coded))
    wait = std::max(wait, timers::mailbox_retry.most);
  return {.error = Error{&rule}, .text = std::move(text), .wait = wait};
}

}  // namespace pushmail::mailbox
