// pushmailctl as a function, and beside it a control plane's API socket with a store in memory.
#pragma once

#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>
#include <filesystem>
#include <fstream>
#include <memory>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "controlplane/api/server.h"
#include "controlplane/cli/cli.h"
#include "controlplane/store/ledger.h"
#include "controlplane/store/sqlite_store.h"
#include "tests/unit/controlplane/held_durability.h"

namespace pushmail::cli {

class FixedClock final : public Clock {
 public:
  [[nodiscard]] Timestamp wall() const override { return {1'795'000'000'000'000}; }
  [[nodiscard]] Instant now() const override { return {1}; }
};

struct Ran {
  int code;
  std::string out;
  std::string error;
};

inline Ran ctl(std::vector<std::string> arguments, const std::string& input = "") {
  std::istringstream in(input);
  std::ostringstream out, error;
  const int code = run(arguments, {in, out, error});
  return {code, out.str(), error.str()};
}

struct CliTest : ::testing::Test {
  std::filesystem::path root = std::filesystem::temp_directory_path() / ("pm-cli-" + to_string(new_item_id({}, 0)));
  FixedClock clock;
  std::unique_ptr<Store> store = open_sqlite_store(":memory:").value();
  Sealer sealer{{1, 2, 3}};
  Bindings bindings{*store, sealer, clock, {.peers = {"mmsc"}}};
  std::string status = R"({"verdict":"serving","reasons":[],"parts":[]})";
  std::string reload = "{}";
  api::Api api{*store,
               bindings,
               {.status = [this] { return status; },
                .peers =
                    [] {
                      return std::vector<api::PeerStanding>{{.name = "mmsc",
                                                             .url = "http://198.18.0.1:8080/mm7",
                                                             .reports = 25,
                                                             .report_time_p95 = seconds(90),
                                                             .doubt_lasts = seconds(180),
                                                             .unknown = 3,
                                                             .paused_until = {1'795'000'060'000'000},
                                                             .reason = "4001"}};
                    },
                .reload = [this](const std::function<void(std::string)>& reply) { reply(reload); }}};
  boost::asio::io_context context;
  HeldDurability durable;
  std::unique_ptr<api::Server> server;
  std::thread thread;

  void SetUp() override {
    std::filesystem::create_directories(root / "run/pushmail");
    auto opened = api::Server::open(context, root / "run/pushmail/api", {}, durable, api);
    ASSERT_TRUE(opened) << opened.error().text;
    server = std::move(*opened);
    thread = std::thread([this] { context.run(); });
  }
  void TearDown() override {
    context.stop();
    thread.join();
    server.reset();
    std::filesystem::remove_all(root);
  }
  Ran at_root(std::vector<std::string> arguments, const std::string& input = "") {
    arguments.insert(arguments.end(), {"--root", root.string()});
    return ctl(std::move(arguments), input);
  }
  /// A mail of this binding that waits for its phone's answer. Nobody may be asking: the server's thread owns the store while it answers.
  Item waiting_mail(const std::string& binding, std::string subject) {
    Item item{.id = new_item_id(clock.wall(), 1),
              .trace = new_trace_id(),
              .source = Source::mailbox,
              .binding = binding,
              .msisdn = Msisdn::from_digits("15550100002").value(),
              .uid = "4",
              .correspondent = "joe@example.com",
              .subject = std::move(subject),
              .created = clock.wall(),
              .updated = clock.wall()};
    EXPECT_TRUE(store->add_item(item).value());
    EXPECT_TRUE(note(*store, item, "mail_seen", clock.wall(), Program::fetcher, {{"uid", "4"}}));
    EXPECT_TRUE(
        move_item(*store, item, {.event = ItemEvent::notified, .reason = "waits for the phone's answer", .time = clock.wall()}).value());
    return item;
  }
  /// The table that every configuration needs; ends it.
  std::string secrets() const {
    const auto file = root / "kek";
    if (!std::filesystem::exists(file)) std::ofstream(file) << std::string(32, 'k');
    std::filesystem::permissions(file, std::filesystem::perms::owner_read);
    return "[secrets]\nkek_file = \"" + file.string() + "\"\n";
  }
  std::vector<std::string> add() {
    return {"binding", "add", "--msisdn", "+15550100002",     "--address", "ann@box.example",
            "--name",  "Änn", "--host",   "mail.example.com", "--user",    "ann"};
  }
};

}  // namespace pushmail::cli
