// Quotes, signatures, forwarded mails and poor plain texts, in the shapes that mail programs write.
#include <gtest/gtest.h>

#include "codec/convert/reply_text.h"

namespace pushmail::convert {
namespace {

struct Folded {
  std::string text;
  std::size_t quoted_lines, signature_lines;
};
Folded fold(std::string_view text, OlderMessages older) {
  Arena arena;
  const ReplyText reply = fold_reply(text, older, arena);
  return {std::string(reply.text), reply.quoted_lines, reply.signature_lines};
}
std::string folded(std::string_view text) { return fold(text, OlderMessages::fold).text; }

TEST(FoldReply, Quotes) {
  struct Row {
    std::string text, expected;
  };
  const Row rows[] = {
      {"Yes!\n\nOn Mon, 3 Nov 2025 at 10:00, Ann <ann@example.com> wrote:\n> Lunch?\n> At noon?\n> Ann\n",
       "Yes!\n\n[3 quoted lines: On Mon, 3 Nov 2025 at 10:00, Ann <ann@example.com> wrote]"},
      // Some programs break the line that introduces the quote.
      {"Yes!\n\nOn Mon, 3 Nov 2025 at 10:00, Ann Example\n<ann@example.com> wrote:\n\n> Lunch?\n",
       "Yes!\n\n[1 quoted line: On Mon, 3 Nov 2025 at 10:00, Ann Example <ann@example.com> wrote]"},
      {"Ja!\n\nAm 03.11.25 um 10:00 schrieb Ann Example:\n> Mittag?\n", "Ja!\n\n[1 quoted line: Am 03.11.25 um 10:00 schrieb Ann Example]"},
      {"Oui\n\nLe lun. 3 nov. 2025 à 10:00, Ann <ann@example.com> a écrit :\n> Déjeuner ?\n",
       "Oui\n\n[1 quoted line: Le lun. 3 nov. 2025 à 10:00, Ann <ann@example.com> a écrit]"},
      {"好\n\n2025年11月3日 Ann <ann@example.com> 写道：\n> 午饭？\n", "好\n\n[1 quoted line: 2025年11月3日 Ann <ann@example.com> 写道]"},
      // Answers between quotes: what is short stays, what is long is named by its first words.
      {"> Lunch?\nYes.\n> Where?\n> Here?\nThere.", "> Lunch?\nYes.\n> Where?\n> Here?\nThere."},
      {"> one two three\n> four\n>\n>> five\n\nYes.", "[3 quoted lines: one two three]\n\nYes."},
      {"> a\n\n> b\n> c\nmine", "[3 quoted lines: a]\nmine"},
      {"mine\n>\n> \n", "mine"},
      // Nothing but a quote is what the writer wanted to show.
      {"> all\n> of\n> this", "> all\n> of\n> this"},
      {"On Monday Ann wrote:\n> all\n> of\n> this", "On Monday Ann wrote:\n> all\n> of\n> this"},
      // Some programs put it inside.
      {"Yes!\n> On 3 Nov 2025, at 10:00, Joe Roe <joe@example.com> wrote:\n>\n> Lunch?\n> Tea?\n",
       "Yes!\n[3 quoted lines: On 3 Nov 2025, at 10:00, Joe Roe <joe@example.com> wrote]"},
      // Words of the writer's own announce what he wants to show.
      {"My list:\n> a\n> b\n> c\n", "My list:\n> a\n> b\n> c"},
      {"no quote: 5 > 3", "no quote: 5 > 3"},
      {"", ""},
  };
  for (const Row& row : rows) EXPECT_EQ(folded(row.text), row.expected) << row.text;
  EXPECT_EQ(fold("mine\n> a\n> b\n", OlderMessages::fold).quoted_lines, 2U);
  EXPECT_EQ(fold("mine\n> a\n> b\n", OlderMessages::keep).text, "mine\n> a\n> b");
}

TEST(FoldReply, LongLabelsAreShortened) {
  EXPECT_EQ(folded("mine\n> " + std::string(30, 'a') + " " + std::string(30, 'b')),
            "mine\n[1 quoted line: " + std::string(30, 'a') + "...]");
  EXPECT_EQ(folded("mine\n> " + std::string(100, 'a')), "mine\n[1 quoted line: " + std::string(45, 'a') + "...]");
}

TEST(FoldReply, OlderMessagesWithoutMarks) {
  const std::string header = "From: Ann <ann@example.com>\nSent: Monday, November 3, 2025 10:00\nTo: Joe\nSubject: Lunch\n\nLunch?\nAnn\n";
  const std::string note = "[6 quoted lines: from Ann <ann@example.com>]";
  EXPECT_EQ(folded("Yes\n\n" + header), "Yes\n\n" + note);
  EXPECT_EQ(folded("Yes\n\n-----Original Message-----\n" + header), "Yes\n\n[7 quoted lines: from Ann <ann@example.com>]");
  EXPECT_EQ(folded("Yes\n\n________________________________\n" + header), "Yes\n\n[7 quoted lines: from Ann <ann@example.com>]");
  EXPECT_EQ(folded("Ja\n\nVon: Ann\nGesendet: Montag\nAn: Joe\nBetreff: Mittag\n\nMittag?"), "Ja\n\n[5 quoted lines: from Ann]");
  EXPECT_EQ(folded("Yes\n\n*From:* Ann\n*Subject:* Lunch\n\nLunch?"), "Yes\n\n[3 quoted lines: from Ann]");
  EXPECT_EQ(folded("好\n发件人：Ann\n主题：午饭\n\n午饭？"), "好\n[3 quoted lines: from Ann]");
  // Forwarded, alone, cited by a machine, or no header at all: kept.
  for (const std::string& text :
       {std::string("See this.\n\n---------- Forwarded message ---------\n") + header, header,
        std::string("Not delivered:\n  From: Ann\n  Subject: x\n"), std::string("From: here to there\nis far.\n")}) {
    EXPECT_EQ(folded(text) + "\n", text);
  }
  EXPECT_EQ(fold("Look\n\n" + header, OlderMessages::keep).text + "\n", "Look\n\n" + header);
}

TEST(FoldReply, MessagesOfADigestAreRead) {
  const std::string preamble_end(70, '-');
  const std::string message_end(30, '-');
  const auto message = [](std::string_view number) {
    return "Message: " + std::string(number) +
           "\nDate: Mon, 3 Nov 2025\nFrom: Ann <ann@example.com>\nTo: list@example.com\nSubject: Tea\n\n" + "Tea at four.\n\n";
  };
  const std::string digest = "Today's Topics:\n\n  1. Tea (Ann)\n\n" + preamble_end + "\n\n" + message("1") + message_end + "\n\n" +
                             message("2") + message_end + "\n\nEnd of Tea Digest";
  for (const OlderMessages older : {OlderMessages::fold_introduced, OlderMessages::fold}) {
    const Folded read = fold(digest, older);
    EXPECT_EQ(read.quoted_lines, 0U);
    EXPECT_NE(read.text.find("Tea at four.\n\n" + message_end.substr(0, 16) + "\n\nMessage: 2"), std::string::npos) << read.text;
  }
  // Somebody's answer above a digest is an answer.
  const std::string answer =
      "Please not at four.\n\n-----Original Message-----\nFrom: Bob <bob@example.com>\nSent: Tuesday\nTo: Ann\n"
      "Subject: Tea Digest\n\n" +
      digest;
  EXPECT_TRUE(fold(answer, OlderMessages::fold).text.starts_with("Please not at four.\n\n[")) << fold(answer, OlderMessages::fold).text;
}

TEST(FoldReply, Signatures) {
  EXPECT_EQ(folded("Hi\n-- \nAnn\nboss\nExample Ltd\nStreet 1\n\n+1 555 0100"), "Hi\n--\nAnn\nboss\n[3 more lines of signature]");
  EXPECT_EQ(folded("Hi\n-- \nAnn\nboss\nExample Ltd"), "Hi\n--\nAnn\nboss\nExample Ltd");
  EXPECT_EQ(fold("Hi\n-- \na\nb\nc\nd", OlderMessages::fold).signature_lines, 2U);
  // A quote below a signature is none of it.
  EXPECT_EQ(folded("Hi\n-- \na\nb\nc\nd\n\nOn Monday Ann wrote:\n> x\n> y\n> z"),
            "Hi\n--\na\nb\n[2 more lines of signature]\n\n[3 quoted lines: On Monday Ann wrote]");
  // Too long for a signature, or all there is.
  std::string report = "Hi\n--";
  for (int i = 0; i < 31; ++i) report += "\nline";
  EXPECT_EQ(folded(report), report);
  EXPECT_EQ(folded("--\na\nb\nc\nd"), "--\na\nb\nc\nd");
}

TEST(FoldReply, WhiteSpace) {
  EXPECT_EQ(folded("\n\n  a  \t\r\n\n \n\nb\n\n"), "  a\n\nb");
  EXPECT_EQ(folded("a\n" + std::string(70, '=') + "\nb\n====x" + std::string(30, '=')),
            "a\n================\nb\n====x" + std::string(30, '='));
}

TEST(FoldReply, HostileTextsAreQuick) {
  std::string text = "mine\n";
  for (int i = 0; i < 200'000; ++i) text += "From: x\n> y\nOn x wrote:\n";
  EXPECT_FALSE(folded(text).empty());
  EXPECT_FALSE(folded("mine\n" + std::string(3'000'000, '\n') + std::string(1'000'000, '>')).empty());
}

TEST(ForwardSubject, Words) {
  for (const char* subject : {"Fwd: x", "FW: x", "WG: x", " tr : x", "[Fwd: x]", "转发：x"})
    EXPECT_TRUE(is_forward_subject(subject)) << subject;
  for (const char* subject : {"Re: Fwd: x", "x", "", "Forward: march", "AW: x"}) EXPECT_FALSE(is_forward_subject(subject)) << subject;
}

}  // namespace
}  // namespace pushmail::convert
