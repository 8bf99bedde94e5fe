// A network in memory: streams in pairs, moved by poll() in order and byte by byte if a test wants that. The same rules as the seam:
// nothing is called from inside a call, on_close is the last call, lent bytes come back once.
#pragma once

#include <algorithm>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "dataplane/tcp/stream.h"

namespace pushmail::test {

class ManualClock final : public Clock {
 public:
  [[nodiscard]] Timestamp wall() const override { return {.us = 1'795'471'652'000'000}; }
  [[nodiscard]] Instant now() const override { return now_; }
  void advance(Duration d) { now_ = now_ + d; }

 private:
  Instant now_{.ns = 1'000'000'000};
};

class FakeStream final : public Stream {
 public:
  explicit FakeStream(Endpoint peer) : peer_endpoint(peer) {}
  FakeStream(const FakeStream&) = delete;
  FakeStream& operator=(const FakeStream&) = delete;
  ~FakeStream() override { drop(); }

  void set_events(StreamEvents& to) override { events = &to; }
  void send(ByteView bytes) override {
    if (dead || finishing || bytes.empty()) return;
    if (queue.empty() || queue.back().is_lent) queue.push_back({.own = {}, .lent = {}, .is_lent = false});
    append(queue.back().own, bytes);
    sent_total += bytes.size();
  }
  void send_lent(LentBytes lent) override {
    if (dead || finishing) return release(lent);
    queue.push_back({.own = {}, .lent = lent, .is_lent = true});
    sent_total += lent.bytes.size();
  }
  void finish() override { finishing = true; }
  void abort() override {
    if (dead) return;
    dead = CloseReason::aborted;
    if (other == nullptr || other->dead) return;
    other->dead = CloseReason::reset_by_peer;
    other->is_last = other->is_last || reset_acknowledges;
  }
  void pause_reading() override { paused = true; }
  void resume_reading() override { paused = false; }
  [[nodiscard]] Endpoint peer() const override { return peer_endpoint; }
  [[nodiscard]] Acknowledged acknowledged() const override { return {.size = acknowledged_size, .is_last = is_last}; }
  [[nodiscard]] const ErrorInfo* failure() const override { return wrong; }
  [[nodiscard]] bool is_encrypted() const override { return encrypted; }

  struct Piece {
    Bytes own;
    LentBytes lent;
    bool is_lent;
    [[nodiscard]] ByteView bytes() const { return is_lent ? lent.bytes : ByteView{own}; }
  };
  static void release(const LentBytes& lent) {
    if (lent.release != nullptr) lent.release(lent.context);
  }
  void drop() {
    while (!queue.empty()) {
      const Piece piece = std::move(queue.front());
      queue.pop_front();
      if (piece.is_lent) release(piece.lent);
    }
  }

  Endpoint peer_endpoint;
  StreamEvents* events = nullptr;
  FakeStream* other = nullptr;
  std::deque<Piece> queue;
  std::size_t offset = 0;  // of the queue's front
  std::size_t sent_total = 0;
  bool opening = false;
  bool silent = false;              // the peer never answers our SYN
  bool held = false;                // what we send stays with us, as behind a closed window
  bool lost = false;                // what we send leaves and never arrives
  bool reset_acknowledges = false;  // our RST tells the other side what came
  std::uint64_t acknowledged_size = 0;
  bool is_last = false;
  bool paused = false;
  bool finishing = false;
  bool fin_taken = false;  // the other side has had our FIN
  bool was_sending = false;
  const ErrorInfo* wrong = nullptr;
  bool encrypted = false;
  std::optional<CloseReason> dead;
};

class FakeNetwork final : public Network {
 public:
  std::size_t chunk_size = 1 << 16;  // most bytes that one on_data carries
  Endpoint client_address = *parse_endpoint("192.0.2.9:40000");
  std::optional<CloseReason> refuse;  // what the next connects get
  bool silent = false;                // connects never complete
  bool held = false;                  // what the next connects send stays with us

  [[nodiscard]] Result<void> listen(const Endpoint& local, Acceptor& acceptor) override {
    acceptors_[local] = &acceptor;
    return {};
  }
  void stop_listening() override { acceptors_.clear(); }
  [[nodiscard]] Result<Stream*> connect(const Endpoint& peer, StreamEvents& events) override {
    ++connects;
    streams_.push_back(std::make_unique<FakeStream>(peer));
    FakeStream& stream = *streams_.back();
    stream.set_events(events);
    stream.opening = true;
    stream.silent = silent;
    stream.held = held;
    if (refuse)
      stream.dead = refuse;
    else if (!acceptors_.contains(peer))
      stream.dead = CloseReason::refused;
    return &stream;
  }
  std::size_t poll(Instant) override {
    std::size_t work = 0;
    for (std::size_t i = 0; i < streams_.size(); ++i) work += step(*streams_[i]);
    for (std::size_t i = 0; i < streams_.size(); ++i) work += close(*streams_[i]);
    std::erase_if(streams_, [](const auto& stream) { return stream->events == nullptr && stream->dead; });
    return work;
  }
  void wait(int, Duration) override {}

  [[nodiscard]] std::size_t stream_count() const { return streams_.size(); }
  /// Each connection twice: who opened it, who accepted it.
  [[nodiscard]] const std::vector<std::unique_ptr<FakeStream>>& streams() const { return streams_; }
  int connects = 0;

 private:
  std::size_t step(FakeStream& stream) {
    if (stream.dead) return 0;
    if (stream.opening) return open(stream);
    if (stream.other == nullptr) return 0;
    return move(stream);
  }
  std::size_t open(FakeStream& stream) {
    if (stream.silent) return 0;
    stream.opening = false;
    Endpoint from = client_address;
    client_address.port = static_cast<std::uint16_t>(client_address.port + 1);
    streams_.push_back(std::make_unique<FakeStream>(from));
    FakeStream& accepted = *streams_.back();
    accepted.other = &stream;
    stream.other = &accepted;
    acceptors_.at(stream.peer())->on_accept(accepted);
    if (!stream.dead) stream.events->on_open();
    return 1;
  }
  /// One chunk from `from` to its peer.
  std::size_t move(FakeStream& from) {
    FakeStream& to = *from.other;
    if (to.dead || to.events == nullptr) return 0;
    std::size_t work = 0;
    if (!from.queue.empty() && !to.paused && !from.held) {
      ByteView rest = from.queue.front().bytes().subspan(from.offset);
      const Bytes chunk(rest.begin(), rest.begin() + static_cast<std::ptrdiff_t>(std::min(chunk_size, rest.size())));
      from.offset += chunk.size();
      from.was_sending = true;
      if (from.offset == from.queue.front().bytes().size()) {
        const FakeStream::Piece piece = std::move(from.queue.front());
        from.queue.pop_front();
        from.offset = 0;
        if (piece.is_lent) FakeStream::release(piece.lent);
      }
      if (!from.lost) {
        from.acknowledged_size += chunk.size();
        if (!chunk.empty()) to.events->on_data(chunk);
      }
      ++work;
    }
    if (from.dead || to.dead) return work;
    if (from.queue.empty() && from.was_sending) {
      from.was_sending = false;
      from.events->on_sent();
      ++work;
    }
    if (from.dead || to.dead) return work;
    if (from.queue.empty() && from.finishing && !from.fin_taken && !to.paused) {
      from.fin_taken = true;
      to.is_last = true;
      to.events->on_end();
      ++work;
    }
    if (from.fin_taken && to.fin_taken && !from.dead && !to.dead) from.dead = to.dead = CloseReason::finished;
    return work;
  }
  std::size_t close(FakeStream& stream) {
    if (!stream.dead || stream.events == nullptr) return 0;
    stream.drop();
    if (stream.other != nullptr) {
      if (!stream.other->dead) stream.other->dead = CloseReason::reset_by_peer;
      stream.other->other = nullptr;
      stream.other = nullptr;
    }
    std::exchange(stream.events, nullptr)->on_close(*stream.dead);
    return 1;
  }

  std::map<Endpoint, Acceptor*> acceptors_;
  std::vector<std::unique_ptr<FakeStream>> streams_;
};

/// A cover whose streams the test drives by hand: `events` hears what it says, `queue` has what was sent.
class FakeCover final : public StreamCover {
 public:
  [[nodiscard]] Result<Stream*> cover(Stream& below, StreamEvents& events) override {
    covered.push_back(std::make_unique<FakeStream>(below.peer()));
    covered.back()->set_events(events);
    covered.back()->encrypted = true;
    below.set_events(nothing_);
    return covered.back().get();
  }
  /// What was sent over the last one since the last call.
  [[nodiscard]] std::string take() {
    std::string said;
    for (const FakeStream::Piece& piece : covered.back()->queue) said += text_of(piece.bytes());
    covered.back()->drop();
    return said;
  }
  std::vector<std::unique_ptr<FakeStream>> covered;

 private:
  struct Nothing final : StreamEvents {
    void on_data(ByteView) override {}
    void on_end() override {}
    void on_close(CloseReason) override {}
  };
  Nothing nothing_;
};

/// Turns until nothing moves any more. `turn` gives the session its tick; the bound only ends a test that has failed.
template <class Turn>
void settle(FakeNetwork& network, Instant now, Turn&& turn) {
  int quiet = 0;
  for (int i = 0; i < 1'000'000 && quiet < 4; ++i) {
    quiet = network.poll(now) == 0 ? quiet + 1 : 0;
    turn();
  }
}

/// The other end of a session under test: says what the test says, keeps what it hears.
class FakePeer : public StreamEvents {
 public:
  void on_open() override { open = true; }
  void on_data(ByteView bytes) override { heard += text_of(bytes); }
  void on_end() override { ended = true; }
  void on_close(CloseReason reason) override {
    closed = reason;
    stream = nullptr;
  }
  void say(std::string_view text) {
    if (stream != nullptr) stream->send(bytes_of(text));
  }
  /// What was heard since the last call.
  [[nodiscard]] std::string take() { return std::exchange(heard, {}); }

  /// The stream's other end, which the session under test holds.
  [[nodiscard]] FakeStream& theirs() const { return *static_cast<FakeStream*>(stream)->other; }

  Stream* stream = nullptr;
  std::string heard;
  bool open = false;
  bool ended = false;
  std::optional<CloseReason> closed;
};

/// Accepts connections and keeps one FakePeer for each.
class FakePeers final : public Acceptor {
 public:
  void on_accept(Stream& stream) override {
    all.push_back(std::make_unique<FakePeer>());
    all.back()->stream = &stream;
    all.back()->open = true;
    stream.set_events(*all.back());
    if (!greeting.empty()) all.back()->say(greeting);
  }
  [[nodiscard]] FakePeer& last() const { return *all.back(); }
  std::string greeting;
  std::vector<std::unique_ptr<FakePeer>> all;
};

}  // namespace pushmail::test
