// The service takes its configuration anew: who is asked in which order, what stops it, and what the answer says.
#include "controlplane/reloading.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "core/timers.h"
#include "tests/unit/controlplane/world.h"
#include "tests/unit/core/temporary_folder.h"

namespace pushmail {
namespace {

using Outcome = ProgramReload::Outcome;

class ReloadingTest : public testing::Test {
 protected:
  void write(std::string_view size_max, std::string_view more = {}) {
    std::filesystem::create_directories(root_ / "etc/pushmail");
    std::ofstream(root_ / "etc/pushmail/pushmail.toml")
        << "domain = \"mms.example.net\"\nlink.kind = \"kernel\"\nnotify.smsc = \"127.0.0.1:2775\"\nnotify.source = \"5000\"\n"
        << "smtp.size_max = \"" << size_max << "\"\n"
        << more;
  }
  Reloading make() {
    return Reloading({.clock = clock_,
                      .root = root_,
                      .ask_data_plane =
                          [this](std::uint64_t query) {
                            said_ += "ask_data_plane ";
                            data_plane_query_ = query;
                            return data_plane_is_there_;
                          },
                      .fetchers = 2,
                      .ask_fetcher =
                          [this](std::size_t index, std::uint64_t query) {
                            said_ += "ask_fetcher ";
                            fetcher_queries_.at(index) = query;
                            return fetchers_are_there_;
                          },
                      .take = [this](const Config& config, const Settings&) { said_ += "take:" + config.shown("smtp.size_max") + " "; }},
                     Config::load(root_).value());
  }
  void begin() {
    reloading_.begin([this](const ReloadReport& report) { reports_.push_back(report); });
  }
  void data_plane_says(std::string_view reason, std::uint64_t query = 0) {
    RecordWriter record(static_cast<std::uint16_t>(handoff::Kind::reloaded), 1, {});
    record.u64(static_cast<std::uint16_t>(handoff::Tag::query), query == 0 ? data_plane_query_ : query)
        .u64(static_cast<std::uint16_t>(handoff::Tag::configuration), 1);
    if (!reason.empty()) record.text(static_cast<std::uint16_t>(handoff::Tag::reason), reason);
    const Bytes bytes = record.finish(1);
    reloading_.on_data_plane(parse_record(bytes).value());
  }
  void fetcher_says(std::size_t index, std::string_view reason) {
    RecordWriter record = mailbox::make(mailbox::Kind::reloaded, {});
    record.u64(mailbox::tag(mailbox::Tag::query), fetcher_queries_.at(index));
    if (!reason.empty()) record.text(mailbox::tag(mailbox::Tag::reason), reason);
    const Bytes bytes = record.finish(1);
    reloading_.on_fetcher(parse_record(bytes).value());
  }
  [[nodiscard]] static std::string summary(const ReloadReport& report) {
    std::string text;
    for (const ProgramReload& one : report.programs) text += one.program + " " + std::string(to_string(one.outcome)) + "; ";
    return text;
  }

