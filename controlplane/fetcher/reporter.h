// What a fetcher tells the control plane: records of core/contract/fetcher/schema.h, built and sent here.
//
// Came from: Watcher. Goes to: descriptor 3, in order, each with the next sequence number. When the control plane reads slowly the
// watchers wait (wait_for_room), so that memory stays bounded: chunks by credit, everything else by this.
#pragma once

#include <deque>
#include <optional>
#include <span>
#include <string>

#include "controlplane/fetcher/announce.h"
#include "controlplane/fetcher/backoff.h"
#include "controlplane/fetcher/loop.h"
#include "controlplane/fetcher/mailbox_session.h"
#include "core/ids.h"
#include "core/record.h"

namespace pushmail::mailbox {

/// Whether `polled` lists the UIDLs (POP3), because mails have gone since they were last told.
enum class Known : std::uint8_t { left_out, listed };

class Reporter {
 public:
  Reporter(Loop& loop, Socket& socket);

  /// `kept`: how the account's log-ins went; nothing where the mailbox is not watched.
  void session(std::string_view binding, std::string_view state, std::string_view reason, const std::optional<Backoff::Kept>& kept = {});
  /// What an account that was tried came to: a state word, and why.
  /// `wait`: what the server asked for before the next log-in.
  void probed(std::string_view binding, std::string_view state, std::string_view reason, Duration wait = {});
  void baseline(std::string_view binding, const Cursor& cursor);
  void new_mail(std::string_view binding, const Cursor& cursor, const Arrival& arrival);
  void trying(std::string_view binding, std::span<const std::string> uids);
  /// `uid` empty: more than one mail.
  void skipped(std::string_view binding, std::string_view uid, std::uint64_t count, std::string_view reason);
  void polled(std::string_view binding, const Cursor& cursor, Known known);
  void chunk(std::string_view binding, const ItemId& item, std::uint64_t offset, ByteView data);
  void fetched(std::string_view binding, const ItemId& item, std::string_view uid, std::uint64_t size);
  void fetch_failed(std::string_view binding, const ItemId& item, std::string_view uid, std::string_view word);
  /// `reason` empty: done.
  void marked(std::string_view binding, const ItemId& item, std::string_view uid, Mark mark, std::string_view reason);

  /// `reason` empty: taken.
  void reloaded(std::uint64_t query, std::string_view reason);

  /// Returns when little is queued, or after close().
  void wait_for_room(Task& task);
  /// The coroutine that writes; returns after close() or when the other side is gone.
  [[nodiscard]] Result<void> write_queued(Task& task);
  void close();

 private:
  void send(RecordWriter& record);

  Loop& loop_;
  Socket& socket_;
  std::deque<Bytes> queue_;
  std::size_t queued_size_ = 0;
  std::uint64_t sequence_ = 0;
  Gate gate_;
  std::vector<Gate*> waiting_for_room_;
  bool closed_ = false;
};

}  // namespace pushmail::mailbox
