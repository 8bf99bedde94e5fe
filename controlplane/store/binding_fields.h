// Every field of a binding, one row each: its column in the store, its member in the API's JSON, its option on the command line.
//
// A new field is a member of Binding (rows.h), a step of the schema that adds its column (schema_sql.h), and a row here; then the code that
// uses it, and a check in controlplane/binding where its type does not say all.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>

#include "controlplane/store/rows.h"
#include "core/ascii.h"

namespace pushmail {

/// A field as the store has it.
using BindingCell = std::variant<std::string, std::int64_t, Bytes>;
enum class CellKind : std::uint8_t { text, number, bytes };

/// Who may give it: nobody, or an operator with a new binding; then it must, or may, be there; the last can be changed later too.
enum class Given : std::uint8_t { never, required, at_first, at_any_time };
enum class Shown : std::uint8_t { never, always, if_set, as_time };

struct BindingField {
  std::string_view name;  // column and member
  Given given = Given::never;
  Shown shown = Shown::always;
  std::string_view option{};  // of pushmailctl
  std::string_view help{};

  // What follows from the type of the member.
  CellKind kind = CellKind::text;
  std::span<const std::string_view> words{};  // it takes these and no others; none: any text
  BindingCell (*cell)(const Binding&) = nullptr;
  void (*take)(Binding&, BindingCell) = nullptr;
  bool (*read)(Binding&, std::string_view written) = nullptr;  // false: no value of this type
};

namespace binding_member {

template <class T>
BindingCell cell_of(const T& value) {
  if constexpr (std::is_same_v<T, Msisdn>) {
    return std::string(value.digits());
  } else if constexpr (std::is_same_v<T, Timestamp>) {
    return value.us;
  } else if constexpr (HasWords<T>) {
    return std::string(to_string(value));
  } else if constexpr (std::is_integral_v<T>) {
    return std::int64_t{value};
  } else {
    return value;
  }
}

template <class T>
void take_cell(T& member, BindingCell cell, T unknown) {
  if constexpr (std::is_same_v<T, Msisdn>) {
    member = Msisdn::from_digits(std::get<std::string>(cell)).value_or(std::move(unknown));
  } else if constexpr (std::is_same_v<T, Timestamp>) {
    member = {std::get<std::int64_t>(cell)};
  } else if constexpr (HasWords<T>) {
    member = parse_word<T>(std::get<std::string>(cell)).value_or(unknown);
  } else if constexpr (std::is_integral_v<T>) {
    member = static_cast<T>(std::get<std::int64_t>(cell));
  } else {
    member = std::get<T>(std::move(cell));
  }
}

template <class T>
bool read_text(T& member, std::string_view written) {
  if constexpr (std::is_same_v<T, std::string>) {
    member = written;
    return true;
  } else if constexpr (HasWords<T>) {
    const auto value = parse_word<T>(written);
    if (value) member = *value;
    return value.has_value();
  } else if constexpr (std::is_integral_v<T>) {
    const auto value = parse_number<T>(written);
    if (value) member = *value;
    return value.has_value();
  } else {
    return false;
  }
}

}  // namespace binding_member

/// `unknown`: what a word in the store counts as that no version of ours wrote.
template <auto Member, std::remove_cvref_t<decltype(std::declval<Binding&>().*Member)>... unknown>
constexpr BindingField binding_field(BindingField row) {
  using T = std::remove_cvref_t<decltype(std::declval<Binding&>().*Member)>;
  row.kind = std::is_same_v<T, Bytes>                                ? CellKind::bytes
             : std::is_integral_v<T> || std::is_same_v<T, Timestamp> ? CellKind::number
                                                                     : CellKind::text;
  if constexpr (HasWords<T>) row.words = words<T>;
  row.cell = [](const Binding& binding) { return binding_member::cell_of(binding.*Member); };
  row.take = [](Binding& binding, BindingCell cell) { binding_member::take_cell(binding.*Member, std::move(cell), T{unknown...}); };
  row.read = [](Binding& binding, std::string_view written) { return binding_member::read_text(binding.*Member, written); };
  return row;
}

inline constexpr auto binding_fields = std::to_array<BindingField>({
    binding_field<&Binding::id>({.name = "id"}),
    binding_field<&Binding::msisdn>({.name = "msisdn", .given = Given::required, .option = "--msisdn", .help = "the phone's number"}),
    binding_field<&Binding::state, BindingState::frozen>({.name = "state"}),
    binding_field<&Binding::mail_address>({.name = "mail_address",
                                           .given = Given::required,
                                           .option = "--address",
                                           .help = "the mail address that mails from the phone are sent as"}),
    binding_field<&Binding::display_name>({.name = "display_name",
                                           .given = Given::at_any_time,
                                           .shown = Shown::if_set,
                                           .option = "--name",
                                           .help = "name that stands beside the address"}),
    binding_field<&Binding::protocol, mailbox::Protocol::imap>(
        {.name = "protocol", .given = Given::at_first, .option = "--protocol", .help = "imap (default) or pop3"}),
    binding_field<&Binding::host>({.name = "host", .given = Given::required, .option = "--host", .help = "mail server, name or address"}),
    binding_field<&Binding::port>({.name = "port", .given = Given::at_first, .option = "--port", .help = "port of the mail server"}),
    binding_field<&Binding::tls, mailbox::Encryption::implicit>(
        {.name = "tls", .given = Given::at_first, .option = "--tls", .help = "implicit (default), starttls or none"}),
    binding_field<&Binding::user>({.name = "user", .given = Given::required, .option = "--user", .help = "user name at the mail server"}),
    binding_field<&Binding::sealed_password>({.name = "sealed_password", .shown = Shown::never}),
    binding_field<&Binding::folder>({.name = "folder", .given = Given::at_first, .option = "--folder", .help = "folder to watch (INBOX)"}),
    binding_field<&Binding::mode, WatchMode::poll>(
        {.name = "mode", .given = Given::at_any_time, .option = "--mode", .help = "idle (default), poll or fixed"}),
    binding_field<&Binding::times>({.name = "times",
                                    .given = Given::at_any_time,
                                    .shown = Shown::if_set,
                                    .option = "--times",
                                    .help = "with --mode fixed: 07:00,12:30"}),
    binding_field<&Binding::zone>(
        {.name = "zone", .given = Given::at_any_time, .option = "--zone", .help = "IANA time zone of --times (UTC)"}),
    binding_field<&Binding::policy, Policy::ask>(
        {.name = "policy", .given = Given::at_any_time, .option = "--policy", .help = "ask (default) or push"}),
    binding_field<&Binding::mark, MarkPolicy::none>({.name = "mark",
                                                     .given = Given::at_any_time,
                                                     .option = "--mark",
                                                     .help = "a delivered mail becomes: seen (default), delete, none"}),
    binding_field<&Binding::peer>(
        {.name = "peer", .given = Given::at_any_time, .option = "--peer", .help = "[peer.NAME] that serves the phone"}),
    binding_field<&Binding::created>({.name = "created", .shown = Shown::as_time}),
});

/// Nothing: a binding has no field of this name.
[[nodiscard]] constexpr const BindingField* find_binding_field(std::string_view name) {
  for (const BindingField& field : binding_fields) {
    if (field.name == name) return &field;
  }
  return nullptr;
}

}  // namespace pushmail
