// What a binding may look like, and the operations on bindings.
//
// Came from: the API (operators, later subscribers). Goes to: the store; the flows learn of changes from the API's hooks.
// Every text that later becomes part of a protocol line (IMAP, POP3, SMTP, SMS) is free of control bytes from here on.
#pragma once

#include <expected>
#include <optional>
#include <string>
#include <vector>

#include "codec/wap/numbering.h"
#include "controlplane/binding/egress.h"
#include "controlplane/binding/providers.h"
#include "controlplane/binding/seal.h"
#include "controlplane/store/store.h"
#include "core/clock.h"

namespace pushmail {

/// Why a binding is refused: the field, the rule in words, and the kind of answer it deserves.
struct Problem {
  enum class Kind : std::uint8_t { invalid, conflict, not_found, unavailable };
  Kind kind = Kind::invalid;
  std::string field{};
  std::string text{};
};

/// A binding as somebody asks for it; empty members take their defaults.
struct BindingRequest {
  std::string msisdn{};  // as people write it: codec/wap/numbering.h
  std::string mail_address{};
  std::string display_name{};
  std::string protocol{};
  std::string host{};
  std::uint32_t port = 0;
  std::string tls{};
  std::string user{};
  std::string password{};
  std::string folder{};
  std::string mode{};
  std::string times{};
  std::string zone{};
  std::string policy{};
  std::string mark{};
  std::string peer{};
  bool shared = false;  // the operator allows that other numbers are bound to the same mailbox
};

/// What may be changed of a binding that is there; what is not given stays. Another account is another binding: what was read of its
/// mailbox is of no use there.
struct BindingChange {
  std::optional<std::string> display_name{};
  std::optional<std::string> mode{};
  std::optional<std::string> times{};  // with another mode than fixed they go by themselves
  std::optional<std::string> zone{};
  std::optional<std::string> policy{};
  std::optional<std::string> mark{};
  std::optional<std::string> peer{};
};

class Bindings {
 public:
  struct Rules {
    EgressPolicy egress{};
    Providers providers{};
    std::vector<std::string> peers{};  // names of [peer.NAME]
    std::uint16_t node = 0;
    wap::Numbering numbering{};
  };
  Bindings(Store& store, const Sealer& sealer, const Clock& clock, Rules rules)
      : store_(store), sealer_(sealer), clock_(clock), rules_(std::move(rules)) {}

  /// Checked and with defaults, but without id, password and time.
  [[nodiscard]] std::expected<Binding, Problem> check(const BindingRequest& request) const;
  /// The same, and whether it may stand beside the bindings that there are: what add() asks first.
  [[nodiscard]] std::expected<Binding, Problem> check_new(const BindingRequest& request) const;
  [[nodiscard]] std::expected<Binding, Problem> add(const BindingRequest& request);
  /// Checked as a new one is. Items under way go on as they began.
  [[nodiscard]] std::expected<Binding, Problem> set(std::string_view id, const BindingChange& change);
  [[nodiscard]] std::expected<Binding, Problem> remove(std::string_view id);
  [[nodiscard]] std::expected<Binding, Problem> set_password(std::string_view id, std::string_view password);
  /// active or suspended.
  [[nodiscard]] std::expected<Binding, Problem> set_state(std::string_view id, std::string_view state);
  [[nodiscard]] std::expected<Binding, Problem> find(std::string_view id) const;
  /// Oldest first, those behind `after`.
  [[nodiscard]] std::expected<std::vector<Binding>, Problem> list(std::string_view after, std::size_t count_max) const;
  /// The number that an operator wrote.
  [[nodiscard]] std::expected<Msisdn, Problem> phone(std::string_view written) const;

 private:
  [[nodiscard]] std::expected<void, Problem> check_shared(const Binding& binding, const BindingRequest& request) const;
  [[nodiscard]] std::expected<Binding, Problem> change(std::string_view id, const std::function<Result<void>(Binding&)>& change);

  Store& store_;
  const Sealer& sealer_;
  const Clock& clock_;
  Rules rules_;
};

}  // namespace pushmail
