// Mailbox passwords at rest: AES-256-GCM under a key of the binding, which is itself wrapped by the key-encryption key (KEK).
//
//   | 1 | nonce 12 | wrapped key 32 | tag 16 | nonce 12 | password n | tag 16 |      associated data of both: the binding's id
//
// Opened only to fill a `watch` record for a fetcher. Changing the KEK means wrapping the keys again, not the passwords: meanwhile there
// are two KEKs, of which the newer seals and both open (kek_rotation.h).
#pragma once

#include <array>
#include <filesystem>
#include <string>
#include <string_view>

#include "controlplane/binding/kek_file.h"
#include "core/bytes.h"
#include "core/result.h"
#include "core/start_error.h"

namespace pushmail {

class Sealer {
 public:
  /// What `kek_file` holds, or $CREDENTIALS_DIRECTORY/kek when that is empty. The text says what is wrong.
  [[nodiscard]] static std::expected<Sealer, StartError> open(const std::filesystem::path& kek_file);
  explicit Sealer(const std::array<std::uint8_t, 32>& kek) : keks_(kek) {}
  explicit Sealer(const Keks& keks) : keks_(keks) {}

  /// From now on seals by `keks.now`. False, and nothing has changed: it seals by neither of these.
  [[nodiscard]] bool rotate_to(const Keks& keks);
  [[nodiscard]] Result<Bytes> seal(std::string_view binding, std::string_view password) const;
  [[nodiscard]] Result<std::string> unseal(std::string_view binding, ByteView sealed) const;
  /// The same password, its key wrapped by the newer KEK; nothing when it is already.
  [[nodiscard]] Result<std::optional<Bytes>> rewrap(std::string_view binding, ByteView sealed) const;

 private:
  Keks keks_;
};

}  // namespace pushmail
