// Prints what our parser makes of mails, one JSON line for each file named on the command line.
#include "codec/mime/flowed.h"
#include "codec/mime/message.h"
#include "codec/mime/report.h"
#include "codec/mime/tnef.h"
#include "codec/mime/tolerances.h"
#include "codec/mime/uuencode.h"
#include "tests/corpus/json.h"

using namespace pushmail;

namespace {

std::string report_of(const mime::DeliveryStatus& report) {
  constexpr std::array<std::string_view, 6> actions{"unknown", "failed", "delayed", "delivered", "relayed", "expanded"};
  std::string out = "by " + std::string(report.reporting_mta);
  for (const mime::RecipientStatus& row : report.recipients) {
    out += "; " + std::string(row.final_recipient) + " " + std::string(actions.at(static_cast<std::size_t>(row.action))) + " " +
           std::string(row.status);
    if (!row.diagnostic.empty()) out += " (" + std::string(row.diagnostic) + ")";
  }
  return out;
}

std::string report_of(const mime::DispositionNotification& report) {
  constexpr std::array<std::string_view, 7> types{"unknown", "displayed", "deleted", "dispatched", "processed", "denied", "failed"};
  return std::string(types.at(static_cast<std::size_t>(report.type))) + " " + std::string(report.original_message_id) + " " +
         std::string(report.final_recipient) + (report.is_automatic_action ? " automatic" : " manual");
}

/// What a body holds beside itself: files inside it, a report, paragraphs. Silent about the others.
void details_of(const mime::Part& part, ByteView body, Arena& arena, corpus::Line& line, std::vector<mime::Tolerance>& notes) {
  if (part.media_type == "message/delivery-status") line.detail("report", report_of(mime::read_delivery_status(body, arena)));
  if (part.media_type == "message/disposition-notification")
    line.detail("report", report_of(mime::read_disposition_notification(body, arena)));
  if (!mime::is_tnef(part)) return;
  const auto tnef = mime::read_tnef(body, arena, &notes);
  std::string files = tnef ? "" : std::string(tnef.error().info->name);
  if (tnef) {
    for (const mime::TnefAttachment& file : tnef->attachments)
      files += (files.empty() ? "" : "; ") + std::string(file.name) + " = " + std::string(text_of(file.data));
  }
  line.detail("files", files);
}

void details_of_text(const mime::Part& part, std::string_view text, Arena& arena, corpus::Line& line) {
  if (mime::is_flowed(part)) line.detail("paragraphs", mime::unflow(text, part, arena));
  std::string files;
  for (const mime::InlineFile& file : mime::read_uuencoded(text, arena)) {
    files += (files.empty() ? "" : "; ") + std::string(file.name) + " = " + std::string(text_of(file.data));
  }
  if (!files.empty()) line.detail("files", files);
}

}  // namespace

int main(int argc, char** argv) {
  for (int i = 1; i < argc; ++i) {
    const std::string mail = corpus::contents_of(argv[i]);
    corpus::Line line(argv[i]);
    auto message = mime::parse(bytes_of(mail));
    if (!message) {
      line.error(message.error().info->name);
      line.print();
      continue;
    }
    std::vector<mime::Tolerance> notes = message->tolerated;
    for (const std::string_view name : {"from", "subject"})
      line.header(name, mime::decode_header(message->parts[0].field(name), message->arena));
    for (std::size_t at = 0; at < message->parts.size(); ++at) {
      const mime::Part& part = message->parts[at];
      line.part(part.depth, part.declared_type, part.name);
      const bool has_children = at + 1 < message->parts.size() && message->parts[at + 1].parent == at;
      if (has_children) continue;
      const ByteView body = mime::decode_body(part, message->arena, &notes);
      line.bytes(body);
      details_of(part, body, message->arena, line, notes);
      if (!part.media_type.starts_with("text/")) continue;
      const std::string_view text = mime::decode_text(part, message->arena, &notes);
      line.text(text);
      details_of_text(part, text, message->arena, line);
    }
    for (const mime::Tolerance& note : notes) line.note(note.rule);
    line.print();
  }
  return 0;
}
