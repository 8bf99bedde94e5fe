// What phones and mail headers bring into our SMS: instructions and cleaned texts.
#include <algorithm>
#include <string>
#include <vector>

#include "codec/sms/gsm.h"
#include "controlplane/notify/foreign.h"
#include "controlplane/notify/texts.h"
#include "controlplane/retrieve/instruction.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace pushmail;
  const std::string_view text = text_of({data, size});
  const std::vector<std::string> codes{"10", "17", "18"};
  const auto instruction = retrieve::parse_instruction(text, codes);
  if (instruction.kind == retrieve::Instruction::Kind::get) {
    PM_CHECK(!instruction.code.empty() && instruction.code.size() <= 4);
    PM_CHECK(std::all_of(instruction.code.begin(), instruction.code.end(), [](char c) { return c >= '0' && c <= '9'; }));
  }
  const std::string cleaned = notify::clean(text, 50);
  PM_CHECK(std::none_of(cleaned.begin(), cleaned.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; }));
  PM_CHECK(notify::clean(cleaned, 53) == cleaned);
  const std::string sms = notify::new_mail_text({.sender_name = text, .sender_address = text, .subject = text, .size = size}, "17");
  PM_CHECK(sms.ends_with("Reply 17 to get it."));
  PM_CHECK(sms::split_text(sms, 1).size() <= 9);
  return 0;
}
