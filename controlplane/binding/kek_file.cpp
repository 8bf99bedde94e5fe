#include "controlplane/binding/kek_file.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>

#include "core/ascii.h"
#include "core/bytes.h"
#include "core/errors.h"
#include "core/secret_file.h"
#include "core/storage.h"

namespace pushmail {

namespace {

void wipe(Bytes& bytes) { OPENSSL_cleanse(bytes.data(), bytes.size()); }
void wipe(std::string& text) { OPENSSL_cleanse(text.data(), text.size()); }

// The owner of `like`, before anybody reads it under its name: who runs this may be root, and who reads it the control plane's user.
Result<void> put_in_place(const std::filesystem::path& made, const std::filesystem::path& like, const std::filesystem::path& file) {
  struct stat there{};
  if (::stat(like.c_str(), &there) != 0) return fail_os(core_file_read, errno);
  if (::geteuid() == 0 && ::chown(made.c_str(), there.st_uid, there.st_gid) != 0) return fail_os(core_account, errno);
  if (const int renamed = system_storage().rename(made, file); renamed < 0) return fail_os(core_file_write, -renamed);
  return sync_folder(system_storage(), file.parent_path(), Sync::file_named);
}

Result<void> write_beside(const std::filesystem::path& file, ByteView bytes, const std::filesystem::path& like) {
  const std::filesystem::path made = file.string() + ".made";
  // Of one that was killed: made for reading alone, it could not be opened to be written again.
  (void)system_storage().remove(made.string() + ".new");
  if (const auto written = replace_file(system_storage(), made, bytes, 0400); !written) return written;
  return put_in_place(made, like, file);
}

}  // namespace

Keks::~Keks() {
  OPENSSL_cleanse(now.data(), now.size());
  if (before) OPENSSL_cleanse(before->data(), before->size());
}

std::expected<std::filesystem::path, StartError> kek_path(const std::filesystem::path& configured) {
  if (!configured.empty()) return configured;
  const char* folder = std::getenv("CREDENTIALS_DIRECTORY");
  if (folder == nullptr) return std::unexpected("secrets.kek_file is not set and there is no $CREDENTIALS_DIRECTORY");
  return std::filesystem::path(folder) / "kek";
}

std::optional<Kek> kek_of_hex(std::string_view hex) {
  Bytes bytes = from_hex(hex);
  Kek key;
  const bool is_key = bytes.size() == key.size();
  if (is_key) std::ranges::copy(bytes, key.begin());
  wipe(bytes);
  return is_key ? std::optional(key) : std::nullopt;
}

std::string fingerprint(const Kek& key) {
  std::array<std::uint8_t, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  PM_CHECK(EVP_Digest(key.data(), key.size(), digest.data(), &size, EVP_sha256(), nullptr) == 1 && size >= 8);
  return to_hex(ByteView(digest).first(8));
}

std::expected<Keks, StartError> read_kek_file(const std::filesystem::path& file) {
  auto content = read_secret_bytes(file);
  if (!content) return std::unexpected(content.error());
  Keks keks;
  bool is_good = content->size() == keks.now.size();
  if (is_good) {
    std::ranges::copy(*content, keks.now.begin());
  } else {
    const std::string_view text = ascii_trim(text_of(*content));
    const std::size_t end = text.find('\n');
    const auto now = kek_of_hex(ascii_trim(text.substr(0, end)));
    if (end != std::string_view::npos) keks.before = kek_of_hex(ascii_trim(text.substr(end)));
    is_good = now && keks.before.has_value() == (end != std::string_view::npos);
    if (now) keks.now = *now;
  }
  wipe(*content);
  if (!is_good)
    return std::unexpected(file.string() + ": must hold 32 bytes, or 64 hex digits; a second line of them while a rotation is under way");
  return keks;
}

Result<void> replace_kek_file(const std::filesystem::path& file, const Keks& keks) {
  std::string text = to_hex(keks.now) + "\n";
  if (keks.before) text += to_hex(*keks.before) + "\n";
  const auto written = write_beside(file, bytes_of(text), file);
  wipe(text);
  return written;
}

Result<void> keep_kek_file(const std::filesystem::path& file, const std::filesystem::path& copy) {
  PM_TRY(Bytes content, read_file(system_storage(), file, {.link_followed = true, .secret = true, .size_max = 1024}));
  const auto written = write_beside(copy, content, file);
  wipe(content);
  return written;
}

}  // namespace pushmail
