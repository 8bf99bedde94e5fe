// The API as a function: one transcript of good requests, and the table of wrong ones.
#include "controlplane/api/api.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <set>

#include "controlplane/store/ledger.h"
#include "controlplane/store/sqlite_store.h"

namespace pushmail::api {
namespace {

using Json = nlohmann::json;

class FixedClock final : public Clock {
 public:
  [[nodiscard]] Timestamp wall() const override { return {1'795'000'000'000'000}; }
  [[nodiscard]] Instant now() const override { return {1}; }
};

constexpr const char* good_binding =
    R"({"msisdn":"15550100002","mail_address":"ann@box.example","display_name":"Änn","host":"mail.example.com","user":"ann","password":"secret"})";

struct ApiTest : ::testing::Test {
  FixedClock clock;
  std::unique_ptr<Store> store = open_sqlite_store(":memory:").value();
  Sealer sealer{{1, 2, 3}};
  Bindings bindings{*store, sealer, clock, {.peers = {"mmsc"}}};
  std::vector<std::string> changed;
  std::string polled = "nothing";
  std::vector<std::function<void(AccountTrial)>> tried;  // replies that are waited for
  Api api{*store,
          bindings,
          {.binding_changed = [this](const Binding& b) { changed.emplace_back(to_string(b.state)); },
           .try_account = [this](const Binding&, const std::string&,
                                 std::function<void(AccountTrial)> reply) { tried.push_back(std::move(reply)); },
           .poll_now =
               [this](std::string_view id) {
                 polled = id;
                 return std::size_t{3};
               },
           .status = [] { return std::string(R"({"fetchers":1})"); }}};

  Answer call(std::string method, std::string target, std::string body = "") {
    return api.handle({.method = std::move(method), .target = std::move(target), .body = std::move(body), .agent = "test"});
  }
  Json json(const Answer& answer) { return Json::parse(answer.body); }
};

// A new binding waits for its mail server's word.
TEST_F(ApiTest, ABindingIsMadeWhenItsAccountWasTried) {
  std::vector<Answer> answers;
  const auto add = [&](const std::string& body) {
    api.handle({.method = "POST", .target = "/v1/bindings", .body = body, .agent = "test"},
               [&](Answer answer) { answers.push_back(std::move(answer)); });
  };
  add(good_binding);
  ASSERT_EQ(tried.size(), 1U);
  EXPECT_TRUE(answers.empty());
  tried[0]({.works = AccountTrial::Works::no, .field = "password", .text = "NO [AUTHENTICATIONFAILED] no"});
  ASSERT_EQ(answers.size(), 1U);
  EXPECT_EQ(answers[0].status, 400);
  EXPECT_EQ(json(answers[0])["error"]["field"], "password");
  EXPECT_NE(answers[0].body.find("NO [AUTHENTICATIONFAILED] no"), std::string::npos);
  EXPECT_TRUE(changed.empty());
  EXPECT_TRUE(bindings.list("", 100).value().empty());
  // Nobody knows: it is bound, and that is said.
  add(good_binding);
  tried[1]({.works = AccountTrial::Works::unknown, .field = {}, .text = "NO [LIMIT] busy"});
  ASSERT_EQ(answers.size(), 2U);
  EXPECT_EQ(answers[1].status, 201);
  EXPECT_NE(json(answers[1])["note"].get<std::string>().find("NO [LIMIT] busy"), std::string::npos);
  const std::string id = json(answers[1])["id"];
  EXPECT_EQ(call("DELETE", "/v1/bindings/" + id).status, 200);
  // It works.
  add(good_binding);
  tried[2]({.works = AccountTrial::Works::yes, .field = {}, .text = {}});
  ASSERT_EQ(answers.size(), 3U);
  EXPECT_EQ(answers[2].status, 201);
  EXPECT_FALSE(json(answers[2]).contains("note"));
  // What is wrong by itself, and what nobody wants tried, is answered at once.
  add(good_binding);
  add("{");
  std::string untried(good_binding);
  untried.replace(untried.find("15550100002"), 11, "15550100003").insert(1, R"("untried":true,"shared":true,)");
  add(untried);
  ASSERT_EQ(answers.size(), 6U);
  EXPECT_EQ(tried.size(), 3U);
  EXPECT_EQ(answers[3].status, 409);
  EXPECT_EQ(answers[4].status, 400);
  EXPECT_EQ(answers[5].status, 201) << answers[5].body;
}

TEST_F(ApiTest, BindingsArePaged) {
  std::set<std::string> expected, seen;
  for (int i = 0; i < 7; ++i) {
    std::string one(good_binding);
    one.replace(one.find("15550100002"), 11, fmt::format("1555010000{}", i)).insert(1, R"("shared":true,)");
    const Answer added = call("POST", "/v1/bindings", one);
    ASSERT_EQ(added.status, 201) << added.body;
    expected.insert(json(added)["id"].get<std::string>());
  }
  std::string target = "/v1/bindings?limit=3";
  for (const std::size_t size : {3U, 3U, 1U}) {
    const Json page = json(call("GET", target));
    EXPECT_EQ(page["bindings"].size(), size);
    for (const Json& binding : page["bindings"]) seen.insert(binding["id"].get<std::string>());
    EXPECT_EQ(page.contains("after"), size == 3);
    if (page.contains("after")) target = "/v1/bindings?limit=3&after=" + page["after"].get<std::string>();
  }
  EXPECT_EQ(seen, expected);
}

TEST_F(ApiTest, BindingsFromAddToRemove) {
  const Answer added = call("POST", "/v1/bindings", good_binding);
  ASSERT_EQ(added.status, 201) << added.body;
  const std::string id = json(added)["id"];
  EXPECT_EQ(added.body.find("secret"), std::string::npos);
  EXPECT_EQ(added.body.find("password"), std::string::npos);
  const Json listed = json(call("GET", "/v1/bindings"));
  EXPECT_EQ(listed["bindings"].size(), 1U);
  EXPECT_FALSE(listed.contains("after"));
  EXPECT_EQ(json(call("GET", "/v1/bindings/" + id))["mailbox"]["session"], "never");
  EXPECT_EQ(call("POST", "/v1/bindings", good_binding).status, 409);
  EXPECT_EQ(json(call("GET", "/v1/subscribers/15550100002/status"))["status"], "active");
  EXPECT_EQ(call("PUT", "/v1/bindings/" + id + "/state", R"({"state":"suspended"})").status, 200);
  EXPECT_EQ(json(call("GET", "/v1/subscribers/15550100002/status"))["status"], "suspended");
  EXPECT_EQ(call("PUT", "/v1/bindings/" + id + "/password", R"({"password":"new"})").status, 200);
  const auto set = call("PATCH", "/v1/bindings/" + id, R"({"policy":"push","display_name":"Ann E."})");
  EXPECT_EQ(set.status, 200) << set.body;
  EXPECT_NE(set.body.find(R"("policy":"push")"), std::string::npos) << set.body;
  for (const char* wrong : {R"({"host":"mail.example"})", R"({"policy":7})", R"({"policy":"maybe"})", "[]"})
    EXPECT_EQ(call("PATCH", "/v1/bindings/" + id, wrong).status, 400) << wrong;
  EXPECT_EQ(call("DELETE", "/v1/bindings/" + id).status, 200);
  EXPECT_EQ(json(call("GET", "/v1/subscribers/15550100002/status"))["status"], "not_bound");
  EXPECT_EQ(call("GET", "/v1/bindings/" + id).status, 404);
  EXPECT_EQ(changed, (std::vector<std::string>{"active", "suspended", "suspended", "suspended", "removed"}));
}

TEST_F(ApiTest, ItemsAndHistory) {
  Item item{.id = new_item_id(clock.wall(), 1),
            .trace = new_trace_id(),
            .source = Source::mailbox,
            .binding = "b1",
            .uid = "4",
            .subject = "broken \xff utf-8",
            .created = clock.wall()};
  ASSERT_TRUE(store->add_item(item).value());
  ASSERT_TRUE(
      note(*store, item, "mail_seen", clock.wall(), Program::fetcher, {{"uid", "4"}, {"ts", "x"}, {"detail", "a"}, {"detail", "b"}}));
  EXPECT_EQ(json(call("GET", "/v1/items"))["items"].size(), 1U);
  EXPECT_EQ(json(call("GET", "/v1/items?state=accepted&limit=1&way=to_phone"))["before"], to_string(item.id));
  EXPECT_EQ(json(call("GET", "/v1/items?state=accepted&before=" + to_string(item.id)))["items"].size(), 0U);
  EXPECT_EQ(json(call("GET", "/v1/items/" + to_string(item.id)))["state"], "accepted");
  const Json row = json(call("GET", "/v1/items/" + to_string(item.id) + "/history"))["history"][0];
  EXPECT_EQ(row["event"], "mail_seen");
  EXPECT_EQ(row["program"], "fetcher");
  EXPECT_EQ(row["uid"], "4");
  EXPECT_EQ(row["detail_ts"], "x");
  EXPECT_EQ(row["detail"], Json::array({"a", "b"}));
  EXPECT_EQ(json(call("GET", "/v1/traces/" + to_string(item.trace) + "/history"))["history"].size(), 1U);
}

TEST_F(ApiTest, PollAndStatus) {
  EXPECT_EQ(json(call("POST", "/v1/poll"))["polled"], 3);
  EXPECT_EQ(polled, "");
  EXPECT_EQ(call("POST", "/v1/poll", R"({"binding":"bNONE"})").status, 404);
  EXPECT_EQ(json(call("GET", "/v1/status"))["fetchers"], 1);
}

TEST_F(ApiTest, AReloadIsAnsweredWhenTheProgramsHaveAnswered) {
  std::function<void(std::string)> programs;
  Hooks hooks;
  hooks.reload = [&](std::function<void(std::string)> reply) { programs = std::move(reply); };
  Api asked(*store, bindings, std::move(hooks));
  std::vector<Answer> answers;
  asked.handle({.method = "POST", .target = "/v1/reload", .body = "", .agent = "root"},
               [&](const Answer& answer) { answers.push_back(answer); });
  EXPECT_TRUE(answers.empty());
  ASSERT_TRUE(programs);
  programs("{\"reloaded\":true}");
  ASSERT_EQ(answers.size(), 1U);
  EXPECT_EQ(answers[0].status, 200);
  EXPECT_EQ(answers[0].body, "{\"reloaded\":true}");
  EXPECT_EQ(call("GET", "/v1/reload").status, 405);
  EXPECT_EQ(call("POST", "/v1/reload").status, 503);
}

TEST_F(ApiTest, WrongRequests) {
  struct Row {
    int status;
    const char* method;
    const char* target;
    const char* body;
  };
  const Row rows[]{
      {404, "GET", "/", ""},
      {404, "GET", "", ""},
      {404, "GET", "/v2/items", ""},
      {404, "GET", "/v1/nothing", ""},
      {400, "GET", "bindings", ""},
      {400, "GET", "/v1/bindings?after=bNONE", ""},
      {400, "GET", "/v1/bindings?limit=0", ""},
      {400, "GET", "/v1/bindings?limit=1001", ""},
      {400, "GET", "/v1/bindings?colour=red", ""},
      {400, "GET", "/v1/items/%zz", ""},
      {400, "GET", "/v1/items?%", ""},
      {405, "DELETE", "/v1/bindings", ""},
      {405, "PUT", "/v1/bindings/x", ""},
      {405, "GET", "/v1/poll", ""},
      {400, "POST", "/v1/bindings", ""},
      {400, "POST", "/v1/bindings", "{"},
      {400, "POST", "/v1/bindings", "[]"},
      {400, "POST", "/v1/bindings", "{\"msisdn\":\"\xff\"}"},
      {400, "POST", "/v1/bindings", R"({"msisdn":15550100002})"},
      {400, "POST", "/v1/bindings", R"({"colour":"red"})"},
      {400, "POST", "/v1/bindings", R"({"shared":"yes"})"},
      {400, "POST", "/v1/bindings", R"({"port":0})"},
      {400, "POST", "/v1/bindings", R"({"port":"993"})"},
      {400, "POST", "/v1/bindings", R"({"port":-1})"},
      {404, "GET", "/v1/bindings/bNONE", ""},
      {404, "DELETE", "/v1/bindings/bNONE", ""},
      {404, "PUT", "/v1/bindings/bNONE/password", R"({"password":"x"})"},
      {400, "GET", "/v1/items/short", ""},
      {404, "GET", "/v1/items/00000000000000000000000000", ""},
      {404, "GET", "/v1/items/00000000000000000000000000/history", ""},
      {400, "GET", "/v1/items?state=lost", ""},
      {400, "GET", "/v1/items?limit=0", ""},
      {400, "GET", "/v1/items?limit=1001", ""},
      {400, "GET", "/v1/items?limit=ten", ""},
      {400, "GET", "/v1/items?way=up", ""},
      {400, "GET", "/v1/items?before=x", ""},
      {400, "GET", "/v1/items?colour=red", ""},
      {400, "GET", "/v1/traces/xyz/history", ""},
      {400, "GET", "/v1/subscribers/12/status", ""},
      {400, "POST", "/v1/poll", "7"},
  };
  for (const Row& row : rows) {
    const Answer answer = call(row.method, row.target, row.body);
    EXPECT_EQ(answer.status, row.status) << row.method << " " << row.target << " " << row.body << " -> " << answer.body;
    EXPECT_TRUE(json(answer).contains("error"));
  }
  EXPECT_TRUE(changed.empty());
}

}  // namespace
}  // namespace pushmail::api
