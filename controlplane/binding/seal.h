// Mailbox passwords at rest: AES-256-GCM under a key of the binding, which is itself wrapped by the key-encryption key (KEK).
//
//   | 1 | nonce 12 | wrapped key 32 | tag 16 | nonce 12 | password n | tag 16 |      associated data of both: the binding's id
//
// Opened only to fill a `watch` record for a fetcher. Changing the KEK means wrapping the keys again, not the passwords.
#pragma once

#include <array>
#include <filesystem>
#include <string>
#include <string_view>

#include "core/bytes.h"
#include "core/result.h"
#include "core/start_error.h"

namespace pushmail {

class Sealer {
 public:
  /// 32 bytes, raw or as 64 hex digits, from `kek_file`, or from $CREDENTIALS_DIRECTORY/kek when it is empty. The text says what is wrong.
  [[nodiscard]] static std::expected<Sealer, StartError> open(const std::filesystem::path& kek_file);
  explicit Sealer(const std::array<std::uint8_t, 32>& kek) : kek_(kek) {}
  ~Sealer();
  Sealer(const Sealer&) = default;
  Sealer& operator=(const Sealer&) = default;

  [[nodiscard]] Result<Bytes> seal(std::string_view binding, std::string_view password) const;
  [[nodiscard]] Result<std::string> unseal(std::string_view binding, ByteView sealed) const;

 private:
  std::array<std::uint8_t, 32> kek_;
};

}  // namespace pushmail
