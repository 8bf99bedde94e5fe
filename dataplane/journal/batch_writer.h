// Writes a batch and syncs its file, one batch at a time, without making the caller wait: io_uring, a write and a sync that is linked to
// it.
//
// Came from: the lane (bytes it owns until the outcome). Goes to: the kernel. A sync that did not run behind its whole write, because the
// write fell short or the kernel took only one of the two, proves nothing and is made again; one that failed is never made again, since
// it would succeed and prove nothing.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "core/bytes.h"
#include "core/clock.h"
#include "core/result.h"

namespace pushmail::journal {

/// Of a batch: 0 or an errno each. `sync` means nothing when `write` is not 0.
struct BatchOutcome {
  int write = 0;
  int sync = 0;
};

class BatchWriter {
 public:
  virtual ~BatchWriter() = default;
  /// The bytes and the descriptor stay until poll() gives the outcome, and so does the writer; one batch at a time. Not empty.
  virtual void start(int fd, ByteView bytes, std::uint64_t offset) = 0;
  /// Never blocks.
  [[nodiscard]] virtual std::optional<BatchOutcome> poll() = 0;
  /// Readable when poll() may have an outcome.
  [[nodiscard]] virtual int completion_fd() const = 0;
  /// The kernel was too busy to take the batch: poll() tries again, and nothing says when.
  [[nodiscard]] virtual bool needs_turn() const = 0;
};

/// `journal.ring` when the kernel gives none.
[[nodiscard]] Result<std::unique_ptr<BatchWriter>> open_uring_writer(const Clock& clock);

}  // namespace pushmail::journal
