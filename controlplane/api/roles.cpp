#include "controlplane/api/roles.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <type_traits>

#include "core/accounts.h"

namespace pushmail::api {

namespace {

bool is_path(std::string_view pattern, std::span<const std::string> path) {
  for (const std::string& element : path) {
    if (!pattern.starts_with('/')) return false;
    pattern.remove_prefix(1);
    const std::size_t end = std::min(pattern.find('/'), pattern.size());
    if (pattern.substr(0, end) != "*" && pattern.substr(0, end) != element) return false;
    pattern.remove_prefix(end);
  }
  return pattern.empty();
}

// Users and groups are numbers alike.
static_assert(std::is_same_v<uid_t, gid_t>);

void give(std::map<uid_t, Role>& roles, uid_t id, Role role) {
  const auto [place, is_new] = roles.emplace(id, role);
  if (!is_new) place->second = std::max(place->second, role);
}

Result<std::optional<uid_t>> number_of(const std::string& name, bool is_group) {
  if (is_group) return find_group(name.c_str());
  PM_TRY(const auto user, find_user(name.c_str()));
  return user ? std::optional(user->user) : std::nullopt;
}

}  // namespace

const Verb* find_verb(std::string_view method, std::span<const std::string> path) {
  // An import is a POST, and no binding has that id: the first row that fits is the verb.
  const auto* const found =
      std::ranges::find_if(verbs, [&](const Verb& verb) { return verb.method == method && is_path(verb.path, path); });
  return found == verbs.end() ? nullptr : found;
}

std::string_view key_of(Role role) {
  constexpr std::array<std::string_view, words<Role>.size()> keys{"api.readers", "api.operators", "api.agents", "api.admins"};
  return keys[static_cast<std::size_t>(role)];
}

std::expected<Roles, StartError> Roles::of(const RoleNames& names) {
  Roles roles;
  for (const auto& [role, entries] : names) {
    for (const std::string& entry : entries) {
      const bool is_group = entry.starts_with('@');
      const std::string name = entry.substr(is_group ? 1 : 0);
      const auto number = number_of(name, is_group);
      const std::string_view kind = is_group ? "group" : "user";
      if (!number) return std::unexpected(cannot_be_read(fmt::format("{}: the {} {}", key_of(role), kind, name), number.error().os));
      if (!*number) return std::unexpected(fmt::format("{}: there is no {} {}", key_of(role), kind, name));
      give(is_group ? roles.groups_ : roles.users_, **number, role);
    }
  }
  return roles;
}

std::optional<Role> Roles::role_of(uid_t user, std::span<const gid_t> groups) const {
  if (user == 0 || user == ::geteuid()) return Role::admin;
  std::optional<Role> highest;
  const auto raise = [&](Role role) { highest = std::max(highest.value_or(role), role); };
  if (const auto found = users_.find(user); found != users_.end()) raise(found->second);
  for (const gid_t group : groups) {
    if (const auto found = groups_.find(group); found != groups_.end()) raise(found->second);
  }
  return highest;
}

}  // namespace pushmail::api
