// Who may do what over the API's socket: one table from verb to the least role that it needs.
//
// Came from: `api.readers`, `api.operators`, `api.agents`, `api.admins` (names of users, and of groups as @NAME), and the kernel's word
// about the other end of a connection. Goes to: server.h, which knows the role of a connection, and Api, which asks the table for each
// request. Each role may what those before it may. Root and the service's own user are admin.
#pragma once

#include <sys/types.h>

#include <array>
#include <cstdint>
#include <expected>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/start_error.h"
#include "core/words.h"

namespace pushmail {

namespace api {

enum class Role : std::uint8_t {
  reader,    // looks
  operates,  // acts on what runs, and changes nobody's data
  agent,     // provisions: makes, changes and removes bindings
  admin,
};

struct Verb {
  std::string_view method;
  std::string_view path;  // `*` is any one element
  Role least = Role::admin;
};

inline constexpr auto verbs = std::to_array<Verb>({
    {"GET", "/v1/status", Role::reader},           {"GET", "/v1/peers", Role::reader},
    {"GET", "/v1/peers/*", Role::reader},          {"GET", "/v1/bindings", Role::reader},
    {"GET", "/v1/bindings/*", Role::reader},       {"GET", "/v1/items", Role::reader},
    {"GET", "/v1/items/*", Role::reader},          {"GET", "/v1/items/*/history", Role::reader},
    {"GET", "/v1/traces/*/history", Role::reader}, {"GET", "/v1/subscribers/*/status", Role::reader},
    {"POST", "/v1/poll", Role::operates},          {"PUT", "/v1/bindings/*/state", Role::operates},
    {"POST", "/v1/bindings", Role::agent},         {"POST", "/v1/bindings/import", Role::agent},
    {"PATCH", "/v1/bindings/*", Role::agent},      {"PUT", "/v1/bindings/*/password", Role::agent},
    {"DELETE", "/v1/bindings/*", Role::agent},     {"PUT", "/v1/kek", Role::admin},
    {"POST", "/v1/kek/rewrap", Role::admin},       {"POST", "/v1/reload", Role::admin},
});

/// Null: the table does not name it, and only an admin may ask. `path`: the elements of the target.
[[nodiscard]] const Verb* find_verb(std::string_view method, std::span<const std::string> path);

/// What the configuration says, by role.
using RoleNames = std::map<Role, std::vector<std::string>>;

/// Who has which role, by the numbers of this machine.
class Roles {
 public:
  /// The text names the key, and the user or group that does not exist.
  [[nodiscard]] static std::expected<Roles, StartError> of(const RoleNames& names);
  /// The highest that his user, or one of his groups, has; nothing: none.
  [[nodiscard]] std::optional<Role> role_of(uid_t user, std::span<const gid_t> groups) const;

 private:
  std::map<uid_t, Role> users_;
  std::map<gid_t, Role> groups_;
};

/// The key of the configuration that gives a role.
[[nodiscard]] std::string_view key_of(Role role);

}  // namespace api

template <>
inline constexpr auto words<api::Role> = std::to_array<std::string_view>({"reader", "operator", "agent", "admin"});

}  // namespace pushmail
