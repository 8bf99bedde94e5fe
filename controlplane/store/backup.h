// A backup: one SQLite file with the store as of one moment, and beside its tables the files and facts that belong to it.
//
//   the store's tables      backup (key, value): made, by which version, under which key, how far the journal was
//                           backup_file (path, mode, owner, owner_group, content)
//
// Came from: `pushmailctl backup` (cli/backup.h says which files). Goes to: `pushmailctl restore`, which makes a store of it that knows
// that it is older than the world: mark_restored.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "controlplane/store/store.h"
#include "core/bytes.h"
#include "core/clock.h"
#include "core/result.h"

namespace pushmail {

/// How far a worker's journal was.
struct JournalMark {
  std::string lane{};
  std::uint64_t sequence = 0;  // of its last record
};
struct BackupFacts {
  Timestamp made{};
  std::string version{};  // of the program that made it
  std::string key{};      // fingerprint of the key that seals its passwords (binding/kek_file.h); empty: there was none
  std::vector<JournalMark> journal{};
};
struct BackupFile {
  std::string path{};  // relative, below etc/pushmail
  std::uint32_t mode = 0600;
  std::string owner{}, group{};  // names; empty: nobody had its number
  Bytes content{};
};
struct Backup {
  BackupFacts facts{};
  std::vector<BackupFile> files{};
};

inline constexpr std::uint64_t backup_files_size_max = 64 * 1024 * 1024;

/// `file` is mode 0600, whole and durable when this returns, in place of one that had its name; on an error that one stays. The store may
/// be in use meanwhile.
[[nodiscard]] Result<void> make_backup(const std::filesystem::path& store, const std::filesystem::path& file, const Backup& beside);
/// Reads what is beside the store, and looks the whole file over. store_no_backup: it is none, or broken; store_newer: of a newer schema.
[[nodiscard]] Result<Backup> read_backup(const std::filesystem::path& file);
/// The store in it as the new file `store`, of the present schema. Owned by whoever reads; nobody else has it.
[[nodiscard]] Result<std::unique_ptr<Store>> unpack_backup(const std::filesystem::path& file, const std::filesystem::path& store);

/// What a restored store cannot know, written down in it.
struct RestoreMarks {
  std::uint64_t in_doubt = 0;  // mails that were on their way to a phone: whether they were sent since nobody knows
  std::uint64_t waiting = 0;   // mails that a phone may ask for: it may have asked since
  std::uint64_t mailboxes = 0;
};
/// In one write: mails on their way to a phone are submissions in doubt from now on, for `wait`, and go the way of those (in_doubt.h);
/// those that wait, and those that the next look into a mailbox finds, are marked as perhaps sent before. Journal items are not touched.
[[nodiscard]] Result<RestoreMarks> mark_restored(Store& store, Timestamp now, Duration wait);

/// Puts the store `made` where `store` is, and that one under the name `kept`, when there is one: at no
/// moment is there none. Nobody may have it open.
[[nodiscard]] Result<void> exchange_store(const std::filesystem::path& made, const std::filesystem::path& store,
                                          const std::filesystem::path& kept);

}  // namespace pushmail
