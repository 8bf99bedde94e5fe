#define TOML_EXCEPTIONS 0
#include "controlplane/binding/providers.h"

#include <fmt/format.h>
#include <toml++/toml.h>

#include <algorithm>
#include <array>
#include <set>

#include "core/bytes.h"
#include "core/config.h"
#include "core/endpoint.h"
#include "core/result.h"

namespace pushmail {

namespace {

constexpr std::size_t table_size_max = 1024 * 1024;
constexpr Duration shortest = seconds(5);
constexpr Duration longest = seconds(1740);  // RFC 2177: IDLE and a session without news end before half an hour
constexpr std::int64_t connections_most = 1000;

using Wrong = std::string;  // what is wrong with a value; empty: nothing

Wrong set_name(Provider& provider, const toml::node& node) {
  provider.name = node.value_or(std::string());
  return provider.name.empty() ? "must be text" : "";
}
Wrong set_hosts(Provider& provider, const toml::node& node) {
  const toml::array* hosts = node.as_array();
  if (hosts == nullptr || hosts->empty()) return "must be a list of host names";
  for (const toml::node& each : *hosts) {
    std::string host = each.value_or(std::string());
    std::ranges::transform(host, host.begin(), ascii_lower);
    if (!is_host_name(host)) return fmt::format("\"{}\" is no host name", host);
    provider.hosts.push_back(std::move(host));
  }
  return {};
}
Wrong set_connections(Provider& provider, const toml::node& node) {
  const auto count = node.value_exact<std::int64_t>();
  if (!count || *count < 1 || *count > connections_most) return fmt::format("must be a number from 1 to {}", connections_most);
  provider.connections = static_cast<std::uint64_t>(*count);
  return {};
}
Wrong set_flag(bool& flag, const toml::node& node) {
  const auto value = node.value_exact<bool>();
  if (!value) return "must be true or false";
  flag = *value;
  return {};
}
Wrong set_duration(Duration& duration, const toml::node& node) {
  const auto text = node.value_exact<std::string>();
  if (!text) return "must be a time like \"55s\"";
  const auto parsed = parse_duration(*text);
  if (!parsed) return parsed.error();
  if (*parsed < shortest || *parsed > longest) return "must be from 5s to 29min";
  duration = *parsed;
  return {};
}
Wrong set_refresh(Provider& provider, const toml::node& node) {
  const auto refresh = parse_word<mailbox::Refresh>(node.value_or(std::string_view()));
  if (!refresh) return "must be noop, status or select";
  provider.refresh = *refresh;
  return {};
}

struct Member {
  std::string_view name;
  Wrong (*set)(Provider&, const toml::node&);
};
constexpr auto members = std::to_array<Member>({
    {"name", set_name},
    {"hosts", set_hosts},
    {"connections", set_connections},
    {"idle", [](Provider& p, const toml::node& node) { return set_flag(p.idle, node); }},
    {"idle_break", [](Provider& p, const toml::node& node) { return set_duration(p.idle_break, node); }},
    {"refresh", set_refresh},
    {"refresh_every", [](Provider& p, const toml::node& node) { return set_duration(p.refresh_every, node); }},
    {"id", [](Provider& p, const toml::node& node) { return set_flag(p.id, node); }},
});

std::unexpected<std::string> wrong(const toml::node& at, std::string_view what) {
  return std::unexpected(fmt::format("line {}: {}", at.source().begin.line, what));
}

std::expected<Provider, std::string> read_provider(const toml::table& table) {
  Provider provider;
  for (const auto& [name, node] : table) {
    const auto member = std::ranges::find(members, name.str(), &Member::name);
    if (member == members.end()) return wrong(node, fmt::format("{} is nothing that is known of a provider", name.str()));
    if (const Wrong what = member->set(provider, node); !what.empty()) return wrong(node, fmt::format("{} {}", name.str(), what));
  }
  if (provider.name.empty() || provider.hosts.empty()) return wrong(table, "a provider needs name and hosts");
  return provider;
}

bool is_under(std::string_view host, std::string_view suffix) {
  if (host.size() < suffix.size() || !ascii_equal_nocase(host.substr(host.size() - suffix.size()), suffix)) return false;
  return host.size() == suffix.size() || host[host.size() - suffix.size() - 1] == '.';
}

}  // namespace

Providers Providers::built_in() {
  auto table = parse(built_in_providers());
  PM_CHECK(table.has_value());
  return std::move(*table);
}

std::expected<Providers, std::string> Providers::parse(std::string_view text) {
  if (text.size() > table_size_max) return std::unexpected("larger than 1 MiB");
  const toml::parse_result parsed = toml::parse(text);
  if (!parsed) return std::unexpected(fmt::format("line {}: {}", parsed.error().source().begin.line, parsed.error().description()));
  Providers providers;
  std::set<std::string, std::less<>> hosts;
  for (const auto& [name, node] : parsed.table()) {
    const toml::array* rows = node.as_array();
    if (name.str() != "provider" || rows == nullptr) return wrong(node, fmt::format("{} is not [[provider]]", name.str()));
    for (const toml::node& row : *rows) {
      const toml::table* table = row.as_table();
      if (table == nullptr) return wrong(row, "not a table");
      auto provider = read_provider(*table);
      if (!provider) return std::unexpected(provider.error());
      for (const std::string& host : provider->hosts) {
        if (!hosts.insert(host).second) return wrong(row, fmt::format("{} stands in two rows", host));
      }
      providers.providers_.push_back(std::move(*provider));
    }
  }
  return providers;
}

const Provider& Providers::of_host(std::string_view host) const {
  static const Provider nobody;
  // A name may be written with its root.
  if (host.ends_with('.')) host.remove_suffix(1);
  const Provider* found = &nobody;
  std::size_t longest_suffix = 0;
  for (const Provider& provider : providers_) {
    for (const std::string& suffix : provider.hosts) {
      if (suffix.size() <= longest_suffix || !is_under(host, suffix)) continue;
      longest_suffix = suffix.size();
      found = &provider;
    }
  }
  return *found;
}

}  // namespace pushmail
