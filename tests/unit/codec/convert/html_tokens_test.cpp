// How a page is cut into tags and text, and which characters references stand for: rows in the manner of tokenizer tests of browsers, each
// an input and what comes of it.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "codec/convert/html_elements.h"
#include "codec/convert/html_entities.h"
#include "codec/convert/html_tokens.h"

namespace pushmail::convert {
namespace {

std::string lower(std::string_view name) {
  std::string out(name);
  std::transform(out.begin(), out.end(), out.begin(), ascii_lower);
  return out;
}

/// Tokens as `[text] <tag name=value> </tag>`: names in lower case, references read, text in one piece. Raw elements are read as such.
std::string tokens_of(std::string_view page) {
  std::string out;
  std::string text;
  std::string memory;
  const auto flush = [&] {
    if (!text.empty()) out += "[" + text + "]";
    text.clear();
  };
  HtmlTokens tokens(page);
  for (HtmlToken token = tokens.next(); token.kind != HtmlToken::Kind::end; token = tokens.next()) {
    if (token.kind == HtmlToken::Kind::text) {
      text += decode_references(token.text, memory, ReferencePlace::text);
      continue;
    }
    flush();
    out += token.kind == HtmlToken::Kind::end_tag ? "</" : "<";
    out += lower(token.name);
    if (token.kind == HtmlToken::Kind::end_tag) {
      out += ">";
      continue;
    }
    for (const HtmlAttribute& attribute : token.attributes) {
      out += " " + lower(attribute.name) + "=";
      out += decode_references(attribute.value, memory, ReferencePlace::attribute);
    }
    out += token.is_self_closing ? "/>" : ">";
    if (const RawText raw = element_of(token.name)->raw; raw != RawText::none) {
      const std::string_view inside = tokens.raw_text(token.name, raw);
      text += raw == RawText::text_with_references ? decode_references(inside, memory, ReferencePlace::text) : inside;
    }
  }
  flush();
  return out;
}

struct Row {
  std::string_view input, tokens;
};

void expect_rows(std::initializer_list<Row> rows) {
  for (const Row& row : rows) EXPECT_EQ(tokens_of(row.input), row.tokens) << row.input;
}

TEST(HtmlTokens, Tags) {
  expect_rows({
      {"", ""},
      {"a", "[a]"},
      {"<p>", "<p>"},
      {"<P>x</P>", "<p>[x]</p>"},
      {"<p\n>x</p\t>", "<p>[x]</p>"},
      {"<br/>", "<br/>"},
      {"<br />", "<br/>"},
      {"<br / >", "<br>"},
      {"<p/a>", "<p a=>"},
      {"<p></p a=b>", "<p></p>"},
      {"<p<b>x", "<p<b>[x]"},
      {"<v:shape>x</v:shape>", "<v:shape>[x]</v:shape>"},
      {"<my-card>x", "<my-card>[x]"},
      {"<h1>", "<h1>"},
      {"<\xC3\xA9>", "[<\xC3\xA9>]"},
  });
}

TEST(HtmlTokens, SignsThatOpenNothing) {
  expect_rows({
      {"a < b", "[a < b]"},
      {"a <", "[a <]"},
      {"a </", "[a </]"},
      {"<<p>", "[<]<p>"},
      {"1<2 & 3>2", "[1<2 & 3>2]"},
      {"<3", "[<3]"},
      {"<>", "[<>]"},
      {"a<=b", "[a<=b]"},
      {"x<\n>", "[x<\n>]"},
  });
}

TEST(HtmlTokens, Comments) {
  expect_rows({
      {"a<!-- b -->c", "[ac]"},
      {"a<!-->b", "[ab]"},
      {"a<!--->b", "[ab]"},
      {"a<!---->b", "[ab]"},
      {"a<!----->b", "[ab]"},
      {"a<!--b--!>c", "[ac]"},
      {"a<!--b-->c-->d", "[ac-->d]"},
      {"a<!--b--->c", "[ac]"},
      {"a<!--b-- >c-->d", "[ad]"},
      {"a<!--b<!--c-->d", "[ad]"},
      {"a<!--<!-->b", "[ab]"},
      {"a<!-- <p> -- ! > -->b", "[ab]"},
      {"a<!--b--", "[a]"},
      {"a<!--b", "[a]"},
      {"a<!--[if mso]><p>b</p><![endif]-->c", "[ac]"},
      {"a<!--[if !mso]><!--><p>b</p><!--<![endif]-->c", "[a]<p>[b]</p>[c]"},
      {"a<![if !mso]>b<![endif]>c", "[abc]"},
      {"a<!- b ->c", "[ac]"},
      {"a<!>b", "[ab]"},
      {"a<!", "[a]"},
      {"a</ b>c", "[ac]"},
      {"a</>b", "[ab]"},
      {"a</3>b", "[ab]"},
      {"a<?xml version='1'?>b", "[ab]"},
      {"a<?php echo 1>b", "[ab]"},
      {"<!DOCTYPE html>a", "[a]"},
      {"<!doctype html PUBLIC \"-//x>y\">a", "[y\">a]"},
      {"a<![CDATA[b]]>c", "[ac]"},
  });
}

TEST(HtmlTokens, Attributes) {
  expect_rows({
      {"<a b>", "<a b=>"},
      {"<a b=c>", "<a b=c>"},
      {"<a B='C'>", "<a b=C>"},
      {"<a b=\"c>d\">e", "<a b=c>d>[e]"},
      {"<a b = \"c\" d>", "<a b=c d=>"},
      {"<a b=c/d/>e", "<a b=c/d/>[e]"},
      {"<a b=c /d>", "<a b=c d=>"},
      {"<a b='c'd=e>", "<a b=c d=e>"},
      {"<a b=>c", "<a b=>[c]"},
      {"<a b=\"\">", "<a b=>"},
      {"<a =b>", "<a =b=>"},
      {"<a b='c\nd'>", "<a b=c\nd>"},
      {"<a b=c\"d>", "<a b=c\"d>"},
      {"<a \"b\">", "<a \"b\"=>"},
      {"<a b=<c>d", "<a b=<c>[d]"},
      {"<a b='c>d", ""},
      {"<a b", ""},
      {"x<a b=c", "[x]"},
      {"<a b=1 b=2>", "<a b=1 b=2>"},
  });
  std::string many = "<a";
  for (int i = 0; i < 100; ++i) many += " x" + std::to_string(i) + "=1";
  HtmlTokens tokens(many += ">t");
  EXPECT_EQ(tokens.next().attributes.size(), 64U);
  EXPECT_EQ(tokens.next().text, "t");
}

TEST(HtmlTokens, RawElements) {
  expect_rows({
      {"<title>a<b>c</title>d", "<title>[a<b>c]</title>[d]"},
      {"<title>a &amp; b</TITLE >c", "<title>[a & b]</title>[c]"},
      {"<title>a</titles>b</title>c", "<title>[a</titles>b]</title>[c]"},
      {"<style>a{}<p>&amp;</style>b", "<style>[a{}<p>&amp;]</style>[b]"},
      {"<style><!-- a --></style>b", "<style>[<!-- a -->]</style>[b]"},
      {"<style>a", "<style>[a]"},
      {"<textarea><p>x</textarea>y", "<textarea>[<p>x]</textarea>[y]"},
      {"<xmp><b>&lt;</xmp>y", "<xmp>[<b>&lt;]</xmp>[y]"},
      {"<script>a<b</script>c", "<script>[a<b]</script>[c]"},
      {"<script>'</scripts>'</script/>c", "<script>['</scripts>']</script>[c]"},
      {"<script><!--<script></script>--></script>c", "<script>[<!--<script></script>-->]</script>[c]"},
      {"<script><!--</script>c", "<script>[<!--]</script>[c]"},
      {"<script><!--><script></script>c", "<script>[<!--><script>]</script>[c]"},
      {"<plaintext>a</plaintext>b", "<plaintext>[a</plaintext>b]"},
      {"<iframe><p>x</iframe>y", "<iframe>[<p>x]</iframe>[y]"},
  });
}

TEST(HtmlTokens, WhatNeverEndsIsToldWithItsPlace) {
  const auto unfinished = [](std::string_view page) {
    HtmlTokens tokens(page);
    while (tokens.next().kind != HtmlToken::Kind::end) continue;
    return tokens.unfinished() == HtmlTokens::nowhere ? std::string("none") : std::string(page.substr(tokens.unfinished()));
  };
  EXPECT_EQ(unfinished("<p>a</p>"), "none");
  EXPECT_EQ(unfinished("a<!-- b <p> c"), " b <p> c");
  EXPECT_EQ(unfinished("a<p title='b"), " title='b");
  EXPECT_EQ(unfinished("a<!doctype b"), "doctype b");
}

TEST(HtmlEntities, InText) {
  const auto decoded = [](std::string_view html) {
    std::string memory;
    return std::string(decode_references(html, memory, ReferencePlace::text));
  };
  struct {
    std::string_view html, text;
  } const rows[] = {
      {"no", "no"},
      {"F&uuml;r", "F\u00FCr"},
      {"F&uumlr", "F\u00FCr"},
      {"F&#252;r &#xFC; &#XfC; &#252r", "F\u00FCr \u00FC \u00FC \u00FCr"},
      {"&amp;amp; &AMP &lt;&gt;&quot;&apos;", "&amp; & <>\"'"},
      {"&euro;&hellip;&ndash;&rsquo;&zwnj;&nbsp;", "\u20AC\u2026\u2013\u2019\u200C\u00A0"},
      {"&euro &hellip", "&euro &hellip"},
      {"&not; &notin; &notit; &noti", "\u00AC \u2209 \u00ACit; \u00ACi"},
      {"&#128; &#x99; &#150;", "\u20AC \u2122 \u2013"},
      {"&#0; &#xD800; &#x110000; &#99999999999;", "\uFFFD \uFFFD \uFFFD \uFFFD"},
      {"&; &# &#x; &#; & &unknown; &&amp;", "&; &# &#x; &#; & &unknown; &&"},
      {"&#128512;", "\U0001F600"},
      {"&CounterClockwiseContourIntegral; &Aacute;&aacute", "\u2233 \u00C1\u00E1"},
      {"&NotEqualTilde;", "\u2242\u0338"},
      {"AT&T &copy2026", "AT&T \u00A92026"},
  };
  for (const auto& row : rows) EXPECT_EQ(decoded(row.html), row.text) << row.html;
}

TEST(HtmlEntities, InAttributes) {
  const auto decoded = [](std::string_view html) {
    std::string memory;
    return std::string(decode_references(html, memory, ReferencePlace::attribute));
  };
  struct {
    std::string_view html, text;
  } const rows[] = {
      {"?a=1&copy=2&reg=3&lt=4", "?a=1&copy=2&reg=3&lt=4"},
      {"?a=1&amp;b=2&ampc", "?a=1&b=2&ampc"},
      {"&copy &copy; &copy", "\u00A9 \u00A9 \u00A9"},
      {"&notin=1", "&notin=1"},
      {"&#38;x", "&x"},
  };
  for (const auto& row : rows) EXPECT_EQ(decoded(row.html), row.text) << row.html;
}

TEST(HtmlElements, AreFoundInAnyCase) {
  EXPECT_EQ(element_of("TABLE")->layout, Layout::table);
  EXPECT_EQ(element_of("br")->nesting, Nesting::nothing_inside);
  EXPECT_TRUE(element_of("o:p")->name.empty());
  EXPECT_TRUE(element_of("")->name.empty());
  EXPECT_TRUE(element_of("averyverylongnamethatnoelementhas")->name.empty());
}

}  // namespace
}  // namespace pushmail::convert
