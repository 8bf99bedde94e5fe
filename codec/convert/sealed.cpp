// Sentences for what stays closed.
#include "codec/convert/sealed.h"

#include <algorithm>

#include "codec/mime/cms.h"

namespace pushmail::convert {
namespace {

constexpr Sealed smime_encrypted{"[This mail is encrypted with S/MIME. To read it, open your mailbox in a mail program that has your key.]",
                                 "encrypted (S/MIME): explained in the text"};
constexpr Sealed smime_signed{
    "[This mail is wrapped in an S/MIME signature, which a phone cannot open. To read it, open your mailbox in a mail program.]",
    "signed inside its signature (S/MIME, opaque): explained in the text"};
constexpr Sealed smime_certificates{"[This mail only carries S/MIME certificates, for your mail program.]",
                                    "certificates (S/MIME): explained in the text"};
constexpr Sealed smime_compressed{"[This mail is compressed with S/MIME. To read it, open your mailbox in a mail program.]",
                                  "compressed (S/MIME): explained in the text"};
constexpr Sealed pgp_encrypted{"[This mail is encrypted with PGP. To read it, open your mailbox in a mail program that has your key.]",
                               "encrypted (PGP): explained in the text"};
constexpr Sealed other_encrypted{"[This mail is encrypted. To read it, open your mailbox in the mail program it was made for.]",
                                 "encrypted: explained in the text"};
constexpr std::string_view pgp_key_sentence = "[A PGP key for your mail program stood here.]";

const mime::Part* parent_of(const mime::Message& mail, const mime::Part& part) {
  return part.parent == mime::Part::none ? nullptr : &mail.parts[part.parent];
}

bool ends_with_nocase(std::string_view text, std::string_view end) {
  return text.size() >= end.size() && ascii_equal_nocase(text.substr(text.size() - end.size()), end);
}

/// What the content of a part says that it is (codec/mime/cms.h).
unsigned kind_of_content(const mime::Part& part, Arena& arena) {
  constexpr std::size_t looked_at_max = 128;  // it stands within the first bytes
  mime::Part head = part;
  head.body = part.body.first(std::min(part.body.size(), looked_at_max));
  return mime::cms_content_type(mime::decode_body(head, arena));
}

/// RFC 8551 §3.2.2; a type that is missing is read from the content.
Sealed smime_kind(const mime::Part& part, Arena& arena) {
  const std::string_view type = part.type_parameter("smime-type");
  if (ascii_equal_nocase(type, "certs-only")) return smime_certificates;
  if (ascii_equal_nocase(type, "compressed-data")) return smime_compressed;
  if (ascii_equal_nocase(type, "signed-data") || ascii_equal_nocase(type, "signed-receipt")) return smime_signed;
  if (!type.empty()) return smime_encrypted;
  return kind_of_content(part, arena) == mime::cms_signed_data ? smime_signed : smime_encrypted;
}

bool is_pgp_header(const mime::Part& part) { return part.media_type == "application/pgp-encrypted"; }

/// multipart/encrypted that a server made something else of (Exchange writes multipart/mixed): the part that says `Version: 1` is still
/// there, before the one with the cipher text.
bool follows_pgp_header(const mime::Message& mail, const mime::Part& part) {
  if (part.parent == mime::Part::none ||
      (part.media_type != "application/octet-stream" && !ends_with_nocase(part.name, ".asc") && !ends_with_nocase(part.name, ".pgp")))
    return false;
  const auto is_header_beside = [&](const mime::Part& other) {
    return &other < &part && other.parent == part.parent && is_pgp_header(other);
  };
  return std::any_of(mail.parts.begin(), mail.parts.end(), is_header_beside);
}

std::string_view line_at(std::string_view text, std::size_t at) {
  std::string_view line = text.substr(at, std::min(text.find('\n', at), text.size()) - at);
  while (line.ends_with(' ') || line.ends_with('\t') || line.ends_with('\r')) line.remove_suffix(1);
  return line;
}
std::size_t next_line(std::string_view text, std::size_t at) { return std::min(text.find('\n', at), text.size() - 1) + 1; }

/// The label of an armour line: `PGP MESSAGE` of `-----BEGIN PGP MESSAGE-----`; empty when it is none (RFC 9580 §6.2).
std::string_view armour_label(std::string_view line, std::string_view start) {
  constexpr std::string_view end = "-----";
  if (!line.starts_with(start) || !line.ends_with(end) || line.size() < start.size() + end.size()) return {};
  const std::string_view label = line.substr(start.size(), line.size() - start.size() - end.size());
  return label.starts_with("PGP ") ? label : std::string_view();
}

}  // namespace

std::optional<Sealed> sealed_part(const mime::Message& mail, const mime::Part& part, Arena& arena) {
  if (part.is_multipart()) return std::nullopt;
  const std::string_view type = part.media_type;
  if (type == "application/pkcs7-mime" || type == "application/x-pkcs7-mime") return smime_kind(part, arena);
  // Servers that lose the type leave the name.
  if (type == "application/octet-stream" && ends_with_nocase(part.name, ".p7m") && kind_of_content(part, arena) != 0)
    return smime_kind(part, arena);
  if (is_pgp_header(part)) return std::nullopt;
  if (follows_pgp_header(mail, part)) return pgp_encrypted;
  const mime::Part* parent = parent_of(mail, part);
  if (parent == nullptr || parent->media_type != "multipart/encrypted") return std::nullopt;
  return ascii_equal_nocase(parent->type_parameter("protocol"), "application/pgp-encrypted") ||
                 part.media_type == "application/octet-stream"
             ? pgp_encrypted
             : other_encrypted;
}

bool is_encryption_header(const mime::Message& mail, const mime::Part& part) {
  if (is_pgp_header(part)) return true;
  const mime::Part* parent = parent_of(mail, part);
  return parent != nullptr && parent->media_type == "multipart/encrypted" &&
         ascii_equal_nocase(part.media_type, parent->type_parameter("protocol"));
}

std::string_view without_armour(std::string_view utf8, std::string_view what, ArenaList<Decision>& decisions, Arena& arena) {
  constexpr std::string_view begin = "-----BEGIN ";
  if (utf8.find("-----BEGIN PGP ") == std::string_view::npos) return utf8;
  ArenaText out(arena);
  out.reserve(utf8.size());
  bool is_signed_text = false;
  for (std::size_t at = 0; at < utf8.size();) {
    const std::string_view line = line_at(utf8, at);
    const std::size_t next = next_line(utf8, at);
    const std::string_view label = armour_label(line, begin);
    if (label.empty()) {
      // RFC 9580 §7.2: inside signed text each line that starts with a dash has one more, and a blank.
      std::string_view whole = utf8.substr(at, next - at);
      if (is_signed_text && whole.starts_with("- ")) whole.remove_prefix(2);
      out += whole;
      at = next;
      continue;
    }
    at = next;
    if (label == "PGP SIGNED MESSAGE") {
      is_signed_text = true;
      // Its header ends with an empty line.
      while (at < utf8.size() && !line_at(utf8, at).empty()) at = next_line(utf8, at);
      if (at < utf8.size()) at = next_line(utf8, at);
      continue;
    }
    // A block runs to its last line; one that is cut off to the end of the text.
    while (at < utf8.size() && armour_label(line_at(utf8, at), "-----END ") != label) at = next_line(utf8, at);
    if (at < utf8.size()) at = next_line(utf8, at);
    if (label == "PGP SIGNATURE") {
      is_signed_text = false;
      decisions.push_back({what, "the PGP signature of signed text, which is shown"});
    } else if (label.starts_with("PGP MESSAGE")) {
      out += pgp_encrypted.sentence;
      out += '\n';
      decisions.push_back({what, pgp_encrypted.rule});
    } else {
      out += pgp_key_sentence;
      out += '\n';
      decisions.push_back({what, "a PGP key: explained in the text"});
    }
  }
  return out.take_view();
}

}  // namespace pushmail::convert
