// The CLI's end of the API socket: one request, one answer, with a time limit.
#pragma once

#include <expected>
#include <filesystem>
#include <string>

namespace pushmail::cli {

struct HttpAnswer {
  int status = 0;
  std::string body{};
};
/// The text says why there is no answer.
[[nodiscard]] std::expected<HttpAnswer, std::string> ask(const std::filesystem::path& socket, const std::string& method,
                                                         const std::string& target, const std::string& body);

}  // namespace pushmail::cli
