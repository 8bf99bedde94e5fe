#include "controlplane/cli/config_check.h"

#include <nlohmann/json.hpp>
#include <string>
#include <utility>

#include "codec/mm7/configured.h"
#include "codec/scan/rule_file.h"
#include "controlplane/api/roles.h"
#include "controlplane/binding/seal.h"
#include "controlplane/settings.h"
#include "core/secret_file.h"
#include "core/tls.h"
#include "core/tls_files.h"

namespace pushmail::cli {

namespace {

// The data plane's, beyond the keys.
void check_rules_file(const Config& config, std::vector<ConfigError>& errors) {
  const auto rules = scan::load_rules(config.text("rules.file"));
  if (rules) return;
  for (const scan::RuleFileFault& fault : rules.error()) {
    errors.push_back(config.error_at("rules.file", fault.message));
    errors.back().os = fault.os;
  }
}

// The control plane's.
void check_settings(const Config& config, const std::filesystem::path& root, std::vector<ConfigError>& errors) {
  std::vector<StartError> problems;
  const Settings settings = Settings::read(config, root, problems);
  const auto roles = api::Roles::of({{api::Role::reader, settings.api_readers},
                                     {api::Role::operates, settings.api_operators},
                                     {api::Role::agent, settings.api_agents},
                                     {api::Role::admin, settings.api_admins}});
  if (!roles) problems.push_back(roles.error());
  if (const auto sealer = Sealer::open(settings.kek_file); !sealer)
    problems.emplace_back("secrets.kek_file: " + sealer.error().text, sealer.error().os);
  for (const StartError& problem : problems) errors.push_back(config.error_of(problem));
}

// The fetcher's.
void check_trust(const Config& config, std::vector<ConfigError>& errors) {
  const auto trust = tls::ClientSettings::load(tls::system_authorities, config.text("tls.extra_ca"));
  if (!trust) errors.push_back(config.error_at("tls.extra_ca", std::string(trust.error().info->text)));
}

// The data plane's.
void check_tls_files(const Config& config, std::vector<ConfigError>& errors) {
  if (const auto files = read_tls_files(config); !files) errors.push_back(files.error());
}

// The data plane's too.
void check_smart_host_secret(const Config& config, std::vector<ConfigError>& errors) {
  if (const auto secret = read_secret(config, "smtp.smart_host_password_file"); !secret) errors.push_back(config.error_of(secret.error()));
}

}  // namespace

ConfigCheck check_config(const std::filesystem::path& root) {
  ConfigCheck check;
  auto config = Config::load(root);
  if (!config) {
    ConfigError first = std::move(config.error());
    std::vector<ConfigError> others = std::exchange(first.others, {});
    check.errors.push_back(std::move(first));
    check.errors.insert(check.errors.end(), std::make_move_iterator(others.begin()), std::make_move_iterator(others.end()));
    return check;
  }
  check_settings(*config, root, check.errors);
  check_rules_file(*config, check.errors);
  check_trust(*config, check.errors);
  check_tls_files(*config, check.errors);
  check_smart_host_secret(*config, check.errors);
  if (check.errors.empty()) check.config = std::move(*config);
  return check;
}

nlohmann::ordered_json to_json(const std::vector<ConfigError>& errors) {
  const auto one = [](const ConfigError& error) {
    return nlohmann::ordered_json{{"file", error.file}, {"line", error.line}, {"key", error.key}, {"rule", error.rule}};
  };
  nlohmann::ordered_json json;
  json["ok"] = false;
  if (!errors.empty()) json.update(one(errors.front()));
  auto& list = json["errors"] = nlohmann::ordered_json::array();
  for (const ConfigError& error : errors) list.push_back(one(error));
  return json;
}

}  // namespace pushmail::cli
