// When mailboxes are watched and polled, and that a write that failed loses no mail.
#include "controlplane/mailboxes.h"

#include "controlplane/store/errors.h"
#include "tests/unit/controlplane/world.h"

namespace pushmail {
namespace {

using mailbox::Kind;
using mailbox::Tag;

class FakeResolver final : public Resolver {
 public:
  bool works = true;
  int asked = 0;
  void resolve(const std::string&, Answer answer) override {
    ++asked;
    if (works) answer(std::vector{IpAddress::v4(0x08080808)});
    else answer(std::unexpected(Error{&store_io}));
  }
};

struct MailboxesTest : World {
  Sealer sealer{std::array<std::uint8_t, 32>{}};
  FakeResolver resolver;
  Mailboxes mailboxes{{*store, clock, settings, sealer, resolver, fetchers, [](std::string_view) {}}};

  Binding with_password(const std::string& mode = "poll") {
    Binding binding = *store->binding("b1").value();
    binding.sealed_password = sealer.seal("b1", "secret").value();
    binding.port = 993;
    binding.mode = mode;
    binding.times = "12:00";
    EXPECT_TRUE(store->update_binding(binding));
    return binding;
  }
  SentRecord polled(const std::string& last_uid) {
    auto record = make(Kind::polled, {});
    record.text(tag(Tag::binding), "b1").u64(tag(Tag::uid_validity), 3).text(tag(Tag::last_uid), last_uid);
    return from_fetcher(std::move(record), Kind::polled);
  }
};

TEST_F(MailboxesTest, AWriteThatFailedHoldsTheWatermarkUntilAFreshWatch) {
  const Binding binding = with_password();
  mailboxes.on_binding_changed(binding);
  ASSERT_EQ(fetchers.of(Kind::watch).size(), 1U);
  mailboxes.on_polled(polled("5").view());
  ASSERT_EQ(store->mailbox("b1").value().last_uid, "5");

  mailboxes.watch_again("b1");   // mail 6 could not be stored
  EXPECT_TRUE(mailboxes.is_behind("b1"));
  EXPECT_EQ(fetchers.of(Kind::unwatch).size(), 1U);
  mailboxes.on_polled(polled("6").view());
  EXPECT_EQ(store->mailbox("b1").value().last_uid, "5") << "mail 6 is still news";
  mailboxes.on_binding_changed(binding);
  mailboxes.tick();
  EXPECT_EQ(fetchers.of(Kind::watch).size(), 1U) << "the fetcher's old words come first";

  clock.pass(seconds(5));
  mailboxes.tick();
  ASSERT_EQ(fetchers.of(Kind::watch).size(), 2U);
  EXPECT_EQ(fetchers.of(Kind::watch)[1].view().text(tag(Tag::last_uid)), "5");
  EXPECT_FALSE(mailboxes.is_behind("b1"));
  mailboxes.tick();
  EXPECT_EQ(fetchers.of(Kind::poll).size(), 1U);
}

TEST_F(MailboxesTest, AFixedTimeThatPassedIsDueAtOnceAndOnce) {
  const Binding binding = with_password("fixed");
  MailboxState state;
  state.polled_at = {clock.at.us - seconds(2 * 86'400).us()};
  ASSERT_TRUE(store->set_mailbox("b1", state));
  mailboxes.on_binding_changed(binding);
  fetchers.up = false;
  mailboxes.tick();
  fetchers.up = true;
  clock.pass(seconds(5));
  mailboxes.tick();
  EXPECT_EQ(fetchers.of(Kind::poll).size(), 1U) << "a poll that could not be sent is not over";
  clock.pass(seconds(5));
  mailboxes.tick();
  EXPECT_EQ(fetchers.of(Kind::poll).size(), 1U);
}

TEST_F(MailboxesTest, ANameThatIsNotResolvedIsAskedForAgainInAMinute) {
  resolver.works = false;
  mailboxes.on_binding_changed(with_password());
  EXPECT_EQ(store->mailbox("b1").value().session, "unreachable");
  clock.pass(seconds(59));
  mailboxes.tick();
  EXPECT_EQ(resolver.asked, 1);
  resolver.works = true;
  clock.pass(seconds(1));
  mailboxes.tick();
  EXPECT_EQ(resolver.asked, 2);
  EXPECT_EQ(fetchers.of(Kind::watch).size(), 1U);
}

}  // namespace
}  // namespace pushmail
