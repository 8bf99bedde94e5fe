#include "controlplane/store/group_commit.h"

#include <boost/asio/post.hpp>
#include <utility>

#include "core/log.h"

namespace pushmail {

namespace asio = boost::asio;

GroupCommit::GroupCommit(asio::io_context& context, Store& store, std::function<void(const Error&)> on_failed)
    : context_(context), store_(store), on_failed_(std::move(on_failed)) {
  store_.on_changed([this] { on_changed(); });
}

GroupCommit::~GroupCommit() {
  store_.on_changed({});
  sync_thread_.join();
  checkpoint_thread_.join();
}

void GroupCommit::when_durable(std::move_only_function<void()> send) {
  switch (phase_) {
    case Phase::idle:
      if (leaving_.empty()) return send();
      return leaving_.push_back(std::move(send));
    case Phase::gathering:
      return of_next_.push_back(std::move(send));
    case Phase::syncing:
      return (changed_ || !of_next_.empty() ? of_next_ : of_group_).push_back(std::move(send));
    case Phase::failed:
      return;
  }
}

void GroupCommit::on_changed() {
  changed_ = true;
  if (phase_ == Phase::idle) gather();
}

// What happens in this turn of the event loop, and whatever is ready to run now, is of the same group.
void GroupCommit::gather() {
  phase_ = Phase::gathering;
  asio::post(context_, [this] { commit(); });
}

void GroupCommit::commit() {
  if (phase_ != Phase::gathering) return;
  changed_ = false;
  if (const auto committed = store_.commit(); !committed) return fail(committed.error());
  ++counts_.groups;
  phase_ = Phase::syncing;
  of_group_ = std::exchange(of_next_, {});
  work_.emplace(context_.get_executor());
  asio::post(sync_thread_, [this] {
    const auto done = store_.sync();
    asio::post(context_, [this, done] { synced(done); });
  });
}

void GroupCommit::synced(const Result<void>& done) {
  work_.reset();
  if (phase_ != Phase::syncing) return;
  if (!done) return fail(done.error());
  for (auto& send : of_group_) leaving_.push_back(std::move(send));
  of_group_.clear();
  phase_ = Phase::idle;
  if (changed_ || !of_next_.empty()) gather();
  leave();
  checkpoint();
}

void GroupCommit::leave() {
  while (!leaving_.empty() && phase_ != Phase::failed) {
    auto send = std::move(leaving_.front());
    send();
    leaving_.pop_front();
  }
}

void GroupCommit::checkpoint() {
  if (checkpointing_ || !store_.takes_checkpoint()) return;
  checkpointing_ = true;
  asio::post(checkpoint_thread_, [this] {
    store_.checkpoint();
    asio::post(context_, [this] { checkpointing_ = false; });
  });
}

void GroupCommit::fail(const Error& error) {
  phase_ = Phase::failed;
  log_error("store_not_durable").error(error);
  leaving_.clear();
  of_group_.clear();
  of_next_.clear();
  on_failed_(error);
}

}  // namespace pushmail
