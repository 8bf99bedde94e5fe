#include "controlplane/fetcher/mailbox_session.h"

#include <algorithm>
#include <array>

#include "controlplane/fetcher/errors.h"

namespace pushmail::mailbox {

namespace {

struct Words {
  const ErrorInfo* rule;
  std::string_view state;
  std::string_view fetch;
};

// Every rule that is not here is the server's breach of protocol.
constexpr auto words = std::to_array<Words>({
    {&mailbox_unreachable, "unreachable", "unreachable"},
    {&mailbox_timeout, "unreachable", "unreachable"},
    {&mailbox_closed, "unreachable", "unreachable"},
    {&mailbox_busy, "unreachable", "unreachable"},
    {&mailbox_stopped, "closed", "unreachable"},
    {&mailbox_no_credit, "closed", "unreachable"},
    {&mailbox_tls, "tls_failed", "unreachable"},
    {&mailbox_auth, "auth_failed", "auth_failed"},
    {&mailbox_gone, "ready", "gone"},
    {&mailbox_too_large, "ready", "too_large"},
    {&mailbox_unreadable, "ready", "unreadable"},
    {&mailbox_unsupported, "ready", "protocol"},
    {&mailbox_no_descriptor, "unreachable", "unreachable"},
    {&mailbox_login, "unreachable", "unreachable"},
});

const Words* words_of(const Error& error) {
  for (const Words& row : words) {
    if (error.is(*row.rule)) return &row;
  }
  return nullptr;
}

}  // namespace

Outcome<void> MailboxSession::append(Task&, const Deposit&) {
  return std::unexpected(Failure{Error{&mailbox_unsupported}, std::string(mailbox_unsupported.text)});
}

Outcome<void> MailboxSession::submit(Task&, const Submission&) {
  return std::unexpected(Failure{Error{&mailbox_unsupported}, std::string(mailbox_unsupported.text)});
}

Failure injected(std::string_view command) { return {Error{&mailbox_tls}, "somebody spoke on in the clear after " + std::string(command)}; }

bool Account::is_same_account(const Account& other) const {
  Account moved = other;
  moved.address = address;
  moved.habits = habits;
  return *this == moved;
}

bool is_about_one_mail(const Error& error) { return error.is(mailbox_gone) || error.is(mailbox_too_large) || error.is(mailbox_unreadable); }

std::optional<Deed> deed_of(const Failure& failure) {
  if (failure.error.is(mailbox_stopped)) return std::nullopt;
  return failure.error.is(mailbox_refused) || failure.error.is(mailbox_busy) ? Deed::refused : Deed::broke_off;
}

std::uint64_t idle_sessions_max(std::uint64_t descriptors) {
  constexpr std::uint64_t own = 16;  // log, socket of the control plane, the loop's own
  const std::uint64_t left = descriptors - std::min(descriptors, own);
  return left - left / 8;
}

std::string whole_lines(std::string_view header) {
  const std::size_t last = header.rfind('\n');
  return std::string(header.substr(0, last == std::string_view::npos ? 0 : last + 1));
}

std::string_view state_word(const Error& error) {
  const Words* row = words_of(error);
  return row == nullptr ? "protocol_error" : row->state;
}

std::string_view fetch_word(const Error& error) {
  const Words* row = words_of(error);
  return row == nullptr ? "protocol" : row->fetch;
}

}  // namespace pushmail::mailbox
