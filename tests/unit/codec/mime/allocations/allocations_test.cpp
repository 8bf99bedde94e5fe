// No heap allocation for a header, a part, an address or a line: counted, in a program of its own, by replacing operator new.
#include <gtest/gtest.h>

#include <string>

#include "codec/mime/message.h"
#include "tests/unit/counted_heap.h"

namespace pushmail::mime {
namespace {

/// A mail with so many fields, parts, addresses and lines of text in each part.
std::string make_mail(int fields, int parts, int addresses, int lines) {
  std::string mail = "From: =?utf-8?Q?J=C3=B6rg?= <joerg@example.com>\r\nTo: ";
  for (int i = 0; i < addresses; ++i)
    mail += "\"Doe, \xC3\xBC " + std::to_string(i) + "\" <joe." + std::to_string(i) + "@EXAMPLE.com>,\r\n ";
  mail += "root\r\n";
  for (int i = 0; i < fields; ++i)
    mail += "X-Field-" + std::to_string(i) + ": =?utf-8?B?R3LDvMOfZQ==?= und mehr Text als in einen kurzen String passt\r\n";
  mail += "Content-Type: Multipart/Mixed; boundary=b\r\n\r\n";
  for (int i = 0; i < parts; ++i) {
    const std::string n = std::to_string(i);
    mail += "--b\r\nContent-Type: Text/Plain; charset=\"UTF-8\"; name*0*=utf-8''gr%C3%BC; name*1=\"\xC3\x9F" + n + ".txt\"\r\n";
    mail += "Content-ID: <part." + n + "@example.com>\r\nContent-Disposition: attachment; filename=\"=?utf-8?Q?=C3=BC" + n + ".txt?=\"\r\n";
    mail += "Content-Transfer-Encoding: quoted-printable\r\n\r\n";
    for (int line = 0; line < lines; ++line)
      mail += "Gr=C3=BC=C3=9Fe und noch mehr Text, der so nicht in einen kurzen String pa=C3=9Ft\r\n";
  }
  return mail + "--b--\r\n";
}

/// Heap allocations of reading all of it: structure, every field as text, the addresses, every body as text.
std::size_t allocations_of(const std::string& mail, Message reused = {}) {
  const std::size_t before = allocations;
  auto message = parse(bytes_of(mail), std::move(reused));
  std::size_t shown = 0;
  for (const Part& part : message->parts) {
    for (const Field& field : part.fields) shown += decode_header(field.value, message->arena).size();
    shown += part.name.size() + decode_text(part, message->arena).size();
  }
  shown += parse_mailboxes(message->parts.front().field("To"), message->arena).size();
  const std::size_t counted = allocations - before;
  EXPECT_GT(shown, 0U);
  return counted;
}

TEST(Allocations, GrowWithTheLogarithmOfTheMail) {
  struct Row {
    const char* what;
    std::string small, large;
  };
  const Row rows[] = {
      {"parts", make_mail(10, 10, 3, 2), make_mail(10, 900, 3, 2)},
      {"fields", make_mail(10, 10, 3, 2), make_mail(900, 10, 3, 2)},
      {"addresses", make_mail(10, 10, 3, 2), make_mail(10, 10, 900, 2)},
      {"lines", make_mail(10, 10, 3, 2), make_mail(10, 10, 3, 900)},
  };
  for (const Row& row : rows) {
    const std::size_t small = allocations_of(row.small);
    const std::size_t large = allocations_of(row.large);
    std::size_t doublings = 0;
    for (std::size_t size = row.small.size(); size < row.large.size(); size *= 2) ++doublings;
    // The list of parts, the list of notes and the arena each double at most so often.
    EXPECT_LE(large, small + 3 * doublings) << row.what << ": " << small << " and " << large;
    EXPECT_LE(small, 16U) << row.what;
  }
}

TEST(Allocations, NoneWhenTheMemoryOfAMessageIsUsedAgain) {
  const std::string mail = make_mail(100, 100, 100, 10);
  auto message = parse(bytes_of(mail));
  ASSERT_TRUE(message);
  // The first time grows the arena to what reading needs in all, the second to one chunk of it.
  for (int i = 0; i < 2; ++i) {
    message = parse(bytes_of(mail), std::move(*message));
    for (const Part& part : message->parts) {
      for (const Field& field : part.fields) static_cast<void>(decode_header(field.value, message->arena));
      static_cast<void>(decode_text(part, message->arena));
    }
    static_cast<void>(parse_mailboxes(message->parts.front().field("To"), message->arena));
  }
  EXPECT_LE(allocations_of(mail, std::move(*message)), 1U);
}

}  // namespace
}  // namespace pushmail::mime
