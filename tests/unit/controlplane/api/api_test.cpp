// The API as a function: one transcript of good requests, and the table of wrong ones.
#include "controlplane/api/api.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

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
  Api api{*store, bindings,
          {.binding_changed = [this](const Binding& b) { changed.push_back(b.state); },
           .poll_now = [this](std::string_view id) { polled = id; return std::size_t{3}; },
           .status = [] { return std::string(R"({"fetchers":1})"); }}};

  Answer call(std::string method, std::string target, std::string body = "") {
    return api.handle({.method = std::move(method), .target = std::move(target), .body = std::move(body), .agent = "test"});
  }
  Json json(const Answer& answer) { return Json::parse(answer.body); }
};

TEST_F(ApiTest, BindingsFromAddToRemove) {
  const Answer added = call("POST", "/v1/bindings", good_binding);
  ASSERT_EQ(added.status, 201) << added.body;
  const std::string id = json(added)["id"];
  EXPECT_EQ(added.body.find("secret"), std::string::npos);
  EXPECT_EQ(added.body.find("password"), std::string::npos);
  EXPECT_EQ(json(call("GET", "/v1/bindings"))["bindings"].size(), 1U);
  EXPECT_EQ(json(call("GET", "/v1/bindings/" + id))["mailbox"]["session"], "never");
  EXPECT_EQ(call("POST", "/v1/bindings", good_binding).status, 409);
  EXPECT_EQ(json(call("GET", "/v1/subscribers/15550100002/status"))["status"], "active");
  EXPECT_EQ(call("PUT", "/v1/bindings/" + id + "/state", R"({"state":"suspended"})").status, 200);
  EXPECT_EQ(json(call("GET", "/v1/subscribers/15550100002/status"))["status"], "suspended");
  EXPECT_EQ(call("PUT", "/v1/bindings/" + id + "/password", R"({"password":"new"})").status, 200);
  EXPECT_EQ(call("DELETE", "/v1/bindings/" + id).status, 200);
  EXPECT_EQ(json(call("GET", "/v1/subscribers/15550100002/status"))["status"], "not_bound");
  EXPECT_EQ(call("GET", "/v1/bindings/" + id).status, 404);
  EXPECT_EQ(changed, (std::vector<std::string>{"active", "suspended", "suspended", "removed"}));
}

TEST_F(ApiTest, ItemsAndHistory) {
  Item item{.id = new_item_id(clock.wall(), 1), .trace = new_trace_id(), .source = "mailbox", .binding = "b1", .uid = "4",
            .subject = "broken \xff utf-8", .created = clock.wall()};
  ASSERT_TRUE(store->add_item(item).value());
  ASSERT_TRUE(note(*store, item, "mail_seen", clock.wall(), program::fetcher, {{"uid", "4"}, {"ts", "x"}, {"detail", "a"}, {"detail", "b"}}));
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

TEST_F(ApiTest, WrongRequests) {
  struct Row { int status; const char* method; const char* target; const char* body; };
  const Row rows[]{
      {404, "GET", "/", ""},
      {404, "GET", "", ""},
      {404, "GET", "/v2/items", ""},
      {404, "GET", "/v1/nothing", ""},
      {400, "GET", "bindings", ""},
      {400, "GET", "/v1/items/%zz", ""},
      {400, "GET", "/v1/items?%", ""},
      {405, "DELETE", "/v1/bindings", ""},
      {405, "PATCH", "/v1/bindings/x", ""},
      {405, "GET", "/v1/poll", ""},
      {400, "POST", "/v1/bindings", ""},
      {400, "POST", "/v1/bindings", "{"},
      {400, "POST", "/v1/bindings", "[]"},
      {400, "POST", "/v1/bindings", "{\"msisdn\":\"\xff\"}"},
      {400, "POST", "/v1/bindings", R"({"msisdn":15550100002})"},
      {400, "POST", "/v1/bindings", R"({"colour":"red"})"},
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
