// HTML -> text, rule by rule: what is dropped, what is kept, how it stands in lines.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>

#include "codec/convert/errors.h"
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
      {"<a href=\"https://a.example/x\">Shop</a> and <a href=\"https://a.example/x\">shop again</a>",
       "Shop (https://a.example/x) and shop again"},
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
  for (const std::string attribute : {"style='display:none'",
                                      "style='DISPLAY : none !important'",
                                      "style='visibility:hidden'",
                                      "style='font-size:0'",
                                      "style='font-size: 0.0px; line-height:1px'",
                                      "style='font-size:1px'",
                                      "style='font:0/0 a'",
                                      "style='max-height:0px;overflow:hidden'",
                                      "style='opacity:0'",
                                      "style='height:0;overflow:hidden'",
                                      "style='overflow:hidden;width:0px'",
                                      "hidden",
                                      "hidden=''",
                                      "style='color:#fff'",
                                      "style='color:#FEFEFE'",
                                      "style='color: white'",
                                      "style='color:rgb(255,255,255)'",
                                      "style='color:transparent'",
                                      "style='color:rgba(1,2,3,0)'",
                                      "style='background:#336699;color:#369'",
                                      "bgcolor=000000 style='color:black'",
                                      "style='background-color:rgb(240,240,240);color:#f2f2f2'",
                                      "style='position:absolute;left:-9999px'",
                                      "style='position: absolute; top: -1000em'",
                                      "style='text-indent:-9999px'",
                                      "style='margin-left:-2000px'",
                                      "style='position:absolute;clip:rect(0,0,0,0)'",
                                      "style='position:absolute;clip-path:inset(50%)'",
                                      "style='transform:scale(0)'",
                                      "style='font-family:&quot;A;B&quot;;display:none'"}) {
    EXPECT_EQ(html_to_text("<div " + attribute + ">gone<b> too</b></div>seen"), "seen") << attribute;
  }
  for (const std::string attribute : {"style='mso-hide:all'",
                                      "aria-hidden='true'",
                                      "class='preheader'",
                                      "style='max-height:0'",
                                      "style='color:#ccc'",
                                      "style='color:#fff;background:#000'",
                                      "style='color:#fff;background:url(dark.png)'",
                                      "style='color:white;background-image:linear-gradient(red,blue)'",
                                      "background=dark.png style='color:#fff'",
                                      "style='color:#fff;position:relative'",
                                      "style='color:#fff;margin-top:-80px'",
                                      "bgcolor=navy style='color:#fff'",
                                      "style='color:papayawhip'",
                                      "style='left:-20px'",
                                      "style='text-indent:-18pt'",
                                      "style='clip:rect(0,0,0,0)'",
                                      "style='visibility:visible'",
                                      "style='font-size:16px'",
                                      "style='font-size:1em'",
                                      "style='max-height:100px'",
                                      "style='opacity:0.9'",
                                      "style='height:0'",
                                      "style='overflow:hidden'",
                                      "aria-hidden='false'",
                                      "class='header'",
                                      "style='width:1px'",
                                      "style=';:;x'",
                                      "style='font-size'"}) {
    EXPECT_EQ(html_to_text("<span " + attribute + ">kept</span> seen"), "kept seen") << attribute;
  }
}

TEST(HtmlHidden, LettersOfNoSizeAreAboutTheInnermostSize) {
  expect_rows({
      // Campaign tools take the size away from a cell, to lose its white space, and give it back inside.
      {"<table><td style='font-size:0px'>gone<div style='font-size:13px'>kept</div></td></table>", "kept"},
      {"<table><td style='font-size:13px'><div style='font-size:0'>gone</div>kept</td></table>", "kept"},
      // Their sizes may stand in a style sheet: better all of it than nothing.
      {"<body style='font-size:0'><p class=x>text</p></body>", "text"},
      {"<body style='font-size:0'><p style='display:none'>gone</p></body>", ""},
  });
}

