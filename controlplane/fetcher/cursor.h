// How far a mailbox was read, as everybody but its session carries it: closed.
//
// Came from: the last session of the mailbox, through the store and `watch`, or a first look. Goes to: the next session, which alone looks
// inside (watermark.h); in `baseline`, `new_mail` and `polled` to the control plane, which keeps `form` and `names` and gives them back.
#pragma once

#include <memory>
#include <set>
#include <string>
#include <string_view>

#include "controlplane/fetcher/trials.h"
#include "core/result.h"

namespace pushmail::mailbox {

/// What a session knows of a mailbox's past: watermark.h, for the sessions alone.
struct Watermark;

class Cursor {
 public:
  /// Of a mailbox that was never looked at.
  Cursor();
  explicit Cursor(Watermark mark);
  ~Cursor();
  Cursor(const Cursor& other);
  /// `other` can only be destroyed then.
  Cursor(Cursor&& other) noexcept;
  /// Both take the content: what a look under way holds of this one stays valid.
  Cursor& operator=(const Cursor& other);
  Cursor& operator=(Cursor&& other) noexcept;

  /// Of a form that form() made; empty: never looked. mailbox_record: no form of this version or the one before.
  [[nodiscard]] static Result<Cursor> read(std::string_view form);
  /// Another of the names; the sets that a form leaves out are kept one by one, because one may hold 100,000 UIDLs.
  void add_name(std::string_view name);
  /// The form of what came in parts before version 2 of the contract. `last_uid` is decimal, or empty.
  [[nodiscard]] static std::string form_of(std::uint64_t uid_validity, std::string_view last_uid, std::int64_t newest_date,
                                           std::string_view newest_id);

  /// To be written down: its version in front, then what the session makes of it; one line of text. A mail that is still to be announced
  /// lies behind it.
  [[nodiscard]] std::string form() const;
  [[nodiscard]] const std::set<std::string, std::less<>>& names() const;

  // What others may know.
  [[nodiscard]] bool is_blank() const;  // never looked
  /// Which numbering the UIDs belong to (UIDVALIDITY; POP3: 1): one half of a mail's identity. 0: none yet.
  [[nodiscard]] std::uint64_t numbering() const;
  /// For people: the UID up to which all was announced; POP3: 0.
  [[nodiscard]] std::uint64_t position() const;
  [[nodiscard]] Trials& trials();
  [[nodiscard]] const Trials& trials() const;
  /// How many mails of another numbering were passed over since it was asked last.
  [[nodiscard]] std::uint64_t take_left_out();
  /// The counts of the tries of `before`, a cursor of the same mailbox that this one takes the place of: they are known here alone.
  void go_on_with(const Cursor& before);

  /// For the session.
  [[nodiscard]] Watermark& mark() { return *mark_; }

 private:
  std::unique_ptr<Watermark> mark_;
};

}  // namespace pushmail::mailbox
