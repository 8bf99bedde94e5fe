// The list of certificates in use: what is news, and what the record says.
#include "dataplane/certificates.h"

#include <gtest/gtest.h>

#include "core/contract/handoff/peer.h"

namespace pushmail {
namespace {

using handoff::Tag;

/// `NAME of DETAIL until US`, in the order of the record.
std::vector<std::string> lines_of(Certificates& certificates) {
  const Bytes bytes = certificates.take_record().finish(1);
  const RecordView record = parse_record(bytes).value();
  EXPECT_TRUE(handoff::validate(record, handoff::Direction::to_control).has_value());
  std::vector<std::string> lines;
  record.for_each([&](std::uint16_t field, ByteView value) {
    if (field == handoff::tag(Tag::name)) lines.emplace_back(text_of(value));
    if (field == handoff::tag(Tag::detail)) lines.back() += " of " + std::string(text_of(value));
    if (field == handoff::tag(Tag::ends_at))
      lines.back() += " until " + std::to_string(load<std::uint64_t>(value.data(), std::endian::little));
  });
  return lines;
}

TEST(Certificates, NameTheirFileOrTheirSubjectAndTheirEnd) {
  Certificates certificates;
  EXPECT_FALSE(certificates.has_news());
  TlsFiles files;
  files.own = {{.key = "tls.certificate", .file = "/c.pem", .ends = {5}}};
  certificates.set_own(files);
  EXPECT_TRUE(certificates.has_news());
  certificates.see("peer a", {.subject = "CN=a", .ends = {7}});
  EXPECT_EQ(lines_of(certificates), (std::vector<std::string>{"tls.certificate of /c.pem until 5", "peer a of CN=a until 7"}));
  EXPECT_FALSE(certificates.has_news());
  // The same again is no news, another end is.
  certificates.set_own(files);
  certificates.see("peer a", {.subject = "CN=a", .ends = {7}});
  EXPECT_FALSE(certificates.has_news());
  certificates.see("peer a", {.subject = "CN=a", .ends = {8}});
  EXPECT_TRUE(certificates.has_news());
}

TEST(Certificates, OfAPeerThatIsGoneAreGone) {
  Certificates certificates;
  for (const char* label : {"peer a", "client a", "peer b", "client c d", "smart_host"})
    certificates.see(label, {.subject = "x", .ends = {1}});
  static_cast<void>(certificates.take_record());
  certificates.keep_peers([](std::string_view name) { return name == "a" || name == "c d"; });
  EXPECT_TRUE(certificates.has_news());
  EXPECT_EQ(lines_of(certificates), (std::vector<std::string>{"client a of x until 1", "client c d of x until 1", "peer a of x until 1",
                                                              "smart_host of x until 1"}));
  certificates.keep_peers([](std::string_view) { return true; });
  EXPECT_FALSE(certificates.has_news());
}

}  // namespace
}  // namespace pushmail
