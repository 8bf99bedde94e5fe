// The fetcher processes: started with a socketpair as descriptor 3, or by a service manager that gives them a connection of ours as theirs;
// restarted with back-off when they end, told everything again.
//
// Came from: WatchedMailboxes, Transfers, Marks (commands), the fetchers (records). Goes to: FetcherEvents. A binding belongs to one
// fetcher, by its id. A fetcher ends by itself when our end of the socket closes, so none outlives the control plane. Threads: one.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "controlplane/ports.h"
#include "controlplane/store/durability.h"

namespace boost::asio {
class io_context;
}

namespace pushmail {

class FetcherEvents {
 public:
  virtual ~FetcherEvents() = default;
  /// A fetcher runs and knows nothing yet.
  virtual void on_fetcher_up(std::size_t index) = 0;
  virtual void on_fetcher_down(std::size_t index) = 0;
  virtual void on_fetcher_record(const RecordView& record) = 0;
};

class FetcherProcesses final : public FetcherPort {
 public:
  struct Options {
    std::filesystem::path program{};
    /// Where a service manager starts a fetcher for each connection, as a user of its own; empty: we start `program`.
    std::filesystem::path socket{};
    std::vector<std::string> arguments{};
    std::size_t count = 1;
  };
  FetcherProcesses(boost::asio::io_context& context, Options options, Durability& durability, FetcherEvents& events);
  ~FetcherProcesses() override;

  void start();
  void stop();
  [[nodiscard]] std::size_t index_of(std::string_view binding) const;
  [[nodiscard]] std::size_t up_count() const;
  struct Standing {
    bool up = false;
    std::int64_t pid = 0;          // 0: none runs, or it is a service manager's
    std::string last_error{};      // why the last one ended
    std::uint64_t times_lost = 0;  // since the start
  };
  /// Of every process, by index.
  [[nodiscard]] std::vector<Standing> standing() const;

  [[nodiscard]] bool is_up(std::string_view binding) const override;
  void send(std::string_view binding, mailbox::Kind kind, const ItemId& item, RecordWriter record) override;
  /// To this one, whatever bindings it has; false: it does not run.
  bool send_to(std::size_t index, RecordWriter record);

 private:
  class Process;
  std::vector<std::shared_ptr<Process>> processes_;
};

}  // namespace pushmail
