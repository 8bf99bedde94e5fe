// Who may do what: the table of verbs, and whose role is which.
#include "controlplane/api/roles.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>
#include <set>
#include <sstream>

#include "controlplane/api/api.h"
#include "controlplane/store/sqlite_store.h"
#include "core/accounts.h"

namespace pushmail::api {
namespace {

using ::testing::HasSubstr;

class FixedClock final : public Clock {
 public:
  [[nodiscard]] Timestamp wall() const override { return {1'795'000'000'000'000}; }
  [[nodiscard]] Instant now() const override { return {1}; }
};

struct RolesTest : ::testing::Test {
  FixedClock clock;
  std::unique_ptr<Store> store = open_sqlite_store(":memory:").value();
  Sealer sealer{{1, 2, 3}};
  Bindings bindings{*store, sealer, clock, {.peers = {"mmsc"}}};
  Api api{*store, bindings, {}};

  Answer ask(Role role, std::string_view method, std::string target) {
    return api.handle({.method = std::string(method), .target = std::move(target), .body = "{}", .agent = "uid 0", .role = role});
  }
};

// An element in place of each `*`.
std::string target_of(const Verb& verb) {
  std::string target(verb.path);
  while (target.contains('*')) target.replace(target.find('*'), 1, "15550100002");
  return target;
}

TEST_F(RolesTest, each_verb_is_refused_below_its_role_and_answered_from_it_on) {
  for (const Verb& verb : verbs) {
    for (const Role role : {Role::reader, Role::operates, Role::agent, Role::admin}) {
      const Answer answer = ask(role, verb.method, target_of(verb));
      const std::string what = fmt::format("{} {} as {}: {} {}", verb.method, verb.path, to_string(role), answer.status, answer.body);
      EXPECT_EQ(answer.status == 403, role < verb.least) << what;
      EXPECT_NE(answer.status, 405) << what << ": the table names a verb that there is not";
      EXPECT_EQ(answer.body.find("nothing at this path"), std::string::npos) << what;
      if (role >= verb.least) continue;
      EXPECT_THAT(answer.body, HasSubstr(fmt::format("needs the role {}, and yours is {}", to_string(verb.least), to_string(role))));
      EXPECT_THAT(answer.body, HasSubstr(key_of(verb.least)));
    }
  }
}

TEST_F(RolesTest, what_the_table_does_not_name_is_an_admins) {
  for (const auto& [method, target] : std::initializer_list<std::pair<std::string, std::string>>{{"DELETE", "/v1/items/x"},
                                                                                                 {"POST", "/v1/status"},
                                                                                                 {"GET", "/v1/"},
                                                                                                 {"GET", "/"},
                                                                                                 {"GET", "/v1/bindings/a/b/c"},
                                                                                                 {"PUT", "/v2/x"}}) {
    EXPECT_EQ(ask(Role::agent, method, target).status, 403) << method << ' ' << target;
    EXPECT_NE(ask(Role::admin, method, target).status, 403) << method << ' ' << target;
  }
}

// A refused binding must not be tried at its mail server first.
TEST_F(RolesTest, no_account_is_tried_for_who_may_not_bind) {
  bool tried = false;
  Api trying{*store, bindings, {.try_account = [&](const Binding&, const std::string&, const auto&) { tried = true; }}};
  int status = 0;
  trying.handle(
      {.method = "POST",
       .target = "/v1/bindings",
       .body = R"({"msisdn":"15550100002","mail_address":"ann@box.example","host":"mail.example.com","user":"ann","password":"x"})",
       .agent = "test",
       .role = Role::operates},
      [&](const Answer& answer) { status = answer.status; });
  EXPECT_EQ(status, 403);
  EXPECT_FALSE(tried);
}

// Each path that the API's head describes has its row, with each of its methods.
TEST(ApiRoles, what_is_described_is_in_the_table) {
  std::stringstream header;
  header << std::ifstream(PUSHMAIL_SOURCE_DIR "/controlplane/api/api.h").rdbuf();
  std::set<std::string> in_table;
  for (const Verb& verb : verbs) in_table.insert(fmt::format("{} {}", verb.method, verb.path));
  std::set<std::string> described;
  std::istringstream words(header.str());
  std::string method, word;
  while (words >> word) {
    if (word == "GET" || word == "POST" || word == "PUT" || word == "PATCH" || word == "DELETE") method = word;
    if (!word.starts_with("/v1/") || method.empty()) continue;
    std::string path = word.substr(0, word.find('?'));
    for (const std::string_view element : {"MSISDN", "TRACE", "NAME", "ID"}) {
      if (const auto at = path.find(element); at != std::string::npos) path.replace(at, element.size(), "*");
    }
    described.insert(fmt::format("{} {}", std::exchange(method, {}), path));
  }
  EXPECT_EQ(described, in_table);
}

TEST(ApiRoles, names_of_users_and_groups_become_roles) {
  const auto daemon = find_user("daemon");
  const auto group = find_group("users");
  ASSERT_TRUE(daemon && *daemon && group && *group) << "of every Debian (base-passwd)";
  const auto roles = Roles::of({{Role::reader, {"daemon", "@users"}}, {Role::agent, {"daemon"}}});
  ASSERT_TRUE(roles) << roles.error().text;
  const gid_t of_nobody = 4711;
  EXPECT_EQ(roles->role_of((*daemon)->user, {}), Role::agent) << "the higher of two";
  EXPECT_EQ(roles->role_of(4711, std::array{of_nobody, **group}), Role::reader);
  EXPECT_EQ(roles->role_of(4711, std::array{of_nobody}), std::nullopt);
  EXPECT_EQ(roles->role_of(0, {}), Role::admin);
  EXPECT_EQ(roles->role_of(::geteuid(), {}), Role::admin);

  EXPECT_EQ(Roles::of({{Role::admin, {"no-such-user-here"}}}).error().text, "api.admins: there is no user no-such-user-here");
  EXPECT_EQ(Roles::of({{Role::operates, {"@no-such-group-here"}}}).error().text, "api.operators: there is no group no-such-group-here");
}

}  // namespace
}  // namespace pushmail::api