TEST(HtmlHidden, ClassesOfTheStyleSheet) {
  const auto page = [](std::string_view sheet) { return "<style>" + std::string(sheet) + "</style><p class='other phone'>phone</p>text"; };
  for (const std::string_view sheet :
       {".phone{display:none}", "<!-- .a, p.phone { color:red; display : none !important } -->",
        "@import x; /* .b{ */ .phone{max-height:0;overflow:hidden}", "@media x{.a{color:red}} .phone{display:none}", "p{display:none}",
        "*{}.other.phone{display:none}", "@media screen{.phone{display:none}}", "@media all { p { margin:0 } .phone { display:none } }",
        ".phone{color:#fff}", ".phone{position:absolute;left:-9999px}", ".phone{display:block}p.phone{display:none}",
        ".phone{display:none!important}p.phone{display:block}"}) {
    EXPECT_EQ(html_to_text(page(sheet)), "text") << sheet;
  }
  for (const std::string_view sheet :
       {".phone{color:red}", "@media print{.phone{display:none}}", ".a .phone{display:none}", ".phone:hover{display:none}",
        ".phone.a{display:none}", ".phone", ".phone{}/*", ".phone{display:none}.phone{display:block}",
        "p.phone{display:block}.phone{display:none}", "#phone{display:none}", "div .phone{display:none}",
        ".phone{display:none}p.other{display:inline !important}", "[x] .phone{display:none}", "/.phone{}", ".{display:none}", "}}"}) {
    EXPECT_EQ(html_to_text(page(sheet)), "phone\n\ntext") << sheet;
  }
  EXPECT_EQ(html_to_text("<style media=print>.x{display:none}</style><p class=x>kept"), "kept");
  // Better all of it than nothing.
  const HtmlText all = read_html("<style>.x{display:none}</style><p class=x>all", {});
  EXPECT_EQ(all.text, "all");
  ASSERT_TRUE(all.fault);
  EXPECT_TRUE(all.fault->is(convert_html_hidden));
  // What an element says of itself wins, but for what is important; and a sheet may stand behind what it hides.
  EXPECT_EQ(html_to_text("<style>.x{display:none}</style><p class=x style='display:block'>kept"), "kept");
  EXPECT_EQ(html_to_text("<style>.x{display:none !important}</style><p class=x style='display:block'>gone</p>kept"), "kept");
  EXPECT_EQ(html_to_text("<p class=x>gone</p>kept<style>.x{display:none}</style>"), "kept");
  EXPECT_EQ(html_to_text("<style>.a .b>i{display:none}</style><div class=a><p class=b><i>gone</i>kept</p></div><i>kept"), "kept\n\nkept");
  EXPECT_EQ(html_to_text("<style>.dark{background:#333}</style><table><td class=dark><p style='color:#fff'>kept"), "kept");
  EXPECT_EQ(html_to_text("<link rel=stylesheet href='https://a.example/s.css'><p style='color:#fff'>kept"), "kept");
  // A sheet in a comment is for one program.
  EXPECT_EQ(html_to_text("<!--[if mso]><style>.x{display:none}</style><![endif]--><p class=x>kept"), "kept");
}

TEST(HtmlHidden, TooManyRulesMakeNoColourSure) {
  std::string many = "<style>";
  for (int i = 0; i < 300; ++i) many += ".c" + std::to_string(i) + "{display:none}";
  many += "</style>";
  EXPECT_EQ(html_to_text(many + "<p class=c0>gone</p><p class=c299 style='color:#fff'>kept</p>"), "kept");
}

