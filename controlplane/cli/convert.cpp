// `pushmailctl convert`: files in, files out.
//
// Addresses and ids are examples: without a server there is no route that gave real ones.
#include "controlplane/cli/convert.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <system_error>

#include "codec/convert/convert.h"
#include "codec/mime/message.h"
#include "codec/mime/unpack.h"
#include "codec/mm7/message.h"
#include "codec/mms/pdu.h"
#include "controlplane/cli/error_words.h"
#include "controlplane/cli/mm_file.h"
#include "controlplane/cli/table.h"
#include "core/clock.h"
#include "core/limits.h"

namespace pushmail::cli {
namespace {

using Json = nlohmann::ordered_json;
using Failure = std::unexpected<std::string>;

constexpr const char* example_domain = "mms.example.net";
constexpr const char* example_item = "convert";

std::expected<Bytes, std::string> read_file(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return Failure(path.string() + ": cannot be read");
  std::string text(limits::record_size_max + 1, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(file.gcount()));
  if (file.bad()) return Failure(path.string() + ": cannot be read");
  return Bytes(text.begin(), text.end());
}

std::expected<std::string, std::string> write_file(const std::filesystem::path& path, ByteView bytes) {
  errno = 0;
  std::ofstream file(path, std::ios::binary | std::ios::noreplace);
  file.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  file.close();
  if (!file) return Failure(fmt::format("{}: cannot be written: {}", path.string(), std::generic_category().message(errno)));
  return path.string();
}

Json parts_json(const MultimediaMessage& mm) {
  Json parts = Json::array();
  for (const MultimediaPart& part : mm.parts) {
    parts.push_back({{"media_type", std::string(part.media_type)}, {"name", std::string(part.name)}, {"size", part.data.size()}});
  }
  return parts;
}

void print_json(std::ostream& out, const Json& json) { out << json.dump(-1, ' ', false, Json::error_handler_t::replace) << '\n'; }

void print_parts(std::ostream& out, const MultimediaMessage& mm) {
  Table table({"PART", "MEDIA TYPE", "NAME", "BYTES"});
  for (std::size_t i = 0; i < mm.parts.size(); ++i) {
    table.add(
        {fmt::to_string(i), std::string(mm.parts[i].media_type), std::string(mm.parts[i].name), fmt::to_string(mm.parts[i].data.size())});
  }
  table.print(out);
}

/// Line by line, so that the line ends stay and nothing else steers a terminal.
void print_text(std::ostream& out, std::string_view text) {
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    out << printable(text.substr(0, end)) << '\n';
    text.remove_prefix(std::min(end + 1, text.size()));
  }
}

/// All slides of the text.
std::string text_of_mm(const convert::MailToMm& made) {
  std::string text;
  const std::size_t first = made.mm.presentation == 0 ? 1 : 0;
  for (std::size_t i = first; i < first + made.text_parts; ++i) {
    if (i > first) text += '\n';
    text += text_of(made.mm.parts[i].data);
  }
  return text;
}

}  // namespace

