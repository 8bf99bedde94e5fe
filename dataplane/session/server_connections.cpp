#include "dataplane/session/server_connections.h"

#include "core/timers.h"

namespace pushmail {

bool MemoryShare::grow(std::uint64_t size) {
  if (!budget_.has_room(size)) return false;
  budget_.used_ += size;
  size_ += size;
  return true;
}

ServerConnection::ServerConnection(ServerConnections& all, Stream& stream)
    : all_(all), stream_(&stream), source_(stream.peer()), last_received_(all.now()) {
  stream.set_events(*this);
}

Instant ServerConnection::now() const { return all_.now_; }

bool ServerConnection::is_draining() const { return all_.draining_; }

std::uint64_t ServerConnection::unsent_size_max() const { return all_.limits_.unsent_size_max; }

void ServerConnection::send(std::string_view text) {
  if (unsent_size_ == 0) unsent_since_ = now();
  unsent_size_ += text.size();
  stream_->send(bytes_of(text));
}

void ServerConnection::pause_reading() {
  if (!std::exchange(paused_, true)) stream_->pause_reading();
}

void ServerConnection::resume_reading() {
  if (std::exchange(paused_, false)) stream_->resume_reading();
}

void ServerConnection::become_runnable() {
  if (finishing_ || std::exchange(runnable_, true)) return;
  all_.runnable_.push_back(this);
}

void ServerConnection::raise(Standing standing) { all_.limiter_.raise(*this, standing); }

void ServerConnection::finish_stream() {
  if (std::exchange(finishing_, true)) return;
  finishing_since_ = now();
  resume_reading();
  stream_->finish();
}

void ServerConnection::reseat(Stream& over) {
  PM_CHECK(!finishing_);
  resume_reading();
  stream_ = &over;
}

void ServerConnection::run() {
  runnable_ = false;
  if (!finishing_) go_on();
}

void ServerConnection::look_at_deadlines(Instant now) {
  if (finishing_) {
    if (now - finishing_since_ > all_.limits_.linger) stream_->abort();
    return;
  }
  if (unsent_size_ > 0 && now - unsent_since_ > all_.limits_.idle) {
    ++all_.counts_.timed_out;
    return stream_->abort();
  }
  check_deadlines(now);
}

ServerConnections::Welcome ServerConnections::add(std::unique_ptr<ServerConnection> connection, Wanted wanted) {
  ++counts_.connections;
  const bool has_place = wanted == Wanted::yes && !draining_ && limiter_.admit(*connection, connection->source().ip);
  const bool is_answered = connections_.size() < limiter_.used() + turned_away_max;
  connection->slot_ = connections_.size();
  connections_.push_back(std::move(connection));
  if (has_place) return Welcome::served;
  ++counts_.turned_away;
  return is_answered ? Welcome::refused : Welcome::cut;
}

void ServerConnections::remove(ServerConnection& connection) {
  limiter_.release(connection);
  if (connection.runnable_) std::erase(runnable_, &connection);
  const std::size_t slot = connection.slot_;
  std::swap(connections_[slot], connections_.back());
  connections_[slot]->slot_ = slot;
  connections_.pop_back();
}

void ServerConnections::drain() {
  draining_ = true;
  for (const auto& connection : connections_) {
    if (!connection->finishing_) connection->on_drain();
  }
}

void ServerConnections::tick(Instant now) {
  now_ = now;
  std::vector<ServerConnection*> runnable;
  runnable.swap(runnable_);
  for (ServerConnection* connection : runnable) connection->run();
  if (now < next_check_) return;
  next_check_ = now + timers::session_check;
  for (const auto& connection : connections_) connection->look_at_deadlines(now);
}

}  // namespace pushmail
