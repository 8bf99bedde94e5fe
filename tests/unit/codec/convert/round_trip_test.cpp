// Mail -> MM -> mail: what a phone forwards as it came has the letters, names and bytes of the first mail.
#include <gtest/gtest.h>

#include <random>

#include "codec/convert/convert.h"
#include "codec/mime/compose.h"

namespace pushmail::convert {
namespace {

enum class Coding : std::uint8_t { base64, quoted_printable, eight_bit };

/// Bytes as a mailer would code them; quoted-printable of bytes, where CR and LF are `=0D=0A`.
std::string coded(ByteView data, Coding coding) {
  if (coding == Coding::base64) {
    Bytes out;
    mime::write_body(out, data, mime::BodyForm::base64);
    return std::string(text_of(out));
  }
  if (coding == Coding::eight_bit) return "Content-Transfer-Encoding: 8bit\r\n\r\n" + std::string(text_of(data));
  std::string out = "Content-Transfer-Encoding: quoted-printable\r\n\r\n";
  std::size_t column = 0;
  for (const std::uint8_t byte : data) {
    if (column > 70) {
      out += "=\r\n";
      column = 0;
    }
    const Bytes one{byte};
    std::string hex = to_hex(one);
    for (char& c : hex) c = c >= 'a' ? static_cast<char>(c - 'a' + 'A') : c;
    out += "=" + hex;
    column += 3;
  }
  return out;
}

TEST(RoundTrip, SizesCodingsAndNames) {
  std::mt19937 random(17);
  const std::string text = "Grüße aus Köln,\n\nzweite Zeile mit = und 日本語 😀\n  eingerückt";
  std::size_t round = 0;
  for (const std::size_t size : {1U, 56U, 57U, 58U, 76U, 77U, 65536U, 210U * 1000U, 1234U, 4711U, 99999U}) {
    for (const Coding coding : {Coding::base64, Coding::quoted_printable, Coding::eight_bit}) {
      Bytes data(size);
      for (auto& byte : data) byte = static_cast<std::uint8_t>(random());
      // 8bit cannot carry every byte in every place: a delimiter would have to look like this one.
      const std::string name = ++round % 2 == 0 ? "Übersicht für Köln.jpg" : "plain.jpg";
      Bytes head;
      mime::write_text_field(head, "From", "Jörg <j@example.com>");
      mime::write_text_field(head, "Subject", "Grüße 日本");
      append(head,
             "Content-Type: multipart/mixed; boundary=cut-here-4711\r\n\r\n--cut-here-4711\r\nContent-Type: text/plain; charset=utf-8\r\n");
      mime::write_body(head, bytes_of(text), mime::BodyForm::quoted_printable);
      append(head, "\r\n--cut-here-4711\r\nContent-Type: image/jpeg\r\nContent-Disposition: attachment");
      if (round % 4 == 0)
        append(head, "; filename=\"=?utf-8?B?w5xiZXJzaWNodCBmw7xyIEvDtmxuLmpwZw==?=\"");
      else
        mime::write_parameter(head, "filename", name);
      append(head, "\r\n" + coded(data, coding) + "\r\n--cut-here-4711--\r\n");

      auto mm = mail_to_mm(head, {.profile = {}, .sender_in_text = true, .content_id_domain = "mms.example.net", .item_id = "X"});
      ASSERT_TRUE(mm);
      EXPECT_EQ(mm->mm.subject, "Grüße 日本");

      mm7::DeliverReq request;
      request.subject = mm->mm.subject;
      request.content = std::move(mm->mm);
      MmToMailOptions options;
      options.from = {"", "+15550100001", "mms.example.net"};
      options.to = {{"", "j", "example.com"}};
      options.message_id = "X@mms.example.net";
      options.our_domain = "mms.example.net";
      options.drop_first_line = true;  // the sender line
      const auto mail = mm_to_mail(request, options);
      ASSERT_TRUE(mail);
      const auto message = mime::parse(*mail);
      ASSERT_TRUE(message);
      ASSERT_EQ(message->parts.size(), 3U);
      EXPECT_EQ(mime::decode_header(message->parts[0].field("Subject")), "Grüße 日本");
      EXPECT_EQ(mime::decode_text(message->parts[1]), text);
      EXPECT_EQ(message->parts[2].name, name);
      EXPECT_TRUE(mime::decode_body(message->parts[2]) == data) << size << " " << static_cast<int>(coding);
    }
  }
}

}  // namespace
}  // namespace pushmail::convert
