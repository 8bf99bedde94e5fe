// A new key-encryption key: killed between any two steps every password opens, and the next rotation goes on.
#include "controlplane/binding/kek_rotation.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>
#include <fstream>

#include "controlplane/binding/errors.h"
#include "controlplane/store/sqlite_store.h"
#include "core/ids.h"

namespace pushmail {
namespace {

class FixedClock final : public Clock {
 public:
  [[nodiscard]] Timestamp wall() const override { return {1'795'000'000'000'000}; }
  [[nodiscard]] Instant now() const override { return {1}; }
};

class KekRotationTest : public ::testing::Test {
 protected:
  static constexpr int passwords = 450;  // more than two writes

  void SetUp() override {
    std::filesystem::create_directories(folder_);
    write(std::string(32, 'k'));
    store_ = open_sqlite_store(":memory:").value();
    const Sealer sealer = Sealer::open(file_).value();
    ASSERT_TRUE(store_->write([&]() -> Result<void> {
      for (int n = 0; n < passwords; ++n) {
        Binding b{.id = id(n), .msisdn = Msisdn::from_digits(std::to_string(15550100000 + n)).value(), .created = {n}};
        b.mail_address = b.id + "@box.example";
        b.sealed_password = sealer.seal(b.id, "secret " + b.id).value();
        if (const auto added = store_->add_binding(b); !added) return added;
      }
      return {};
    }));
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  static std::string id(int n) { return "b" + to_string(new_item_id({1'000'000LL * n}, 1)); }
  void write(const std::string& content) const {
    std::filesystem::remove(file_);
    std::ofstream(file_) << content;
    std::filesystem::permissions(file_, std::filesystem::perms::owner_read);
  }
  [[nodiscard]] std::string content() const {
    std::ifstream file(file_);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  [[nodiscard]] std::vector<Binding> all() const { return store_->bindings("", 1000).value(); }
  /// How many passwords open, and are what they were.
  [[nodiscard]] int opened_by(const Sealer& sealer) const {
    int count = 0;
    for (const Binding& b : all()) count += sealer.unseal(b.id, b.sealed_password) == "secret " + b.id ? 1 : 0;
    return count;
  }
  [[nodiscard]] std::vector<std::filesystem::path> kept() const {
    std::vector<std::filesystem::path> found;
    for (const auto& entry : std::filesystem::directory_iterator(folder_)) {
      if (entry.path().filename().string().starts_with("kek.old-") && entry.path().extension() != ".txt") found.push_back(entry.path());
    }
    return found;
  }

  std::filesystem::path folder_ = std::filesystem::temp_directory_path() / ("pm-kek-" + to_string(new_item_id({}, 0)));
  std::filesystem::path file_ = folder_ / "kek";
  FixedClock clock_;
  std::unique_ptr<Store> store_;
};

TEST_F(KekRotationTest, WrapsEveryPasswordAndKeepsTheOldKeyAside) {
  const Sealer before = Sealer::open(file_).value();
  const std::string first = all().front().id;
  const Bytes sealed = all().front().sealed_password;
  StoreSealing sealing(*store_);
  auto rotation = KekRotation::open(file_, sealing, clock_).value();
  while (rotation.next() != KekRotation::Step::done) ASSERT_TRUE(rotation.step().has_value());
  EXPECT_EQ(rotation.total().wrapped, static_cast<std::uint64_t>(passwords));
  EXPECT_EQ(rotation.total().unreadable, 0u);
  EXPECT_FALSE(rotation.was_under_way());

  EXPECT_EQ(content().size(), 65u) << "one line";
  EXPECT_EQ(opened_by(Sealer::open(file_).value()), passwords);
  EXPECT_EQ(opened_by(before), 0);
  // The password itself was not touched: only what wraps its key is new.
  const Bytes now = store_->binding(first).value()->sealed_password;
  EXPECT_TRUE(std::equal(now.begin() + 61, now.end(), sealed.begin() + 61, sealed.end()));
  EXPECT_FALSE(std::equal(now.begin(), now.begin() + 61, sealed.begin()));

  ASSERT_EQ(kept(), std::vector{rotation.kept()});
  EXPECT_EQ(opened_by(Sealer::open(rotation.kept()).value()), 0);
  struct stat there{};
  ASSERT_EQ(::stat(rotation.kept().c_str(), &there), 0);
  EXPECT_EQ(there.st_mode & 0777, 0400u);
  EXPECT_TRUE(std::filesystem::exists(rotation.kept().string() + ".txt"));
}

TEST_F(KekRotationTest, GoesOnAfterAKillBetweenAnyTwoSteps) {
  // How many steps a whole rotation has; each start is killed one step later than the one before.
  for (int killed_after = 0, last = 0; !last; ++killed_after) {
    SCOPED_TRACE(killed_after);
    {
      StoreSealing sealing(*store_);
      auto rotation = KekRotation::open(file_, sealing, clock_).value();
      for (int n = 0; n < killed_after && rotation.next() != KekRotation::Step::done; ++n) ASSERT_TRUE(rotation.step().has_value());
      last = rotation.next() == KekRotation::Step::done ? 1 : 0;
    }
    // A control plane that starts now, and seals.
    const Sealer sealer = Sealer::open(file_).value();
    ASSERT_EQ(opened_by(sealer), passwords);
    Binding one = all().front();
    one.sealed_password = sealer.seal(one.id, "secret " + one.id).value();
    ASSERT_TRUE(store_->write([&] { return store_->update_binding(one); }));

    StoreSealing sealing(*store_);
    auto rotation = KekRotation::open(file_, sealing, clock_).value();
    const bool both = std::ranges::count(content(), '\n') == 2;
    EXPECT_EQ(rotation.was_under_way(), both);
    while (rotation.next() != KekRotation::Step::done) ASSERT_TRUE(rotation.step().has_value());
    EXPECT_EQ(rotation.total().wrapped + rotation.total().there, static_cast<std::uint64_t>(passwords));
    EXPECT_EQ(rotation.total().unreadable, 0u);
    ASSERT_EQ(opened_by(Sealer::open(file_).value()), passwords);
    ASSERT_EQ(std::ranges::count(content(), '\n'), 1);
    for (const auto& old : kept()) {
      EXPECT_EQ(opened_by(Sealer::open(old).value()), 0) << "nothing needs it";
      std::filesystem::remove(old);
    }
  }
}

// The control plane that runs was started with the old key and is told of the new one; of a key of others it takes no word.
TEST_F(KekRotationTest, ASealerTakesTheNextKeyOfItsOwn) {
  const Kek old = read_kek_file(file_).value().now;
  Sealer sealer(old);
  const Bytes sealed = sealer.seal("b1", "secret").value();
  const Kek next{7}, other{9};
  EXPECT_FALSE(sealer.rotate_to(Keks(next)));
  EXPECT_FALSE(sealer.rotate_to(Keks(next, other)));
  EXPECT_FALSE(sealer.rewrap("b1", sealed).value().has_value()) << "nothing is to be done yet";
  EXPECT_TRUE(sealer.rotate_to(Keks(next, old)));
  EXPECT_TRUE(sealer.rotate_to(Keks(next, old))) << "said again";
  EXPECT_EQ(sealer.unseal("b1", sealed).value(), "secret");
  const Bytes wrapped = sealer.rewrap("b1", sealed).value().value();
  EXPECT_FALSE(sealer.rewrap("b1", wrapped).value().has_value());
  EXPECT_EQ(Sealer(next).unseal("b1", wrapped).value(), "secret");
  EXPECT_TRUE(Sealer(next).unseal("b1", sealed).error().is(binding_bad_seal));
  EXPECT_TRUE(sealer.rewrap("b2", sealed).error().is(binding_bad_seal)) << "it is another binding's";
  EXPECT_TRUE(sealer.rewrap("b1", ByteView(sealed).first(20)).error().is(binding_bad_seal));
}

TEST_F(KekRotationTest, WhatNeitherKeyOpensIsCountedAndLeft) {
  Binding broken = all()[210];
  broken.sealed_password.back() ^= 1;  // its key opens, and is wrapped anew
  Binding foreign = all()[300];
  foreign.sealed_password = Sealer({9}).seal(foreign.id, "x").value();
  ASSERT_TRUE(store_->write([&]() -> Result<void> {
    if (const auto done = store_->update_binding(broken); !done) return done;
    return store_->update_binding(foreign);
  }));
  StoreSealing sealing(*store_);
  auto rotation = KekRotation::open(file_, sealing, clock_).value();
  while (rotation.next() != KekRotation::Step::done) ASSERT_TRUE(rotation.step().has_value());
  EXPECT_EQ(rotation.total().unreadable, 1u);
  EXPECT_EQ(rotation.total().first_unreadable, foreign.id);
  EXPECT_EQ(store_->binding(foreign.id).value()->sealed_password, foreign.sealed_password);
  EXPECT_EQ(opened_by(Sealer::open(file_).value()), passwords - 2);
}

TEST_F(KekRotationTest, AFileThatIsNoKeyIsRefused) {
  const std::string hex(64, 'a');
  for (const std::string& bad : {std::string(31, 'k'), std::string(), hex + "\n" + hex.substr(1) + "\n",
                                 hex + "\n" + hex + "\n" + hex + "\n", "\n" + hex.substr(2) + "\n", hex + " " + hex}) {
    write(bad);
    EXPECT_FALSE(read_kek_file(file_)) << bad;
    StoreSealing sealing(*store_);
    EXPECT_FALSE(KekRotation::open(file_, sealing, clock_)) << bad;
    EXPECT_EQ(content(), bad);
  }
  write("\n" + hex + "\r\n");
  EXPECT_FALSE(read_kek_file(file_).value().before.has_value());
  write(hex + "\n" + hex + "\n");
  EXPECT_TRUE(read_kek_file(file_).value().before.has_value());
}

}  // namespace
}  // namespace pushmail
