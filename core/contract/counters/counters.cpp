#include "core/contract/counters/counters.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>

namespace pushmail {

namespace {

constexpr std::string_view magic = "PMCOUNT1";
constexpr std::size_t header_size = 64, entry_size = 64, name_size = 56;
constexpr std::size_t file_size = header_size + counter_rows.size() * entry_size;

constexpr bool rows_are_in_order() {
  for (std::size_t i = 0; i < counter_rows.size(); ++i) {
    if (counter_rows[i].counter != static_cast<Counter>(i) || counter_rows[i].name.size() >= name_size) return false;
  }
  return true;
}
static_assert(rows_are_in_order(), "one row per counter, in the order of the enum");

// The numbers behind the magic, in order.
using Header = std::array<std::uint64_t, 4>;
constexpr std::size_t configuration_at = 3;

void write_names(std::uint8_t* at, const CountersOwner& owner) {
  std::memcpy(at, magic.data(), magic.size());
  const Header header{counter_rows.size(), static_cast<std::uint64_t>(owner.pid), static_cast<std::uint64_t>(owner.started.us),
                      owner.configuration};
  std::memcpy(at + magic.size(), header.data(), sizeof header);
  for (const CounterRow& row : counter_rows) {
    std::memcpy(at + header_size + static_cast<std::size_t>(row.counter) * entry_size, row.name.data(), row.name.size());
  }
}

}  // namespace

Result<std::unique_ptr<Counters>> Counters::create(const std::filesystem::path& file, const CountersOwner& owner) {
  const std::string made = file.string() + ".new";
  const int fd = ::open(made.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (fd < 0) return fail_os(counters_file, errno);
  const bool sized = ::ftruncate(fd, file_size) == 0;
  void* mapped = sized ? ::mmap(nullptr, file_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) : MAP_FAILED;
  const int error = errno;
  ::close(fd);
  if (mapped == MAP_FAILED) return fail_os(counters_file, error);
  write_names(static_cast<std::uint8_t*>(mapped), owner);
  // Under its name only when it is whole.
  if (::rename(made.c_str(), file.c_str()) != 0) {
    const int refused = errno;
    ::munmap(mapped, file_size);
    return fail_os(counters_file, refused);
  }
  return std::unique_ptr<Counters>(new Counters(mapped));
}

std::unique_ptr<Counters> Counters::in_memory() {
  void* mapped = ::mmap(nullptr, file_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  PM_CHECK(mapped != MAP_FAILED);
  write_names(static_cast<std::uint8_t*>(mapped), {});
  return std::unique_ptr<Counters>(new Counters(mapped));
}

Counters::~Counters() { ::munmap(mapped_, file_size); }

std::uint64_t& Counters::value(Counter counter) const {
  auto* at = static_cast<std::uint8_t*>(mapped_) + header_size + static_cast<std::size_t>(counter) * entry_size + name_size;
  return *reinterpret_cast<std::uint64_t*>(static_cast<void*>(at));
}

void Counters::add(Counter counter, std::uint64_t count) { std::atomic_ref(value(counter)).fetch_add(count, std::memory_order_relaxed); }
void Counters::set(Counter counter, std::uint64_t new_value) {
  std::atomic_ref(value(counter)).store(new_value, std::memory_order_relaxed);
}
void Counters::set_configuration(std::uint64_t generation) {
  auto* at = static_cast<std::uint8_t*>(mapped_) + magic.size() + configuration_at * sizeof(std::uint64_t);
  std::atomic_ref(*reinterpret_cast<std::uint64_t*>(static_cast<void*>(at))).store(generation, std::memory_order_relaxed);
}
std::uint64_t Counters::get(Counter counter) const { return std::atomic_ref(value(counter)).load(std::memory_order_relaxed); }

std::uint64_t CountersRead::value(Counter counter) const {
  const auto found =
      std::ranges::find(entries, counter_rows[static_cast<std::size_t>(counter)].name, [](const auto& entry) { return entry.first; });
  return found == entries.end() ? 0 : found->second;
}

Result<CountersRead> read_counters(const std::filesystem::path& file) {
  const int fd = ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return fail_os(counters_file, errno);
  std::vector<std::uint8_t> bytes;
  struct stat info{};
  bool good = ::fstat(fd, &info) == 0 && info.st_size >= static_cast<off_t>(header_size) && info.st_size < (1 << 20);
  if (good) {
    bytes.resize(static_cast<std::size_t>(info.st_size));
    good = ::pread(fd, bytes.data(), bytes.size(), 0) == static_cast<ssize_t>(bytes.size());
  }
  ::close(fd);
  if (!good || std::memcmp(bytes.data(), magic.data(), magic.size()) != 0) return fail(counters_file);
  Header header{};
  std::memcpy(header.data(), bytes.data() + magic.size(), sizeof header);
  const std::uint64_t count = header[0];
  if (count > (bytes.size() - header_size) / entry_size) return fail(counters_file);
  CountersRead found;
  found.owner = {.pid = static_cast<std::int64_t>(header[1]),
                 .started = {static_cast<std::int64_t>(header[2])},
                 .configuration = header[configuration_at]};
  for (std::uint64_t i = 0; i < count; ++i) {
    const auto* at = bytes.data() + header_size + i * entry_size;
    std::uint64_t value = 0;
    std::memcpy(&value, at + name_size, sizeof value);
    const auto* name = reinterpret_cast<const char*>(at);
    found.entries.emplace_back(std::string(name, ::strnlen(name, name_size)), value);
  }
  return found;
}

}  // namespace pushmail
