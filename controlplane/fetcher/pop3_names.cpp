#include "controlplane/fetcher/pop3_names.h"

#include <openssl/evp.h>

#include <algorithm>
#include <array>

#include "core/bytes.h"
#include "core/result.h"

namespace pushmail::mailbox {

namespace {

constexpr std::size_t uidl_size_max = 500;
constexpr std::string_view of_header = "sha256:";
constexpr std::string_view of_size = "unnamed:";

constexpr std::array<std::string_view, 8> changing_fields{"status", "x-status",   "x-uid",          "x-uidl",
                                                          "x-imap", "x-keywords", "content-length", "lines"};

bool changes(std::string_view line) {
  const std::string_view name = ascii_trim(line.substr(0, line.find(':')));
  return std::ranges::any_of(changing_fields, [name](std::string_view field) { return ascii_equal_nocase(name, field); });
}

}  // namespace

bool is_usable_uidl(std::string_view text) {
  // A name of ours, from outside, would be looked for by a header.
  return !text.empty() && text.size() <= uidl_size_max && !is_made_name(text) &&
         std::ranges::all_of(text, [](char c) { return c >= 0x20 && c <= 0x7E; });
}

std::string name_of_header(std::string_view header) {
  std::string stable;
  while (!header.empty()) {
    const std::size_t end = header.find('\n');
    const std::string_view line = header.substr(0, end);
    header.remove_prefix(end == std::string_view::npos ? header.size() : end + 1);
    const std::string_view bare = ascii_trim(line);
    if (!bare.empty() && !changes(bare)) stable.append(bare).push_back('\n');
  }
  std::array<unsigned char, 32> digest{};
  PM_CHECK(EVP_Digest(stable.data(), stable.size(), digest.data(), nullptr, EVP_sha256(), nullptr) == 1);
  return std::string(of_header) + to_hex(digest);
}

std::string name_of_size(std::uint64_t size) { return std::string(of_size) + std::to_string(size); }

bool is_made_name(std::string_view name) { return name.starts_with(of_header) || name.starts_with(of_size); }

}  // namespace pushmail::mailbox
