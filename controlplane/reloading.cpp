#include "controlplane/reloading.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "controlplane/api/json.h"
#include "core/contract/fetcher/schema.h"
#include "core/contract/handoff/schema.h"
#include "core/log.h"
#include "core/record_fields.h"
#include "core/timers.h"

namespace pushmail {

namespace {

using Outcome = ProgramReload::Outcome;

std::string fetcher_name(std::size_t index) { return fmt::format("fetcher {}", index); }

}  // namespace

std::string to_json_text(const ReloadReport& report) {
  nlohmann::ordered_json json;
  json["reloaded"] = report.taken;
  auto& programs = json["programs"] = nlohmann::ordered_json::array();
  for (const ProgramReload& one : report.programs) {
    nlohmann::ordered_json program{{"program", one.program}, {"result", to_string(one.outcome)}};
    if (!one.reason.empty()) program["reason"] = one.reason;
    programs.push_back(std::move(program));
  }
  json["changed"] = report.changes.taken;
  json["needs_restart"] = report.changes.at_restart;
  return api::text_of_json(json);
}

void Reloading::begin(Reply reply) {
  waiting_.push_back(std::move(reply));
  if (state_ == State::idle) start();
}

void Reloading::start() {
  replies_ = std::exchange(waiting_, {});
  report_ = {};
  config_.reset();
  settings_.reset();
  fetchers_asked_.clear();
  auto config = Config::load(ports_.root);
  std::expected<Settings, StartError> settings = std::unexpected(StartError(""));
  if (config) settings = Settings::from(*config, ports_.root);
  if (!settings) {
    own_refusal_ = config ? config->error_of(settings.error()).message() : config.error().messages();
    std::ranges::replace(own_refusal_, '\n', ';');
    report_.programs.push_back({.program = "control_plane", .outcome = Outcome::refused, .reason = own_refusal_});
    return end();
  }
  own_refusal_.clear();
  config_ = std::move(*config);
  settings_ = std::move(*settings);
  state_ = State::data_plane;
  deadline_ = ports_.clock.now() + timers::reload_data_plane;
  data_plane_query_ = ++query_;
  if (!ports_.ask_data_plane(data_plane_query_))
    data_plane_said(Outcome::away, "it is not connected, and reads the files when it is started");
}

void Reloading::on_data_plane(const RecordView& record) {
  using handoff::Tag;
  const auto number_of = [](Tag tag) { return static_cast<std::uint16_t>(tag); };
  data_plane_refusal_ = record.text(number_of(Tag::reason)).value_or("");
  std::vector<std::string> keys;
  record.for_each([&](std::uint16_t tag, ByteView value) {
    if (tag == number_of(Tag::restart_key)) keys.emplace_back(text_of(value));
  });
  if (data_plane_refusal_.empty()) at_restart_ = std::move(keys);
  const std::uint64_t query = record.u64(number_of(Tag::query)).value_or(0);
  if (state_ != State::data_plane || query != data_plane_query_) return;
  data_plane_said(data_plane_refusal_.empty() ? Outcome::taken : Outcome::refused, data_plane_refusal_);
}

void Reloading::on_data_plane_lost() {
  // The next one has read the files as they are then.
  data_plane_refusal_.clear();
  if (state_ == State::data_plane) data_plane_said(Outcome::silent, "the connection to it was lost before it answered");
}

void Reloading::data_plane_said(Outcome outcome, std::string reason) {
  const bool goes_on = outcome == Outcome::taken || outcome == Outcome::away;
  report_.programs.push_back({.program = "data_plane", .outcome = outcome, .reason = std::move(reason)});
  if (goes_on) return take_ours();
  report_.programs.push_back({.program = "control_plane", .outcome = Outcome::refused, .reason = "the data plane has not taken it"});
  end();
}

void Reloading::take_ours() {
  report_.changes = changes_of(started_, running_, *config_);
  at_restart_ = report_.changes.at_restart;
  report_.taken = true;
  report_.programs.push_back({.program = "control_plane", .outcome = Outcome::taken});
  running_ = std::move(*config_);
  ports_.take(running_, std::move(*settings_));
  state_ = State::fetchers;
  deadline_ = ports_.clock.now() + timers::reload_fetchers;
  for (std::size_t index = 0; index < ports_.fetchers; ++index) fetchers_asked_.emplace(++query_, index);
  for (const auto& [query, index] : std::map(fetchers_asked_)) {
    if (!ports_.ask_fetcher(index, query)) fetcher_said(index, Outcome::away, "it reads the files when it is started");
  }
  if (state_ == State::fetchers && fetchers_asked_.empty()) end();
}

void Reloading::on_fetcher(const RecordView& record) {
  const auto number_of = [](mailbox::Tag tag) { return static_cast<std::uint16_t>(tag); };
  const auto asked = fetchers_asked_.find(record.u64(number_of(mailbox::Tag::query)).value_or(0));
  if (asked == fetchers_asked_.end()) return;
  std::string reason(record.text(number_of(mailbox::Tag::reason)).value_or(""));
  const Outcome outcome = reason.empty() ? Outcome::taken : Outcome::refused;
  fetcher_said(asked->second, outcome, std::move(reason));
}

// The one that follows it reads the files at its start.
void Reloading::on_fetcher_lost(std::size_t index) {
  const bool was_asked = std::ranges::any_of(fetchers_asked_, [&](const auto& asked) { return asked.second == index; });
  if (was_asked) fetcher_said(index, Outcome::away, "it ended; the next one reads the files at its start");
}

void Reloading::fetcher_said(std::size_t index, Outcome outcome, std::string reason) {
  std::erase_if(fetchers_asked_, [&](const auto& asked) { return asked.second == index; });
  report_.programs.push_back({.program = fetcher_name(index), .outcome = outcome, .reason = std::move(reason)});
  if (fetchers_asked_.empty()) end();
}

void Reloading::tick() {
  if (state_ == State::idle || ports_.clock.now() < deadline_) return;
  if (state_ == State::data_plane) return data_plane_said(Outcome::silent, "it has not answered in time");
  for (const auto& [query, index] : std::map(fetchers_asked_)) fetcher_said(index, Outcome::silent, "it has not answered in time");
}

void Reloading::end() {
  state_ = State::idle;
  if (report_.taken) {
    log_info("reloaded")
        .text("changed", fmt::format("{}", fmt::join(report_.changes.taken, " ")))
        .text("at_restart", fmt::format("{}", fmt::join(report_.changes.at_restart, " ")));
  }
  for (const ProgramReload& one : report_.programs) {
    if (one.outcome == Outcome::taken) continue;
    LogEvent(one.outcome == Outcome::away ? LogLevel::info : LogLevel::error, "reload_refused")
        .text("program", one.program)
        .text("result", to_string(one.outcome))
        .text("reason", one.reason);
  }
  const ReloadReport report = std::exchange(report_, {});
  for (const Reply& reply : std::exchange(replies_, {})) reply(report);
  if (!waiting_.empty() && state_ == State::idle) start();
}

std::string Reloading::refusal() const {
  if (!own_refusal_.empty()) return "control_plane: " + own_refusal_;
  return data_plane_refusal_.empty() ? std::string() : "data_plane: " + data_plane_refusal_;
}

}  // namespace pushmail
