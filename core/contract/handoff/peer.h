// One end of a handoff connection without its socket: bytes in, bytes out. Both planes use this class, so the rules of schema.h
// (hello, epochs, owned records sent until acknowledged) exist once.
//
// Came from: whatever reads the UNIX socket (HandoffServer in the data plane, an Asio session in the control plane). Goes to: Events.
// Use:   peer.connected();                       // a connection is there; hello is queued
//        peer.received(read(peer.room()))        // what the socket gave; an error: close the socket and call disconnected()
//        while (!peer.output().empty()) { n = write(peer.output()); peer.sent(n); }
//        peer.disconnected();                    // the socket is gone; owned records stay and are sent again after the next hello
// Invariant: an owned record leaves `unacknowledged()` only by an ack that names its sequence and came from the epoch it was sent to
// or a later one. Threads: belongs to one; never call connected/disconnected/receive from inside a callback.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <string_view>
#include <utility>

#include "core/bytes.h"
#include "core/contract/handoff/schema.h"
#include "core/ids.h"
#include "core/record.h"
#include "core/record_inbox.h"
#include "core/result.h"

namespace pushmail::handoff {

/// A handoff record is a chunk with its fields, or the table of all peers.
inline constexpr std::size_t record_size_max = 4 * 1024 * 1024;
/// Above this many bytes not yet taken by the socket, news (events, answers, chunks) is refused; owned records wait outside the buffer.
inline constexpr std::size_t output_size_max = 8 * 1024 * 1024;
/// Read from the socket at once, at least.
inline constexpr std::size_t read_size = 256 * 1024;

/// A writer for a record of this kind: `make(Kind::event, item).trace(...)`; give it to Peer::send.
[[nodiscard]] RecordWriter make(Kind kind, const ItemId& item);
/// For the field calls: `writer.text(tag(Tag::name), "...")`.
[[nodiscard]] constexpr std::uint16_t tag(Tag t) { return static_cast<std::uint16_t>(t); }

/// Checks a record by the tables of schema.h: kind known, direction right, required fields there, every known field of its type's size.
[[nodiscard]] Result<void> validate(const RecordView& record, Direction direction);
/// `kind field=value ...` on one line for people; values of password fields are left out.
[[nodiscard]] std::string describe(const RecordView& record);

/// Names a received record so that it can be acknowledged later, also over a newer connection.
struct Receipt {
  std::uint64_t epoch = 0;
  std::uint64_t sequence = 0;
};

/// What became known of the other side with its hello.
enum class Other : std::uint8_t {
  same,       // it is the process we spoke to before (questions and answers of the old connection are lost nevertheless)
  restarted,  // another epoch, or the first one that we see: whatever it kept in memory only is gone
};

class Events {
 public:
  virtual ~Events() = default;
  /// Both hellos were exchanged: send again what was asked or offered and not answered (rule 3 of schema.h).
  virtual void on_ready(Other other) = 0;
  /// A checked record; `record` is lent until the call returns. Owned kinds: call acknowledge(receipt) once what it says is durable.
  virtual void on_record(Kind kind, const RecordView& record, Receipt receipt) = 0;
  /// The other side owns this record now (kind and item as given to send).
  virtual void on_acknowledged(Kind kind, const ItemId& item) = 0;
};

class Peer {
 public:
  /// `ours`: which way records that we send go. `epoch`: random_u64() at program start, not 0.
  Peer(Direction ours, std::uint64_t epoch, Events& events);

  void connected();
  void disconnected();
  [[nodiscard]] bool is_connected() const { return state_ != State::away; }
  [[nodiscard]] bool is_ready() const { return state_ == State::ready; }

  /// Where the socket's next bytes go, `read_size` or more; valid until received() or receive().
  [[nodiscard]] MutableBytes room() { return inbox_.room(read_size); }
  /// The first `size` bytes of room() are there: calls the events. An error means that the connection must be closed.
  [[nodiscard]] Result<void> received(std::size_t size);
  /// The same with bytes that lie elsewhere, which are copied.
  [[nodiscard]] Result<void> receive(ByteView bytes);
  /// Bytes to write now, not all that there are; empty when there is nothing. Valid until sent(), connected() or disconnected().
  [[nodiscard]] ByteView output() const { return out_.empty() ? ByteView() : ByteView(out_.front()).subspan(out_at_); }
  void sent(std::size_t count);

  enum class Sent : std::uint8_t { queued, refused };
  /// Owned kinds are always queued, also while away, and kept until acknowledged; the same kind and item again replaces what was kept.
  /// Other kinds are refused while there is no ready connection or too much is unsent.
  Sent send(Kind kind, const ItemId& item, RecordWriter record);
  /// Tells the other side that a received owned record is ours now; nothing happens when its epoch is over (it will be sent again).
  void acknowledge(Receipt receipt);

  [[nodiscard]] std::size_t unacknowledged() const { return owned_.size(); }
  [[nodiscard]] std::size_t unsent_size() const { return unsent_size_; }
  [[nodiscard]] std::uint64_t other_epoch() const { return other_epoch_; }

  /// Stops the program when what is kept and what is named do not agree, or something is left of a connection that is gone. For tests and
  /// simulations, after each step.
  void check() const;

 private:
  enum class State : std::uint8_t { away, greeting, ready };
  struct Owned {
    Kind kind;
    ItemId item;
    Bytes record;
  };

  [[nodiscard]] Result<void> take(const RecordView& record);
  [[nodiscard]] Result<void> take_hello(const RecordView& record);
  void take_ack(const RecordView& record);
  void fill_output();
  void put_out(Bytes record);

  Direction ours_;
  Direction theirs_;
  std::uint64_t epoch_;
  Events& events_;
  State state_ = State::away;

  std::uint64_t sequence_ = 0;  // last one given to a record of ours, in epoch_
  std::uint64_t other_epoch_ = 0;
  std::uint64_t other_sequence_ = 0;  // highest received in other_epoch_

  std::map<std::uint64_t, Owned> owned_;  // by sequence: oldest first
  std::map<std::pair<Kind, ItemId>, std::uint64_t> owned_sequence_;
  std::uint64_t offered_ = 0;  // owned records up to this sequence were put into out_ on this connection
  std::deque<Bytes> out_;      // each one record, or some that are small
  std::size_t out_at_ = 0;     // so much of the first is sent
  std::size_t unsent_size_ = 0;
  RecordInbox inbox_;
  bool inside_ = false;  // inside receive(): connected and disconnected are refused
};

}  // namespace pushmail::handoff
