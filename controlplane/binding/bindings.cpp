#include "controlplane/binding/bindings.h"

#include <fmt/format.h>

#include <algorithm>
#include <span>

#include "codec/mime/message.h"
#include "controlplane/schedule/due.h"
#include "controlplane/schedule/zone.h"
#include "controlplane/store/binding_fields.h"
#include "controlplane/store/errors.h"
#include "core/ascii.h"

namespace pushmail {

namespace {

constexpr std::size_t text_size_max = 255;
constexpr std::size_t passwords_in_one_answer = 500;  // some milliseconds

bool is_clean(std::string_view text) { return std::ranges::none_of(text, is_control); }

std::unexpected<Problem> invalid(std::string field, std::string text) {
  return std::unexpected(Problem{Problem::Kind::invalid, std::move(field), std::move(text)});
}

std::unexpected<Problem> unavailable(const Error& error) {
  return std::unexpected(Problem{Problem::Kind::unavailable, "", std::string(error.info->text)});
}

std::unexpected<Problem> not_found(std::string_view id) {
  return std::unexpected(
      Problem{Problem::Kind::not_found, "id", fmt::format("there is no binding {}; `pushmailctl binding list` shows all", id)});
}

// `imap or pop3`
std::string choice_of(std::span<const std::string_view> all) {
  return fmt::format("{} or {}", fmt::join(all.first(all.size() - 1), ", "), all.back());
}

// Hosts are compared without case, and users too: where their case counts, nobody has two that differ by it.
bool is_same_mailbox(const Binding& a, const Binding& b) {
  return a.protocol == b.protocol && ascii_equal_nocase(a.host, b.host) && a.port == b.port && ascii_equal_nocase(a.user, b.user) &&
         a.folder == b.folder;
}

// As somebody would have asked for it.
BindingRequest request_of(const Binding& b) {
  BindingRequest request;
  for (const BindingField& field : binding_fields) {
    if (field.given == Given::never) continue;
    const BindingCell cell = field.cell(b);
    request.fields[std::string(field.name)] =
        field.kind == CellKind::number ? fmt::to_string(std::get<std::int64_t>(cell)) : std::get<std::string>(cell);
  }
  request.fields["msisdn"].insert(0, "+");
  return request;
}

// Implicit TLS and clear text have their own registered ports.
std::uint16_t default_port(mailbox::Protocol protocol, mailbox::Encryption tls) {
  if (protocol == mailbox::Protocol::pop3) return tls == mailbox::Encryption::implicit ? 995 : 110;
  return tls == mailbox::Encryption::implicit ? 993 : 143;
}

}  // namespace

std::expected<Binding, Problem> Bindings::check(const BindingRequest& r) const {
  const auto problem_of = [](const std::string& name, std::string_view value) -> std::expected<void, Problem> {
    if (!is_clean(value)) return invalid(name, "control characters are not allowed");
    if (value.size() > text_size_max) return invalid(name, fmt::format("longer than {} bytes", text_size_max));
    return {};
  };
  if (const auto clean = problem_of("password", r.password); !clean) return std::unexpected(clean.error());
  Binding b;
  for (const auto& [name, value] : r.fields) {
    const BindingField* field = find_binding_field(name);
    if (field == nullptr || field->given == Given::never) return invalid(name, "is not a member of a binding");
    if (const auto clean = problem_of(name, value); !clean) return std::unexpected(clean.error());
    if (value.empty() || field->read(b, value)) continue;
    if (!field->words.empty()) return invalid(name, "must be " + choice_of(field->words));
    if (field->kind == CellKind::number) return invalid(name, "must be a number from 1 to 65535");
  }

  const auto msisdn = phone(r.text("msisdn"));
  if (!msisdn) return std::unexpected(msisdn.error());
  b.msisdn = *msisdn;

  const auto address = mime::parse_address(b.mail_address);
  if (!address || address->domain.empty()) return invalid("mail_address", "not a mail address like ann@example.com");
  b.mail_address = address->address();

  if (const auto ip = parse_ip(b.host)) {
    if (!rules_.egress.allows(*ip)) return invalid("host", "is in a private or special network; mailbox.allow_networks may allow it");
  } else if (!is_host_name(b.host)) {
    return invalid("host", "neither a host name nor an IP address");
  }
  if (b.port == 0) b.port = default_port(b.protocol, b.tls);

  if (b.user.empty()) return invalid("user", "must be given");
  if (r.text("mode").empty()) b.mode = b.protocol == mailbox::Protocol::pop3 ? WatchMode::poll : WatchMode::idle;
  if (b.mode == WatchMode::idle && b.protocol == mailbox::Protocol::pop3) return invalid("mode", "POP3 has no IDLE; use poll or fixed");
  if (b.mode == WatchMode::fixed && !schedule::parse_times(b.times)) return invalid("times", "must be times of day like 07:00,12:30");
  if (b.mode != WatchMode::fixed && !b.times.empty()) return invalid("times", "only mode fixed has times");
  if (!schedule::load_zone(b.zone)) return invalid("zone", "not a time zone like Europe/Berlin");

  if (b.peer.empty() && rules_.peers.size() == 1) b.peer = rules_.peers.front();
  if (std::find(rules_.peers.begin(), rules_.peers.end(), b.peer) == rules_.peers.end()) {
    return invalid("peer", fmt::format("must name one of the configured peers: {}", fmt::join(rules_.peers, ", ")));
  }
  return b;
}

namespace {

Problem bound_already() { return {Problem::Kind::conflict, "mail_address", "this number and this address are bound already"}; }

}  // namespace

std::expected<Binding, Problem> Bindings::check_new(const BindingRequest& request) const {
  auto checked = check(request);
  if (!checked) return checked;
  if (request.password.empty()) return invalid("password", "must be given");
  if (checked->protocol == mailbox::Protocol::pop3 && !ascii_equal_nocase(checked->folder, "INBOX"))
    return invalid("folder", "POP3 has no folders; use imap");
  if (const auto alone = check_shared(*checked, request); !alone) return std::unexpected(alone.error());
  return checked;
}

// Two phones that are told of the same mails, and write as the same person, are somebody's wish or somebody's mistake. Each has a
// connection of its own to the mailbox.
std::expected<void, Problem> Bindings::check_shared(const Binding& binding, const BindingRequest& request) const {
  const auto of_phone = store_.bindings_of(binding.msisdn);
  if (!of_phone) return unavailable(of_phone.error());
  if (std::ranges::find(*of_phone, binding.mail_address, &Binding::mail_address) != of_phone->end())
    return std::unexpected(bound_already());
  const auto of_account = store_.bindings_of_account(binding.host, binding.user);
  if (!of_account) return unavailable(of_account.error());
  std::uint64_t others = 0;
  for (const Binding& other : *of_account) {
    if (other.msisdn == binding.msisdn || !is_same_mailbox(other, binding)) continue;
    if (!request.shared)
      return std::unexpected(
          Problem{Problem::Kind::conflict, "user",
                  fmt::format("this mailbox is bound to another number already ({}); --shared (\"shared\": true) allows it", other.id)});
    ++others;
  }
  const Provider& provider = rules_.providers.of_host(binding.host);
  if (provider.connections == 0 || others < provider.connections) return {};
  return std::unexpected(Problem{
      Problem::Kind::conflict, "user",
      fmt::format("{} takes {} connections to one mailbox, and {} numbers are bound to it", provider.name, provider.connections, others)});
}

std::expected<Binding, Problem> Bindings::add(const BindingRequest& request, BindingState state) {
  auto checked = check_new(request);
  if (!checked) return checked;
  Binding b = std::move(*checked);
  b.state = state;
  b.created = clock_.wall();
  b.id = "b" + to_string(new_item_id(b.created, rules_.node));
  auto sealed = sealer_.seal(b.id, request.password);
  if (!sealed) return unavailable(sealed.error());
  b.sealed_password = std::move(*sealed);
  const auto done = store_.write([&] { return store_.add_binding(b); });
  if (!done && done.error().is(store_conflict)) {
    return std::unexpected(bound_already());
  }
  if (!done) return unavailable(done.error());
  return b;
}

std::expected<Binding, Problem> Bindings::change(std::string_view id, const std::function<Result<void>(Binding&)>& change) {
  auto binding = find(id);
  if (!binding) return binding;
  const auto done = store_.write([&]() -> Result<void> {
    if (const auto changed = change(*binding); !changed) return changed;
    return store_.update_binding(*binding);
  });
  if (!done) return unavailable(done.error());
  return binding;
}

std::expected<Binding, Problem> Bindings::set(std::string_view id, const BindingTexts& changes) {
  const auto now = find(id);
  if (!now) return now;
  BindingRequest request = request_of(*now);
  if (const auto mode = changes.find("mode"); mode != changes.end() && mode->second != to_string(WatchMode::fixed))
    request.fields["times"].clear();
  for (const auto& [name, value] : changes) {
    const BindingField* field = find_binding_field(name);
    if (field == nullptr || field->given != Given::at_any_time)
      return invalid(name, "cannot be changed; remove the binding and add another");
    request.fields[name] = value;
  }
  const auto checked = check(request);
  if (!checked) return checked;
  return change(id, [&](Binding& b) -> Result<void> {
    for (const BindingField& field : binding_fields) {
      if (field.given == Given::at_any_time) field.take(b, field.cell(*checked));
    }
    return {};
  });
}

std::expected<Binding, Problem> Bindings::remove(std::string_view id) {
  return change(id, [&](Binding& b) -> Result<void> {
    b.state = BindingState::removed;
    b.sealed_password.clear();
    return {};
  });
}

std::expected<Binding, Problem> Bindings::set_password(std::string_view id, std::string_view password) {
  if (password.empty()) return invalid("password", "must be given");
  if (!is_clean(password) || password.size() > text_size_max)
    return invalid("password", "control characters are not allowed, nor more than 255 bytes");
  return change(id, [&](Binding& b) -> Result<void> {
    PM_TRY(b.sealed_password, sealer_.seal(b.id, password));
    return {};
  });
}

std::expected<Binding, Problem> Bindings::set_state(std::string_view id, std::string_view state) {
  const auto read = parse_word<BindingState>(state);
  if (read != BindingState::active && read != BindingState::suspended) return invalid("state", "must be active or suspended");
  return change(id, [&](Binding& b) -> Result<void> {
    b.state = *read;
    return {};
  });
}

std::expected<void, Problem> Bindings::take_keks(const Keks& keks) {
  if (!sealer_.rotate_to(keks))
    return std::unexpected(Problem{Problem::Kind::conflict, "before", "the control plane was started with another key"});
  return {};
}

std::expected<Rewrapped, Problem> Bindings::rewrap(std::string_view after) {
  auto done = rewrap_passwords(store_, sealer_, after, passwords_in_one_answer);
  if (!done) return unavailable(done.error());
  return std::move(*done);
}

std::expected<Msisdn, Problem> Bindings::phone(std::string_view written) const {
  auto number = rules_.numbering.read(written);
  if (!number) return invalid("msisdn", std::string(number.error().info->text));
  return std::move(*number);
}

std::expected<Binding, Problem> Bindings::find(std::string_view id) const {
  const auto found = store_.binding(id);
  if (!found) return unavailable(found.error());
  if (!*found || (*found)->state == BindingState::removed) return not_found(id);
  return **found;
}

std::expected<std::vector<Binding>, Problem> Bindings::list(std::string_view after, std::size_t count_max) const {
  auto found = store_.bindings(after, count_max);
  if (!found) return unavailable(found.error());
  return std::move(*found);
}

}  // namespace pushmail
