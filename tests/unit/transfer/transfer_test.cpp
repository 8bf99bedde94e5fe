// How often a mail's bytes are copied between what a session reads and the SubmitReq: the classes of the three programs over their real
// sockets, rings and threads, in one process (docs/design.md, "A mail's bytes").
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <filesystem>
#include <future>
#include <thread>

#include "controlplane/fetcher/reporter.h"
#include "controlplane/fetcher_processes.h"
#include "controlplane/handoff_client.h"
#include "controlplane/switchboard.h"
#include "core/record_inbox.h"
#include "dataplane/io_thread.h"
#include "dataplane/submit_out.h"
#include "tests/unit/controlplane/held_durability.h"
#include "tests/unit/controlplane/world.h"
#include "tests/unit/dataplane/relay/world.h"
#include "tests/unit/dataplane/session/fake_stream.h"
#include "tests/unit/transfer/counted_copies.h"

namespace pushmail {
namespace {

const SystemClock system_clock;

struct Folder {
  std::filesystem::path path;
  Folder() {
    std::string name = (std::filesystem::temp_directory_path() / "pm-XXXXXX").string();
    path = mkdtemp(name.data());
  }
  ~Folder() { std::filesystem::remove_all(path); }
};

/// The fetcher's end: waits for credit and sends the mail in pieces, as a watcher does.
class FetcherSide {
 public:
  FetcherSide(const std::filesystem::path& socket, ByteView mail) : listen_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)), mail_(mail) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    socket.native().copy(address.sun_path, sizeof address.sun_path - 1);
    PM_CHECK(::bind(listen_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 && ::listen(listen_, 1) == 0);
    thread_ = std::thread([this] { run(); });
  }
  ~FetcherSide() {
    over_.set_value();
    thread_.join();
    ::close(listen_);
  }

 private:
  void run() {
    const int fd = ::accept4(listen_, nullptr, nullptr, SOCK_CLOEXEC);
    RecordInbox inbox;
    ItemId item;
    while (item.empty()) {
      const ssize_t size = ::recv(fd, inbox.room(4096).data(), 4096, 0);
      PM_CHECK(size > 0);
      inbox.filled(static_cast<std::size_t>(size));
      for (auto record = inbox.next(); record.is_done(); record = inbox.next()) {
        if (record.value().header().kind == static_cast<std::uint16_t>(mailbox::Kind::credit)) item = record.value().header().item;
      }
    }
    mailbox::Loop loop(system_clock);
    mailbox::Socket socket(loop);
    PM_CHECK(socket.adopt(fd).has_value());
    mailbox::Reporter reporter(loop, socket);
    loop.spawn([&](mailbox::Task& task) { PM_CHECK(reporter.write_queued(task).has_value()); });
    loop.spawn([&](mailbox::Task& task) {
      for (std::size_t at = 0; at < mail_.size();) {
        const ByteView piece = mail_.subspan(at, std::min<std::size_t>(mail_.size() - at, limits::imap_fetch_chunk_size));
        reporter.wait_for_room(task);
        reporter.chunk("b2", item, at, piece);
        at += piece.size();
      }
      reporter.fetched("b2", item, "7", mail_.size());
      reporter.close();
    });
    PM_CHECK(loop.run_for(seconds(30)));
    over_.get_future().wait();
  }

  int listen_;
  ByteView mail_;
  std::promise<void> over_;
  std::thread thread_;
};

/// The data plane's: the I/O thread, and its relay, which the test gives its turns.
class DataSide {
 public:
  explicit DataSide(const std::filesystem::path& folder) {
    std::filesystem::create_directories(folder / "journal");
    const auto nothing = [](const journal::Replayed&) {};
    journal_ = journal::Journal::open({.folder = folder / "journal", .segment_size = 1 << 20, .clock = &system_clock}, nothing).value();
    io_ = std::make_unique<IoThread>(*journal_, to_io_, to_worker_, io_bell_, folder / "peers", *relay_.counters, FaultPoints{});
    PM_CHECK(io_->open(folder / "handoff", 7).has_value());
    PeerProfile peer("mmsc");
    peer.set_text("url", "http://192.0.2.1:8080/mm7");
    peer.set_texts("allow", {"192.0.2.1"});
    RecordWriter peers = handoff::make(handoff::Kind::peers, {});
    peers.bytes(handoff::tag(handoff::Tag::peer_record), peer.record().finish(0));
    relay_.tell(handoff::Kind::peers, std::move(peers));
    thread_ = std::thread([this] { PM_CHECK(io_->run(-1, [] {}, done_).has_value()); });
  }
  ~DataSide() {
    done_ = true;
    io_bell_.ring();
    thread_.join();
  }

  /// What the worker does with what came.
  void turn() {
    while (auto message = to_worker_.receive()) {
      const auto* came = std::get_if<HandoffRecord>(&*message);
      if (came == nullptr) continue;
      const RecordView record = parse_record(came->record).value();
      relay_.relay->on_handoff_record(static_cast<handoff::Kind>(record.header().kind), record);
    }
    for (; passed_on_ < relay_.handoff.sent.size(); ++passed_on_) {
      const auto& sent = relay_.handoff.sent[passed_on_];
      if (sent.kind != handoff::Kind::submission_credit) continue;
      RecordWriter credit = handoff::make(sent.kind, sent.item);
      credit.u64(handoff::tag(handoff::Tag::credit), *sent.view().u64(handoff::tag(handoff::Tag::credit)));
      to_io_.send(SendRecord{.kind = sent.kind, .item = sent.item, .record = std::move(credit)});
    }
    to_io_.flush();
  }
  relay::World& relay() { return relay_; }

