// `pushmailctl convert`: what the codec makes of a message, without any server.
#pragma once

#include <cstdint>
#include <expected>
#include <filesystem>
#include <ostream>
#include <string>

namespace pushmail::cli {

enum class ConvertForm : std::uint8_t { people, json };

/// Reads the mail in `file`, prints part tree, text and decisions, and writes NAME.mms (M-Send.req) and NAME.submitreq (HTTP body of a
/// SubmitReq) into `folder`. On failure: the sentence for the person.
[[nodiscard]] std::expected<void, std::string> convert_mail_file(const std::filesystem::path& file, const std::filesystem::path& folder,
                                                                 ConvertForm form, std::ostream& out);
/// Reads an MM in any of the forms of mm_file.h, prints its parts, and writes NAME.eml into `folder`.
[[nodiscard]] std::expected<void, std::string> convert_mm_file(const std::filesystem::path& file, const std::filesystem::path& folder,
                                                               ConvertForm form, std::ostream& out);

}  // namespace pushmail::cli
