#include "controlplane/cli/setup.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <set>

#include "core/accounts.h"
#include "core/bytes.h"
#include "core/ids.h"
#include "core/secret_file.h"
#include "core/storage.h"

namespace pushmail::cli {

namespace {

constexpr std::size_t key_size = 32;
constexpr std::array<std::string_view, 2> listen_ports{"8080", "25"};  // of http.listen and smtp.listen

std::string quoted(std::string_view value) {
  std::string text = "\"";
  for (const char c : value) {
    if (c == '"' || c == '\\') text += '\\';
    text += c;
  }
  return text + '"';
}

std::string answer_of(const SetupAnswers& answers, const SetupQuestion& question) {
  const auto given = answers.find(question.option);
  if (given != answers.end() && !given->second.empty()) return given->second;
  if (question.option == "source") {
    const auto number = answers.find("service-number");
    return number == answers.end() ? std::string() : number->second;
  }
  return std::string(question.otherwise);
}

std::filesystem::path secrets_of(const std::filesystem::path& root) { return root / "etc/pushmail/secrets"; }

enum class Readers : std::uint8_t { writer, control_plane, both_planes };

// The control plane's, and where both planes read it the group's that they share. Where there is no such account whoever writes it keeps
// it.
std::expected<void, std::string> give_away(const std::filesystem::path& path, Readers readers) {
  const auto account = find_user(control_plane_user);
  if (readers == Readers::writer || !account || !*account) return {};
  const auto group = readers == Readers::both_planes ? find_group(shared_group) : Result<std::optional<gid_t>>();
  const bool is_shared = group && *group;
  if (::chown(path.c_str(), (*account)->user, is_shared ? **group : (*account)->group) != 0)
    return std::unexpected(fmt::format("{}: cannot be given to {}", path.string(), control_plane_user));
  if (is_shared && ::chmod(path.c_str(), 0440) != 0)
    return std::unexpected(fmt::format("{}: cannot be opened to the group {}", path.string(), shared_group));
  return {};
}

// No other user of the machine reads it. What is there stays: a key as it is, a password only if it is the one that was given.
std::expected<void, std::string> write_secret(const std::filesystem::path& path, ByteView bytes, Readers readers,
                                              std::vector<std::filesystem::path>& made) {
  if (std::filesystem::exists(path)) {
    const auto there = pushmail::read_file(system_storage(), path, operators_file);
    if (path.filename() == "kek" || (there && *there == Bytes(bytes.begin(), bytes.end()))) return {};
    return std::unexpected(path.string() + ": is there already, with another password; setup changes nothing that is there");
  }
  if (const auto written = replace_file(system_storage(), path, bytes, 0400); !written)
    return std::unexpected(path.string() + ": " + std::string(written.error().info->text));
  made.push_back(path);
  return give_away(path, readers);
}

}  // namespace

std::string setup_text(const SetupAnswers& answers, const std::map<std::string, std::string>& keys) {
  std::map<std::string, std::string> lines;  // table -> its lines; the empty name stands first
  const auto add = [&lines](std::string_view path, std::string_view value) {
    const std::size_t dot = path.rfind('.');
    const std::string table(dot == std::string_view::npos ? std::string_view() : path.substr(0, dot));
    const std::string_view leaf = dot == std::string_view::npos ? path : path.substr(dot + 1);
    const std::string written = path.ends_with(".mmsc.allow") ? "[" + quoted(value) + "]" : quoted(value);
    lines[table] += fmt::format("{} = {}\n", leaf, written);
  };
  for (const SetupQuestion& question : setup_questions) {
    const std::string answer = answer_of(answers, question);
    if (answer.empty() || keys.contains(std::string(question.key))) continue;
    if (question.option == "listen") {
      const std::string host = answer.contains(':') ? "[" + answer + "]" : answer;
      add("http.listen", fmt::format("{}:{}", host, listen_ports[0]));
      add("smtp.listen", fmt::format("{}:{}", host, listen_ports[1]));
    } else {
      add(question.key, answer);
    }
  }
  for (const auto& [path, value] : keys) add(path, value);
  std::string text = "# Made by pushmailctl setup; `pushmailctl config sample` prints every key.\n";
  for (const auto& [table, content] : lines) text += table.empty() ? content : fmt::format("\n[{}]\n{}", table, content);
  return text;
}

std::expected<std::vector<std::filesystem::path>, std::string> write_setup(const std::filesystem::path& root, const SetupAnswers& answers) {
  const std::filesystem::path file = root / "etc/pushmail/pushmail.toml";
  if (std::filesystem::exists(file)) return std::unexpected(file.string() + ": is there already; setup changes nothing that is there");
  std::vector<std::filesystem::path> made;
  const std::filesystem::path secrets = secrets_of(root);
  if (const auto folders = make_folders(system_storage(), secrets); !folders) return std::unexpected(secrets.string() + ": cannot be made");
  ::chmod(secrets.c_str(), 0711);

  Bytes key(key_size);
  fill_random(key);
  std::map<std::string, std::string> keys;
  // A service manager reads it as root and hands it over as a credential. Whoever starts the programs by hand has a root of his own.
  const bool by_hand = !root.empty() && root != "/";
  if (by_hand) keys["secrets.kek_file"] = (secrets / "kek").string();
  if (const auto written = write_secret(secrets / "kek", key, by_hand ? Readers::control_plane : Readers::writer, made); !written)
    return std::unexpected(written.error());
  for (const SetupQuestion& question : setup_questions) {
    if (!question.option.ends_with("-password-file")) continue;
    const std::string given = answer_of(answers, question);
    if (given.empty()) continue;
    const auto password = read_secret_file(given);
    if (!password) return std::unexpected(fmt::format("--{}: {}", question.option, password.error().text));
    const std::string name(question.option.substr(0, question.option.find('-')));
    if (const auto written = write_secret(secrets / name, bytes_of(*password), Readers::both_planes, made); !written)
      return std::unexpected(written.error());
    keys[std::string(question.key)] = (secrets / name).string();
  }
  if (const auto written = replace_file(system_storage(), file, bytes_of(setup_text(answers, keys)), 0644); !written)
    return std::unexpected(file.string() + ": " + std::string(written.error().info->text));
  made.push_back(file);
  return made;
}

std::vector<std::string> ports_for_dpdk(const std::filesystem::path& driver) {
  std::vector<std::string> ports;
  std::error_code none;
  for (const auto& entry : std::filesystem::directory_iterator(driver, none)) {
    const std::string name = entry.path().filename().string();
    if (name.starts_with("0000:")) ports.push_back(name);
  }
  std::ranges::sort(ports);
  return ports;
}

}  // namespace pushmail::cli
