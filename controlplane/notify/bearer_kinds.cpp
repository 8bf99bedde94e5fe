#include "controlplane/notify/bearer_kinds.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "controlplane/notify/smpp_session.h"
#include "core/secret_file.h"
#include "core/tls_files.h"

namespace pushmail::notify {

namespace {

// The keys that hold for one bearer.
class Keys {
 public:
  Keys(const Config& config, std::string_view name) : config_(config), name_(name) {}

  [[nodiscard]] std::string path(std::string_view leaf) const { return config_.inherited(fmt::format("bearer.{}.{}", name_, leaf)); }
  [[nodiscard]] std::string text(std::string_view leaf) const { return config_.text(path(leaf)); }
  [[nodiscard]] std::int64_t number(std::string_view leaf) const { return config_.number(path(leaf)); }
  [[nodiscard]] Duration duration(std::string_view leaf) const { return config_.duration(path(leaf)); }

 private:
  const Config& config_;
  std::string_view name_;
};

std::optional<sms::IdForm> id_form_of(std::string_view word) {
  const auto* const known = std::ranges::find(sms::id_form_names, word);
  return known == sms::id_form_names.end() ? std::nullopt : std::optional(static_cast<sms::IdForm>(known - sms::id_form_names.begin()));
}

void read_tls(const Config& config, const Keys& keys, SmppSettings& smsc, std::vector<StartError>& problems) {
  if (keys.text("tls") != "on") return;
  const bool shows = !keys.text("tls_certificate").empty();
  auto trust = load_trust(config, keys.text("tls_ca"), {.certificate = keys.text("tls_certificate"), .key = keys.text("tls_key")});
  if (!trust) problems.emplace_back(keys.path(shows ? "tls_certificate" : "tls_ca") + ": " + std::string(trust.error().info->text));
  if (trust) smsc.tls = std::move(*trust);
  smsc.tls_name = keys.text("tls_name");
  if (smsc.tls_name.empty()) smsc.tls_name = to_string(smsc.smsc.ip);
}

BearerProfile profile_of(const Config& config, std::string name, std::string kind, std::int64_t order, std::vector<StartError>& problems) {
  return {.name = name,
          .kind = kind,
          .order = order,
          .message_id_form = id_form_of(Keys(config, name).text("message_id_form")),
          .make = kind_of(kind).read(config, name, problems)};
}

}  // namespace

std::vector<BearerProfile> configured_bearers(const Config& config, std::vector<StartError>& problems) {
  std::vector<BearerProfile> all;
  for (const std::string& name : config.bearers()) {
    const auto key = [&](const char* leaf) { return fmt::format("bearer.{}.{}", name, leaf); };
    all.push_back(profile_of(config, name, config.text(key("kind")), config.number(key("order")), problems));
  }
  if (all.empty()) all.push_back(profile_of(config, std::string(only_bearer), "smpp", 1, problems));
  return all;
}

SmppSettings configured_smpp(const Config& config, std::string_view name, std::vector<StartError>& problems) {
  const Keys keys(config, name);
  SmppSettings smsc;
  auto password = read_secret(config, keys.path("password_file"));
  if (!password) problems.push_back(password.error());
  smsc.smsc = config.endpoint(keys.path("smsc"));
  smsc.system_id = keys.text("system_id");
  smsc.password = password.value_or("");
  smsc.system_type = keys.text("system_type");
  smsc.source = keys.text("source");
  smsc.window = static_cast<std::size_t>(keys.number("window"));
  const std::string bind = keys.text("bind");
  smsc.bind = bind == "pair" ? SmppBind::pair : bind == "transceiver" ? SmppBind::transceiver : SmppBind::automatic;
  const std::string alphabet = keys.text("default_alphabet");
  smsc.in_zero = alphabet == "latin1" ? sms::Alphabet::latin1 : alphabet == "ascii" ? sms::Alphabet::ascii : sms::Alphabet::gsm;
  smsc.enquire_link = keys.duration("enquire_link");
  read_tls(config, keys, smsc, problems);
  // SMPP 3.4 §4.1: the fields' sizes count their NUL.
  const auto wrong = [&](std::string_view leaf, std::string_view rule) {
    problems.emplace_back(keys.path(leaf) + ": " + std::string(rule));
  };
  if (smsc.system_id.size() > 15) wrong("system_id", "at most 15 characters");
  if (smsc.password.size() > 8) wrong("password_file", "an SMPP password has at most 8 characters");
  if (smsc.system_type.size() > 12) wrong("system_type", "at most 12 characters");
  if (smsc.source.empty() || smsc.source.size() > 20) wrong("source", "must have 1 to 20 characters");
  return smsc;
}

MakeBearer read_smpp_bearer(const Config& config, std::string_view name, std::vector<StartError>& problems) {
  return [smsc = configured_smpp(config, name, problems)](const BearerParts& parts) -> std::unique_ptr<Bearer> {
    return std::make_unique<SmppSession>(parts.context, parts.clock, smsc, parts.durability, parts.events);
  };
}

}  // namespace pushmail::notify
