#include "controlplane/fetcher/mail_stream.h"

#include <algorithm>

#include "controlplane/fetcher/errors.h"
#include "core/errors.h"

namespace pushmail::mailbox {

namespace {

constexpr std::size_t read_size = 16 * 1024;

MailStream& stream_of(mailstream_low* low) { return *static_cast<MailStream*>(low->data); }

// libetpan's driver: C calls these on the coroutine's stack, so nothing may be thrown through it.
extern "C" {

static ssize_t driver_read(mailstream_low* low, void* into, size_t size) noexcept {
  const auto got = stream_of(low).read_some(MutableBytes(static_cast<std::uint8_t*>(into), size));
  return got ? static_cast<ssize_t>(*got) : -1;
}
static ssize_t driver_write(mailstream_low* low, const void* from, size_t size) noexcept {
  return stream_of(low).write_all(ByteView(static_cast<const std::uint8_t*>(from), size)) ? static_cast<ssize_t>(size) : -1;
}
static int driver_close(mailstream_low* low) noexcept {
  stream_of(low).cut();
  return 0;
}
static int driver_get_fd(mailstream_low*) noexcept { return -1; }
static void driver_free(mailstream_low* low) noexcept {
  stream_of(low).forget_etpan_stream();
  free(low);
}
static void driver_cancel(mailstream_low* low) noexcept { stream_of(low).cut(); }
static carray* driver_certificates(mailstream_low*) noexcept { return nullptr; }
static int driver_idle(mailstream_low*) noexcept { return 0; }

}  // extern "C"

mailstream_low_driver driver = {
    .mailstream_read = driver_read,
    .mailstream_write = driver_write,
    .mailstream_close = driver_close,
    .mailstream_get_fd = driver_get_fd,
    .mailstream_free = driver_free,
    .mailstream_cancel = driver_cancel,
    .mailstream_get_cancel = nullptr,
    .mailstream_get_certificate_chain = driver_certificates,
    .mailstream_setup_idle = driver_idle,
    .mailstream_unsetup_idle = driver_idle,
    .mailstream_interrupt_idle = driver_idle,
};

}  // namespace

MailStream::MailStream(Loop& loop, Fence::Grammar grammar) : socket_(loop), fence_(grammar) {}

std::unexpected<Error> MailStream::keep(Error error, std::string text) {
  if (!failure_) failure_ = Failure{error, std::move(text)};
  return std::unexpected(error);
}

void MailStream::cut() {
  keep(Error{&mailbox_stopped}, std::string(mailbox_stopped.text));
  socket_.cut();
}

mailstream* MailStream::make_etpan_stream() {
  PM_CHECK(etpan_ == nullptr);
  mailstream_low* low = mailstream_low_new(this, &driver);
  PM_CHECK(low != nullptr);
  etpan_ = mailstream_new(low, read_size);
  PM_CHECK(etpan_ != nullptr);
  return etpan_;
}

void MailStream::begin(Task& task, const Budget& budget) {
  task_ = &task;
  deadline_ = task.loop().now() + budget.time;
  fence_.begin(budget.bytes, budget.lines);
}

Outcome<void> MailStream::connect(Task& task, const Endpoint& to, Duration time) {
  if (auto connected = socket_.connect(task, to, task.loop().now() + time); !connected) {
    // "closed" while connecting is a refusal, the host is what cannot be reached.
    const Error error = connected.error().is(mailbox_closed) ? Error{&mailbox_unreachable} : connected.error();
    keep(error, socket_.reason());
    return broken();
  }
  return {};
}

Outcome<void> MailStream::start_tls(Task& task, const tls::ClientSettings& settings, std::string_view name, Duration time) {
  // Whatever came before the handshake was written by somebody who need not be the server (CVE-2020-15953).
  passed_.clear();
  passed_at_ = 0;
  fence_.forget();
  if (etpan_ != nullptr) etpan_->read_buffer_len = 0;

  begin(task, {.bytes = 0, .time = time});
  auto client = tls::Session::open(settings, name);
  if (!client) {
    keep(Error{&mailbox_tls}, std::string(client.error().info->text));
    return broken();
  }
  tls_ = std::move(*client);
  wire_.resize(read_size);
  while (true) {
    const auto step = tls_->handshake();
    if (auto sent = flush_tls(task); !sent) return broken();
    if (!step) {
      keep(Error{&mailbox_tls}, tls_->reason());
      return broken();
    }
    if (*step == tls::Handshake::done) return {};
    const auto got = socket_.read_some(task, wire_, deadline_);
    if (!got) {
      // A server that hangs up in the middle of the handshake does not speak TLS with us.
      keep(got.error().is(mailbox_closed) ? Error{&mailbox_tls} : got.error(), socket_.reason());
      return broken();
    }
    tls_->receive(ByteView(wire_).first(*got));
  }
}

Result<void> MailStream::flush_tls(Task& task) {
  const Bytes out = tls_->take_wire();
  if (out.empty()) return {};
  if (auto sent = socket_.write_all(task, out, deadline_); !sent) return keep(sent.error(), socket_.reason());
  return {};
}

// Plaintext as the server sent it, before the fence.
Result<std::size_t> MailStream::read_wire(MutableBytes into) {
  if (!tls_) {
    const auto got = socket_.read_some(*task_, into, deadline_);
    if (!got) return keep(got.error(), socket_.reason());
    return *got;
  }
  while (true) {
    const auto got = tls_->read(into);
    if (!got) return keep(Error{got.error().is(core_tls_closed) ? &mailbox_closed : &mailbox_tls}, tls_->reason());
    // Reading can make an answer to a key update.
    if (auto sent = flush_tls(*task_); !sent) return std::unexpected(sent.error());
    if (*got > 0) return *got;
    const auto more = socket_.read_some(*task_, wire_, deadline_);
    if (!more) return keep(more.error(), socket_.reason());
    tls_->receive(ByteView(wire_).first(*more));
  }
}

Result<std::size_t> MailStream::read_some(MutableBytes into) {
  if (into.empty()) return std::size_t{0};
  while (passed_at_ == passed_.size()) {
    if (failure_) return std::unexpected(failure_->error);
    passed_.clear();
    passed_at_ = 0;
    std::array<std::uint8_t, read_size> buffer;
    const auto got = read_wire(buffer);
    if (!got) return std::unexpected(got.error());
    if (auto passed = fence_.pass(ByteView(buffer).first(*got), passed_); !passed) {
      return keep(passed.error(), std::string(passed.error().info->text));
    }
  }
  const std::size_t size = std::min(into.size(), passed_.size() - passed_at_);
  std::copy_n(passed_.begin() + static_cast<std::ptrdiff_t>(passed_at_), size, into.begin());
  passed_at_ += size;
  return size;
}

Result<void> MailStream::write_all(ByteView bytes) {
  if (failure_) return std::unexpected(failure_->error);
  if (!tls_) {
    if (auto sent = socket_.write_all(*task_, bytes, deadline_); !sent) return keep(sent.error(), socket_.reason());
    return {};
  }
  if (auto written = tls_->write(bytes); !written) return keep(Error{&mailbox_tls}, tls_->reason());
  return flush_tls(*task_);
}

bool MailStream::has_unread() const {
  return passed_at_ < passed_.size() || (etpan_ != nullptr && etpan_->read_buffer_len > 0) || (tls_ && tls_->has_unread()) ||
         !fence_.at_line_start();
}

void MailStream::wait_readable(Task& task, Gate& gate, Instant until) {
  if (has_unread() || failure_) return;
  socket_.wait_readable(task, gate, until);
}

}  // namespace pushmail::mailbox
