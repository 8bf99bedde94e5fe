// What the control plane takes from the configuration, checked beyond the key table: networks, URLs, key and password files, users.
#pragma once

#include <expected>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "codec/wap/numbering.h"
#include "controlplane/binding/egress.h"
#include "controlplane/binding/providers.h"
#include "controlplane/notify/bearer_kinds.h"
#include "core/clock.h"
#include "core/config.h"
#include "core/contract/peer/profile.h"
#include "core/endpoint.h"
#include "core/start_error.h"

namespace pushmail {

/// `http://host:port/path`, or https:// (port 443)
struct HttpUrl {
  std::string_view scheme = "http://";
  std::string host{};
  std::uint16_t port = 80;
  std::string path{};
  std::string host_header{};  // host and port as configured
};
[[nodiscard]] std::expected<HttpUrl, std::string> parse_http_url(std::string_view url);

/// At most `count` SMS about mails that the phone does not ask for in any `window`, and one that counts the others.
struct AnnouncementLimit {
  std::uint64_t count = 0;
  Duration window{};
};
struct AnnouncementSettings {
  AnnouncementLimit own{.count = 10, .window = seconds(600)};
  AnnouncementLimit strangers{.count = 3, .window = seconds(7200)};
  std::size_t strangers_codes_max = 30;
};

/// What strangers may forward to one phone.
struct StrangerLimits {
  std::uint32_t phone_mails_max = 60;    // an hour
  std::uint32_t source_mails_max = 40;   // an hour, of one address
  std::uint32_t sender_mails_max = 20;   // an hour, of one domain
  std::uint64_t phone_waiting_max = 50;  // at once
};

struct Settings {
  std::filesystem::path root{};
  std::filesystem::path store_file{};
  std::filesystem::path run_folder{};
  std::string domain{};
  std::uint16_t node = 0;
  wap::Numbering numbering{};
  std::string smart_host{};  // address:port; empty: none
  std::map<std::string, PeerProfile, std::less<>> peers{};
  EgressPolicy egress{};
  Providers providers{};
  std::size_t fetchers = 1;
  std::uint64_t mail_size_max = 0;
  Duration round{};
  std::vector<notify::BearerProfile> bearers{};
  std::string service_number{};  // that our SMS come from, and phones answer to
  std::uint64_t sms_per_hour_max = 100;
  Duration code_lifetime{};
  AnnouncementSettings announcements{};
  std::vector<std::string> trusted_authserv{};
  StrangerLimits strangers{};
  std::vector<std::string> api_readers{}, api_operators{}, api_agents{}, api_admins{};  // users, and groups as @NAME
  std::vector<std::string> dns_servers{};
  std::filesystem::path kek_file{};
  Endpoint metrics_listen{};
  std::uint64_t configuration = 0;  // Config::generation()

  /// The text names key and rule; of several the first.
  [[nodiscard]] static std::expected<Settings, StartError> from(const Config& config, const std::filesystem::path& root);
  /// All that is wrong, one a peer; of what is wrong the result holds nothing.
  [[nodiscard]] static Settings read(const Config& config, const std::filesystem::path& root, std::vector<StartError>& problems);
  [[nodiscard]] const PeerProfile* peer(std::string_view name) const;
};

}  // namespace pushmail