 private:
  relay::World relay_;
  Wake io_bell_, worker_bell_;
  Ring<ToIo> to_io_{io_bell_};
  Ring<ToWorker> to_worker_{worker_bell_};
  std::unique_ptr<journal::Journal> journal_;
  std::unique_ptr<IoThread> io_;
  std::atomic<bool> done_{false};
  std::thread thread_;
  std::size_t passed_on_ = 0;
};

/// The control plane's: both sockets and the flow between them, in one loop.
struct ControlSide final : FetcherEvents, handoff::Events {
  ControlSide(World& world, const std::filesystem::path& folder)
      : fetchers(context, {.socket = folder / "fetcher"}, durable, *this),
        client(context, folder / "handoff", durable, *this, [] {}),
        flows({*world.store, world.clock, world.settings, client, fetchers, world.report_times, world.rest}) {
    fetchers.start();
    client.start();
  }
  ~ControlSide() override {
    fetchers.stop();
    client.stop();
  }
  void on_fetcher_up(std::size_t) override {}
  void on_fetcher_down(std::size_t) override {}
  void on_fetcher_record(const RecordView& record) override {
    const auto kind = static_cast<mailbox::Kind>(record.header().kind);
    if (kind == mailbox::Kind::chunk) flows.on_chunk(record);
    if (kind == mailbox::Kind::fetched) flows.on_fetched(record);
  }
  void on_ready(handoff::Other) override {}
  void on_record(handoff::Kind kind, const RecordView& record, handoff::Receipt) override {
    if (kind == handoff::Kind::submission_credit) flows.on_credit(record);
  }
  void on_acknowledged(handoff::Kind, const ItemId&) override {}

  boost::asio::io_context context;
  HeldDurability durable;
  FetcherProcesses fetchers;
  HandoffClient client;
  Switchboard flows;
};

struct TransferTest : World {
  /// Everything turns until `done`.
  static void run(ControlSide& control, DataSide& data, const std::function<bool()>& done) {
    const Instant end = system_clock.now() + seconds(30);
    while (!done()) {
      ASSERT_LT(system_clock.now(), end) << "waited in vain";
      control.context.restart();
      control.context.run_for(std::chrono::milliseconds(1));
      data.turn();
    }
  }
};

// Small mails are one piece, which waits for `fetched`; a large one is many, and what is left of a full room is moved now and then.
TEST_F(TransferTest, AMailIsCopiedFourTimesOnItsWayToTheConversion) {
  for (const std::size_t size : {60'000U, 65'536U, 200'000U, 990'001U}) {
    const Folder folder;
    Bytes mail(size);
    for (std::size_t i = 0; i < size; ++i) mail[i] = static_cast<std::uint8_t>(i * 7 + i / 251);
    DataSide data(folder.path);
    FetcherSide fetcher(folder.path / "fetcher", mail);
    ControlSide control(*this, folder.path);
    run(control, data, [&] { return control.client.is_ready(); });
    auto record = make(mailbox::Kind::new_mail, {});
    record.text(tag(mailbox::Tag::binding), "b2").u64(tag(mailbox::Tag::uid_validity), 3);
    record.text(tag(mailbox::Tag::uid), std::to_string(size)).u64(tag(mailbox::Tag::size), size);
    control.flows.on_new_mail(from_fetcher(std::move(record), mailbox::Kind::new_mail).view());
    test::copied_bytes = 0;
    run(control, data, [&] { return !data.relay().codec.waiting.empty(); });
    const double copies = static_cast<double>(test::copied_bytes) / static_cast<double>(size);
    ASSERT_FALSE(data.relay().codec.waiting.empty());
    EXPECT_EQ(data.relay().codec.waiting.front().body, mail) << size;
    std::printf("%zu bytes: copied %.2f times\n", size, copies);
    EXPECT_GE(copies, 4.0) << size << ": each of the four is seen";
    EXPECT_LT(copies, 4.5) << size << ": a fifth copy";
  }
}

// The client that sends it reads it where the relay keeps it, whole, until its result.
TEST(SubmitOut, LendsTheSubmitReq) {
  struct Mmsc final : Acceptor {
    test::FakeStream* accepted = nullptr;
    void on_accept(Stream& stream) override { accepted = &static_cast<test::FakeStream&>(stream); }
  } mmsc;
  test::FakeNetwork network;
  const test::ManualClock clock;
  relay::World world;
  TlsNetwork without_tls(network);
  const SubmitOut::Trust trust;
  SubmitOut out(without_tls, trust, clock, FaultPoints{});
  out.set_relay(*world.relay);
  out.set_peers(world.relay->peers());
  ASSERT_TRUE(network.listen(*parse_endpoint("192.0.2.1:8080"), mmsc));
  const Bytes body(300'000, 'x');
  test::copied_bytes = 0;
  out.submit({.item = ItemId{{1}}, .peer = "mmsc1", .content_type = "multipart/related", .body = body});
  for (int turn = 0; turn < 4 && mmsc.accepted == nullptr; ++turn) {
    out.tick(clock.now());
    network.poll(clock.now());
  }
  ASSERT_NE(mmsc.accepted, nullptr);
  ASSERT_NE(mmsc.accepted->other, nullptr);
  const auto& sending = mmsc.accepted->other->queue;
  ASSERT_EQ(sending.size(), 2U) << "head and body";
  EXPECT_TRUE(sending.back().is_lent);
  EXPECT_EQ(sending.back().bytes().data(), body.data());
  EXPECT_EQ(sending.back().bytes().size(), body.size());
  EXPECT_EQ(test::copied_bytes, 0U);
  network.poll(clock.now());
}

}  // namespace
}  // namespace pushmail