std::expected<void, std::string> convert_mail_file(const std::filesystem::path& file, const std::filesystem::path& folder, ConvertForm form,
                                                   std::ostream& out) {
  const auto bytes = read_file(file);
  if (!bytes) return Failure(bytes.error());
  auto mail = mime::parse(*bytes);
  if (!mail) return Failure(words_of(mail.error()));
  mime::unpack(*mail);
  const auto made =
      convert::mail_to_mm(*bytes, {.profile = {}, .sender_in_text = true, .content_id_domain = example_domain, .item_id = example_item});
  if (!made) return Failure(words_of(made.error()));

  convert::SubmissionOptions how;
  how.transaction_id = example_item;
  how.sender = {.kind = mm7::AddressKind::short_code, .value = "5000"};
  how.recipients.push_back({.phone = {.kind = mm7::AddressKind::number, .value = "+15550100001"}, .address = {}, .notify = {}});
  how.accepted = made->date.value_or(Timestamp{});
  const convert::Submission submission = convert::submission_of(*made, how);
  const mm7::SubmitReq& request = submission.request;
  const mm7::HttpEntity submit = mm7::encode(request, {});
  // The type stands in the file, as it would in front of the body on the wire.
  Bytes submit_file;
  append(submit_file, "Content-Type: " + submit.content_type + "\r\n\r\n");
  append(submit_file, ByteView(submit.body));

  mms::Pdu pdu;
  pdu.type = mms::MessageType::send_req;
  pdu.transaction_id = example_item;
  pdu.from = mms::From{.kind = mms::From::Kind::address, .address = "5000"};
  pdu.to = {"+15550100001/TYPE=PLMN"};
  pdu.subject = made->mm.subject;
  if (made->date && made->date->us > 0) pdu.date = static_cast<std::uint64_t>(made->date->us / 1'000'000);
  pdu.message_class = request.message_class;
  pdu.has_content = true;
  pdu.content.parts = made->mm.parts;
  pdu.content.presentation = made->mm.presentation;
  const auto encoded = mms::encode(pdu);
  if (!encoded) return Failure(words_of(encoded.error()));

  const std::filesystem::path stem = folder / file.stem();
  const auto pdu_path = write_file(stem.string() + ".mms", *encoded);
  if (!pdu_path) return Failure(pdu_path.error());
  const auto submit_path = write_file(stem.string() + ".submitreq", submit_file);
  if (!submit_path) return Failure(submit_path.error());

  if (form == ConvertForm::json) {
    Json json;
    Json& tree = json["mail"] = Json::array();
    for (const mime::Part& part : mail->parts) {
      tree.push_back({{"depth", part.depth},
                      {"media_type", std::string(part.media_type)},
                      {"name", std::string(part.name)},
                      {"size", part.body.size()}});
    }
    json["subject"] = made->mm.subject;
    json["text"] = text_of_mm(*made);
    json["parts"] = parts_json(made->mm);
    Json& decisions = json["decisions"] = Json::array();
    for (const convert::Decision& decision : made->decisions)
      decisions.push_back({{"what", std::string(decision.what)}, {"rule", std::string(decision.rule)}});
    json["files"] = {*pdu_path, *submit_path};
    print_json(out, json);
    return {};
  }
  out << "MAIL\n";
  for (const mime::Part& part : mail->parts) {
    out << std::string(2 * part.depth + 2, ' ') << printable(fmt::format("{} {} ({} bytes)", part.media_type, part.name, part.body.size()))
        << '\n';
  }
  out << "\nSUBJECT  " << printable(made->mm.subject) << "\n\nTEXT\n";
  print_text(out, text_of_mm(*made));
  out << "\nDECISIONS\n";
  for (const convert::Decision& decision : made->decisions)
    out << "  " << printable(fmt::format("{}: {}", decision.what, decision.rule)) << '\n';
  out << '\n';
  print_parts(out, made->mm);
  out << "\nwritten: " << printable(*pdu_path) << ", " << printable(*submit_path) << '\n';
  return {};
}

std::expected<void, std::string> convert_mm_file(const std::filesystem::path& file, const std::filesystem::path& folder, ConvertForm form,
                                                 std::ostream& out) {
  const auto bytes = read_file(file);
  if (!bytes) return Failure(bytes.error());
  auto read = read_mm_file(*bytes);
  if (!read) return Failure(read.error());
  const convert::MmHeader& header = read->header;
  const MultimediaMessage& mm = read->mm;

  convert::MmToMailOptions options;
  if (header.sender.value.empty()) options.from = {"", "+15550100001", example_domain};
  options.message_id = std::string(example_item) + "@" + example_domain;
  options.our_domain = example_domain;
  options.date = SystemClock().wall();
  const auto mail = convert::mm_to_mail(header, mm, options);
  if (!mail) return Failure(words_of(mail.error()));
  const auto path = write_file((folder / file.stem()).string() + ".eml", *mail);
  if (!path) return Failure(path.error());
  if (form == ConvertForm::json) {
    print_json(out, {{"subject", std::string(header.subject)}, {"parts", parts_json(mm)}, {"files", {*path}}});
    return {};
  }
  out << "SUBJECT  " << printable(header.subject) << "\n\n";
  print_parts(out, mm);
  out << "\nwritten: " << printable(*path) << '\n';
  return {};
}

}  // namespace pushmail::cli
