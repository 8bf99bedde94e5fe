// A new key-encryption key, and every sealed password wrapped by it. The file of the key (kek_file.h) alone says how far it has come, so
// that whoever is killed between two steps goes on where it was, and at any time every password opens.
//
//   check ──> keep ──> begin ──> announce ──> wrap, wrap ... ──> finish ──> done
//     │         │         │           │           │                 └ the file: the new key
//     │         │         │           │           └ so many passwords at a time; those that are wrapped already are passed over
//     │         │         │           └ who seals now uses the new key from here on, and both open
//     │         │         └ the file: the new key, and the one before
//     │         └ the key before is kept aside, with a note
//     └ the file's key is the one that is in use
//
// Came from: `pushmailctl kek rotate`. Goes to: the file, and through Sealing to the running control plane or to its store.
#pragma once

#include <cstdint>
#include <expected>
#include <filesystem>
#include <optional>
#include <string>

#include "controlplane/binding/kek_file.h"
#include "controlplane/binding/seal.h"
#include "controlplane/store/store.h"
#include "core/clock.h"

namespace pushmail {

/// What became of some of the passwords.
struct Rewrapped {
  std::uint64_t wrapped = 0;     // by the new key, now
  std::uint64_t there = 0;       // were already
  std::uint64_t unreadable = 0;  // open by neither key: they are left as they are
  std::string after{};           // the binding behind which the rest is; empty: there is none
  std::string first_unreadable{};
};

/// The passwords of the bindings behind `after`, `count_max` at most, in one write.
[[nodiscard]] Result<Rewrapped> rewrap_passwords(Store& store, const Sealer& sealer, std::string_view after, std::size_t count_max);

/// Who has the store: the running control plane, or, when there is none, whoever holds its lock.
class Sealing {
 public:
  virtual ~Sealing() = default;
  /// Seals by `keks.now` from now on, and opens both. Refused where neither is what it seals by; with the key in use nothing changes.
  [[nodiscard]] virtual std::expected<void, std::string> announce(const Keks& keks) = 0;
  [[nodiscard]] virtual std::expected<Rewrapped, std::string> rewrap(std::string_view after) = 0;
};

/// The same without a control plane.
class StoreSealing final : public Sealing {
 public:
  explicit StoreSealing(Store& store) : store_(store) {}
  [[nodiscard]] std::expected<void, std::string> announce(const Keks& keks) override;
  [[nodiscard]] std::expected<Rewrapped, std::string> rewrap(std::string_view after) override;

 private:
  Store& store_;
  std::optional<Sealer> sealer_;
};

class KekRotation {
 public:
  enum class Step : std::uint8_t { check, keep, begin, announce, wrap, finish, done };

  /// Goes on with a rotation that the file says is under way. The text says why the file cannot be read.
  [[nodiscard]] static std::expected<KekRotation, StartError> open(std::filesystem::path file, Sealing& sealing, const Clock& clock);

  /// What step() does next.
  [[nodiscard]] Step next() const { return next_; }
  /// The text says what failed; nothing is lost, and the step can be tried again by the same or another rotation.
  [[nodiscard]] std::expected<void, std::string> step();

  [[nodiscard]] bool was_under_way() const { return was_under_way_; }
  /// Where the key before was kept; empty when an earlier rotation did that.
  [[nodiscard]] const std::filesystem::path& kept() const { return kept_; }
  /// Of all passwords so far.
  [[nodiscard]] const Rewrapped& total() const { return total_; }

 private:
  KekRotation(std::filesystem::path file, Sealing& sealing, const Clock& clock, Keks keks);
  [[nodiscard]] std::expected<void, std::string> keep();
  [[nodiscard]] std::expected<void, std::string> begin();
  [[nodiscard]] std::expected<void, std::string> wrap();
  [[nodiscard]] std::expected<void, std::string> finish();

  std::filesystem::path file_;
  Sealing* sealing_;
  const Clock* clock_;
  Keks keks_;
  Step next_;
  bool was_under_way_;
  std::filesystem::path kept_;
  std::string after_;
  Rewrapped total_;
};

}  // namespace pushmail
