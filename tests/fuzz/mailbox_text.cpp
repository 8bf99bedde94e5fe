// The small readers of a mailbox session: POP3's multi-line answer (cut anywhere, the same), the Date field and INTERNALDATE, names out of
// UIDLs and headers, an announcement out of any header, a folder's name in modified UTF-7, and what a refusal asks of us.
#include <algorithm>

#include "controlplane/fetcher/announce.h"
#include "controlplane/fetcher/errors.h"
#include "controlplane/fetcher/fence.h"
#include "controlplane/fetcher/folder_name.h"
#include "controlplane/fetcher/mail_date.h"
#include "controlplane/fetcher/pop3_lines.h"
#include "controlplane/fetcher/pop3_names.h"
#include "controlplane/fetcher/refusals.h"

using namespace pushmail;

// NOLINTNEXTLINE(readability-identifier-naming): libFuzzer's name.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const ByteView in(data, size);
  mailbox::Pop3Body whole;
  Bytes out;
  const std::size_t used = whole.feed(in, out);
  PM_CHECK(used <= size && out.size() <= used && (whole.is_done() || used == size));
  mailbox::Pop3Body bytewise;
  Bytes slow;
  std::size_t slow_used = 0;
  for (std::size_t at = 0; at < size; ++at) slow_used += bytewise.feed(in.subspan(at, 1), slow);
  PM_CHECK(slow_used == used && slow == out && bytewise.is_done() == whole.is_done());

  if (const auto date = mailbox::parse_mail_date(text_of(in)))
    PM_CHECK(date->us > -63'000'000'000'000'000 && date->us < 254'000'000'000'000'000);
  // What is written anew for libetpan is what was read.
  if (const auto date = mailbox::parse_internal_date(text_of(in))) {
    const std::string anew = mailbox::format_internal_date(*date);
    PM_CHECK(anew.size() == 26 && mailbox::parse_internal_date(anew) == date);
  }
  const std::string name = mailbox::name_of_header(text_of(in));
  PM_CHECK(mailbox::may_go_on_wire(name) && mailbox::is_made_name(name));
  PM_CHECK(!mailbox::is_usable_uidl(text_of(in)) || mailbox::may_go_on_wire(text_of(in)));
  if (const auto folder = mailbox::folder_on_wire(text_of(in))) {
    PM_CHECK(std::ranges::all_of(*folder, [](char c) { return c >= 0x20 && c <= 0x7E; }));
  }
  const mailbox::Failure refused = mailbox::refused(text_of(in), mailbox::mailbox_login);
  PM_CHECK(refused.wait >= Duration{} && refused.wait <= seconds(3600));
  const auto said = mailbox::announce(mailbox::Arrival{.uid = "1", .size = size, .header = std::string(text_of(in))});
  PM_CHECK(said.subject.size() <= 1000 && said.sender.size() <= 1000 && said.references.size() <= 20);
  return 0;
}
