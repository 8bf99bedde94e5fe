// pushmail-dataplane as a child process, and the few peers that a test plays by hand: a control plane on the handoff socket, sockets that
// speak HTTP and SMTP line by line. Every wait has a limit and ends the test, none sleeps.
#pragma once

#include <arpa/inet.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <deque>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "core/contract/handoff/peer.h"
#include "core/contract/peer/profile.h"
#include "tests/unit/accounts.h"

namespace pushmail {

inline constexpr int patience_ms = 10'000;

/// A connected TCP socket, or a listening one.
class Socket {
 public:
  Socket() = default;
  explicit Socket(int fd) : fd_(fd) {}
  Socket(Socket&& other) noexcept : fd_(std::exchange(other.fd_, -1)), read_(std::move(other.read_)) {}
  Socket& operator=(Socket&& other) noexcept {
    std::swap(fd_, other.fd_);
    std::swap(read_, other.read_);
    return *this;
  }
  ~Socket() {
    if (fd_ >= 0) ::close(fd_);
  }

  static Socket listen_any() {
    Socket socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address = loopback(0);
    EXPECT_EQ(::bind(socket.fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    EXPECT_EQ(::listen(socket.fd_, 16), 0);
    return socket;
  }
  static Socket connect(std::uint16_t port) {
    Socket socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const sockaddr_in address = loopback(port);
    EXPECT_EQ(::connect(socket.fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0) << "port " << port;
    return socket;
  }
  /// Whether nobody listens there.
  [[nodiscard]] static bool is_refused(std::uint16_t port) {
    const Socket socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const sockaddr_in address = loopback(port);
    return ::connect(socket.fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 && errno == ECONNREFUSED;
  }
  [[nodiscard]] std::uint16_t port() const {
    sockaddr_in address{};
    socklen_t size = sizeof address;
    ::getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &size);
    return ntohs(address.sin_port);
  }
  [[nodiscard]] Socket accept() const {
    wait(POLLIN);
    return Socket(::accept4(fd_, nullptr, nullptr, SOCK_CLOEXEC));
  }
  /// Whether somebody connects (or writes) within `ms`.
  [[nodiscard]] bool readable(int ms) const {
    pollfd ready{.fd = fd_, .events = POLLIN, .revents = 0};
    return ::poll(&ready, 1, ms) > 0;
  }
  void write(std::string_view text) const {
    while (!text.empty()) {
      const ssize_t n = ::send(fd_, text.data(), text.size(), MSG_NOSIGNAL);
      ASSERT_GT(n, 0);
      text.remove_prefix(static_cast<std::size_t>(n));
    }
  }
  /// Up to and with `end`.
  [[nodiscard]] std::string read_until(std::string_view end) {
    while (read_.find(end) == std::string::npos) {
      if (!more()) return std::exchange(read_, {});
    }
    const std::size_t size = read_.find(end) + end.size();
    std::string text = read_.substr(0, size);
    read_.erase(0, size);
    return text;
  }
  [[nodiscard]] std::string read_exactly(std::size_t size) {
    while (read_.size() < size && more()) {
    }
    std::string text = read_.substr(0, size);
    read_.erase(0, text.size());
    return text;
  }
  /// What has come, at least a byte; empty: the end.
  [[nodiscard]] std::string read_some() {
    if (read_.empty()) (void)more();
    return std::exchange(read_, {});
  }
  /// Whether the other side ends now, in order and without a further byte; a reset is none.
  [[nodiscard]] bool ends() const {
    wait(POLLIN);
    char byte;
    return read_.empty() && ::recv(fd_, &byte, 1, MSG_DONTWAIT) == 0;
  }
  /// An HTTP message with Content-Length: head and body.
  [[nodiscard]] std::pair<std::string, std::string> read_http() {
    std::string head = read_until("\r\n\r\n");
    std::string lower = head;
    for (char& c : lower) c = ascii_lower(c);
    const std::size_t at = lower.find("content-length:");
    const std::size_t size = at == std::string::npos ? 0 : std::stoul(lower.substr(at + 15));
    return {head, read_exactly(size)};
  }

 private:
  static sockaddr_in loopback(std::uint16_t port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
  }
  void wait(short events) const {
    pollfd ready{.fd = fd_, .events = events, .revents = 0};
    EXPECT_GT(::poll(&ready, 1, patience_ms), 0) << "nothing came";
  }
  [[nodiscard]] bool more() {
    wait(POLLIN);
    char buffer[65536];
    const ssize_t n = ::recv(fd_, buffer, sizeof buffer, MSG_DONTWAIT);
    if (n <= 0) return false;
    read_.append(buffer, static_cast<std::size_t>(n));
    return true;
  }

  int fd_ = -1;
  std::string read_;
};

/// A free port; nobody else takes one from this range in the moment between.
inline std::uint16_t free_port() { return Socket::listen_any().port(); }

class Program {
 public:
  Program() {
    std::string name = (std::filesystem::temp_directory_path() / "pm-XXXXXX").string();
    root_ = mkdtemp(name.data());
    // The program started by root looks into it as somebody else.
    ::chmod(root_.c_str(), 0711);
    http_port = free_port();
    smtp_port = free_port();
  }
  ~Program() {
    end(SIGKILL);
    std::filesystem::remove_all(root_);
  }

  void configure(std::string_view more = {}, std::string_view peer_url = "http://127.0.0.1:1/mm7") {
    std::filesystem::create_directories(root_ / "etc/pushmail");
    std::ofstream(root_ / "etc/pushmail/pushmail.toml")
        << "domain = \"mms.example.net\"\nlink.kind = \"kernel\"\n[journal]\nsegment_size = \"1MiB\"\n[smtp]\nretry_first = "
           "\"100ms\"\nunknown_retry = \"1s\"\nlisten = \"127.0.0.1:"
        << smtp_port << "\"\n[http]\nlisten = \"127.0.0.1:" << http_port << "\"\n[peer.mmsc1]\nurl = \"" << peer_url
        << "\"\nservice_number = \"5000\"\nallow = [\"127.0.0.0/8\"]\nretry_first = "
           "\"100ms\"\n"
        << "[notify]\nsmsc = \"127.0.0.1:2775\"\nsource = \"5000\"\n"
        << more;
  }
  /// `disk`: options of a tmpfs for the state, mounted in a mount namespace of the child; empty: the real disk. `prepare`: what the child
  /// does before it becomes the program.
  void start(const std::map<std::string, std::string>& environment = {}, const std::string& disk = {}, bool (*prepare)() = have_accounts) {
    int out[2];
    ASSERT_EQ(::pipe2(out, O_CLOEXEC), 0);
    pid_ = ::fork();
    if (pid_ == 0) {
      for (const auto& [key, value] : environment) ::setenv(key.c_str(), value.c_str(), 1);
      if (!own_mounts() || !prepare()) ::_exit(126);
      if (!disk.empty()) {
        const auto var = root_ / "var";
        std::filesystem::create_directories(var);
        if (::mount("tmpfs", var.c_str(), "tmpfs", 0, disk.c_str()) != 0) ::_exit(126);
      }
      ::dup2(out[1], STDERR_FILENO);
      ::execl(PUSHMAIL_DATAPLANE, "pushmail-dataplane", "--root", root_.c_str(), static_cast<char*>(nullptr));
      ::_exit(127);
    }
    ::close(out[1]);
    log_ = out[0];
    ::fcntl(log_, F_SETFL, O_NONBLOCK);
  }
  /// Waits for a line with this text on stderr.
  bool wait_for(std::string_view text) {
    while (log_text_.find(text) == std::string::npos) {
      pollfd ready{.fd = log_, .events = POLLIN, .revents = 0};
      if (::poll(&ready, 1, patience_ms) <= 0) return false;
      char buffer[4096];
      const ssize_t n = ::read(log_, buffer, sizeof buffer);
      if (n <= 0) return log_text_.find(text) != std::string::npos;
      log_text_.append(buffer, static_cast<std::size_t>(n));
    }
    return true;
  }
  void signal(int number) const { ASSERT_EQ(::kill(pid_, number), 0); }
  /// Sends the signal (0: none) and waits for the end; exit code, or -signal.
  int end(int signal) {
    if (pid_ <= 0) return 0;
    if (signal != 0) ::kill(pid_, signal);
    int status = 0;
    ::waitpid(std::exchange(pid_, -1), &status, 0);
    ::close(log_);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
  }
  [[nodiscard]] pid_t pid() const { return pid_; }
  /// By a second SIGTERM behind the first: what is open is reset.
  int end_at_once() {
    signal(SIGTERM);
    EXPECT_TRUE(wait_for("\"event\":\"drain\""));
    return end(SIGTERM);
  }
  void forget_log() { log_text_.clear(); }
  [[nodiscard]] const std::string& log_text() const { return log_text_; }
  [[nodiscard]] const std::filesystem::path& root() const { return root_; }
  [[nodiscard]] std::filesystem::path socket() const { return root_ / "run/pushmail/handoff-0"; }

  std::uint16_t http_port = 0, smtp_port = 0;

 private:
  std::filesystem::path root_;
  pid_t pid_ = -1;
  int log_ = -1;
  std::string log_text_;
};

/// A control plane of a few lines on the real protocol class.
class ControlPlane final : public handoff::Events {
 public:
  struct Heard {
    handoff::Kind kind;
    ItemId item;
    Bytes record;
    [[nodiscard]] RecordView view() const { return parse_record(record).value(); }
    [[nodiscard]] std::string text(handoff::Tag tag) const { return std::string(view().text(handoff::tag(tag)).value_or("")); }
  };

  explicit ControlPlane(const Program& program, std::uint64_t epoch = 5) : peer_(handoff::Direction::to_data, epoch, *this) {
    connect(program);
  }
  ~ControlPlane() override { ::close(fd_); }

  void connect(const Program& program) {
    if (fd_ >= 0) ::close(fd_);
    fd_ = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    program.socket().native().copy(address.sun_path, sizeof address.sun_path - 1);
    ASSERT_EQ(::connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0) << strerror(errno);
    peer_.connected();
    // What it sends first when it has our hello: before that it answers by itself, as without a control plane.
    const auto is_first = [](const Heard& heard) { return heard.kind == handoff::Kind::certificates; };
    const auto before = std::ranges::count_if(heard_, is_first);
    run([&] { return std::ranges::count_if(heard_, is_first) > before; });
  }
  void give_peers(std::string_view url) {
    PeerProfile peer("mmsc1");
    peer.set_text("url", std::string(url));
    peer.set_texts("allow", {"127.0.0.0/8"});
    RecordWriter peers = handoff::make(handoff::Kind::peers, {});
    peers.bytes(tag(handoff::Tag::peer_record), peer.record().finish(0));
    send(handoff::Kind::peers, {}, std::move(peers));
  }
  void send(handoff::Kind kind, const ItemId& item, RecordWriter record) {
    EXPECT_EQ(peer_.send(kind, item, std::move(record)), handoff::Peer::Sent::queued);
    flush();
  }
  /// Reads until `done`.
  void run(const std::function<bool()>& done) {
    flush();
    while (!done()) {
      pollfd ready{.fd = fd_, .events = POLLIN, .revents = 0};
      ASSERT_GT(::poll(&ready, 1, patience_ms), 0) << "the data plane says nothing";
      ASSERT_NO_FATAL_FAILURE(read_once());
    }
  }
  /// Reads until the other socket has something to say.
  void run_until_readable(const Socket& other) {
    for (int looks = 0; looks < patience_ms / 10 && !other.readable(10); ++looks) {
      pollfd ready{.fd = fd_, .events = POLLIN, .revents = 0};
      if (::poll(&ready, 1, 0) > 0) read_once();
    }
  }
  /// The `count`-th record of this kind that was heard.
  const Heard& wait_for(handoff::Kind kind, std::size_t count = 1) {
    const Heard* found = nullptr;
    run([&] {
      std::size_t seen = 0;
      for (const Heard& heard : heard_) {
        if (heard.kind == kind && ++seen == count) found = &heard;
      }
      return found != nullptr;
    });
    static const Heard nothing{};
    return found != nullptr ? *found : nothing;
  }
  void answer_admission(const Heard& query, std::initializer_list<std::string_view> verdicts) {
    RecordWriter answer = handoff::make(handoff::Kind::admission_answer, {});
    answer.u64(tag(handoff::Tag::query), *query.view().u64(tag(handoff::Tag::query)));
    for (const std::string_view verdict : verdicts) answer.text(tag(handoff::Tag::verdict), verdict);
    answer.u64(tag(handoff::Tag::lifetime_s), 0);
    send(handoff::Kind::admission_answer, {}, std::move(answer));
  }
  /// A submission and its one chunk, after its credit.
  void offer(const ItemId& item, std::string_view mail) {
    RecordWriter submission = handoff::make(handoff::Kind::submission, item);
    submission.trace(tag(handoff::Tag::trace), new_trace_id())
        .text(tag(handoff::Tag::peer), "mmsc1")
        .text(tag(handoff::Tag::msisdn), "15550100002")
        .text(tag(handoff::Tag::sender_address), "short:50001742")
        .u64(tag(handoff::Tag::mail_size), mail.size())
        .u64(tag(handoff::Tag::mm_size_max), 300 * 1024);
    send(handoff::Kind::submission, item, std::move(submission));
    run([&] {
      return std::any_of(heard_.begin(), heard_.end(), [&](const Heard& h) {
        return h.item == item && (h.kind == handoff::Kind::submission_credit || h.kind == handoff::Kind::outcome);
      });
    });
    if (heard_.back().kind == handoff::Kind::outcome) return;
    RecordWriter chunk = handoff::make(handoff::Kind::submission_chunk, item);
    chunk.u64(tag(handoff::Tag::offset), 0).text(tag(handoff::Tag::data), mail);
    send(handoff::Kind::submission_chunk, item, std::move(chunk));
  }
  void answer_route(const ItemId& item, std::uint16_t smtp_port) {
    RecordWriter answer = handoff::make(handoff::Kind::route_answer, item);
    answer.text(tag(handoff::Tag::decision), "mail")
        .text(tag(handoff::Tag::next_hop), "127.0.0.1:" + std::to_string(smtp_port))
        .text(tag(handoff::Tag::mail_from), "ann@mms.example.net")
        .text(tag(handoff::Tag::mail_recipient), "joe@example.com")
        .text(tag(handoff::Tag::header_from), "Ann <ann@mms.example.net>")
        .text(tag(handoff::Tag::header_to), "joe@example.com");
    send(handoff::Kind::route_answer, item, std::move(answer));
  }
  handoff::Peer& peer() { return peer_; }
  bool acknowledges = true;
  bool admits = false;       // answers every admission_query with "accepted"
  std::deque<Heard> heard_;  // what wait_for returned stays where it is

 private:
  static std::uint16_t tag(handoff::Tag t) { return handoff::tag(t); }
  void on_ready(handoff::Other) override {}
  void on_record(handoff::Kind kind, const RecordView& record, handoff::Receipt receipt) override {
    heard_.push_back({kind, record.header().item, Bytes(record.whole().begin(), record.whole().end())});
    if (admits && kind == handoff::Kind::admission_query) answer_admission(heard_.back(), {"accepted", "accepted"});
    if (acknowledges && handoff::find_kind(record.header().kind)->owned) peer_.acknowledge(receipt);
  }
  void on_acknowledged(handoff::Kind, const ItemId&) override {}
  void read_once() {
    Bytes buffer(65536);
    const ssize_t n = ::recv(fd_, buffer.data(), buffer.size(), 0);
    ASSERT_GT(n, 0) << "the data plane is gone";
    ASSERT_TRUE(peer_.receive(ByteView(buffer).first(static_cast<std::size_t>(n))).has_value());
    flush();
  }
  void flush() {
    while (!peer_.output().empty()) {
      const ssize_t n = ::send(fd_, peer_.output().data(), peer_.output().size(), MSG_NOSIGNAL);
      ASSERT_GT(n, 0);
      peer_.sent(static_cast<std::size_t>(n));
    }
  }

  int fd_ = -1;
  handoff::Peer peer_;
};

/// The server side of one mail: says what a plain SMTP server says and returns the message.
inline std::string take_mail(Socket connection) {
  connection.write("220 sink\r\n");
  std::string mail;
  while (true) {
    const std::string line = connection.read_until("\r\n");
    if (line.empty()) return mail;
    if (line.starts_with("DATA")) {
      connection.write("354 go\r\n");
      mail = connection.read_until("\r\n.\r\n");
      connection.write("250 2.0.0 queued as 1\r\n");
      return mail;
    }
    connection.write(line.starts_with("EHLO") ? "250 sink\r\n" : "250 ok\r\n");
  }
}

inline std::string submit_rsp(const ItemId& item, std::string_view message_id) {
  const std::string xml = "<env:Envelope xmlns:env=\"http://schemas.xmlsoap.org/soap/envelope/\"><env:Header><TransactionID>" +
                          transaction_id_of(item) +
                          "</TransactionID></env:Header><env:Body><SubmitRsp><MM7Version>6.8.0</MM7Version><Status><StatusCode>1000</"
                          "StatusCode></Status><MessageID>" +
                          std::string(message_id) + "</MessageID></SubmitRsp></env:Body></env:Envelope>";
  return "HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\nContent-Length: " + std::to_string(xml.size()) + "\r\n\r\n" + xml;
}

inline std::string deliver_req(std::string_view transaction_id, std::string_view text) {
  const std::string xml =
      "<?xml version=\"1.0\" encoding=\"UTF-8\"?><env:Envelope "
      "xmlns:env=\"http://schemas.xmlsoap.org/soap/envelope/\"><env:Header><mm7:TransactionID "
      "xmlns:mm7=\"http://www.3gpp.org/ftp/Specs/archive/23_series/23.140/schema/REL-6-MM7-1-4\" env:mustUnderstand=\"1\">" +
      std::string(transaction_id) +
      "</mm7:TransactionID></env:Header><env:Body><DeliverReq "
      "xmlns=\"http://www.3gpp.org/ftp/Specs/archive/23_series/23.140/schema/REL-6-MM7-1-4\">"
      "<MM7Version>6.8.0</MM7Version><Sender><Number>+15550100002</Number></Sender><Recipients><To><ShortCode>5000</ShortCode></To></"
      "Recipients>"
      "<Subject>Hi</Subject><Content href=\"cid:mm1\"/></DeliverReq></env:Body></env:Envelope>";
  std::string body = "--b1\r\nContent-Type: text/xml; charset=\"utf-8\"\r\nContent-ID: <soap>\r\n\r\n" + xml +
                     "\r\n--b1\r\nContent-Type: multipart/mixed; boundary=b2\r\nContent-ID: <mm1>\r\n\r\n--b2\r\nContent-Type: text/plain; "
                     "charset=utf-8\r\n\r\n" +
                     std::string(text) + "\r\n--b2--\r\n--b1--\r\n";
  return "POST /mm7 HTTP/1.1\r\nHost: pushmail\r\nContent-Type: multipart/related; boundary=b1; type=\"text/xml\"; "
         "start=\"<soap>\"\r\nSOAPAction: \"\"\r\nContent-Length: " +
         std::to_string(body.size()) + "\r\n\r\n" + body;
}

}  // namespace pushmail
