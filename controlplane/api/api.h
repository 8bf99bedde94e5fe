// The operators' interface as a function: a request in, JSON out. No socket here (server.h has it), so tests and the fuzzer call it.
//
//   GET    /v1/bindings?after=&limit=         oldest first; `after` is the cursor
//   POST   /v1/bindings                       a new one, whose account is tried first
//   POST   /v1/bindings/import                {"bindings": [...], "dry_run"?}: many new ones, untried; a result for each
//   GET    /v1/bindings/ID                    PATCH /v1/bindings/ID        DELETE /v1/bindings/ID
//   PUT    /v1/bindings/ID/password           PUT /v1/bindings/ID/state
//   POST   /v1/poll  {"binding": ID?}         look at one mailbox, or all, now
//   GET    /v1/items?binding=&state=&way=&before=&limit=                   newest first; `before` is the cursor
//   GET    /v1/items/ID                       GET /v1/items/ID/history     GET /v1/traces/TRACE/history
//   GET    /v1/subscribers/MSISDN/status      whether a number is bound and active: for an MMSC that asks first
//   GET    /v1/peers                          GET /v1/peers/NAME           how each [peer.NAME] does: report times, doubts, pauses
//   PUT    /v1/kek  {"now", "before"?}        from here on passwords are sealed by the first key; root and our own user only
//   POST   /v1/kek/rewrap  {"after"?}         some passwords behind that binding are wrapped by it; `after` says where the rest is
//   GET    /v1/status                         how every part does: status/status.h
//   POST   /v1/reload                         every program takes its configuration anew, whole or not at all; what came of it
//
// Which role each needs stands in roles.h. Errors: {"error": {"code", "field", "text"}} with 400, 403, 404, 405, 409, 413 or 503.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "controlplane/api/peer_standing.h"
#include "controlplane/api/roles.h"
#include "controlplane/binding/bindings.h"
#include "controlplane/store/store.h"

namespace pushmail::api {

struct Request {
  std::string method{};
  std::string target{};
  std::string body{};
  std::string agent{};      // who asks, for the log
  Role role = Role::admin;  // of who asks; in the process itself nobody needs less
};
/// What became of a try with a new binding's account.
struct AccountTrial {
  /// unknown: the server is busy, or cannot be reached now.
  enum class Works : std::uint8_t { yes, no, unknown } works = Works::unknown;
  std::string field{};  // the member that is to blame, when it does not work
  std::string text{};   // the server's words
  std::string state{};  // of the session that was tried
  Duration wait{};      // what the server asked for before the next log-in
};
struct Answer {
  int status = 200;
  std::string body{};  // JSON
};

/// What the running control plane does when somebody asks; all of them may be left empty in tests.
struct Hooks {
  std::function<void(const Binding&)> binding_changed{};
  /// The same for one whose account has been tried and may work.
  std::function<void(const Binding&, const AccountTrial&)> binding_added{};
  /// Tries the account of a binding that is about to be made, and replies later, once.
  std::function<void(const Binding&, const std::string& password, std::function<void(AccountTrial)> reply)> try_account{};
  /// How many mailboxes were told; empty id: all.
  std::function<std::size_t(std::string_view binding)> poll_now{};
  /// JSON object of the whole service (status/status.h).
  std::function<std::string()> status{};
  std::function<std::vector<PeerStanding>()> peers{};
  /// Has all programs take the configuration anew, and replies later, once, with a JSON object (controlplane/reloading.h).
  std::function<void(std::function<void(std::string)> reply)> reload{};
};

class Api {
 public:
  Api(Store& store, Bindings& bindings, Hooks hooks) : store_(store), bindings_(bindings), hooks_(std::move(hooks)) {}
  /// At once: a new binding's account is not tried.
  [[nodiscard]] Answer handle(const Request& request) { return handle(request, nullptr); }
  /// Replies at once or later, once. A new binding's mail server is asked first (Hooks::try_account), unless the request says `untried`:
  /// what cannot work is refused with the server's words, and what cannot be told now is bound with a `note`.
  void handle(const Request& request, std::function<void(Answer)> reply);

 private:
  [[nodiscard]] Answer handle(const Request& request, const AccountTrial* trial);
  void reload(const Request& request, std::function<void(Answer)> reply);
  void add_when_tried(const Request& request, std::function<void(Answer)> reply);

  Store& store_;
  Bindings& bindings_;
  Hooks hooks_;
};

}  // namespace pushmail::api
