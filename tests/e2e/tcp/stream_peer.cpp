// One end of byte exchanges with the Linux kernel, over any link of ours: what tests/e2e/tcp_against_linux.py starts.
//
//   stream_peer --root DIR listen ADDRESS:PORT            serves until SIGTERM
//   stream_peer --root DIR connect ADDRESS:PORT UP DOWN   one exchange as the client, exit 0 when every byte was right
//
// An exchange: the client sends two u64 (big-endian), its upload and download sizes, then the upload; the server answers with the
// CRC-32 of the upload (u32, big-endian) and the download, and closes. Byte i of both is the top byte of i * 2654435761 mod 2^32.
// The server prints one line of JSON an exchange; at its end it prints the port's counters.
#include <fmt/format.h>
#include <isa-l/crc.h>
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <charconv>
#include <cstdio>
#include <memory>
#include <vector>

#include "core/clock.h"
#include "core/config.h"
#include "core/log.h"
#include "dataplane/link.h"

namespace pushmail {
namespace {

std::atomic<bool> stop_wanted = false;

constexpr std::size_t head_size = 16;
constexpr std::uint64_t size_max = 64ULL << 20;

std::uint8_t pattern(std::uint64_t i) { return static_cast<std::uint8_t>(static_cast<std::uint32_t>(i) * 2654435761U >> 24); }

Bytes pattern_bytes(std::uint64_t size) {
  Bytes bytes(size);
  for (std::uint64_t i = 0; i < size; ++i) bytes[i] = pattern(i);
  return bytes;
}

void release_bytes(void* context) { delete static_cast<Bytes*>(context); }

void send_owned(Stream& stream, Bytes bytes) {
  auto owned = std::make_unique<Bytes>(std::move(bytes));
  const ByteView view(*owned);
  stream.send_lent({.bytes = view, .release = release_bytes, .context = owned.release()});
}

class ServerExchange final : public StreamEvents {
 public:
  explicit ServerExchange(Stream& stream) : stream_(stream) {}

  void on_data(ByteView bytes) override {
    while (!bytes.empty() && head_.size() < head_size) {
      head_.push_back(bytes.front());
      bytes = bytes.subspan(1);
    }
    if (head_.size() < head_size) return;
    crc_ = crc32_gzip_refl(crc_, bytes.data(), bytes.size());
    received_ += bytes.size();
    const auto upload = load<std::uint64_t>(head_.data(), std::endian::big);
    if (received_ == upload && !answered_) answer();
  }
  void on_end() override { stream_.finish(); }
  void on_close(CloseReason reason) override {
    std::fputs(fmt::format("{{\"event\":\"exchange\",\"received\":{},\"answered\":{},\"reason\":{}}}\n", received_, answered_,
                           static_cast<int>(reason))
                   .c_str(),
               stdout);
    std::fflush(stdout);
    delete this;
  }

 private:
  void answer() {
    answered_ = true;
    const auto download = load<std::uint64_t>(head_.data() + 8, std::endian::big);
    if (download > size_max) return stream_.abort();
    Bytes crc;
    append(crc, crc_, std::endian::big);
    stream_.send(crc);
    send_owned(stream_, pattern_bytes(download));
    stream_.finish();
  }

  Stream& stream_;
  Bytes head_;
  std::uint64_t received_ = 0;
  std::uint32_t crc_ = 0;
  bool answered_ = false;
};

class Server final : public Acceptor {
 public:
  void on_accept(Stream& stream) override { stream.set_events(*new ServerExchange(stream)); }
};

class ClientExchange final : public StreamEvents {
 public:
  ClientExchange(std::uint64_t upload, std::uint64_t download) : upload_(upload), download_(download) {}

  void start(Stream& stream) { stream_ = &stream; }
  void on_open() override {
    Bytes head;
    append(head, upload_, std::endian::big);
    append(head, download_, std::endian::big);
    stream_->send(head);
    send_owned(*stream_, pattern_bytes(upload_));
  }
  void on_data(ByteView bytes) override { append(received_, bytes); }
  void on_end() override { stream_->finish(); }
  void on_close(CloseReason reason) override {
    closed_ = true;
    reason_ = reason;
  }

