// Two hundred replies, twenty languages by ten ways in which programs put the older message below, and texts that only look like one. The
// words are those of the programs, written here once more: the table of quote_words.cpp is what is tested.
#include <gtest/gtest.h>

#include <fmt/format.h>

#include <string>
#include <string_view>
#include <vector>

#include "codec/convert/quote_words.h"
#include "codec/convert/reply_text.h"

namespace pushmail::convert {
namespace {

struct Language {
  std::string_view code;
  std::string_view answer;                     // two lines
  std::string_view older;                      // three lines
  std::string_view from, sent, to, subject;    // Outlook's fields, with what stands behind them up to the value
  std::string_view original;                   // Outlook's line between dashes
  std::string_view gmail, apple, thunderbird;  // introductions
  std::string_view zoho;                       // its word for writing
};

const Language languages[] = {
    {"en", "Yes, I come.\nSee you there.", "Do you come?\nI hope so.\nAnn", "From: ", "Sent: ", "To: ", "Subject: ", "Original Message",
     "On Mon, Nov 3, 2025 at 10:00 AM Ann Example <ann@example.com> wrote:",
     "On 3 Nov 2025, at 10:00, Ann Example <ann@example.com> wrote:", "On 11/3/25 10:00, Ann Example wrote:", "wrote"},
    {"de", "Ja, ich komme.\nBis dann.", "Kommst du?\nIch hoffe es.\nAnn", "Von: ", "Gesendet: ", "An: ", "Betreff: ",
     "Ursprüngliche Nachricht", "Am Mo., 3. Nov. 2025 um 10:00 Uhr schrieb Ann Example <ann@example.com>:",
     "Am 03.11.2025 um 10:00 schrieb Ann Example <ann@example.com>:", "Am 03.11.25 um 10:00 schrieb Ann Example:", "schrieb"},
    {"fr", "Oui, je viens.\nÀ bientôt.", "Tu viens ?\nJe l'espère.\nAnn", "De : ", "Envoyé : ", "À : ", "Objet : ", "Message d'origine",
     "Le lun. 3 nov. 2025 à 10:00, Ann Example <ann@example.com> a écrit :",
     "Le 3 nov. 2025 à 10:00, Ann Example <ann@example.com> a écrit :", "Le 03/11/2025 à 10:00, Ann Example a écrit :", "a écrit"},
    {"es", "Sí, voy.\nNos vemos.", "¿Vienes?\nEso espero.\nAnn", "De: ", "Enviado: ", "Para: ", "Asunto: ", "Mensaje original",
     "El lun, 3 nov 2025 a las 10:00, Ann Example (<ann@example.com>) escribió:",
     "El 3 nov 2025, a las 10:00, Ann Example <ann@example.com> escribió:", "El 3/11/25 a las 10:00, Ann Example escribió:", "escribió"},
    {"it", "Sì, vengo.\nA presto.", "Vieni?\nLo spero.\nAnn", "Da: ", "Inviato: ", "A: ", "Oggetto: ", "Messaggio originale",
     "Il giorno lun 3 nov 2025 alle ore 10:00 Ann Example <ann@example.com> ha scritto:",
     "Il giorno 3 nov 2025, alle ore 10:00, Ann Example <ann@example.com> ha scritto:", "Il 03/11/25 10:00, Ann Example ha scritto:",
     "ha scritto"},
    {"pt", "Sim, eu vou.\nAté lá.", "Você vem?\nEspero que sim.\nAnn", "De: ", "Enviada em: ", "Para: ", "Assunto: ", "Mensagem original",
     "Em seg., 3 de nov. de 2025 às 10:00, Ann Example <ann@example.com> escreveu:",
     "Em 3 de nov. de 2025, à(s) 10:00, Ann Example <ann@example.com> escreveu:", "Em 03/11/2025 10:00, Ann Example escreveu:", "escreveu"},
    {"nl", "Ja, ik kom.\nTot dan.", "Kom je?\nIk hoop het.\nAnn", "Van: ", "Verzonden: ", "Aan: ", "Onderwerp: ", "Oorspronkelijk bericht",
     "Op ma 3 nov 2025 om 10:00 schreef Ann Example <ann@example.com>:",
     "Op 3 nov 2025, om 10:00 heeft Ann Example <ann@example.com> het volgende geschreven:", "Op 03-11-2025 om 10:00 schreef Ann Example:",
     "schreef"},
    {"sv", "Ja, jag kommer.\nVi ses.", "Kommer du?\nJag hoppas det.\nAnn", "Från: ", "Skickat: ", "Till: ", "Ämne: ",
     "Ursprungligt meddelande", "Den mån 3 nov. 2025 kl 10:00 skrev Ann Example <ann@example.com>:",
     "3 nov. 2025 kl. 10:00 skrev Ann Example <ann@example.com>:", "Den 2025-11-03 kl. 10:00, skrev Ann Example:", "skrev"},
    {"da", "Ja, jeg kommer.\nVi ses.", "Kommer du?\nDet håber jeg.\nAnn", "Fra: ", "Sendt: ", "Til: ", "Emne: ", "Oprindelig meddelelse",
     "Den man. 3. nov. 2025 kl. 10.00 skrev Ann Example <ann@example.com>:",
     "Den 3. nov. 2025 kl. 10.00 skrev Ann Example <ann@example.com>:", "Den 03.11.2025 kl. 10.00 skrev Ann Example:", "skrev"},
    {"nb", "Ja, jeg kommer.\nHa det.", "Kommer du?\nJeg håper det.\nAnn", "Fra: ", "Sendt: ", "Til: ", "Emne: ", "Opprinnelig melding",
     "man. 3. nov. 2025 kl. 10:00 skrev Ann Example <ann@example.com>:", "3. nov. 2025 kl. 10:00 skrev Ann Example <ann@example.com>:",
     "Den 03.11.2025 10:00, skrev Ann Example:", "skrev"},
    {"fi", "Kyllä, tulen.\nNähdään.", "Tuletko?\nToivottavasti.\nAnn", "Lähettäjä: ", "Lähetetty: ", "Vastaanottaja: ", "Aihe: ",
     "Alkuperäinen viesti", "ma 3. marrask. 2025 klo 10.00 Ann Example <ann@example.com> kirjoitti:",
     "Ann Example <ann@example.com> kirjoitti 3.11.2025 kello 10.00:", "Ann Example kirjoitti 3.11.2025 klo 10.00:", "kirjoitti"},
    {"pl", "Tak, będę.\nDo zobaczenia.", "Przyjdziesz?\nMam nadzieję.\nAnn", "Od: ", "Wysłano: ", "Do: ", "Temat: ", "Wiadomość oryginalna",
     "pon., 3 lis 2025 o 10:00 Ann Example <ann@example.com> napisał(a):",
     "Wiadomość napisana przez Ann Example <ann@example.com> w dniu 3 lis 2025, o godz. 10:00:",
     "W dniu 3.11.2025 o 10:00, Ann Example pisze:", "napisał(a)"},
    {"ru", "Да, приду.\nДо встречи.", "Ты придёшь?\nНадеюсь.\nАнна", "От: ", "Отправлено: ", "Кому: ", "Тема: ", "Исходное сообщение",
     "пн, 3 нояб. 2025 г. в 10:00, Ann Example <ann@example.com>:", "3 нояб. 2025 г., в 10:00, Ann Example <ann@example.com> написал(а):",
     "03.11.2025 10:00, Ann Example пишет:", "написал(а)"},
    {"uk", "Так, прийду.\nДо зустрічі.", "Ти прийдеш?\nСподіваюся.\nАнна", "Від: ", "Надіслано: ", "Кому: ", "Тема: ",
     "Початкове повідомлення", "пн, 3 лист. 2025 р. о 10:00 Ann Example <ann@example.com> пише:",
     "3 лист. 2025 р. о 10:00 Ann Example <ann@example.com> написав(-ла):", "03.11.2025 10:00, Ann Example пише:", "пише"},
    {"tr", "Evet, geliyorum.\nGörüşürüz.", "Geliyor musun?\nUmarım.\nAnn", "Kimden: ", "Gönderildi: ", "Kime: ", "Konu: ", "Özgün İleti",
     "Ann Example <ann@example.com>, 3 Kas 2025 Pzt, 10:00 tarihinde şunu yazdı:",
     "Ann Example <ann@example.com> şunları yazdı (3 Kas 2025 10:00):", "03.11.2025 10:00 tarihinde Ann Example yazdı:", "yazdı"},
    {"zh", "好的，我来。\n到时见。", "你来吗？\n希望如此。\n安", "发件人: ", "发送时间: ", "收件人: ", "主题: ", "原始邮件",
     "Ann Example <ann@example.com> 于2025年11月3日周一 10:00写道：", "在 2025年11月3日，10:00，Ann Example <ann@example.com> 写道：",
     "在 2025/11/3 10:00, Ann Example 写道:", "写道"},
    {"ja", "はい、行きます。\nではまた。", "来ますか。\nそう願います。\n杏", "差出人: ", "送信日時: ", "宛先: ", "件名: ", "元のメッセージ",
     "2025年11月3日(月) 10:00 Ann Example <ann@example.com>:", "2025/11/03 10:00、Ann Example <ann@example.com>のメール:",
     "2025/11/03 10:00, Ann Example さんは書きました:", "さんは書きました"},
    {"ko", "네, 갑니다.\n그때 봐요.", "오시나요?\n그러길 바라요.\n앤", "보낸 사람: ", "보낸 날짜: ", "받는 사람: ", "제목: ", "원본 메시지",
     "2025년 11월 3일 (월) 오전 10:00, Ann Example <ann@example.com>님이 작성:",
     "2025. 11. 3. 오전 10:00, Ann Example <ann@example.com> 작성:", "2025-11-03 10:00에 Ann Example 이(가) 작성:", "작성"},
    {"cs", "Ano, přijdu.\nNa viděnou.", "Přijdeš?\nDoufám.\nAnn", "Od: ", "Odesláno: ", "Komu: ", "Předmět: ", "Původní zpráva",
     "po 3. 11. 2025 v 10:00 odesílatel Ann Example <ann@example.com> napsal:", "3. 11. 2025 v 10:00, Ann Example <ann@example.com>:",
     "Dne 03. 11. 25 v 10:00 Ann Example napsal(a):", "napsal(a)"},
    {"hu", "Igen, megyek.\nViszlát.", "Jössz?\nRemélem.\nAnn", "Feladó: ", "Küldve: ", "Címzett: ", "Tárgy: ", "Eredeti üzenet",
     "Ann Example <ann@example.com> ezt írta (időpont: 2025. nov. 3., H, 10:00):",
     "Ann Example <ann@example.com> írta (2025. nov. 3. 10:00):", "2025. 11. 03. 10:00 keltezéssel, Ann Example írta:", "írta"},
};

std::string as_quote(std::string_view text) {
  std::string out = "> ";
  for (const char c : text) {
    out += c;
    if (c == '\n') out += "> ";
  }
  return out;
}
/// As programs break it that keep to 72 columns: at blanks.
std::string wrapped(std::string_view line) {
  std::string out;
  std::size_t column = 0;
  while (!line.empty()) {
    const std::size_t end = std::min(line.find(' '), line.size());
    if (column > 0 && column + 1 + end > 50) {
      out += '\n';
      column = 0;
    } else if (column > 0) {
      out += ' ';
      ++column;
    }
    out += line.substr(0, end);
    column += end;
    line.remove_prefix(std::min(end + 1, line.size()));
  }
  return out;
}
std::string fields(const Language& l, std::string_view emphasis = "") {
  return fmt::format(
      "{0}{1}{0}Ann Example <ann@example.com>\n{0}{2}{0}3.11.2025 10:00\n{0}{3}{0}Bob Example <bob@example.net>\n{0}{4}{0}Lunch\n",
      emphasis, l.from, l.sent, l.to, l.subject);
}

struct Program {
  std::string_view name;
  std::string (*below)(const Language&);
};
const Program programs[] = {
    {"Outlook", [](const Language& l) { return fmt::format("________________________________\n{}\n{}", fields(l), l.older); }},
    {"Outlook, plain text", [](const Language& l) { return fmt::format("-----{}-----\n{}\n{}", l.original, fields(l), l.older); }},
    {"Outlook for phones", [](const Language& l) { return fmt::format("{}\n{}", fields(l, "*"), l.older); }},
    {"Gmail", [](const Language& l) { return fmt::format("{}\n\n{}\n", wrapped(l.gmail), as_quote(l.older)); }},
    {"Apple", [](const Language& l) { return as_quote(fmt::format("{}\n\n{}", l.apple, l.older)); }},
    {"Thunderbird", [](const Language& l) { return fmt::format("{}\n{}", l.thunderbird, as_quote(l.older)); }},
    {"Yahoo", [](const Language& l) { return fmt::format("{}\n\n{}", l.gmail, l.older); }},
    {"Samsung", [](const Language& l) { return fmt::format("-------- {} --------\n{}\n{}", l.original, fields(l), l.older); }},
    {"Hotmail",
     [](const Language& l) {
       return fmt::format("---\n{}Mon, 3 Nov 2025 10:00:00 +0100\n{}Lunch\n{}ann@example.com\n{}bob@example.net\n\n{}", l.sent, l.subject,
                          l.from, l.to, l.older);
     }},
    {"Zoho",
     [](const Language& l) {
       return fmt::format("---- Mon, 03 Nov 2025 10:00:00 +0100 Ann Example <ann@example.com> {} ----\n\n{}", l.zoho, l.older);
     }},
};

std::string fold(std::string_view text, OlderMessages older) {
  Arena arena;
  return std::string(fold_reply(text, older, arena).text);
}

TEST(Replies, TwoHundredInTwentyLanguages) {
  static_assert(std::size(languages) * std::size(programs) == 200);
  std::size_t folded = 0;
  std::size_t damaged = 0;
  for (const Language& language : languages) {
    for (const Program& program : programs) {
      const std::string text = fmt::format("{}\n\n{}\n", language.answer, program.below(language));
      const std::string shown = fold(text, OlderMessages::fold);
      SCOPED_TRACE(fmt::format("{} {}\n{}\n-- shown:\n{}", language.code, program.name, text, shown));
      // The answer whole, then one line that counts the rest.
      const std::string note = std::string(language.answer) + "\n\n[";
      const bool is_whole = shown.starts_with(language.answer);
      const bool is_folded = shown.starts_with(note) && shown.find('\n', note.size()) == std::string::npos && shown.ends_with("]");
      damaged += is_whole ? 0 : 1;
      folded += is_folded ? 1 : 0;
      EXPECT_TRUE(is_whole);
      EXPECT_TRUE(is_folded);
    }
  }
  fmt::print("replies: {} of {} folded, {} answers damaged\n", folded, std::size(languages) * std::size(programs), damaged);
}

TEST(Replies, TheNoteSaysWhoseMessageItWas) {
  for (const Language& language : languages) {
    for (const Program& program : programs) {
      const std::string shown = fold(fmt::format("{}\n\n{}\n", language.answer, program.below(language)), OlderMessages::fold);
      EXPECT_TRUE(shown.find("Ann Example") != std::string::npos || shown.find("ann@example.com") != std::string::npos)
          << language.code << " " << program.name << "\n"
          << shown;
    }
  }
}

TEST(Replies, WithoutASignInTheHeaderTheIntroductionIsTheSign) {
  for (const Language& language : languages) {
    for (const std::string_view name : {"Gmail", "Outlook", "Hotmail", "Apple"}) {
      const auto program = std::find_if(std::begin(programs), std::end(programs), [&](const Program& p) { return p.name == name; });
      const std::string text = fmt::format("{}\n\n{}\n", language.answer, program->below(language));
      EXPECT_TRUE(fold(text, OlderMessages::fold_introduced).starts_with(std::string(language.answer) + "\n\n[")) << text;
    }
  }
}

TEST(Replies, AnswersBetweenTheLinesStay) {
  for (const Language& language : languages) {
    const std::string text =
        fmt::format("{}\n> one\n> two\n> three\n\n{}\n\n> four\n\n{}", language.thunderbird, language.answer, language.answer);
    const std::string shown = fold(text, OlderMessages::fold);
    const std::size_t first = shown.find(language.answer);
    ASSERT_NE(first, std::string::npos) << shown;
    EXPECT_NE(shown.find(language.answer, first + 1), std::string::npos) << shown;
    EXPECT_EQ(shown.find("two"), std::string::npos) << shown;
  }
}

// What is no older message, or one that is there to be read: every line stays, in a mail that answers and in one that does not.
TEST(Replies, NothingElseIsFolded) {
  const std::string_view both[] = {
      "The steps:\n> open the lid\n> press the button\n> close it\n\nThat is all.",
      "Try this:\n> npm install\n> npm test\n> git push\n",
      "As Goethe wrote in 1808 in his Faust: all theory is grey.\nI agree.",
      "On Monday we meet at 10:00 and Ann wrote a list:\n- bread\n- milk",
      "Your train\nVon: Berlin Hbf\nAn: Hamburg Hbf\nDatum: 03.11.2025\nAbfahrt: 10:00",
      "De: Paris\nÀ: Lyon\nDate: 3/11/2025\nBillet: 12345",
      "The form was filled in:\n\nFrom: Joe\nPhone: 555 0100\nMessage: please call",
      "Please note\nTo: all staff\nthe office is closed on 24.12.2025.",
      "Agenda 03.11.2025 10:00:\n- Opening\n- Budget\n- Lunch",
      "Contact: bob@example.net, 3.11.2025 10:00\nI will be there.",
      "-----\nChapter one\n-----\nIt was a dark night.",
      "------ Summary ------\n3 open, 2 closed",
      "Dear all,\n\nDate: 3 November 2025\nPlace: Room 1\nSubject to change.",
      "A > B\nB > C\nso A > C",
      "Re: your question\nFrom: that day on it worked.\nThanks",
      "Bob escribió una carta el 3 de noviembre de 2025.\nEs larga.",
      "Von Anfang an: es war 2025 nicht leicht.\nGruß",
      "Sent: three boxes on 3.11.2025\nReceived: two",
  };
  for (const std::string_view text : both) {
    for (const OlderMessages older : {OlderMessages::fold, OlderMessages::fold_introduced}) {
      const std::string kept = fold(text, OlderMessages::keep);
      EXPECT_EQ(fold(text, older), kept);
    }
  }
  const std::string_view unanswered[] = {
      "The agenda for Tuesday:\n\n> 09:00 Opening\n>\n> 10:00 Budget\n>\n> 11:00 Lunch\n\nPlease be there.",
      "A poem\n> one\n> two\n> three\n> four",
      "As Churchill wrote:\n> never\n> give\n> in\n> ever\nGood words.",
      "FYI, see what Bob says:\n\nOn Mon, 3 Nov 2025 at 10:00, Bob <bob@example.net> wrote:\n\nThe pump is broken.\nSend somebody.",
      "You have a new message.\n\nFrom: Joe <joe@example.com>\nSubject: Hello\n\nMessage: call me\nplease",
      "Ticket 4711\nFrom: joe@example.com\nSubject: Broken pump\nStatus: open\nNext steps below.\nCall him.",
      "You have a new ticket\nFrom: Joe <joe@example.com>\nDate: 3 Nov 2025\nTo: help@example.com\nSubject: Pump\n\nThe pump is "
      "broken.\nPlease call.",
      "Somebody filled in the form of your site\n----------\nFrom: Joe\nDate: 3 Nov 2025\nSubject: Pump\n----------\nThe pump is broken.",
      "Log:\n> 10:00 start\n> 10:01 stop\n> 10:02 start",
      "-----Original Message-----\nwas the title of the book.\nI liked it.",
  };
  for (const std::string_view text : unanswered) EXPECT_EQ(fold(text, OlderMessages::fold_introduced), fold(text, OlderMessages::keep));
}

// Each language's words for a message that is passed on: what stands below is why the mail was sent.
TEST(Replies, ForwardedMessagesStay) {
  const std::string_view lines[] = {"---------- Forwarded message ---------",
                                    "---------- Weitergeleitete Nachricht ---------",
                                    "---------- Message transféré ---------",
                                    "---------- Mensaje reenviado ---------",
                                    "---------- Messaggio inoltrato ---------",
                                    "---------- Mensagem encaminhada ---------",
                                    "---------- Doorgestuurd bericht ---------",
                                    "---------- Vidarebefordrat meddelande ---------",
                                    "---------- Videresendt meddelelse ---------",
                                    "---------- Videresendt melding ---------",
                                    "---------- Välitetty viesti ---------",
                                    "---------- Przekazana wiadomość ---------",
                                    "---------- Пересылаемое сообщение ---------",
                                    "---------- Переслане повідомлення ---------",
                                    "---------- Yönlendirilmiş ileti ---------",
                                    "---------- 转发的邮件 ---------",
                                    "---------- 転送メッセージ ---------",
                                    "---------- 전달된 메시지 ---------",
                                    "---------- Přeposlaná zpráva ---------",
                                    "---------- Továbbított üzenet ---------",
                                    "Begin forwarded message:",
                                    "Anfang der weitergeleiteten Nachricht:",
                                    "Début du message réexpédié :"};
  for (const std::string_view line : lines) {
    for (const OlderMessages older : {OlderMessages::fold, OlderMessages::fold_introduced}) {
      const std::string text = fmt::format(
          "Please read.\n\n{}\nFrom: Ann <ann@example.com>\nDate: Mon, 3 Nov 2025 10:00\nSubject: Pump\nTo: bob@example.net\n\nThe pump is "
          "broken.",
          line);
      EXPECT_EQ(fold(text, older), text);
    }
  }
}

TEST(OlderMessagesOf, HeaderSigns) {
  struct Row {
    std::string header;
    OlderMessages expected;
  };
  using enum OlderMessages;
  const Row rows[] = {
      {"Subject: Re: x", fold},
      {"Subject: AW: x", fold},
      {"Subject: SV: x", fold},
      {"Subject: Antw: x", fold},
      {"Subject: R: x", fold},
      {"Subject: RIF: x", fold},
      {"Subject: RES: x", fold},
      {"Subject: Odp: x", fold},
      {"Subject: YNT: x", fold},
      {"Subject: Re[2]: x", fold},
      {"Subject: RE^3: x", fold},
      {"Subject: 回复：x", fold},
      {"Subject: 답장: x", fold},
      {"Subject: Ответ: x", fold},
      {"Subject: x\nIn-Reply-To: <a@b.example>", fold},
      {"Subject: x\nReferences: <a@b.example>", fold},
      {"Subject: Fwd: x\nIn-Reply-To: <a@b.example>", keep},
      {"Subject: WG: x\nReferences: <a@b.example>", keep},
      {"Subject: 转发：x", keep},
      {"Subject: PD: x", keep},
      {"Subject: VB: x", keep},
      {"Subject: [Fwd: x]", keep},
      {"Subject: x", fold_introduced},
      {"Subject: Reminder: x", fold_introduced},
      {"X: y", fold_introduced},
  };
  for (const Row& row : rows) {
    const std::string mail = row.header + "\n\ntext";
    auto message = mime::parse(bytes_of(mail));
    ASSERT_TRUE(message);
    EXPECT_EQ(older_messages_of(message->parts.front(), message->arena), row.expected) << row.header;
  }
}

}  // namespace
}  // namespace pushmail::convert