  TemporaryFolder folder_;
  std::filesystem::path root_ = folder_.path;
  HandClock clock_;
  std::string said_;
  bool data_plane_is_there_ = true, fetchers_are_there_ = true;
  std::uint64_t data_plane_query_ = 0;
  std::map<std::size_t, std::uint64_t> fetcher_queries_{{0, 0}, {1, 0}};
  std::vector<ReloadReport> reports_;
  Reloading reloading_ = (write("25MiB"), make());
};

TEST_F(ReloadingTest, TheDataPlaneIsAskedFirstThenOursIsTakenThenTheFetchersAreAsked) {
  write("1MiB", "smtp.listen = \"127.0.0.1:2525\"\n");
  begin();
  EXPECT_EQ(said_, "ask_data_plane ");
  data_plane_says("");
  EXPECT_EQ(said_, "ask_data_plane take:1048576B ask_fetcher ask_fetcher ");
  fetcher_says(1, "");
  EXPECT_TRUE(reports_.empty());
  fetcher_says(0, "");
  ASSERT_EQ(reports_.size(), 1U);
  EXPECT_TRUE(reports_[0].taken);
  EXPECT_EQ(summary(reports_[0]), "data_plane taken; control_plane taken; fetcher 1 taken; fetcher 0 taken; ");
  EXPECT_EQ(reports_[0].changes.taken, std::vector<std::string>{"smtp.size_max"});
  EXPECT_EQ(reports_[0].changes.at_restart, std::vector<std::string>{"smtp.listen"});
  EXPECT_EQ(reloading_.at_restart(), std::vector<std::string>{"smtp.listen"});
  EXPECT_EQ(reloading_.refusal(), "");
  const auto json = nlohmann::json::parse(to_json_text(reports_[0]));
  EXPECT_EQ(json["reloaded"], true);
  EXPECT_EQ(json["programs"][0]["program"], "data_plane");
  EXPECT_EQ(json["programs"][0]["result"], "taken");
  EXPECT_EQ(json["needs_restart"][0], "smtp.listen");
}

TEST_F(ReloadingTest, AWrongFileOfOursAsksNobody) {
  write("1MiB", "log.level = \"loud\"\n");
  begin();
  EXPECT_EQ(said_, "");
  ASSERT_EQ(reports_.size(), 1U);
  EXPECT_FALSE(reports_[0].taken);
  EXPECT_EQ(summary(reports_[0]), "control_plane refused; ");
  EXPECT_NE(reports_[0].programs[0].reason.find("pushmail.toml:6: log.level: "), std::string::npos) << reports_[0].programs[0].reason;
  EXPECT_NE(reloading_.refusal().find("control_plane: "), std::string::npos);
  // What only the control plane reads of a peer.
  write("1MiB", "[peer.a]\nurl = \"ftp://x/\"\nservice_number = \"5000\"\nallow = [\"127.0.0.1\"]\n");
  begin();
  EXPECT_NE(reports_.at(1).programs[0].reason.find("peer.a.url: "), std::string::npos) << reports_[1].programs[0].reason;
}

TEST_F(ReloadingTest, WhatTheDataPlaneRefusesStaysAsItIsHereToo) {
  write("1MiB");
  begin();
  data_plane_says("tls.certificate: cannot be used");
  EXPECT_EQ(said_, "ask_data_plane ");
  ASSERT_EQ(reports_.size(), 1U);
  EXPECT_EQ(summary(reports_[0]), "data_plane refused; control_plane refused; ");
  EXPECT_EQ(reloading_.refusal(), "data_plane: tls.certificate: cannot be used");
  // A signal of its own, later, with files that were mended.
  data_plane_says("", 1);
  EXPECT_EQ(reloading_.refusal(), "");
}

TEST_F(ReloadingTest, WhoDoesNotAnswerIsNamed) {
  write("1MiB");
  begin();
  reloading_.tick();
  EXPECT_TRUE(reports_.empty());
  clock_.pass(timers::reload_data_plane);
  reloading_.tick();
  EXPECT_EQ(summary(reports_.at(0)), "data_plane silent; control_plane refused; ");
  begin();
  reloading_.on_data_plane_lost();
  EXPECT_EQ(summary(reports_.at(1)), "data_plane silent; control_plane refused; ");
  begin();
  data_plane_says("");
  fetcher_says(0, "");
  clock_.pass(timers::reload_fetchers);
  reloading_.tick();
  EXPECT_EQ(summary(reports_.at(2)), "data_plane taken; control_plane taken; fetcher 0 taken; fetcher 1 silent; ");
  EXPECT_TRUE(reports_[2].taken);
}

TEST_F(ReloadingTest, WhoIsNotThereReadsTheFilesAtHisStart) {
  data_plane_is_there_ = fetchers_are_there_ = false;
  write("1MiB");
  begin();
  ASSERT_EQ(reports_.size(), 1U);
  EXPECT_EQ(summary(reports_[0]), "data_plane away; control_plane taken; fetcher 0 away; fetcher 1 away; ");
  fetchers_are_there_ = true;
  begin();
  fetcher_says(1, "/etc/pushmail: cannot be read");
  reloading_.on_fetcher_lost(0);
  EXPECT_EQ(summary(reports_.at(1)), "data_plane away; control_plane taken; fetcher 1 refused; fetcher 0 away; ");
}

TEST_F(ReloadingTest, OneThatComesMeanwhileReadsTheFilesAgain) {
  write("1MiB");
  begin();
  const std::uint64_t first = data_plane_query_;
  begin();
  begin();
  EXPECT_EQ(said_, "ask_data_plane ");
  write("2MiB");
  data_plane_says("");
  fetcher_says(0, "");
  fetcher_says(1, "");
  ASSERT_EQ(reports_.size(), 1U);
  // An answer to the first question is none to the second.
  data_plane_says("", first);
  EXPECT_EQ(reports_.size(), 1U);
  data_plane_says("");
  fetcher_says(0, "");
  fetcher_says(1, "");
  EXPECT_EQ(reports_.size(), 3U);
  EXPECT_NE(said_.find("take:1048576B ask_fetcher ask_fetcher ask_data_plane take:2097152B"), std::string::npos) << said_;
}

}  // namespace
}  // namespace pushmail
