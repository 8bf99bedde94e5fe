// pushmailctl against a real API socket: the transcript an operator sees, --json, and every exit code.
#include "controlplane/cli/cli.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sysexits.h>

#include <algorithm>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/read.hpp>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <functional>
#include <future>
#include <nlohmann/json.hpp>
#include <sstream>
#include <thread>

#include "controlplane/api/server.h"
#include "controlplane/cli/table.h"
#include "controlplane/cli/timer_list.h"
#include "controlplane/store/ledger.h"
#include "controlplane/store/sqlite_store.h"
#include "core/config.h"
#include "core/contract/counters/counters.h"
#include "core/program_options.h"
#include "core/timers.h"
#include "tests/unit/controlplane/cli/fixture.h"

namespace pushmail::cli {
namespace {

using Json = nlohmann::json;

// Who is answered that a binding is there finds it after a power cut.
TEST_F(CliTest, ReloadSaysWhatBecameOfEachProgram) {
  reload = R"({"reloaded":true,"programs":[{"program":"data_plane","result":"away","reason":"it is not connected"},)"
           R"({"program":"control_plane","result":"taken"}],"changed":["log.level"],"needs_restart":["smtp.listen"]})";
  const Ran taken = at_root({"reload"});
  EXPECT_EQ(taken.code, 0);
  EXPECT_NE(taken.out.find("data_plane     away    it is not connected\ncontrol_plane  taken"), std::string::npos) << taken.out;
  EXPECT_NE(taken.out.find("\ntaken: log.level\nneeds a restart: smtp.listen\n"), std::string::npos) << taken.out;
  reload = R"({"reloaded":false,"programs":[{"program":"control_plane","result":"refused","reason":"t.toml:1: log.level: no"}]})";
  const Ran refused = at_root({"reload"});
  EXPECT_EQ(refused.code, 78);
  EXPECT_NE(refused.out.find("t.toml:1: log.level: no"), std::string::npos) << refused.out;
  EXPECT_EQ(at_root({"reload", "--json"}).out, reload + "\n");
}

/// Runs it in the thread of the loop, and waits for it.
bool in_loop(boost::asio::io_context& context, std::function<bool()> body) {
  std::packaged_task<bool()> task(std::move(body));
  auto done = task.get_future();
  boost::asio::post(context, std::move(task));
  return done.get();
}

TEST_F(CliTest, AnAnswerWaitsForTheStore) {
  const auto in_server = [this](std::function<bool()> body) { return in_loop(context, std::move(body)); };
  in_server([this] { return durable.held = true; });
  auto added = std::async(std::launch::async, [this] { return at_root(add(), "secret\n"); });
  while (!in_server([this] { return durable.is_waited_for(); })) std::this_thread::yield();
  EXPECT_EQ(added.wait_for(std::chrono::seconds(0)), std::future_status::timeout);
  in_server([this] {
    durable.release();
    return true;
  });
  EXPECT_EQ(added.get().code, 0);
}

TEST_F(CliTest, DrainAnswersWhatIsAskedAndEndsWhoAsksNothing) {
  using Protocol = boost::asio::local::stream_protocol;
  const auto busy = boost::asio::make_work_guard(context);
  const auto in_server = [this](std::function<bool()> body) { return in_loop(context, std::move(body)); };
  in_server([this] { return durable.held = true; });
  auto added = std::async(std::launch::async, [this] { return at_root(add(), "secret\n"); });
  while (!in_server([this] { return durable.is_waited_for(); })) std::this_thread::yield();
  boost::asio::io_context own;
  Protocol::socket idle(own);
  idle.connect(Protocol::endpoint((root / "run/pushmail/api").string()));
  bool drained = false;
  in_server([&] {
    server->drain([&drained] { drained = true; });
    return true;
  });
  std::string heard;
  boost::system::error_code end;
  boost::asio::read(idle, boost::asio::dynamic_buffer(heard), end);
  EXPECT_EQ(end, boost::asio::error::eof) << "no reset";
  EXPECT_TRUE(heard.empty() || heard.find(" 503 ") != std::string::npos) << heard;
  EXPECT_EQ(at_root({"binding", "list"}).code, EX_UNAVAILABLE);
  EXPECT_EQ(added.wait_for(std::chrono::seconds(0)), std::future_status::timeout);
  EXPECT_FALSE(in_server([&] { return drained; }));
  in_server([this] {
    durable.release();
    return true;
  });
  EXPECT_EQ(added.get().code, 0);
  while (!in_server([&] { return drained; })) std::this_thread::yield();
}

TEST_F(CliTest, BindingsFromAddToRemove) {
  const Ran added = at_root(add(), "secret\n");
  ASSERT_EQ(added.code, 0) << added.error;
  const std::string id = added.out.substr(0, added.out.size() - 1);
  EXPECT_EQ(sealer.unseal(id, store->binding(id).value()->sealed_password).value(), "secret");

  const Json listed = Json::parse(at_root({"binding", "list", "--json"}).out);
  EXPECT_EQ(listed["bindings"][0]["id"], id);
  EXPECT_EQ(Json::parse(at_root({"--json", "binding", "show", id}).out)["display_name"], "Änn");

  EXPECT_EQ(at_root(add(), "secret\n").code, EX_DATAERR) << "bound already";
  std::ofstream(root / "password") << "from file\n";
  EXPECT_EQ(at_root({"binding", "password", id, "--password-file", (root / "password").string()}).code, 0);
  EXPECT_EQ(sealer.unseal(id, store->binding(id).value()->sealed_password).value(), "from file");
  EXPECT_NE(at_root({"binding", "set", id, "--policy", "push", "--json"}).out.find(R"("policy":"push")"), std::string::npos);
  EXPECT_NE(at_root({"binding", "set", id, "--zone", "Nowhere"}).error.find("--zone"), std::string::npos);
  EXPECT_EQ(at_root({"binding", "set", id}).code, 64);
  EXPECT_EQ(at_root({"binding", "suspend", id}).code, 0);
  EXPECT_EQ(at_root({"binding", "resume", id}).code, 0);
  EXPECT_EQ(at_root({"binding", "remove", id}).code, 0);
  EXPECT_EQ(at_root({"binding", "show", id}).code, 1);
}

TEST_F(CliTest, OnlySoManyConnectionsAtATime) {
  using Protocol = boost::asio::local::stream_protocol;
  boost::asio::io_context own;
  std::vector<Protocol::socket> idle;
  for (int i = 0; i < 64; ++i) {
    idle.emplace_back(own);
    idle.back().connect(Protocol::endpoint((root / "run/pushmail/api").string()));
  }
  EXPECT_NE(at_root({"binding", "list"}).code, 0) << "one more is turned away";
  idle.clear();
  // The server learns of each end in its own time.
  int tries = 0;
  while (at_root({"binding", "list"}).code != 0 && ++tries < 1000) std::this_thread::yield();
  EXPECT_LT(tries, 1000);
}

TEST_F(CliTest, ItemsForPeopleAndMachines) {
  const Item item = waiting_mail("b1", "Hi\x1b[31m");
  const std::string id = to_string(item.id);
  const Ran listed = at_root({"item", "list"});
  EXPECT_EQ(listed.code, 0);
  EXPECT_NE(listed.out.find("waits for the phone's answer"), std::string::npos);
  EXPECT_EQ(listed.out.find('\x1b'), std::string::npos) << "a subject must not steer the terminal";
  EXPECT_EQ(Json::parse(at_root({"item", "show", id, "--json"}).out)["state"], "notified");
  EXPECT_NE(at_root({"item", "show", id}).out.find("reason"), std::string::npos);

  const Ran trace = at_root({"item", "trace", id, "--jsonl"});
  std::istringstream lines(trace.out);
  std::vector<std::string> events;
  for (std::string line; std::getline(lines, line);) {
    const Json row = Json::parse(line);
    for (const char* key : {"ts", "program", "event", "state", "trace", "item"}) EXPECT_TRUE(row.contains(key)) << key;
    EXPECT_EQ(row["trace"], to_string(item.trace));
    events.push_back(row["event"]);
  }
  EXPECT_EQ(events, (std::vector<std::string>{"mail_seen", "notified"}));
  EXPECT_EQ(at_root({"item", "trace", to_string(item.trace), "--jsonl"}).out, trace.out);
  EXPECT_EQ(at_root({"item", "list", "--state", "delivered", "--json"}).out, "{\"items\":[]}\n");
}

TEST_F(CliTest, ExplainPrintsWhatTheConversionChanged) {
  const Item item{.id = new_item_id(clock.wall(), 2),
                  .trace = new_trace_id(),
                  .source = Source::mailbox,
                  .binding = "b1",
                  .msisdn = Msisdn::from_digits("15550100002").value(),
                  .uid = "5",
                  .correspondent = "joe@example.com",
                  .subject = "Hi",
                  .created = clock.wall(),
                  .updated = clock.wall()};
  ASSERT_TRUE(store->add_item(item).value());
  ASSERT_TRUE(note(*store, item, "converted", clock.wall(), Program::data, {{"decision", "big.png\x1b: left out"}}));
  ASSERT_TRUE(note(*store, item, "submit_req", clock.wall(), Program::data, {{"size", "4"}}));
  const std::string id = to_string(item.id);
  const Ran people = at_root({"item", "explain", id});
  EXPECT_EQ(people.code, EX_OK) << people.error;
  EXPECT_NE(people.out.find("\n  big.png"), std::string::npos) << people.out;
  EXPECT_EQ(people.out.find('\x1b'), std::string::npos);
  EXPECT_EQ(Json::parse(at_root({"item", "explain", id, "--json"}).out)["decisions"], Json({"big.png\x1b: left out"}));
  EXPECT_EQ(at_root({"item", "explain", to_string(new_item_id(clock.wall(), 3))}).code, 1);
}

// docs/timers.txt shows the tables as they are; with any row taken out, or any wait of it changed, it would not.
TEST(TimerTest, EveryRowIsShown) {
  std::size_t mutants = 0;
  const auto shown = [](const std::vector<std::vector<Timer>>& tables) {
    std::vector<PlaneTimers> planes;
    for (std::size_t i = 0; i < tables.size(); ++i) planes.push_back({.name = all_timers[i].name, .timers = tables[i]});
    std::ostringstream out;
    print_timers(out, planes);
    return std::move(out).str();
  };
  std::vector<std::vector<Timer>> tables;
  for (const PlaneTimers& plane : all_timers) tables.emplace_back(plane.timers.begin(), plane.timers.end());
  std::ifstream file(std::string(PUSHMAIL_SOURCE_DIR) + "/docs/timers.txt");
  const std::string written{std::istreambuf_iterator<char>(file), {}};
  ASSERT_EQ(shown(tables), written);
  const auto expect_seen = [&](const std::vector<std::vector<Timer>>& changed, std::string_view name) {
    EXPECT_NE(shown(changed), written) << name;
    ++mutants;
  };
  for (std::size_t plane = 0; plane < tables.size(); ++plane) {
    for (std::size_t row = 0; row < tables[plane].size(); ++row) {
      auto without = tables;
      without[plane].erase(without[plane].begin() + static_cast<std::ptrdiff_t>(row));
      expect_seen(without, tables[plane][row].name);
      auto longer = tables, later = tables, drawn = tables, other = tables;
      longer[plane][row].first.ns *= 2;
      later[plane][row].most.ns *= 2;
      drawn[plane][row].jitter_percent ^= 1;
      other[plane][row].who = "nobody";
      for (const auto& changed : {longer, later, drawn, other}) expect_seen(changed, tables[plane][row].name);
    }
  }
  std::printf("%zu mutants of timers, each noticed\n", mutants);
}

TEST(KeysPage, IsTheTable) {
  const Ran shown = ctl({"config", "describe"});
  EXPECT_EQ(shown.code, 0);
  std::ifstream file(std::string(PUSHMAIL_SOURCE_DIR) + "/docs/keys.md");
  const std::string written{std::istreambuf_iterator<char>(file), {}};
  EXPECT_EQ(shown.out, written) << "pushmailctl config describe > docs/keys.md";
  for (const ConfigKey& key : config_keys()) {
    const std::string name = "| `" + std::string(key.path.substr(key.path.rfind('.') + 1)) + "` | ";
    EXPECT_NE(shown.out.find(name), std::string::npos) << key.path;
  }
  EXPECT_NE(shown.out.find("| `segment_size` | size with its unit | `64MiB` | 1MiB or more | size of a segment file |\n"),
            std::string::npos);
  EXPECT_NE(shown.out.find("| `kind` | one word | must be given | kernel, dpdk | "), std::string::npos);
  EXPECT_NE(shown.out.find("| `retry_first` | time with its unit | `5s` | 100ms to 1d | "), std::string::npos);
}

TEST(TimerTest, ListsTheWaitsOfBothPlanes) {
  const Ran shown = ctl({"timer", "list"});
  EXPECT_EQ(shown.code, 0);
  std::ifstream file(std::string(PUSHMAIL_SOURCE_DIR) + "/docs/timers.txt");
  const std::string written{std::istreambuf_iterator<char>(file), {}};
  EXPECT_EQ(shown.out, written) << "pushmailctl timer list > docs/timers.txt";
  const Json rows = Json::parse(ctl({"timer", "list", "--json"}).out);
  EXPECT_EQ(rows.size(), timers::of_control_plane.size() + timers::of_data_plane.size());
  const auto row = std::ranges::find_if(rows, [](const Json& one) { return one["timer"] == "submit_retry"; });
  ASSERT_NE(row, rows.end());
  EXPECT_EQ((*row)["plane"], "data");
  EXPECT_EQ((*row)["first_ms"], 5'000);
  EXPECT_EQ((*row)["most_ms"], 300'000);
  EXPECT_EQ((*row)["jitter_percent"], 25);
}

TEST_F(CliTest, ConvertGoesToFilesAndBackWithoutAServer) {
  std::ofstream(root / "m.eml", std::ios::binary)
      << "From: Ann <ann@example.com>\r\nSubject: Hi\r\nContent-Type: multipart/alternative; boundary=b\r\n\r\n--b\r\n\r\nhello\x1b[2J\r\n"
         "--b\r\nContent-Type: text/html\r\n\r\n<p>hello\r\n--b--\r\n";
  const auto mail_size = std::filesystem::file_size(root / "m.eml");
  const std::string folder = root.string();
  const Ran people = ctl({"convert", "mail", folder + "/m.eml", "--out", folder});
  EXPECT_EQ(people.code, EX_OK) << people.error;
  EXPECT_NE(people.out.find("    text/html  ("), std::string::npos) << people.out;
  EXPECT_NE(people.out.find("Ann <ann@example.com>\nhello[2J\n"), std::string::npos) << people.out;
  EXPECT_NE(people.out.find("text/html: the plain text of the same content is shown"), std::string::npos) << people.out;

  EXPECT_EQ(ctl({"convert", "mm", folder + "/m.mms", "--out", folder}).code, EX_DATAERR) << "it would write over the mail";
  EXPECT_EQ(std::filesystem::file_size(root / "m.eml"), mail_size);

  std::filesystem::remove(root / "m.mms");
  std::filesystem::remove(root / "m.submitreq");
  const Json mail = Json::parse(ctl({"convert", "mail", folder + "/m.eml", "--out", folder, "--json"}).out);
  EXPECT_EQ(mail["mail"].size(), 3U);
  EXPECT_EQ(mail["decisions"].size(), 1U);
  EXPECT_EQ(mail["files"], Json({folder + "/m.mms", folder + "/m.submitreq"}));

  const Json mm = Json::parse(ctl({"convert", "mm", folder + "/m.mms", "--out", folder + "/run", "--json"}).out);
  EXPECT_EQ(mm["subject"], "Hi");
  EXPECT_EQ(mm["parts"], mail["parts"]);
  std::filesystem::create_directory(root / "again");
  const Json once_more = Json::parse(ctl({"convert", "mail", folder + "/run/m.eml", "--out", folder + "/again", "--json"}).out);
  EXPECT_EQ(once_more["subject"], "Hi");

  // The other form that is written, and what HTTP carries; what it cannot read it names.
  const Json submit = Json::parse(ctl({"convert", "mm", folder + "/again/m.submitreq", "--out", folder + "/again", "--json"}).out);
  EXPECT_EQ(submit["subject"], "Hi");
  EXPECT_EQ(submit["parts"], once_more["parts"]);
  std::ifstream again(root / "again" / "m.eml", std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(again), {}};
  EXPECT_EQ(text.find("1970"), std::string::npos) << text;
  struct Row {
    std::string name, content, expected;
  };
  const std::string deliver =
      "<Envelope xmlns=\"http://schemas.xmlsoap.org/soap/envelope/\"><Header><TransactionID "
      "xmlns=\"http://www.3gpp.org/ftp/Specs/archive/23_series/23.140/schema/REL-6-MM7-1-4\">t</TransactionID></Header><Body>"
      "<DeliverReq "
      "xmlns=\"http://www.3gpp.org/ftp/Specs/archive/23_series/23.140/schema/REL-6-MM7-1-4\"><MM7Version>6.8.0</"
      "MM7Version><Sender><Number>+15550100001</Number></Sender><Recipients><To><RFC2822Address>"
      "joe@example.com</RFC2822Address></To></Recipients><Subject>Hi</Subject><Content href=\"cid:c\"/></DeliverReq></Body></Envelope>";
  const std::string parts =
      "--o\nContent-Type: text/xml\n\n" + deliver + "\n--o\nContent-Type: text/plain\nContent-ID: <c>\n\nhello\n--o--\n";
  const Row rows[] = {
      {"head.deliverreq", "Content-Type: multipart/related;\n boundary=o\n\n" + parts, ""},
      {"whole.http", "POST /mm7 HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/related; boundary=o\r\nSOAPAction: \"\"\r\n\r\n" + parts,
       ""},
      {"body", parts, ""},
      {"empty", "", "the file is empty"},
      {"mail", "From: a@example.com\nContent-Type: text/plain\n\nhello", "convert mail"},
      {"notice", std::string("\x8C\x83\x98T\0\x8D\x92\x95\x81", 9), "m-notifyresp-ind"},
      {"junk", "hello", "wanted: an MMS PDU"},
  };
  for (const Row& row : rows) {
    std::ofstream(root / row.name, std::ios::binary) << row.content;
    std::filesystem::create_directory(root / ("of_" + row.name));
    const Ran ran = ctl({"convert", "mm", folder + "/" + row.name, "--out", folder + "/of_" + row.name});
    EXPECT_EQ(ran.code, row.expected.empty() ? EX_OK : EX_DATAERR) << row.name << " " << ran.error;
    EXPECT_NE(ran.error.find(row.expected), std::string::npos) << row.name << " " << ran.error;
  }

  EXPECT_EQ(ctl({"convert", "mail", folder + "/none.eml"}).code, EX_DATAERR);
  EXPECT_EQ(ctl({"convert", "mm", folder + "/m.eml"}).code, EX_DATAERR);
  EXPECT_EQ(ctl({"convert", "mail", folder + "/m.eml", "--out", folder + "/nowhere"}).code, EX_DATAERR);
}

TEST_F(CliTest, ExitCodes) {
  EXPECT_EQ(at_root({}).code, EX_USAGE);
  EXPECT_EQ(at_root({"binding"}).code, EX_USAGE);
  EXPECT_EQ(at_root({"binding", "dance"}).code, EX_USAGE);
  EXPECT_EQ(at_root({"binding", "add", "--msisdn", "1"}).code, EX_USAGE);
  EXPECT_EQ(at_root({"binding", "add", "--password", "x"}).code, EX_USAGE) << "no password on the command line";
  EXPECT_EQ(at_root(add(), "\n").code, EX_DATAERR) << "empty password";
  EXPECT_EQ(at_root({"item", "show", "00000000000000000000000000"}).code, 1);
  EXPECT_EQ(at_root({"item", "list", "--state", "lost"}).code, EX_DATAERR);
  EXPECT_EQ(at_root({"--help"}).code, 0);
  EXPECT_EQ(ctl({"item", "list", "--root", (root / "nowhere").string()}).code, EX_UNAVAILABLE);
  EXPECT_EQ(at_root({"worker", "show"}).code, EX_UNAVAILABLE);
  EXPECT_EQ(at_root({"peer", "show", "nobody"}).code, 1);
  EXPECT_EQ(at_root({"poll", "now"}).code, 0);
}

TEST_F(CliTest, StatusExitsWithTheVerdict) {
  EXPECT_EQ(at_root({"status"}).code, 0);
  status = R"({"verdict":"degraded","reasons":["smsc 192.0.2.1:2775: not bound: Connection refused"],)"
           R"("parts":[{"part":"smsc","name":"192.0.2.1:2775","state":"not bound","means":"degraded","since":"2026-11-29T10:00:00.000Z",)"
           R"("error":"Connection \u001b[31mrefused","error_at":"2026-11-29T10:05:00.000Z"}],)"
           R"("items":[{"state":"requested","count":3,"oldest":"2026-11-29T08:00:00.000Z","oldest_age_s":93780}],)"
           R"("store_size":5242880,"journal_segments":2,"transfers":1,"sms_in_doubt":4})";
  const Ran degraded = at_root({"status"});
  EXPECT_EQ(degraded.code, 1);
  EXPECT_EQ(degraded.out,
            "degraded\n"
            "  smsc 192.0.2.1:2775: not bound: Connection refused\n"
            "\n"
            "PART  NAME            STATE      SINCE                     LAST ERROR\n"
            "smsc  192.0.2.1:2775  not bound  2026-11-29T10:00:00.000Z  2026-11-29T10:05:00.000Z Connection  [31mrefused\n"
            "\n"
            "ITEMS      COUNT  OLDEST                    AGE\n"
            "requested  3      2026-11-29T08:00:00.000Z  1d 2h\n"
            "\n"
            "store 5.0 MiB, journal 2 segments, 1 transfers; SMS: 4 in doubt, 0 set aside, 0 withheld, receipts 0 and 0 of no SMS\n");
  EXPECT_EQ(Json::parse(at_root({"status", "--json"}).out)["verdict"], "degraded");
  status = R"({"verdict":"down","reasons":[],"parts":[]})";
  EXPECT_EQ(at_root({"status"}).code, 2);
  status = "{}";
  EXPECT_EQ(at_root({"status"}).code, 2) << "an answer without a verdict";
}

TEST_F(CliTest, StatusWithoutAControlPlaneLooksAtTheDataPlane) {
  const std::string away = (root / "away").string();
  std::filesystem::create_directories(root / "away/run/pushmail");
  const Ran nothing = ctl({"status", "--json", "--root", away});
  EXPECT_EQ(nothing.code, 2);
  const Json json = Json::parse(nothing.out);
  EXPECT_EQ(json["parts"][0]["state"], "does not answer");
  EXPECT_EQ(json["parts"][1]["state"], "not started");
  EXPECT_FALSE(json.contains("store_size")) << "nobody knows it";

  const SystemClock now;
  auto counters = Counters::create(root / "away/run/pushmail/counters", {.pid = ::getpid(), .started = now.wall(), .configuration = 1});
  ASSERT_TRUE(counters.has_value());
  (*counters)->set(Counter::worker_seen, static_cast<std::uint64_t>(now.now().ns / 1'000'000'000));
  const Ran alone = ctl({"status", "--root", away});
  EXPECT_EQ(alone.code, 2);
  EXPECT_NE(alone.out.find("data_plane           runs"), std::string::npos) << alone.out;
}

// The scripts are run by the shells themselves in tests/package/completion_test.py.
TEST_F(CliTest, CompletionKnowsEveryWord) {
  const Ran bash = ctl({"completion", "bash"});
  EXPECT_EQ(bash.code, 0);
  EXPECT_NE(bash.out.find("    ' item') words='list show explain trace"), std::string::npos) << bash.out;
  EXPECT_NE(bash.out.find("    ' binding add') words='--root --json"), std::string::npos) << bash.out;
  EXPECT_TRUE(ctl({"completion", "zsh"}).out.starts_with("#compdef pushmailctl\n"));
  EXPECT_EQ(ctl({"completion", "csh"}).code, EX_USAGE);
}

TEST_F(CliTest, VersionAndMetrics) {
  const Ran version = ctl({"--version"});
  EXPECT_EQ(version.code, 0);
  EXPECT_EQ(version.out, "pushmailctl " + std::string(program_version()) + "\n");
  const Ran metrics = ctl({"metrics", "describe"});
  EXPECT_EQ(metrics.code, 0);
  EXPECT_NE(metrics.out.find("| `pushmail_status` | gauge |"), std::string::npos);
}

TEST_F(CliTest, ConfigCheckNamesFileLineKeyAndRule) {
  std::filesystem::create_directories(root / "etc/pushmail");
  std::ofstream(root / "etc/pushmail/pushmail.toml") << "domain = \"mms.example.net\"\n[schedule]\nround = \"soon\"\n";
  const Ran checked = at_root({"config", "check"});
  EXPECT_EQ(checked.code, EX_CONFIG);
  EXPECT_NE(checked.error.find("pushmail.toml:3: schedule.round"), std::string::npos) << checked.error;
  const Json json = Json::parse(at_root({"config", "check", "--json"}).out);
  EXPECT_EQ(json["ok"], false);
  EXPECT_EQ(json["line"], 3);
}

TEST_F(CliTest, ConfigCheckSaysWhoIsOpen) {
  std::filesystem::create_directories(root / "etc/pushmail");
  const auto file = root / "etc/pushmail/pushmail.toml";
  const std::string peer =
      "domain = \"mms.example.net\"\nlink.kind = \"kernel\"\n[notify]\nsmsc = \"198.18.0.1:1\"\nsource = \"5\"\n[peer.a]\nurl = "
      "\"http://h/\"\nservice_number = \"5\"\n";
  std::ofstream(file) << peer;
  const Ran refused = at_root({"config", "check"});
  EXPECT_EQ(refused.code, EX_CONFIG);
  EXPECT_NE(refused.error.find("pushmail.toml:7: peer.a.inbound: nothing authenticates this peer"), std::string::npos) << refused.error;
  std::ofstream(file) << peer << "inbound = \"open\"\n" << secrets();
  const Ran open = at_root({"config", "check"});
  EXPECT_EQ(open.code, 0);
  EXPECT_NE(open.error.find("warning: peer.a.inbound: "), std::string::npos) << open.error;
  EXPECT_EQ(Json::parse(at_root({"config", "check", "--json"}).out)["open_peers"], Json::array({"a"}));
}

TEST_F(CliTest, JournalCatReadsSegmentsAlone) {
  const auto file = [&](const char* name) { return (root / name).string(); };
  const auto cat = [&](const char* name) { return at_root({"journal", "cat", file(name)}).code; };
  EXPECT_EQ(cat("nowhere"), EX_NOINPUT);
  std::filesystem::create_directory(root / "folder");
  EXPECT_EQ(cat("folder"), EX_DATAERR);
  ASSERT_EQ(::mkfifo(file("fifo").c_str(), 0600), 0);
  EXPECT_EQ(cat("fifo"), EX_DATAERR);
  std::ofstream(root / "empty");
  EXPECT_EQ(cat("empty"), EX_DATAERR);
  std::ofstream(root / "text") << "hello\n";
  EXPECT_EQ(cat("text"), EX_DATAERR);
  std::ofstream(root / "long") << std::string(100'000, 'x');
  EXPECT_EQ(cat("long"), EX_DATAERR);
  std::ofstream(root / "zeros") << std::string(100'000, '\0');
  EXPECT_EQ(cat("zeros"), 0) << "a segment that nobody has written to yet";
}

TEST(Printable, KeepsTextAndNothingThatATerminalObeys) {
  EXPECT_EQ(printable("Gr\u00fc\u00dfe \u20ac \U0001F600"), "Gr\u00fc\u00dfe \u20ac \U0001F600");
  for (const std::string_view bad : {"\x1b", "\n", "\x7f", "\u0080", "\u009b", "\u009f", "\u202a", "\u202e", "\u2066", "\u2069", "\u200e",
                                     "\u200f", "\u061c", "\u2028", "\ufeff"}) {
    EXPECT_EQ(printable("a" + std::string(bad) + "b"), "a b") << to_hex(bytes_of(bad));
  }
  // C1 as a byte of its own, a character cut short, an overlong one.
  EXPECT_EQ(printable("a\x9b"
                      "b"),
            "a?b");
  EXPECT_EQ(printable("a\xe2\x80"), "a??");
  EXPECT_EQ(printable("\xc0\x9b\xe0\x82\x9b"), "?????");
}

TEST_F(CliTest, ConfigCheckReadsTheRules) {
  std::filesystem::create_directories(root / "etc/pushmail");
  std::ofstream(root / "etc/pushmail/pushmail.toml")
      << "domain = \"mms.example.net\"\nlink.kind = \"kernel\"\n[notify]\nsmsc = \"198.18.0.1:1\"\nsource = \"5\"\n[rules]\nfile = \""
      << (root / "rules").string() << "\"\n"
      << secrets();
  EXPECT_EQ(at_root({"config", "check"}).code, EX_CONFIG) << "no such file";
  std::ofstream(root / "rules") << "a reject text word casino\n";
  EXPECT_EQ(at_root({"config", "check"}).code, 0);
  std::ofstream(root / "rules") << "a reject text word casino\nb reject text word two words\nc reject\n";
  const Ran checked = at_root({"config", "check"});
  EXPECT_EQ(checked.code, EX_CONFIG);
  EXPECT_NE(checked.error.find("pushmail.toml:7: rules.file: "), std::string::npos) << checked.error;
  EXPECT_NE(checked.error.find("/rules:2: rule b: "), std::string::npos) << checked.error;
  EXPECT_NE(checked.error.find("/rules:3: rule c: "), std::string::npos) << checked.error;
}

TEST_F(CliTest, ConfigCheckKnowsTheKnobsOfPeers) {
  std::filesystem::create_directories(root / "etc/pushmail");
  const auto file = root / "etc/pushmail/pushmail.toml";
  const std::string good =
      "domain = \"mms.example.net\"\nlink.kind = \"kernel\"\n[notify]\nsmsc = \"198.18.0.1:1\"\nsource = \"5\"\n[peer.a]\nurl = "
      "\"http://h/\"\nservice_number = \"5\"\nallow = [\"192.0.2.1\"]\nprofile = \"rel5\"\n";
  std::ofstream(file) << good << secrets();
  EXPECT_EQ(at_root({"config", "check"}).code, 0);
  std::ofstream(file) << good << "omitted = \"MessageID\"\n" << secrets();
  const Ran checked = at_root({"config", "check"});
  EXPECT_EQ(checked.code, EX_CONFIG);
  EXPECT_NE(checked.error.find("pushmail.toml:11: peer.a.omitted: "), std::string::npos) << checked.error;
}

TEST_F(CliTest, PeersAndHowTheyDo) {
  const Ran table = at_root({"peer", "show"});
  EXPECT_EQ(table.code, EX_OK);
  for (const char* shown : {"PEER", "mmsc", "http://198.18.0.1:8080/mm7", "25", "90", "180", "4001"})
    EXPECT_NE(table.out.find(shown), std::string::npos) << shown;
  const Ran one = at_root({"--json", "peer", "show", "mmsc"});
  const Json json = Json::parse(one.out);
  EXPECT_EQ(json["unknown"], 3);
  EXPECT_EQ(json["report_time_p95_s"], 90);
  EXPECT_EQ(json["deduplicates"], false);
  EXPECT_TRUE(json.contains("paused_until"));
}

}  // namespace
}  // namespace pushmail::cli
