// The sockets to the other processes, real ones: a fetcher that dies is started again, DNS is asked once, the handoff client returns.
#include <arpa/inet.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>

#include "controlplane/binding/errors.h"
#include "controlplane/fetcher_processes.h"
#include "controlplane/handoff_client.h"
#include "controlplane/resolver.h"
#include "controlplane/settings.h"
#include "dataplane/handoff/server.h"
#include "tests/unit/controlplane/held_durability.h"

namespace pushmail {
namespace {

const SystemClock system_clock;
HeldDurability durable;

void run_until(boost::asio::io_context& context, const std::function<bool()>& done, const std::function<void()>& other_side = {}) {
  const Instant end = system_clock.now() + seconds(20);
  while (!done()) {
    ASSERT_LT(system_clock.now(), end) << "waited in vain";
    context.restart();
    context.run_for(std::chrono::milliseconds(2));
    if (other_side) other_side();
  }
}

// ---- fetchers

struct FetcherLog final : FetcherEvents {
  int up = 0, down = 0;
  std::vector<std::string> records;
  void on_fetcher_up(std::size_t) override { ++up; }
  void on_fetcher_down(std::size_t) override { ++down; }
  void on_fetcher_record(const RecordView& record) override { records.emplace_back(record.text(tag(mailbox::Tag::binding)).value_or("")); }
};

RecordWriter poll_record(const std::string& binding) {
  auto record = make(mailbox::Kind::poll, {});
  record.text(tag(mailbox::Tag::binding), binding);
  return record;
}

TEST(FetcherProcesses, SpeakOverDescriptorThree) {
  boost::asio::io_context context;
  FetcherLog log;
  // An echo: what it is told, it says.
  FetcherProcesses fetchers(context, {.program = "/bin/sh", .arguments = {"-c", "exec cat <&3 >&3"}}, durable, log);
  fetchers.start();
  EXPECT_EQ(log.up, 1);
  EXPECT_TRUE(fetchers.is_up("b1"));
  const std::string large(200'000, 'x');
  fetchers.send("b1", mailbox::Kind::poll, {}, poll_record("b1"));
  fetchers.send("b2", mailbox::Kind::poll, {}, poll_record(large));
  run_until(context, [&] { return log.records.size() == 2; });
  EXPECT_EQ(log.records[0], "b1");
  EXPECT_EQ(log.records[1], large);
  fetchers.stop();
}

// A mail is deleted from its mailbox because the store has it as delivered.
TEST(FetcherProcesses, NothingLeavesBeforeTheStoreIsOnDisk) {
  boost::asio::io_context context;
  FetcherLog log;
  FetcherProcesses fetchers(context, {.program = "/bin/sh", .arguments = {"-c", "exec cat <&3 >&3"}}, durable, log);
  fetchers.start();
  durable.held = true;
  fetchers.send("b1", mailbox::Kind::poll, {}, poll_record("held"));
  EXPECT_TRUE(durable.is_waited_for());
  context.poll();
  EXPECT_TRUE(log.records.empty());
  durable.release();
  run_until(context, [&] { return log.records.size() == 1; });
  EXPECT_EQ(log.records[0], "held");
  fetchers.stop();
}

TEST(FetcherProcesses, OneThatDiesIsStartedAgain) {
  boost::asio::io_context context;
  FetcherLog log;
  // Lives until it is told something, then dies by a signal.
  FetcherProcesses fetchers(context, {.program = "/bin/sh", .arguments = {"-c", "head -c 1 <&3 >/dev/null; kill -9 $$"}}, durable, log);
  fetchers.start();
  for (int round = 1; round <= 3; ++round) {
    fetchers.send("b1", mailbox::Kind::poll, {}, poll_record("b1"));
    run_until(context, [&] { return log.down == round; });
    EXPECT_FALSE(fetchers.is_up("b1"));
    run_until(context, [&] { return log.up == round + 1; });
  }
  fetchers.stop();
}

TEST(FetcherProcesses, OneThatBreaksTheFramingIsStartedAgain) {
  boost::asio::io_context context;
  FetcherLog log;
  FetcherProcesses fetchers(
      context,
      {.program = "/bin/sh",
       .arguments = {"-c", "echo 'this is no record, it is a line of text that is long enough' >&3; exec tail -f /dev/null"}},
      durable, log);
  fetchers.start();
  run_until(context, [&] { return log.down == 1; });
  EXPECT_TRUE(log.records.empty());
  fetchers.stop();
}

TEST(FetcherProcesses, OneThatDoesNotReadIsStartedAgain) {
  boost::asio::io_context context;
  FetcherLog log;
  FetcherProcesses fetchers(context, {.program = "/bin/sh", .arguments = {"-c", "exec tail -f /dev/null"}}, durable, log);
  fetchers.start();
  const std::string large(200'000, 'x');
  int told = 0;
  for (; fetchers.is_up("b1") && told < 1000; ++told) fetchers.send("b1", mailbox::Kind::poll, {}, poll_record(large));
  EXPECT_LT(told, 1000);
  EXPECT_EQ(log.down, 0) << "never from inside send";
  run_until(context, [&] { return log.up == 2; });
  EXPECT_EQ(log.down, 1);
  EXPECT_TRUE(fetchers.is_up("b1"));
  fetchers.stop();
}

TEST(FetcherProcesses, AProgramThatIsMissingIsTriedAgainNotFatal) {
  boost::asio::io_context context;
  FetcherLog log;
  FetcherProcesses fetchers(context, {.program = "/nonexistent/pushmail-fetcher"}, durable, log);
  fetchers.start();
  run_until(context, [&] { return log.down == 2; });
  fetchers.stop();
}

// As a unit with Accept=yes does: each connection is a fetcher.
TEST(FetcherProcesses, OneThatAServiceManagerStartsIsToldEverythingAgain) {
  const auto folder = std::filesystem::temp_directory_path() / ("pm-manager-" + to_string(new_item_id({}, 0)));
  std::filesystem::create_directories(folder);
  using Local = boost::asio::local::stream_protocol;
  boost::asio::io_context context;
  FetcherLog log;
  FetcherProcesses fetchers(context, {.socket = folder / "socket"}, durable, log);
  fetchers.start();
  EXPECT_EQ(log.up, 0) << "nobody listens yet";
  EXPECT_NE(fetchers.standing().front().last_error.find("No such file"), std::string::npos) << fetchers.standing().front().last_error;

  Local::acceptor manager(context, Local::endpoint((folder / "socket").string()));
  std::vector<Local::socket> taken;
  const std::function<void()> take = [&] {
    manager.async_accept([&](boost::system::error_code error, Local::socket socket) {
      if (error) return;
      taken.push_back(std::move(socket));
      take();
    });
  };
  take();
  run_until(context, [&] { return log.up == 1 && taken.size() == 1; });
  fetchers.send("b1", mailbox::Kind::poll, {}, poll_record("b1"));
  std::array<std::uint8_t, 4096> bytes{};
  std::size_t size = 0;
  taken[0].async_read_some(boost::asio::buffer(bytes), [&](boost::system::error_code, std::size_t read) { size = read; });
  run_until(context, [&] { return size > 0; });
  const auto record = parse_record(ByteView(bytes).first(size));
  ASSERT_TRUE(record.is_done());
  EXPECT_EQ(record.value().text(tag(mailbox::Tag::binding)), "b1");

  taken[0].close();
  run_until(context, [&] { return log.up == 2 && taken.size() == 2; });
  EXPECT_EQ(log.down, 1);
  fetchers.stop();
  manager.close();
  std::filesystem::remove_all(folder);
}

// A socket in the run folder proves nothing: mailbox passwords go to whoever the kernel says listens there. Without root's rights this
// test can be nobody else, and then it is the other half: our own user is taken.
TEST(FetcherProcesses, OneThatAnotherUserListensForIsToldNothing) {
  constexpr uid_t stranger = 65534;
  const bool can_change = ::geteuid() == 0;
  const auto folder = std::filesystem::temp_directory_path() / ("pm-stranger-" + to_string(new_item_id({}, 0)));
  std::filesystem::create_directories(folder);
  ::chmod(folder.c_str(), 0777);
  int listening[2];
  ASSERT_EQ(::pipe2(listening, O_CLOEXEC), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    if (can_change && ::setresuid(stranger, stranger, stranger) != 0) ::_exit(2);
    const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    (folder / "socket").native().copy(address.sun_path, sizeof address.sun_path - 1);
    if (::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 || ::listen(fd, 4) != 0) ::_exit(3);
    if (::write(listening[1], "", 1) != 1) ::_exit(4);
    ::pause();
    ::_exit(0);
  }
  char byte = 0;
  ASSERT_EQ(::read(listening[0], &byte, 1), 1);
  boost::asio::io_context context;
  FetcherLog log;
  FetcherProcesses fetchers(context, {.socket = folder / "socket"}, durable, log);
  fetchers.start();
  EXPECT_EQ(log.up, can_change ? 0 : 1);
  const std::string& said = fetchers.standing().front().last_error;
  EXPECT_EQ(said.find("who listens there") != std::string::npos, can_change) << said;
  fetchers.stop();
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  ::close(listening[0]);
  ::close(listening[1]);
  std::filesystem::remove_all(folder);
}

TEST(FetcherProcesses, BindingsAreSharedOut) {
  boost::asio::io_context context;
  FetcherLog log;
  const FetcherProcesses fetchers(context, {.program = "/bin/true", .count = 4}, durable, log);
  std::array<int, 4> share{};
  for (int i = 0; i < 1000; ++i) ++share[fetchers.index_of("b" + std::to_string(i))];
  for (const int count : share) EXPECT_GT(count, 150);
}

// ---- names

// Answers A questions for mail.example with 192.0.2.7 and says NXDOMAIN to everything else.
class DnsServer {
 public:
  DnsServer() {
    fd_ = ::socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    sockaddr_in name{};
    name.sin_family = AF_INET;
    name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof name;
    EXPECT_EQ(::bind(fd_, reinterpret_cast<sockaddr*>(&name), size), 0);
    ::getsockname(fd_, reinterpret_cast<sockaddr*>(&name), &size);
    port = ntohs(name.sin_port);
  }
  ~DnsServer() { ::close(fd_); }
  void look() {
    std::array<std::uint8_t, 512> packet;
    sockaddr_in from{};
    socklen_t from_size = sizeof from;
    ssize_t size;
    while ((size = ::recvfrom(fd_, packet.data(), packet.size(), 0, reinterpret_cast<sockaddr*>(&from), &from_size)) > 12) {
      ++questions;
      // RFC 1035 §4.1: the question ends with its type and class; additional records of the query are left out of the answer.
      std::size_t end = 12;
      while (end < static_cast<std::size_t>(size) && packet[end] != 0) end += packet[end] + 1U;
      const std::string labels(reinterpret_cast<const char*>(packet.data()) + 12, end - 12);
      const bool is_a = packet[end + 2] == 1;
      const bool known = labels == "\4mail\7example";
      end += 5;
      Bytes answer(packet.begin(), packet.begin() + static_cast<std::ptrdiff_t>(end));
      answer[2] = 0x81;
      answer[3] = known ? 0x80 : 0x83;
      answer[6] = 0;
      answer[7] = known && is_a ? 1 : 0;
      std::fill(answer.begin() + 8, answer.begin() + 12, std::uint8_t{0});
      if (known && is_a) append(answer, ByteView(Bytes{0xC0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 192, 0, 2, 7}));
      ::sendto(fd_, answer.data(), answer.size(), 0, reinterpret_cast<const sockaddr*>(&from), from_size);
    }
  }
  std::uint16_t port = 0;
  int questions = 0;

 private:
  int fd_ = -1;
};

TEST(Resolver, AsksTheConfiguredServer) {
  boost::asio::io_context context;
  DnsServer dns;
  const auto resolver = Resolver::open(context, {"127.0.0.1:" + std::to_string(dns.port)}).value();
  std::optional<Result<std::vector<IpAddress>>> found, missing, literal;
  resolver->resolve("mail.example", [&](auto answer) { found = std::move(answer); });
  resolver->resolve("nobody.example", [&](auto answer) { missing = std::move(answer); });
  resolver->resolve("198.18.0.1", [&](auto answer) { literal = std::move(answer); });
  EXPECT_FALSE(literal) << "never from inside";
  run_until(context, [&] { return found && missing && literal; }, [&] { dns.look(); });
  ASSERT_TRUE(*found);
  EXPECT_EQ((*found)->front(), parse_ip("192.0.2.7").value());
  ASSERT_FALSE(*missing);
  EXPECT_TRUE(missing->error().is(binding_no_address));
  EXPECT_EQ((*literal)->front(), parse_ip("198.18.0.1").value());
}

TEST(Resolver, AsksOnceForANameThatManyWant) {
  boost::asio::io_context context;
  DnsServer dns;
  const auto resolver = Resolver::open(context, {"127.0.0.1:" + std::to_string(dns.port)}).value();
  int answered = 0;
  for (int n = 0; n < 1000; ++n) resolver->resolve("mail.example", [&](const auto& answer) { answered += answer.has_value() ? 1 : 0; });
  run_until(context, [&] { return answered == 1000; }, [&] { dns.look(); });
  EXPECT_LE(dns.questions, 2) << "A and AAAA";
  resolver->resolve("mail.example", [&](const auto& answer) { answered += answer.has_value() ? 1 : 0; });
  run_until(context, [&] { return answered == 1001; }, [&] { dns.look(); });
  EXPECT_GT(dns.questions, 2) << "an answer is not kept";
}

TEST(Resolver, RefusesServersThatAreNoAddresses) {
  boost::asio::io_context context;
  EXPECT_FALSE(Resolver::open(context, {"dns.example"}));
}

// ---- the handoff

struct HandoffLog final : handoff::Events {
  int ready = 0;
  handoff::Other other = handoff::Other::same;
  std::vector<handoff::Receipt> receipts;
  void on_ready(handoff::Other who) override {
    ++ready;
    other = who;
  }
  void on_record(handoff::Kind, const RecordView&, handoff::Receipt receipt) override { receipts.push_back(receipt); }
  void on_acknowledged(handoff::Kind, const ItemId&) override {}
};
struct ServerLog final : handoff::ServerEvents {
  int ready = 0, lost = 0;
  std::vector<ItemId> acknowledged;
  void on_ready(handoff::Other) override { ++ready; }
  void on_record(handoff::Kind, const RecordView&, handoff::Receipt) override {}
  void on_acknowledged(handoff::Kind, const ItemId& item) override { acknowledged.push_back(item); }
  void on_lost() override { ++lost; }
};

TEST(HandoffClient, WaitsForTheDataPlaneAndComesBack) {
  const auto socket = std::filesystem::temp_directory_path() / ("pm-ho-" + to_string(new_item_id({}, 0)));
  boost::asio::io_context context;
  HandoffLog log;
  int lost = 0;
  HandoffClient client(context, socket, durable, log, [&] { ++lost; });
  client.start();
  EXPECT_FALSE(client.is_ready());
  EXPECT_EQ(client.send(handoff::Kind::drain, {}, handoff::make(handoff::Kind::drain, {})), DataPlanePort::Sent::no);

  ServerLog first_log;
  auto server = handoff::Server::open(socket, 7, first_log).value();
  run_until(context, [&] { return log.ready == 1 && first_log.ready == 1; }, [&] { server->run(); });
  EXPECT_TRUE(client.is_ready());

  // An owned record: acknowledged only when we say so.
  const ItemId item = new_item_id({1}, 1);
  auto outcome = handoff::make(handoff::Kind::outcome, item);
  outcome.trace(handoff::tag(handoff::Tag::trace), {})
      .text(handoff::tag(handoff::Tag::state), "submitted")
      .i64(handoff::tag(handoff::Tag::time), 1);
  server->peer().send(handoff::Kind::outcome, item, std::move(outcome));
  run_until(context, [&] { return log.receipts.size() == 1; }, [&] { server->run(); });
  EXPECT_TRUE(first_log.acknowledged.empty());
  // The acknowledgement rests on what the store has not on disk yet: it waits, whatever else goes on.
  durable.held = true;
  client.acknowledge(log.receipts[0]);
  run_until(context, [&] { return durable.is_waited_for(); }, [&] { server->run(); });
  context.restart();
  context.poll();
  server->run();
  EXPECT_TRUE(first_log.acknowledged.empty());
  durable.release();
  run_until(context, [&] { return first_log.acknowledged.size() == 1; }, [&] { server->run(); });
  EXPECT_EQ(first_log.acknowledged[0], item);

  server.reset();
  run_until(context, [&] { return lost == 1; });
  EXPECT_FALSE(client.is_ready());
  ServerLog second_log;
  server = handoff::Server::open(socket, 8, second_log).value();
  run_until(context, [&] { return log.ready == 2; }, [&] { server->run(); });
  EXPECT_EQ(log.other, handoff::Other::restarted);
  client.stop();
}

// ---- settings

TEST(Settings, Urls) {
  const auto url = parse_http_url("http://mmsc.example:8080/mm7?x=1");
  ASSERT_TRUE(url);
  EXPECT_EQ(url->host, "mmsc.example");
  EXPECT_EQ(url->port, 8080);
  EXPECT_EQ(url->path, "/mm7?x=1");
  EXPECT_EQ(url->host_header, "mmsc.example:8080");
  EXPECT_EQ(parse_http_url("http://[2001:db8::1]:81")->host, "2001:db8::1");
  EXPECT_EQ(parse_http_url("http://h")->path, "/");
  EXPECT_EQ(parse_http_url("https://h/x")->scheme, "https://");
  EXPECT_EQ(parse_http_url("https://h/x")->port, 443);
  EXPECT_EQ(parse_http_url("http://h/x")->scheme, "http://");
  for (const char* bad : {"https://", "ftp://h", "http://", "http://h:0/", "http://h:99999/", "http://h:x/", "http://[::1", "http://a b/",
                          "http://h/\r\nX: y"}) {
    EXPECT_FALSE(parse_http_url(bad)) << bad;
  }
}

std::string refusal_of(const std::string& more) {
  const auto config = Config::parse(
      "domain = \"mms.example.net\"\nlink.kind = \"kernel\"\n[notify]\nsmsc = \"198.18.0.1:2775\"\nsource = \"5000\"\n" + more, "test");
  EXPECT_TRUE(config) << config.error().message();
  const auto settings = Settings::from(*config, "");
  return settings ? "" : settings.error().text;
}

TEST(Settings, NameTheKeyThatIsWrong) {
  EXPECT_EQ(refusal_of(""), "");
  EXPECT_TRUE(refusal_of("system_id = \"longer than fifteen\"\n").starts_with("notify.system_id"));
  EXPECT_TRUE(refusal_of("password_file = \"/nonexistent\"\n").starts_with("notify.password_file"));
  EXPECT_TRUE(refusal_of("[mailbox]\nallow_networks = [\"10.0.0.0/99\"]\n").starts_with("mailbox.allow_networks"));
  EXPECT_TRUE(refusal_of("[peer.m]\nurl = \"ftp://x/\"\nservice_number = \"5000\"\nallow = [\"192.0.2.1\"]\n").starts_with("peer.m.url"));
  EXPECT_TRUE(refusal_of("[peer.m]\nurl = \"http://x/\"\nservice_number = \"5000x\"\nallow = [\"192.0.2.1\"]\n")
                  .starts_with("peer.m.service_number"));
  EXPECT_EQ(refusal_of("[peer.m]\nurl = \"http://x/\"\nservice_number = \"5000\"\nallow = [\"192.0.2.1\"]\n"), "");
  EXPECT_TRUE(
      refusal_of("[peer.m]\nurl = \"http://x/\"\nservice_number = \"5000\"\nallow = [\"192.0.2.1\"]\nenvelope_prefix = \"xmlsoap\"\n")
          .starts_with("test:10: peer.m.envelope_prefix: "));
}

TEST(Settings, TwoPeersAreToldApart) {
  const auto file = std::filesystem::temp_directory_path() / ("pushmail-settings-" + std::to_string(::getpid()));
  const auto other = file.string() + "-other";
  for (const auto& [path, word] : {std::pair{file.string(), "one word"}, std::pair{other, "another word"}}) {
    std::ofstream(path) << word << '\n';
    std::filesystem::permissions(path, std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
  }
  const auto peer = [](const std::string& name, const std::string& user, const std::string& password_file) {
    return fmt::format("[peer.{}]\nurl = \"http://x/\"\nservice_number = \"5000\"\ninbound_user = \"{}\"\ninbound_password_file = \"{}\"\n",
                       name, user, password_file);
  };
  const std::string same = refusal_of(peer("east", "mmsc", file.string()) + peer("west", "mmsc", file.string()));
  EXPECT_TRUE(same.starts_with("peer.west.inbound_user: [peer.east]")) << same;
  EXPECT_EQ(refusal_of(peer("east", "mmsc", file.string()) + peer("west", "mmsc", other)), "");
  EXPECT_EQ(refusal_of(peer("east", "mmsc", file.string()) + peer("west", "mmsc2", file.string())), "");
  EXPECT_TRUE(refusal_of(peer("east", "mmsc", "/nonexistent")).starts_with("peer.east.inbound_password_file: "));
  std::filesystem::remove(file);
  std::filesystem::remove(other);
}

}  // namespace
}  // namespace pushmail
