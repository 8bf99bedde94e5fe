#include "core/secret_file.h"

#include <optional>

#include "core/accounts.h"
#include "core/errors.h"
#include "core/limits.h"
#include "core/storage.h"

namespace pushmail {

namespace {

std::expected<Bytes, StartError> read_secret_of(const std::filesystem::path& path, std::optional<gid_t> readers) {
  auto content =
      read_file(system_storage(), path, {.link_followed = true, .secret = true, .readers = readers, .size_max = 8 * limits::KiB});
  if (content) return std::move(*content);
  const Error& error = content.error();
  if (error.info == &core_file_open_to_others) return std::unexpected(path.string() + ": " + std::string(error.info->text));
  return std::unexpected(cannot_be_read(path.string(), error.os));
}

}  // namespace

std::expected<Bytes, StartError> read_secret_bytes(const std::filesystem::path& path) { return read_secret_of(path, std::nullopt); }

std::expected<std::string, StartError> read_secret_file(const std::filesystem::path& path) {
  return read_secret_file(path, find_group(shared_group).value_or(std::nullopt));
}

std::expected<std::string, StartError> read_secret_file(const std::filesystem::path& path, std::optional<gid_t> readers) {
  const auto content = read_secret_of(path, readers);
  if (!content) return std::unexpected(content.error());
  if (content->empty()) return std::unexpected(path.string() + ": is empty");
  const std::string_view text = text_of(*content);
  return std::string(text.substr(0, text.find('\n')));
}

std::expected<std::string, StartError> read_secret(const Config& config, const std::string& key) {
  const std::string path = config.text(key);
  if (path.empty()) return std::string();
  auto value = read_secret_file(path);
  if (!value) return std::unexpected(StartError(key + ": " + value.error().text, value.error().os));
  return value;
}

}  // namespace pushmail
