#include "controlplane/cli/kek_rotate.h"

#include <fmt/format.h>
#include <sysexits.h>

#include <memory>
#include <optional>

#include "controlplane/binding/kek_rotation.h"
#include "controlplane/cli/client.h"
#include "controlplane/store/errors.h"
#include "controlplane/store/sqlite_store.h"
#include "controlplane/store/store_lock.h"
#include "core/bytes.h"
#include "core/clock.h"

namespace pushmail::cli {

namespace {

using Json = nlohmann::ordered_json;

// The control plane has the store: it wraps, and learns the key before it may meet a password that is wrapped by it.
class ApiSealing final : public Sealing {
 public:
  explicit ApiSealing(std::filesystem::path socket) : socket_(std::move(socket)) {}
  std::expected<void, std::string> announce(const Keks& keks) override {
    Json body{{"now", to_hex(keks.now)}};
    if (keks.before) body["before"] = to_hex(*keks.before);
    const auto taken = call("PUT", "/v1/kek", body);
    if (!taken) return std::unexpected(taken.error());
    return {};
  }
  std::expected<Rewrapped, std::string> rewrap(std::string_view after) override {
    const auto answer = call("POST", "/v1/kek/rewrap", {{"after", after}});
    if (!answer) return std::unexpected(answer.error());
    return Rewrapped{.wrapped = answer->value("wrapped", std::uint64_t{0}),
                     .there = answer->value("there", std::uint64_t{0}),
                     .unreadable = answer->value("unreadable", std::uint64_t{0}),
                     .after = answer->value("after", ""),
                     .first_unreadable = answer->value("first_unreadable", "")};
  }

 private:
  std::expected<Json, std::string> call(const std::string& method, const std::string& target, const Json& body) {
    const auto answer = ask(socket_, method, target, body.dump());
    if (!answer) return std::unexpected(answer.error());
    Json json = Json::parse(answer->body, nullptr, false);
    if (answer->status < 300 && json.is_object()) return json;
    if (json.is_object() && json.contains("error") && json["error"].is_object())
      return std::unexpected(json["error"].value("text", "the control plane refuses it"));
    return std::unexpected(fmt::format("the control plane answered {}", answer->status));
  }

  std::filesystem::path socket_;
};

std::unexpected<NotRotated> not_rotated(int exit_code, std::string text) { return std::unexpected(NotRotated{exit_code, std::move(text)}); }

}  // namespace

std::expected<Json, NotRotated> rotate_kek(const Config& config, const std::filesystem::path& root) {
  const std::filesystem::path at = root.empty() ? "/" : root;
  std::filesystem::path file = config.text("secrets.kek_file");
  // The service manager reads it there, and hands it to the control plane at its start.
  if (file.empty()) file = at / "etc/pushmail/secrets/kek";

  const std::filesystem::path socket = config.run_folder() / "api";
  const bool is_running = ask(socket, "GET", "/v1/status", "").has_value();
  std::optional<StoreLock> lock;
  std::unique_ptr<Store> store;
  std::unique_ptr<Sealing> sealing;
  if (is_running) {
    sealing = std::make_unique<ApiSealing>(socket);
  } else {
    const auto store_file = config.state_folder("store") / "pushmail.sqlite";
    auto locked = StoreLock::take(store_file.parent_path());
    if (!locked && locked.error().is(store_in_use))
      return not_rotated(EX_UNAVAILABLE, "a control plane has the store and does not answer on its socket; try again");
    if (!locked) return not_rotated(EX_UNAVAILABLE, fmt::format("{}: cannot be locked", store_file.parent_path().string()));
    lock.emplace(std::move(*locked));
    auto opened = open_sqlite_store(store_file);
    if (!opened) return not_rotated(EX_UNAVAILABLE, fmt::format("{}: {}", store_file.string(), opened.error().info->text));
    store = std::move(*opened);
    sealing = std::make_unique<StoreSealing>(*store);
  }

  const SystemClock clock;
  auto rotation = KekRotation::open(file, *sealing, clock);
  if (!rotation) return not_rotated(rotation.error().exit_code(), rotation.error().text);
  while (rotation->next() != KekRotation::Step::done) {
    const auto done = rotation->step();
    if (done) continue;
    const bool has_begun = rotation->next() > KekRotation::Step::begin;
    return not_rotated(EX_UNAVAILABLE, has_begun ? done.error() + "; both keys are accepted: give the command again" : done.error());
  }
  Json report{{"wrapped", rotation->total().wrapped}, {"there", rotation->total().there}, {"unreadable", rotation->total().unreadable}};
  if (!rotation->total().first_unreadable.empty()) report["first_unreadable"] = rotation->total().first_unreadable;
  if (rotation->was_under_way()) report["resumed"] = true;
  if (!rotation->kept().empty()) report["old_key"] = rotation->kept().string();
  return report;
}

}  // namespace pushmail::cli
