// What stands inside bodies: flowed text, uuencoded files, reports.
#include <gtest/gtest.h>

#include "codec/mime/flowed.h"
#include "codec/mime/report.h"
#include "codec/mime/uuencode.h"
#include "core/limits.h"

namespace pushmail::mime {
namespace {

std::string unflowed(std::string_view content_type, std::string_view text) {
  const auto message = parse_entity(content_type, {});
  Arena arena;
  return std::string(unflow(text, message->parts[0], arena));
}

TEST(Flowed, Table) {
  struct Row {
    std::string_view type, text, expected;
  };
  const Row rows[] = {
      {"text/plain; format=flowed", "one \ntwo\nthree\n", "one two\nthree\n"},
      {"text/plain; format=flowed; delsp=yes", "one \ntwo\n", "onetwo\n"},
      {"text/plain; format=flowed", " stuffed\n  two\n", "stuffed\n two\n"},
      {"text/plain; format=flowed", "> a \n> b\n>> c \n>> d\n", "> a b\n>> c d\n"},
      // A soft line end before another depth, the signature line, the end without a line end.
      {"text/plain; format=flowed", "> a \nb\n", "> a \nb\n"},
      {"text/plain; format=flowed", "text \n-- \nJoe\n", "text \n-- \nJoe\n"},
      {"text/plain; format=flowed", "one \ntwo ", "one two "},
      {"text/plain; format=flowed", ">\n> \n", ">\n>\n"},
      {"text/plain; format=flowed", "", ""},
  };
  for (const Row& row : rows) EXPECT_EQ(unflowed(row.type, row.text), row.expected) << row.text;
}

TEST(Flowed, IsDeclared) {
  EXPECT_TRUE(is_flowed(parse_entity("text/plain; Format=\"Flowed\"", {})->parts[0]));
  EXPECT_FALSE(is_flowed(parse_entity("text/plain; format=fixed", {})->parts[0]));
  EXPECT_FALSE(is_flowed(parse_entity("text/html; format=flowed", {})->parts[0]));
}

std::string files_of(std::string_view text) {
  Arena arena;
  std::string out;
  for (const InlineFile& file : read_uuencoded(text, arena)) {
    out += std::string(file.name) + "=" + std::string(text_of(file.data)) + "@" + std::to_string(file.begin) + "-" +
           std::to_string(file.end) + ";";
  }
  return out;
}

TEST(Uuencode, FilesInText) {
  EXPECT_EQ(files_of("hello\nbegin 644 cat.txt\n#0V%T\n`\nend\nbye\n"), "cat.txt=Cat@6-36;");
  EXPECT_EQ(files_of("begin 644 cat.txt\r\n#0V%T\r\n`\r\nend\r\nbegin 0755 my dog\r\n#9&]G\r\n \r\nend"),
            "cat.txt=Cat@0-34;my dog=dog@34-66;");
  EXPECT_EQ(files_of("begin 644 =?utf-8?Q?=C3=BC?=\n#0V%T\nend\n"), "ü=Cat@0-39;");
  // Not a file: no mode, a line that is no data, no end; a second begin starts anew.
  EXPECT_EQ(files_of("begin the day\n#0V%T\nend\n"), "");
  EXPECT_EQ(files_of("begin 644 cat.txt\nWe shall see whether this is data or only a sentence.\nend\n"), "");
  EXPECT_EQ(files_of("begin 644 cat.txt\n#0V%T\n"), "");
  EXPECT_EQ(files_of("begin 644 a\n#0V%T\nbegin 644 b\n#9&]G\nend\n"), "b=dog@18-40;");
  EXPECT_EQ(files_of("begin 644 \nend\nbegin 89 x\nend\n"), "");
}

TEST(Uuencode, AMillionBeginsAreOnePass) {
  std::string text;
  for (int i = 0; i < 300'000; ++i) text += "begin 644 a\n#0V%T\n";
  EXPECT_EQ(files_of(text), "");
}

TEST(DeliveryStatus, ReadsEachRecipient) {
  const std::string_view body =
      "Reporting-MTA: dns; mail.example.com\r\nOriginal-Envelope-Id: pm123\r\nArrival-Date: Mon, 1 Jan 2024 00:00:00 +0000\r\n\r\n"
      "Original-Recipient: rfc822;Joe@example.com\r\nFinal-Recipient: RFC822; joe@example.com\r\nAction: failed (bounced)\r\n"
      "Status: 5.1.1 (no such user)\r\nRemote-MTA: dns; mx.example.com\r\nDiagnostic-Code: smtp; 550 5.1.1\r\n no such user\r\n\r\n\r\n"
      "Final-Recipient: rfc822; ann@example.com\r\nAction: DELAYED\r\nStatus: 4.4.1\r\nWill-Retry-Until: Tue, 2 Jan 2024 00:00:00 "
      "+0000\r\n";
  Arena arena;
  const DeliveryStatus report = read_delivery_status(bytes_of(body), arena);
  EXPECT_EQ(report.reporting_mta, "mail.example.com");
  EXPECT_EQ(report.original_envelope_id, "pm123");
  EXPECT_EQ(report.arrival_date, "Mon, 1 Jan 2024 00:00:00 +0000");
  ASSERT_EQ(report.recipients.size(), 2U);
  EXPECT_EQ(report.recipients[0].original_recipient, "Joe@example.com");
  EXPECT_EQ(report.recipients[0].final_recipient, "joe@example.com");
  EXPECT_EQ(report.recipients[0].action, DeliveryAction::failed);
  EXPECT_EQ(report.recipients[0].status, "5.1.1");
  EXPECT_EQ(report.recipients[0].remote_mta, "mx.example.com");
  EXPECT_EQ(report.recipients[0].diagnostic, "550 5.1.1 no such user");
  EXPECT_EQ(report.recipients[1].action, DeliveryAction::delayed);
  EXPECT_EQ(report.recipients[1].will_retry_until, "Tue, 2 Jan 2024 00:00:00 +0000");
}

TEST(DeliveryStatus, ActionsAndBrokenReports) {
  struct Row {
    std::string_view action;
    DeliveryAction expected;
  };
  const Row rows[] = {{"delivered", DeliveryAction::delivered},
                      {"relayed", DeliveryAction::relayed},
                      {"expanded", DeliveryAction::expanded},
                      {"exploded", DeliveryAction::unknown}};
  Arena arena;
  for (const Row& row : rows) {
    // No block about the message, an address without a type, junk before the block.
    const std::string body = "junk\n\nFinal-Recipient: joe@example.com\nAction: " + std::string(row.action) + "\n";
    const DeliveryStatus report = read_delivery_status(bytes_of(body), arena);
    ASSERT_EQ(report.recipients.size(), 1U);
    EXPECT_EQ(report.recipients[0].final_recipient, "joe@example.com");
    EXPECT_EQ(report.recipients[0].action, row.expected);
  }
  EXPECT_TRUE(read_delivery_status({}, arena).recipients.empty());
  EXPECT_TRUE(read_delivery_status(bytes_of("nothing\nof\nthis\nis\na\nfield"), arena).recipients.empty());
  std::string many;
  for (int i = 0; i < 5000; ++i) many += "Final-Recipient: rfc822; joe@example.com\n\n";
  EXPECT_EQ(read_delivery_status(bytes_of(many), arena).recipients.size(), limits::mime_part_count_max);
}

TEST(DispositionNotification, Reads) {
  const std::string_view body =
      "Reporting-UA: phone.example; Mail 1.0\r\nOriginal-Recipient: rfc822;Joe@example.com\r\nFinal-Recipient: rfc822;joe@example.com\r\n"
      "Original-Message-ID: <123@mms.example.net>\r\nDisposition: automatic-action/MDN-sent-automatically; deleted/error\r\n\r\n";
  Arena arena;
  const DispositionNotification report = read_disposition_notification(bytes_of(body), arena);
  EXPECT_EQ(report.reporting_ua, "phone.example; Mail 1.0");
  EXPECT_EQ(report.original_recipient, "Joe@example.com");
  EXPECT_EQ(report.final_recipient, "joe@example.com");
  EXPECT_EQ(report.original_message_id, "123@mms.example.net");
  EXPECT_EQ(report.type, DispositionType::deleted);
  EXPECT_TRUE(report.is_automatic_action);
  EXPECT_TRUE(report.is_sent_automatically);
  struct Row {
    std::string_view value;
    DispositionType expected;
  };
  const Row rows[] = {{"manual-action/MDN-sent-manually; displayed", DispositionType::displayed},
                      {"x;dispatched", DispositionType::dispatched},
                      {"x; processed", DispositionType::processed},
                      {"x; denied", DispositionType::denied},
                      {"x; failed", DispositionType::failed},
                      {"displayed", DispositionType::unknown},
                      {"", DispositionType::unknown}};
  for (const Row& row : rows) {
    const std::string one = "Disposition: " + std::string(row.value) + "\n";
    const DispositionNotification read = read_disposition_notification(bytes_of(one), arena);
    EXPECT_EQ(read.type, row.expected) << row.value;
    EXPECT_FALSE(read.is_automatic_action);
    EXPECT_FALSE(read.is_sent_automatically);
  }
}

}  // namespace
}  // namespace pushmail::mime