  [[nodiscard]] bool closed() const { return closed_; }
  [[nodiscard]] bool right() const {
    if (reason_ != CloseReason::finished || received_.size() != 4 + download_) return false;
    const Bytes sent = pattern_bytes(upload_);
    if (load<std::uint32_t>(received_.data(), std::endian::big) != crc32_gzip_refl(0, sent.data(), sent.size())) return false;
    for (std::uint64_t i = 0; i < download_; ++i) {
      if (received_[4 + i] != pattern(i)) return false;
    }
    return true;
  }
  [[nodiscard]] std::string report() const {
    return fmt::format("{{\"event\":\"client\",\"received\":{},\"reason\":{},\"right\":{}}}\n", received_.size(), static_cast<int>(reason_),
                       right());
  }

 private:
  std::uint64_t upload_, download_;
  Stream* stream_ = nullptr;
  Bytes received_;
  bool closed_ = false;
  CloseReason reason_ = CloseReason::finished;
};

std::string counters_line(Link& link) {
  const auto counters = Counters::in_memory();
  link.publish(*counters);
  std::string line = R"({"event":"counters")";
  for (const CounterRow& row : counter_rows) {
    if (const std::uint64_t value = counters->get(row.counter); value != 0) line += fmt::format(R"(,"{}":{})", row.name, value);
  }
  return line + "}\n";
}

int run(std::span<char* const> arguments) {
  const auto usage = [] {
    std::fputs("usage: stream_peer --root DIR listen ADDRESS:PORT | connect ADDRESS:PORT UP DOWN\n", stderr);
    return 64;
  };
  if (arguments.size() < 5 || std::string_view(arguments[1]) != "--root") return usage();
  const auto config = Config::load(arguments[2]);
  if (!config) {
    std::fputs((config.error().message() + "\n").c_str(), stderr);
    return 78;
  }
  const SystemClock clock;
  auto link = open_link(*config, clock);
  const auto endpoint = parse_endpoint(arguments[4]);
  if (!link || !endpoint) return usage();
  Network& network = (*link)->network();

  const std::string_view role = arguments[3];
  if (role == "listen") {
    Server server;
    if (!network.listen(*endpoint, server)) return 1;
    std::fputs("{\"event\":\"ready\"}\n", stdout);
    std::fflush(stdout);
    while (!stop_wanted) {
      if (network.poll(clock.now()) == 0) network.wait(-1, milliseconds(5));
    }
    std::fputs(counters_line(**link).c_str(), stdout);
    return 0;
  }
  if (role != "connect" || arguments.size() != 7) return usage();
  std::uint64_t upload = 0, download = 0;
  const auto read_number = [](std::string_view text, std::uint64_t& value) {
    return std::from_chars(text.data(), text.data() + text.size(), value).ec == std::errc{};
  };
  if (!read_number(arguments[5], upload) || !read_number(arguments[6], download)) return usage();
  ClientExchange exchange(upload, download);
  const auto stream = network.connect(*endpoint, exchange);
  if (!stream) return 1;
  exchange.start(**stream);
  while (!exchange.closed() && !stop_wanted) {
    if (network.poll(clock.now()) == 0) network.wait(-1, milliseconds(5));
  }
  std::fputs(exchange.report().c_str(), stdout);
  return exchange.right() ? 0 : 1;
}

}  // namespace
}  // namespace pushmail

int main(int argc, char** argv) {
  struct sigaction action{};
  action.sa_handler = [](int) { pushmail::stop_wanted = true; };
  sigaction(SIGTERM, &action, nullptr);
  pushmail::log_start("test", pushmail::LogLevel::info, pushmail::LogPersons::clear);
  return pushmail::run({argv, static_cast<std::size_t>(argc)});
}
