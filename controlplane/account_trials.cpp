#include "controlplane/account_trials.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "controlplane/account_pauses.h"
#include "controlplane/account_record.h"
#include "controlplane/binding/errors.h"
#include "core/timers.h"

namespace pushmail {

namespace {

using api::AccountTrial;
using mailbox::Kind;
using mailbox::Tag;
using mailbox::tag;

// Which of the session's states say that the account cannot work as it is, and which member of the binding that is about.
struct Hopeless {
  std::string_view state;
  std::string_view field;
};
constexpr auto hopeless = std::to_array<Hopeless>({{"auth_failed", "password"}, {"tls_failed", "tls"}, {"protocol_error", "host"}});

AccountTrial verdict(std::string_view state, std::string reason) {
  if (state == "ready") return {.works = AccountTrial::Works::yes, .field = {}, .text = {}, .state = {}};
  for (const Hopeless& row : hopeless) {
    if (row.state == state)
      return {.works = AccountTrial::Works::no, .field = std::string(row.field), .text = std::move(reason), .state = std::string(state)};
  }
  return {.works = AccountTrial::Works::unknown, .field = {}, .text = std::move(reason), .state = std::string(state)};
}

}  // namespace

void AccountTrials::start(const Binding& binding, const std::string& password, std::function<void(AccountTrial)> reply) {
  const std::string name = fmt::format("trial-{}", ++last_);
  trials_[name] = {.reply = std::move(reply), .until = ports_.clock.now() + timers::trial_answer};
  ports_.resolver.resolve(binding.host, [this, name, binding, password](Result<std::vector<IpAddress>> addresses) {
    probe(name, binding, password, addresses);
  });
}

void AccountTrials::probe(const std::string& name, const Binding& binding, const std::string& password,
                          const Result<std::vector<IpAddress>>& addresses) {
  if (!trials_.contains(name)) return;
  if (!addresses) {
    const bool exists = !addresses.error().is(binding_no_address);
    return answer(name, {.works = exists ? AccountTrial::Works::unknown : AccountTrial::Works::no,
                         .field = "host",
                         .text = "DNS: " + std::string(addresses.error().info->text)});
  }
  const auto allowed =
      std::ranges::find_if(*addresses, [this](const IpAddress& address) { return ports_.settings.egress.allows(address); });
  if (allowed == addresses->end())
    return answer(name, {.works = AccountTrial::Works::no,
                         .field = "host",
                         .text = "its address is in a private or special network; mailbox.allow_networks may allow it"});
  if (!ports_.fetchers.is_up(name))
    return answer(name, {.works = AccountTrial::Works::unknown, .field = {}, .text = "no fetcher is there to try the account"});
  RecordWriter record = make(Kind::probe, {});
  record.text(tag(Tag::binding), name);
  write_account(record, binding, *allowed, password, ports_.settings.providers.of_host(binding.host));
  ports_.fetchers.send(name, Kind::probe, {}, std::move(record));
}

void AccountTrials::on_probed(const RecordView& record) {
  const std::string name(record.text(tag(Tag::binding)).value_or(""));
  AccountTrial trial = verdict(record.text(tag(Tag::state)).value_or(""), std::string(record.text(tag(Tag::reason)).value_or("")));
  trial.wait = pause_of(record);
  answer(name, std::move(trial));
}

void AccountTrials::tick() {
  const Instant now = ports_.clock.now();
  std::vector<std::string> late;
  for (const auto& [name, trial] : trials_) {
    if (trial.until <= now) late.push_back(name);
  }
  for (const std::string& name : late) {
    answer(name, {.works = AccountTrial::Works::unknown,
                  .field = {},
                  .text = fmt::format("the mail server did not answer in {} s", timers::trial_answer.first.ms() / 1000)});
  }
}

void AccountTrials::answer(const std::string& name, AccountTrial trial) {
  auto found = trials_.extract(name);
  if (!found.empty()) found.mapped().reply(std::move(trial));
}

}  // namespace pushmail
