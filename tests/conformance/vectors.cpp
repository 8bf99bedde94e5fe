// Reads PDUs that others wrote, writes them again, and says whether the octets are the same.
//
// `conformance_vectors` takes lines `NAME HEX` on standard input and prints `NAME TAB KIND TAB VERDICT TAB FIELDS` lines: VERDICT is equal,
// different, or the error that refused it; FIELDS is what was read, its lines joined by ` | `. What a PDU is, is told from its octets: an
// MMS PDU begins with its type, an SMPP PDU with its own length, a push has its type in the second octet. What a push carries is written
// again too.
#include <fmt/format.h>

#include <algorithm>
#include <iostream>
#include <string>

#include "codec/mms/pdu.h"
#include "codec/sms/smpp.h"
#include "codec/wap/push.h"

namespace pushmail {
namespace {

struct Verdict {
  std::string kind;
  std::string words;
  std::string fields;
};

std::string verdict_of(const Result<Bytes>& written, ByteView octets) {
  if (!written) return fmt::format("not written: {}", written.error().info->name);
  return std::ranges::equal(*written, octets) ? "equal" : fmt::format("different: {}", to_hex(*written));
}
std::string not_read(const Error& error) { return fmt::format("not read: {} at {}", error.info->name, error.at); }

std::string joined(std::string text) {
  while (text.ends_with('\n')) text.pop_back();
  for (std::size_t at = text.find('\n'); at != std::string::npos; at = text.find('\n', at)) text.replace(at, 1, " | ");
  return text;
}

Verdict judge_mms(ByteView octets) {
  const auto pdu = mms::decode(octets);
  if (!pdu) return {"mms", not_read(pdu.error()), {}};
  return {std::string(mms::name_of(pdu->type)), verdict_of(mms::encode(*pdu), octets), joined(mms::dump(*pdu))};
}

Verdict judge_smpp(ByteView octets) {
  const auto frame = smpp::parse_frame(octets);
  if (!frame.is_done()) return {"smpp", "not read: no frame", {}};
  const auto pdu = smpp::decode(frame.value());
  if (!pdu) return {"smpp", not_read(pdu.error()), {}};
  return {"smpp", verdict_of(smpp::encode(*pdu), octets), smpp::dump(*pdu)};
}

std::string notice_words(const wap::Notice& notice) {
  const auto time = [](const std::optional<Timestamp>& at) { return at ? format_rfc3339(*at) : std::string("-"); };
  return fmt::format("address {} | id {} | created {} | expires {} | action {} | text {}", notice.address, notice.id, time(notice.created),
                     time(notice.expires), static_cast<int>(notice.action), notice.text);
}

Verdict judge_push(ByteView octets) {
  Arena arena;
  const auto push = wap::read_push(octets, arena);
  if (!push) return {"push", not_read(push.error()), {}};
  Verdict out{"push", verdict_of(wap::write_push(*push), octets),
              fmt::format("type {} | application {}", push->type.media_type,
                          push->application ? fmt::to_string(*push->application) : std::string("-"))};
  if (out.words != "equal") return out;
  if (push->type.media_type == "application/vnd.wap.mms-message") {
    const Verdict inner = judge_mms(push->body);
    return {"push of " + inner.kind, inner.words, out.fields + " | " + inner.fields};
  }
  const auto notice = wap::read_notice(push->body, arena);
  if (!notice) return {"push", not_read(notice.error()), out.fields};
  return {"push of a notice", verdict_of(wap::write_notice(*notice), push->body), out.fields + " | " + notice_words(*notice)};
}

Verdict judge(ByteView octets) {
  if (octets.empty()) return {"-", "not read: no hex", {}};
  if (octets[0] == 0x8C) return judge_mms(octets);
  const bool has_length = octets.size() >= 16 && (std::size_t{octets[0]} << 24 | std::size_t{octets[1]} << 16 |
                                                  std::size_t{octets[2]} << 8 | octets[3]) == octets.size();
  return has_length ? judge_smpp(octets) : judge_push(octets);
}

}  // namespace
}  // namespace pushmail

int main() {
  std::string line;
  while (std::getline(std::cin, line)) {
    const std::size_t blank = line.find(' ');
    if (blank == std::string::npos) continue;
    const pushmail::Verdict verdict = pushmail::judge(pushmail::from_hex(std::string_view(line).substr(blank + 1)));
    fmt::print("{}\t{}\t{}\t{}\n", line.substr(0, blank), verdict.kind, verdict.words, verdict.fields);
  }
  return 0;
}
