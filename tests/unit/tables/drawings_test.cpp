// Each README shows its folder's tables of states exactly as they are.
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "controlplane/fetcher/watch_life.h"
#include "controlplane/notify/smpp_state.h"
#include "controlplane/notify/sms_life.h"
#include "controlplane/store/item_life.h"
#include "dataplane/relay/attempt.h"
#include "dataplane/relay/stages.h"
#include "dataplane/session/http_client_state.h"
#include "dataplane/session/smtp_client_state.h"
#include "dataplane/tcp/neighbours.h"
#include "dataplane/tcp/state.h"

namespace pushmail {
namespace {

/// What stands in the README between "```states NAME" and "```".
std::string shown(std::string_view readme, std::string_view name) {
  std::ifstream file(std::string(PUSHMAIL_SOURCE_DIR) + "/" + std::string(readme));
  std::ostringstream text;
  text << file.rdbuf();
  const std::string whole = text.str();
  const std::string opening = "```states " + std::string(name) + "\n";
  const std::size_t at = whole.find(opening);
  if (at == std::string::npos) return "nothing is shown";
  const std::size_t from = at + opening.size();
  return whole.substr(from, whole.find("```\n", from) - from);
}

/// By event, since most of them mean the same in several states: `notified  accepted > notified`.
std::string drawing_of_item_life() {
  std::size_t widest = 0;
  for (const std::string_view name : item_event_names) widest = std::max(widest, name.size());
  std::string drawing;
  for (const item_life::Rule& rule : item_life::rules) {
    std::string line(to_string(rule.event));
    line.resize(widest, ' ');
    for (std::size_t state = 0; state < item_state_names.size(); ++state) {
      if ((rule.states >> state & 1U) != 0) line.append(" ").append(item_state_names[state]);
    }
    drawing.append(line).append(" > ").append(to_string(rule.to)).push_back('\n');
  }
  return drawing;
}

TEST(Drawings, AreTheTables) {
  EXPECT_EQ(shown("dataplane/tcp/README.md", "connection"), drawing_of(tcp::transitions, tcp::state_names, tcp::event_names));
  EXPECT_EQ(shown("dataplane/tcp/README.md", "neighbour"),
            drawing_of(tcp::neighbour_rows, tcp::neighbour_state_names, tcp::neighbour_event_names));
  EXPECT_EQ(shown("dataplane/relay/README.md", "stage"), drawing_of(relay::stage_steps, relay::stage_names, relay::stage_event_names));
  EXPECT_EQ(shown("dataplane/relay/README.md", "attempt"),
            drawing_of(relay::attempt_steps, relay::attempt_phase_names, relay::attempt_event_names));
  EXPECT_EQ(shown("dataplane/session/README.md", "HTTP client"),
            drawing_of(http_client_steps, http_client_state_names, http_client_event_names));
  EXPECT_EQ(shown("dataplane/session/README.md", "SMTP client"),
            drawing_of(smtp_client_steps, smtp_client_state_names, smtp_client_event_names));
  EXPECT_EQ(shown("controlplane/notify/README.md", "SMPP session"),
            drawing_of(notify::smpp_transitions, notify::smpp_state_names, notify::smpp_event_names));
  EXPECT_EQ(shown("controlplane/notify/README.md", "SMS"), drawing_of(notify::sms_transitions, sms_state_names, notify::sms_event_names));
  EXPECT_EQ(shown("controlplane/fetcher/README.md", "watcher"),
            drawing_of(mailbox::watch_steps, mailbox::watch_state_names, mailbox::watch_event_names));
  EXPECT_EQ(shown("controlplane/store/README.md", "item"), drawing_of_item_life());
}

}  // namespace
}  // namespace pushmail
