// Plain text or page, by what each says; no row depends on a language.
#include <gtest/gtest.h>

#include "codec/convert/alternative_choice.h"
#include "codec/convert/fillers.h"
#include "codec/convert/link_list.h"
#include "codec/convert/text.h"

namespace pushmail::convert {
namespace {

bool page_wins(std::string_view plain, std::string_view page) {
  const HtmlText read = read_html(page, {});
  Said said;
  said.words.add(read.text);
  said.has_pictures = read.has_remote_pictures;
  return page_says_more(said_by_plain(plain), said);
}

constexpr std::string_view invoice =
    "<html><body><h1>Invoice 88</h1><p>Amount due: <b>120.00 EUR</b> by 30 October.</p><p>F&uuml;r Fragen: <a "
    "href='https://pay.example/i/88'>Pay here</a></p></body></html>";

TEST(AlternativeChoice, WhatSpeaksAboutTheMailGivesWayInAnyLanguage) {
  for (const std::string_view plain :
       {"Please use an HTML-capable mail reader.", "Ihr E-Mail-Programm kann diese Nachricht nicht anzeigen.",
        "Votre logiciel ne peut pas afficher ce message.", "Su programa de correo no puede mostrar este mensaje.",
        "Ваша программа не может показать это письмо.", "Το πρόγραμμά σας δεν υποστηρίζει αυτό το μήνυμα.",
        "お使いのメールソフトではこのメールを表示できません。", "您的邮件客户端无法显示此邮件。", "โปรแกรมของคุณไม่สามารถแสดงข้อความนี้ได้",
        "لا يمكن لبرنامج البريد عرض هذه الرسالة", "Bu iletiyi görmek için https://view.example/1 adresine gidin",
        "View this email in your browser: https://view.example/a/b/c", "-", "", "&nbsp;", "\u200C\u00A0\u200C\u00A0", "[image: logo]"}) {
    EXPECT_TRUE(page_wins(plain, invoice)) << plain;
  }
}

TEST(AlternativeChoice, ShortPagesBesideANote) {
  EXPECT_TRUE(page_wins("This message requires an HTML-capable mail client.", "<p>Your code is 4711</p>"));
  EXPECT_FALSE(page_wins("plain", "<p>html</p>"));
  EXPECT_TRUE(page_wins("", "<p>html</p>"));
  EXPECT_FALSE(page_wins("See you at nine", "<p>See you at nine</p>"));
  EXPECT_FALSE(page_wins("See you at nine", "<img src='https://a.example/x.png'>"));
  EXPECT_FALSE(page_wins("See you at nine", ""));
}

TEST(AlternativeChoice, TheSameWordsArePlain) {
  EXPECT_FALSE(
      page_wins("Invoice 88\n\nAmount due: *120.00 EUR* by 30 October.\n\nFür Fragen: Pay here <https://pay.example/i/88>", invoice));
  EXPECT_FALSE(
      page_wins("INVOICE 88\n==========\n\nAMOUNT DUE: 120.00 EUR BY 30 OCTOBER.\nFÜR FRAGEN: PAY HERE [1]\n\n[1] https://pay.example/i/88",
                invoice));
  EXPECT_FALSE(page_wins("親愛なる田中様、ご注文の品は月曜日に届きます。", "<p>親愛なる田中様、</p><p>ご注文の品は月曜日に届きます。</p>"));
  // Menus and small print that only the page has.
  EXPECT_FALSE(page_wins("Dear Ann, your parcel 4711 arrives on Monday between nine and twelve at your door, please have the money ready",
                         "<p>Home | Shop | Help</p><p>Dear Ann, your parcel 4711 arrives on Monday between nine and twelve at your door, "
                         "please have the money ready</p><p>Imprint Contact Unsubscribe</p>"));
}

TEST(AlternativeChoice, MorePicturesThanWordsLeaveThePlainText) {
  EXPECT_FALSE(
      page_wins("Dear Ann, on Saturday the shop in Main Street opens at nine, with coffee for all and half the price on shoes until noon, "
                "come early and bring friends",
                "<img src='https://a.example/1.jpg' alt='Sale'><img src='https://a.example/2.jpg'><p>Unsubscribe | Imprint</p>"));
}

TEST(AlternativeChoice, ABeginningIsNotTheWhole) {
  EXPECT_TRUE(
      page_wins("Dear Ann, your order has shipped. Read more: https://shop.example/o/1",
                "<p>Dear Ann, your order has shipped.</p><table><tr><td>Shoes, black, size 42</td><td>89.00</td></tr><tr><td>Socks, three "
                "pairs</td><td>9.00</td></tr></table>"
                "<p>It arrives on Tuesday with parcel service Example, number 12345. Return within thirty days, free of charge.</p>"));
}

TEST(AlternativeChoice, MarkupIsNotForPeople) {
  EXPECT_TRUE(page_wins("<h1>Invoice 88</h1><p>Amount due: <b>120.00 EUR</b> by 30 October.</p>", invoice));
  EXPECT_TRUE(page_wins("F&#252;r nur 45 Euro &amp; mehr", "<p>F&#252;r nur 45 Euro &amp; mehr</p>"));
  EXPECT_TRUE(page_wins("Only today: save 20 %\n\nbody, table, td { font-family: Arial !important; }\n\nYour order 4711 leaves today.",
                        "<p>Only today: save 20 %</p><p>Your order 4711 leaves today.</p>"));
  // The source says more than the page beside it.
  EXPECT_FALSE(page_wins("<p>one two three four five six seven eight nine ten</p><p>eleven</p>", "<p>eleven twelve</p>"));
}

TEST(Markup, IsCountedAsHtmlKnowsIt) {
  const Markup none = markup_of("a < b, <joe@example.com>, <https://a.example/>, if (a && b) { return 1; } {\"a\": 1} AT&T <vendor>");
  EXPECT_FALSE(none.any());
  EXPECT_EQ(markup_of("<p>a</p>").tags, 2U);
  EXPECT_EQ(markup_of("M&uuml;ller &amp; Co").references, 2U);
  EXPECT_EQ(markup_of("M&uuml;ller &amp; Co").inner_references, 1U);
  EXPECT_EQ(markup_of("@media x { td { color: red } p { margin:0;padding:0 } }").style_rules, 2U);
}

TEST(Markup, SourceOfAPage) {
  for (const std::string_view text :
       {"<html>x", " <!DOCTYPE html>x", "<p>Hello</p>", "<h1>a</h1><p>b</p>", "Hello<br>your order<br/>leaves<br>today",
        "<div><b>x</b></div>", "<table><tr><td>a</td></tr></table>"}) {
    EXPECT_TRUE(is_page_source(text)) << text;
  }
  for (const std::string_view text :
       {"", "Use <b> and <i> here", "<joe@example.com> wrote:\n> x", "<b>", "a < b > c", "<p> opens a paragraph, and nothing closes it",
        "Line\n<br> is a tag\nand <br>\nand <br>\nfour\nfive"}) {
    EXPECT_FALSE(is_page_source(text)) << text;
  }
}

TEST(Fillers, AreTakenOutOfPlainText) {
  Arena arena;
  struct {
    std::string_view text, expected;
  } const rows[] = {
      {"plain\ntext", "plain\ntext"},
      {"a\u00A0b", "a\u00A0b"},
      {"Save 20 % \u200C\u00A0\u200C\u00A0\u200C\u00A0\nnext", "Save 20 %\nnext"},
      {"\u034F \u00AD\u200B x", "x"},
      {"a \u200C\u00A0\u200C b", "a b"},
      {"in\u00ADvoice", "invoice"},
      {"\uFEFFHello", "Hello"},
      {"\u0645\u06CC\u200C\u062E\u0648\u0627\u0647\u0645", "\u0645\u06CC\u200C\u062E\u0648\u0627\u0647\u0645"},
      {"\U0001F468\u200D\U0001F469", "\U0001F468\u200D\U0001F469"},
      {"x\u200D", "x"},
  };
  for (const auto& row : rows) EXPECT_EQ(without_fillers(row.text, arena), row.expected) << row.text;
}

TEST(ShortLinks, StandBehindTheText) {
  Arena arena;
  const std::string path(100, 'x');
  const std::string one = "https://www.click.example/f/" + path;
  const std::string two = "http://other.example:8080/" + path + "?a=1,2";
  EXPECT_EQ(shorten_links("Shop (" + one + ") hello", arena).text, "Shop (click.example) hello\n\nLinks:\nShop: " + one);
  EXPECT_EQ(shorten_links("Track your parcel: " + one + ".", arena).text,
            "Track your parcel: click.example.\n\nLinks:\nTrack your parcel: " + one);
  EXPECT_EQ(shorten_links("a\n" + one + "\nb " + two + "\n" + one, arena).text,
            "a\nclick.example\nb other.example\nclick.example\n\nLinks:\n" + one + "\nb: " + two);
  EXPECT_EQ(shorten_links("Unsubscribe (" + one + ") | View it (" + two + ")", arena).text,
            "Unsubscribe (click.example) | View it (other.example)\n\nLinks:\nUnsubscribe: " + one + "\nView it: " + two);
  EXPECT_EQ(shorten_links("[Sale] (" + one + ")", arena).text, "[Sale] (click.example)\n\nLinks:\nSale: " + one);
  EXPECT_EQ(shorten_links("see (at " + one + ")", arena).shortened, 1U);
  EXPECT_EQ(shorten_links("https://user@host.example/" + path, arena).text.substr(0, 12), "host.example");
  for (const std::string& text : {std::string("short https://a.example/b."), std::string("no link ://x"), std::string(),
                                  "ftp://a.example/" + path, std::string("xhttp://")}) {
    EXPECT_EQ(shorten_links(text, arena).text, text);
    EXPECT_EQ(shorten_links(text, arena).shortened, 0U);
  }
}

TEST(ShortLinks, AreBounded) {
  Arena arena;
  std::string text;
  for (int i = 0; i < 100; ++i) text += "https://a.example/" + std::to_string(i) + std::string(100, 'y') + "\n";
  text += "https://a.example/" + std::string(5000, 'z');
  const ShortLinks links = shorten_links(text, arena);
  EXPECT_EQ(links.shortened, 101U);
  EXPECT_LT(links.text.size(), 8'000U);
  EXPECT_TRUE(links.text.ends_with("\n[71 more links in your mailbox]"));
}

}  // namespace
}  // namespace pushmail::convert
