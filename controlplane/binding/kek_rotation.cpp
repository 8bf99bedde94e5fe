#include "controlplane/binding/kek_rotation.h"

#include <fmt/format.h>

#include <utility>

#include "core/ids.h"
#include "core/log.h"
#include "core/storage.h"

namespace pushmail {

namespace {

constexpr std::size_t passwords_in_one_write = 200;

std::string words_of(const std::filesystem::path& file, const Error& error) {
  return fmt::format("{}: {}", file.string(), error.info->text);
}

// A name for a file: digits and letters alone.
std::string stamp(Timestamp time) {
  std::string text = format_rfc3339(time);
  std::erase_if(text, [](char c) { return c == '-' || c == ':'; });
  return text.substr(0, text.find('.')) + (text.find('.') == std::string::npos ? "" : "Z");
}

}  // namespace

Result<Rewrapped> rewrap_passwords(Store& store, const Sealer& sealer, std::string_view after, std::size_t count_max) {
  PM_TRY(const auto bindings, store.bindings(after, count_max));
  Rewrapped result;
  const auto done = store.write([&]() -> Result<void> {
    for (const Binding& one : bindings) {
      auto sealed = sealer.rewrap(one.id, one.sealed_password);
      if (!sealed) {
        ++result.unreadable;
        if (result.first_unreadable.empty()) result.first_unreadable = one.id;
        log_error("password_unreadable").binding(one.id).error(sealed.error());
      } else if (!*sealed) {
        ++result.there;
      } else {
        Binding wrapped = one;
        wrapped.sealed_password = std::move(**sealed);
        if (const auto updated = store.update_binding(wrapped); !updated) return updated;
        ++result.wrapped;
      }
    }
    return {};
  });
  if (!done) return std::unexpected(done.error());
  if (bindings.size() == count_max) result.after = bindings.back().id;
  return result;
}

std::expected<void, std::string> StoreSealing::announce(const Keks& keks) {
  sealer_.emplace(keks);
  return {};
}

std::expected<Rewrapped, std::string> StoreSealing::rewrap(std::string_view after) {
  auto done = rewrap_passwords(store_, *sealer_, after, passwords_in_one_write);
  if (!done) return std::unexpected(std::string(done.error().info->text));
  return std::move(*done);
}

std::expected<KekRotation, StartError> KekRotation::open(std::filesystem::path file, Sealing& sealing, const Clock& clock) {
  auto keks = read_kek_file(file);
  if (!keks) return std::unexpected(keks.error());
  return KekRotation(std::move(file), sealing, clock, *keks);
}

KekRotation::KekRotation(std::filesystem::path file, Sealing& sealing, const Clock& clock, Keks keks)
    : file_(std::move(file)),
      sealing_(&sealing),
      clock_(&clock),
      keks_(std::move(keks)),
      next_(keks_.before ? Step::announce : Step::check),
      was_under_way_(keks_.before.has_value()) {}

std::expected<void, std::string> KekRotation::step() {
  std::expected<void, std::string> done;
  switch (next_) {
    case Step::check:
      done = sealing_->announce(keks_);
      if (done) next_ = Step::keep;
      break;
    case Step::keep:
      done = keep();
      break;
    case Step::begin:
      done = begin();
      break;
    case Step::announce:
      done = sealing_->announce(keks_);
      if (done) next_ = Step::wrap;
      break;
    case Step::wrap:
      done = wrap();
      break;
    case Step::finish:
      done = finish();
      break;
    case Step::done:
      break;
  }
  return done;
}

std::expected<void, std::string> KekRotation::keep() {
  const Timestamp now = clock_->wall();
  kept_ = file_.string() + ".old-" + stamp(now);
  // Two in one second, of which each has kept another key.
  std::error_code error;
  for (int n = 2; std::filesystem::exists(kept_, error); ++n) kept_ = fmt::format("{}.old-{}-{}", file_.string(), stamp(now), n);
  if (const auto kept = keep_kek_file(file_, kept_); !kept) return std::unexpected(words_of(kept_, kept.error()));
  const std::string note = fmt::format(
      "{} holds the key-encryption key that pushmail used until {}, when `pushmailctl kek rotate` made a new one.\n"
      "Nothing in the store needs it once that command has ended. A backup that was made before needs it to open its mailbox\n"
      "passwords: keep it as long as you keep those backups, in a safe place and not beside them, and remove it then.\n",
      kept_.filename().string(), format_rfc3339(now));
  const std::filesystem::path note_file = kept_.string() + ".txt";
  if (const auto written = replace_file(system_storage(), note_file, bytes_of(note), 0444); !written)
    return std::unexpected(words_of(note_file, written.error()));
  next_ = Step::begin;
  return {};
}

std::expected<void, std::string> KekRotation::begin() {
  Keks both;
  fill_random(both.now);
  both.before = keks_.now;
  if (const auto written = replace_kek_file(file_, both); !written) return std::unexpected(words_of(file_, written.error()));
  keks_ = both;
  next_ = Step::announce;
  return {};
}

std::expected<void, std::string> KekRotation::wrap() {
  auto some = sealing_->rewrap(after_);
  if (!some) return std::unexpected(some.error());
  total_.wrapped += some->wrapped;
  total_.there += some->there;
  total_.unreadable += some->unreadable;
  if (total_.first_unreadable.empty()) total_.first_unreadable = some->first_unreadable;
  after_ = std::move(some->after);
  if (after_.empty()) next_ = Step::finish;
  return {};
}

std::expected<void, std::string> KekRotation::finish() {
  if (const auto written = replace_kek_file(file_, Keks(keks_.now)); !written) return std::unexpected(words_of(file_, written.error()));
  next_ = Step::done;
  return {};
}

}  // namespace pushmail
