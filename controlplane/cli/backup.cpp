#include "controlplane/cli/backup.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "controlplane/binding/kek_file.h"
#include "controlplane/store/backup.h"
#include "controlplane/store/errors.h"
#include "controlplane/store/store_lock.h"
#include "core/accounts.h"
#include "core/contract/journal/read_segment.h"
#include "core/program_options.h"
#include "core/storage.h"
#include "core/timers.h"

namespace pushmail::cli {

namespace {

using Json = nlohmann::ordered_json;
namespace fs = std::filesystem;

constexpr const char* secrets_owner = "pushmail-cp";
constexpr std::string_view key_name = "secrets/kek";  // in a backup, wherever the configuration has it
constexpr std::size_t files_count_max = 10'000;

fs::path at(const fs::path& root) { return root.empty() ? "/" : root; }
fs::path configuration_of(const fs::path& root) { return at(root) / "etc/pushmail"; }
fs::path store_of(const fs::path& root) { return at(root) / "var/lib/pushmail/store/pushmail.sqlite"; }

std::unexpected<BackupRefused> refused(int exit_code, std::string text) {
  return std::unexpected(BackupRefused{exit_code, std::move(text)});
}
std::unexpected<BackupRefused> refused(int exit_code, const fs::path& what, const Error& error) {
  const std::string system = error.os != 0 ? fmt::format(": {}", std::strerror(error.os)) : std::string();
  return refused(exit_code, fmt::format("{}: {}{}", what.string(), error.info->text, system));
}

// Digits alone, for names of files.
std::string stamp(Timestamp time) {
  std::string text = format_rfc3339(time);
  std::erase_if(text, [](char c) { return c == '-' || c == ':'; });
  return text.substr(0, 15) + "Z";
}

// The key, wherever it is, what it was before, and what a write that broke off or an earlier restore has left.
bool is_left_out(const fs::path& file, const fs::path& folder, const fs::path& key_file) {
  const std::string name = file.string();
  const bool is_key = name.starts_with(key_file.string()) || name.starts_with((folder / key_name).string());
  return is_key || name.ends_with(".new") || name.ends_with(".made") || name.find(".before-restore-") != std::string::npos;
}

BackupFile backup_file(std::string path, const struct stat& there, Bytes content) {
  return {.path = std::move(path),
          .mode = there.st_mode & 0777,
          .owner = name_of_user(there.st_uid),
          .group = name_of_group(there.st_gid),
          .content = std::move(content)};
}

std::expected<std::vector<BackupFile>, BackupRefused> read_configuration(const fs::path& folder, const fs::path& key_file) {
  std::vector<BackupFile> files;
  std::uint64_t size = 0;
  std::error_code error;
  for (auto entry = fs::recursive_directory_iterator(folder, error); !error && entry != fs::recursive_directory_iterator();
       entry.increment(error)) {
    struct stat there{};
    if (::stat(entry->path().c_str(), &there) != 0 || !S_ISREG(there.st_mode) || is_left_out(entry->path(), folder, key_file)) continue;
    auto content = pushmail::read_file(system_storage(), entry->path(), operators_file);
    if (!content) return refused(EX_NOINPUT, entry->path(), content.error());
    size += content->size();
    if (files.size() == files_count_max || size > backup_files_size_max)
      return refused(EX_DATAERR, folder.string() + ": holds more than a configuration can be");
    files.push_back(backup_file(entry->path().lexically_relative(folder).string(), there, std::move(*content)));
  }
  if (error) return refused(EX_NOINPUT, fmt::format("{}: {}", folder.string(), error.message()));
  return files;
}

// Of each worker's journal the last record. What is written while this looks is newer, and need not be seen.
std::vector<JournalMark> journal_marks(const fs::path& root) {
  std::map<std::string, fs::path> newest;
  std::error_code error;
  for (const auto& lane : fs::directory_iterator(at(root) / "var/lib/pushmail/journal", error)) {
    for (const auto& segment : fs::directory_iterator(lane.path(), error)) {
      if (segment.path().extension() != ".segment") continue;
      fs::path& last = newest[lane.path().filename().string()];
      last = std::max(last, segment.path());
    }
  }
  std::vector<JournalMark> marks;
  for (const auto& [lane, segment] : newest) {
    JournalMark mark{.lane = lane};
    (void)journal::read_segment(segment,
                                [&](const RecordView& record) { mark.sequence = std::max(mark.sequence, record.header().sequence); });
    marks.push_back(std::move(mark));
  }
  return marks;
}

fs::path key_file_of(const Config& config, const fs::path& root) {
  const fs::path configured = config.text("secrets.kek_file");
  return configured.empty() ? configuration_of(root) / key_name : configured;
}

// ---- restore

enum class Placed : std::uint8_t { same, written, replaced };

// Under `file`; what is there and is something else is kept beside it.
std::expected<Placed, BackupRefused> place(const fs::path& file, const BackupFile& wanted, const std::string& time) {
  Placed placed = Placed::written;
  if (const auto there = pushmail::read_file(system_storage(), file, operators_file)) {
    if (*there == wanted.content) return Placed::same;
    placed = Placed::replaced;
    const fs::path kept = fmt::format("{}.before-restore-{}", file.string(), time);
    std::error_code error;
    // A link to the old content: the name itself is never without one.
    if (!fs::exists(kept, error)) fs::create_hard_link(file, kept, error);
    if (error) return refused(EX_CANTCREAT, fmt::format("{}: {}", kept.string(), error.message()));
  }
  if (const auto folder = make_folders(system_storage(), file.parent_path()); !folder) return refused(EX_CANTCREAT, file, folder.error());
  std::error_code ignored;
  fs::remove(file.string() + ".new", ignored);
  if (const auto written = replace_file(system_storage(), file, wanted.content, wanted.mode); !written)
    return refused(EX_CANTCREAT, file, written.error());
  if (::geteuid() != 0) return placed;
  // Whom this machine does not have cannot own it: whoever writes this keeps it then.
  const auto owner = find_user(wanted.owner.c_str());
  const auto group = find_group(wanted.group.c_str());
  const uid_t to_user = owner && *owner ? (*owner)->user : static_cast<uid_t>(-1);
  const gid_t to_group = group && *group ? **group : static_cast<gid_t>(-1);
  if (::chown(file.c_str(), to_user, to_group) != 0)
    return refused(EX_CANTCREAT, fmt::format("{}: cannot be given to {}:{}", file.string(), wanted.owner, wanted.group));
  return placed;
}

// A name from a file that somebody may have made by hand.
bool is_below(const std::string& path) {
  const fs::path relative = fs::path(path).lexically_normal();
  return !path.empty() && path.find('\0') == std::string::npos && relative.is_relative() && *relative.begin() != ".." &&
         !relative.filename().empty() && relative != ".";
}

// The key that its passwords need: in the backup, or here already.
std::expected<void, BackupRefused> check_key(const Backup& backup, const fs::path& key_file) {
  if (backup.facts.key.empty()) return {};
  const bool is_inside = std::ranges::any_of(backup.files, [](const BackupFile& file) { return file.path == key_name; });
  if (is_inside) return {};
  const auto keks = read_kek_file(key_file);
  const bool is_here =
      keks && (fingerprint(keks->now) == backup.facts.key || (keks->before && fingerprint(*keks->before) == backup.facts.key));
  if (is_here) return {};
  return refused(EX_DATAERR,
                 fmt::format("its passwords are sealed by the key {}, and {} holds another one, or none; put that key there first",
                             backup.facts.key, key_file.string()));
}

Json marks_json(const std::vector<JournalMark>& then, const std::vector<JournalMark>& now) {
  Json lanes = Json::object();
  for (const JournalMark& mark : then) {
    const auto here = std::ranges::find(now, mark.lane, &JournalMark::lane);
    if (here == now.end())
      lanes[mark.lane] = "is not here: what phones sent and was not passed on is lost with it";
    else if (here->sequence < mark.sequence)
      lanes[mark.lane] = fmt::format("is older than the backup ({} and {})", here->sequence, mark.sequence);
    else
      lanes[mark.lane] =
          here->sequence == mark.sequence ? "as it was" : fmt::format("has gone on by {} records", here->sequence - mark.sequence);
  }
  return lanes;
}

}  // namespace

BackupReport make_backup_file(const Config& config, const fs::path& root, const fs::path& file, WithKey with_key, const Clock& clock) {
  Backup beside{.facts = {.made = clock.wall(), .version = std::string(program_version()), .journal = journal_marks(root)}};
  const fs::path key_file = key_file_of(config, root);
  auto files = read_configuration(configuration_of(root), key_file);
  if (!files) return std::unexpected(files.error());
  beside.files = std::move(*files);
  const auto keks = read_kek_file(key_file);
  if (!keks) return refused(keks.error().exit_code(), keks.error().text);
  // Some passwords need the one, some the other, and the store is copied a moment later.
  constexpr const char* rotation = "a key rotation is under way: let it end, or give kek rotate again, and then this";
  if (keks->before) return refused(EX_UNAVAILABLE, rotation);
  beside.facts.key = fingerprint(keks->now);
  if (with_key == WithKey::yes) {
    auto content = pushmail::read_file(system_storage(), key_file, operators_file);
    if (!content) return refused(EX_NOINPUT, key_file, content.error());
    struct stat there{};
    if (::stat(key_file.c_str(), &there) != 0) return refused(EX_NOINPUT, key_file.string() + ": is gone");
    beside.files.push_back(backup_file(std::string(key_name), there, std::move(*content)));
  }
  if (const auto made = make_backup(store_of(root), file, beside); !made) return refused(EX_CANTCREAT, file, made.error());
  const auto afterwards = read_kek_file(key_file);
  if (!afterwards || afterwards->before || fingerprint(afterwards->now) != beside.facts.key) {
    std::error_code ignored;
    fs::remove(file, ignored);
    return refused(EX_UNAVAILABLE, rotation);
  }
  Json report{
      {"file", file.string()}, {"made", format_rfc3339(beside.facts.made)}, {"files", beside.files.size()}, {"key", beside.facts.key}};
  report["with_key"] = with_key == WithKey::yes;
  for (const JournalMark& mark : beside.facts.journal) report["journal"][mark.lane] = mark.sequence;
  return report;
}

BackupReport restore_backup_file(const fs::path& root, const fs::path& file, const Clock& clock) {
  const auto backup = read_backup(file);
  if (!backup) {
    if (backup.error().is(store_newer))
      return refused(EX_DATAERR, file.string() + ": was made by a newer pushmail, whose store this one cannot read; upgrade first");
    return refused(backup.error().is(store_no_backup) ? EX_DATAERR : EX_NOINPUT, file, backup.error());
  }
  for (const BackupFile& one : backup->files) {
    if (!is_below(one.path)) return refused(EX_DATAERR, fmt::format("{}: names a file outside of etc/pushmail", file.string()));
  }
  const fs::path store_file = store_of(root);
  const fs::path folder = store_file.parent_path();
  std::error_code error;
  const bool is_new = !fs::exists(folder, error);
  if (const auto made = make_folders(system_storage(), folder); !made) return refused(EX_CANTCREAT, folder, made.error());
  if (is_new) {
    fs::permissions(folder, fs::perms::owner_all, error);
    const auto account = find_user(secrets_owner);
    if (::geteuid() == 0 && account && *account && ::chown(folder.c_str(), (*account)->user, (*account)->group) != 0)
      return refused(EX_CANTCREAT, fmt::format("{}: cannot be given to {}", folder.string(), secrets_owner));
  }
  const auto lock = StoreLock::take(folder);
  if (!lock && lock.error().is(store_in_use))
    return refused(EX_UNAVAILABLE, "the control plane runs: its store is in use; stop it first, and start it when this is done");
  if (!lock) return refused(EX_CANTCREAT, folder, lock.error());

  // Where the key is: what the configuration in force says, and without one the usual place.
  const auto config = Config::load(root);
  const fs::path key_file = config ? key_file_of(*config, root) : configuration_of(root) / key_name;
  if (const auto key = check_key(*backup, key_file); !key) return std::unexpected(key.error());

  // Everything that can be refused is, before anything is changed.
  const Timestamp now = clock.wall();
  const fs::path made = store_file.string() + ".restored";
  RestoreMarks marks;
  {
    auto store = unpack_backup(file, made);
    if (!store) return refused(EX_CANTCREAT, made, store.error());
    const auto marked = mark_restored(**store, now, timers::doubt_usual);
    if (!marked) return refused(EX_CANTCREAT, made, marked.error());
    marks = *marked;
  }

  const std::string time = stamp(now);
  std::map<Placed, std::uint64_t> counts;
  for (const BackupFile& one : backup->files) {
    const bool is_key = one.path == key_name;
    const auto placed = place(is_key ? key_file : configuration_of(root) / one.path, one, time);
    if (!placed) return std::unexpected(placed.error());
    ++counts[*placed];
  }
  const bool had_store = fs::exists(store_file, error);
  fs::path kept = fmt::format("{}.before-restore-{}", store_file.string(), time);
  for (int n = 2; fs::exists(kept, error); ++n) kept = fmt::format("{}.before-restore-{}-{}", store_file.string(), time, n);
  if (const auto done = exchange_store(made, store_file, kept); !done) return refused(EX_CANTCREAT, store_file, done.error());

  Json report{{"made", format_rfc3339(backup->facts.made)}, {"by", backup->facts.version}};
  report["files_written"] = counts[Placed::written];
  report["files_replaced"] = counts[Placed::replaced];
  report["mailboxes"] = marks.mailboxes;
  report["in_doubt"] = marks.in_doubt;
  report["perhaps_sent_before"] = marks.waiting;
  if (!backup->facts.journal.empty()) report["journal"] = marks_json(backup->facts.journal, journal_marks(root));
  if (had_store) report["store_before"] = kept.string();
  return report;
}

}  // namespace pushmail::cli
