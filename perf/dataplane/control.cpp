// The control plane of perf/run dataplane: admits everybody, routes every message of a phone to one mail server, takes over what is owned,
// and offers mails for phones, as many at a time as it is ordered to. On the product's own handoff protocol.
//
//   perf_control SOCKET MMSC_URL NEXT_HOP SIZE        SIZE: bytes of the mails' pictures
//
// Orders: `window N`: so many submissions are under way from now on; `mails N`: so many phones' messages are on their way as mails, the
// others wait for their route (at first none waits); anything else: only the answer,
// {"submitted":N,"failed":N,"unknown":N,"under_way":N,"held":N,"connections":N}, the last being the peer's connections_max by default.
#include <fmt/format.h>
#include <poll.h>
#include <sys/un.h>

#include <deque>
#include <limits>
#include <set>

#include "core/config.h"
#include "core/contract/handoff/peer.h"
#include "core/contract/peer/profile.h"
#include "core/item_state.h"
#include "perf/dataplane/samples.h"
#include "perf/dataplane/sockets.h"

namespace pushmail::perf {
namespace {

using handoff::Kind;
using handoff::make;
using handoff::Tag;
using handoff::tag;

std::string_view default_of(std::string_view key) {
  for (const ConfigKey& row : config_keys()) {
    if (row.path == key) return row.default_value;
  }
  give_up("no such key");
}

class Control final : public handoff::Events {
 public:
  Control(std::string url, std::string next_hop, std::size_t size)
      : url_(std::move(url)),
        next_hop_(std::move(next_hop)),
        mail_(mail(size)),
        peer_(handoff::Direction::to_data, random_u64() | 1, *this) {}

  void run(int fd) {
    peer_.connected();
    std::string orders;
    while (true) {
      fill();
      while (!peer_.output().empty()) {
        const ssize_t n = ::send(fd, peer_.output().data(), peer_.output().size(), MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n < 0 && errno != EAGAIN) give_up("the data plane is gone");
        if (n < 0) break;
        peer_.sent(static_cast<std::size_t>(n));
      }
      std::array<pollfd, 2> fds{{{.fd = fd, .events = static_cast<short>(peer_.output().empty() ? POLLIN : POLLIN | POLLOUT), .revents = 0},
                                 {.fd = STDIN_FILENO, .events = POLLIN, .revents = 0}}};
      ::poll(fds.data(), 2, -1);
      std::array<std::uint8_t, 65536> buffer;
      if ((fds[0].revents & (POLLIN | POLLHUP)) != 0) {
        const ssize_t n = ::recv(fd, buffer.data(), buffer.size(), MSG_DONTWAIT);
        if (n == 0) give_up("the data plane is gone");
        if (n > 0 && !peer_.receive(ByteView(buffer).first(static_cast<std::size_t>(n)))) give_up("handoff");
      }
      if (fds[1].revents != 0) {
        const ssize_t n = ::read(STDIN_FILENO, buffer.data(), buffer.size());
        if (n <= 0) return;
        orders.append(text_of(ByteView(buffer).first(static_cast<std::size_t>(n))));
        for (std::size_t end = 0; (end = orders.find('\n')) != std::string::npos; orders.erase(0, end + 1)) take(orders.substr(0, end));
      }
    }
  }

  void on_ready(handoff::Other) override {
    PeerProfile peer("mmsc");
    peer.set_text("url", url_);
    peer.set_text("inbound_user", "mmsc");
    peer.set_text("inbound_password", "secret");
    peer.set_number("connections_max", connections());
    RecordWriter peers = make(Kind::peers, {});
    peers.bytes(tag(Tag::peer_record), peer.record().finish(0)).text(tag(Tag::domain), "mms.example.net");
    send(Kind::peers, {}, std::move(peers));
  }
  void on_record(Kind kind, const RecordView& record, handoff::Receipt receipt) override {
    const ItemId item = record.header().item;
    if (handoff::find_kind(static_cast<std::uint16_t>(kind))->owned) peer_.acknowledge(receipt);
    if (kind == Kind::admission_query) admit(record);
    if (kind == Kind::route_query) {
      if (record.text(tag(Tag::source)).value_or("") == "mm7") {
        held_.push_back(item);
      } else {
        route(item, false);
      }
    }
    if (kind == Kind::outcome) mails_.erase(item);
    if (kind == Kind::submission_credit && waiting_.erase(item) != 0) {
      RecordWriter chunk = make(Kind::submission_chunk, item);
      chunk.u64(tag(Tag::offset), 0).text(tag(Tag::data), mail_);
      send(Kind::submission_chunk, item, std::move(chunk));
    }
    if (kind == Kind::outcome && under_way_.erase(item) != 0) {
      const auto state = record.text(tag(Tag::state)).value_or("");
      ++(state == to_string(ItemState::submitted) ? submitted_ : state == to_string(ItemState::failed) ? failed_ : unknown_);
      waiting_.erase(item);
    }
  }
  void on_acknowledged(Kind, const ItemId&) override {}

