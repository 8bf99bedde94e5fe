// The road from a mail to the body of a SubmitReq asks the heap for nothing for a header field, a part, an address or a line: counted, in a
// program of its own, by replacing operator new.
#include <gtest/gtest.h>

#include <string>

#include "codec/convert/convert.h"
#include "codec/mime/compose.h"
#include "codec/mm7/message.h"
#include "tests/unit/counted_heap.h"

namespace pushmail::convert {
namespace {

struct Shape {
  int fields = 10;
  int parts = 1;
  int addresses = 1;
  int lines = 10;
  int texts = 0;
};

/// A mail of everything that a real one has: 8-bit and encoded words, names in every form, charsets, a page, pictures that are named and
/// pictures that are too large, files that no MM carries, quotes and a signature that are folded.
std::string make_mail(const Shape& shape) {
  std::string mail =
      "From: =?utf-8?Q?J=C3=B6rg?= <joerg@example.com>\r\nDate: Mon, 23 Nov 2026 10:00:00 +0100\r\nMessage-ID: <a@b>\r\nReferences: "
      "<c@d>\r\nSubject: =?iso-8859-2?Q?Gr=FC=DFe?=\r\nTo: ";
  for (int i = 0; i < shape.addresses; ++i)
    mail += "\"Doe, \xC3\xBC " + std::to_string(i) + "\" <joe." + std::to_string(i) + "@EXAMPLE.com>,\r\n ";
  mail += "root\r\n";
  for (int i = 0; i < shape.fields; ++i)
    mail += "X-Field-" + std::to_string(i) + ": =?koi8-r?B?wdDS1NE=?= und mehr Text als in einen kurzen String passt\r\n";
  mail +=
      "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain; "
      "charset=windows-1251\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n";
  for (int line = 0; line < shape.lines; ++line) mail += "=C3=D2 und noch mehr Text, der so nicht in einen kurzen String pa=DFt\r\n";
  for (int i = 0; i < shape.texts; ++i) {
    mail += "\r\n--b\r\n\r\nJa, und zwar so, wie es in der letzten Mail stand.\r\n\r\nOn Monday, " + std::to_string(i) +
            " November 2026,\r\nAnn Example wrote:\r\n> eine Zeile\r\n> und noch eine\r\n> und die letzte\r\n"
            "\r\nGru\xC3\x9F\r\n-- \r\nJoe\r\nChef\r\nBeispiel GmbH\r\nWeg 1\r\n+1 555 0100\r\n";
  }
  for (int i = 0; i < shape.parts; ++i) {
    const std::string n = std::to_string(i);
    const std::string types[] = {"image/jpeg", "application/pdf", "text/plain; charset=iso-8859-2", "audio/amr", "image/png"};
    mail += "\r\n--b\r\nContent-Type: " + types[i % 5] + "; name*0*=utf-8''gr%C3%BC; name*1=\"\xC3\x9F" + n + ".dat\"\r\n";
    mail += "Content-ID: <part." + n + "@example.com>\r\nContent-Disposition: attachment; filename=\"=?utf-8?Q?=C3=BC" + n + ".dat?=\"\r\n";
    Bytes body;
    mime::write_body(body, Bytes(i % 5 == 4 ? 5000 : 200, 0xE9), mime::BodyForm::base64);
    mail += text_of(body);
  }
  return mail + "\r\n--b--\r\n";
}

/// Heap allocations of the whole road. `made` lends its memory and gets the result.
std::size_t allocations_of(const std::string& mail, MailToMm& made) {
  const std::size_t before = allocations;
  {
    MailToMmOptions options;
    options.content_id_domain = "mms.example.net";
    options.item_id = "01J0000000000000000000001";
    // Some pictures do not fit: leaving out is on the road too.
    options.profile.size_max = 40'000;
    auto converted = mail_to_mm(bytes_of(mail), options, std::move(made));
    EXPECT_TRUE(converted);
    made = std::move(*converted);
    SubmissionOptions how;
    how.transaction_id = "pm01J0000000000000000000001";
    how.sender = {.kind = mm7::AddressKind::short_code, .value = "50001742"};
    how.recipients.push_back({.phone = {.kind = mm7::AddressKind::number, .value = "+15550100001"}, .address = {}, .notify = {}});
    const Submission submission = submission_of(made, how);
    const mm7::HttpEntity entity = mm7::encode(submission.request, {});
    EXPECT_GT(entity.body.size(), 1000U);
  }
  return allocations - before;
}

struct Growth {
  const char* what;
  Shape small, large;
};
constexpr Growth growths[] = {
    {"parts", {.parts = 1}, {.parts = 10}},
    {"parts", {.parts = 1}, {.parts = 100}},
    {"fields", {.fields = 10}, {.fields = 100}},
    {"fields", {.fields = 10}, {.fields = 990}},
    {"addresses", {.addresses = 1}, {.addresses = 100}},
    {"addresses", {.addresses = 1}, {.addresses = 1000}},
    {"lines", {.lines = 10}, {.lines = 100}},
    {"lines", {.lines = 10}, {.lines = 1000}},
    {"texts", {.texts = 1}, {.texts = 10}},
    {"texts", {.texts = 1}, {.texts = 100}},
};

TEST(Allocations, NoMoreForALargerMailWhenMemoryIsUsedAgain) {
  for (const Growth& growth : growths) {
    const std::string small = make_mail(growth.small);
    const std::string large = make_mail(growth.large);
    MailToMm made;
    // The first times grow the memory to what the road needs.
    for (int i = 0; i < 3; ++i) static_cast<void>(allocations_of(large, made));
    const std::size_t of_large = allocations_of(large, made);
    const std::size_t of_small = allocations_of(small, made);
    EXPECT_LE(of_large, of_small) << growth.what;
    EXPECT_LE(of_small, 60U) << growth.what;
    RecordProperty(growth.what, static_cast<int>(of_large));
    std::printf("%s: %zu heap allocations for %zu bytes, %zu for %zu bytes\n", growth.what, of_small, small.size(), of_large, large.size());
  }
}

TEST(Allocations, TheFirstTimeGrowsWithTheLogarithm) {
  for (const Growth& growth : growths) {
    const std::string small = make_mail(growth.small);
    const std::string large = make_mail(growth.large);
    MailToMm first;
    MailToMm second;
    const std::size_t of_small = allocations_of(small, first);
    const std::size_t of_large = allocations_of(large, second);
    std::size_t doublings = 0;
    for (std::size_t size = small.size(); size < large.size(); size *= 2) ++doublings;
    // The list of parts, the list of notes, and the arena, each of which doubles.
    EXPECT_LE(of_large, of_small + 3 * (doublings + 2)) << growth.what;
  }
}

/// A page whose lines are all of one kind.
std::string make_page(std::string_view before, std::string_view line, std::string_view after, int lines) {
  std::string mail =
      "From: joe@example.com\r\nSubject: x\r\nIn-Reply-To: <a@b>\r\nContent-Type: text/html; charset=utf-8\r\n\r\n<html><body>";
  mail += before;
  for (int i = 0; i < lines; ++i) mail += line;
  mail += after;
  return mail + "</body></html>\r\n";
}

TEST(Allocations, APageAsksForNothingForALine) {
  struct Row {
    const char* what;
    std::string_view before, line, after;
  };
  constexpr Row rows[] = {
      {"paragraphs", "", "<p style='margin:0'>A line of a page &amp; some more words in it</p>\r\n", ""},
      {"breaks", "<div>", "A line of a page that a program broke at some column<br>\r\n", "</div>"},
      {"items", "<ol>", "<li class=item>An item of a list that is long enough for nothing short</li>\r\n", "</ol>"},
      {"rows", "<table>", "<tr><td>Tea and biscuits</td><td align=right>12.50 EUR</td><td>at four</td></tr>\r\n", "</table>"},
      {"rows in rows", "<table>", "<tr><td><table><tr><td>Tea</td><td>12.50</td></tr></table></td><td>at four</td></tr>\r\n", "</table>"},
      {"spans", "<style>.a{color:red}</style>", "<div><span style='font-family:Arial'>Some</span> <b class=a>bold words</b></div>\r\n", ""},
      {"quoted", "Yes.<blockquote type=cite>", "<div>A line of somebody else, who wrote it before</div>\r\n", "</blockquote>"},
      {"preformatted", "<pre>", "a line  of  columns      that stay\r\n", "</pre>"},
  };
  constexpr int few = 100;
  constexpr std::size_t doublings = 6;
  for (const Row& row : rows) {
    MailToMm made;
    const std::string small = make_page(row.before, row.line, row.after, few);
    const std::string large = make_page(row.before, row.line, row.after, few << doublings);
    // The first times grow the memory that is used again; the lists and strings of a page are new each time, and double.
    for (int i = 0; i < 3; ++i) static_cast<void>(allocations_of(large, made));
    const std::size_t of_large = allocations_of(large, made);
    const std::size_t of_small = allocations_of(small, made);
    EXPECT_LE(of_large, of_small + 8 * doublings) << row.what;
    std::printf("%s: %zu heap allocations for %zu bytes, %zu for %zu bytes\n", row.what, of_small, small.size(), of_large, large.size());
  }
}

}  // namespace
}  // namespace pushmail::convert
