// libetpan's IMAP client behind the fence, fed with whatever a server may say: it must end every command, in little stack and time.
//
// The bytes are dealt out as the answers of one session as ImapSession holds it; the end of the input is an error, as in MailStream.
#include <libetpan/libetpan.h>

#include <cstdlib>
#include <cstring>

#include "controlplane/fetcher/fence.h"
#include "core/limits.h"

using namespace pushmail;

namespace {

struct Answers {
  mailbox::Fence fence{mailbox::Fence::Grammar::imap};
  ByteView in;
  Bytes passed;
  std::size_t at = 0;
};

extern "C" {
static ssize_t read_answer(mailstream_low* low, void* into, size_t size) {
  Answers& answers = *static_cast<Answers*>(low->data);
  while (answers.at == answers.passed.size()) {
    answers.passed.clear();
    answers.at = 0;
    if (answers.in.empty()) return -1;
    const std::size_t piece = std::min<std::size_t>(answers.in.size(), 700);
    if (!answers.fence.pass(answers.in.first(piece), answers.passed)) return -1;
    answers.in = answers.in.subspan(piece);
  }
  const std::size_t taken = std::min(size, answers.passed.size() - answers.at);
  std::memcpy(into, answers.passed.data() + answers.at, taken);
  answers.at += taken;
  return static_cast<ssize_t>(taken);
}
static ssize_t write_command(mailstream_low*, const void*, size_t size) { return static_cast<ssize_t>(size); }
static int do_nothing(mailstream_low*) { return 0; }
static int no_descriptor(mailstream_low*) { return -1; }
static void free_low(mailstream_low* low) { std::free(low); }
static void ignore(mailstream_low*) {}
}

mailstream_low_driver driver = {
    .mailstream_read = read_answer,
    .mailstream_write = write_command,
    .mailstream_close = do_nothing,
    .mailstream_get_fd = no_descriptor,
    .mailstream_free = free_low,
    .mailstream_cancel = ignore,
    .mailstream_get_cancel = nullptr,
    .mailstream_get_certificate_chain = nullptr,
    .mailstream_setup_idle = do_nothing,
    .mailstream_unsetup_idle = do_nothing,
    .mailstream_interrupt_idle = do_nothing,
};

void run_session(mailimap* imap, Answers& answers) {
  const auto begin = [&answers] { answers.fence.begin(limits::imap_answer_size_max); };
  begin();
  if (mailimap_connect(imap, mailstream_new(mailstream_low_new(&answers, &driver), 4096)) != MAILIMAP_NO_ERROR_NON_AUTHENTICATED) return;
  begin();
  if (mailimap_custom_command(imap, "CAPABILITY") != MAILIMAP_NO_ERROR) return;
  begin();
  if (mailimap_login(imap, "alice", "secret") != MAILIMAP_NO_ERROR) return;
  begin();
  if (mailimap_select(imap, "INBOX") != MAILIMAP_NO_ERROR) return;
  begin();
  mailimap_search_key* key = mailimap_search_key_new_uid(mailimap_set_new_interval(1, 0));
  clist* uids = nullptr;
  const int searched = mailimap_uid_search(imap, nullptr, key, &uids);
  mailimap_search_key_free(key);
  if (searched != MAILIMAP_NO_ERROR) return;
  mailimap_search_result_free(uids);
  while (true) {
    begin();
    mailimap_fetch_type* what = mailimap_fetch_type_new_fetch_att_list_empty();
    mailimap_fetch_type_new_fetch_att_list_add(what, mailimap_fetch_att_new_uid());
    mailimap_set* set = mailimap_set_new_interval(1, 9);
    clist* list = nullptr;
    const int fetched = mailimap_uid_fetch(imap, set, what, &list);
    mailimap_fetch_type_free(what);
    mailimap_set_free(set);
    if (fetched != MAILIMAP_NO_ERROR) return;
    mailimap_fetch_list_free(list);
    begin();
    if (mailimap_idle(imap) != MAILIMAP_NO_ERROR) return;
    begin();
    if (mailimap_idle_done(imap) != MAILIMAP_NO_ERROR) return;
  }
}

}  // namespace

// libetpan forgets the 42 bytes of a greeting that is BYE; each costs the server a connection, and those are paced.
// NOLINTNEXTLINE(readability-identifier-naming,bugprone-reserved-identifier): LeakSanitizer's name.
extern "C" const char* __lsan_default_suppressions() { return "leak:mailimap_greeting_new\nleak:mailimap_resp_\n"; }

// NOLINTNEXTLINE(readability-identifier-naming): libFuzzer's name.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Answers answers;
  answers.in = ByteView(data, size);
  mailimap* imap = mailimap_new(0, nullptr);
  run_session(imap, answers);
  // LOGOUT finds the end of the input.
  answers.in = {};
  mailimap_free(imap);
  return 0;
}
