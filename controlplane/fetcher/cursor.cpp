#include "controlplane/fetcher/cursor.h"

#include <fmt/format.h>

#include <algorithm>

#include "controlplane/fetcher/errors.h"
#include "controlplane/fetcher/watermark.h"
#include "core/ascii.h"

namespace pushmail::mailbox {

namespace {

// `1 UIDVALIDITY UID DATE MESSAGE-ID`: the last three may be 0, 0 and nothing. A step of the store's schema wrote it
// from the columns before it.
constexpr std::string_view version = "1";

}  // namespace

Cursor::Cursor() : mark_(std::make_unique<Watermark>()) {}
Cursor::Cursor(Watermark mark) : mark_(std::make_unique<Watermark>(std::move(mark))) {}
Cursor::~Cursor() = default;
Cursor::Cursor(const Cursor& other) : mark_(std::make_unique<Watermark>(*other.mark_)) {}
Cursor::Cursor(Cursor&& other) noexcept = default;
Cursor& Cursor::operator=(const Cursor& other) {
  *mark_ = *other.mark_;
  return *this;
}
Cursor& Cursor::operator=(Cursor&& other) noexcept {
  *mark_ = std::move(*other.mark_);
  return *this;
}

Result<Cursor> Cursor::read(std::string_view form) {
  Watermark mark;
  if (form.empty()) return Cursor();
  const auto next = [&form] {
    const std::string_view word = form.substr(0, form.find(' '));
    form.remove_prefix(std::min(word.size() + 1, form.size()));
    return word;
  };
  if (next() != version) return fail(mailbox_record);
  const auto uid_validity = parse_number<decltype(mark.uid_validity)>(next());
  const auto last_uid = parse_number<decltype(mark.last_uid)>(next());
  const auto date = parse_number<decltype(mark.newest.received.us)>(next());
  if (!uid_validity || !last_uid || !date) return fail(mailbox_record);
  mark.uid_validity = *uid_validity;
  mark.last_uid = *last_uid;
  mark.newest = {.message_id = std::string(form), .received = {*date}};
  return Cursor(std::move(mark));
}

void Cursor::add_name(std::string_view name) { mark_->known.emplace(name); }

std::string Cursor::form_of(std::uint64_t uid_validity, std::string_view last_uid, std::int64_t newest_date, std::string_view newest_id) {
  return fmt::format("{} {} {} {} {}", version, uid_validity, last_uid.empty() ? "0" : last_uid, newest_date, newest_id);
}

std::string Cursor::form() const {
  return form_of(mark_->uid_validity, fmt::to_string(mark_->settled_uid()), mark_->newest.received.us, mark_->newest.message_id);
}

const std::set<std::string, std::less<>>& Cursor::names() const { return mark_->known; }
bool Cursor::is_blank() const { return mark_->uid_validity == 0 && mark_->known.empty(); }
std::uint64_t Cursor::numbering() const { return mark_->uid_validity; }
std::uint64_t Cursor::position() const { return mark_->settled_uid(); }
Trials& Cursor::trials() { return mark_->trials; }
const Trials& Cursor::trials() const { return mark_->trials; }
std::uint64_t Cursor::take_left_out() { return std::exchange(mark_->left_out, 0); }

void Cursor::go_on_with(const Cursor& before) {
  if (numbering() != before.numbering()) return;
  mark_->trials.adopt(before.mark_->trials);
  mark_->newest_asked = before.mark_->newest_asked;
}

std::uint32_t Watermark::settled_uid() const {
  const auto lowest = trials.lowest_uid();
  return lowest ? std::min(last_uid, *lowest - 1) : last_uid;
}

}  // namespace pushmail::mailbox
