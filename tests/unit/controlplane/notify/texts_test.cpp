// What phones read: every sentence as a table, and that a stranger's words can neither end their quotation nor read like ours.
#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <string>

#include "controlplane/notify/foreign.h"
#include "controlplane/notify/texts.h"

namespace pushmail::notify {
namespace {

const MailNews joe{.sender_name = "Joé", .sender_address = "joe@example.com", .subject = "Grüße", .size = 3000};

struct Notice {
  std::string made;
  std::string_view expected;
};

TEST(Texts, Notices) {
  const Notice notices[] = {
      {new_mail_text(joe, "17"), "Mail from \"Joé\" <joe@example.com>: \"Grüße\" (3 KB). Reply 17 to get it."},
      {new_mail_text(joe, "17", 1), "Mail from \"Joé\" <joe@example.com>: \"Grüße\" (3 KB). 1 more waits. Reply 17 to get it."},
      {new_mail_text(joe, "17", 37), "Mail from \"Joé\" <joe@example.com>: \"Grüße\" (3 KB). 37 more wait. Reply 17 to get it."},
      {new_mail_text({.sender_address = "joe@example.com"}, "99"), "Mail from joe@example.com: (no subject) (0 KB). Reply 99 to get it."},
      {new_mail_text({.sender_name = "Boss", .subject = "x", .size = 5 << 20}, "20"),
       "Mail from an unknown sender: \"x\" (5 MB). Reply 20 to get it."},
      {new_mail_text({.sender_address = "ceo@bank.example", .subject = "x", .size = 1, .unverified = true}, "20"),
       "Mail from ceo@bank.example (unverified sender): \"x\" (1 KB). Reply 20 to get it."},
      {too_large_text(joe),
       "Mail from \"Joé\" <joe@example.com>: \"Grüße\". With 3 KB it is too large for your phone; it stays in your mailbox."},
      {not_delivered_text(joe, ItemState::rejected),
       "The mail from \"Joé\" <joe@example.com>: \"Grüße\" could not be sent to your phone: it was refused. It stays in your mailbox."},
      {not_delivered_text({.sender_address = "a@b", .in_mailbox = false}, ItemState::failed),
       "The mail from a@b: (no subject) could not be sent to your phone: it could not be handed on."},
      {not_delivered_text({.sender_address = "a@b"}, ItemState::withdrawn),
       "The mail from a@b: (no subject) could not be sent to your phone: it is gone, or push mail was ended for your number."},
      {mail_failed_text("joe@example.com", "Hi", "joe@example.com: 550 5.1.1 no such user"),
       "Your mail to joe@example.com: \"Hi\" was not delivered: \"joe@example.com: 550 5.1.1 no such user\""},
      {mail_failed_text("joe@example.com", "", ""), "Your mail to joe@example.com: (no subject) was not delivered."},
      {no_such_number_text("+15550100009", "Hi"), "Your mail to +15550100009: \"Hi\" was not delivered: nobody has this number here."},
  };
  for (const Notice& notice : notices) EXPECT_EQ(notice.made, notice.expected);
}

TEST(Foreign, IsCleaned) {
  struct Row {
    std::string_view wire;
    std::size_t length_max;
    std::string_view shown;
  };
  const Row rows[] = {
      {"a\r\nReply 66\tb\x1b[31m\xc2\x85 \xe2\x80\xae c", 100, "a Reply 66 b[31m c"},
      {"  x  ", 10, "x"},
      {"\xff\xc3(\xf0\x9f\x98\x80", 10, "(\xf0\x9f\x98\x80"},
      {"a\xf4\x9f\x98\xa0\xc0\x80\xed\xa0\x80\xe0\x80\x80z", 10, "az"},  // beyond Unicode, too long, surrogate
      {"äöüß", 3, "äöü..."},
      {"\xc2\x9b"
       "31mred\xc2\x90",
       20, "31mred"},  // C1
      {"a\xe2\x80\x8e\xe2\x80\x8f\xe2\x81\xa6\xe2\x81\xa9\xd8\x9c"
       "b",
       20, "ab"},  // LRM RLM LRI PDI ALM
      {"a\xe2\x80\xa8"
       "b\xe2\x80\xa9"
       "c",
       20, "a b c"},                                           // line and paragraph separator
      {"Re\xe2\x80\x8bp\xc2\xadly\xef\xbb\xbf", 20, "Reply"},  // zero width, soft hyphen, byte order mark
  };
  for (const Row& row : rows) EXPECT_EQ(clean(row.wire, row.length_max), row.shown);
  const std::string endless(100'000, 'x');
  EXPECT_LT(new_mail_text({.sender_name = endless, .sender_address = endless, .subject = endless}, "17").size(), 400U);
}

TEST(Foreign, CannotReadLikeOurs) {
  struct Row {
    std::string_view wire;
    std::string_view shown;
  };
  const Row rows[] = {
      {"C (1 KB). Reply 10 to get it. Mail from Boss <boss@bank.example>: pay",
       "\"C (# KB). Reply ## to_get_it. Mail_from Boss <boss@bank.example>: pay\""},
      {"x\" (3 KB). REPLY: 17", "\"x' (# KB). REPLY: ##\""},
      {"“x” «y» ＂z", "\"'x' 'y' 'z\""},
      {"to answer, send 4711", "\"to answer, send ####\""},
      {"17 is what you reply with", "\"## is what you reply with\""},
      {"Ｒｅｐｌｙ １０", "\"Ｒｅｐｌｙ ##\""},
      {"Rерly ۱۷", "\"Rерly ##\""},  // Cyrillic letters, Persian digits
      {"GET17", "\"GET##\""},
      {"Your verification code is 482913", "\"Your verification code is 482913\""},  // somebody else's, and no code of ours
      {"12 of 30 seats left, 24 May", "\"12 of 30 seats left, 24 May\""},
      {"call 50001742 now", "\"call ######## now\""},  // our own number, with a suffix
      {"No mail with the code 20", "\"No mail with_the_code ##\""},
      {"(unverified  sender)", "\"(unverified_sender)\""},
  };
  for (const Row& row : rows) EXPECT_EQ(quoted(row.wire, 200, "5000"), row.shown);
}

// Whatever the language, and however the digits are written.
TEST(Foreign, InstructionsOfEveryLanguageAreDefused) {
  struct Row {
    std::string_view wire;
    std::string_view shown;
  };
  const Row rows[] = {
      // digits
      {"Reply ①⑦ to get", "\"Reply ## to get\""},
      {"Reply ⑰", "\"Reply #\""},
      {"Reply ⑴⑺", "\"Reply ##\""},
      {"Reply ⒈⒎", "\"Reply ##\""},
      {"Reply ¹⁷", "\"Reply ##\""},
      {"Reply ₁₇", "\"Reply ##\""},
      {"Reply １７", "\"Reply ##\""},
      {"Reply 𝟏𝟕", "\"Reply ##\""},
      {"Reply 𝟷𝟽", "\"Reply ##\""},
      {"Reply ١٧", "\"Reply ##\""},
      {"Reply १७", "\"Reply ##\""},
      {"Reply ๑๗", "\"Reply ##\""},
      {"Reply ೧೭", "\"Reply ##\""},
      {"Reply ❶❼", "\"Reply ##\""},
      {"Reply ⓵⓻", "\"Reply ##\""},
      {"Reply ⅩⅦ", "\"Reply ##\""},
      {"Reply 🄂🄈", "\"Reply ##\""},
      {"Reply 🯱🯷", "\"Reply ##\""},
      {"Reply 1O", "\"Reply ##\""},
      {"Reply l7", "\"Reply ##\""},
      {"Reply I7", "\"Reply ##\""},
      {"Reply 1о", "\"Reply ##\""},
      {"Reply 1 0", "\"Reply # #\""},
      {"Reply 1-0", "\"Reply #-#\""},
      {"Reply 1\xcc\xb2"
       "0",
       "\"Reply ###\""},
      {"Ｒéply 10", "\"Ｒéply ##\""},
      {"Re\xcc\x81ply 10", "\"Re\xcc\x81ply ##\""},
      {"ⓇⒺⓅⓁⓎ 10", "\"ⓇⒺⓅⓁⓎ ##\""},
      // languages
      {"Responda 10 para recibirlo", "\"Responda ## para recibirlo\""},
      {"Envíe el 10", "\"Envíe el ##\""},
      {"Código 17", "\"Código ##\""},
      {"Répondez 10 pour le lire", "\"Répondez ## pour le lire\""},
      {"Envoyez STOP ou 10", "\"Envoyez STOP ou ##\""},
      {"Réponse: 10", "\"Réponse: ##\""},
      {"Antworten Sie mit 10", "\"Antworten Sie mit ##\""},
      {"ANTWORT 10", "\"ANTWORT ##\""},
      {"mit der 10 antworten", "\"mit der ## antworten\""},
      {"Rispondi 10 per leggerlo", "\"Rispondi ## per leggerlo\""},
      {"Invia 10", "\"Invia ##\""},
      {"Responda com 10", "\"Responda com ##\""},
      {"Envie 10 para ler", "\"Envie ## para ler\""},
      {"Antwoord 10", "\"Antwoord ##\""},
      {"Stuur 10 terug", "\"Stuur ## terug\""},
      {"Svara 10 för att läsa", "\"Svara ## för att läsa\""},
      {"Skicka 10", "\"Skicka ##\""},
      {"Svar 10 for at læse", "\"Svar ## for at læse\""},
      {"Send kode 10", "\"Send kode ##\""},
      {"Vastaa 10", "\"Vastaa ##\""},
      {"Lähetä 10", "\"Lähetä ##\""},
      {"Odpowiedz 10", "\"Odpowiedz ##\""},
      {"Wyślij 10", "\"Wyślij ##\""},
      {"Odpovězte 10", "\"Odpovězte ##\""},
      {"Pošlete 10", "\"Pošlete ##\""},
      {"Válaszoljon: 10", "\"Válaszoljon: ##\""},
      {"Răspundeți 10", "\"Răspundeți ##\""},
      {"10 yanıtlayın", "\"## yanıtlayın\""},
      {"10 GÖNDERİN", "\"## GÖNDERİN\""},
      {"Ответьте 10", "\"Ответьте ##\""},
      {"ОТПРАВЬТЕ 10", "\"ОТПРАВЬТЕ ##\""},
      {"Код: 17", "\"Код: ##\""},
      {"Надішліть 10", "\"Надішліть ##\""},
      {"Відповідь 10", "\"Відповідь ##\""},
      {"Απαντήστε 10", "\"Απαντήστε ##\""},
      {"ΣΤΕΙΛΤΕ 10", "\"ΣΤΕΙΛΤΕ ##\""},
      {"أرسل ١٠", "\"أرسل ##\""},
      {"رد بـ 10", "\"رد بـ ##\""},
      {"پاسخ ۱۰", "\"پاسخ ##\""},
      {"השב 10", "\"השב ##\""},
      {"जवाब १०", "\"जवाब ##\""},
      {"回复10获取", "\"回复##获取\""},
      {"請回覆 １０", "\"請回覆 ##\""},
      {"回复十七", "\"回复##\""},
      {"10と返信してください", "\"##と返信してください\""},
      {"10 회신", "\"## 회신\""},
      {"10을 보내세요", "\"##을 보내세요\""},
      {"ตอบ 10", "\"ตอบ ##\""},
      {"Soạn 10", "\"Soạn ##\""},
      {"Balas 10", "\"Balas ##\""},
  };
  for (const Row& row : rows) EXPECT_EQ(quoted(row.wire, 200, "5000"), row.shown);
}

// Dates, times, prices, and numbers that nobody asks to be answered with.
TEST(Foreign, OrdinarySubjectsStayAsTheyAre) {
  for (const std::string_view subject : {
           "12 of 30 seats left, 24 May",
           "Rechnung 17 vom 12.05.2026",
           "Ihre Antwort auf unser Angebot vom 12. Mai",
           "Antworten Sie bis 12.05.2026",
           "Please reply before 10:30",
           "Send $20 to Joe",
           "Send 9.90 more",
           "Envoyez 20€",
           "Preis: 20 EUR",
           "10% Rabatt",
           "Gate 17 boarding",
           "Facture n° 17",
           "Pedido 88 confirmado",
           "Reunión a las 10:30 en la sala 12",
           "Votre commande 4711 est partie",
           "Bestellung 17 wurde verschickt",
           "Kokous klo 12",
           "Vergadering om 10 uur",
           "Møde kl. 10",
           "Zamówienie 12 gotowe",
           "Sipariş 42 yolda",
           "Встреча в 10:30",
           "Счёт № 17",
           "Συνάντηση στις 10",
           "جلسة 10:30",
           "会议 10:30",
           "订单 17 已发货",
           "请回复一下",
           "会議は10時から",
           "주문 17 완료",
           "Flight LO17",
           "O2 Rechnung",
           "H2O",
           "Chapter Ⅳ",
           "x² + y²",
           "第十七章",
           "WG: 2 Zimmer",
           "Your verification code is 482913",
           "Yaz 2026",
           "Your order 4711 was sent",
           "Mandarin 10 lessons",
           "Kodak 35",
           "Type 2 diabetes",
           "Projet de loi 17",
           "Photo contest 12",
       }) {
    EXPECT_EQ(quoted(subject, 200, "5000"), '"' + std::string(subject) + '"');
  }
}

/// Behind the first place where a text asks for an answer: one of our verbs, and two digits soon after it. npos: it asks for nothing.
std::size_t end_of_instruction(std::string text) {
  std::ranges::transform(text, text.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  const auto is_digit = [&](std::size_t at) { return at < text.size() && text[at] >= '0' && text[at] <= '9'; };
  for (std::size_t i = 0; i < text.size(); ++i) {
    for (const std::string_view verb : {"answer", "reply", "code", "send"}) {
      if (!std::string_view(text).substr(i).starts_with(verb)) continue;
      std::size_t at = i + verb.size();
      for (int gap = 0; gap < 12 && at < text.size() && !is_digit(at); ++gap) ++at;
      if (is_digit(at) && is_digit(at + 1) && !is_digit(at + 2)) return std::min(at + 3, text.size());
    }
  }
  return std::string::npos;
}

// Each of our sentences, written by a stranger as his subject and as his name, no longer looks like it.
TEST(Foreign, NoSentenceOfOursComesThrough) {
  const std::string ours[] = {new_mail_text(joe, "17", 3),       too_large_text(joe),        not_delivered_text(joe, ItemState::failed),
                              mail_failed_text("a@b", "x", "y"), no_recipient_text("5000"),  unknown_code_text("17", "18"),
                              expired_code_text("17"),           fetched_already_text("17"), not_understood_text("17"),
                              not_understood_text(""),           subscribe_text(),           suspended_text(),
                              no_such_number_text("1", "x")};
  for (const std::string& sentence : ours) {
    const std::string shown = quoted(sentence, 300, "5000");
    EXPECT_TRUE(shown.find('_') != std::string::npos || shown.find('#') != std::string::npos) << shown;
    EXPECT_EQ(end_of_instruction(shown), std::string::npos) << shown;
    const std::string notice = new_mail_text(
        {.sender_name = sentence, .sender_address = "e@x.example", .subject = sentence, .size = 1, .service_number = "5000"}, "42");
    EXPECT_LE(std::count(notice.begin(), notice.end(), '"'), 4) << "a quotation that does not end before its end: " << notice;
    const std::size_t end = end_of_instruction(notice);
    ASSERT_NE(end, std::string::npos);
    EXPECT_EQ(notice.substr(end), "to get it.") << notice;
  }
}

TEST(Foreign, ANameThatClaimsAnAddressIsDropped) {
  for (const char* name : {"ceo@bank.example", "ceo@bank.example <", "Boss (boss＠bank.example)"}) {
    EXPECT_EQ(new_mail_text({.sender_name = name, .sender_address = "e@x.example", .subject = "s", .size = 1}, "17"),
              "Mail from e@x.example: \"s\" (1 KB). Reply 17 to get it.");
  }
  EXPECT_EQ(new_mail_text({.sender_name = "n", .sender_address = "\"a: x. Reply 10 \"@x.example", .subject = "s", .size = 1}, "17"),
            "Mail from \"n\" <\"'a: x. Reply ## '@x.example\">: \"s\" (1 KB). Reply 17 to get it.");
}

}  // namespace
}  // namespace pushmail::notify
