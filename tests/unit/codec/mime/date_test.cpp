// Dates of mail, as written by the standard and by everybody else.
#include <gtest/gtest.h>

#include "codec/mime/date.h"

namespace pushmail::mime {
namespace {

TEST(ParseDate, Table) {
  struct Row {
    std::string_view value, expected;  // RFC 3339; empty: none
  };
  const Row rows[] = {
      {"Mon, 23 Nov 2026 21:54:12 +0000", "2026-11-23T21:54:12.000Z"},
      {"23 Nov 2026 21:54 +0130", "2026-11-23T20:24:00.000Z"},
      {" Fri, 21 Nov 1997 14:02:03 -0800\r\n", "1997-11-21T22:02:03.000Z"},
      {"Tue,\r\n 1 Jul 2003 10:52:37 +0200 (CEST)", "2003-07-01T08:52:37.000Z"},
      {"Thu, 13 Feb 69 23:32 -0330 (Newfoundland (time))", "1969-02-14T03:02:00.000Z"},
      {"Thu,13Feb 2020 23:32:00 GMT", ""},
      {"Sat, 13 February 104 08:00:00 EST", "2004-02-13T13:00:00.000Z"},
      {"13 Feb 49 8:00:00 pdt", "2049-02-13T15:00:00.000Z"},
      {"13 Feb 2049 8:00:00 Z", "2049-02-13T08:00:00.000Z"},
      {"13 Feb 2049 8:00:00 +9999", "2049-02-13T08:00:00.000Z"},
      {"13 Feb 2049 24:00:00 +0000", ""},
      {"32 Feb 2049 08:00:00 +0000", ""},
      {"13 Foo 2049 08:00:00 +0000", ""},
      {"13 Feb 2049 0800 +0000", ""},
      {"13 Feb 2049 08:0:00 +0000", ""},
      {"13 Feb 2049", ""},
      {"2020-01-01T00:00:00Z", ""},
      {"", ""},
      {"(((((", ""},
  };
  for (const Row& row : rows) {
    const auto read = parse_date(row.value);
    EXPECT_EQ(read ? format_rfc3339(*read) : "", row.expected) << row.value;
  }
}

}  // namespace
}  // namespace pushmail::mime
