// `pushmailctl backup`, `restore` and `kek rotate` on files: what goes in, what is refused, and what is kept aside.
#include <gmock/gmock.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include "controlplane/binding/kek_file.h"
#include "controlplane/store/backup.h"
#include "controlplane/store/store_lock.h"
#include "core/accounts.h"
#include "tests/unit/controlplane/cli/fixture.h"

namespace pushmail::cli {
namespace {

using Json = nlohmann::json;
using ::testing::HasSubstr;
namespace fs = std::filesystem;

class OfflineTest : public ::testing::Test {
 protected:
  void SetUp() override { make(root_, 'k'); }
  void TearDown() override {
    fs::remove_all(root_);
    fs::remove_all(other_);
  }
  static void write(const fs::path& file, std::string_view text, fs::perms mode = fs::perms::owner_read | fs::perms::owner_write) {
    fs::create_directories(file.parent_path());
    fs::remove(file);
    std::ofstream(file) << text;
    fs::permissions(file, mode);
  }
  static std::string read(const fs::path& file) {
    std::ifstream in(file);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  static void make(const fs::path& root, char key) {
    write(root / "etc/pushmail/pushmail.toml",
          "domain = \"mms.example.net\"\nlink.kind = \"kernel\"\nnotify.smsc = \"192.0.2.1:2775\"\nnotify.source = \"5000\"\n");
    write(root / "etc/pushmail/secrets/kek", std::string(32, key), fs::perms::owner_read);
    write(root / "etc/pushmail/secrets/smsc", "a password\n", fs::perms::owner_read);
  }
  static fs::path store_of(const fs::path& root) { return root / "var/lib/pushmail/store/pushmail.sqlite"; }
  static std::unique_ptr<Store> open(const fs::path& root) {
    fs::create_directories(store_of(root).parent_path());
    return open_sqlite_store(store_of(root)).value();
  }
  static Sealer sealer(const fs::path& root) { return Sealer(read_kek_file(root / "etc/pushmail/secrets/kek").value()); }
  /// Bound, with a mail on its way to the phone.
  std::string bind(const fs::path& root) const {
    const auto store = open(root);
    Binding b{.id = "b" + to_string(new_item_id(clock_.wall(), 1)), .msisdn = Msisdn::from_digits("15550100002").value()};
    b.mail_address = b.id + "@box.example";
    b.created = clock_.wall();
    b.sealed_password = sealer(root).seal(b.id, "secret").value();
    EXPECT_TRUE(store->write([&] { return store->add_binding(b); }));
    Item item{.id = new_item_id(clock_.wall(), 1), .trace = new_trace_id(), .binding = b.id, .msisdn = b.msisdn, .uid = "4"};
    item.state = ItemState::requested;
    EXPECT_TRUE(store->add_item(item).value());
    return b.id;
  }
  Ran at(const fs::path& root, std::vector<std::string> words) const {
    words.insert(words.end(), {"--root", root.string(), "--json"});
    return ctl(std::move(words));
  }
  [[nodiscard]] std::string password(const fs::path& root, const std::string& binding) const {
    const auto found = open(root)->binding(binding).value();
    return found ? sealer(root).unseal(binding, found->sealed_password).value_or("does not open") : "is not there";
  }

  FixedClock clock_;
  fs::path root_ = fs::temp_directory_path() / ("pm-offline-" + to_string(new_item_id({}, 0)));
  fs::path other_ = fs::temp_directory_path() / ("pm-elsewhere-" + to_string(new_item_id({}, 0)));
  fs::path file_ = root_ / "backup";
};

TEST_F(OfflineTest, ABackupWithItsKeyMakesANewMachine) {
  const std::string binding = bind(root_);
  const Ran made = at(root_, {"backup", file_.string(), "--with-key"});
  ASSERT_EQ(made.code, 0) << made.error;
  EXPECT_EQ(Json::parse(made.out)["with_key"], true);
  fs::create_directories(other_);
  const Ran restored = at(other_, {"restore", file_.string()});
  ASSERT_EQ(restored.code, 0) << restored.error;
  const Json report = Json::parse(restored.out);
  EXPECT_EQ(report["in_doubt"], 1);
  EXPECT_EQ(report["mailboxes"], 1);
  EXPECT_EQ(report["files_written"], 3);
  EXPECT_FALSE(report.contains("store_before"));
  EXPECT_EQ(read(other_ / "etc/pushmail/pushmail.toml"), read(root_ / "etc/pushmail/pushmail.toml"));
  EXPECT_EQ(read(other_ / "etc/pushmail/secrets/smsc"), "a password\n");
  EXPECT_EQ(fs::status(other_ / "etc/pushmail/secrets/smsc").permissions(), fs::perms::owner_read);
  EXPECT_EQ(password(other_, binding), "secret");
  const Item item = open(other_)->items({}).value().front();
  EXPECT_EQ(item.state, ItemState::submitting);
  EXPECT_TRUE(item.is_unknown());
}

TEST_F(OfflineTest, WithoutTheKeyOneNeedsIt) {
  const std::string binding = bind(root_);
  ASSERT_EQ(at(root_, {"backup", file_.string()}).code, 0);
  make(other_, 'x');
  const Ran refused = at(other_, {"restore", file_.string()});
  EXPECT_EQ(refused.code, EX_DATAERR);
  EXPECT_THAT(refused.error, HasSubstr("sealed by the key"));
  EXPECT_FALSE(fs::exists(store_of(other_)));
  write(other_ / "etc/pushmail/secrets/kek", std::string(32, 'k'), fs::perms::owner_read);
  ASSERT_EQ(at(other_, {"restore", file_.string()}).code, 0);
  EXPECT_EQ(password(other_, binding), "secret");
}

TEST_F(OfflineTest, WhatIsThereIsKeptAside) {
  const std::string binding = bind(root_);
  ASSERT_EQ(at(root_, {"backup", file_.string()}).code, 0);
  const std::string later = bind(root_);
  const std::string toml = read(root_ / "etc/pushmail/pushmail.toml");
  write(root_ / "etc/pushmail/pushmail.toml", toml + "# changed\n");
  const Ran restored = at(root_, {"restore", file_.string()});
  ASSERT_EQ(restored.code, 0) << restored.error;
  const Json report = Json::parse(restored.out);
  EXPECT_EQ(report["files_replaced"], 1);
  EXPECT_EQ(read(root_ / "etc/pushmail/pushmail.toml"), toml);
  std::string kept;
  for (const auto& entry : fs::directory_iterator(root_ / "etc/pushmail")) {
    if (entry.path().filename().string().find(".before-restore-") != std::string::npos) kept += read(entry.path());
  }
  EXPECT_EQ(kept, toml + "# changed\n");
  EXPECT_EQ(password(root_, binding), "secret");
  EXPECT_EQ(password(root_, later), "is not there");
  EXPECT_TRUE(open_sqlite_store(report["store_before"].get<std::string>()).value()->binding(later).value().has_value());
  // What was kept aside is no configuration, and in no backup.
  ASSERT_EQ(at(root_, {"backup", file_.string()}).code, 0);
  EXPECT_EQ(Json::parse(at(root_, {"backup", file_.string()}).out)["files"], 2);
}

TEST_F(OfflineTest, AStoreInUseIsLeftAlone) {
  const std::string binding = bind(root_);
  ASSERT_EQ(at(root_, {"backup", file_.string()}).code, 0);
  const auto held = StoreLock::take(store_of(root_).parent_path()).value();
  const Ran refused = at(root_, {"restore", file_.string()});
  EXPECT_EQ(refused.code, EX_UNAVAILABLE);
  EXPECT_THAT(refused.error, HasSubstr("stop it first"));
  EXPECT_EQ(at(root_, {"kek", "rotate"}).code, EX_UNAVAILABLE);
  EXPECT_EQ(password(root_, binding), "secret");
  EXPECT_EQ(at(root_, {"backup", file_.string()}).code, 0) << "but a backup is made";
}

// A password that both planes read is the group's; put back as root's alone neither could read it.
TEST_F(OfflineTest, FilesKeepTheirOwnersAndGroups) {
  (void)bind(root_);
  const fs::path file = root_ / "etc/pushmail/secrets/mmsc";
  write(file, "word");
  ASSERT_EQ(::chmod(file.c_str(), 0440), 0);
  const auto daemon = find_user("daemon").value().value();
  if (::geteuid() == 0) {
    ASSERT_EQ(::chown(file.c_str(), daemon.user, daemon.group), 0);
  }
  struct stat before{}, after{};
  ASSERT_EQ(::stat(file.c_str(), &before), 0);
  ASSERT_EQ(at(root_, {"backup", file_.string()}).code, 0);
  fs::remove(file);
  ASSERT_EQ(at(root_, {"restore", file_.string()}).code, 0);
  ASSERT_EQ(::stat(file.c_str(), &after), 0);
  EXPECT_EQ(after.st_mode & 0777, 0440U);
  EXPECT_EQ(after.st_uid, before.st_uid);
  EXPECT_EQ(after.st_gid, before.st_gid);
}

// While passwords are sealed by two keys a backup would name one of them.
TEST_F(OfflineTest, NoBackupIsMadeInTheMiddleOfAKeyRotation) {
  (void)bind(root_);
  Keks keks = read_kek_file(root_ / "etc/pushmail/secrets/kek").value();
  keks.before = keks.now;
  keks.now.fill('n');
  ASSERT_TRUE(replace_kek_file(root_ / "etc/pushmail/secrets/kek", keks));
  const Ran refused = at(root_, {"backup", file_.string()});
  EXPECT_EQ(refused.code, EX_UNAVAILABLE);
  EXPECT_THAT(refused.error, HasSubstr("rotation"));
  EXPECT_FALSE(fs::exists(file_));
}

TEST_F(OfflineTest, ABackupThatNamesFilesElsewhereIsRefused) {
  (void)bind(root_);
  for (const std::string path : {"../../victim", "/tmp/victim", "a/../../victim", "", ".", "secrets/"}) {
    ASSERT_TRUE(make_backup(store_of(root_), file_, {.facts = {}, .files = {{.path = path, .mode = 0600, .content = {'x'}}}}));
    EXPECT_EQ(at(root_, {"restore", file_.string()}).code, EX_DATAERR) << path;
  }
  EXPECT_EQ(at(root_, {"restore", (root_ / "nowhere").string()}).code, EX_NOINPUT);
  write(root_ / "text", "no backup");
  EXPECT_EQ(at(root_, {"restore", (root_ / "text").string()}).code, EX_DATAERR);
}

TEST_F(OfflineTest, ANewKeyOpensWhatTheOldOneSealed) {
  const std::string binding = bind(root_);
  const Sealer before = sealer(root_);
  const Ran rotated = at(root_, {"kek", "rotate"});
  ASSERT_EQ(rotated.code, 0) << rotated.error;
  const Json report = Json::parse(rotated.out);
  EXPECT_EQ(report["wrapped"], 1);
  EXPECT_EQ(report["unreadable"], 0);
  EXPECT_EQ(password(root_, binding), "secret");
  EXPECT_FALSE(before.unseal(binding, open(root_)->binding(binding).value()->sealed_password));
  EXPECT_EQ(read(report["old_key"].get<std::string>()), std::string(32, 'k'));
  EXPECT_THAT(read(report["old_key"].get<std::string>() + ".txt"), HasSubstr("kek rotate"));
  // A backup of before needs the old key, and says which.
  Kek old{};
  old.fill('k');
  const Json made = Json::parse(at(root_, {"backup", file_.string()}).out);
  EXPECT_EQ(made["key"], fingerprint(read_kek_file(root_ / "etc/pushmail/secrets/kek").value().now));
  EXPECT_NE(made["key"], fingerprint(old));
}

// The control plane runs: it wraps, and seals by the new key from then on.
TEST_F(CliTest, TheKeyOfARunningControlPlane) {
  fs::create_directories(root / "etc/pushmail/secrets");
  std::ofstream(root / "etc/pushmail/pushmail.toml")
      << "domain = \"mms.example.net\"\nlink.kind = \"kernel\"\nnotify.smsc = \"192.0.2.1:2775\"\nnotify.source = \"5000\"\n";
  const fs::path file = root / "etc/pushmail/secrets/kek";
  const std::string old = std::string("\1\2\3", 3) + std::string(29, '\0');
  std::ofstream(file) << old;
  fs::permissions(file, fs::perms::owner_read);
  ASSERT_EQ(at_root(add(), "secret\n").code, 0);
  const Ran rotated = at_root({"kek", "rotate", "--json"});
  ASSERT_EQ(rotated.code, 0) << rotated.error;
  EXPECT_EQ(Json::parse(rotated.out)["wrapped"], 1);
  const Binding bound = store->bindings("", 10).value().front();
  EXPECT_EQ(Sealer(read_kek_file(file).value()).unseal(bound.id, bound.sealed_password).value(), "secret");
  EXPECT_FALSE(Sealer({1, 2, 3}).unseal(bound.id, bound.sealed_password));
  ASSERT_EQ(at_root({"binding", "password", bound.id}, "another\n").code, 0);
  EXPECT_EQ(Sealer(read_kek_file(file).value()).unseal(bound.id, store->binding(bound.id).value()->sealed_password).value(), "another");
  // One that was started with some other key takes no word of ours.
  fs::remove(file);
  std::ofstream(file) << std::string(32, 'q');
  fs::permissions(file, fs::perms::owner_read);
  const Ran refused = at_root({"kek", "rotate"});
  EXPECT_EQ(refused.code, EX_UNAVAILABLE);
  EXPECT_THAT(refused.error, HasSubstr("another key"));
  EXPECT_EQ(read_kek_file(file).value().before, std::nullopt) << "the file is as it was";
}

}  // namespace
}  // namespace pushmail::cli
