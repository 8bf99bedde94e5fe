// Step 403: what phones write, and what becomes of it.
#include <gtest/gtest.h>

#include <fmt/format.h>

#include "controlplane/retrieve/instruction.h"
#include "controlplane/retrieve/retriever.h"
#include "controlplane/store/ledger.h"
#include "controlplane/store/sqlite_store.h"
#include "core/timers.h"

namespace pushmail::retrieve {
namespace {

using notify::Taken;

class HandClock final : public Clock {
 public:
  Timestamp at{1'795'000'000'000'000};
  [[nodiscard]] Timestamp wall() const override { return at; }
  [[nodiscard]] Instant now() const override { return {at.us * 1000}; }
};

struct InstructionRow {
  std::string text;
  Instruction::Kind kind;
  std::string code = {};
};
// Of a phone whose mails have the codes 10, 17 and 18.
const std::vector<InstructionRow>& instruction_rows() {
  using Kind = Instruction::Kind;
  using namespace std::string_literals;
  static const std::vector<InstructionRow> rows{
      // A code alone, also one that no mail has.
      {"17", Kind::get, "17"},
      {" 17 ", Kind::get, "17"},
      {"GET 17", Kind::get, "17"},
      {"get17", Kind::get, "17"},
      {"Get  17.", Kind::get, "17"},
      {"read 17", Kind::get, "17"},
      {"\"17\"", Kind::get, "17"},
      {"17!", Kind::get, "17"},
      {"Reply 17", Kind::get, "17"},
      {"fetch #17", Kind::get, "17"},
      {"99", Kind::get, "99"},
      {"get\n17\r\n", Kind::get, "17"},
      {"12345", Kind::unknown},
      {"", Kind::unknown},
      // Other scripts, and what nobody sees.
      {"１７", Kind::get, "17"},
      {"١٧", Kind::get, "17"},
      {"۱۷", Kind::get, "17"},
      {"१७", Kind::get, "17"},
      {"१७।", Kind::get, "17"},
      {"١٧؟", Kind::get, "17"},
      {"17。", Kind::get, "17"},
      {"请把17发给我谢谢", Kind::get, "17"},
      {"请发17号邮件，谢谢", Kind::get, "17"},
      {"17번 보내줘", Kind::get, "17"},
      {"我17点到", Kind::unknown},
      {"17시에 봐", Kind::unknown},
      {"ขอ17ครับ", Kind::get, "17"},
      {"၁၇။", Kind::get, "17"},
      {"⑰", Kind::get, "17"},
      {"1️⃣7️⃣", Kind::get, "17"},
      {"17\0"s, Kind::get, "17"},
      {"\u00a017\u200b", Kind::get, "17"},
      {"\ufeff17", Kind::get, "17"},
      {"\u200e17\u200f", Kind::get, "17"},
      {"ＧＥＴ　１７", Kind::get, "17"},
      // Other words.
      {"Ok 10", Kind::get, "10"},
      {"17 thanks", Kind::get, "17"},
      {"17 😀", Kind::get, "17"},
      {"please send me mail 17, thanks!", Kind::get, "17"},
      {"17 17", Kind::get, "17"},
      {"(17)", Kind::get, "17"},
      {"*17*", Kind::get, "17"},
      {"~17~", Kind::get, "17"},
      {"[17]", Kind::get, "17"},
      {"Please send *17*", Kind::get, "17"},
      {"8*17", Kind::unknown},
      {"🔟", Kind::get, "10"},
      {"no. 17", Kind::get, "17"},
      {"17.", Kind::get, "17"},
      {"-17x", Kind::unknown},
      {"الرمز ١٧", Kind::get, "17"},
      {"código 17", Kind::get, "17"},
      {"17pls", Kind::get, "17"},
      {"ok17", Kind::get, "17"},
      {"17thx!", Kind::get, "17"},
      {"code17", Kind::get, "17"},
      {"Code: 17", Kind::get, "17"},
      {"mail 99", Kind::get, "99"},
      {"not 17 please", Kind::unknown},
      {"don't send 17", Kind::unknown},
      {"nicht 17", Kind::unknown},
      {"17 thanks, Don", Kind::get, "17"},
      {"please do not send 17", Kind::unknown},
      {"I did not get 17, please send again", Kind::get, "17"},
      {"17 if it's not too late", Kind::get, "17"},
      {"17 svp, je ne l'ai pas reçu", Kind::get, "17"},
      {"kein Problem, 17 bitte", Kind::get, "17"},
      {"non, 17", Kind::get, "17"},
      {"17 ne?", Kind::get, "17"},
      {"不用谢, 17", Kind::get, "17"},
      {"Message\n17 is what I want", Kind::unknown},
      {"请不要发17", Kind::unknown},
      {"No 17", Kind::get, "17"},
      {"17 18", Kind::unknown},
      {"17 or 18?", Kind::unknown},
      {"99 thanks", Kind::unknown},
      {"hello", Kind::unknown},
      {"1 7", Kind::unknown},
      {"GET all", Kind::unknown},
      // Numbers that are something else.
      {"at 17:30", Kind::unknown},
      {"17.50", Kind::unknown},
      {"on 17/10", Kind::unknown},
      {"the 17th", Kind::unknown},
      {"17a", Kind::unknown},
      {"a17", Kind::unknown},
      {"17%", Kind::unknown},
      {"€17", Kind::unknown},
      {"call 0171 7", Kind::unknown},
      {"1,017 17,018", Kind::unknown},
      {"code=17", Kind::get, "17"},
      {"8+9=17", Kind::unknown},
      // A quotation.
      {"Liked “Mail from A. Reply 17 to get it.”", Kind::unknown},
      {"👍 to “Reply 17 to get it", Kind::unknown},
      {"„Antworten Sie mit 17“ gefällt mir", Kind::unknown},
      {"please send me \"17\"", Kind::get, "17"},
      {"\"Send me 17\"", Kind::get, "17"},
      // Behind the first line: a signature, the SMS that is answered.
      {"17\r\n--\r\nSent from my phone", Kind::get, "17"},
      {"17\n> Mail from A: \"18\". Reply 18 to get it.", Kind::get, "17"},
      {"> Reply 18 to get it.\n17", Kind::get, "17"},
      {"\r\n \r\n17", Kind::get, "17"},
      {"17\u202818", Kind::get, "17"},
      {"hello\n17", Kind::get, "17"},
      {"Hallo,\n\n17\n", Kind::get, "17"},
      {"hello\n99", Kind::unknown},
      {"hello\n17 is what I want", Kind::unknown},
      {"see you at 8\n17", Kind::unknown},
      {"we talk about it tomorrow\n17", Kind::unknown},
      {"> 17", Kind::unknown},
      // Commands.
      {"STOP", Kind::stop},
      {"stop.", Kind::stop},
      {"Stop please", Kind::stop},
      {"STOP ALL", Kind::stop},
      {"Cancelar", Kind::stop},
      {"עצור", Kind::stop},
      {"Arrêt", Kind::stop},
      {"стоп", Kind::stop},
      {"ＳＴＯＰ", Kind::stop},
      {"stop\0"s, Kind::stop},
      {"STOP\n-- \nJoe", Kind::stop},
      {"START", Kind::start},
      {"HELP", Kind::help},
      {"help me", Kind::help},
      {"?", Kind::help},
      {"Ayuda", Kind::help},
      {"Opt out", Kind::stop},
      {"opt-out", Kind::stop},
      {"Revoke", Kind::stop},
      {"stop by tomorrow", Kind::unknown},
      {"opt in or out", Kind::unknown},
      {"Arrêter", Kind::stop},
      {"Stop texting me", Kind::stop},
      {"stop it, call me later", Kind::unknown},
      {"stop sending me these messages", Kind::stop},
      {"Remove me from this list", Kind::stop},
      {"I cannot stop", Kind::unknown},
      {"STOP 17", Kind::stop},
      {"cancel 17.", Kind::stop},
      {"help 17", Kind::help},
      {"start 17", Kind::get, "17"},
      {"17 stop", Kind::stop},
      {"STOP 17 please", Kind::unknown},
      {"stop sending 17", Kind::unknown},
      {"stop 17 18", Kind::unknown},
      // No text at all.
      {"\xff\xfe", Kind::unknown},
      {"....", Kind::unknown},
      {std::string(100'000, '1'), Kind::unknown},
      {std::string(100'000, '\n') + "17", Kind::unknown},
  };
  return rows;
}

TEST(Instruction, EveryRow) {
  const std::vector<std::string> codes{"10", "17", "18"};
  for (const InstructionRow& row : instruction_rows()) {
    const Instruction instruction = parse_instruction(row.text, codes);
    EXPECT_EQ(instruction.kind, row.kind) << row.text.substr(0, 100);
    EXPECT_EQ(instruction.code, row.code) << row.text.substr(0, 100);
  }
  EXPECT_EQ(parse_instruction("17 thanks").kind, Instruction::Kind::unknown) << "no mail has the code";
}

struct NoNextMail final : NextMail {
  [[nodiscard]] Result<bool> answered(const Msisdn&) override { return false; }
};

struct RetrieverTest : ::testing::Test {
  HandClock clock;
  std::unique_ptr<Store> store = open_sqlite_store(":memory:").value();
  std::vector<ItemId> requested;
  std::vector<std::string> changed;
  int queued = 0;
  NoNextMail next_mail;
  Retriever retriever{*store, clock, next_mail, {.country_code = "1"}};
  Msisdn phone = Msisdn::from_digits("15550100002").value();
  Msisdn other = Msisdn::from_digits("15550100003").value();

  void SetUp() override {
    ASSERT_TRUE(store->add_binding({.id = "b1", .msisdn = phone, .mail_address = "ann@box.example", .created = clock.at}));
    ASSERT_TRUE(store->add_binding({.id = "b2", .msisdn = other, .mail_address = "bob@box.example", .created = clock.at}));
  }
  Item mail(const Msisdn& to, std::string code, ItemState state = ItemState::notified, std::string binding = {}) {
    Item item{.id = new_item_id(clock.at, 1),
              .trace = new_trace_id(),
              .source = Source::mailbox,
              .binding = !binding.empty() ? std::move(binding)
                         : to == phone    ? "b1"
                                          : "b2",
              .msisdn = to,
              .uid_validity = 1,
              .uid = code,
              .state = state,
              .reply_code = code,
              .code_expires = {clock.at.us + 7 * day_us},
              .created = clock.at};
    EXPECT_TRUE(store->add_item(item).value());
    return item;
  }
  Taken hear(const notify::IncomingSms& message) {
    const TakenSms outcome = retriever.take(message);
    for (const Item& item : outcome.effects.requested) requested.push_back(item.id);
    for (const Binding& binding : outcome.effects.changed) changed.push_back(binding.id + " " + std::string(to_string(binding.state)));
    queued += outcome.effects.sms_queued ? 1 : 0;
    return outcome.taken;
  }
  Taken write(std::string_view from, std::string text) {
    return hear({.source = std::string(from), .destination = "5000", .text = std::move(text)});
  }
  ItemState state(const Item& item) { return store->item(item.id).value()->state; }
  std::vector<std::string> said() {
    std::vector<std::string> texts;
    const auto waiting = store->pending_sms(clock.at, 100).value();
    for (const Sms& sms : waiting) texts.push_back(sms.text);
    return texts;
  }
};

TEST_F(RetrieverTest, TheCodeRequestsTheMailOnce) {
  const Item item = mail(phone, "17");
  EXPECT_EQ(write("+15550100002", "17"), Taken::yes);
  EXPECT_EQ(state(item), ItemState::requested);
  EXPECT_EQ(requested, std::vector<ItemId>{item.id});
  EXPECT_EQ(write("15550100002", "GET 17"), Taken::yes) << "a repeat is taken";
  EXPECT_EQ(requested.size(), 1U) << "and has no second effect";
  EXPECT_TRUE(said().empty());
  const auto rows = store->history(item.id).value();
  ASSERT_EQ(rows.size(), 2U);
  EXPECT_EQ(rows[0].event, "retrieve_requested");
  EXPECT_EQ(rows[1].event, "retrieve_repeated");
}

// "Sent again" stands only where a second try is planned, "sent already" only where nobody doubts it.
TEST_F(RetrieverTest, NothingIsPromisedThatIsNotPlanned) {
  const auto in_doubt = [&](std::string code, std::string binding) {
    Item item = mail(phone, std::move(code), ItemState::submitting, std::move(binding));
    item.unknown_until = {clock.at.us + 300'000'000};
    EXPECT_TRUE(store->update_item(item));
  };
  Binding resting{.id = "b3", .msisdn = phone, .mail_address = "ann@other.example", .created = clock.at};
  resting.state = BindingState::suspended;
  ASSERT_TRUE(store->add_binding(resting));
  in_doubt("17", "b1");
  in_doubt("18", "b3");
  mail(phone, "19", ItemState::unconfirmed);
  write("15550100002", "17");
  EXPECT_NE(said().back().find("If not, it is sent again in about 5 minutes."), std::string::npos);
  write("15550100002", "18");
  EXPECT_NE(said().back().find("not known yet"), std::string::npos);
  EXPECT_EQ(said().back().find("sent again"), std::string::npos);
  write("15550100002", "19");
  EXPECT_NE(said().back().find("not sent again"), std::string::npos);
  EXPECT_EQ(said().back().find("already"), std::string::npos);
  EXPECT_EQ(said().size(), 3U);
}

TEST_F(RetrieverTest, AnAnswerThatIsFasterThanTheSmscWithdrawsTheSms) {
  const Item item = mail(phone, "17", ItemState::accepted);
  ASSERT_TRUE(store->queue_sms({.msisdn = phone, .text = "x", .kind = SmsKind::notify, .item = item.id, .created = clock.at}));
  EXPECT_EQ(write("15550100002", "17"), Taken::yes);
  EXPECT_EQ(state(item), ItemState::requested);
  EXPECT_TRUE(said().empty());
}

TEST_F(RetrieverTest, AForeignCodeIsAnUnknownCode) {
  const Item item = mail(other, "23");
  mail(phone, "17");
  EXPECT_EQ(write("15550100002", "23"), Taken::yes);
  EXPECT_EQ(state(item), ItemState::notified);
  ASSERT_EQ(said().size(), 1U);
  EXPECT_NE(said()[0].find("No mail with the code 23"), std::string::npos);
  EXPECT_NE(said()[0].find("17"), std::string::npos) << "it names a code that works";
  EXPECT_EQ(queued, 1);
}

TEST_F(RetrieverTest, ExpiredAndFetchedCodesAreExplained) {
  const Item item = mail(phone, "17");
  const Item done = mail(phone, "18", ItemState::delivered);
  EXPECT_EQ(write("15550100002", "18"), Taken::yes);
  clock.at.us += 7 * day_us;
  EXPECT_EQ(write("15550100002", "17"), Taken::yes);
  EXPECT_EQ(state(item), ItemState::notified);
  EXPECT_EQ(state(done), ItemState::delivered);
  ASSERT_EQ(said().size(), 2U);
  EXPECT_NE(said()[0].find("sent to you already"), std::string::npos);
  EXPECT_NE(said()[1].find("no longer valid"), std::string::npos);
  EXPECT_TRUE(requested.empty());
}

TEST_F(RetrieverTest, AFloodOfNonsenseGetsFiveAnswersAnHour) {
  mail(phone, "17");
  for (int i = 0; i < 50; ++i) EXPECT_EQ(write("15550100002", "what?"), Taken::yes);
  EXPECT_EQ(said().size(), help_count_max);
  EXPECT_NE(said()[0].find("reply with its code, for example 17"), std::string::npos);
  clock.at.us += timers::help_window.us() + 1;
  write("15550100002", "what?");
  EXPECT_EQ(said().size(), help_count_max + 1);
}

TEST_F(RetrieverTest, StrangersHearOnceADayHowToSubscribe) {
  for (int i = 0; i < 3; ++i) EXPECT_EQ(write("+4915550199", fmt::to_string(10 + i)), Taken::yes);
  ASSERT_EQ(said().size(), 1U);
  EXPECT_NE(said()[0].find("subscribe"), std::string::npos);
  clock.at.us += day_us + 1;
  write("+4915550199", "17");
  EXPECT_EQ(said().size(), 2U);
  EXPECT_EQ(write("5000", "17"), Taken::yes) << "a short code is nobody";
  EXPECT_EQ(write("Bank", "17"), Taken::yes);
  EXPECT_EQ(said().size(), 2U);
}

TEST_F(RetrieverTest, MachinesAreObeyedAndNeverAnswered) {
  const Item item = mail(phone, "17");
  const auto send = [&](const Msisdn& from, std::string text) {
    return hear({.source = from.digits(), .destination = "5000", .text = std::move(text), .automatic_sign = "esm_class_user_ack"});
  };
  EXPECT_EQ(send(phone, "Out of office"), Taken::yes);
  EXPECT_EQ(send(phone, "99"), Taken::yes);
  EXPECT_EQ(send(Msisdn::from_digits("4915550199").value(), "hello"), Taken::yes);
  EXPECT_TRUE(said().empty());
  EXPECT_EQ(send(phone, "17"), Taken::yes);
  EXPECT_EQ(state(item), ItemState::requested);
}

// Two services that take each other for phones: each sends back what it got, or answers with words of its own.
TEST_F(RetrieverTest, ConversationsOfMachinesEnd) {
  mail(phone, "17");
  write("15550100002", "what?");
  ASSERT_EQ(said().size(), 1U);
  for (int i = 0; i < 20; ++i) write("15550100002", said().back());
  EXPECT_EQ(said().size(), 1U) << "an echo of our own words is not answered";
  std::size_t answered = 0;
  for (int hour = 0; hour < 3; ++hour) {
    for (int i = 0; i < 100; ++i) write("15550100002", fmt::format("Thank you, message {} is read by nobody", i));
    answered = said().size();
    clock.at.us += timers::help_window.us() + 1;
  }
  EXPECT_LE(answered, 3 * help_count_max) << "and whatever else it says, five an hour";
}

// As phones write reactions where the other side knows none: our words in quotation marks.
TEST_F(RetrieverTest, AReactionToOurWordsIsNoInstruction) {
  const Item item = mail(phone, "17");
  write("15550100002", "what?");
  const std::string ours = said().at(0);
  for (const char* form :
       {"Liked “{}”", "👍 to “{}”", "Removed a heart from “{}”", "„{}“ gefällt mir", "A aimé « {} »", "“{}”を強調しました"})
    EXPECT_EQ(write("15550100002", fmt::format(fmt::runtime(form), ours)), Taken::yes) << form;
  EXPECT_EQ(state(item), ItemState::notified);
  EXPECT_EQ(said().size(), 1U) << "nor is it answered";
  write("15550100002", fmt::format("ok 17\n\n{}", ours));
  EXPECT_EQ(requested, std::vector<ItemId>{item.id}) << "what stands around our words is read";
}

TEST_F(RetrieverTest, SuspendedNumbersGetNothing) {
  const Item item = mail(phone, "17");
  Binding binding = *store->binding("b1").value();
  binding.state = BindingState::suspended;
  ASSERT_TRUE(store->update_binding(binding));
  EXPECT_EQ(write("15550100002", "17"), Taken::yes);
  EXPECT_EQ(state(item), ItemState::notified);
  EXPECT_TRUE(requested.empty());
  ASSERT_EQ(said().size(), 1U);
  EXPECT_NE(said()[0].find("suspended"), std::string::npos);
}

TEST_F(RetrieverTest, TheCodeOfAMailThatWaitsIsMeantFirst) {
  const Item item = mail(phone, "17");
  mail(phone, "18", ItemState::delivered);
  write("15550100002", "18 was good, now 17");
  EXPECT_EQ(requested, std::vector<ItemId>{item.id});
  EXPECT_TRUE(said().empty());
  write("15550100002", "18 again");
  ASSERT_EQ(said().size(), 1U);
  EXPECT_NE(said()[0].find("sent to you already"), std::string::npos);
}

TEST_F(RetrieverTest, NumbersOfTheHomeNetworkAreRead) {
  const Item item = mail(phone, "17");
  const auto send = [&](std::string from, wap::NumberType type) {
    return hear({.source = std::move(from), .source_type = type, .destination = "5000", .text = "17"});
  };
  EXPECT_EQ(send("5550100002", wap::NumberType::unknown), Taken::yes) << "a number of this network, or of another: nobody's";
  EXPECT_TRUE(requested.empty());
  EXPECT_TRUE(said().empty()) << "and never an SMS to a wrong number";
  EXPECT_EQ(send("5550100002", wap::NumberType::national), Taken::yes);
  EXPECT_EQ(requested, std::vector<ItemId>{item.id});
}

TEST_F(RetrieverTest, StopAndStartAndHelpAlwaysWork) {
  mail(phone, "17");
  for (int i = 0; i < 20; ++i) write("15550100002", "what?");
  const std::size_t before = said().size();
  write("15550100002", "HELP");
  ASSERT_EQ(said().size(), before + 1) << "whatever was answered before";
  EXPECT_NE(said().back().find("for example 17"), std::string::npos);
  write("15550100002", "Stop");
  EXPECT_EQ(changed, std::vector<std::string>{"b1 stopped"});
  EXPECT_NE(said().back().find("START"), std::string::npos);
  write("15550100002", "17");
  EXPECT_TRUE(requested.empty()) << "it is stopped";
  for (int i = 0; i < 20; ++i) write("15550100002", i % 2 == 0 ? "START" : "STOP");
  EXPECT_EQ(store->binding("b1").value()->state, BindingState::stopped) << "each one counts";
  EXPECT_LE(said().size(), before + 1 + command_count_max) << "and not each is answered";
  write("15550100002", "START");
  EXPECT_EQ(store->binding("b1").value()->state, BindingState::active);
  write("+4915550199", "STOP");
  EXPECT_EQ(store->bindings("", 100).value().size(), 2U) << "who has nothing to stop";
}

TEST_F(RetrieverTest, WhatTheOperatorSuspendedAPhoneDoesNotResume) {
  Binding binding = *store->binding("b1").value();
  binding.state = BindingState::suspended;
  ASSERT_TRUE(store->update_binding(binding));
  write("15550100002", "START");
  EXPECT_EQ(store->binding("b1").value()->state, BindingState::suspended);
  EXPECT_NE(said().back().find("suspended"), std::string::npos);
}

TEST_F(RetrieverTest, AMachineStopsNothing) {
  const auto send = [&](std::string text) {
    return hear({.source = phone.digits(), .destination = "5000", .text = std::move(text), .automatic_sign = "esm_class_user_ack"});
  };
  mail(phone, "17");
  send("STOP");
  send("HELP");
  send("Your message 17 was received");
  EXPECT_TRUE(changed.empty());
  EXPECT_TRUE(requested.empty());
  EXPECT_TRUE(said().empty());
}

// The first part of a message whose others are on their way, or lost.
TEST_F(RetrieverTest, ABeginningIsObeyedWhereItIsClear) {
  const auto send = [&](std::string text, notify::Extent extent) {
    return hear({.source = phone.digits(), .destination = "5000", .text = std::move(text), .extent = extent});
  };
  const Item item = mail(phone, "17");
  for (const char* text : {"hello", "HELP", "STOP", "99", "1"}) EXPECT_EQ(send(text, notify::Extent::beginning), Taken::rest) << text;
  EXPECT_TRUE(said().empty());
  EXPECT_TRUE(changed.empty());
  EXPECT_EQ(send("17 please, and", notify::Extent::beginning), Taken::yes);
  EXPECT_EQ(requested, std::vector<ItemId>{item.id});
  EXPECT_EQ(send("hello", notify::Extent::incomplete), Taken::yes);
  EXPECT_EQ(said().size(), 1U) << "what is given up is answered as what there is";
}

}  // namespace
}  // namespace pushmail::retrieve
