// HTML -> text, rule by rule: what is dropped, what is kept, how it stands in lines.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>

#include "codec/convert/errors.h"
#include "codec/convert/html_style.h"
#include "codec/convert/text.h"

namespace pushmail::convert {
namespace {

struct Row {
  std::string html, expected;
};
void expect_rows(std::initializer_list<Row> rows) {
  for (const Row& row : rows) EXPECT_EQ(html_to_text(row.html), row.expected) << row.html;
}

TEST(HtmlLinks, EachAddressOnce) {
  expect_rows({
      {"<a href=\"https://a.example/x\">Shop</a> and <a href=\"https://a.example/x\">shop again</a>", "Shop (https://a.example/x) and shop again"},
      // A picture and its title lead to the same page.
      {"<a href=\"https://a.example/x\"><img src=p></a> <a href=\"https://a.example/x\">Title</a>", "Title (https://a.example/x)"},
      {"<p>one</p><p><a href=\"https://a.example/x\"><img src=p></a></p><p>two</p>", "one\nhttps://a.example/x\n\ntwo"},
      {"one <a href=\"https://a.example/x\"><img src=p></a> two", "one https://a.example/x two"},
      {"<blockquote>one<br><a href=\"https://a.example/x\"><img src=p></a></blockquote>two", "> one\n> https://a.example/x\n\ntwo"},
      {"<a href=\"https://a.example/x\"><img src=p></a> <a href=\"https://a.example/x\"><img src=q></a>", "https://a.example/x"},
      {"<a href=\"https://a.example/x\"><img src=p alt='Shop now'></a>", "[Shop now] (https://a.example/x)"},
      {"<a href=\"mailto:\">x</a><a href='#top'>y</a><a name=z>z</a>", "xyz"},
      {"<a href=\"tel:+15550100\">call</a>", "call (tel:+15550100)"},
  });
}

TEST(HtmlHidden, IsDropped) {
  for (const std::string attribute : {"style='display:none'", "style='DISPLAY : none !important'", "style='visibility:hidden'", "style='mso-hide:all'", "style='font-size:0'",
                                      "style='font-size: 0.0px; line-height:1px'", "style='font-size:1px'", "style='font:0/0 a'", "style='max-height:0px;overflow:hidden'",
                                      "style='opacity:0'", "style='height:0;overflow:hidden'", "style='overflow:hidden;width:0px'", "hidden", "hidden=''", "aria-hidden='true'",
                                      "class='preheader'", "class='x email-preheader'", "id='PreHeader'", "class='preview-text'"}) {
    EXPECT_EQ(html_to_text("<div " + attribute + ">gone<b> too</b></div>seen"), "seen") << attribute;
  }
  for (const std::string attribute : {"style='display:block'", "style='visibility:visible'", "style='font-size:16px'", "style='font-size:1em'", "style='max-height:100px'", "style='opacity:0.9'",
                                      "style='height:0'", "style='overflow:hidden'", "aria-hidden='false'", "class='header'", "style='width:1px'", "style=';:;x'", "style='font-size'"}) {
    EXPECT_EQ(html_to_text("<span " + attribute + ">kept</span> seen"), "kept seen") << attribute;
  }
}

TEST(HtmlHidden, LettersOfNoSizeAreAboutTheInnermostSize) {
  expect_rows({
      // Campaign tools take the size away from a cell, to lose its white space, and give it back inside.
      {"<td style='font-size:0px'>gone<div style='font-size:13px'>kept</div></td>", "kept"},
      {"<td style='font-size:13px'><div style='font-size:0'>gone</div>kept</td>", "kept"},
      // Their sizes may stand in a style sheet: better all of it than nothing.
      {"<body style='font-size:0'><p class=x>text</p></body>", "text"},
      {"<body style='font-size:0'><p style='display:none'>gone</p></body>", ""},
  });
}

TEST(HtmlHidden, ClassesOfTheStyleSheet) {
  const auto page = [](std::string_view sheet) { return "<style>" + std::string(sheet) + "</style><p class='other phone'>phone</p>text"; };
  for (const std::string_view sheet : {".phone{display:none}", "<!-- .a, p.phone { color:red; display : none !important } -->", "@import x; /* .b{ */ .phone{max-height:0}", "@media x{.a{color:red}} .phone{display:none}"}) {
    EXPECT_EQ(html_to_text(page(sheet)), "text") << sheet;
  }
  for (const std::string_view sheet : {".phone{color:red}", "@media print{.phone{display:none}}", ".a .phone{display:none}", ".phone:hover{display:none}", ".phone.a{display:none}", "p{display:none}", ".phone", ".phone{}/*", "/.phone{}", ".{display:none}", "}}"}) {
    EXPECT_EQ(html_to_text(page(sheet)), "phone\n\ntext") << sheet;
  }
  EXPECT_EQ(html_to_text("<style media=print>.x{display:none}</style><p class=x>kept"), "kept");
  // Better all of it than nothing.
  EXPECT_EQ(html_to_text("<style>.x{display:none}</style><p class=x>all"), "all");
  std::string many;
  for (int i = 0; i < 200; ++i) many += ".c" + std::to_string(i) + "{display:none}";
  EXPECT_EQ(hidden_classes(many).size(), 64U);
}

TEST(HtmlHidden, FillingOfPreviewLines) {
  expect_rows({
      {"a &zwnj;&nbsp;&zwnj;&nbsp;&#847;&#8199;&#xFEFF;&shy;b", "a b"},
      {"می‌خواهم", "می‌خواهم"},
      {"<p>&zwnj;&nbsp;&zwnj;</p>text", "text"},
      {"a\x01\x1F\x7F" "b", "ab"},
  });
}

TEST(HtmlLists, BulletsNumbersAndDepth) {
  expect_rows({
      {"<ol><li>a<li>b</ol>", "1. a\n2. b"},
      {"<ol start=5><li>a<li value=9>b<li>c</ol>", "5. a\n9. b\n10. c"},
      {"<ul><li>a<ul><li>b<li>c</ul><li>d</ul>e", "- a\n  - b\n  - c\n- d\n\ne"},
      {"<ul><li><p>a</p></li><li><p>b</p></li></ul>", "- a\n- b"},
      {"<ul><li></li><li> </li><li>a</li></ul>b", "- a\n\nb"},
      {"<li>a", "- a"},
      {"<ol start=x><li>a</ol>", "1. a"},
  });
}

TEST(HtmlTables, CellsShareALineWhenItIsReadable) {
  const std::string sentence = "A sentence that is long enough to make a row of two such cells longer than a line on a phone may ever be.";
  expect_rows({
      {"<table><tr><th>Item</th><th>Price</th></tr><tr><td><p>Tea</p></td><td><p>3.50</p></td></tr></table>", "Item | Price\nTea | 3.50"},
      {"<table><tr><td>a<br>b</td><td>c</td></tr></table>", "a\nb\nc"},
      {"<table role=presentation><tr><td>Name:</td><td>Ann</td></tr></table>", "Name: Ann"},
      {"<table><tr><td></td><td>a</td><td> </td><td>b</td><td></td></tr></table>", "a | b"},
      {"<table><tr><td>" + sentence + "</td><td>" + sentence + "</td></tr></table>", sentence + "\n" + sentence},
      {"<table><tr><td><table><tr><td>a</td><td>b</td></tr><tr><td>c</td></tr></table></td><td>d</td></tr></table>", "a | b\nc\nd"},
      // Without data, cells are paragraphs and keep their distance.
      {"<table><tr><td><p>a</p></td></tr><tr><td><p>b</p></td></tr></table><p>c", "a\n\nb\n\nc"},
      {"<blockquote><table><tr><td>a<br>b</td><td>c</td></tr></table></blockquote>", "> a\n> b\n> c"},
      {"<table><tr><td>a</td><td><ul><li>b</ul></td></tr></table>", "a\n- b"},
      {"<td>a</td><td>b</td>", "ab"},
  });
}

TEST(HtmlBlocks, HeadingsRulersAndWhiteSpace) {
  expect_rows({
      {"before<h2>Title</h2>after", "before\n\nTitle\n\nafter"},
      {"<hr>a<hr><hr>b<hr>", "a\n---\nb"},
      {"a<div> </div><div>\n</div><p></p><p>&nbsp;</p>b", "a\n\nb"},
      {"a<br><br><br><br>b", "a\n\nb"},
      {"<pre>a\n\n\n  b\tc\r\nd</pre>e", "a\n\n\n  b c\nd\n\ne"},
      {"<blockquote>a<hr>b</blockquote>", "> a\n> ---\n> b"},
      {"<select><option>x</select><video>old browser</video><iframe>y</iframe>z", "z"},
      {"<div>a<section>b</section></div><figure>c<figcaption>d</figcaption></figure>", "a\nb\nc\nd"},
  });
}

TEST(HtmlQuotes, MarksAndIndentation) {
  expect_rows({
      {"<blockquote type=cite>a<blockquote type=cite>b</blockquote></blockquote>c", "> a\n\n>> b\n\nc"},
      {"<blockquote style='margin:0 0 0 40px;border:none'>mine</blockquote>", "mine"},
      {"<blockquote style='border:0' type=cite>his</blockquote>", "> his"},
      {"<div>mine</div><div class='yahoo_quoted'>his</div>", "mine\n> his"},
  });
}

TEST(HtmlPictures, DescriptionOrPlaceInTheOrder) {
  constexpr std::array<std::string_view, 3> carried{"a@x", "b@x", "c.png"};
  const HtmlText page = read_html("<img src='cid:b%40x' alt='B'>text<img src=c.png alt=C><img src='cid:gone' alt='Gone'><img src='CID:a@x'>", carried);
  EXPECT_EQ(page.text, "text[Gone]");
  EXPECT_EQ(page.pictures, (std::vector<std::string>{"b@x", "c.png", "a@x"}));
  EXPECT_FALSE(page.fault);
  expect_rows({
      {"<img alt='image001.png' src=x><img alt='Photo of Ann.JPG' src=x>", "[Photo of Ann.JPG]"},
      {"<img alt=x height=0 src=t><img alt=x style='width:1px;height:1px' src=t><img alt=x aria-hidden=true src=t><img alt=' ' src=t>", ""},
      {"<img alt='x' width=100% src=t>", "[x]"},
  });
}

TEST(HtmlLinks, ALinkBehindABlankLineIsNotWrittenIntoACharacter) {
  // libxml2 makes U+FFFD of the octet that no character has.
  constexpr std::string_view page("<pre> \0\n<a href=http:><a>\u00FC", 27);
  static_assert(page.ends_with("\u00FC"));
  const std::string text = read_html(page, {}).text;
  EXPECT_NE(text.find("\u00FC"), std::string::npos) << text;
  EXPECT_NE(text.find("http:"), std::string::npos) << text;
}

TEST(HtmlLimits, FaultsAreRows) {
  std::string deep;
  for (int i = 0; i < 300; ++i) deep += "<div>";
  const HtmlText page = read_html(deep + "deep &amp; far<!", {});
  EXPECT_EQ(page.text, "deep &amp; far");
  ASSERT_TRUE(page.fault);
  EXPECT_TRUE(page.fault->is(convert_html_too_deep));

  const HtmlText large = read_html(std::string(1200 * 1024, 'x') + "<p>never", {});
  EXPECT_EQ(large.text.size(), 1024U * 1024U);
  ASSERT_TRUE(large.fault);
  EXPECT_TRUE(large.fault->is(convert_html_too_large));
  EXPECT_EQ(large.fault->at, 1200U * 1024U + 3U);  // behind the tag
  EXPECT_FALSE(read_html("short", {}).fault);
}

}  // namespace
}  // namespace pushmail::convert
