// What a binding may look like, and the operations on bindings.
//
// Came from: the API (operators, later subscribers). Goes to: the store; the flows learn of changes from the API's hooks.
// Every text that later becomes part of a protocol line (IMAP, POP3, SMTP, SMS) is free of control bytes from here on.
#pragma once

#include <expected>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "codec/wap/numbering.h"
#include "controlplane/binding/egress.h"
#include "controlplane/binding/kek_rotation.h"
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

/// Names of fields (controlplane/store/binding_fields.h), and what somebody writes for them.
using BindingTexts = std::map<std::string, std::string, std::less<>>;

/// A binding as somebody asks for it; what is not there, or is empty, takes its default. The number is written as people write it
/// (codec/wap/numbering.h).
struct BindingRequest {
  BindingTexts fields{};
  std::string password{};
  bool shared = false;  // the operator allows that other numbers are bound to the same mailbox

  [[nodiscard]] std::string_view text(std::string_view field) const {
    const auto found = fields.find(field);
    return found == fields.end() ? std::string_view() : std::string_view(found->second);
  }
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
  Bindings(Store& store, Sealer& sealer, const Clock& clock, Rules rules)
      : store_(store), sealer_(sealer), clock_(clock), rules_(std::move(rules)) {}

  /// For bindings that are made or changed from now on.
  void use(Rules rules) { rules_ = std::move(rules); }

  /// Checked and with defaults, but without id, password and time.
  [[nodiscard]] std::expected<Binding, Problem> check(const BindingRequest& request) const;
  /// The same, and whether it may stand beside the bindings that there are: what add() asks first.
  [[nodiscard]] std::expected<Binding, Problem> check_new(const BindingRequest& request) const;
  [[nodiscard]] std::expected<Binding, Problem> add(const BindingRequest& request, BindingState state = BindingState::active);
  /// Checked as a new one is; what is not given stays, and with another mode than fixed the times go by themselves. Another account is
  /// another binding: what was read of its mailbox is of no use there. Items under way go on as they began.
  [[nodiscard]] std::expected<Binding, Problem> set(std::string_view id, const BindingTexts& changes);
  [[nodiscard]] std::expected<Binding, Problem> remove(std::string_view id);
  [[nodiscard]] std::expected<Binding, Problem> set_password(std::string_view id, std::string_view password);
  /// active or suspended.
  [[nodiscard]] std::expected<Binding, Problem> set_state(std::string_view id, std::string_view state);
  [[nodiscard]] std::expected<Binding, Problem> find(std::string_view id) const;
  /// Oldest first, those behind `after`.
  [[nodiscard]] std::expected<std::vector<Binding>, Problem> list(std::string_view after, std::size_t count_max) const;
  /// Passwords are sealed by `keks.now` from now on, and those that the key before sealed open too; refused where neither is the key in
  /// use.
  [[nodiscard]] std::expected<void, Problem> take_keks(const Keks& keks);
  /// Some of the passwords behind the binding `after` are wrapped by the newer key (rewrap_passwords).
  [[nodiscard]] std::expected<Rewrapped, Problem> rewrap(std::string_view after);
  /// The number that an operator wrote.
  [[nodiscard]] std::expected<Msisdn, Problem> phone(std::string_view written) const;

 private:
  [[nodiscard]] std::expected<void, Problem> check_shared(const Binding& binding, const BindingRequest& request) const;
  [[nodiscard]] std::expected<Binding, Problem> change(std::string_view id, const std::function<Result<void>(Binding&)>& change);

  Store& store_;
  Sealer& sealer_;
  const Clock& clock_;
  Rules rules_;
};

}  // namespace pushmail
