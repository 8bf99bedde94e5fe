// The file of the key-encryption key: 32 bytes, or lines of 64 hex digits. One line: the key. Two: a rotation is under way
// (kek_rotation.h), the first key seals, and the second, which did before, still opens.
//
// Came from: secrets.kek_file, or $CREDENTIALS_DIRECTORY/kek. Goes to: Sealer. Only `pushmailctl setup` and `kek rotate` write it.
#pragma once

#include <array>
#include <expected>
#include <filesystem>
#include <optional>
#include <string>

#include "core/result.h"
#include "core/start_error.h"

namespace pushmail {

using Kek = std::array<std::uint8_t, 32>;

/// Wiped when it goes.
struct Keks {
  Kek now{};
  std::optional<Kek> before{};

  Keks() = default;
  explicit Keks(const Kek& present, std::optional<Kek> older = {}) : now(present), before(older) {}
  ~Keks();
  Keks(const Keks&) = default;
  Keks& operator=(const Keks&) = default;
};

/// `configured`, or where the service manager puts it when that is empty.
[[nodiscard]] std::expected<std::filesystem::path, StartError> kek_path(const std::filesystem::path& configured);
/// The text says what is wrong.
[[nodiscard]] std::expected<Keks, StartError> read_kek_file(const std::filesystem::path& file);
/// 64 hex digits, in either case.
[[nodiscard]] std::optional<Kek> kek_of_hex(std::string_view hex);

/// Names a key and says nothing about it: 16 hex digits.
[[nodiscard]] std::string fingerprint(const Kek& key);

/// The old content or the new one, whatever happens, with the owner that it had; durable when this returns.
[[nodiscard]] Result<void> replace_kek_file(const std::filesystem::path& file, const Keks& keks);
/// A copy of it as it is, which nobody reads until somebody needs it: same owner, mode 0400.
[[nodiscard]] Result<void> keep_kek_file(const std::filesystem::path& file, const std::filesystem::path& copy);

}  // namespace pushmail
