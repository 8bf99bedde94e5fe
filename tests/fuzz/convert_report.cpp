// Any mail is read as a report or not at all; any report that we write from what is in it is a strict one, and is read back as it was
// written.
#include "codec/convert/reports.h"
#include "codec/simd/simd.h"

using namespace pushmail;

namespace {

void check_text(std::string_view text) { PM_CHECK(simd::active().utf8_valid_prefix(bytes_of(text)) == text.size()); }

void check_mail(const convert::ReportMail& report) {
  PM_CHECK(report.mail_from.empty());
  PM_CHECK(text_of(report.mail).ends_with("\r\n"));
  for (std::size_t i = 0; i < report.mail.size(); ++i) {
    const std::uint8_t c = report.mail[i];
    PM_CHECK((c >= 0x20 && c < 0x7F) || c == '\r' || c == '\n' || c == '\t');
    if (c == '\n') PM_CHECK(i > 0 && report.mail[i - 1] == '\r');
  }
  auto message = mime::parse(report.mail);
  PM_CHECK(message && message->tolerated.empty() && message->parts.size() == 4);
  PM_CHECK(message->parts[0].field("Bcc").empty());
  const auto read = convert::read_report(*message);
  PM_CHECK(read && (read->deliveries.size() <= 1));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  auto mail = mime::parse({data, size});
  if (!mail) return 0;
  const auto report = convert::read_report(*mail);
  convert::ReportSource source{.phone = {"", "+15550100002", "mms.example.net"},
                               .to = {"", "joe", "example.com"},
                               .date = {},
                               .message_id = "R@mms.example.net",
                               .our_host = "gw.mms.example.net",
                               .reporting_system = std::string(mail->parts[0].field("X-System")),
                               .envelope_id = {},
                               .original_recipient = {},
                               .original_message_id = std::string(mail->parts[0].field("Message-ID")),
                               .original_subject = mime::decode_header(mail->parts[0].field("Subject")),
                               .status_text = std::string(text_of(mail->parts[0].body))};
  if (report) {
    check_text(report->message_id);
    check_text(report->envelope_id);
    check_text(report->to);
    for (const convert::MmDeliveryReport& delivery : report->deliveries) {
      check_text(delivery.from);
      check_text(delivery.status_text);
    }
    if (report->read) check_text(report->read->from);
    source.envelope_id = report->envelope_id;
    if (!report->deliveries.empty()) source.original_recipient = report->deliveries.front().from;
  }
  for (const convert::MmStatusRow& row : convert::mm_status_rows()) {
    PM_CHECK(convert::mm_status_of(row.word) == row.status);
    const auto made = convert::delivery_report_to_dsn(row.status, source, {.rejected_is_failure = size % 2 == 0, .reports_deferred = true});
    PM_CHECK(made.has_value());
    check_mail(*made);
  }
  check_mail(convert::read_report_to_mdn(convert::MmReadStatus::read, source));
  check_mail(convert::read_report_to_mdn(convert::MmReadStatus::deleted, source));
  return 0;
}
