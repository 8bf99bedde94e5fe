// What a data plane remembers of its peers, and where it has their passwords from when it starts alone.
#include "dataplane/last_known.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>
#include <sstream>

#include "core/contract/handoff/peer.h"
#include "core/contract/peer/profile.h"
#include "core/storage.h"
#include "tests/unit/core/temporary_folder.h"

namespace pushmail {
namespace {

using handoff::Tag;
using handoff::tag;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr std::string_view planted = "correct-horse";

Bytes peers_of(std::initializer_list<std::string_view> names) {
  RecordWriter peers = handoff::make(handoff::Kind::peers, {});
  for (const std::string_view name : names) {
    PeerProfile peer{std::string(name)};
    peer.set_text("url", "http://192.0.2.1/mm7");
    peer.set_text("user", "us");
    peer.set_text("password", std::string(planted));
    peer.set_text("inbound_user", "them");
    peer.set_text("inbound_password", std::string(planted));
    peers.bytes(tag(Tag::peer_record), peer.record().finish(0));
  }
  return peers.finish(0);
}

// The peer of this name in a record.
PeerProfile peer_of(const Bytes& peers, std::string_view name) {
  PeerProfile found;
  parse_record(peers).value().for_each([&](std::uint16_t field, ByteView value) {
    if (field != tag(Tag::peer_record)) return;
    PeerProfile peer = PeerProfile::of(parse_record(value).value());
    if (peer.name() == name) found = std::move(peer);
  });
  return found;
}

class LastKnown : public ::testing::Test {
 protected:
  [[nodiscard]] std::string content() const {
    std::stringstream text;
    text << std::ifstream(file_).rdbuf();
    return text.str();
  }
  void write_secret(const std::string& name, std::string_view password) const {
    std::ofstream(folder_.path / name) << password << "\n";
    ::chmod((folder_.path / name).c_str(), 0400);
  }
  // [peer.mmsc] with both password files.
  [[nodiscard]] Config config() const {
    return Config::parse(fmt::format("domain = \"mms.example.net\"\nlink.kind = \"kernel\"\n[notify]\nsmsc = \"127.0.0.1:2775\"\nsource = "
                                     "\"5000\"\n[peer.mmsc]\nurl = \"http://192.0.2.1/mm7\"\nservice_number = \"5000\"\nuser = \"us\"\n"
                                     "password_file = \"{0}/out\"\ninbound_user = \"them\"\ninbound_password_file = \"{0}/in\"\n",
                                     folder_.path.string()),
                         "test.toml")
        .value();
  }

  TemporaryFolder folder_;
  std::filesystem::path file_ = folder_.path / "last-known";
};

TEST_F(LastKnown, no_password_is_written) {
  const Bytes peers = peers_of({"mmsc"});
  ASSERT_TRUE(write_last_known(file_, parse_record(peers).value()));
  EXPECT_THAT(content(), HasSubstr("http://192.0.2.1/mm7"));
  EXPECT_THAT(content(), Not(HasSubstr(planted)));
  struct stat info{};
  ASSERT_EQ(::stat(file_.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600U);
}

TEST_F(LastKnown, one_of_an_earlier_release_is_replaced_when_it_is_read) {
  ASSERT_TRUE(replace_file(system_storage(), file_, peers_of({"mmsc", "other"}), 0600));
  ASSERT_THAT(content(), HasSubstr(planted));
  const auto read = read_last_known(file_);
  ASSERT_TRUE(read && *read);
  EXPECT_EQ(text_of(**read).find(planted), std::string_view::npos);
  EXPECT_THAT(content(), Not(HasSubstr(planted)));
  EXPECT_EQ(content(), text_of(**read));
}

TEST_F(LastKnown, passwords_come_from_the_files_of_the_configuration) {
  const Bytes peers = peers_of({"mmsc", "gone"});
  ASSERT_TRUE(write_last_known(file_, parse_record(peers).value()));
  write_secret("out", "new-out");
  write_secret("in", "new-in");
  const auto read = read_last_known(file_);
  ASSERT_TRUE(read && *read);
  const auto whole = with_passwords(parse_record(**read).value(), config());
  ASSERT_TRUE(whole) << whole.error().text;
  const PeerProfile mmsc = peer_of(*whole, "mmsc");
  EXPECT_EQ(mmsc.text("password"), "new-out");
  EXPECT_EQ(mmsc.text("inbound_password"), "new-in");
  EXPECT_EQ(mmsc.text("inbound_user"), "them");
  EXPECT_EQ(peer_of(*whole, "gone").text("inbound_password"), "") << "the configuration knows it no more";
}

TEST_F(LastKnown, a_password_that_cannot_be_read_is_named) {
  const Bytes peers = peers_of({"mmsc"});
  write_secret("out", "new-out");
  const auto whole = with_passwords(parse_record(peers).value(), config());
  ASSERT_FALSE(whole);
  EXPECT_THAT(whole.error().text, HasSubstr("peer.mmsc.inbound_password_file: "));
}

TEST_F(LastKnown, none_is_no_error_and_anything_else_is_broken) {
  const auto none = read_last_known(file_);
  ASSERT_TRUE(none);
  EXPECT_FALSE(*none);
  const Bytes peers = peers_of({"mmsc"});
  for (const Bytes& bytes : {Bytes{}, Bytes(peers.begin(), peers.end() - 1), Bytes(100, 0xff)}) {
    ASSERT_TRUE(replace_file(system_storage(), file_, bytes, 0600));
    const auto broken = read_last_known(file_);
    ASSERT_FALSE(broken);
    EXPECT_TRUE(broken.error().is(last_known_broken));
  }
}

}  // namespace
}  // namespace pushmail
