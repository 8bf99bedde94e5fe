// `pushmailctl setup`: from a few answers to a configuration that the programs start with. What is there already is never changed.
//
// Came from: options, or a person who is asked. Goes to: <root>/etc/pushmail: pushmail.toml, and in secrets/ the key and the passwords.
#pragma once

#include <array>
#include <expected>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace pushmail::cli {

struct SetupQuestion {
  std::string_view option;   // without its dashes; the name of the answer
  std::string_view key;      // of the configuration; of two the first
  std::string_view meaning;  // what a person is asked
  std::string_view otherwise = {};
  enum class Need : std::uint8_t { always, with_dpdk, no } need = Need::no;
};
inline constexpr auto setup_questions = std::to_array<SetupQuestion>({
    {"domain", "domain", "our mail domain; mail to NUMBER@ it reaches phones", "", SetupQuestion::Need::always},
    {"link", "link.kind", "what carries MM7 and SMTP: kernel or dpdk", "kernel", SetupQuestion::Need::always},
    {"dpdk-port", "link.allow", "PCI address of the DPDK port", "", SetupQuestion::Need::with_dpdk},
    {"address", "link.address", "our address and prefix on that port", "", SetupQuestion::Need::with_dpdk},
    {"listen", "http.listen smtp.listen", "address of ours that the MMSC and mail servers reach; none: this machine alone"},
    {"mmsc", "peer.mmsc.url", "where the MMSC takes SubmitReq, https://host:port/path or http://", "", SetupQuestion::Need::always},
    {"mmsc-allow", "peer.mmsc.allow", "address or network that the MMSC comes from", "", SetupQuestion::Need::always},
    {"mmsc-user", "peer.mmsc.user", "our user at the MMSC (HTTP Basic); none: no password"},
    {"mmsc-password-file", "peer.mmsc.password_file", "file with our password there"},
    {"service-number", "peer.mmsc.service_number", "short code of the service", "", SetupQuestion::Need::always},
    {"smsc", "notify.smsc", "address:port of the SMSC", "", SetupQuestion::Need::always},
    {"smsc-user", "notify.system_id", "our system_id there", "pushmail", SetupQuestion::Need::always},
    {"smsc-password-file", "notify.password_file", "file with our password there; none: no password"},
    {"source", "notify.source", "sender of our SMS, which phones answer to", "the service number", SetupQuestion::Need::always},
    {"smart-host", "smtp.smart_host", "address:port of the mail server that takes mail from phones; none: it waits"},
    {"country-code", "numbering.country_code", "country code of the network; none: only numbers with +"},
});

/// option -> answer; empty ones take what is otherwise.
using SetupAnswers = std::map<std::string, std::string, std::less<>>;

/// The configuration file's text. `keys` more that follow from the machine, path -> value.
[[nodiscard]] std::string setup_text(const SetupAnswers& answers, const std::map<std::string, std::string>& keys);

/// Writes it all: secrets first, the configuration last, so what breaks off is simply done again. The paths that were made; the text says
/// what cannot be.
[[nodiscard]] std::expected<std::vector<std::filesystem::path>, std::string> write_setup(const std::filesystem::path& root,
                                                                                         const SetupAnswers& answers);

/// Ports that are bound to vfio-pci, for a proposal; `devices` is /sys/bus/pci/drivers/vfio-pci.
[[nodiscard]] std::vector<std::string> ports_for_dpdk(const std::filesystem::path& driver);

}  // namespace pushmail::cli
