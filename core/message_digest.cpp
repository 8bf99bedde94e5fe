#include "core/message_digest.h"

#include <openssl/evp.h>

#include <array>

#include "core/bytes.h"

namespace pushmail {

std::optional<std::string> hex_digest(MessageDigest hash, std::string_view text) {
  const EVP_MD* const kind = hash == MessageDigest::md5 ? EVP_md5() : EVP_sha256();
  std::array<std::uint8_t, EVP_MAX_MD_SIZE> digest{};
  unsigned int size = 0;
  if (EVP_Digest(text.data(), text.size(), digest.data(), &size, kind, nullptr) != 1) return std::nullopt;
  return to_hex(ByteView(digest).first(size));
}

}  // namespace pushmail
