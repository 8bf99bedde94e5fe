// Each README shows its folder's tables of states exactly as they are.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "codec/mm7/status.h"
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

/// What stands in the README between "```states NAME" and "```"; of another kind of block, between its first line and "```".
std::string shown(std::string_view readme, std::string_view name, std::string_view kind = "states ") {
  std::ifstream file(std::string(PUSHMAIL_SOURCE_DIR) + "/" + std::string(readme));
  std::ostringstream text;
  text << file.rdbuf();
  const std::string whole = text.str();
  const std::string opening = "```" + std::string(kind) + std::string(name) + "\n";
  const std::size_t at = whole.find(opening);
  if (at == std::string::npos) return "nothing is shown";
  const std::size_t from = at + opening.size();
  return whole.substr(from, whole.find("```\n", from) - from);
}

/// By event, since most of them mean the same in several states: `notified  accepted > notified`.
std::string drawing_of_item_life(const std::vector<item_life::Rule>& rules) {
  std::size_t widest = 0;
  for (const std::string_view name : item_event_names) widest = std::max(widest, name.size());
  std::string drawing;
  for (const item_life::Rule& rule : rules) {
    std::string line(to_string(rule.event));
    line.resize(widest, ' ');
    for (std::size_t state = 0; state < words<ItemState>.size(); ++state) {
      if ((rule.states >> state & 1U) != 0) line.append(" ").append(words<ItemState>[state]);
    }
    drawing.append(line).append(" > ").append(to_string(rule.to)).push_back('\n');
  }
  return drawing;
}

std::size_t mutants = 0;

/// The README shows the table as it is; and with any row taken out, or leading elsewhere, it would not.
template <typename Rows, typename StateNames, typename EventNames>
void expect_shown(std::string_view readme, std::string_view name, const Rows& table, const StateNames& states, const EventNames& events) {
  const std::string drawing = shown(readme, name);
  const std::vector<typename Rows::value_type> rows(table.begin(), table.end());
  EXPECT_EQ(drawing, drawing_of(rows, states, events)) << readme << ", " << name;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    auto without = rows;
    without.erase(without.begin() + static_cast<std::ptrdiff_t>(i));
    EXPECT_NE(drawing, drawing_of(without, states, events)) << name << ", without row " << i;
    ++mutants;
    for (std::size_t to = 0; to < states.size(); ++to) {
      auto elsewhere = rows;
      elsewhere[i].to = static_cast<decltype(elsewhere[i].to)>(to);
      if (elsewhere[i].to == rows[i].to) continue;
      EXPECT_NE(drawing, drawing_of(elsewhere, states, events)) << name << ", row " << i << " to " << states[to];
      ++mutants;
    }
  }
}

TEST(Drawings, AreTheTables) {
  expect_shown("dataplane/tcp/README.md", "connection", tcp::transitions, tcp::state_names, tcp::event_names);
  expect_shown("dataplane/tcp/README.md", "neighbour", tcp::neighbour_rows, tcp::neighbour_state_names, tcp::neighbour_event_names);
  expect_shown("dataplane/relay/README.md", "stage", relay::stage_steps, relay::stage_names, relay::stage_event_names);
  expect_shown("dataplane/relay/README.md", "attempt", relay::attempt_steps, relay::attempt_phase_names, relay::attempt_event_names);
  expect_shown("dataplane/session/README.md", "HTTP client", http_client_steps, http_client_state_names, http_client_event_names);
  expect_shown("dataplane/session/README.md", "SMTP client", smtp_client_steps, smtp_client_state_names, smtp_client_event_names);
  expect_shown("controlplane/notify/README.md", "SMPP session", notify::smpp_transitions, notify::smpp_state_names,
               notify::smpp_event_names);
  expect_shown("controlplane/notify/README.md", "SMS", notify::sms_transitions, words<SmsState>, notify::sms_event_names);
  expect_shown("controlplane/fetcher/README.md", "watcher", mailbox::watch_steps, mailbox::watch_state_names, mailbox::watch_event_names);
  std::printf("%zu mutants of tables, each noticed\n", mutants);
}

TEST(Drawings, TheLifeOfAnItemToo) {
  const std::string drawing = shown("controlplane/store/README.md", "item");
  const std::vector<item_life::Rule> rules(item_life::rules.begin(), item_life::rules.end());
  EXPECT_EQ(drawing, drawing_of_item_life(rules));
  std::size_t count = 0;
  for (std::size_t i = 0; i < rules.size(); ++i) {
    for (std::size_t state = 0; state < words<ItemState>.size(); ++state) {
      auto mutant = rules;
      mutant[i].states ^= 1U << state;
      EXPECT_NE(drawing, drawing_of_item_life(mutant)) << to_string(rules[i].event) << " in " << words<ItemState>[state];
      ++count;
      mutant = rules;
      mutant[i].to = static_cast<ItemState>(state);
      if (mutant[i].to == rules[i].to) continue;
      EXPECT_NE(drawing, drawing_of_item_life(mutant)) << to_string(rules[i].event) << " to " << words<ItemState>[state];
      ++count;
    }
  }
  std::printf("%zu mutants of an item's life, each noticed\n", count);
}

// `4007 peer_trouble Service denied`
TEST(Drawings, TheStatusCodesOfMm7Too) {
  const std::string drawing = shown("codec/mm7/README.md", "", "status codes");
  const auto drawn = [](const std::vector<mm7::StatusRow>& rows) {
    std::string text;
    for (const mm7::StatusRow& row : rows) {
      std::string line = std::to_string(row.code) + " " + std::string(mm7::status_class_names[static_cast<std::size_t>(row.meaning)]);
      line.resize(18, ' ');
      text += line + std::string(row.text) + "\n";
    }
    return text;
  };
  const std::vector<mm7::StatusRow> rows(mm7::status_table().begin(), mm7::status_table().end());
  EXPECT_EQ(drawing, drawn(rows));
  std::size_t count = 0;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    auto without = rows;
    without.erase(without.begin() + static_cast<std::ptrdiff_t>(i));
    EXPECT_NE(drawing, drawn(without)) << rows[i].code;
    ++count;
    for (std::size_t meaning = 0; meaning < mm7::status_class_names.size(); ++meaning) {
      auto other = rows;
      other[i].meaning = static_cast<mm7::StatusClass>(meaning);
      if (other[i].meaning == rows[i].meaning) continue;
      EXPECT_NE(drawing, drawn(other)) << rows[i].code << " as " << mm7::status_class_names[meaning];
      ++count;
    }
  }
  std::printf("%zu mutants of status codes, each noticed\n", count);
}

}  // namespace
}  // namespace pushmail
