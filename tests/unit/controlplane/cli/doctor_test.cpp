// What `doctor` finds on a machine made of files, and the command that mends each.
#include "controlplane/cli/doctor.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>

#include "core/ids.h"
#include "tests/unit/controlplane/fetcher/certificates.h"

namespace pushmail::cli {
namespace {

namespace fs = std::filesystem;

struct DoctorTest : ::testing::Test {
  fs::path root = fs::temp_directory_path() / ("pm-doctor-" + to_string(new_item_id({}, 0)));
  fs::path system = root / "machine";

  ~DoctorTest() override { fs::remove_all(root); }
  void file(const fs::path& path, const std::string& content) const {
    fs::create_directories(path.parent_path());
    std::ofstream(path) << content;
  }
  Finding found(const std::string& check, const std::string& keys) const {
    file(root / "etc/pushmail/pushmail.toml",
         "domain = \"mms.example.net\"\nnotify = { smsc = \"192.0.2.1:2775\", source = \"5000\" }\n" + keys);
    const auto config = Config::load(root);
    EXPECT_TRUE(config) << config.error().messages();
    const auto all = examine_machine(*config, root, system);
    const auto one = std::ranges::find(all, check, &Finding::check);
    EXPECT_NE(one, all.end()) << check;
    return one == all.end() ? Finding() : *one;
  }
};

const std::string kernel = "link.kind = \"kernel\"\n";
const std::string dpdk =
    "[link]\nkind = \"dpdk\"\naddress = \"198.18.0.2/24\"\nallow = \"0000:03:00.0\"\nhuge_pages = true\nmemory = \"512MiB\"\n";

TEST_F(DoctorTest, TheStateFolderIsThereAndItsDiskHasRoom) {
  const Finding missing = found("state folder", kernel);
  EXPECT_EQ(missing.state, Finding::State::bad);
  EXPECT_NE(missing.remedy.find("systemd-tmpfiles"), std::string::npos);
  fs::create_directories(root / "var/lib/pushmail");
  EXPECT_NE(found("state folder", kernel).words.find("free"), std::string::npos);
}

TEST_F(DoctorTest, ListenersStandOnAddressesOfThisMachine) {
  EXPECT_EQ(found("listener", kernel + "http.listen = \"127.0.0.1:8080\"\n").state, Finding::State::good);
  const Finding foreign = found("listener", kernel + "http.listen = \"192.0.2.77:8080\"\n");
  EXPECT_EQ(foreign.state, Finding::State::bad);
  EXPECT_EQ(foreign.object, "http.listen");
}

TEST_F(DoctorTest, DescriptorsForAllConnections) {
  file(system / "proc/sys/fs/nr_open", "1024\n");
  EXPECT_NE(found("descriptors", kernel).remedy.find("fs.nr_open"), std::string::npos);
  file(system / "proc/sys/fs/nr_open", "1048576\n");
  EXPECT_EQ(found("descriptors", kernel).state, Finding::State::good);
}

TEST_F(DoctorTest, ADpdkPortHasItsDriverItsMemoryAndAnIommu) {
  EXPECT_EQ(found("driver", dpdk).remedy, "dpdk-devbind.py --bind=vfio-pci 0000:03:00.0");
  EXPECT_EQ(found("IOMMU", dpdk).state, Finding::State::bad);
  EXPECT_EQ(found("huge pages", dpdk).remedy, "sysctl -w vm.nr_hugepages=256");
  const fs::path device = system / "sys/bus/pci/devices/0000:03:00.0";
  fs::create_directories(device);
  fs::create_symlink("/sys/bus/pci/drivers/ixgbe", device / "driver");
  EXPECT_EQ(found("driver", dpdk).state, Finding::State::bad);
  fs::remove(device / "driver");
  fs::create_symlink("/sys/bus/pci/drivers/vfio-pci", device / "driver");
  file(system / "sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages", "256\n");
  fs::create_directories(system / "sys/kernel/iommu_groups/0");
  for (const char* check : {"driver", "IOMMU", "huge pages"}) EXPECT_EQ(found(check, dpdk).state, Finding::State::good) << check;
}

// Theirs end in a day.
TEST_F(DoctorTest, CertificatesThatEndAreNamed) {
  test::TestAuthority authority;
  const auto with = [](const test::CertificateFiles& files) {
    return kernel + fmt::format("tls = {{ certificate = \"{}\", key = \"{}\" }}\n", files.certificate, files.key);
  };
  const test::CertificateFiles soon = authority.make("DNS:mms.example.net");
  const Finding near = found("certificate", with(soon));
  EXPECT_EQ(near.state, Finding::State::warning);
  EXPECT_EQ(near.object, soon.certificate);
  EXPECT_TRUE(near.words.starts_with("ends in ")) << near.words;
  const Finding over = found("certificate", with(authority.make("DNS:mms.example.net", test::Validity::past)));
  EXPECT_EQ(over.state, Finding::State::bad);
  EXPECT_TRUE(over.words.starts_with("ended ")) << over.words;
  const Finding broken = found("certificate", with({.certificate = soon.certificate, .key = authority.make("DNS:other").key}));
  EXPECT_EQ(broken.state, Finding::State::bad);
  EXPECT_EQ(broken.object, "tls.certificate");
}

TEST_F(DoctorTest, ANameServerThatDoesNotAnswerIsNamed) {
  file(root / "etc/pushmail/pushmail.toml",
       "domain = \"mms.example.net\"\nnotify = { smsc = \"127.0.0.1:1\", source = \"5000\" }\ndns.servers = [\"127.0.0.1:1\"]\n" + kernel);
  const auto config = Config::load(root);
  ASSERT_TRUE(config) << config.error().messages();
  const auto all = examine_peers(*config, root);
  ASSERT_FALSE(all.empty());
  EXPECT_EQ(all.front().check, "DNS");
  EXPECT_EQ(all.front().object, "127.0.0.1:1");
  EXPECT_EQ(all.front().state, Finding::State::bad);
  EXPECT_EQ(all.front().words, "no DNS server answered");
}

TEST_F(DoctorTest, RemediesRunWithoutAShell) {
  fs::create_directories(root);
  EXPECT_TRUE(run_remedy("touch " + (root / "a;b").string()));
  EXPECT_TRUE(fs::exists(root / "a;b"));
  EXPECT_FALSE(run_remedy("false"));
  EXPECT_FALSE(run_remedy("no-such-program --at all"));
  EXPECT_FALSE(run_remedy(""));
}

}  // namespace
}  // namespace pushmail::cli