TEST(HtmlHidden, StylesOfAHostilePageAreForgotten) {
  std::string page = "<style>";
  for (int i = 0; i < 128; ++i) page += "b b b .c" + std::to_string(i) + "{display:none}";
  page += "</style>";
  for (int i = 0; i < 500; ++i) page += "<b>";
  for (int i = 0; i < 50'000; ++i) page += "<p class='c0 c127'>x</p>";
  EXPECT_FALSE(html_to_text(page).empty());
}

TEST(HtmlHidden, FillingOfPreviewLines) {
  expect_rows({
      {"a &zwnj;&nbsp;&zwnj;&nbsp;&#847;&#8199;&#xFEFF;&shy;b", "a b"},
      {"می‌خواهم", "می‌خواهم"},
      {"<p>&zwnj;&nbsp;&zwnj;</p>text", "text"},
      {"a\x01\x1F\x7F"
       "b",
       "ab"},
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
      {"<ol type=a><li>a<li>b<li value=28>c</ol>", "a. a\nb. b\nab. c"},
      {"<ol type=I start=4><li>a<li>b<li value=400>c</ol>", "IV. a\nV. b\n400. c"},
      {"<dl><dt>a<dd>b<dt>c<dd>d</dl>", "a\nb\nc\nd"},
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
      // Without a table, their tags mean nothing.
      {"<td>a</td><td>b</td>", "ab"},
      {"<table><td>a<td>b<tr><td>c</table>d", "a | b\nc\nd"},
      {"<table><thead><tr><th>a<tbody><tr><td>b</table>", "a\nb"},
      {"<table><tr><td><div>a</td></div><td>b</td></tr></table>", "a | b"},
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
      {"<select><option>x<div></select><video>old browser</video><iframe>y</iframe><template>t</template>z", "z"},
      {"<object>no reader</object><noscript>still text</noscript><textarea>typed</textarea>", "no readerstill text\ntyped"},
      {"<frameset><frame src=a><noframes><body><p>Old &amp; whole</body></noframes></frameset>", "Old & whole"},
      {"<input type=submit value='Send &amp; go'><input type=text value=x><button>Go</button>", "[Send & go]Go"},
      {"<span style='display:block'>a</span><span style='display:block'>b</span><i style='display:inline-block'>c</i><i "
       "style='display:inline-block'>d</i>",
       "a\nb\nc d"},
      {"<div style='white-space:pre-wrap'>a\n  b\nc</div>d", "a\n  b\nc\nd"},
      {"<p>He said <q>yes</q>.", "He said \"yes\"."},
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
  // In a mail that answers nothing only what says or looks that it cites does so.
  for (const std::string_view attributes :
       {"type=cite", "cite='mid:a@b'", "class=gmail_quote style='margin:0 0 0 .8ex;border-left:1px #ccc solid'",
        "style='BORDER-LEFT: #000000 2px solid'"}) {
    const std::string page = "<p>mine<blockquote " + std::string(attributes) + ">his</blockquote>";
    EXPECT_EQ(read_html(page, {.bare_quotes = BareQuotes::indent}).text, "mine\n\n> his") << attributes;
  }
  for (const std::string_view attributes : {"", "dir=ltr", "style='margin-left:40px'", "style='border:none'", "class=note"}) {
    const std::string page = "<p>mine<blockquote " + std::string(attributes) + "><p>09:00 Opening<p>10:00 Budget</blockquote>";
    EXPECT_EQ(read_html(page, {.bare_quotes = BareQuotes::indent}).text, "mine\n\n09:00 Opening\n\n10:00 Budget") << attributes;
  }
}

TEST(HtmlWords, StruckTextIsMarked) {
  expect_rows({
      {"<p>Price <s>99 EUR</s> <b>49 EUR</b>, <del>Monday</del> <ins>Tuesday</ins></p>",
       "Price [struck out: 99 EUR] 49 EUR, [struck out: Monday] Tuesday"},
      {"<strike>a</strike><span style='text-decoration: line-through'>b</span>", "[struck out: a][struck out: b]"},
      {"<s> </s><s></s><s><img src=x></s>x", "x"},
      {"<s>a<del>b</del>c</s>d", "[struck out: abc]d"},
      {"<del><p>a</p><p>b</p></del><p>c", "[struck out: a\n\nb]\n\nc"},
      {"<p><s>a<p>b</s>c", "[struck out: a\n\nb]c"},
      {"<table><tr><td><s>99</s></td><td>49</td></tr></table>", "[struck out: 99] | 49"},
      {"<ul><li><s>done</s><li>open</ul>", "- [struck out: done]\n- open"},
      {"<s>never closed", "[struck out: never closed]"},
      {"<s style='display:none'>gone</s>kept", "kept"},
      {"<style>.old{text-decoration:line-through}</style><span class=old>99</span> 49", "[struck out: 99] 49"},
  });
}

TEST(HtmlWords, SuperscriptsAreNotDigitsOfWhatTheyStandOver) {
  expect_rows({
      {"10<sup>6</sup> pieces", "10^6 pieces"},
      {"5 m<sup>2</sup>, 10<sup>-3</sup>, 2<sup>n</sup>, (a+b)<sup>2</sup>, 10<sup>&minus;9</sup>",
       "5 m^2, 10^-3, 2^n, (a+b)^2, 10^\u22129"},
      {"19<sup>99</sup>", "19^99"},
      {"1<sup>st</sup>, Mod<sup>TM</sup>, x<sup>*</sup>, 2<sup>e</sup>", "1st, ModTM, x*, 2e"},
      {"<sup>1</sup> Footnote", "1 Footnote"},
      {"a <sup>1</sup>", "a 1"},
      {"<sup></sup>6", "6"},
      {"10<span style='vertical-align:super'>6</span>5", "10^65"},
      {"CO<sub>2</sub>", "CO2"},
  });
}

TEST(HtmlWords, LettersOfFontsOfSignsAreSigns) {
  expect_rows({
      {"Thanks <span style='font-family:Wingdings'>J</span> J", "Thanks \u263A J"},
      {"<font face=Wingdings>&#224;</font> next <font face='\"Wingdings 2\"'>\u00FC<font face=Arial>J</font></font>",
       "\u2192 next \u2713J"},
      {"<span style='font-family:Wingdings'>\u00A7<span style='font:7.0pt \"Times New Roman\"'>&nbsp; </span></span>item", "- item"},
      {"<span style='font-family:Symbol'>\uF0B7</span> item", "- item"},
  });
}

TEST(HtmlLinks, TakeNothingInThatIsNoAddress) {
  expect_rows({
      {"<a href=\"https://a.example/x>here</a> and <b>more</b>\">x</a>", "x (https://a.example/x)"},
      {"<a href='https://a.example/a b.pdf'>x</a>", "x (https://a.example/a%20b.pdf)"},
      {"<a href='https://a.example/a\n b'>x</a>", "x (https://a.example/a%20b)"},
  });
}

TEST(HtmlWords, AreNeverLost) {
  expect_rows({
      {"<meta charset=utf-8><section><h1>Your invoice</h1><p>Amount 120.00 EUR</p></section>", "Your invoice\n\nAmount 120.00 EUR"},
      {"<title>t</title><header>a</header><v:shape>b</v:shape><my-card>c</my-card>", "a\nbc"},
      {"<html><head><meta><article>a</article></head><body>b</body></html>", "a\nb"},
      {"<head><title>t</title><p>a</head>b", "ab"},
      {"<html><body><p>A</p><!--><p>B text</p><!----><p>C</p></body></html>", "A\n\nB text\n\nC"},
      {"<body>a</body></html>b<p>c", "ab\n\nc"},
      {"<div hidden><html><body>gone</body></html></div>kept", "kept"},
      {"<blockquote type=cite><html><head></head><body>his</body></html></blockquote>mine", "> his\n\nmine"},
      {"<svg/>a<svg><path d=x/><title>t</title></svg>b<svg><g>gone<p>c", "ab\n\nc"},
      {"<math><mi>x</mi><mo>=</mo><mn>2</mn></math>", "x=2"},
      {"</p>a</br>b</div></td>c", "a\nbc"},
      {"<div hidden>gone<b>too</div>kept", "kept"},
      {"<a href='https://a.example/1'>one<a href='https://a.example/2'>two</a>", "one (https://a.example/1)two (https://a.example/2)"},
      {"<center><font color=red><i>a</center>b</font>", "a\nb"},
      {"<p>a<table><tr><td>b</table>c", "a\n\nb\nc"},
      {"<ruby>\u6F22<rp>(</rp><rt>kan</rt><rp>)</rp></ruby>", "\u6F22(kan)"},
  });
}

TEST(HtmlWords, WhatNeverEndsIsShownWhenThereIsNothingElse) {
  for (const std::string_view page : {"<!-- <p>all the words</p>", "<p title='x><b>all the words</b>", "<title><b>all the words</b>"}) {
    const HtmlText read = read_html(page, {});
    EXPECT_EQ(read.text, page.find("title='") == std::string_view::npos ? "all the words" : read.text) << page;
    EXPECT_NE(read.text.find("all the words"), std::string::npos) << page;
    ASSERT_TRUE(read.fault) << page;
    EXPECT_TRUE(read.fault->is(convert_html_unfinished)) << page;
  }
  EXPECT_EQ(read_html("seen<!-- <p>not seen", {}).text, "seen");
}

TEST(HtmlPictures, APageOfPicturesSaysSo) {
  struct {
    std::string_view page;
    OnlyPictures only;
  } const rows[] = {
      {"<img src='https://cdn.example/sale.jpg' width=600 height=900>", OnlyPictures::on_a_site},
      {"<a href='https://a.example/'><img src='//cdn.example/sale.jpg'></a><p><a href='https://a.example/u'>Unsubscribe</a></p>",
       OnlyPictures::on_a_site},
      {"<table><td background='https://a.example/b.png'>&nbsp;</table>", OnlyPictures::on_a_site},
      {"<img src='data:image/png;base64,AAAA'>", OnlyPictures::inside_the_page},
      {"<img src='https://a.example/x.gif' width=1 height=1>", OnlyPictures::no},
      {"<img src='https://a.example/x.png' alt='All shoes for half the price until Sunday'>", OnlyPictures::no},
      {"<img src='https://a.example/x.png'><p>All shoes for half the price until Sunday</p>", OnlyPictures::no},
      {"<img src='https://a.example/x.png'><img src='cid:a'>", OnlyPictures::no},
      {"", OnlyPictures::no},
  };
  constexpr std::array<std::string_view, 1> carried{"a"};
  for (const auto& row : rows) EXPECT_EQ(read_html(row.page, {.carried = carried}).only_pictures, row.only) << row.page;
}

TEST(HtmlPictures, DescriptionOrPlaceInTheOrder) {
  constexpr std::array<std::string_view, 3> carried{"a@x", "b@x", "c.png"};
  const HtmlText page = read_html(
      "<img src='cid:b%40x' alt='B'>text<img src=c.png alt=C><img src='cid:gone' alt='Gone'><img src='CID:a@x'>", {.carried = carried});
  EXPECT_EQ(page.text, "text[Gone]");
  EXPECT_EQ(page.pictures, (std::vector<std::string>{"b@x", "c.png", "a@x"}));
  EXPECT_FALSE(page.fault);
  expect_rows({
      {"<img alt='image001.png' src=x><img alt='Photo of Ann.JPG' src=x>", "[Photo of Ann.JPG]"},
      {"<img alt=x height=0 src=t><img alt=x style='width:1px;height:1px' src=t><img alt=x aria-hidden=true src=t><img alt=x "
       "style='display:none' src=t><img alt=' ' src=t>",
       ""},
      {"<img alt='x' width=100% src=t>", "[x]"},
  });
}

TEST(HtmlLinks, ALinkBehindABlankLineIsNotWrittenIntoACharacter) {
  constexpr std::string_view page("<pre> \0\n<a href=http:><a>\u00FC", 27);
  static_assert(page.ends_with("\u00FC"));
  const std::string text = read_html(page, {}).text;
  EXPECT_NE(text.find("\u00FC"), std::string::npos) << text;
  EXPECT_NE(text.find("http:"), std::string::npos) << text;
}

TEST(HtmlLimits, FaultsAreRows) {
  std::string deep;
  for (int i = 0; i < 300; ++i) deep += "<div>";
  const HtmlText page = read_html(deep + "<p>Tom &amp; Jerry</p><p>F&uuml;r dich</p>", {});
  EXPECT_EQ(page.text, "Tom & Jerry\n\nF\u00FCr dich");
  EXPECT_FALSE(page.fault);
  const HtmlText deeper = read_html(deep + deep + "<p>Tom &amp; Jerry</p><p>F&uuml;r <a href='https://a.example/'>dich</a></p>", {});
  EXPECT_EQ(deeper.text, "Tom & Jerry\n\nF\u00FCr dich");
  ASSERT_TRUE(deeper.fault);
  EXPECT_TRUE(deeper.fault->is(convert_html_too_deep));

  const HtmlText large = read_html(std::string(1200 * 1024, 'x') + "<p>never", {});
  EXPECT_EQ(large.text.size(), 1024U * 1024U);
  ASSERT_TRUE(large.fault);
  EXPECT_TRUE(large.fault->is(convert_html_too_large));
  EXPECT_EQ(large.fault->at, 1200U * 1024U);
  EXPECT_FALSE(read_html("short", {}).fault);
}

}  // namespace
}  // namespace pushmail::convert
