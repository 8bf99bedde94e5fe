#include "controlplane/fetcher/redact.h"

#include <algorithm>
#include <array>

#include "controlplane/fetcher/sasl.h"
#include "controlplane/fetcher/server_words.h"
#include "core/ascii.h"
#include "core/base64.h"

namespace pushmail::mailbox {
namespace {

constexpr std::size_t telling_size = 4;  // bytes that are no word of a sentence by chance
constexpr std::string_view hidden = "***";
// Behind a status that was cut the notice before it follows so.
constexpr std::string_view notice_start = " (";

std::string quoted(std::string_view password) {
  std::string out;
  for (const char c : password) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out;
}

/// How many bytes at the start of `text` are those at the start of `form`.
std::size_t common_size(std::string_view text, std::string_view form) {
  const std::size_t size = std::min(text.size(), form.size());
  std::size_t common = 0;
  while (common < size && ascii_lower(text[common]) == ascii_lower(form[common])) ++common;
  return common;
}

/// The bytes at `at` that are the form, or its start where the words end; 0: something else stands there.
std::size_t size_at(std::string_view said, std::size_t at, std::string_view form) {
  const std::string_view rest = said.substr(at);
  const std::size_t common = common_size(rest, form);
  const std::string_view behind = rest.substr(common);
  if (common == form.size()) {
    const bool is_alone = (at == 0 || !is_alphanumeric(said[at - 1])) && (behind.empty() || !is_alphanumeric(behind.front()));
    return form.size() >= telling_size || is_alone ? common : 0;
  }
  return common >= telling_size && (behind.empty() || behind.starts_with(notice_start)) ? common : 0;
}

}  // namespace

std::string without_password(std::string_view said, std::string_view user, std::string_view password) {
  std::array<std::string, 4> forms = {std::string(password), quoted(password), base64_encoded(password), sasl_plain(user, password)};
  // A control byte in it was shown as `?`.
  for (std::string& form : forms) form = server_words(form, form.size());
  std::string out;
  for (std::size_t at = 0; at < said.size();) {
    std::size_t size = 0;
    for (const std::string& form : forms) size = form.empty() ? size : std::max(size, size_at(said, at, form));
    out += size == 0 ? said.substr(at, 1) : hidden;
    at += std::max<std::size_t>(size, 1);
  }
  return out;
}

}  // namespace pushmail::mailbox
