#include "controlplane/binding/seal.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include <memory>

#include "controlplane/binding/errors.h"
#include "core/ids.h"

namespace pushmail {

namespace {

constexpr std::size_t key_size = 32, nonce_size = 12, tag_size = 16;
constexpr std::uint8_t format = 1;

struct FreeContext {
  void operator()(EVP_CIPHER_CTX* context) const { EVP_CIPHER_CTX_free(context); }
};
using Context = std::unique_ptr<EVP_CIPHER_CTX, FreeContext>;

// Appends nonce, ciphertext and tag.
Result<void> encrypt(Bytes& out, ByteView key, ByteView plain, std::string_view associated) {
  const std::size_t at = out.size();
  out.resize(at + nonce_size + plain.size() + tag_size);
  std::uint8_t* nonce = out.data() + at;
  fill_random({nonce, nonce_size});
  std::uint8_t* cipher = nonce + nonce_size;
  const Context context(EVP_CIPHER_CTX_new());
  int size = 0;
  const bool done =
      context && EVP_EncryptInit_ex(context.get(), EVP_aes_256_gcm(), nullptr, key.data(), nonce) == 1 &&
      EVP_EncryptUpdate(context.get(), nullptr, &size, bytes_of(associated).data(), static_cast<int>(associated.size())) == 1 &&
      EVP_EncryptUpdate(context.get(), cipher, &size, plain.data(), static_cast<int>(plain.size())) == 1 &&
      EVP_EncryptFinal_ex(context.get(), cipher + plain.size(), &size) == 1 &&
      EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_GCM_GET_TAG, tag_size, cipher + plain.size()) == 1;
  if (!done) return fail(binding_seal_failed);
  return {};
}

Result<Bytes> decrypt(ByteView key, ByteView sealed, std::string_view associated) {
  if (sealed.size() < nonce_size + tag_size) return fail(binding_bad_seal);
  const ByteView nonce = sealed.first(nonce_size);
  const ByteView cipher = sealed.subspan(nonce_size, sealed.size() - nonce_size - tag_size);
  Bytes tag(sealed.end() - tag_size, sealed.end());
  Bytes plain(cipher.size() + 1);
  const Context context(EVP_CIPHER_CTX_new());
  int size = 0;
  const bool done =
      context && EVP_DecryptInit_ex(context.get(), EVP_aes_256_gcm(), nullptr, key.data(), nonce.data()) == 1 &&
      EVP_DecryptUpdate(context.get(), nullptr, &size, bytes_of(associated).data(), static_cast<int>(associated.size())) == 1 &&
      EVP_DecryptUpdate(context.get(), plain.data(), &size, cipher.data(), static_cast<int>(cipher.size())) == 1 &&
      EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_GCM_SET_TAG, tag_size, tag.data()) == 1 &&
      EVP_DecryptFinal_ex(context.get(), plain.data() + cipher.size(), &size) == 1;
  plain.resize(cipher.size());
  if (!done) return fail(binding_bad_seal);
  return plain;
}

constexpr std::size_t wrapped_size = nonce_size + key_size + tag_size;

bool is_sealed(ByteView sealed) { return sealed.size() >= 1 + wrapped_size && sealed[0] == format; }

// The binding's own key, by whichever KEK wrapped it.
Result<Bytes> open_key(const Keks& keks, std::string_view binding, ByteView sealed) {
  auto key = decrypt(keks.now, sealed.subspan(1, wrapped_size), binding);
  if (!key && keks.before) key = decrypt(*keks.before, sealed.subspan(1, wrapped_size), binding);
  return key;
}

}  // namespace

std::expected<Sealer, StartError> Sealer::open(const std::filesystem::path& kek_file) {
  const auto path = kek_path(kek_file);
  if (!path) return std::unexpected(path.error());
  const auto keks = read_kek_file(*path);
  if (!keks) return std::unexpected(keks.error());
  return Sealer(*keks);
}

bool Sealer::rotate_to(const Keks& keks) {
  if (keks_.now != keks.now && keks_.now != keks.before) return false;
  keks_ = keks;
  return true;
}

Result<Bytes> Sealer::seal(std::string_view binding, std::string_view password) const {
  std::array<std::uint8_t, key_size> key;
  fill_random(key);
  Bytes sealed{format};
  Result<void> done = encrypt(sealed, keks_.now, key, binding);
  if (done) done = encrypt(sealed, key, bytes_of(password), binding);
  OPENSSL_cleanse(key.data(), key.size());
  if (!done) return std::unexpected(done.error());
  return sealed;
}

Result<std::string> Sealer::unseal(std::string_view binding, ByteView sealed) const {
  if (!is_sealed(sealed)) return fail(binding_bad_seal);
  PM_TRY(Bytes key, open_key(keks_, binding, sealed));
  auto plain = decrypt(key, sealed.subspan(1 + wrapped_size), binding);
  OPENSSL_cleanse(key.data(), key.size());
  if (!plain) return std::unexpected(plain.error());
  std::string password(text_of(*plain));
  OPENSSL_cleanse(plain->data(), plain->size());
  return password;
}

Result<std::optional<Bytes>> Sealer::rewrap(std::string_view binding, ByteView sealed) const {
  if (!is_sealed(sealed)) return fail(binding_bad_seal);
  if (auto key = decrypt(keks_.now, sealed.subspan(1, wrapped_size), binding)) {
    OPENSSL_cleanse(key->data(), key->size());
    return std::nullopt;
  }
  PM_TRY(Bytes key, open_key(keks_, binding, sealed));
  Bytes wrapped{format};
  const Result<void> done = encrypt(wrapped, keks_.now, key, binding);
  OPENSSL_cleanse(key.data(), key.size());
  if (!done) return std::unexpected(done.error());
  append(wrapped, sealed.subspan(1 + wrapped_size));
  return wrapped;
}

}  // namespace pushmail
