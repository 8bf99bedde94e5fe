// Encrypted and signed mail: one sentence, or the text that was signed.
#include <gtest/gtest.h>

#include <algorithm>

#include "codec/convert/sealed.h"
#include "codec/convert/text.h"

namespace pushmail::convert {
namespace {

struct Converted {
  std::string text;    // without the sender's line
  std::string others;  // media types of what is neither text nor presentation
  std::string decisions;
};
Converted converted(std::string_view mail) {
  const std::string whole = "From: joe@example.com\r\n" + std::string(mail);
  const auto made =
      mail_to_mm(bytes_of(whole), {.profile = {}, .sender_in_text = false, .content_id_domain = "mms.example.net", .item_id = "X"});
  EXPECT_TRUE(made);
  Converted out;
  if (!made) return out;
  const std::size_t text = first_text_part(made->mm);
  if (text < made->mm.parts.size()) out.text = text_of(made->mm.parts[text].data);
  for (std::size_t i = 1; i < made->mm.parts.size(); ++i) {
    if (i != text) out.others.append(made->mm.parts[i].media_type).append(" ");
  }
  for (const Decision& decision : made->decisions) out.decisions.append(decision.what).append(": ").append(decision.rule).append("\n");
  return out;
}

// The first bytes of CMS content: SEQUENCE, object identifier of enveloped-data (3) and signed-data (2).
constexpr std::string_view enveloped_base64 = "MIAGCSqGSIb3DQEHA6CAMIACAQA=";
constexpr std::string_view signed_base64 = "MIAGCSqGSIb3DQEHAqCAMIACAQE=";

Converted pkcs7(std::string_view parameters, std::string_view body, std::string_view type = "application/pkcs7-mime") {
  return converted("Content-Type: " + std::string(type) + std::string(parameters) + "\r\nContent-Transfer-Encoding: base64\r\n\r\n" +
                   std::string(body) + "\r\n");
}

TEST(Sealed, SmimeKinds) {
  constexpr std::string_view encrypted =
      "[This mail is encrypted with S/MIME. To read it, open your mailbox in a mail program that has your key.]";
  constexpr std::string_view wrapped =
      "[This mail is wrapped in an S/MIME signature, which a phone cannot open. To read it, open your mailbox in a mail program.]";
  for (const Converted& mail :
       {pkcs7("; smime-type=enveloped-data; name=smime.p7m", enveloped_base64), pkcs7("; smime-type=authEnveloped-data", "AAAA"),
        pkcs7("", enveloped_base64), pkcs7("", "AAAA"), pkcs7("", enveloped_base64, "application/x-pkcs7-mime"),
        pkcs7("; name=\"SMIME.P7M\"", enveloped_base64, "application/octet-stream")}) {
    EXPECT_EQ(mail.text, encrypted);
    EXPECT_EQ(mail.others, "");
    EXPECT_NE(mail.decisions.find(": encrypted (S/MIME): explained in the text"), std::string::npos);
  }
  EXPECT_EQ(pkcs7("; smime-type=signed-data", "AAAA").text, wrapped);
  EXPECT_EQ(pkcs7("", signed_base64).text, wrapped);
  EXPECT_EQ(pkcs7("; smime-type=certs-only", signed_base64).text, "[This mail only carries S/MIME certificates, for your mail program.]");
  EXPECT_EQ(pkcs7("; smime-type=compressed-data", "AAAA").text,
            "[This mail is compressed with S/MIME. To read it, open your mailbox in a mail program.]");
  // A name alone is no proof.
  EXPECT_EQ(pkcs7("; name=x.p7m", "AAAA", "application/octet-stream").others, "application/octet-stream ");
}

TEST(Sealed, SignedSmimeShowsItsContent) {
  const Converted mail = converted(
      "Content-Type: multipart/signed; protocol=\"application/pkcs7-signature\"; boundary=b\r\n\r\n--b\r\n\r\ntext\r\n"
      "--b\r\nContent-Type: application/pkcs7-signature; name=smime.p7s\r\n\r\nx\r\n--b--\r\n");
  EXPECT_EQ(mail.text, "text");
  EXPECT_EQ(mail.others, "");
  EXPECT_NE(mail.decisions.find("smime.p7s: the signature of signed content"), std::string::npos);
  // Encrypted, then signed.
  EXPECT_EQ(converted("Content-Type: multipart/signed; boundary=b\r\n\r\n--b\r\nContent-Type: application/pkcs7-mime; "
                      "smime-type=enveloped-data\r\n\r\nx\r\n--b--\r\n")
                .text.substr(0, 27),
            "[This mail is encrypted wit");
}

TEST(Sealed, PgpMime) {
  const std::string parts =
      "; boundary=b\r\n\r\n--b\r\nContent-Type: application/pgp-encrypted\r\n\r\nVersion: 1\r\n--b\r\nContent-Type: "
      "application/octet-stream; name=encrypted.asc\r\n\r\n-----BEGIN PGP MESSAGE-----\r\n--b--\r\n";
  const Converted mail = converted("Content-Type: multipart/encrypted; protocol=\"application/pgp-encrypted\"" + parts);
  EXPECT_EQ(mail.text, "[This mail is encrypted with PGP. To read it, open your mailbox in a mail program that has your key.]");
  EXPECT_EQ(mail.others, "");
  EXPECT_NE(mail.decisions.find("application/pgp-encrypted: the header of encrypted content"), std::string::npos);
  EXPECT_NE(mail.decisions.find("encrypted.asc: encrypted (PGP)"), std::string::npos);
  EXPECT_EQ(converted("Content-Type: multipart/encrypted; protocol=\"application/x\"; boundary=b\r\n\r\n--b\r\nContent-Type: "
                      "application/y\r\n\r\nx\r\n--b--\r\n")
                .text,
            "[This mail is encrypted. To read it, open your mailbox in the mail program it was made for.]");
}

TEST(Sealed, EncryptedMessagesHaveNoHeaderLines) {
  for (const std::string_view type : {"message/external-body", "message/rfc822\r\nContent-Transfer-Encoding: base64"}) {
    const Converted mail =
        converted("Content-Type: multipart/encrypted; protocol=\"application/pgp-encrypted\"; boundary=b\r\n\r\n--b\r\nContent-Type: " +
                  std::string(type) + "\r\n\r\nx\r\n--b--\r\n");
    EXPECT_NE(mail.text.find("encrypted"), std::string::npos) << type;
  }
}

TEST(WithoutArmour, Blocks) {
  Arena arena;
  ArenaList<Decision> decisions(arena);
  const auto read = [&](std::string_view text) {
    decisions.shrink(0);
    return without_armour(text, "text/plain", decisions, arena);
  };
  EXPECT_EQ(read("no armour\n-----BEGIN CERTIFICATE-----\n"), "no armour\n-----BEGIN CERTIFICATE-----\n");
  EXPECT_EQ(decisions.size(), 0U);
  EXPECT_EQ(read("Hi\n-----BEGIN PGP MESSAGE-----\nVersion: x\n\nabc\n=x\n-----END PGP MESSAGE-----\nbye"),
            "Hi\n[This mail is encrypted with PGP. To read it, open your mailbox in a mail program that has your key.]\nbye");
  ASSERT_EQ(decisions.size(), 1U);
  EXPECT_EQ(decisions[0].rule, "encrypted (PGP): explained in the text");
  EXPECT_EQ(read("-----BEGIN PGP SIGNED MESSAGE-----\r\nHash: SHA512\r\n\r\n- -- \r\n- a\r\nb\r\n-----BEGIN PGP "
                 "SIGNATURE-----\r\n\r\nabc\r\n-----END PGP SIGNATURE-----\r\n- after\r\n"),
            "-- \r\na\r\nb\r\n- after\r\n");
  ASSERT_EQ(decisions.size(), 1U);
  EXPECT_EQ(decisions[0].rule, "the PGP signature of signed text, which is shown");
  EXPECT_EQ(read("a\n-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nabc\n-----END PGP PUBLIC KEY BLOCK-----"),
            "a\n[A PGP key for your mail program stood here.]\n");
  // Cut off.
  EXPECT_EQ(read("a\n-----BEGIN PGP SIGNATURE-----\nabc"), "a\n");
  EXPECT_EQ(read("-----BEGIN PGP SIGNED MESSAGE-----\nHash: x"), "");
  EXPECT_EQ(read("-----BEGIN PGP SIGNED MESSAGE-----"), "");
  EXPECT_EQ(read("-----BEGIN PGP -----\nx"), "[A PGP key for your mail program stood here.]\n");
}

TEST(WithoutArmour, HostileTextsAreQuick) {
  std::string text;
  for (int i = 0; i < 200'000; ++i) text += "-----BEGIN PGP MESSAGE-----\n";
  Arena arena;
  ArenaList<Decision> decisions(arena);
  EXPECT_FALSE(without_armour(text, "x", decisions, arena).empty());
  EXPECT_EQ(decisions.size(), 1U);
}

TEST(Sealed, InlinePgpInAMail) {
  EXPECT_EQ(converted("\r\n-----BEGIN PGP SIGNED MESSAGE-----\r\nHash: SHA256\r\n\r\nHello\r\n-----BEGIN PGP "
                      "SIGNATURE-----\r\n\r\nabc\r\n-----END PGP SIGNATURE-----\r\n")
                .text,
            "Hello");
}

TEST(VisitingCards, AreKeptAsTheyAre) {
  const Converted mail = converted(
      "Content-Type: multipart/alternative; boundary=b\r\n\r\n--b\r\n\r\nHi\r\n--b\r\nContent-Type: "
      "text/vcard\r\n\r\nBEGIN:VCARD\r\nFN:Ann\r\nEND:VCARD\r\n--b--\r\n");
  EXPECT_EQ(mail.text, "Hi");
  EXPECT_EQ(mail.others, "text/vcard ");
}

}  // namespace
}  // namespace pushmail::convert
