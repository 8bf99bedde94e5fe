#include "controlplane/handoff_client.h"

#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cstring>
#include <string>

#include "core/accounts.h"
#include "core/ids.h"
#include "core/log.h"
#include "core/socket_user.h"
#include "core/timers.h"

namespace pushmail {

namespace {

namespace asio = boost::asio;
using boost::system::error_code;
using Protocol = asio::local::stream_protocol;

}  // namespace

class HandoffClient::Connection : public std::enable_shared_from_this<HandoffClient::Connection> {
 public:
  Connection(asio::io_context& context, std::filesystem::path path, Durability& durability, handoff::Events& events,
             std::function<void()> on_lost)
      : path_(std::move(path)),
        durability_(durability),
        on_lost_(std::move(on_lost)),
        socket_(context),
        timer_(context),
        again_timer_(context),
        peer_(handoff::Direction::to_data, random_u64() | 1, events),
        // Where nobody knows the account, root and our own user are all.
        expected_(ExpectedUser::of(data_plane_user).value_or(ExpectedUser(std::nullopt))) {}

  void connect() {
    if (stopped_) return;
    socket_ = Protocol::socket(socket_.get_executor());
    socket_.async_connect(Protocol::endpoint(path_.string()), [self = shared_from_this()](error_code error) {
      if (self->stopped_) return;
      if (error) return self->try_again(error.message());
      if (const std::string stranger = self->stranger(); !stranger.empty()) return self->try_again(stranger);
      self->peer_.connected();
      ++self->connection_;
      self->written_ = self->may_leave_ = 0;
      self->release();
      self->read();
    });
  }

  void stop() {
    stopped_ = true;
    error_code ignored;
    socket_.close(ignored);
    timer_.cancel();
    again_timer_.cancel();
  }

  handoff::Peer& peer() { return peer_; }
  [[nodiscard]] const std::string& last_error() const { return last_error_; }

  void connect_again() {
    if (again_pending_) return;
    again_pending_ = true;
    again_timer_.expires_after(timers::handoff_take_over.chrono());
    again_timer_.async_wait([self = shared_from_this()](error_code error) {
      self->again_pending_ = false;
      // The read side sees the end and does the rest.
      error_code ignored;
      if (!error && self->peer_.is_connected()) self->socket_.shutdown(Protocol::socket::shutdown_both, ignored);
    });
  }

  // Writing waits for the end of the current callback, so that one write carries many records.
  void wake() {
    if (waking_) return;
    waking_ = true;
    asio::post(socket_.get_executor(), [self = shared_from_this()] {
      self->waking_ = false;
      self->release();
    });
  }

 private:
  // Passwords of peers go there. Why it is not the data plane who listens; empty: it is.
  [[nodiscard]] std::string stranger() {
    const auto other = socket_user(socket_.native_handle());
    if (!other) return std::string("who listens there: ") + std::strerror(other.error().os);
    return expected_.includes(other->user) ? "" : "who listens there runs neither as root, as our own user nor as pushmail-dp";
  }

  // What the peer has put out until now leaves when the changes that it rests on are on disk.
  void release() {
    if (stopped_ || !peer_.is_connected()) return;
    durability_.when_durable([self = shared_from_this(), connection = connection_, until = written_ + peer_.unsent_size()] {
      if (connection != self->connection_) return;
      self->may_leave_ = std::max(self->may_leave_, until);
      self->write();
    });
  }

  void read() {
    const MutableBytes room = peer_.room();
    socket_.async_read_some(asio::buffer(room.data(), room.size()), [self = shared_from_this()](error_code error, std::size_t size) {
      if (self->stopped_) return;
      if (error) return self->lost(error.message());
      const auto taken = self->peer_.received(size);
      if (!taken) {
        log_error("handoff_broken").error(taken.error());
        return self->lost(std::string(taken.error().info->text));
      }
      self->release();
      self->read();
    });
  }

  void write() {
    if (writing_ || stopped_ || !peer_.is_connected() || may_leave_ == written_) return;
    writing_ = true;
    // The bytes stay where they are until sent(), or until the socket is closed.
    const ByteView leaving = peer_.output().first(std::min<std::size_t>(may_leave_ - written_, peer_.output().size()));
    socket_.async_write_some(asio::buffer(leaving.data(), leaving.size()), [self = shared_from_this()](error_code error, std::size_t size) {
      self->writing_ = false;
      if (self->stopped_ || !self->peer_.is_connected()) return;
      // The read side does the rest; by itself it need not notice, since a send can fail for want of memory while the socket is whole.
      if (error) {
        error_code ignored;
        log_warning("data_plane_write").text("reason", error.message());
        return (void)self->socket_.shutdown(Protocol::socket::shutdown_both, ignored);
      }
      self->peer_.sent(size);
      self->written_ += size;
      self->write();
    });
  }

  void lost(const std::string& reason) {
    error_code ignored;
    socket_.close(ignored);
    // What is closed before it said a word was refused; that is tried again like one that is away, and logged once.
    const bool is_refusal = peer_.is_connected() && !peer_.is_ready();
    if (peer_.is_ready()) {
      log_warning("data_plane_lost").text("reason", reason);
      logged_away_ = false;
    }
    if (peer_.is_connected()) {
      peer_.disconnected();
      on_lost_();
    }
    try_again(is_refusal ? reason + ": the data plane takes no control plane of this user, or has another one; its log says which"
                         : reason);
  }

  void try_again(const std::string& reason) {
    last_error_ = reason;
    if (!logged_away_) log_info("data_plane_awaited").text("socket", path_.string()).text("reason", reason);
    logged_away_ = true;
    timer_.expires_after(timers::handoff_again.chrono());
    timer_.async_wait([self = shared_from_this()](error_code error) {
      if (!error) self->connect();
    });
  }

  std::filesystem::path path_;
  Durability& durability_;
  std::function<void()> on_lost_;
  Protocol::socket socket_;
  asio::steady_timer timer_;
  asio::steady_timer again_timer_;
  handoff::Peer peer_;
  ExpectedUser expected_;
  std::uint64_t connection_ = 0;  // what was to leave by an older one does not
  std::uint64_t written_ = 0;     // bytes of this connection's output that the socket has
  std::uint64_t may_leave_ = 0;   // bytes of it that rest on nothing but what is on disk
  bool writing_ = false;
  bool waking_ = false;
  bool again_pending_ = false;
  bool stopped_ = false;
  bool logged_away_ = false;
  std::string last_error_{};
};

HandoffClient::HandoffClient(asio::io_context& context, std::filesystem::path socket, Durability& durability, handoff::Events& events,
                             std::function<void()> on_lost)
    : connection_(std::make_shared<Connection>(context, std::move(socket), durability, events, std::move(on_lost))) {}
HandoffClient::~HandoffClient() { connection_->stop(); }
void HandoffClient::start() { connection_->connect(); }
void HandoffClient::stop() { connection_->stop(); }
bool HandoffClient::is_ready() const { return connection_->peer().is_ready(); }
const std::string& HandoffClient::last_error() const { return connection_->last_error(); }

void HandoffClient::acknowledge(handoff::Receipt receipt) {
  connection_->peer().acknowledge(receipt);
  connection_->wake();
}

void HandoffClient::connect_again() { connection_->connect_again(); }

DataPlanePort::Sent HandoffClient::send(handoff::Kind kind, const ItemId& item, RecordWriter record) {
  const auto sent = connection_->peer().send(kind, item, std::move(record));
  connection_->wake();
  return sent == handoff::Peer::Sent::queued ? Sent::yes : Sent::no;
}

}  // namespace pushmail
