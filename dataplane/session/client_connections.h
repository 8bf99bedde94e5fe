// What every client over a Network needs, whatever it speaks: its connections, what was given to each stream, why one ended, and what is
// known of the place that they lead to. HTTP and SMTP use it (http_client, smtp_connection).
#pragma once

#include <algorithm>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include "core/bytes.h"
#include "core/timers.h"
#include "dataplane/session/concurrency.h"
#include "dataplane/session/endings.h"
#include "dataplane/tcp/stream.h"

namespace pushmail {

/// One place that connections lead to: how many exchanges may run there, and whether it is worth another try.
class ClientTarget {
 public:
  explicit ClientTarget(std::uint32_t connections_most) : concurrency(connections_most) {}

  Concurrency concurrency;

  /// Something came on any of its connections.
  void note_answer(Instant now) { answered_at_ = now; }
  /// Nothing came on any of them after `since`: an exchange that is late then is not the only one that hangs.
  [[nodiscard]] bool is_silent_since(Instant since) const { return answered_at_ <= since; }
  [[nodiscard]] bool may_open(Instant now) const { return now >= open_again_; }
  /// A further connection could not be made while another one works: it only takes no more of them, and the next turn would meet the same
  /// refusal.
  void on_further_refused(Instant now) {
    open_again_ = now + timers::reopen;
    concurrency.on_overload(now);
  }

 private:
  Instant answered_at_{};
  Instant open_again_{};
};

class ClientConnection : public StreamEvents {
 public:
  void bind(Stream& stream) { stream_ = &stream; }

 protected:
  void send(std::string_view text) {
    given_size_ += text.size();
    stream_->send(bytes_of(text));
  }
  /// Stays where it is until on_close has returned, or an answer came.
  void lend(ByteView bytes) {
    given_size_ += bytes.size();
    stream_->send_lent({.bytes = bytes});
  }
  /// Bytes given to the stream so far: where the next one will be.
  [[nodiscard]] std::uint64_t given_size() const { return given_size_; }
  [[nodiscard]] bool is_unread(std::uint64_t offset) const { return proves_unread(stream_->acknowledged(), offset); }
  /// The first reason of ours stays.
  void abort_stream(const ErrorInfo& why) {
    if (why_ == nullptr) why_ = &why;
    stream_->abort();
  }
  [[nodiscard]] bool ended_by(const ErrorInfo& why) const { return why_ == &why; }
  /// Why it ended: what we ended it for, else what the stream says, else `otherwise`.
  [[nodiscard]] const ErrorInfo& reason_or(const ErrorInfo& otherwise) const {
    if (why_ != nullptr) return *why_;
    return stream_->failure() != nullptr ? *stream_->failure() : otherwise;
  }
  [[nodiscard]] Stream& stream() const { return *stream_; }
  /// Goes on over `over`, which was put on the stream there was and has its events; offsets begin anew.
  void reseat(Stream& over) {
    stream_ = &over;
    given_size_ = 0;
  }

 private:
  Stream* stream_ = nullptr;
  std::uint64_t given_size_ = 0;
  const ErrorInfo* why_ = nullptr;
};

template <class Connection>
class ClientConnections {
 public:
  /// Takes `connection` over when it could be started.
  [[nodiscard]] Result<void> open(Network& network, const Endpoint& to, std::unique_ptr<Connection>& connection) {
    PM_TRY(Stream* const stream, network.connect(to, *connection));
    connection->bind(*stream);
    all_.push_back(std::move(connection));
    return {};
  }
  /// From inside its on_close: it is gone when this returns, and its stream has let go of what was lent.
  void forget(Connection& connection) {
    std::erase_if(all_, [&](const auto& each) { return each.get() == &connection; });
  }
  template <class Test>
  [[nodiscard]] Connection* find(Test&& test) const {
    const auto found = std::ranges::find_if(all_, [&](const auto& each) { return test(*each); });
    return found == all_.end() ? nullptr : found->get();
  }
  void check_deadlines(Instant now) const {
    for (const auto& each : all_) each->check_deadlines(now);
  }
  [[nodiscard]] std::size_t size() const { return all_.size(); }
  [[nodiscard]] auto begin() const { return all_.begin(); }
  [[nodiscard]] auto end() const { return all_.end(); }

 private:
  std::vector<std::unique_ptr<Connection>> all_;
};

}  // namespace pushmail
