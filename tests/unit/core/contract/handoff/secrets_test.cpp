// What may lie on a disk of a record with passwords.
#include "core/contract/handoff/secrets.h"

#include <gtest/gtest.h>

#include <string>

#include "core/contract/handoff/peer.h"

namespace pushmail::handoff {
namespace {

constexpr std::string_view planted = "correct-horse";

RecordWriter peer(std::string_view name, std::string_view password) {
  RecordWriter record = make(Kind::peer, {});
  record.text(tag(Tag::name), name).text(tag(peer_tag("url")), "http://192.0.2.1/mm7");
  if (!password.empty()) record.text(tag(peer_tag("password")), password).text(tag(peer_tag("inbound_password")), password);
  record.text(9999, "of a newer control plane");
  return record;
}

Bytes peers(std::string_view password) {
  RecordWriter record = make(Kind::peers, {});
  record.text(tag(Tag::domain), "mms.example.net");
  for (const std::string_view name : {"one", "other"}) record.bytes(tag(Tag::peer_record), peer(name, password).finish(0));
  return record.finish(7);
}

TEST(Secrets, every_password_goes_and_nothing_else) {
  const Bytes with = peers(planted);
  ASSERT_NE(text_of(with).find(planted), std::string_view::npos);
  const RecordView record = parse_record(with).value();
  EXPECT_TRUE(holds_secrets(record));
  const Bytes without = without_secrets(record);
  EXPECT_EQ(text_of(without).find(planted), std::string_view::npos);
  EXPECT_EQ(without, peers("")) << "what is no password stays, with the sequence";
  EXPECT_FALSE(holds_secrets(parse_record(without).value()));
}

TEST(Secrets, every_field_of_a_secret_file_is_known_as_a_secret) {
  for (const PeerField& field : peer_fields) {
    if (field.reader != PeerReader::secret_file) continue;
    RecordWriter record = make(Kind::peer, {});
    record.text(field.tag, planted);
    const Bytes bytes = record.finish(0);
    EXPECT_TRUE(holds_secrets(parse_record(bytes).value())) << field.field_name();
  }
}

TEST(Secrets, what_cannot_be_looked_into_is_left_out) {
  Bytes broken = peer("one", planted).finish(0);
  broken.back() ^= 1;
  // A peer inside a peer: nothing of ours writes that, and nothing of ours reads it.
  RecordWriter outer = make(Kind::peer, {});
  outer.text(tag(Tag::name), "outer").bytes(tag(Tag::peer_record), peer("inner", planted).finish(0));
  for (const Bytes& nested : {broken, outer.finish(0), Bytes{1, 2, 3}}) {
    RecordWriter record = make(Kind::peers, {});
    record.bytes(tag(Tag::peer_record), nested);
    const Bytes bytes = record.finish(0);
    EXPECT_TRUE(holds_secrets(parse_record(bytes).value()));
    const Bytes without = without_secrets(parse_record(bytes).value());
    EXPECT_EQ(text_of(without).find(planted), std::string_view::npos);
    EXPECT_FALSE(holds_secrets(parse_record(without).value()));
  }
}

}  // namespace
}  // namespace pushmail::handoff
