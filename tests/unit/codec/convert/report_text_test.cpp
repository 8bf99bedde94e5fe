// Reports without words, told in words; and the other parts of a mail that are read as text: enriched, markdown, RTF, sealed ones.
#include <gtest/gtest.h>

#include <algorithm>

#include "codec/convert/convert.h"
#include "codec/convert/enriched.h"
#include "codec/convert/text.h"

namespace pushmail::convert {
namespace {

MailToMm converted(std::string_view mail) {
  auto result = mail_to_mm(bytes_of(mail), {.profile = {}, .sender_in_text = true, .content_id_domain = "mms.example.net", .item_id = "i"});
  EXPECT_TRUE(result) << mail;
  return result ? std::move(*result) : MailToMm{};
}
/// The text behind the sender's line.
std::string text_of_mail(std::string_view mail) {
  const MailToMm made = converted(mail);
  const std::size_t index = first_text_part(made.mm);
  const std::string text = index < made.mm.parts.size() ? std::string(text_of(made.mm.parts[index].data)) : std::string();
  return text.substr(second_line(text));
}
std::string part_names(const MailToMm& made) {
  std::string names;
  for (const MultimediaPart& part : made.mm.parts) names += std::string(part.name) + " ";
  return names;
}

std::string report(std::string_view text, std::string_view machine_type, std::string_view machine, std::string_view original) {
  return "From: MAILER-DAEMON <>\r\nSubject: Report\r\nContent-Type: multipart/report; boundary=B\r\n\r\n" + std::string(text) +
         "--B\r\nContent-Type: " + std::string(machine_type) + "\r\n\r\n" + std::string(machine) + "\r\n" + std::string(original) +
         "--B--\r\n";
}
constexpr std::string_view lunch = "--B\r\nContent-Type: message/rfc822\r\n\r\nFrom: bob@example.net\r\nSubject: Lunch\r\n\r\nAt noon?\r\n";

TEST(ReportText, EachActionIsASentence) {
  struct Row {
    std::string_view fields, expected;
  };
  const Row rows[] = {
      {"Action: failed\r\nStatus: 5.1.1\r\nDiagnostic-Code: smtp; 550 5.1.1 no such user",
       "Not delivered to joe@example.org: 550 5.1.1 no such user"},
      {"Action: failed\r\nStatus: 5.1.1", "Not delivered to joe@example.org: 5.1.1"},
      {"Action: delayed\r\nStatus: 4.4.1\r\nWill-Retry-Until: Tue, 13 Oct 2026 09:00:00 +0200",
       "Not delivered yet to joe@example.org: 4.4.1\nIt is tried until Tue, 13 Oct 2026 09:00:00 +0200"},
      {"Action: delivered\r\nStatus: 2.0.0", "Delivered to joe@example.org"},
      {"Action: relayed\r\nStatus: 2.0.0", "Passed on, and no more is known of it, to joe@example.org: 2.0.0"},
      {"Action: expanded\r\nStatus: 2.0.0", "Passed on to the members of joe@example.org: 2.0.0"},
      {"Action: gone\r\nStatus: 5.0.0", "Report about the mail to joe@example.org: 5.0.0"},
  };
  for (const Row& row : rows) {
    const std::string machine =
        "Reporting-MTA: dns; mx.example.net\r\n\r\nFinal-Recipient: rfc822; joe@example.org\r\n" + std::string(row.fields) + "\r\n";
    for (const std::string_view text :
         {"", "--B\r\nContent-Type: text/plain\r\n\r\n\r\n \r\n", "--B\r\nContent-Type: text/html\r\n\r\n<html><body></body></html>\r\n"}) {
      EXPECT_EQ(text_of_mail(report(text, "message/delivery-status", machine, lunch)), std::string(row.expected) + "\nSubject: Lunch")
          << text;
    }
    // A report that speaks is shown as it is.
    EXPECT_EQ(text_of_mail(report("--B\r\n\r\nSorry.\r\n", "message/delivery-status", machine, lunch)), "Sorry.");
  }
}

TEST(ReportText, SeveralRecipientsAndHeadersAlone) {
  std::string machine = "Reporting-MTA: dns; mx\r\n\r\n";
  for (int i = 0; i < 7; ++i)
    machine += "Final-Recipient: rfc822; r" + std::to_string(i) + "@example.org\r\nAction: failed\r\nStatus: 5.1.1\r\n\r\n";
  const std::string text =
      text_of_mail(report("", "message/delivery-status", machine,
                          "--B\r\nContent-Type: text/rfc822-headers\r\n\r\nSubject: =?utf-8?Q?Gr=C3=BC=C3=9Fe?=\r\n\r\n"));
  EXPECT_TRUE(text.starts_with("Not delivered to r0@example.org: 5.1.1\n")) << text;
  EXPECT_TRUE(text.ends_with("and to 2 more\nSubject: Grüße")) << text;
}

TEST(ReportText, WhetherItWasRead) {
  const std::string fields =
      "Reporting-UA: x\r\nFinal-Recipient: rfc822; joe@example.org\r\nDisposition: manual-action/MDN-sent-manually; ";
  EXPECT_EQ(text_of_mail(report("", "message/disposition-notification", fields + "displayed\r\n", lunch)),
            "Opened by joe@example.org\nSubject: Lunch");
  EXPECT_EQ(text_of_mail(report("", "message/disposition-notification", fields + "deleted\r\n", "")),
            "Deleted without being opened by joe@example.org");
}

TEST(ReportText, WhoSentItAlsoWithoutAnAddress) {
  const auto sender = [](std::string_view from) {
    const MailToMm made = converted("From: " + std::string(from) + "\r\n\r\nhi");
    const std::string text(text_of(made.mm.parts[first_text_part(made.mm)].data));
    return text.substr(0, text.find('\n'));
  };
  EXPECT_EQ(sender("MAILER-DAEMON <>"), "MAILER-DAEMON");
  EXPECT_EQ(sender("\"Mail Delivery System\" <>"), "Mail Delivery System");
  EXPECT_EQ(sender("<>"), "(unknown sender)");
}

std::string inline_part(std::string_view type, std::string_view body) {
  return "From: a@example.com\r\nContent-Type: multipart/mixed; boundary=B\r\n\r\n--B\r\nContent-Type: " + std::string(type) + "\r\n\r\n" +
         std::string(body) + "\r\n--B--\r\n";
}

TEST(ReadableParts, AnyTextInsideTheMailIsRead) {
  struct Row {
    std::string_view type, body, expected;
  };
  const Row rows[] = {
      {"text/markdown; charset=utf-8", "# Minutes\r\n\r\n- point one", "# Minutes\n\n- point one"},
      {"text/x-unheard-of", "words", "words"},
      {"text/enriched", "<bold>Hello</bold> there\r\n\r\nNext <<line>>", "Hello there\nNext <line>"},
      {"text/richtext", "<bold>Hello</bold> there<nl>5 <lt> 6", "Hello there\n5 < 6"},
      {"text/rtf", "{\\rtf1 Hello\\par Bob}", "Hello\nBob"},
  };
  for (const Row& row : rows) {
    const MailToMm made = converted(inline_part(row.type, row.body));
    EXPECT_EQ(part_names(made), "slides.smil text.txt ") << row.type;
    EXPECT_EQ(text_of_mail(inline_part(row.type, row.body)), row.expected) << row.type;
  }
  // What is a file of a program is none.
  for (const std::string_view type : {"text/csv", "text/css"})
    EXPECT_EQ(part_names(converted(inline_part(type, "a,b"))).find("part"), std::string::npos) << type;
  EXPECT_NE(text_of_mail(inline_part("text/csv; name=a.csv", "a,b")).find("[Left out: a.csv"), std::string::npos);
}

TEST(ReadableParts, EnrichedText) {
  mime::Part part;
  part.media_type = "text/enriched";
  struct Row {
    std::string_view text, expected;
  };
  const Row rows[] = {{"a\nb\n\nc\n\n\nd", "a b\nc\n\nd"}, {"<color><param>red</param>x</color>", "x"},
                      {"<nofill>a\nb</nofill>", "a\nb"},   {"a <b", "a <b"},
                      {"<unknown>x</unknown>", "x"},       {"", ""}};
  for (const Row& row : rows) {
    Arena arena;
    EXPECT_EQ(read_enriched(part, row.text, arena), row.expected) << row.text;
  }
}

TEST(ReadableParts, PgpThatAServerMadeMixed) {
  const std::string mail =
      "From: a@example.com\r\nContent-Type: multipart/mixed; boundary=B\r\n\r\n--B\r\nContent-Type: "
      "text/plain\r\n\r\n\r\n--B\r\nContent-Type: application/pgp-encrypted; name=\"Versions\"\r\n"
      "Content-Disposition: attachment\r\n\r\nVersion: 1\r\n--B\r\nContent-Type: application/octet-stream; "
      "name=\"encrypted.asc\"\r\nContent-Disposition: attachment\r\n\r\n"
      "-----BEGIN PGP MESSAGE-----\r\n\r\nx\r\n-----END PGP MESSAGE-----\r\n--B--\r\n";
  EXPECT_TRUE(text_of_mail(mail).starts_with("[This mail is encrypted with PGP.")) << text_of_mail(mail);
  EXPECT_EQ(part_names(converted(mail)), "slides.smil text.txt ");
}

TEST(ReadableParts, MailsThatCameAsFilesAreOpened) {
  constexpr std::string_view base64 =
      "RnJvbTogQ2FybCA8Y2FybEBleGFtcGxlLm9yZz4NClN1YmplY3Q6IE9mZmVyDQpEYXRlOiBNb24sIDEyIE9jdCAyMDI2IDA4OjAwOjAwICswMjAwDQoNClRoZSBvZmZlciBl"
      "bmRzIG9uIEZyaWRheS4NCg==";
  for (const std::string_view type : {"message/rfc822", "message/rfc822; name=offer.eml\r\nContent-Disposition: attachment",
                                      "application/octet-stream; name=offer.eml\r\nContent-Disposition: attachment"}) {
    const std::string mail =
        "From: a@example.com\r\nContent-Type: multipart/mixed; boundary=B\r\n\r\n--B\r\n\r\nSee this.\r\n--B\r\nContent-Type: " +
        std::string(type) + "\r\nContent-Transfer-Encoding: base64\r\n\r\n" + std::string(base64) + "\r\n--B--\r\n";
    const std::string text = text_of_mail(mail);
    EXPECT_NE(text.find("See this."), std::string::npos);
    EXPECT_NE(text.find("Carl <carl@example.org>"), std::string::npos) << text;
    EXPECT_NE(text.find("The offer ends on Friday."), std::string::npos) << text;
  }
  // What only has the name is a file.
  EXPECT_EQ(text_of_mail("From: a@example.com\r\nContent-Type: multipart/mixed; boundary=B\r\n\r\n--B\r\n\r\nhi\r\n--B\r\nContent-Type: "
                         "application/octet-stream; name=x.eml\r\n\r\nno mail\r\n--B--\r\n")
                .substr(0, 2),
            "hi");
}

}  // namespace
}  // namespace pushmail::convert