 private:
  static std::uint64_t connections() { return std::stoul(std::string(default_of("peer.*.connections_max"))); }

  void send(Kind kind, const ItemId& item, RecordWriter record) {
    if (peer_.send(kind, item, std::move(record)) != handoff::Peer::Sent::queued) give_up("the handoff is full");
  }
  void take(const std::string& order) {
    if (order.starts_with("window ")) window_ = std::stoul(order.substr(7));
    if (order.starts_with("mails ")) mails_max_ = std::stoul(order.substr(6));
    fmt::print("{{\"submitted\":{},\"failed\":{},\"unknown\":{},\"under_way\":{},\"held\":{},\"connections\":{}}}\n", submitted_, failed_,
               unknown_, under_way_.size(), held_.size(), connections());
    std::fflush(stdout);
  }
  void admit(const RecordView& query) {
    RecordWriter answer = make(Kind::admission_answer, {});
    answer.u64(tag(Tag::query), query.u64(tag(Tag::query)).value_or(0)).u64(tag(Tag::lifetime_s), 60);
    std::size_t asked = query.text(tag(Tag::sender)) ? 1 : 0;
    query.for_each([&](std::uint16_t field, ByteView) { asked += field == tag(Tag::recipient) ? 1 : 0; });
    for (std::size_t i = 0; i < asked; ++i) answer.text(tag(Tag::verdict), handoff::verdict::accepted);
    send(Kind::admission_answer, {}, std::move(answer));
  }
  // A phone's message leaves as a mail; a mail for a phone ends here, since only its acceptance is measured.
  void route(const ItemId& item, bool from_phone) {
    RecordWriter answer = make(Kind::route_answer, item);
    if (from_phone) {
      answer.text(tag(Tag::decision), handoff::decision::mail)
          .text(tag(Tag::next_hop), next_hop_)
          .text(tag(Tag::mail_from), "ann@mms.example.net")
          .text(tag(Tag::mail_recipient), "joe@load.example")
          .text(tag(Tag::header_from), "Ann <ann@mms.example.net>")
          .text(tag(Tag::header_to), "joe@load.example");
    } else {
      answer.text(tag(Tag::decision), handoff::decision::refuse).text(tag(Tag::reason), "measured");
    }
    send(Kind::route_answer, item, std::move(answer));
  }
  void fill() {
    for (; !held_.empty() && mails_.size() < mails_max_; held_.pop_front()) {
      mails_.insert(held_.front());
      route(held_.front(), true);
    }
    while (peer_.is_ready() && under_way_.size() < window_ && peer_.unsent_size() < handoff::output_size_max / 4) {
      const ItemId item = new_item_id(clock_.wall(), 16);
      RecordWriter submission = make(Kind::submission, item);
      submission.trace(tag(Tag::trace), new_trace_id())
          .text(tag(Tag::peer), "mmsc")
          .text(tag(Tag::msisdn), "15550100002")
          .text(tag(Tag::sender_address), "short:50001742")
          .u64(tag(Tag::mail_size), mail_.size())
          .u64(tag(Tag::mm_size_max), 300 * 1024);
      under_way_.insert(item);
      waiting_.insert(item);
      send(Kind::submission, item, std::move(submission));
    }
  }

  SystemClock clock_;
  std::string url_, next_hop_, mail_;
  handoff::Peer peer_;
  std::size_t window_ = 0, mails_max_ = std::numeric_limits<std::size_t>::max();
  std::set<ItemId> under_way_, waiting_;  // waiting_: for credit
  std::deque<ItemId> held_;               // phones' messages without a route
  std::set<ItemId> mails_;                // with one, without an outcome
  std::uint64_t submitted_ = 0, failed_ = 0, unknown_ = 0;
};

int run(const char* path, const char* url, const char* next_hop, const char* size) {
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::string_view(path).copy(address.sun_path, sizeof address.sun_path - 1);
  if (::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) give_up(path);
  Control control(url, next_hop, std::stoul(size));
  control.run(fd);
  return 0;
}

}  // namespace
}  // namespace pushmail::perf

int main(int argc, char** argv) {
  if (argc != 5) return 64;
  return pushmail::perf::run(argv[1], argv[2], argv[3], argv[4]);
}
