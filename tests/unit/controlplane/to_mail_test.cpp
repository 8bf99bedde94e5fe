// Phone to mail over fakes: who may send, whom a recipient means, and which route it gets.
#include "controlplane/destination.h"
#include "controlplane/peer_health.h"
#include "tests/unit/controlplane/world.h"

namespace pushmail {
namespace {

using handoff::Tag;
using handoff::tag;

struct ToMailTest : World {
  std::vector<std::string> admit(const std::string& source, const std::string& sender, const std::vector<std::string>& recipients) {
    auto query = handoff::make(handoff::Kind::admission_query, {});
    query.u64(tag(Tag::query), 42).text(tag(Tag::source), source);
    if (source == "mm7") query.text(tag(Tag::peer), "mmsc");
    if (!sender.empty()) query.text(tag(Tag::sender), sender);
    for (const std::string& one : recipients) query.text(tag(Tag::recipient), one);
    flows.on_admission_query(from_data(handoff::Kind::admission_query, {}, std::move(query)).view());
    const auto answers = data_plane.of(handoff::Kind::admission_answer);
    EXPECT_EQ(answers.back().number(Tag::query), 42U);
    return answers.back().texts(Tag::verdict);
  }
  struct Message {
    std::string sender = "number:+15550100002";
    std::vector<std::string> recipients{};
    std::string subject{};
    std::string first_line{};
    std::string linked_id{};
    ItemId id = new_item_id({1'795'000'000'000'000}, 1);
  };
  SentRecord route(const Message& message) {
    auto query = handoff::make(handoff::Kind::route_query, message.id);
    query.trace(tag(Tag::trace), new_trace_id())
        .text(tag(Tag::source), "mm7")
        .text(tag(Tag::peer), "mmsc")
        .text(tag(Tag::sender), message.sender);
    for (const std::string& one : message.recipients) query.text(tag(Tag::recipient), one);
    if (!message.subject.empty()) query.text(tag(Tag::subject), message.subject);
    if (!message.first_line.empty()) query.text(tag(Tag::first_line), message.first_line);
    if (!message.linked_id.empty()) query.text(tag(Tag::linked_id), message.linked_id);
    flows.on_route_query(from_data(handoff::Kind::route_query, message.id, std::move(query)).view());
    return data_plane.of(handoff::Kind::route_answer).back();
  }
  SentRecord forward(const ItemId& id, const std::string& recipient, const std::string& from = "Joe <joe@example.com>") {
    auto query = handoff::make(handoff::Kind::route_query, id);
    query.trace(tag(Tag::trace), new_trace_id())
        .text(tag(Tag::source), "smtp")
        .text(tag(Tag::recipient), recipient)
        .text(tag(Tag::mail_from), "bounce@example.com");
    query.text(tag(Tag::header_from), from)
        .text(tag(Tag::subject), "Grüße")
        .text(tag(Tag::message_id), "m1@example.com")
        .u64(tag(Tag::mail_size), 500);
    flows.on_route_query(from_data(handoff::Kind::route_query, id, std::move(query)).view());
    return data_plane.of(handoff::Kind::route_answer).back();
  }
  Suffix thread(const Msisdn& phone, std::string binding) {
    return take_suffix(*store,
                       {.msisdn = phone,
                        .binding = std::move(binding),
                        .correspondent = "joe@example.com",
                        .correspondent_name = "Joe",
                        .thread = "root@x",
                        .subject = "Grüße",
                        .message_id = "last@x",
                        .references = {"root@x", "last@x"}},
                       4, clock.at)
        .value();
  }
};

TEST_F(ToMailTest, SendersAreBoundActiveNumbers) {
  EXPECT_EQ(admit("mm7", "number:+15550100002", {"short:5000"}), (std::vector<std::string>{"accepted", "accepted"}));
  EXPECT_EQ(admit("mm7", "number:15550100009", {"short:5000"})[0], "not_bound");
  EXPECT_EQ(admit("mm7", "number:15550100009", {"short:5000"})[0], "not_bound");
  ASSERT_EQ(sms().size(), 1U) << "one explaining SMS a day";
  EXPECT_NE(sms()[0].text.find("subscribe"), std::string::npos);
  clock.pass(seconds(86'401));
  admit("mm7", "number:15550100009", {"short:5000"});
  EXPECT_EQ(sms().size(), 2U);
  Binding binding = *store->binding("b1").value();
  binding.state = BindingState::suspended;
  ASSERT_TRUE(store->update_binding(binding));
  EXPECT_EQ(admit("mm7", "number:+15550100002", {"short:5000"})[0], "suspended");
  EXPECT_EQ(admit("mm7", "number:12", {"short:5000"})[0], "bad_address");
}

// Who was refused a second before he was bound is not refused once more: the data plane keeps no such answer.
TEST_F(ToMailTest, OnlyAnAnswerThatABindingDoesNotChangeIsKept) {
  const auto lifetime = [&] { return data_plane.of(handoff::Kind::admission_answer).back().number(Tag::lifetime_s); };
  admit("mm7", "number:15550100009", {"short:5000"});
  EXPECT_EQ(lifetime(), 0U);
  admit("smtp", "", {"mail:15550100009@mms.example.net", "mail:15550100002@mms.example.net"});
  EXPECT_EQ(lifetime(), 0U);
  Binding binding = *store->binding("b1").value();
  binding.state = BindingState::suspended;
  ASSERT_TRUE(store->update_binding(binding));
  admit("mm7", "number:+15550100002", {"short:5000"});
  EXPECT_EQ(lifetime(), 0U);
  binding.state = BindingState::active;
  ASSERT_TRUE(store->update_binding(binding));
  EXPECT_EQ(admit("mm7", "number:+15550100002", {"short:5000"})[0], "accepted");
  EXPECT_GT(lifetime(), 0U);
  admit("mm7", "number:12", {});
  EXPECT_GT(lifetime(), 0U);
}

TEST_F(ToMailTest, RecipientsOfPhones) {
  const Suffix suffix = thread(ann, "b1");
  const Suffix foreign =
      take_suffix(*store, {.msisdn = bob, .binding = "b2", .correspondent = "x@y.example", .thread = "t"}, 4, clock.at).value();
  struct Row {
    std::string form, verdict;
  };
  std::string unused = "0000";
  while (unused == suffix.digits || unused == foreign.digits) unused[3] = static_cast<char>(unused[3] + 1);
  const std::vector<Row> rows{
      {"short:5000", "accepted"},
      {"number:5000", "accepted"},
      {"short:5000" + suffix.digits, "accepted"},
      {"number:+5000" + suffix.digits, "accepted"},
      {"number:5000" + suffix.digits + "/TYPE=PLMN", "accepted"},
      {"short:5000" + unused, "not_bound"},
      {"short:5000" + (foreign.digits == suffix.digits ? unused : foreign.digits), "not_bound"},
      {"short:4711", "not_bound"},
      {"number:+15550100003", "accepted"},
      {"number:+15550100009", "not_bound"},
      {"number:+1555010000x", "bad_address"},
      {"number:12", "bad_address"},
      {"number:1234567890123456", "bad_address"},
      {"mail:joe@example.com", "accepted"},
      {"mail:15550100003@mms.example.net", "accepted"},
      {"mail:+15550100003@MMS.example.net", "accepted"},
      {"mail:15550100009@mms.example.net", "not_bound"},
      {"mail:joe@mms.example.net", "bad_address"},
      {"mail:not an address", "bad_address"},
      {"mail:r-" + suffix.digits + "@reply.mms.example.net", "accepted"},
      {"mail:r-x@reply.mms.example.net", "not_bound"},
  };
  std::vector<std::string> forms;
  for (const Row& row : rows) forms.push_back(row.form);
  const auto verdicts = admit("mm7", "number:+15550100002", forms);
  ASSERT_EQ(verdicts.size(), rows.size() + 1);
  for (std::size_t i = 0; i < rows.size(); ++i) EXPECT_EQ(verdicts[i + 1], rows[i].verdict) << rows[i].form;
}

// The network of the phones, and an MMSC whose mail domain is known.
struct NumberedToMailTest : ToMailTest {
  void SetUp() override {
    settings.numbering = {.country_code = "1", .short_codes = {"5000"}};
    settings.peers.at("mmsc").set_texts("domains", {"mmsc.example"});
    ToMailTest::SetUp();
  }
};

TEST_F(NumberedToMailTest, RecipientsInEverySpelling) {
  const Suffix suffix = thread(ann, "b1");
  struct Row {
    std::string form;
    Destination::Kind kind;
    std::string mailbox = {};
    std::string name = {};
  };
  using Kind = Destination::Kind;
  const std::vector<Row> rows{
      {"number:+5000", Kind::service},
      {"number:+5000/TYPE=PLMN", Kind::service},
      {"short:+5000", Kind::service},
      {"mail:5000@mmsc.example", Kind::service},
      {"mail:+5000/TYPE=PLMN@MMSC.example", Kind::service},
      {"mail:5000@mms.example.net", Kind::service},
      {"mail:5000", Kind::service},
      {"mail:5000@elsewhere.example", Kind::internet, "5000@elsewhere.example"},
      {"mail:5000" + suffix.digits + "@mmsc.example", Kind::thread, "joe@example.com"},
      {"number:+5000" + suffix.digits, Kind::thread, "joe@example.com"},
      {"number:+15550100003/type=plmn", Kind::bound, "bob@box.example"},
      {"number:05550100003", Kind::bound, "bob@box.example"},
      {"number:0015550100003", Kind::bound, "bob@box.example"},
      {"mail:+15550100003/TYPE=PLMN@mmsc.example", Kind::bound, "bob@box.example"},
      {"mail:05550100003@mms.example.net", Kind::bound, "bob@box.example"},
      {"mail:+15550100003/TYPE=PLMN", Kind::bound, "bob@box.example"},
      {"mail:\"+15550100003\"@mms.example.net", Kind::bound, "bob@box.example"},
      {"mail:\"+15550100003/TYPE=PLMN\"@mms.example.net", Kind::bound, "bob@box.example"},
      {"mail:Bob <+15550100003@mms.example.net>", Kind::bound, "bob@box.example"},
      {"number:5550100003", Kind::unreachable},
      {"mail:\"Joe, B\" <joe@example.com>", Kind::internet, "joe@example.com", "Joe, B"},
      {"mail:\u200Ejoe@\u2060example.com\u00A0", Kind::internet, "joe@example.com"},
      {"mail:Joe <joe@example.com>", Kind::internet, "joe@example.com", "Joe"},
      {"mail:<joe@example.com>", Kind::internet, "joe@example.com"},
      {"mail:joe@mmsc.example", Kind::internet, "joe@mmsc.example"},
      {"mail:joe@example.com, sue@example.com", Kind::unreachable},
      {"number:112", Kind::unreachable},
  };
  for (const Row& row : rows) {
    const auto found = find_destination(*store, settings, row.form, ann, "mmsc").value();
    EXPECT_EQ(static_cast<int>(found.kind), static_cast<int>(row.kind)) << row.form;
    if (!row.mailbox.empty()) {
      EXPECT_EQ(found.mailbox.address(), row.mailbox) << row.form;
    }
    if (!row.name.empty()) {
      EXPECT_EQ(found.mailbox.display_name, row.name) << row.form;
    }
    if (row.kind == Kind::bound) {
      EXPECT_EQ(msisdn_of_form(settings.numbering, row.form), bob) << row.form << ": who is accepted is found again";
    }
  }
}

// TS 23.140 §8.7.1: Recipients is optional.
TEST_F(ToMailTest, AMessageWithoutRecipientsIsForTheServiceOrForWhatItAnswers) {
  const SentRecord answer = route({.first_line = "joe@example.com hello"});
  EXPECT_EQ(answer.text(Tag::decision), "mail");
  EXPECT_EQ(answer.texts(Tag::mail_recipient), std::vector<std::string>{"joe@example.com"});
  const Suffix suffix = thread(ann, "b1");
  Item sent{.id = new_item_id(clock.at, 1),
            .trace = new_trace_id(),
            .source = Source::mailbox,
            .binding = "b1",
            .msisdn = ann,
            .peer = "mmsc",
            .message_id = "<MM-7>"};
  sent.suffix = suffix.digits;
  ASSERT_TRUE(store->add_item(sent).value());
  EXPECT_EQ(route({.first_line = "Yes, thanks", .linked_id = "mm-7", .id = new_item_id(clock.at, 2)}).text(Tag::in_reply_to), "last@x");
  EXPECT_EQ(route({.first_line = "Yes, thanks", .linked_id = "mm-8", .id = new_item_id(clock.at, 3)}).text(Tag::decision), "refuse");
}

TEST_F(ToMailTest, WhoIsNamedTwiceGetsOneMail) {
  const SentRecord answer = route(
      {.recipients = {"mail:Joe <joe@example.com>", "mail:eve@example.com", "mail:joe@EXAMPLE.com", "mail:eve@example.com/TYPE=rfc822"}});
  EXPECT_EQ(answer.texts(Tag::mail_recipient), (std::vector<std::string>{"joe@example.com", "eve@example.com"}));
  EXPECT_EQ(answer.texts(Tag::header_to).size(), 2U);
}

TEST_F(ToMailTest, TheMessagesOwnSubjectStays) {
  const SentRecord answer = route({.recipients = {"short:5000"}, .subject = "Holiday", .first_line = "joe@example.com first slide"});
  EXPECT_EQ(answer.text(Tag::new_subject), "");
  EXPECT_EQ(answer.number(Tag::drop_first_line), handoff::drop_address) << "what stands behind the address is text";
  EXPECT_EQ(the_item().subject, "Holiday");
  const SentRecord bare =
      route({.recipients = {"short:5000"}, .subject = "Holiday", .first_line = "joe@example.com", .id = new_item_id(clock.at, 2)});
  EXPECT_EQ(bare.number(Tag::drop_first_line), handoff::drop_line);
}

// The data plane asks again when it was restarted, or had no answer: what goes out must be what would have gone.
TEST_F(ToMailTest, AskedAgainItAnswersTheSame) {
  const Suffix known = thread(ann, "b1");
  const Message messages[] = {
      {.recipients = {"short:5000"}, .first_line = "joe@example.com Lunch?"},
      {.recipients = {"short:5000"}, .subject = "joe@example.com Lunch?"},
      {.recipients = {"short:5000"}, .subject = "Own", .first_line = "joe@example.com Lunch?"},
      {.recipients = {"short:5000" + known.digits}},
      {.recipients = {"mail:joe@example.com"}, .subject = "Own"},
  };
  std::uint8_t number = 0;
  for (Message message : messages) {
    message.id.bytes[0] = ++number;
    const SentRecord first = route(message);
    const SentRecord again = route(message);
    for (const Tag each : {Tag::decision, Tag::new_subject, Tag::in_reply_to, Tag::mail_from, Tag::header_from})
      EXPECT_EQ(again.text(each), first.text(each)) << int{number};
    EXPECT_EQ(again.number(Tag::drop_first_line), first.number(Tag::drop_first_line)) << int{number};
    EXPECT_EQ(again.texts(Tag::mail_recipient), first.texts(Tag::mail_recipient)) << int{number};
  }
}

TEST_F(ToMailTest, RecipientsOfForwardedMail) {
  EXPECT_EQ(admit("smtp", "",
                  {"mail:15550100002@mms.example.net", "mail:15550100009@mms.example.net", "mail:12@mms.example.net",
                   "mail:joe@example.com", "mail:5000@mms.example.net"}),
            (std::vector<std::string>{"accepted", "not_bound", "bad_address", "not_bound", "bad_address"}));
}

TEST_F(ToMailTest, AnAnswerGoesToTheThread) {
  const Suffix suffix = thread(ann, "b1");
  const SentRecord answer = route({.recipients = {"short:5000" + suffix.digits}, .first_line = "Hello Joe"});
  EXPECT_EQ(answer.text(Tag::decision), "mail");
  EXPECT_EQ(answer.text(Tag::next_hop), "198.18.0.1:2525");
  EXPECT_EQ(answer.text(Tag::mail_from), "ann@box.example");
  EXPECT_EQ(answer.text(Tag::header_from), "\"Änn\" <ann@box.example>");
  EXPECT_EQ(answer.texts(Tag::mail_recipient), std::vector<std::string>{"joe@example.com"});
  EXPECT_EQ(answer.texts(Tag::header_to), std::vector<std::string>{"\"Joe\" <joe@example.com>"});
  EXPECT_EQ(answer.text(Tag::in_reply_to), "last@x");
  EXPECT_EQ(answer.texts(Tag::reference), (std::vector<std::string>{"root@x", "last@x"}));
  EXPECT_EQ(answer.text(Tag::new_subject), "Re: Grüße");
  EXPECT_EQ(answer.number(Tag::drop_first_line), 0U);
  EXPECT_EQ(the_item().state, ItemState::routed);
  EXPECT_EQ(the_item().correspondent, "joe@example.com");
}

TEST_F(ToMailTest, TheThreadsOwnMailboxAnswers) {
  bind("b3", ann, "ann@work.example", Policy::ask);
  const Suffix suffix = thread(ann, "b3");
  EXPECT_EQ(route({.recipients = {"short:5000" + suffix.digits}}).text(Tag::mail_from), "ann@work.example");
}

TEST_F(ToMailTest, ANewMailNamesItsRecipientInTheFirstLineOrTheSubject) {
  const SentRecord by_line = route({.recipients = {"short:5000"}, .first_line = "sue@example.org Lunch?"});
  EXPECT_EQ(by_line.texts(Tag::mail_recipient), std::vector<std::string>{"sue@example.org"});
  EXPECT_EQ(by_line.text(Tag::new_subject), "Lunch?");
  EXPECT_EQ(by_line.number(Tag::drop_first_line), 1U);
  const SentRecord by_subject = route({.recipients = {"short:5000"}, .subject = "sue@example.org", .first_line = "Lunch?"});
  EXPECT_EQ(by_subject.texts(Tag::mail_recipient), std::vector<std::string>{"sue@example.org"});
  EXPECT_EQ(by_subject.number(Tag::drop_first_line), 0U);
}

// Whatever cannot be sent: a machine is not told, since it would answer that too.
TEST_F(ToMailTest, MachinesAreNotAnswered) {
  for (const bool by_subject : {true, false}) {
    const std::string sign = "Auto-Reply: I am away";
    const auto send = [&](std::string sender, std::vector<std::string> recipients) {
      return route({.sender = std::move(sender),
                    .recipients = std::move(recipients),
                    .subject = by_subject ? sign : "",
                    .first_line = by_subject ? "" : sign});
    };
    EXPECT_EQ(send("number:+15550100002", {"short:5000"}).text(Tag::decision), "refuse") << "it names no recipient";
    EXPECT_EQ(send("number:+15550100002", {"number:+15550100077"}).text(Tag::decision), "refuse");
    EXPECT_EQ(send("number:+15550100002", {"number:+15550100077", "mail:joe@example.com"}).text(Tag::decision), "mail");
    EXPECT_EQ(send("number:+15550100009", {"short:5000"}).text(Tag::decision), "refuse") << "nobody is bound there";
  }
  EXPECT_TRUE(sms().empty());
}

TEST_F(ToMailTest, NoRecipientIsRefusedAndExplainedOnce) {
  const Message message{.recipients = {"short:5000"}, .first_line = "Hello"};
  EXPECT_EQ(route(message).text(Tag::decision), "refuse");
  EXPECT_EQ(route(message).text(Tag::decision), "refuse") << "asked again, answered the same";
  ASSERT_EQ(sms().size(), 1U);
  EXPECT_NE(sms()[0].text.find("names no recipient"), std::string::npos);
  outcome(message.id, ItemState::rejected, "", "refused");
  EXPECT_EQ(sms().size(), 1U);
}

TEST_F(ToMailTest, ANumberIsTheMailboxBoundToIt) {
  const SentRecord answer = route({.recipients = {"number:+15550100003", "mail:joe@example.com", "number:+15550100009"}, .subject = "Hi"});
  EXPECT_EQ(answer.texts(Tag::mail_recipient), (std::vector<std::string>{"bob@box.example", "joe@example.com"}));
  EXPECT_EQ(answer.text(Tag::new_subject), "");
  ASSERT_EQ(sms().size(), 1U) << "told which one was not reached";
  EXPECT_NE(sms()[0].text.find("+15550100009"), std::string::npos);
}

TEST_F(ToMailTest, WhoIsNoLongerBoundIsRefusedWithAnSms) {
  const SentRecord answer = route({.sender = "number:+15550100009", .recipients = {"mail:joe@example.com"}});
  EXPECT_EQ(answer.text(Tag::decision), "refuse");
  EXPECT_EQ(sms().size(), 1U);
  EXPECT_EQ(the_item().state, ItemState::rejected);
}

TEST_F(ToMailTest, WithoutASmartHostNothingIsLost) {
  settings.smart_host.clear();
  const Message message{.recipients = {"mail:joe@example.com"}};
  EXPECT_EQ(route(message).text(Tag::decision), "wait");
  EXPECT_NE(the_item().reason.find("smart_host"), std::string::npos);
  settings.smart_host = "198.18.0.1:25";
  EXPECT_EQ(route(message).text(Tag::decision), "mail");
}

TEST_F(ToMailTest, TheOutcomeEndsTheItemAndFailuresAreTold) {
  const Message sent{.recipients = {"mail:joe@example.com"}};
  route(sent);
  outcome(sent.id, ItemState::delivered);
  EXPECT_EQ(the_item().state, ItemState::delivered);
  EXPECT_TRUE(sms().empty());
  Message lost{.recipients = {"mail:joe@example.com"}, .subject = "Hi"};
  lost.id = new_item_id(clock.at, 2);
  route(lost);
  outcome(lost.id, ItemState::failed, "", "joe@example.com: 550 5.1.1 no such user", 550);
  ASSERT_EQ(sms().size(), 1U);
  EXPECT_EQ(sms()[0].text, "Your mail to joe@example.com: \"Hi\" was not delivered: \"joe@example.com: 550 5.1.1 no such user\"");
  // What no server wrote is for the operator.
  Message given_up{.recipients = {"mail:joe@example.com"}, .subject = "Hi"};
  given_up.id = new_item_id(clock.at, 2);
  route(given_up);
  outcome(given_up.id, ItemState::failed, "", "given up after 9 tries: 10.0.0.7:25 does not answer");
  ASSERT_EQ(sms().size(), 2U);
  EXPECT_EQ(sms()[1].text, "Your mail to joe@example.com: \"Hi\" was not delivered.");
}

TEST_F(ToMailTest, ARecipientThatRefusedIsToldThoughOthersTookIt) {
  const Message sent{.recipients = {"mail:joe@example.com", "mail:sue@example.com"}};
  route(sent);
  outcome(sent.id, ItemState::delivered, "", "sue@example.com: 550 no such user");
  EXPECT_EQ(the_item().state, ItemState::delivered);
  ASSERT_EQ(sms().size(), 1U);
  EXPECT_NE(sms()[0].text.find("sue@example.com: 550"), std::string::npos);
}

TEST_F(ToMailTest, ForwardedMailIsPushed) {
  const ItemId id = new_item_id(clock.at, 1);
  const SentRecord answer = forward(id, "mail:15550100003@mms.example.net");
  EXPECT_EQ(answer.text(Tag::decision), "submit");
  EXPECT_EQ(answer.text(Tag::msisdn), bob.digits());
  EXPECT_EQ(answer.text(Tag::peer), "mmsc");
  EXPECT_EQ(answer.text(Tag::sender_address), "short:5000" + the_item().suffix);
  EXPECT_EQ(the_item().correspondent, "joe@example.com");
  outcome(id, ItemState::submitted, "mm-1");
  EXPECT_EQ(forward(id, "mail:15550100003@mms.example.net").text(Tag::decision), "refuse") << "submitted already: never twice";
  outcome(id, ItemState::rejected);
  EXPECT_EQ(the_item().state, ItemState::submitted) << "our own refusal of the repeat is no news";
}

TEST_F(ToMailTest, ForwardedMailWaitsForThePhone) {
  const ItemId id = new_item_id(clock.at, 1);
  EXPECT_EQ(forward(id, "mail:15550100002@mms.example.net").text(Tag::decision), "wait");
  EXPECT_EQ(forward(id, "mail:15550100002@mms.example.net").text(Tag::decision), "wait");
  ASSERT_EQ(sms().size(), 1U);
  answer(ann, the_item().reply_code);
  const auto answers = data_plane.of(handoff::Kind::route_answer);
  EXPECT_EQ(answers.back().text(Tag::decision), "submit");
  EXPECT_EQ(answers.back().text(Tag::msisdn), ann.digits());
  EXPECT_EQ(forward(id, "mail:15550100002@mms.example.net").text(Tag::decision), "submit") << "a restarted data plane asks again";
  EXPECT_TRUE(fetchers.sent.empty()) << "no fetcher has anything to do with it";
}

TEST_F(ToMailTest, ForwardedMailThatNobodyFetchesEnds) {
  const ItemId id = new_item_id(clock.at, 1);
  forward(id, "mail:15550100002@mms.example.net");
  clock.pass(seconds(8 * 86'400));
  flows.tick();
  EXPECT_EQ(data_plane.of(handoff::Kind::route_answer).back().text(Tag::decision), "refuse");
  EXPECT_EQ(the_item().state, ItemState::expired);
}

TEST_F(ToMailTest, AForwardedMailIsPutOffWhenTooManyWaitForThePhone) {
  settings.strangers.phone_waiting_max = 8;
  const auto grants = [&] {
    std::vector<std::uint64_t> found;
    data_plane.of(handoff::Kind::admission_answer).back().view().for_each([&](std::uint16_t field, ByteView value) {
      if (field == tag(Tag::mails_max)) found.push_back(load<std::uint64_t>(value.data(), std::endian::little));
    });
    return found;
  };
  EXPECT_EQ(admit("smtp", "", {"mail:15550100002@mms.example.net"})[0], "accepted");
  EXPECT_EQ(grants(), std::vector<std::uint64_t>{2})
      << "mails that are on their way are not counted yet, so only some of the room is granted";
  for (int i = 0; i < 8; ++i) {
    EXPECT_EQ(admit("smtp", "", {"mail:15550100002@mms.example.net"})[0], "accepted");
    forward(new_item_id(clock.at, 1), "mail:15550100002@mms.example.net");
  }
  EXPECT_EQ(admit("smtp", "", {"mail:15550100002@mms.example.net", "mail:15550100003@mms.example.net"}),
            (std::vector<std::string>{"recipient_busy", "accepted"}));
  EXPECT_EQ(admit("mm7", "number:+15550100002", {"number:+15550100002"})[1], "accepted") << "phones' own messages have no part in it";
  answer(ann, sms()[0].text.substr(sms()[0].text.rfind("Reply ") + 6, 2));
  const auto open = store->items({.states = {ItemState::requested}}).value();
  ASSERT_EQ(open.size(), 1U);
  outcome(open[0].id, ItemState::submitted, "mm-1");
  EXPECT_EQ(admit("smtp", "", {"mail:15550100002@mms.example.net"})[0], "accepted") << "room again as soon as one is through";
}

TEST_F(ToMailTest, SourcesAndSendersHaveBudgetsOfTheirOwn) {
  const auto ask = [&](const std::string& source, const std::string& from) {
    auto query = handoff::make(handoff::Kind::admission_query, {});
    query.u64(tag(Tag::query), 42).text(tag(Tag::source), "smtp").text(tag(Tag::recipient), "mail:15550100003@mms.example.net");
    query.text(tag(Tag::source_address), source).text(tag(Tag::mail_from), from);
    flows.on_admission_query(from_data(handoff::Kind::admission_query, {}, std::move(query)).view());
    return data_plane.of(handoff::Kind::admission_answer).back().text(Tag::verdict);
  };
  const auto hand_in = [&](const std::string& source, const std::string& from) {
    const ItemId id = new_item_id(clock.at, 1);
    auto query = handoff::make(handoff::Kind::route_query, id);
    query.trace(tag(Tag::trace), new_trace_id())
        .text(tag(Tag::source), "smtp")
        .text(tag(Tag::recipient), "mail:15550100003@mms.example.net");
    query.text(tag(Tag::source_address), source).text(tag(Tag::mail_from), from).text(tag(Tag::header_from), from);
    flows.on_route_query(from_data(handoff::Kind::route_query, id, std::move(query)).view());
    outcome(id, ItemState::submitted, "mm-" + to_string(id));
  };
  settings.strangers = {.phone_mails_max = 8, .source_mails_max = 6, .sender_mails_max = 4, .phone_waiting_max = 50};
  for (int i = 0; i < 4; ++i) hand_in("192.0.2.1", "a@B.example");
  EXPECT_EQ(ask("192.0.2.9", "x@b.EXAMPLE"), "sender_busy") << "a domain";
  EXPECT_EQ(ask("192.0.2.1", "a@c.example"), "accepted");
  for (int i = 0; i < 2; ++i) hand_in("192.0.2.1", "");
  EXPECT_EQ(ask("192.0.2.1", "a@c.example"), "sender_busy") << "a host";
  EXPECT_EQ(ask("192.0.2.9", "a@c.example"), "accepted");
  for (int i = 0; i < 2; ++i) hand_in("192.0.2.8", "a@d.example");
  EXPECT_EQ(ask("192.0.2.9", "a@c.example"), "recipient_busy") << "the phone, though all of it is through";
  clock.pass(seconds(3601));
  EXPECT_EQ(ask("192.0.2.1", "a@b.example"), "accepted") << "an hour later";
}

TEST_F(ToMailTest, WhatATrustedServerFoundOfTheSenderIsShown) {
  settings.trusted_authserv = {"mx.example.net"};
  struct Row {
    std::string said;
    bool unverified;
    std::string kept;
  };
  for (const Row& row : {Row{"mx.example.net fail", true, "fail"}, Row{"mx.example.net pass", false, "pass"},
                         Row{"evil.example pass", false, ""}, Row{"evil.example fail", false, ""}}) {
    const ItemId id = new_item_id(clock.at, 1);
    auto query = handoff::make(handoff::Kind::route_query, id);
    query.trace(tag(Tag::trace), new_trace_id())
        .text(tag(Tag::source), "smtp")
        .text(tag(Tag::recipient), "mail:15550100002@mms.example.net");
    query.text(tag(Tag::header_from), "Boss <boss@bank.example>").text(tag(Tag::authentication), row.said);
    flows.on_route_query(from_data(handoff::Kind::route_query, id, std::move(query)).view());
    EXPECT_EQ(store->item(id).value()->authentication, row.kept);
    ASSERT_FALSE(sms().empty());
    EXPECT_EQ(sms().back().text.find("\"Boss\" <boss@bank.example> (unverified sender)") != std::string::npos, row.unverified)
        << sms().back().text;
    clock.pass(seconds(7201));
  }
}

TEST_F(ToMailTest, ForwardedMailOfARemovedBindingIsRefused) {
  const ItemId id = new_item_id(clock.at, 1);
  forward(id, "mail:15550100002@mms.example.net");
  Binding binding = store->binding("b1").value().value();
  binding.state = BindingState::removed;
  ASSERT_TRUE(store->update_binding(binding));
  flows.on_binding_changed(binding);
  EXPECT_EQ(data_plane.of(handoff::Kind::route_answer).back().text(Tag::decision), "refuse");
  EXPECT_EQ(the_item().state, ItemState::withdrawn);
}

TEST_F(ToMailTest, AWordThatTheDataPlaneCannotTakeIsSaidAgain) {
  const ItemId id = new_item_id(clock.at, 1);
  forward(id, "mail:15550100002@mms.example.net");
  data_plane.full = true;
  answer(ann, the_item().reply_code);
  data_plane.full = false;
  clock.pass(seconds(6));
  flows.tick();
  EXPECT_EQ(data_plane.of(handoff::Kind::route_answer).back().text(Tag::decision), "submit");
}

TEST_F(ToMailTest, ForwardedMailWhosePeerIsMissingIsAnsweredLater) {
  const ItemId id = new_item_id(clock.at, 1);
  forward(id, "mail:15550100002@mms.example.net");
  auto peer = settings.peers.extract("mmsc");
  answer(ann, the_item().reply_code);
  EXPECT_EQ(the_item().state, ItemState::requested);
  EXPECT_NE(the_item().reason.find("[peer.mmsc]"), std::string::npos);
  settings.peers.insert(std::move(peer));
  const std::size_t before = data_plane.of(handoff::Kind::route_answer).size();
  clock.pass(seconds(6));
  flows.tick();
  flows.tick();
  ASSERT_EQ(data_plane.of(handoff::Kind::route_answer).size(), before + 1);
  EXPECT_EQ(data_plane.of(handoff::Kind::route_answer).back().text(Tag::decision), "submit");
}

// An MMSC that knows the short code alone: nothing that is sent to a longer one arrives.
TEST_F(ToMailTest, APeerThatOwesReportsOrAnswersIsFound) {
  struct Row {
    PeerTraffic traffic;
    const char* sender;
    std::size_t advice;
    std::string_view words;
  };
  for (const Row& row :
       {Row{{.silent = 4}, "suffix", 0, ""}, Row{{.silent = 5}, "suffix", 1, "5000NNNN"},
        Row{{.silent = 5}, "alias", 1, "DeliveryReportReq for 5000 "}, Row{{.silent = 500, .reported = 1, .answers = 1}, "suffix", 0, ""},
        Row{{.silent = 25}, "suffix", 2, "5000NNNN"}, Row{{.reported = 20, .new_mails = 3}, "suffix", 1, "3 new mails"},
        Row{{.reported = 20}, "alias", 0, ""}, Row{{}, "suffix", 0, ""}}) {
    PeerProfile peer = settings.peers.at("mmsc");
    peer.set_text("sender", row.sender);
    const auto advice = advice_about(peer, row.traffic);
    ASSERT_EQ(advice.size(), row.advice);
    if (!advice.empty()) {
      EXPECT_NE(advice.front().find(row.words), std::string::npos) << advice.front();
    }
  }
}

TEST_F(ToMailTest, TrafficIsCountedByPeerAndTime) {
  std::uint16_t next = 1;
  const auto add = [&](Way way, ItemState state, std::string suffix = {}, std::string peer = "mmsc") {
    Item item{.id = new_item_id(clock.at, next++),
              .trace = new_trace_id(),
              .way = way,
              .source = Source::mailbox,
              .binding = "b1",
              .msisdn = ann,
              .state = state,
              .peer = std::move(peer)};
    item.suffix = std::move(suffix);
    item.created = item.updated = clock.at;
    ASSERT_TRUE(store->add_item(item).value());
  };
  add(Way::to_phone, ItemState::submitted, "1742");
  add(Way::to_phone, ItemState::delivered, "1742");
  add(Way::to_phone, ItemState::submitted, "1742", "other");
  add(Way::to_mail, ItemState::delivered, "1742");
  add(Way::to_mail, ItemState::delivered);
  const auto traffic = store->peer_traffic("mmsc", {clock.at.us - 1}, clock.at, 100).value();
  EXPECT_EQ(traffic.silent, 1U);
  EXPECT_EQ(traffic.reported, 1U);
  EXPECT_EQ(traffic.answers, 1U);
  EXPECT_EQ(traffic.new_mails, 1U);
  EXPECT_EQ(store->peer_traffic("mmsc", {clock.at.us + 1}, clock.at, 100).value().answers, 0U);
  EXPECT_EQ(store->peer_traffic("mmsc", {}, {clock.at.us - 1}, 100).value().silent, 0U) << "its report may still come";
}

}  // namespace
}  // namespace pushmail
