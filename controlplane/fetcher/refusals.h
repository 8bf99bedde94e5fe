// What a mail server's refusal asks of us: one table of response codes and words, for IMAP and POP3, at the log-in and behind it.
//
// Came from: ImapSession and Pop3Session, with the server's status line. Goes to: the error that the session ends with, and through its
// state word to the operator, who reads the server's own text; the Watcher, which waits as long as it asks for. Invariant: a password is
// blamed by a code that says so, and by nothing else here (RFC 5530 §3, RFC 3206 §4). What says nothing is `unsaid`: the Watcher knows
// whether the account ever worked.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "controlplane/fetcher/mail_stream.h"
#include "core/clock.h"
#include "core/result.h"

namespace pushmail::mailbox {

enum class Refusal : std::uint8_t {
  wrong_password,  // the subscriber has to do something; tried again after an hour
  needs_tls,       // not over this connection
  later,           // the server, or the account, has too much to do: in seconds to minutes
  broken,          // the same, and a person has to mend it: in the longest pause at once
  coded,           // begins with a code of no row: at the log-in no word about the password, and as `broken`; elsewhere as `unsaid`
  unsaid,
};

struct RefusalRule {
  enum class Sign : std::uint8_t { code, words };
  Sign sign;
  std::string_view text;  // lower case; a code without its brackets, words as they stand somewhere in the text
  Refusal refusal;
};
/// The first row that fits decides, so codes stand before words.
inline constexpr auto refusal_rules = std::to_array<RefusalRule>({
    {RefusalRule::Sign::code, "authenticationfailed", Refusal::wrong_password},
    {RefusalRule::Sign::code, "authorizationfailed", Refusal::wrong_password},
    {RefusalRule::Sign::code, "expired", Refusal::wrong_password},
    {RefusalRule::Sign::code, "auth", Refusal::wrong_password},
    {RefusalRule::Sign::code, "privacyrequired", Refusal::needs_tls},
    {RefusalRule::Sign::code, "unavailable", Refusal::later},
    {RefusalRule::Sign::code, "limit", Refusal::later},
    {RefusalRule::Sign::code, "inuse", Refusal::later},
    {RefusalRule::Sign::code, "in-use", Refusal::later},
    {RefusalRule::Sign::code, "login-delay", Refusal::later},
    {RefusalRule::Sign::code, "overquota", Refusal::later},
    {RefusalRule::Sign::code, "throttled", Refusal::later},
    {RefusalRule::Sign::code, "serverbug", Refusal::later},
    {RefusalRule::Sign::code, "contactadmin", Refusal::broken},
    {RefusalRule::Sign::code, "referral", Refusal::broken},  // RFC 2221: the account is at another server
    {RefusalRule::Sign::code, "corruption", Refusal::broken},
    {RefusalRule::Sign::code, "sys/temp", Refusal::later},
    {RefusalRule::Sign::code, "sys/perm", Refusal::broken},
    // One sentence for all causes ("password is incorrect, login frequency limited, or system is busy") says none.
    {RefusalRule::Sign::words, "password", Refusal::unsaid},
    {RefusalRule::Sign::words, "credential", Refusal::unsaid},
    {RefusalRule::Sign::words, "too many", Refusal::later},
    {RefusalRule::Sign::words, "simultaneous", Refusal::later},
    {RefusalRule::Sign::words, "maximum", Refusal::later},
    {RefusalRule::Sign::words, "limit", Refusal::later},
    {RefusalRule::Sign::words, "exceeded", Refusal::later},
    {RefusalRule::Sign::words, "quota", Refusal::later},
    {RefusalRule::Sign::words, "throttl", Refusal::later},
    {RefusalRule::Sign::words, "backoff", Refusal::later},
    {RefusalRule::Sign::words, "back off", Refusal::later},
    {RefusalRule::Sign::words, "try again", Refusal::later},
    {RefusalRule::Sign::words, "retry", Refusal::later},
    {RefusalRule::Sign::words, "later", Refusal::later},
    {RefusalRule::Sign::words, "busy", Refusal::later},
    {RefusalRule::Sign::words, "overload", Refusal::later},
    {RefusalRule::Sign::words, "temporar", Refusal::later},
    {RefusalRule::Sign::words, "unavailable", Refusal::later},
    {RefusalRule::Sign::words, "not available", Refusal::later},
    {RefusalRule::Sign::words, "maintenance", Refusal::later},
    {RefusalRule::Sign::words, "timed out", Refusal::later},
    {RefusalRule::Sign::words, "timeout", Refusal::later},
    {RefusalRule::Sign::words, "server error", Refusal::later},
    {RefusalRule::Sign::words, "internal error", Refusal::later},
    {RefusalRule::Sign::words, "system problem", Refusal::later},
    {RefusalRule::Sign::words, "system error", Refusal::later},
    {RefusalRule::Sign::words, "crash", Refusal::later},
    {RefusalRule::Sign::words, "out of memory", Refusal::later},
    {RefusalRule::Sign::words, "no space", Refusal::later},
    {RefusalRule::Sign::words, "unable to open", Refusal::later},
    {RefusalRule::Sign::words, "could not open", Refusal::later},
    {RefusalRule::Sign::words, "cannot open", Refusal::later},
    {RefusalRule::Sign::words, "can't open", Refusal::later},
    {RefusalRule::Sign::words, " lock", Refusal::later},
    {RefusalRule::Sign::words, "in use", Refusal::later},
    {RefusalRule::Sign::words, "another pop", Refusal::later},
    {RefusalRule::Sign::words, "not connected", Refusal::later},
});

/// `status` is a status line's text, with or without its NO, BAD or -ERR.
[[nodiscard]] Refusal refusal_of(std::string_view status);
/// Whether the status line has this code ("login-delay"; lower case) where codes stand, and not as a word among others.
[[nodiscard]] bool is_coded(std::string_view status, std::string_view code);
/// The pause that the words ask for (`Suggested Backoff Time: 299961 milliseconds`, `try again in 5 minutes`), an hour at most; 0: none.
[[nodiscard]] Duration pause_asked(std::string_view status);

/// A refusal as a failure: its error by what it asks of us, `unsaid` where it does not say, and the server's words as the text. `notice`:
/// what the server said beside it, untagged, which counts where the status itself says nothing.
[[nodiscard]] Failure refused(std::string_view status, const ErrorInfo& unsaid, std::string_view notice = {});

}  // namespace pushmail::mailbox
