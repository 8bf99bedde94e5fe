// The XML readers: what ours takes and leaves, the tree they build, and that both build the same.
#include <gtest/gtest.h>

#include <random>

#include "codec/mm7/errors.h"
#include "codec/mm7/xml.h"
#include "codec/mm7/xml_readers.h"
#include "core/limits.h"
#include "tests/unit/codec/mm7/samples.h"

namespace pushmail::mm7 {
namespace {

/// The tree as text: `name{uri}[attribute=value]"text"(children)`.
std::string shown(const XmlTree& tree, std::size_t index = 0) {
  const XmlElement& element = tree.at(index);
  std::string out(element.name);
  if (!element.namespace_uri.empty()) out += fmt::format("{{{}}}", element.namespace_uri);
  for (std::size_t i = 0; i < element.attribute_count; ++i)
    out += fmt::format("[{}={}]", tree.attribute_at(index, i).name, tree.attribute_at(index, i).value);
  if (!element.text.empty()) out += fmt::format("\"{}\"", element.text);
  std::string inside;
  for (const std::size_t child : tree.children(index)) {
    EXPECT_EQ(tree.at(child).parent, index);
    inside += (inside.empty() ? "" : " ") + shown(tree, child);
  }
  return inside.empty() ? out : fmt::format("{}({})", out, inside);
}

struct Row {
  std::string_view document;
  std::string_view tree;
};
class XmlRead : public testing::TestWithParam<Row> {};
TEST_P(XmlRead, ByOurReaderAsByLibxml2) {
  const auto ours = scan_xml(GetParam().document);
  ASSERT_TRUE(ours.has_value());
  EXPECT_EQ(shown(*ours), GetParam().tree);
  const auto theirs = read_with_libxml2(GetParam().document);
  ASSERT_TRUE(theirs.has_value());
  EXPECT_EQ(shown(*theirs), GetParam().tree);
}
INSTANTIATE_TEST_SUITE_P(
    Documents, XmlRead,
    testing::Values(Row{"<a/>", "a"}, Row{"<a></a>", "a"}, Row{"<a />", "a"}, Row{"<a\n></a\t>", "a"}, Row{"<a> x </a>", "a\" x \""},
                    Row{"<a>\n</a>", "a\"\n\""},
                    // Blanks around children are layout.
                    Row{"<a>\n <b/>\n <c>y</c>\n</a>", "a(b c\"y\")"}, Row{"<a>x<b/></a>", "a\"x\"(b)"}, Row{"<a><b/> x</a>", "a\" x\"(b)"},
                    // References, line ends, CDATA, comments and instructions inside a run.
                    Row{"<a>&lt;&gt;&amp;&quot;&apos;</a>", "a\"<>&\"'\""}, Row{"<a>&#65;&#x42;&#xe9;&#x20AC;&#x1F600;</a>", "a\"ABé€😀\""},
                    Row{"<a>x&#13;y</a>", "a\"x\ry\""}, Row{"<a>1\r\n2\r3\n4</a>", "a\"1\n2\n3\n4\""}, Row{"<a>\r\r\n</a>", "a\"\n\n\""},
                    Row{"<a><![CDATA[<&]]]]></a>", "a\"<&]]\""}, Row{"<a>x<![CDATA[]]>y<![CDATA[1\r\n2\r]]></a>", "a\"xy1\n2\n\""},
                    Row{"<a>x<!-- - -->y<?p q?>z</a>", "a\"xyz\""}, Row{"<a>a > b ]] ></a>", "a\"a > b ]] >\""},
                    Row{"<a>Grüße</a>", "a\"Grüße\""}, Row{"<a>\xEF\xBF\xBD</a>", "a\"\xEF\xBF\xBD\""},
                    // Around the root.
                    Row{"<?xml version=\"1.0\"?><a/>", "a"}, Row{"<?xml version='1.0' encoding='utf-8' standalone='no' ?>\n<a/>\n", "a"},
                    Row{"<!-- x --><?p?><a/><!----> <?q r?>", "a"},
                    // Attributes.
                    Row{"<a b='\"' c = \"'\" d=\"\"/>", "a[b=\"][c='][d=]"}, Row{"<a b='1&amp;2&#x33;' c='&lt;'/>", "a[b=1&23][c=<]"},
                    Row{"<a b='>'>x</a>", "a[b=>]\"x\""}, Row{"<a xml:lang='en'/>", "a[lang=en]"},
                    Row{"<p:a p:b='1' b='2'/>", "a[b=1][b=2]"},
                    // Namespaces.
                    Row{"<a xmlns='urn:1'><b/><c xmlns=''><d/></c></a>", "a{urn:1}(b{urn:1} c(d))"},
                    Row{"<p:a xmlns:p='urn:1' xmlns='urn:2'><b><p:c xmlns:p='urn:3'/></b><p:d/></p:a>",
                        "a{urn:1}(b{urn:2}(c{urn:3}) d{urn:1})"},
                    Row{"<q:a><b/></q:a>", "a(b)"}, Row{"<a xmlns='urn:&amp;'/>", "a{urn:&}"}));

class XmlLeft : public testing::TestWithParam<std::string_view> {};
TEST_P(XmlLeft, ToLibxml2) { EXPECT_FALSE(scan_xml(GetParam()).has_value()); }
INSTANTIATE_TEST_SUITE_P(
    Documents, XmlLeft,
    testing::Values("", "x", "<", "<a", "<a>", "<a/", "<a/><b/>", "<a></b>", "<a></a", "</a>", "<a>x", "<a/>x", "x<a/>", "<1/>", "<a:/>",
                    "<:a/>", "<a:b:c/>", "<\xC3\xA9/>", "<xml:a/>", "<xmlns/>", "<a b/>", "<a b=/>", "<a b=c/>", "<a b='1/>",
                    "<a b='1'c='2'/>", "<a b='1' b='2'/>", "<a b='<'/>", "<a b='1\n2'/>", "<a b='&x;'/>", "<a>&</a>", "<a>&x;</a>",
                    "<a>&#;</a>", "<a>&#0;</a>", "<a>&#x;</a>", "<a>&#xD800;</a>", "<a>&#xFFFF;</a>", "<a>&#x110000;</a>", "<a>&#1a;</a>",
                    "<a>&#65", "<a>]]></a>", "<a><![CDATA[x]]</a>", "<![CDATA[x]]><a/>", "<a><!-- -- --></a>", "<a><!-- </a>",
                    "<a><!x></a>", "<!DOCTYPE a><a/>", "<?xml?><a/>", "<?xml version='1.1'?><a/>", "<?xml version=1.0?><a/>",
                    "<?xml version='1.0?><a/>", "<?xml version='1.0' encoding='latin1'?><a/>", "<?xml version='1.0' standalone='x'?><a/>",
                    "<?xml version '1.0'?><a/>", "<a><?xml version='1.0'?></a>", "<a><?p></a>",
                    "<a><?"
                    "?></a>",
                    "<a><?p+?></a>", "<a xmlns:p=''/>", "<a xmlns:xml='urn:x'/>", "<a xmlns:xmlns='urn:x'/>", "<a xmlns='1' xmlns='2'/>",
                    "<a xmlns='http://www.w3.org/2000/xmlns/'/>", "<a xmlns:p='http://www.w3.org/XML/1998/namespace'/>", "<a>x<b/>y</a>",
                    "<a>\x01</a>", "<a>\xFF</a>", "<a>\xEF\xBF\xBF</a>", "<a>\xEF\xBF\xBE</a>"));

TEST(Xml, MixedContentIsOneTextByLibxml2) {
  const auto tree = parse_xml(bytes_of(std::string_view("<a>x<b>1</b>\n<b/>y</a>")));
  ASSERT_TRUE(tree.has_value());
  EXPECT_EQ(shown(*tree), "a\"xy\"(b\"1\" b)");
}
// Half a character is none; two references that make one are read as it.
TEST(Xml, HalvesOfACharacterAsTwoReferences) {
  struct Pair {
    std::string_view document, tree;
  };
  for (const Pair& row : {Pair{"<a>&#xD83D;&#xDE00;</a>", "a\"😀\""}, Pair{"<a>x&#55357;&#56832;y</a>", "a\"x😀y\""},
                          Pair{"<a b='&#xd83d;&#xde00;'/>", "a[b=😀]"}, Pair{"<a>&#xD83D;&#xDE00;&#xD83D;&#xDE00;</a>", "a\"😀😀\""}}) {
    const auto tree = parse_xml(bytes_of(row.document));
    ASSERT_TRUE(tree.has_value()) << row.document;
    EXPECT_EQ(shown(*tree), row.tree);
  }
}

// The fault is the software's that wrote it, the text in it a person's.
TEST(Xml, CharactersThatXmlDoesNotHaveAreMended) {
  struct Meant {
    std::string_view document, tree;
  };
  for (const Meant& row : {
           // Half a character.
           Meant{"<a>&#xD83D;</a>", "a\"\uFFFD\""},
           Meant{"<a>&#xDE00;&#xD83D;</a>", "a\"\uFFFD\uFFFD\""},
           Meant{"<a>&#xD83D; &#xDE00;</a>", "a\"\uFFFD \uFFFD\""},
           Meant{"<a>x&#xD83D;&#x41;&#xD83D;&#xDE00;</a>", "a\"x\uFFFDA😀\""},
           Meant{"<a>\xED\xA0\xBD\xED\xB8\x80!</a>", "a\"😀!\""},
           Meant{"<a>\xED\xA0\xBDx</a>", "a\"\uFFFDx\""},
           // No character at all.
           Meant{"<a>1&#0;2\x01 3&#x1F;</a>", "a\"1\uFFFD2\uFFFD 3\uFFFD\""},
           Meant{"<a>&#xFFFF;\xEF\xBF\xBE&#x110000;</a>", "a\"\uFFFD\uFFFD\uFFFD\""},
           // Bytes of another encoding.
           Meant{"<a b='\xE9'>Gr\xFC\xDF"
                 "e \x80</a>",
                 "a[b=é]\"Grüße €\""},
           Meant{"<?xml version='1.0' encoding='utf-8'?><a>\xFC</a>", "a\"ü\""},
           Meant{"<a>Grüße \xC3</a>", "a\"Grüße \uFFFD\""},
           Meant{"<?xml version='1.0' encoding='Shift_JIS'?><a>\x83\x65\x81</a>", "a\"テ\uFFFD\""},
           // Ampersands.
           Meant{"<a>AT&T &amp; B&B</a>", "a\"AT&T & B&B\""},
           Meant{"<a b='?x=1&y=2'>&nbsp;&#;&#x;&#1a;&</a>", "a[b=?x=1&y=2]\"&nbsp;&#;&#x;&#1a;&\""},
           Meant{"<a><!-- &x --><![CDATA[<&y\x02>]]>&z</a>", "a\"<&y\uFFFD>&z\""},
           Meant{"<?xml version='1.0' encoding='ISO-8859-1'?><a>\xFC & \xE9</a>", "a\"ü & é\""},
       }) {
    const auto tree = parse_xml(bytes_of(row.document));
    ASSERT_TRUE(tree.has_value()) << row.document;
    EXPECT_EQ(shown(*tree), row.tree);
  }
  // What is broken otherwise stays so.
  for (const std::string_view document : {"<a><![CDATA[x]]\x01></a><b><![CDATA[y]]></b>", "<a>&</b>", "<a>&", "<!DOCTYPE a><a>&x;</a>",
                                          "<a><![CDATA[&</a>", "<a &='1'/>", "<&/>", "\x01"}) {
    EXPECT_FALSE(parse_xml(bytes_of(document)).has_value()) << document;
  }
}
std::string utf16(std::string_view utf8, bool big_endian) {
  std::string out;
  for (std::size_t at = 0; at < utf8.size();) {
    const auto lead = static_cast<std::uint8_t>(utf8[at]);
    const std::size_t size = lead < 0x80 ? 1 : lead < 0xE0 ? 2 : 3;
    unsigned code = size == 1 ? lead : lead & (0x7FU >> size);
    for (std::size_t i = 1; i < size; ++i) code = code << 6 | (static_cast<unsigned>(utf8[at + i]) & 0x3FU);
    const auto high = static_cast<char>(code >> 8), low = static_cast<char>(code & 0xFF);
    out += big_endian ? high : low;
    out += big_endian ? low : high;
    at += size;
  }
  return out;
}

// libxml2's search for equal attributes is quadratic, so their number must be known before it starts, whatever a character looks like in
// bytes.
TEST(Xml, NoEncodingHidesAttributes) {
  // U+3C41 in UTF-16 and the character 3C41 of JIS X 0208 both have the byte `<`; in each value it stood for the start of a tag.
  const auto element = [](std::size_t count, std::string_view value) {
    std::string out = "<a";
    for (std::size_t i = 0; i < count; ++i) out += fmt::format(" b{}='{}'", i, value);
    return out + "/>";
  };
  const auto documents = [&](std::size_t count) {
    const std::string wide = element(count, "\xE3\xB1\x81");
    return std::vector<std::string>{wide,
                                    utf16(wide, false),
                                    utf16(wide, true),
                                    "\xFF\xFE" + utf16("<?xml version='1.0' encoding='UTF-16'?>" + wide, false),
                                    "\xFE\xFF" + utf16(wide, true),
                                    "<?xml version='1.0' encoding='ISO-2022-JP'?>" + element(count, "\x1B$B<A\x1B(B"),
                                    "<?xml version = '1.0'\tencoding = \"Shift_JIS\" ?>" + element(count, "\x8E\xBF"),
                                    "<?xml version='1.0' encoding='latin1'?>" + element(count, "\xE9")};
  };
  for (const std::string& document : documents(limits::xml_attribute_count_max - 4)) {
    const auto read = read_with_libxml2(document);
    ASSERT_TRUE(read.has_value()) << document.substr(0, 60) << read.error().info->name;
    EXPECT_EQ(read->at(0).attribute_count, limits::xml_attribute_count_max - 4);
  }
  for (const std::string& document : documents(limits::xml_attribute_count_max + 1)) {
    const auto refused = read_with_libxml2(document);
    ASSERT_FALSE(refused.has_value()) << document.substr(0, 60);
    EXPECT_TRUE(refused.error().is(mm7_xml_attributes)) << document.substr(0, 60) << refused.error().info->name;
  }
}

TEST(Xml, BrokenDeclarationsEndNowhere) {
  for (const std::string_view document :
       {"<?xml version='1.0' encoding='?><a/>", "<?xml version='1.0' encoding=?><a/>", "<?xml version='1.0' encoding?><a/>",
        "<?xml version='1.0' encoding='utf-8' standalone='?><a/>", "<?xml version='1.0?><a/>"}) {
    EXPECT_FALSE(scan_xml(document)) << document;
    EXPECT_FALSE(parse_xml(bytes_of(document))) << document;
  }
}

TEST(Xml, Utf8BehindADeclarationOfSingleBytesIsUtf8) {
  for (const auto& [text, read] : {std::pair{"Gr\xC3\xBC\xC3\x9F"
                                             "e",
                                             "Gr\xC3\xBC\xC3\x9F"
                                             "e"},
                                   std::pair{"Gr\xFC\xDF"
                                             "e",
                                             "Gr\xC3\xBC\xC3\x9F"
                                             "e"}}) {
    const auto tree = parse_xml(bytes_of(fmt::format("<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?><a>{}</a>", text)));
    ASSERT_TRUE(tree.has_value());
    EXPECT_EQ(tree->at(0).text, read);
  }
}

TEST(Xml, EncodingsThatAreNotRead) {
  using namespace std::string_view_literals;
  const auto error_of = [](std::string_view document) {
    const auto read = read_with_libxml2(document);
    return read ? ""sv : read.error().info->name;
  };
  EXPECT_EQ(error_of("<?xml version='1.0' encoding='EBCDIC-CP-US'?><a/>"), mm7_xml_encoding.name);
  EXPECT_EQ(error_of("<?xml version='1.0' encoding='x-nobody'?><a/>"), mm7_xml_encoding.name);
  EXPECT_EQ(error_of("\x4C\x6F\xA7\x94\x93\x40"), mm7_bad_xml.name) << "<?xml in EBCDIC";
  EXPECT_EQ(error_of("<\0\0\0a\0\0\0/\0\0\0>\0\0\0"sv), mm7_bad_xml.name) << "UTF-32";
  EXPECT_EQ(error_of("\0\0\0<\0\0\0a\0\0\0/\0\0\0>"sv), mm7_bad_xml.name) << "UTF-32";
  EXPECT_EQ(error_of("<?xml version='1.0' encoding='Shift_JIS'?><a>\x81</a>"), mm7_bad_xml.name) << "half a character";
  EXPECT_EQ(error_of("<?xml version='1.0' encoding='UTF-16'?><a>\xC3\xA9</a>"), "") << "UTF-8 that was UTF-16";
  EXPECT_EQ(error_of("\r\n <?p?><a/>"), "") << "blanks before it, as our own reader takes them";
}

TEST(Xml, OtherEncodings) {
  const auto latin =
      parse_xml(bytes_of(std::string_view("<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?><a b=\"\xE9\">Gr\xFC\xDF"
                                          "e</a>")));
  ASSERT_TRUE(latin.has_value());
  EXPECT_EQ(shown(*latin), "a[b=é]\"Grüße\"");
  const auto wide = parse_xml(bytes_of(std::string_view("\xFF\xFE<\0a\0>\0\xE9\0<\0/\0a\0>\0", 18)));
  ASSERT_TRUE(wide.has_value());
  EXPECT_EQ(shown(*wide), "a\"é\"");
}

std::string nested(std::size_t depth) {
  std::string document;
  for (std::size_t i = 0; i < depth; ++i) document += "<a>";
  for (std::size_t i = 0; i < depth; ++i) document += "</a>";
  return document;
}
TEST(Xml, DepthEndsAtTheLimit) {
  const std::string deepest = nested(limits::xml_depth_max);
  EXPECT_TRUE(scan_xml(deepest).has_value());
  EXPECT_TRUE(read_with_libxml2(deepest).has_value());
  const std::string deeper = nested(limits::xml_depth_max + 1);
  const auto refused = parse_xml(bytes_of(deeper));
  ASSERT_FALSE(refused.has_value());
  EXPECT_TRUE(refused.error().is(mm7_xml_too_deep));
}
std::string with_attributes(std::size_t count) {
  std::string document = "<a";
  for (std::size_t i = 0; i < count; ++i) document += fmt::format(" a{}=''", i);
  return document + "/>";
}
TEST(Xml, AttributesEndAtTheLimit) {
  const std::string few = with_attributes(16);
  EXPECT_TRUE(scan_xml(few).has_value());
  const std::string most = with_attributes(limits::xml_attribute_count_max);
  EXPECT_FALSE(scan_xml(most).has_value());
  const auto read = parse_xml(bytes_of(most));
  ASSERT_TRUE(read.has_value());
  EXPECT_EQ(read->at(0).attribute_count, limits::xml_attribute_count_max);
  const std::string more = with_attributes(limits::xml_attribute_count_max + 1);
  const auto refused = parse_xml(bytes_of(more));
  ASSERT_FALSE(refused.has_value());
  EXPECT_TRUE(refused.error().is(mm7_xml_attributes));
}
TEST(Xml, ManyNamespacesAndLongNamesAreLibxml2s) {
  std::string document = "<a";
  for (int i = 0; i < 40; ++i) document += fmt::format(" xmlns:p{}='urn:{}'", i, i);
  document += "><p39:b/></a>";
  EXPECT_FALSE(scan_xml(document).has_value());
  const auto tree = parse_xml(bytes_of(document));
  ASSERT_TRUE(tree.has_value());
  EXPECT_EQ(shown(*tree), "a(b{urn:39})");
  EXPECT_FALSE(scan_xml("<" + std::string(2000, 'a') + "/>").has_value());
}
TEST(Xml, LongNamespaceIsKeptOnce) {
  // A namespace of 100 KB on 20,000 elements: copied for each of them it would be 2 GB.
  std::string document = "<\xC3\xA9 xmlns='" + std::string(100'000, 'n') + "'>";
  for (int i = 0; i < 20'000; ++i) document += "<b/>";
  document += "</\xC3\xA9>";
  const auto tree = parse_xml(bytes_of(document));
  ASSERT_TRUE(tree.has_value());
  EXPECT_EQ(tree->size(), 20'001U);
  EXPECT_EQ(tree->at(20'000).namespace_uri.data(), tree->at(1).namespace_uri.data());
}

TEST(Xml, TextIsAViewIntoTheDocument) {
  const std::string document = "<a b='c'>text</a>";
  const auto tree = scan_xml(document);
  ASSERT_TRUE(tree.has_value());
  EXPECT_EQ(tree->at(0).text.data(), document.data() + 9);
  EXPECT_EQ(tree->attribute(0, "B").data(), document.data() + 6);
  EXPECT_EQ(tree->attribute(0, "c"), "");
}

TEST(Xml, EnvelopesAreOurs) {
  for (const std::string& document : {samples::envelope(samples::deliver()), samples::envelope(samples::report())}) {
    const auto ours = scan_xml(document);
    ASSERT_TRUE(ours.has_value());
    EXPECT_EQ(shown(*ours), shown(read_with_libxml2(document).value()));
  }
}

TEST(Xml, EveryTruncationAndBentByteIsReadAlike) {
  const std::string whole = "<?xml version=\"1.0\"?><e:a xmlns:e='urn:e' b=\"1&amp;\">x&#65;<!--c--><![CDATA[d]]>\r\n<e:f/> </e:a>";
  std::mt19937 dice(7);
  for (int round = 0; round < 20'000; ++round) {
    std::string document = whole.substr(0, dice() % 3 == 0 ? dice() % whole.size() : whole.size());
    for (std::size_t bends = dice() % 3; bends > 0 && !document.empty(); --bends)
      document[dice() % document.size()] = "<>&;'\"=/!?-[]: ax\r\n\x01\xC3"[dice() % 21];
    const auto ours = scan_xml(document);
    if (!ours) continue;
    const auto theirs = read_with_libxml2(document);
    ASSERT_TRUE(theirs.has_value()) << document;
    ASSERT_EQ(shown(*ours), shown(*theirs)) << document;
  }
}

}  // namespace
}  // namespace pushmail::mm7
