// HTTP heads and chunks: one row for each way to be wrong, and the few ways to be right.
#include "dataplane/session/http_grammar.h"

#include <gtest/gtest.h>

#include "dataplane/session/basic_auth.h"
#include "dataplane/session/errors.h"
#include "dataplane/session/http_date.h"

namespace pushmail {
namespace {

using http::Framing;

Result<http::RequestHead> request(std::string_view text) {
  const auto end = http::find_head_end(bytes_of(text), 0, http::Dialect::request);
  if (end.is_bad()) return std::unexpected(end.error());
  EXPECT_TRUE(end.is_done()) << text;
  return http::parse_request_head(bytes_of(text).first(end.used()));
}
Result<http::ResponseHead> response(std::string_view text) {
  const auto end = http::find_head_end(bytes_of(text), 0, http::Dialect::answer);
  if (end.is_bad()) return std::unexpected(end.error());
  EXPECT_TRUE(end.is_done()) << text;
  return http::parse_response_head(bytes_of(text).first(end.used()));
}

std::string with(std::string_view fields) { return "POST /mm7 HTTP/1.1\r\nHost: h\r\n" + std::string(fields) + "\r\n"; }

struct BadRow {
  const char* name;
  std::string text;
  const ErrorInfo* rule;
  int status;
};

class BadRequest : public testing::TestWithParam<BadRow> {};

TEST_P(BadRequest, IsRefusedByItsRule) {
  const auto head = request(GetParam().text);
  ASSERT_FALSE(head.has_value());
  EXPECT_EQ(head.error().info->name, GetParam().rule->name);
  EXPECT_EQ(http::status_of(head.error()), GetParam().status);
}

std::string many_fields(int count) {
  std::string fields;
  for (int i = 0; i < count; ++i) fields += "X: 1\r\n";
  return with(fields);
}

INSTANTIATE_TEST_SUITE_P(
    Rows, BadRequest,
    testing::Values(
        BadRow{"length_and_chunked", with("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n"), &http_two_framings, 400},
        BadRow{"two_lengths", with("Content-Length: 5\r\nContent-Length: 6\r\n"), &http_bad_length, 400},
        BadRow{"two_equal_lengths", with("Content-Length: 5\r\nContent-Length: 5\r\n"), &http_bad_length, 400},
        BadRow{"length_list", with("Content-Length: 5, 5\r\n"), &http_bad_length, 400},
        BadRow{"length_plus", with("Content-Length: +5\r\n"), &http_bad_length, 400},
        BadRow{"length_minus", with("Content-Length: -5\r\n"), &http_bad_length, 400},
        BadRow{"length_hex", with("Content-Length: 0x5\r\n"), &http_bad_length, 400},
        BadRow{"length_empty", with("Content-Length:\r\n"), &http_bad_length, 400},
        BadRow{"length_2_64", with("Content-Length: 18446744073709551616\r\n"), &http_bad_length, 400},
        BadRow{"xchunked", with("Transfer-Encoding: xchunked\r\n"), &http_bad_coding, 400},
        BadRow{"chunked_twice", with("Transfer-Encoding: chunked, chunked\r\n"), &http_bad_coding, 400},
        BadRow{"gzip_chunked", with("Transfer-Encoding: gzip, chunked\r\n"), &http_bad_coding, 400},
        BadRow{"two_codings", with("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n"), &http_bad_coding, 400},
        BadRow{"chunked_in_1_0", "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", &http_bad_coding, 400},
        BadRow{"blank_before_colon", with("Transfer-Encoding : chunked\r\n"), &http_bad_field, 400},
        BadRow{"tab_in_name", with("Content\tLength: 1\r\n"), &http_bad_field, 400},
        BadRow{"empty_name", with(": x\r\n"), &http_bad_field, 400}, BadRow{"no_colon", with("Nonsense\r\n"), &http_bad_field, 400},
        BadRow{"folded", with("X: a\r\n b\r\n"), &http_folded_field, 400},
        BadRow{"folded_by_tab", with("X: a\r\n\tb\r\n"), &http_folded_field, 400},
        BadRow{"folded_length", with("Content-Length:\r\n 5\r\n"), &http_folded_field, 400},
        BadRow{"folded_coding", with("Transfer-Encoding:\r\n chunked\r\n"), &http_folded_field, 400},
        BadRow{"folded_credentials", with("Authorization: Basic\r\n YTpi\r\n"), &http_folded_field, 400},
        BadRow{"length_in_a_fold", with("Content-Type: text/xml;\r\n Content-Length: 5\r\n"), &http_folded_field, 400},
        BadRow{"coding_in_a_fold", with("Content-Type: text/xml;\r\n a=b;\r\n\tTransfer-Encoding : chunked\r\n"), &http_folded_field, 400},
        BadRow{"fold_behind_a_type", with("Content-Type: text/xml\r\nX: a\r\n b\r\n"), &http_folded_field, 400},
        BadRow{"fold_by_lf", with("Content-Type: text/xml;\n a=b\r\n"), &http_bad_line_end, 400},
        BadRow{"folded_first", "POST / HTTP/1.1\r\n Host: h\r\n\r\n", &http_folded_field, 400},
        BadRow{"bare_lf", "POST / HTTP/1.1\nHost: h\n\n", &http_bad_line_end, 400},
        BadRow{"bare_lf_at_end", "POST / HTTP/1.1\r\nHost: h\r\n\n", &http_bad_line_end, 400},
        BadRow{"bare_cr", with("X: a\rb\r\n"), &http_bad_line_end, 400},
        BadRow{"nul", with(std::string("X: a\0b\r\n", 8)), &http_bad_byte, 400},
        BadRow{"delete_byte", with("X: a\x7f\r\n"), &http_bad_byte, 400}, BadRow{"no_host", "POST / HTTP/1.1\r\n\r\n", &http_bad_host, 400},
        BadRow{"two_hosts", with("Host: other\r\n"), &http_bad_host, 400},
        BadRow{"two_credentials", with("Authorization: Basic YTpi\r\nX: y\r\nauthorization: Basic Yzpk\r\n"), &http_repeated_field, 400},
        BadRow{"same_credentials", with("Authorization: Basic YTpi\r\nAuthorization: Basic YTpi\r\n"), &http_repeated_field, 400},
        BadRow{"two_types", with("Content-Type: text/xml\r\nContent-Type: text/plain\r\n"), &http_repeated_field, 400},
        BadRow{"empty_host", "POST / HTTP/1.1\r\nHost:\r\n\r\n", &http_bad_host, 400},
        BadRow{"host_with_blank", "POST / HTTP/1.1\r\nHost: a b\r\n\r\n", &http_bad_host, 400},
        BadRow{"http_0_9", "GET /\r\n\r\n", &http_bad_request_line, 400},
        BadRow{"two_spaces", "POST  / HTTP/1.1\r\nHost: h\r\n\r\n", &http_bad_request_line, 400},
        BadRow{"space_in_target", "POST /a b HTTP/1.1\r\nHost: h\r\n\r\n", &http_bad_request_line, 400},
        BadRow{"utf8_target", "POST /\xc3\xa4 HTTP/1.1\r\nHost: h\r\n\r\n", &http_bad_request_line, 400},
        BadRow{"bad_method", "PO(ST / HTTP/1.1\r\nHost: h\r\n\r\n", &http_bad_request_line, 400},
        BadRow{"relative_target", "POST mm7 HTTP/1.1\r\nHost: h\r\n\r\n", &http_bad_request_line, 400},
        BadRow{"version_words", "POST / HTTP/one\r\nHost: h\r\n\r\n", &http_bad_request_line, 400},
        BadRow{"h2_preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", &http_bad_version, 505},
        BadRow{"too_many_fields", many_fields(100), &http_head_too_large, 431},
        BadRow{"head_too_large", with("X: " + std::string(40'000, 'x') + "\r\n"), &http_head_too_large, 431}),
    [](const auto& row) { return row.param.name; });

TEST(HttpRequest, IsReadWithViews) {
  const std::string text = with("Content-Length: 1908\r\nSOAPAction: \"\"\r\nX-Empty:\r\nX-Blank: \t a b \t\r\n") + "body";
  const auto head = request(text);
  ASSERT_TRUE(head.has_value());
  EXPECT_EQ(head->method, "POST");
  EXPECT_EQ(head->target, "/mm7");
  EXPECT_EQ(head->framing, Framing::length);
  EXPECT_EQ(head->content_length, 1908u);
  EXPECT_TRUE(head->keep_alive);
  EXPECT_EQ(head->field("soapaction"), "\"\"");
  EXPECT_EQ(head->field("x-blank"), "a b");
  EXPECT_EQ(head->field("missing"), "");
}

// As a toolkit of the time of MM7 writes it. The other fields stay where they are, and the views outlive the move of the head.
TEST(HttpRequest, FoldedContentTypeIsJoined) {
  struct Row {
    const char* fields;
    const char* value;
  };
  for (const Row& row : {Row{"Content-Type: multipart/related; type=\"text/xml\";\r\n\tboundary=\"o\"; start=\"<s>\"\r\n",
                             "multipart/related; type=\"text/xml\"; boundary=\"o\"; start=\"<s>\""},
                         Row{"Content-Type:\r\n text/xml\r\n", "text/xml"},
                         Row{"CONTENT-TYPE: a/b;\r\n c=d;\r\n \t \r\n  e=\"f:g\"\r\n", "a/b; c=d;  e=\"f:g\""},
                         Row{"Content-Type: a/b;\r\n c=d\r\nContent-Type: a/b; c=d\r\n", "a/b; c=d"}}) {
    const std::string text = with(std::string(row.fields) + "Content-Length: 7\r\n");
    auto read = request(text);
    ASSERT_TRUE(read.has_value()) << row.fields;
    const http::RequestHead head = std::move(*read);
    EXPECT_EQ(head.field("content-type"), row.value);
    EXPECT_EQ(head.content_length, 7u);
    EXPECT_EQ(head.field("host"), "h");
  }
  EXPECT_EQ(request(with("Content-Type: text/xml\r\n"))->unfolded, nullptr) << "nothing is copied in the usual case";
}

TEST(HttpRequest, KeepAliveByVersionAndConnection) {
  struct Row {
    const char* text;
    bool keep;
  };
  for (const Row& row :
       {Row{"GET / HTTP/1.1\r\nHost: h\r\n\r\n", true}, Row{"GET / HTTP/1.1\r\nHost: h\r\nConnection: x, Close\r\n\r\n", false},
        Row{"GET / HTTP/1.0\r\n\r\n", false}, Row{"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", true},
        Row{"GET http://h/p HTTP/1.1\r\nHost: h\r\n\r\n", true}, Row{"CONNECT h:1 HTTP/1.1\r\nHost: h\r\n\r\n", true},
        Row{"GET / HTTP/1.9\r\nHost: h\r\n\r\n", true}}) {
    const auto head = request(row.text);
    ASSERT_TRUE(head.has_value()) << row.text;
    EXPECT_EQ(head->keep_alive, row.keep) << row.text;
    EXPECT_EQ(head->framing, Framing::none);
  }
}

TEST(HttpHead, IsFoundWhereverItIsCut) {
  const std::string text = with("Content-Length: 0\r\n");
  std::size_t scanned = 0;
  for (std::size_t size = 0; size < text.size(); ++size) {
    const auto end = http::find_head_end(bytes_of(text).first(size), scanned, http::Dialect::request);
    ASSERT_TRUE(end.needs_more()) << size;
    scanned = size;
  }
  const auto end = http::find_head_end(bytes_of(text), scanned, http::Dialect::request);
  ASSERT_TRUE(end.is_done());
  EXPECT_EQ(end.used(), text.size());
}

TEST(HttpResponse, Rows) {
  struct Row {
    const char* text;
    int status;
    Framing framing;
  };
  for (const Row& row : {Row{"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n", 200, Framing::length},
                         Row{"HTTP/1.1 200\r\nTransfer-Encoding: Chunked\r\n\r\n", 200, Framing::chunked},
                         Row{"HTTP/1.0 500 \r\n\r\n", 500, Framing::until_close},
                         Row{"HTTP/1.1 204 No Content\r\nContent-Length: 3\r\n\r\n", 204, Framing::none},
                         Row{"HTTP/1.1 100 Continue\r\n\r\n", 100, Framing::none}}) {
    const auto head = http::parse_response_head(bytes_of(row.text));
    ASSERT_TRUE(head.has_value()) << row.text;
    EXPECT_EQ(head->status, row.status);
    EXPECT_EQ(head->framing, row.framing) << row.text;
  }
  for (const char* bad : {"HTTP/2 200\r\n\r\n", "HTTP/1.1 2000 OK\r\n\r\n", "HTTP/1.1 20 OK\r\n\r\n", "HTTP/1.1 600 Odd\r\n\r\n",
                          "ICY 200 OK\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
                          "HTTP/1.1 200 OK\r\nContent-Length: 1, 2\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length:\r\n\r\n",
                          "HTTP/1.1 200 OK\r\nContent-Length: +1\r\n\r\n", "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
                          "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked, gzip\r\n\r\n", "HTTP/1.1 200OK\r\n\r\n", "HTTP/1.1200 OK\r\n\r\n",
                          "HTTP/1.1 200 OK\r\n : x\r\nA B: x\r\n\r\n", "HTTP/1.1 200 OK\r\nX: a\rb\r\n\r\n"}) {
    EXPECT_FALSE(response(bad).has_value()) << bad;
  }
  EXPECT_EQ(http::parse_response_head(bytes_of("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n"), http::Asked::head_only)->framing,
            Framing::none);
}

// What old peers write, and still say one thing by. Each row also with LF alone for CRLF.
TEST(HttpResponse, IsReadAsOldPeersWriteIt) {
  struct Row {
    const char* fields;
    Framing framing;
    std::uint64_t length;
    bool keep;
    const char* type = "";
  };
  for (const Row& row :
       {Row{"Content-Length : 3\r\n", Framing::length, 3, true}, Row{"Content-Length\t: 3\r\n", Framing::length, 3, true},
        Row{"Content-Length: 3\r\nContent-Length: 3\r\n", Framing::length, 3, true},
        Row{"Content-Length: 3, 03\r\n", Framing::length, 3, true}, Row{"Content-Length:\r\n 3\r\n", Framing::length, 3, true},
        Row{"Transfer-Encoding: chunked,\r\n", Framing::chunked, 0, true},
        Row{"Transfer-Encoding: , chunked ,,\r\n", Framing::chunked, 0, true},
        Row{"Transfer-Encoding: identity\r\nContent-Length: 3\r\n", Framing::length, 3, true},
        Row{"Transfer-Encoding: identity\r\n", Framing::until_close, 0, false},
        Row{"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", Framing::chunked, 0, false},
        Row{"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n", Framing::chunked, 0, false},
        Row{" and more words\r\nContent-Length: 3\r\n", Framing::length, 3, true},
        Row{"Content-Type: multipart/related;\r\n\tboundary=o;\r\n \r\n start=s\r\nContent-Length: 3\r\n", Framing::length, 3, true,
            "multipart/related; boundary=o;  start=s"},
        Row{"no field\r\n at all\r\nContent-Length: 3\r\n", Framing::length, 3, true},
        Row{"X-Proxy : a\r\n b\r\nContent-Type: text/xml\r\nContent-Length: 3\r\n", Framing::length, 3, true, "text/xml"}}) {
    const std::string crlf = "HTTP/1.1 200 OK\r\n" + std::string(row.fields) + "\r\n";
    std::string lf = crlf;
    std::erase(lf, '\r');
    for (const std::string& text : {crlf, lf}) {
      const auto head = response(text);
      ASSERT_TRUE(head.has_value()) << text;
      EXPECT_EQ(head->framing, row.framing) << text;
      EXPECT_EQ(head->content_length, row.length) << text;
      EXPECT_EQ(head->keep_alive, row.keep) << text;
      EXPECT_EQ(head->field("content-type"), row.type) << text;
      for (std::size_t size = 0; size < text.size(); ++size)
        EXPECT_TRUE(http::find_head_end(bytes_of(text).first(size), 0, http::Dialect::answer).needs_more()) << size << text;
    }
  }
  for (const char* line : {"HTTP/1.1  200  OK", "HTTP/1.1\t200 OK", "HTTP/1.1 200\tOK", "HTTP/1.1   200"}) {
    const auto head = response(std::string(line) + "\r\nContent-Length: 0\r\n\r\n");
    ASSERT_TRUE(head.has_value()) << line;
    EXPECT_EQ(head->status, 200) << line;
  }
  const auto old = response("HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n");
  ASSERT_TRUE(old.has_value());
  EXPECT_EQ(old->framing, Framing::chunked);
  EXPECT_FALSE(old->keep_alive);
}

/// The body and what follows it, or nothing when a chunk is bad. Cut into pieces of `piece` bytes.
std::optional<std::pair<std::string, std::string>> unchunk(std::string_view text, std::size_t piece,
                                                           http::Dialect dialect = http::Dialect::request) {
  http::ChunkReader reader(dialect);
  std::string body;
  std::size_t at = 0;
  while (at < text.size()) {
    const auto step = reader.read(bytes_of(text.substr(at, piece)));
    if (!step) return std::nullopt;
    body += text_of(step->data);
    at += step->used;
    if (step->last) return std::pair{body, std::string(text.substr(at))};
  }
  return std::pair{body, std::string("<more>")};
}

TEST(HttpChunks, AreReadWhereverTheyAreCut) {
  const std::string_view text =
      "5;a=b; c=\"d\"\r\nhello\r\n0010\r\n0123456789abcdef\r\nB\r\n chunked up\r\n0\r\nX: y\r\nTrailer: z\r\n\r\nNEXT";
  for (std::size_t piece = 1; piece <= text.size(); ++piece) {
    const auto read = unchunk(text, piece);
    ASSERT_TRUE(read.has_value()) << piece;
    EXPECT_EQ(read->first, "hello0123456789abcdef chunked up");
    EXPECT_EQ(read->second, "NEXT");
  }
}

TEST(HttpChunks, BadOnesAreRefused) {
  for (const std::string& bad :
       {std::string("\r\n"), std::string("g\r\n"), std::string("+5\r\nhello\r\n"), std::string("0x5\r\nhello\r\n"),
        std::string(" 5\r\nhello\r\n"), std::string("5 \r\nhello\r\n"), std::string("5\nhello\r\n"), std::string("5\r\nhello0\r\n\r\n"),
        std::string("5\r\nhello\n0\r\n\r\n"), std::string("5\r\nhello\r\r\n"), std::string("FFFFFFFFFFFFFFFF\r\n"),
        std::string("10000000000000000\r\n"), std::string("00000000000000001\r\n"), "1;" + std::string(1'000'000, 'x') + "\r\na\r\n",
        std::string("0\r\nX: y\n\r\n"), std::string("0\r\n X: y\r\n\r\n"), "0\r\n" + std::string(10'000, 'x') + "\r\n\r\n",
        std::string("5;a\0b\r\nhello\r\n", 14), std::string("-1\r\n")}) {
    EXPECT_FALSE(unchunk(bad, bad.size()).has_value()) << bad.substr(0, 40);
    EXPECT_FALSE(unchunk(bad, 1).has_value()) << bad.substr(0, 40);
  }
}

TEST(HttpChunks, BlanksBehindTheSizeAndLfAloneArePassedOverInAnswersOnly) {
  for (const std::string& text :
       {std::string("5 \r\nhello\r\n0\r\n\r\n"), std::string("5 ;a=b\r\nhello\r\n0 \t\r\n\r\n"),
        std::string("5\t ; a = b\r\nhello\r\n0 ;x\r\n\r\n"), std::string("5\nhello\n0\n\n"),
        std::string("5;a\nhello\r\n0 \nX: y\nZ: z\r\n\n"), std::string("5\r\nhello\r\n0\r\nX: y;\r\n\tz\r\nZ: z\r\n\r\n")}) {
    for (std::size_t piece = 1; piece <= text.size(); ++piece) {
      const auto read = unchunk(text, piece, http::Dialect::answer);
      ASSERT_TRUE(read.has_value()) << text;
      EXPECT_EQ(*read, (std::pair{std::string("hello"), std::string()})) << text;
    }
    EXPECT_FALSE(unchunk(text, 1, http::Dialect::request).has_value()) << text;
  }
  for (const std::string& bad : {std::string(" 5\r\nhello\r\n"), std::string("5 5\r\nhello\r\n"), std::string("5\nhello5\n"),
                                 std::string("\n5\nhello\n"), "5" + std::string(300, ' ') + "\r\nhello\r\n"}) {
    EXPECT_FALSE(unchunk(bad, 1, http::Dialect::answer).has_value()) << bad;
  }
}

TEST(HttpDate, ThreeFormsAndNothingElse) {
  const Timestamp now = *parse_rfc3339("2026-11-23T21:54:12Z");
  struct Row {
    const char* text;
    const char* read;
  };
  for (const Row& row :
       {Row{"Sun, 06 Nov 1994 08:49:37 GMT", "1994-11-06T08:49:37Z"}, Row{"Sunday, 06-Nov-94 08:49:37 GMT", "1994-11-06T08:49:37Z"},
        Row{"Sun Nov  6 08:49:37 1994", "1994-11-06T08:49:37Z"}, Row{"Wed Nov 16 08:49:37 1994", "1994-11-16T08:49:37Z"},
        Row{"Monday, 23-Nov-26 22:00:00 GMT", "2026-11-23T22:00:00Z"}, Row{"Tuesday, 01-Jan-76 00:00:00 GMT", "2076-01-01T00:00:00Z"},
        Row{"Saturday, 01-Jan-77 00:00:00 GMT", "1977-01-01T00:00:00Z"}}) {
    const auto read = http::parse_date(row.text, now);
    ASSERT_TRUE(read.has_value()) << row.text;
    EXPECT_EQ(*read, *parse_rfc3339(row.read)) << row.text;
  }
  for (const char* bad :
       {"", "Sun, 06 Nov 1994 08:49:37", "Sun, 06 Nov 1994 08:49:37 +0000", "Sun, 06 Nov 1994 08:49:37 GMT ",
        "Sun, 6 Nov 1994 08:49:37 GMT", "06 Nov 1994 08:49:37 GMT", "Sun, 06 Foo 1994 08:49:37 GMT", "Sun, 32 Nov 1994 08:49:37 GMT",
        "Sun, 06 Nov 1994 25:49:37 GMT", "Sun, 06 Nov -994 08:49:37 GMT", "Sun Nov 6 08:49:37 1994", "Su"}) {
    EXPECT_FALSE(http::parse_date(bad, now).has_value()) << bad;
  }
  EXPECT_EQ(http::format_date(*parse_rfc3339("1994-11-06T08:49:37Z")), "Sun, 06 Nov 1994 08:49:37 GMT");
  EXPECT_EQ(http::format_date(now), "Mon, 23 Nov 2026 21:54:12 GMT");
}

TEST(HttpRetryAfter, SecondsOrDateFromNothingToADay) {
  const Timestamp now = *parse_rfc3339("2026-11-23T21:54:00Z");
  const auto wait = [now](std::string_view value, std::string_view date = {}) { return http::parse_retry_after(value, date, now); };
  EXPECT_EQ(wait("120"), seconds(120));
  EXPECT_EQ(wait("99999999"), seconds(86'400));
  EXPECT_EQ(wait("Mon, 23 Nov 2026 21:56:00 GMT"), seconds(120));
  EXPECT_EQ(wait("Monday, 23-Nov-26 21:56:00 GMT"), seconds(120));
  EXPECT_EQ(wait("Mon Nov 23 21:56:00 2026"), seconds(120));
  EXPECT_EQ(wait("Mon, 23 Nov 2026 20:00:00 GMT"), seconds(0));
  EXPECT_EQ(wait("Tue, 24 Nov 2026 21:54:00 GMT"), seconds(86'400));
  EXPECT_EQ(wait("Mon, 23 Nov 2026 23:56:00 GMT", "Mon, 23 Nov 2026 23:54:00 GMT"), seconds(120)) << "the peer's clock is two hours ahead";
  EXPECT_EQ(wait("Mon, 23 Nov 2026 21:56:00 GMT", "nonsense"), seconds(120));
  for (const char* bad : {"", "-1", "soon", "1.5", "120 s", "Tue, 24 Nov 2026 21:54:01 GMT", "Fri, 31 Dec 9999 23:59:59 GMT"}) {
    EXPECT_FALSE(wait(bad).has_value()) << bad;
  }
}

TEST(HttpUrl, Rows) {
  const auto url = http::parse_url("http://mmsc.example:8090/mm7?x=1");
  ASSERT_TRUE(url.has_value());
  EXPECT_EQ(url->host, "mmsc.example");
  EXPECT_EQ(url->port, 8090);
  EXPECT_EQ(url->path, "/mm7?x=1");
  EXPECT_EQ(url->authority, "mmsc.example:8090");
  EXPECT_EQ(http::parse_url("http://[2001:db8::1]:81")->host, "2001:db8::1");
  EXPECT_EQ(http::parse_url("http://a")->path, "/");
  EXPECT_EQ(http::parse_url("http://a")->port, 80);
  EXPECT_EQ(http::parse_url("http://a?q")->path, "/?q");
  EXPECT_FALSE(url->is_https);
  const auto encrypted = http::parse_url("https://mmsc.example/mm7");
  ASSERT_TRUE(encrypted.has_value());
  EXPECT_TRUE(encrypted->is_https);
  EXPECT_EQ(encrypted->host, "mmsc.example");
  EXPECT_EQ(encrypted->port, 443);
  EXPECT_EQ(encrypted->path, "/mm7");
  EXPECT_EQ(http::parse_url("HTTPS://a:8443")->port, 8443);
  for (const char* bad : {"https://", "https:///x", "httpss://a/", "http://", "http://:80/", "http://a:0/", "http://a:99999/", "http://a:/",
                          "http://u:p@a/", "http://a/#f", "http://a b/", "http://[::1/", "ftp://a"}) {
    EXPECT_FALSE(http::parse_url(bad).has_value()) << bad;
  }
}

TEST(BasicAuth, RoundTripAndRefusals) {
  for (const char* password : {"", "a", "ab", "abc", "p:w", "sécret"}) {
    const auto read = parse_basic_authorization(basic_authorization({.user = "pushmail", .password = password}));
    ASSERT_TRUE(read.has_value());
    EXPECT_EQ(read->user, "pushmail");
    EXPECT_EQ(read->password, password);
  }
  EXPECT_EQ(basic_authorization({.user = "pushmail", .password = "secret"}), "Basic cHVzaG1haWw6c2VjcmV0");
  for (const char* bad :
       {"", "Basic", "Basic ", "Basic !!!!", "Basic cHVz", "Bearer cHVzaG1haWw6c2VjcmV0", "Basic cHVzaG1haWw6c2VjcmV", "Basic ===="}) {
    EXPECT_FALSE(parse_basic_authorization(bad).has_value()) << bad;
  }
  EXPECT_TRUE(equal_in_constant_time("abc", "abc"));
  EXPECT_FALSE(equal_in_constant_time("abc", "abd"));
  EXPECT_FALSE(equal_in_constant_time("abcabc", "abc"));
  EXPECT_FALSE(equal_in_constant_time("", "abc"));
  EXPECT_FALSE(equal_in_constant_time("abc", ""));
}

}  // namespace
}  // namespace pushmail
