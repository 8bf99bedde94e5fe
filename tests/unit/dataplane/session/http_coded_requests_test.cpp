// Requests whose body comes compressed: read as what they hold, whatever is wrong with them answered, and no bomb larger than our limits.
#include "dataplane/session/http_coding.h"
#include "tests/unit/dataplane/session/http_server_fixture.h"

namespace pushmail {
namespace {

using test::deliver;
using test::FakePeer;
using test::Mm7ServerSettings;

class HttpCodedRequestsTest : public test::HttpServerTest {
 protected:
  static Bytes coded(std::string_view text) {
    auto whole = http::gzipped(bytes_of(text));
    EXPECT_TRUE(whole.has_value());
    return whole ? std::move(*whole) : Bytes();
  }
  static std::string post_coded(ByteView body, std::string_view coding = "gzip") {
    return post(text_of(body), fmt::format("Content-Encoding: {}\r\n", coding));
  }
};

TEST_F(HttpCodedRequestsTest, IsReadAsWhatItHolds) {
  const Bytes body = coded(deliver("rs-1"));
  (void)ask(post_coded(body));
  (void)ask(post_coded(body, "X-GZip"));
  const std::string chunked = fmt::format(
      "POST /mm7 HTTP/1.1\r\nHost: us\r\nAuthorization: Basic bW1zYzpzZWNyZXQ=\r\nContent-Type: text/xml\r\nContent-Encoding: gzip\r\n"
      "Transfer-Encoding: chunked\r\n\r\n5\r\n{}\r\n{:x}\r\n{}\r\n0\r\n\r\n",
      text_of(ByteView(body).first(5)), body.size() - 5, text_of(ByteView(body).subspan(5)));
  (void)ask(chunked);
  ASSERT_EQ(sink_.inbounds.size(), 3u);
  for (const Mm7Inbound& inbound : sink_.inbounds) EXPECT_EQ(text_of(*inbound.body), deliver("rs-1")) << "what the journal keeps";
}

TEST_F(HttpCodedRequestsTest, IsReadWhereverItIsCutAndTheNextOneToo) {
  for (const std::size_t piece : {1u, 7u, 300u}) {
    network_->chunk_size = piece;
    sink_.inbounds.clear();
    FakePeer peer;
    connect(peer);
    peer.say(post_coded(coded(deliver("rs-1"))) + post(deliver("rs-2")) + post_coded(coded(deliver("rs-3"))));
    turns(4'000);
    ASSERT_EQ(sink_.inbounds.size(), 3u) << piece;
    for (const int i : {0, 1, 2})
      EXPECT_EQ(text_of(*sink_.inbounds[static_cast<std::size_t>(i)].body), deliver(fmt::format("rs-{}", i + 1)));
    peer.stream->abort();
    turns(3);
  }
}

TEST_F(HttpCodedRequestsTest, BrokenOnesAreRefused) {
  const Bytes good = coded(deliver("rs-1"));
  const Bytes cut(good.begin(), good.end() - 1);
  Bytes wrong = good;
  wrong[wrong.size() - 5] ^= 1;
  Bytes followed = good;
  followed.push_back('x');
  const Bytes plain(2'000, 'x');
  for (const Bytes& body : {cut, wrong, followed, plain, Bytes()}) {
    const std::string heard = ask(post_coded(body));
    EXPECT_EQ(status(heard), 400) << body.size();
    EXPECT_TRUE(has(heard, "Connection: close"));
  }
  EXPECT_TRUE(sink_.inbounds.empty());
}

TEST_F(HttpCodedRequestsTest, ABombGets413AndItsMemoryComesBack) {
  Mm7ServerSettings small = settings();
  small.body_size_max = 1'000'000;
  small.body_memory_max = 1'500'000;
  start(small);
  const Bytes bomb = coded(std::string(50'000'000, 'x'));
  ASSERT_LT(bomb.size(), 1'000'000u);
  for (int i = 0; i < 5; ++i) EXPECT_EQ(status(ask(post_coded(bomb))), 413);
  // Its ratio tells, long before its size.
  EXPECT_EQ(status(ask(post_coded(coded(std::string(900'000, 'x'))))), 413);
  (void)ask(post_coded(coded(deliver("rs-1"))));
  EXPECT_EQ(sink_.inbounds.size(), 1u);
}

TEST_F(HttpCodedRequestsTest, MemoryIsCountedAsItIsMade) {
  Mm7ServerSettings poor = settings();
  poor.body_memory_max = http::Gunzip::memory_size + 1'000;
  start(poor);
  Mm7ServerSettings poorer = settings();
  std::string text;
  for (int i = 0; i < 600; ++i) text += fmt::format("{} ", i * 7'919 % 10'007);
  const std::string heard = ask(post_coded(coded(text)));
  EXPECT_EQ(status(heard), 503);
  EXPECT_TRUE(has(heard, "Retry-After: "));
  (void)ask(post_coded(coded(deliver("rs-1"))));
  EXPECT_EQ(sink_.inbounds.size(), 1u) << "given back";
  poorer.body_memory_max = http::Gunzip::memory_size - 1;
  start(poorer);
  EXPECT_EQ(status(ask(post_coded(coded(deliver("rs-2"))))), 503) << "no room to look at it";
}

TEST_F(HttpCodedRequestsTest, OneThatIsCutOffIsNoRequest) {
  FakePeer peer;
  connect(peer);
  const std::string whole = post_coded(coded(deliver("rs-1")));
  peer.say(whole.substr(0, whole.size() - 3));
  peer.stream->finish();
  turns();
  EXPECT_EQ(status(peer.take()), 400);
  EXPECT_TRUE(sink_.inbounds.empty());
}

}  // namespace
}  // namespace pushmail
