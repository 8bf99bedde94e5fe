// The whole data plane as a process, over kernel sockets: both directions, forwarded mail, kills at named steps, stop, bad configuration.
#include <fmt/format.h>
#include <gmock/gmock.h>

#include "core/contract/counters/counters.h"
#include "dataplane/alive.h"
#include "dataplane/ring.h"
#include "tests/unit/dataplane/worker/program.h"

#include <thread>

namespace pushmail {
namespace {

using handoff::Kind;
using handoff::Tag;
using ::testing::HasSubstr;

std::uint64_t counter(const Program& program, std::string_view name) {
  const auto counters = read_counters(program.root() / "run/pushmail/counters");
  if (!counters) return 0;
  for (const auto& [key, value] : counters->entries) {
    if (key == name) return value;
  }
  return 0;
}

TEST(Program, phone_to_mail) {
  Program program;
  program.configure();
  program.start();
  ASSERT_TRUE(program.wait_for("\"event\":\"started\""));
  ControlPlane control(program);
  control.give_peers("http://127.0.0.1:1/mm7");
  ASSERT_TRUE(program.wait_for("\"event\":\"peers\""));
  const Socket sink = Socket::listen_any();

  Socket mmsc = Socket::connect(program.http_port);
  mmsc.write(deliver_req("t1", "hello from the phone"));
  control.answer_admission(control.wait_for(Kind::admission_query), {"accepted", "accepted"});
  const auto [head, body] = mmsc.read_http();
  EXPECT_THAT(head, HasSubstr("200"));
  EXPECT_THAT(body, HasSubstr("<StatusCode>1000</StatusCode>"));
  EXPECT_THAT(body, HasSubstr("t1"));

  const auto& query = control.wait_for(Kind::route_query);
  EXPECT_EQ(query.text(Tag::first_line), "hello from the phone");
  control.answer_route(query.item, sink.port());
  const std::string mail = take_mail(sink.accept());
  EXPECT_THAT(mail, HasSubstr("hello from the phone"));
  EXPECT_THAT(mail, HasSubstr("Message-ID: <" + to_string(query.item) + "@mms.example.net>"));
  const auto& outcome = control.wait_for(Kind::outcome);
  EXPECT_EQ(outcome.text(Tag::state), "delivered");
  EXPECT_EQ(outcome.item, query.item);

  // Accepted, attempt and outcome, and a settle record of each: the last follows the acknowledgement, which nobody is told of.
  for (int looks = 0; looks < 1000 && counter(program, "pushmail_data_journal_records_total") < 6; ++looks) ::poll(nullptr, 0, 10);
  EXPECT_EQ(counter(program, "pushmail_data_journal_records_total"), 6u);
  mmsc = Socket();
  EXPECT_EQ(program.end(SIGTERM), 0);
  // Everything was settled: a new start finds nothing to do.
  program.forget_log();
  program.start();
  ASSERT_TRUE(program.wait_for("\"event\":\"started\""));
  EXPECT_THAT(program.log_text(), HasSubstr("\"unsettled\":0"));
}

TEST(Program, mailbox_to_phone) {
  Program program;
  program.configure();
  program.start();
  ASSERT_TRUE(program.wait_for("\"event\":\"started\""));
  ControlPlane control(program);
  const Socket mmsc = Socket::listen_any();
  control.give_peers("http://127.0.0.1:" + std::to_string(mmsc.port()) + "/mm7");

  const std::string mail = "From: Joe <joe@example.com>\r\nSubject: Lunch\r\n\r\nat noon?\r\n";
  const ItemId item = new_item_id(Timestamp{1'700'000'000'000'000}, 1);
  control.offer(item, mail);

  Socket connection = mmsc.accept();
  const auto [head, body] = connection.read_http();
  EXPECT_THAT(head, HasSubstr("POST /mm7 HTTP/1.1"));
  EXPECT_THAT(body, HasSubstr("SubmitReq"));
  EXPECT_THAT(body, HasSubstr(transaction_id_of(item)));
  EXPECT_THAT(body, HasSubstr("<DeliveryReport>true</DeliveryReport>"));
  connection.write(submit_rsp(item, "m-77"));
  const auto& outcome = control.wait_for(Kind::outcome);
  EXPECT_EQ(outcome.text(Tag::state), "submitted");
  EXPECT_EQ(outcome.text(Tag::message_id), "m-77");
}

TEST(Program, forwarded_mail) {
  Program program;
  program.configure();
  program.start();
  ASSERT_TRUE(program.wait_for("\"event\":\"started\""));
  ControlPlane control(program);
  Socket client = Socket::connect(program.smtp_port);
  EXPECT_THAT(client.read_until("\r\n"), HasSubstr("220"));
  client.write("HELO mx.example.com\r\n");
  EXPECT_THAT(client.read_until("\r\n"), HasSubstr("250"));
  client.write("MAIL FROM:<joe@example.com>\r\n");
  EXPECT_THAT(client.read_until("\r\n"), HasSubstr("250"));
  client.write("RCPT TO:<15550100009@mms.example.net>\r\n");
  control.answer_admission(control.wait_for(Kind::admission_query), {"not_bound"});
  EXPECT_THAT(client.read_until("\r\n"), HasSubstr("550 5.1.1"));
  client.write("RCPT TO:<15550100002@mms.example.net>\r\n");
  control.answer_admission(control.wait_for(Kind::admission_query, 2), {"accepted"});
  EXPECT_THAT(client.read_until("\r\n"), HasSubstr("250"));
  client.write("DATA\r\n");
  EXPECT_THAT(client.read_until("\r\n"), HasSubstr("354"));
  client.write("Subject: Hello\r\nFrom: Joe <joe@example.com>\r\n\r\nhi\r\n.\r\n");
  EXPECT_THAT(client.read_until("\r\n"), HasSubstr("250"));
  const auto& query = control.wait_for(Kind::route_query);
  EXPECT_EQ(query.text(Tag::source), "smtp");
  EXPECT_EQ(query.text(Tag::subject), "Hello");
  EXPECT_EQ(query.text(Tag::recipient), "mail:15550100002@mms.example.net");
}

// kill -9 at the named steps: what was acknowledged arrives after the restart, once; what was not is sent again by the peer.
class Kill : public ::testing::TestWithParam<const char*> {};

TEST_P(Kill, nothing_acknowledged_is_lost) {
  const std::string step = GetParam();
  Program program;
  program.configure();
  const auto hits = program.root() / "hits";
  program.start({{"PUSHMAIL_KILL_AT", step}, {"PUSHMAIL_KILL_LOG", hits.string()}});
  ASSERT_TRUE(program.wait_for("\"event\":\"started\""));
  const Socket sink = Socket::listen_any();
  bool acknowledged = false;
  {
    ControlPlane control(program);
    control.give_peers("http://127.0.0.1:1/mm7");
    ASSERT_TRUE(program.wait_for("\"event\":\"peers\""));
    Socket mmsc = Socket::connect(program.http_port);
    mmsc.write(deliver_req("t1", "hello " + std::string(5000, 'x')));
    control.answer_admission(control.wait_for(Kind::admission_query), {"accepted", "accepted"});
    const auto [head, body] = mmsc.read_http();
    acknowledged = body.find("<StatusCode>1000</StatusCode>") != std::string::npos;
    if (step == "data_half") {
      control.answer_route(control.wait_for(Kind::route_query).item, sink.port());
      EXPECT_THAT(take_mail(sink.accept()), ::testing::Not(HasSubstr("\r\n.\r\n")));
    }
    EXPECT_EQ(program.end(0), -SIGKILL);
  }
  EXPECT_EQ(acknowledged, step == "answer_before_relay" || step == "data_half");
  std::ifstream log(hits);
  std::string hit;
  log >> hit;
  EXPECT_EQ(hit, step);

  // A data plane alone knows its peers from last-known.
  program.forget_log();
  program.start();
  ASSERT_TRUE(program.wait_for("\"event\":\"started\""));
  Socket mmsc = Socket::connect(program.http_port);
  ControlPlane control(program, 6);
  mmsc.write(deliver_req("t1", "hello " + std::string(5000, 'x')));
  if (!acknowledged && step == "append_before_sync") {
    // Not durable, or durable without an answer: the repeat is either the first or known.
    bool asked = false;
    control.run([&] {
      for (const auto& heard : control.heard_) asked = asked || heard.kind == Kind::admission_query || heard.kind == Kind::route_query;
      return asked;
    });
    for (const auto& heard : std::deque(control.heard_)) {
      if (heard.kind == Kind::admission_query) control.answer_admission(heard, {"accepted", "accepted"});
    }
  }
  const auto [head, body] = mmsc.read_http();
  EXPECT_THAT(body, HasSubstr("<StatusCode>1000</StatusCode>")) << "the repeat gets the same answer";
  control.answer_route(control.wait_for(Kind::route_query).item, sink.port());
  EXPECT_THAT(take_mail(sink.accept()), HasSubstr("hello "));
  EXPECT_EQ(control.wait_for(Kind::outcome).text(Tag::state), "delivered");
  EXPECT_FALSE(sink.readable(200)) << "it arrives once";
  mmsc = Socket();
  EXPECT_EQ(program.end(SIGTERM), 0);
}

INSTANTIATE_TEST_SUITE_P(Steps, Kill, ::testing::Values("append_before_sync", "sync_before_answer", "answer_before_relay", "data_half"),
                         [](const auto& row) { return std::string(row.param); });

// The mailbox is the durable copy: after the kill the control plane offers the item again, and the TransactionID stays the same.
class KillSubmit : public ::testing::TestWithParam<const char*> {};

TEST_P(KillSubmit, is_completed_after_the_restart) {
  const std::string step = GetParam();
  const std::string mail = "From: Joe <joe@example.com>\r\nSubject: Lunch\r\n\r\n" + std::string(20'000, 'x') + "\r\n";
  Program program;
  program.configure();
  const Socket mmsc = Socket::listen_any();
  const std::string url = "http://127.0.0.1:" + std::to_string(mmsc.port()) + "/mm7";
  const auto hits = program.root() / "hits";
  const ItemId item = new_item_id(Timestamp{1'700'000'000'000'000}, 1);
  program.start({{"PUSHMAIL_KILL_AT", step}, {"PUSHMAIL_KILL_LOG", hits.string()}});
  ASSERT_TRUE(program.wait_for("\"event\":\"started\""));
  {
    ControlPlane control(program);
    control.give_peers(url);
    control.offer(item, mail);
    Socket connection = mmsc.accept();
    const auto [head, body] = connection.read_http();
    const bool whole = body.find("--\r\n", body.size() < 10 ? 0 : body.size() - 10) != std::string::npos;
    EXPECT_EQ(whole, step == "submit_rsp_before_settle");
    if (whole) connection.write(submit_rsp(item, "m-1"));
    EXPECT_EQ(program.end(0), -SIGKILL);
  }
  std::ifstream log(hits);
  std::string hit;
  log >> hit;
  EXPECT_EQ(hit, step);

  program.forget_log();
  program.start();
  ASSERT_TRUE(program.wait_for("\"event\":\"started\""));
  ControlPlane control(program, 6);
  // What is offered before the control plane has read that the earlier try is in doubt is left to its next decision.
  control.wait_for(Kind::attempt);
  control.offer(item, mail);
  Socket connection = mmsc.accept();
  EXPECT_THAT(connection.read_http().second, HasSubstr(transaction_id_of(item)));
  connection.write(submit_rsp(item, "m-1"));
  EXPECT_EQ(control.wait_for(Kind::outcome).text(Tag::state), "submitted");
  control.offer(item, mail);
  control.wait_for(Kind::outcome, 2);
  EXPECT_FALSE(mmsc.readable(100)) << "offered again after its outcome it is not sent again";
}

INSTANTIATE_TEST_SUITE_P(Steps, KillSubmit, ::testing::Values("submit_req_half", "submit_rsp_before_settle"),
                         [](const auto& row) { return std::string(row.param); });

// Root only: a tmpfs of three segments in a mount namespace of the child.
TEST(Program, a_full_disk_refuses_for_now_and_accepts_again_when_room_returns) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root for a mount namespace";
  Program program;
  program.configure();
  program.start({}, "size=3200k");
  ASSERT_TRUE(program.wait_for("\"event\":\"started\"")) << program.log_text();
  ControlPlane control(program);
  control.give_peers("http://127.0.0.1:1/mm7");
  ASSERT_TRUE(program.wait_for("\"event\":\"peers\""));
  const Socket sink = Socket::listen_any();

  control.admits = true;
  std::size_t accepted = 0;
  bool refused = false;
  for (int n = 0; n < 20 && !refused; ++n) {
    Socket mmsc = Socket::connect(program.http_port);
    mmsc.write(deliver_req("t" + std::to_string(n), std::string(400'000, static_cast<char>('a' + n))));
    control.run_until_readable(mmsc);
    const auto [head, body] = mmsc.read_http();
    if (head.find(" 503 ") != std::string::npos) {
      refused = true;
      EXPECT_THAT(head, HasSubstr("Retry-After"));
    } else {
      EXPECT_THAT(body, HasSubstr("<StatusCode>1000</StatusCode>"));
      ++accepted;
    }
  }
  ASSERT_TRUE(refused);
  ASSERT_GE(accepted, 2u);
  ASSERT_TRUE(program.wait_for("the disk is full"));

  // What was accepted is finished on the full disk, and that makes room.
  for (std::size_t n = 1; n <= accepted; ++n) {
    control.answer_route(control.wait_for(Kind::route_query, n).item, sink.port());
    EXPECT_FALSE(take_mail(sink.accept()).empty());
    EXPECT_EQ(control.wait_for(Kind::outcome, n).text(Tag::state), "delivered");
  }
  program.forget_log();
  ASSERT_TRUE(program.wait_for("journal_accepts"));
  // The worker hears of it a moment later, so the first tries may still be refused.
  std::string answer;
  for (int tries = 0; tries < 100 && answer.empty(); ++tries) {
    Socket mmsc = Socket::connect(program.http_port);
    mmsc.write(deliver_req("again", "hello"));
    control.run_until_readable(mmsc);
    answer = mmsc.read_http().second;
  }
  EXPECT_THAT(answer, HasSubstr("<StatusCode>1000</StatusCode>"));
}

TEST(Program, an_outcome_that_was_not_acknowledged_is_told_again_after_a_kill) {
  Program program;
  program.configure();
  program.start();
  ASSERT_TRUE(program.wait_for("\"event\":\"started\""));
  const Socket sink = Socket::listen_any();
  ItemId item;
  {
    ControlPlane control(program);
    control.acknowledges = false;
    control.give_peers("http://127.0.0.1:1/mm7");
    ASSERT_TRUE(program.wait_for("\"event\":\"peers\""));
    Socket mmsc = Socket::connect(program.http_port);
    mmsc.write(deliver_req("t1", "hello"));
    control.answer_admission(control.wait_for(Kind::admission_query), {"accepted", "accepted"});
    item = control.wait_for(Kind::route_query).item;
    control.answer_route(item, sink.port());
    EXPECT_THAT(take_mail(sink.accept()), HasSubstr("hello"));
    control.wait_for(Kind::outcome);
    EXPECT_EQ(program.end(SIGKILL), -SIGKILL);
  }
  program.forget_log();
  program.start();
  ASSERT_TRUE(program.wait_for("\"event\":\"started\""));
  ControlPlane control(program, 6);
  EXPECT_EQ(control.wait_for(Kind::outcome).item, item);
  EXPECT_FALSE(sink.readable(200)) << "nothing is sent again";
}

// The password is in no file but the operator's own, and the peer that has it is known again without a control plane.
TEST(Program, a_peer_with_a_password_is_known_after_a_restart_alone) {
  constexpr std::string_view password = "correct-horse";
  Program program;
  const auto file = program.root() / "mmsc2";
  program.configure(
      fmt::format("[peer.mmsc2]\nurl = \"http://127.0.0.1:1/mm7\"\nservice_number = \"5000\"\ninbound_user = \"them\"\n"
                  "inbound_password_file = \"{}\"\n",
                  file.string()));
  std::ofstream(file) << password << "\n";
  ASSERT_EQ(::chmod(file.c_str(), 0600), 0);
  program.start();
  ASSERT_TRUE(program.wait_for("\"event\":\"started\""));
  {
    ControlPlane control(program);
    PeerProfile peer("mmsc2");
    peer.set_text("url", "http://127.0.0.1:1/mm7");
    peer.set_text("inbound_user", "them");
    peer.set_text("inbound_password", std::string(password));
    RecordWriter peers = handoff::make(Kind::peers, {});
    peers.bytes(handoff::tag(Tag::peer_record), peer.record().finish(0));
    control.send(Kind::peers, {}, std::move(peers));
    ASSERT_TRUE(program.wait_for("\"event\":\"peers\""));
  }
  EXPECT_EQ(program.end(SIGTERM), 0);
  std::stringstream remembered;
  remembered << std::ifstream(program.root() / "var/lib/pushmail/state/last-known").rdbuf();
  EXPECT_THAT(remembered.str(), HasSubstr("mmsc2"));
  EXPECT_THAT(remembered.str(), ::testing::Not(HasSubstr(password)));

  program.forget_log();
  program.start();
  ASSERT_TRUE(program.wait_for("\"event\":\"started\""));
  const auto answer_to = [&](std::string_view credentials) {
    std::string request = deliver_req("t1", "hello");
    request.insert(request.find("SOAPAction"), fmt::format("Authorization: Basic {}\r\n", credentials));
    Socket mmsc = Socket::connect(program.http_port);
    mmsc.write(request);
    const auto [head, body] = mmsc.read_http();
    return head + body;
  };
  EXPECT_THAT(answer_to("dGhlbTp3cm9uZw=="), HasSubstr("HTTP/1.1 401"));
  EXPECT_THAT(answer_to("dGhlbTpjb3JyZWN0LWhvcnNl"), HasSubstr("<StatusCode>1000</StatusCode>"));

  // With a file that cannot be read nobody is known, and nobody is refused for good.
  EXPECT_EQ(program.end(SIGTERM), 0);
  std::filesystem::remove(file);
  program.forget_log();
  program.start();
  ASSERT_TRUE(program.wait_for("\"event\":\"started\""));
  EXPECT_THAT(program.log_text(), HasSubstr("\"event\":\"last_known_without_passwords\""));
  EXPECT_THAT(answer_to("dGhlbTpjb3JyZWN0LWhvcnNl"), HasSubstr("HTTP/1.1 503"));
}

// The lines of a thread's /proc status that say who it is and what it may do.
std::map<std::string, std::string> status_of(const std::filesystem::path& task) {
  std::map<std::string, std::string> lines;
  std::ifstream file(task / "status");
  std::string key, line;
  while (file >> key && std::getline(file >> std::ws, line)) lines[key] = line;
  return lines;
}

TEST(Program, no_thread_of_it_keeps_a_right) {
  Program program;
  program.configure();
  program.start();
  ASSERT_TRUE(program.wait_for("\"event\":\"started\""));
  // Main, log, codec, rules and worker; the last three begin behind that line.
  const std::filesystem::path process = "/proc/" + std::to_string(program.pid());
  const auto threads = [&] {
    std::vector<std::filesystem::path> tasks;
    for (const auto& task : std::filesystem::directory_iterator(process / "task")) tasks.push_back(task.path());
    return tasks;
  };
  for (int looks = 0; looks < 1000 && threads().size() < 5; ++looks) ::poll(nullptr, 0, 10);
  ASSERT_GE(threads().size(), 5U);
  for (const auto& task : threads()) {
    auto status = status_of(task);
    const std::string what = status["Name:"];
    for (const char* set : {"CapInh:", "CapPrm:", "CapEff:", "CapAmb:"}) EXPECT_EQ(status[set], "0000000000000000") << what << ' ' << set;
    std::istringstream users(status["Uid:"]);
    for (uid_t user = 0; users >> user;) {
      EXPECT_TRUE(::geteuid() == 0 ? user != 0 : user == ::geteuid()) << what << " is " << user;
    }
  }
  EXPECT_EQ(status_of(process)["NoNewPrivs:"], "1");
}

// Whoever is not root can start it as himself alone, and needs no account.
TEST(Program, root_without_the_account_starts_nothing) {
  Program program;
  program.configure();
  if (::geteuid() != 0) {
    program.start();
    EXPECT_TRUE(program.wait_for("\"event\":\"started\""));
    return;
  }
  program.start({}, {}, have_no_accounts);
  EXPECT_TRUE(program.wait_for("there is no account pushmail-dp to change to"));
  EXPECT_EQ(program.end(0), 67);
  EXPECT_FALSE(std::filesystem::exists(program.root() / "run"));
  EXPECT_FALSE(std::filesystem::exists(program.root() / "var"));
}

TEST(Program, the_service_manager_is_told_as_long_as_the_worker_turns) {
  Program program;
  program.configure();
  const auto path = program.root() / "notify";
  const int manager = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.native().copy(address.sun_path, sizeof address.sun_path - 1);
  ASSERT_EQ(::bind(manager, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  ASSERT_EQ(::chmod(path.c_str(), 0777), 0);
  program.start({{"NOTIFY_SOCKET", path.string()}});
  const auto next_word = [&]() -> std::string {
    pollfd ready{.fd = manager, .events = POLLIN, .revents = 0};
    char word[64];
    if (::poll(&ready, 1, patience_ms) <= 0) return {};
    const ssize_t size = ::recv(manager, word, sizeof word, 0);
    return {word, static_cast<std::size_t>(std::max<ssize_t>(size, 0))};
  };
  EXPECT_EQ(next_word(), "READY=1");
  for (int words = 0; words < 3; ++words) EXPECT_EQ(next_word(), "WATCHDOG=1");
  program.signal(SIGTERM);
  std::string word;
  while ((word = next_word()) == "WATCHDOG=1") {
  }
  EXPECT_EQ(word, "STOPPING=1");
  EXPECT_EQ(program.end(0), 0);
  ::close(manager);
}

TEST(Alive, is_told_once_a_second_while_turns_are_made) {
  Alive alive;
  const Instant start = SystemClock().now();
  const auto at = [&](int ms) { return start + milliseconds(ms); };
  EXPECT_FALSE(alive.is_due(at(0), 0)) << "the worker has not begun";
  EXPECT_TRUE(alive.is_due(at(0), 1));
  EXPECT_FALSE(alive.is_due(at(999), 500)) << "not so soon again";
  EXPECT_TRUE(alive.is_due(at(1000), 500));
  for (int ms = 2000; ms < 60'000; ms += 500) EXPECT_FALSE(alive.is_due(at(ms), 500)) << "it is stuck";
  EXPECT_TRUE(alive.is_due(at(60'000), 501));
}

TEST(Program, a_bad_configuration_names_file_line_key_and_rule_and_starts_nothing) {
  Program program;
  program.configure("\n[log]\nlevel = \"loud\"\n");
  program.start();
  EXPECT_TRUE(program.wait_for("\n"));
  EXPECT_EQ(program.end(0), 78);
  EXPECT_THAT(program.log_text(), ::testing::ContainsRegex("pushmail.toml:[0-9]+: log.level: "));
  EXPECT_FALSE(std::filesystem::exists(program.root() / "run"));
  EXPECT_FALSE(std::filesystem::exists(program.root() / "var"));
}

TEST(Program, a_rule_file_with_a_mistake_starts_nothing) {
  Program program;
  const auto rules = program.root() / "rules";
  program.configure(fmt::format("[rules]\nfile = \"{}\"\n", rules.string()));
  std::ofstream(rules) << "# ours\na destroy text word x\n";
  program.start();
  EXPECT_TRUE(program.wait_for("\n"));
  EXPECT_EQ(program.end(0), 78);
  EXPECT_THAT(program.log_text(), HasSubstr("/rules:2: rule a: an action is reject, hold"));
  EXPECT_FALSE(std::filesystem::exists(program.root() / "run"));
}

TEST(Program, content_rules_reject_and_are_read_again_at_sighup) {
  Program program;
  const auto rules = program.root() / "rules";
  program.configure(fmt::format("[rules]\nfile = \"{}\"\n", rules.string()));
  std::ofstream(rules) << "a reject text word casino\n";
  program.start();
  ASSERT_TRUE(program.wait_for("\"event\":\"started\""));
  ControlPlane control(program);
  std::size_t asked = 0;
  const auto hand_in = [&](std::string_view text) {
    Socket client = Socket::connect(program.smtp_port);
    EXPECT_THAT(client.read_until("\r\n"), HasSubstr("220"));
    client.write("HELO mx.example.com\r\n");
    EXPECT_THAT(client.read_until("\r\n"), HasSubstr("250"));
    client.write("MAIL FROM:<joe@example.com>\r\n");
    EXPECT_THAT(client.read_until("\r\n"), HasSubstr("250"));
    client.write("RCPT TO:<15550100002@mms.example.net>\r\n");
    control.answer_admission(control.wait_for(Kind::admission_query, ++asked), {"accepted"});
    EXPECT_THAT(client.read_until("\r\n"), HasSubstr("250"));
    client.write("DATA\r\n");
    EXPECT_THAT(client.read_until("\r\n"), HasSubstr("354"));
    client.write(fmt::format("Subject: Hello\r\n\r\n{}\r\n.\r\n", text));
    EXPECT_THAT(client.read_until("\r\n"), HasSubstr("250"));
  };
  hand_in("the casino is open");
  const auto& first = control.wait_for(Kind::outcome);
  EXPECT_EQ(first.text(Tag::state), "rejected");
  // The rule's name is in the log and in the item's history, never in a reason that a subscriber may read.
  EXPECT_EQ(first.text(Tag::reason), "refused by the operator's policy, reference " + to_string(first.item));
  ASSERT_TRUE(program.wait_for("\"rule\":\"a\""));

  // A mistake changes nothing, and says where it is.
  std::ofstream(rules) << "\n\nb reject text\n";
  program.signal(SIGHUP);
  ASSERT_TRUE(program.wait_for("\"event\":\"reload_refused\""));
  ASSERT_TRUE(program.wait_for("/rules:3: rule b"));
  program.forget_log();
  hand_in("the casino is still open");
  EXPECT_EQ(control.wait_for(Kind::outcome, 2).text(Tag::state), "rejected");
  ASSERT_TRUE(program.wait_for("\"rule\":\"a\""));

  program.forget_log();
  std::ofstream(rules) << "c reject text word theatre\n";
  program.signal(SIGHUP);
  ASSERT_TRUE(program.wait_for("\"event\":\"rules\""));
  hand_in("the casino may open");
  EXPECT_EQ(control.wait_for(Kind::route_query).text(Tag::subject), "Hello");
  hand_in("the theatre may not");
  EXPECT_EQ(control.wait_for(Kind::outcome, 3).text(Tag::state), "rejected");
  ASSERT_TRUE(program.wait_for("\"rule\":\"c\""));
}

TEST(Program, counters_are_readable_while_it_runs) {
  Program program;
  program.configure();
  program.start();
  ASSERT_TRUE(program.wait_for("\"event\":\"started\""));
  ControlPlane control(program);
  control.give_peers("http://127.0.0.1:1/mm7");
  ASSERT_TRUE(program.wait_for("\"event\":\"peers\""));
  EXPECT_EQ(counter(program, "pushmail_data_handoff_connections_total"), 1u);
  EXPECT_GT(counter(program, "pushmail_data_turns_total"), 0u);
}

TEST(Program, a_second_one_on_the_same_root_touches_nothing) {
  Program program;
  program.configure();
  program.start();
  ASSERT_TRUE(program.wait_for("\"event\":\"started\""));
  ControlPlane control(program);
  control.give_peers("http://127.0.0.1:1/mm7");
  ASSERT_TRUE(program.wait_for("\"event\":\"peers\""));
  const auto root = program.root().string();
  const pid_t second = ::fork();
  if (second == 0) {
    if (!own_mounts() || !have_accounts()) ::_exit(126);
    ::execl(PUSHMAIL_DATAPLANE, "pushmail-dataplane", "--root", root.c_str(), static_cast<char*>(nullptr));
    ::_exit(127);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(second, &status, 0), second);
  EXPECT_EQ(WIFEXITED(status) ? WEXITSTATUS(status) : -1, 71);
  EXPECT_EQ(counter(program, "pushmail_data_handoff_connections_total"), 1u) << "the first one's counters";
  // And its socket.
  control.connect(program);
}

// ---- rings ------------------------------------------------------------------------------------------------------------------------

TEST(Ring, keeps_order_over_its_capacity_and_wakes_a_sleeper) {
  Wake bell;
  Ring<int> ring(bell, 8);
  constexpr int count = 20'000;
  std::thread producer([&] {
    for (int n = 0; n < count; ++n) {
      ring.send(n);
      if (n % 7 == 0) ring.flush();
    }
    while (!ring.flush()) std::this_thread::yield();
  });
  int expected = 0;
  while (expected < count) {
    if (auto value = ring.receive()) {
      ASSERT_EQ(*value, expected++);
      continue;
    }
    bell.announce();
    pollfd ready{.fd = bell.fd(), .events = POLLIN, .revents = 0};
    if (ring.empty()) {
      ASSERT_GE(::poll(&ready, 1, 50), 0);
    }
    bell.awake();
  }
  producer.join();
  EXPECT_TRUE(ring.empty());
}

}  // namespace
}  // namespace pushmail
