// What stands inside other parts: winmail.dat, uuencoded files, messages inside S/MIME signatures.
#include <gtest/gtest.h>

#include <algorithm>

#include "codec/mime/cms.h"
#include "codec/mime/unpack.h"
#include "core/limits.h"
#include "tests/unit/codec/mime/tnef_builder.h"

namespace pushmail::mime {
namespace {

// Signed by OpenSSL's `cms -sign -nodetach -nocerts`: multipart/mixed of "The meeting is at ten." and map.png; lengths written out, and
// with
// `-stream` as BER of indefinite lengths with the content in pieces.
constexpr std::string_view signed_definite =
    "MIIBnQYJKoZIhvcNAQcCoIIBjjCCAYoCAQExDTALBglghkgBZQMEAgEwgeEGCSqGSIb3DQEHAaCB0wSB0ENvbnRlbnQtVHlwZTogbXVsdGlwYXJ0L21peGVk"
    "OyBib3VuZGFyeT1pbg0KDQotLWluDQpDb250ZW50LVR5cGU6IHRleHQvcGxhaW4NCg0KVGhlIG1lZXRpbmcgaXMgYXQgdGVuLg0KLS1pbg0KQ29udGVudC1U"
    "eXBlOiBpbWFnZS9wbmc7IG5hbWU9bWFwLnBuZw0KQ29udGVudC1UcmFuc2Zlci1FbmNvZGluZzogYmFzZTY0DQoNCmlWQk9SdzBLR2dvPQ0KLS1pbi0tDQox"
    "gZEwgY4CAQEwJjAOMQwwCgYDVQQDDANhbm4CFGKbhEMCaB5tYnQtIOx9/Ms4Fa5tMAsGCWCGSAFlAwQCATAKBggqhkjOPQQDAgRIMEYCIQDNikGS8C//PnLP"
    "eX/tn3y8UsLyce57tjtg5C9nFV5y3wIhAOq55FjQlhT9dZsPYmkYLqO8KZsMsGPut4JxZqM9urOb";
constexpr std::string_view signed_indefinite =
    "MIAGCSqGSIb3DQEHAqCAMIACAQExDTALBglghkgBZQMEAgEwgAYJKoZIhvcNAQcBoIAkgASB0ENvbnRlbnQtVHlwZTogbXVsdGlwYXJ0L21peGVkOyBib3Vu"
    "ZGFyeT1pbg0KDQotLWluDQpDb250ZW50LVR5cGU6IHRleHQvcGxhaW4NCg0KVGhlIG1lZXRpbmcgaXMgYXQgdGVuLg0KLS1pbg0KQ29udGVudC1UeXBlOiBp"
    "bWFnZS9wbmc7IG5hbWU9bWFwLnBuZw0KQ29udGVudC1UcmFuc2Zlci1FbmNvZGluZzogYmFzZTY0DQoNCmlWQk9SdzBLR2dvPQ0KLS1pbi0tDQoAAAAAAAAx"
    "gY8wgYwCAQEwJjAOMQwwCgYDVQQDDANhbm4CFGKbhEMCaB5tYnQtIOx9/Ms4Fa5tMAsGCWCGSAFlAwQCATAKBggqhkjOPQQDAgRGMEQCIDW7zlfJlkLwZ4Xo"
    "5jWYwBSVOEgOcMv40BxnM6+SjPLtAiAgrj583eCdEGjhSLaPC/pywS0SDyOt4WUG0q7VXxUr6gAAAAAAAA==";

std::string smime(std::string_view base64,
                  std::string_view header = "Content-Type: application/pkcs7-mime; smime-type=signed-data; name=smime.p7m\r\n") {
  return std::string(header) + "Content-Transfer-Encoding: base64\r\n\r\n" + std::string(base64) + "\r\n";
}

/// Media types, each with a blank for a level; what was opened stands with its declared type.
std::string tree_of(const Message& message) {
  std::string tree;
  for (const Part& part : message.parts) {
    tree += std::string(part.depth, ' ') + std::string(part.media_type);
    if (part.media_type != part.declared_type) tree += " (" + std::string(part.declared_type) + ")";
    if (!part.name.empty()) tree += " " + std::string(part.name);
    tree += "\n";
  }
  return tree;
}

struct Opened {
  Message message;
  std::vector<Unpacked> unpacked;
};
/// `mail` must outlive it.
Opened opened(std::string_view mail) {
  auto message = parse(bytes_of(mail));
  EXPECT_TRUE(message);
  Opened out{.message = message ? std::move(*message) : Message{}, .unpacked = {}};
  out.unpacked = unpack(out.message);
  for (std::size_t i = 0; i < out.message.parts.size(); ++i) {
    const Part& part = out.message.parts[i];
    if (i == 0) {
      EXPECT_EQ(part.parent, Part::none);
      EXPECT_EQ(part.depth, 0U);
    } else {
      EXPECT_LT(part.parent, i);
      EXPECT_EQ(part.depth, out.message.parts[std::min(part.parent, i)].depth + 1);
    }
  }
  return out;
}

TEST(Unpack, LeavesOrdinaryMailAlone) {
  const std::string mail =
      "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nto begin with\r\n--b\r\nContent-Type: image/png\r\n\r\nx\r\n--b--\r\n";
  const Opened out = opened(mail);
  EXPECT_TRUE(out.unpacked.empty());
  EXPECT_EQ(tree_of(out.message), "multipart/mixed\n text/plain\n image/png\n");
}

TEST(Unpack, OpaqueSignatures) {
  for (const std::string_view form : {signed_definite, signed_indefinite}) {
    const std::string mail = smime(form);
    const Opened out = opened(mail);
    EXPECT_EQ(tree_of(out.message),
              "multipart/signed (application/pkcs7-mime) smime.p7m\n multipart/mixed\n  text/plain\n  image/png map.png\n");
    ASSERT_EQ(out.unpacked.size(), 1U);
    EXPECT_EQ(out.unpacked[0].package, Package::signature);
    EXPECT_EQ(out.unpacked[0].name, "smime.p7m");
    EXPECT_EQ(decode_text(out.message.parts[2]), "The meeting is at ten.");
    EXPECT_EQ(decode_body(out.message.parts[3]).size(), 8U);
  }
  // Beside other parts, and by the name alone.
  const std::string attached = "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n" +
                               smime(signed_definite, "Content-Type: application/octet-stream; name=\"Signed.P7M\"\r\n") +
                               "--b\r\n\r\nlist footer\r\n--b--\r\n";
  EXPECT_EQ(tree_of(opened(attached).message),
            "multipart/mixed\n multipart/signed (application/octet-stream) Signed.P7M\n  multipart/mixed\n   text/plain\n   image/png "
            "map.png\n text/plain\n");
  // Encrypted, cut off, or nothing of the kind: as it was.
  for (const std::string_view other : {"MIAGCSqGSIb3DQEHA6CAMIACAQA=", "AAAA", ""}) {
    const std::string mail = smime(other);
    EXPECT_EQ(tree_of(opened(mail).message), "application/pkcs7-mime smime.p7m\n") << other;
  }
}

TEST(Unpack, FilesInTexts) {
  const std::string mail =
      "Content-Type: text/plain; format=flowed\r\n\r\nThe list:\r\n\r\nbegin 644 list.txt\r\n#8V%T\r\n`\r\nend\r\nbetween\r\nbegin 644 "
      "a.jpg\r\n#8V%T\r\n`\r\nend\r\n\r\n";
  const Opened out = opened(mail);
  EXPECT_EQ(
      tree_of(out.message),
      "multipart/mixed (text/plain)\n text/plain\n application/octet-stream list.txt\n text/plain\n application/octet-stream a.jpg\n");
  ASSERT_EQ(out.message.parts.size(), 5U);
  EXPECT_EQ(decode_text(out.message.parts[1]), "The list:\n\n");
  EXPECT_EQ(out.message.parts[1].type_parameter("format"), "flowed");
  EXPECT_EQ(text_of(decode_body(out.message.parts[2])), "cat");
  EXPECT_TRUE(out.message.parts[2].is_attachment);
  // A file that never ends is text, and so is a sentence.
  for (const std::string_view text : {"\r\nbegin 644 list.txt\r\n#8V%T\r\n", "\r\nbegin with this\r\nend\r\n"})
    EXPECT_TRUE(opened(text).unpacked.empty());
}

constexpr std::string_view winmail_base64 =
    "eJ8+IgEAAQaQCAAEAAAAAAABAAEAAQSAAQAIAAAATWludXRlcwDlAgICkAYADgAAAAEA/////wAAAAAAAAAA/"
    "QMCEIABAAwAAABtaW51dGVzLnR4dACSBAIPgAYAFQAAADEuIG9wZW5p"
    "bmcNCjIuIGtleXMNCtkF";

std::string winmail(std::string_view base64) {
  return "Content-Type: application/ms-tnef; name=winmail.dat\r\nContent-Transfer-Encoding: base64\r\n\r\n" + std::string(base64) + "\r\n";
}

TEST(Unpack, Winmail) {
  const std::string mail =
      "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nSee the file.\r\n--b\r\n" + winmail(winmail_base64) + "--b--\r\n";
  const Opened out = opened(mail);
  EXPECT_EQ(tree_of(out.message),
            "multipart/mixed\n text/plain\n multipart/mixed (application/ms-tnef) winmail.dat\n  application/octet-stream minutes.txt\n");
  ASSERT_EQ(out.unpacked.size(), 1U);
  EXPECT_EQ(out.unpacked[0].part, 2U);
  EXPECT_EQ(out.unpacked[0].package, Package::winmail);
  EXPECT_EQ(text_of(decode_body(out.message.parts[3])), "1. opening\r\n2. keys\r\n");
  const std::string broken = winmail("AAAA");
  EXPECT_EQ(tree_of(opened(broken).message), "application/ms-tnef winmail.dat\n");
}

std::string part_with(std::string_view type, ByteView body) {
  return "--b\r\nContent-Type: " + std::string(type) + "\r\n\r\n" + std::string(text_of(body)) + "\r\n";
}
std::string mixed(const std::string& parts) { return "Content-Type: multipart/mixed; boundary=b\r\n\r\n" + parts + "--b--\r\n"; }

/// A winmail.dat with a text, and after it what `more` adds.
Bytes winmail_with(std::string_view text, const Bytes& more = {}) {
  Bytes out = tnef_builder::start();
  if (!text.empty()) tnef_builder::attribute(out, 1, 0x0002800C, bytes_of(text));
  append(out, ByteView(more));
  return out;
}
/// A file of a winmail.dat.
void add_file(Bytes& out, std::string_view name, std::string_view mime_tag, ByteView data) {
  tnef_builder::attribute(out, 2, 0x00069002, {});
  tnef_builder::attribute(out, 2, 0x0006800F, data);
  tnef_builder::attribute(out, 2, 0x00069005,
                          tnef_builder::Properties().sized(0x001E, 0x3704, name).sized(0x001E, 0x370E, mime_tag).bytes());
}
/// A message of its own inside a winmail.dat.
void add_message(Bytes& out, std::string_view name, ByteView tnef) {
  const std::string object = std::string(16, 'I') + std::string(text_of(tnef));
  add_file(out, name, "", bytes_of(object));
}

TEST(Unpack, TextOfAWinmailCountsWhereItsMessageHasNone) {
  const std::string text = part_with("text/plain", bytes_of("As plain text."));
  const std::string with_text = part_with("application/ms-tnef", winmail_with("Rich."));
  // Converted on the way, and as it was, with a list's footer behind it.
  const std::string converted = mixed(text + with_text);
  EXPECT_TRUE(opened(converted).unpacked.empty()) << "nothing but the same text";
  const std::string listed = mixed(with_text + part_with("text/plain", bytes_of("List footer")));
  EXPECT_EQ(tree_of(opened(listed).message), "multipart/mixed\n multipart/mixed (application/ms-tnef)\n  text/plain\n text/plain\n");
  const std::string forwarded = mixed(text + part_with("message/rfc822", bytes_of("Content-Type: application/ms-tnef\r\n\r\n" +
                                                                                  std::string(text_of(winmail_with("Rich."))))));
  EXPECT_EQ(tree_of(opened(forwarded).message),
            "multipart/mixed\n text/plain\n message/rfc822\n  multipart/mixed (application/ms-tnef)\n   text/plain\n");
  // Each message inside has its own.
  Bytes files;
  add_message(files, "A", winmail_with("Text A"));
  add_message(files, "B", winmail_with("Text B"));
  const std::string nested = mixed(text + part_with("application/ms-tnef", winmail_with("", files)));
  EXPECT_EQ(
      tree_of(opened(nested).message),
      "multipart/mixed\n text/plain\n multipart/mixed (application/ms-tnef)\n  multipart/mixed (application/ms-tnef) A\n   text/plain\n"
      "  multipart/mixed (application/ms-tnef) B\n   text/plain\n");
}

TEST(Unpack, WinmailFilesThatAreMimeThemselves) {
  Bytes files;
  add_file(files, "signed", "multipart/signed",
           bytes_of("Content-Type: multipart/signed; boundary=i\r\n\r\n--i\r\n\r\nsigned text\r\n--i\r\nContent-Type: "
                    "application/pkcs7-signature\r\n\r\nx\r\n--i--\r\n"));
  add_file(files, "broken", "multipart/signed", bytes_of("no header at all"));
  add_file(files, "odd", "no type", bytes_of("x"));
  const std::string mail = mixed(part_with("application/ms-tnef", winmail_with("", files)));
  const Opened out = opened(mail);
  EXPECT_EQ(tree_of(out.message),
            "multipart/mixed\n multipart/mixed (application/ms-tnef)\n  multipart/signed\n   text/plain\n   application/pkcs7-signature\n"
            "  application/octet-stream broken\n  application/octet-stream odd\n");
}

// SignedData up to its content.
using namespace std::string_view_literals;
constexpr std::string_view signed_data_head =
    "\x30\x80\x06\x09\x2A\x86\x48\x86\xF7\x0D\x01\x07\x02\xA0\x80\x30\x80\x02\x01\x01\x31\x00\x30\x80\x06\x09\x2A\x86\x48\x86\xF7\x0D\x01\x07\x01\xA0\x80"sv;

TEST(Unpack, SignedFilesAreFiles) {
  // SignedData of what is no MIME entity: a document that was signed.
  const std::string cms = std::string(signed_data_head) + "\x04\x08%PDF-1.4";
  const std::string mail =
      mixed("--b\r\n\r\nSee the contract.\r\n" + part_with("application/pkcs7-mime; name=contract.pdf.p7m", bytes_of(cms)));
  const Opened out = opened(mail);
  EXPECT_EQ(tree_of(out.message),
            "multipart/mixed\n text/plain\n multipart/signed (application/pkcs7-mime) contract.pdf.p7m\n  application/octet-stream "
            "contract.pdf\n");
  EXPECT_EQ(text_of(decode_body(out.message.parts.back())), "%PDF-1.4");
}

TEST(Unpack, AttachedTextsStayFiles) {
  const std::string mail = mixed(
      "--b\r\n\r\nSee the log.\r\n--b\r\nContent-Disposition: attachment; filename=session.log\r\n\r\nbegin 644 "
      "a\r\n#8V%T\r\n`\r\nend\r\n");
  EXPECT_TRUE(opened(mail).unpacked.empty());
  // Nor is opened what has parts already.
  const std::string named = "Content-Type: multipart/mixed; name=winmail.dat; boundary=b\r\n\r\n--b\r\n\r\nx\r\n--b--\r\n";
  EXPECT_TRUE(opened(named).unpacked.empty());
}

TEST(Unpack, WhatIsWrappedAgainAndAgainEnds) {
  // Each level is nearly as large as the whole: only some are opened, and the arena stays small.
  std::string inner = "Content-Type: text/plain\r\n\r\n" + std::string(8 << 20, 'x');
  const auto length = [](std::size_t size) {
    std::string out = "\x84";
    for (unsigned shift = 24; shift < 32; shift -= 8) out += static_cast<char>(size >> shift);
    return out;
  };
  for (int i = 0; i < 12; ++i) {
    const std::string cms = std::string(signed_data_head) + "\x04" + length(inner.size()) + inner;
    inner = "Content-Type: application/pkcs7-mime\r\n\r\n" + cms;
  }
  const Opened out = opened(inner);
  EXPECT_GT(out.unpacked.size(), 2U);
  EXPECT_LT(out.unpacked.size(), 12U);
  EXPECT_LT(out.message.arena.held(), std::size_t{64} << 20);
}

TEST(Unpack, StopsAtTheLimits) {
  // Texts of many files: the parts of the whole mail are bounded.
  std::string mail = "\r\n";
  for (int i = 0; i < 2000; ++i) mail += "begin 644 a\r\n#8V%T\r\n`\r\nend\r\n";
  EXPECT_TRUE(opened(mail).unpacked.empty());
  // As deep as parts may be, a package stays closed.
  std::string deep;
  for (std::uint32_t i = 0; i < limits::mime_depth_max; ++i) deep += "Content-Type: message/rfc822\r\n\r\n";
  deep += winmail(winmail_base64);
  const Opened closed = opened(deep);
  EXPECT_TRUE(closed.unpacked.empty());
}

TEST(SignedContent, EveryFaultIsARow) {
  Arena arena;
  const auto read = [&](std::string_view hex) {
    Bytes bytes;
    for (std::size_t i = 0; i + 1 < hex.size(); i += 2)
      bytes.push_back(static_cast<std::uint8_t>(std::stoul(std::string(hex.substr(i, 2)), nullptr, 16)));
    const auto content = signed_content(bytes, arena);
    return content ? "= " + std::string(text_of(*content)) : std::string(content.error().info->name);
  };
  const std::string oid_data = "06092a864886f70d010701";
  const std::string head = "308006092a864886f70d010702a080308002010131003080" + oid_data + "a080";
  EXPECT_EQ(read(head + "0403636174"), "= cat");
  EXPECT_EQ(read(head + "24800401630402617400"
                        "00"),
            "= cat");
  EXPECT_EQ(read(head + "24810c"
                        "2403040163"
                        "240304016100"),
            "cms.bad_length")
      << "longer than what is there";
  EXPECT_EQ(read(head + "240a"
                        "2403040163"
                        "2403040161"),
            "= ca");
  EXPECT_EQ(read(head + "2480020101"), "cms.bad_element");
  EXPECT_EQ(read(head + "020101"), "cms.bad_element");
  EXPECT_EQ(read(head + "24800480"), "cms.bad_length");
  EXPECT_EQ(read(head + "0480"), "cms.bad_length") << "no indefinite length of what holds nothing";
  EXPECT_EQ(read(head + "0485000000000163"), "cms.bad_length") << "a length of five bytes";
  EXPECT_EQ(read(head + "04"), "cms.bad_length");
  EXPECT_EQ(read(head + "2480248024802480248024802480248024800401630000"), "cms.too_deep");
  EXPECT_EQ(read("308006092a864886f70d010703a080"), "cms.not_signed");
  EXPECT_EQ(read("308006092a864886f70d0107"), "cms.bad_length");
  EXPECT_EQ(read("3080060155"), "cms.not_signed");
  EXPECT_EQ(read("04023080"), "cms.bad_element");
  EXPECT_EQ(read(""), "cms.bad_length");
  EXPECT_EQ(read("308006092a864886f70d010702a080308002010131003080" + oid_data + "0000"), "cms.detached");
  EXPECT_EQ(read("308006092a864886f70d010702a080308002010131003080"
                 "06092a864886f70d010703"
                 "a080"),
            "cms.not_signed");
  // A SET of indefinite length is passed over with all that it holds.
  EXPECT_EQ(read("308006092a864886f70d010702a080308002010131803080020101000004010000003080" + oid_data + "a0800403636174"), "= cat");
}

}  // namespace
}  // namespace pushmail::mime
