#include "tools/sim/server.h"

#include <algorithm>
#include <utility>

namespace farthing::sim {

Server::Server(storage::LedgerStore& store, const base::Time& clock, engine::ShardOptions options,
               Hooks hooks)
    : store_(store), clock_(clock), options_(options), hooks_(std::move(hooks)) {}

Server::~Server() = default;

std::optional<std::string> Server::start() {
  shard_ = std::make_unique<engine::Shard>(store_, options_, [this] { return clock_; });
  engine::Shard::Hooks hooks;
  hooks.sealed = [this] {
    auto& [gathering, committing] = held_;
    committing.insert(committing.end(), gathering.begin(), gathering.end());
    gathering.clear();
  };
  hooks.released = [this] {
    for (std::size_t call : std::exchange(held_[1], {})) hooks_.acknowledged(call);
  };
  hooks.fetched = [this](std::uint64_t ticket) {
    for (std::size_t call : std::exchange(parked_[ticket], {})) hooks_.fetched(call);
    parked_.erase(ticket);
  };
  hooks.post = [this](std::function<void()> call) { post(std::move(call)); };
  shard_->set_hooks(std::move(hooks));
  store_.set_durable(
      [this](engine::Sequence last) { post([this, last] { shard_->durable(last); }); });
  store_.set_round_written([this] { post([this] { shard_->round_written(); }); });
  const auto recovered = shard_->recover([](engine::Sequence) {});
  if (!recovered.has_value()) return recovered.error().message;
  shard_->end_turn();
  return std::nullopt;
}

void Server::kill() {
  shard_.reset();
  for (auto& generation : held_) generation.clear();
  parked_.clear();
  posted_.clear();
}

Server::Fate Server::handle(engine::Request& request, std::size_t call) {
  switch (shard_->handle(request)) {
    case engine::Shard::Hold::ready:
      return Fate::answered;
    case engine::Shard::Hold::held:
      held_[0].push_back(call);
      return Fate::held;
    case engine::Shard::Hold::fetching:
      break;
  }
  parked_[shard_->fetch_ticket()].push_back(call);
  return Fate::parked;
}

bool Server::deliver_post() {
  if (posted_.empty()) return false;
  const std::function<void()> call = std::move(posted_.front());
  posted_.pop_front();
  call();
  return true;
}

std::optional<AccountSight> Server::sight(const std::string& name) const {
  const engine::Account* const account = shard_->book().find_account(name);
  if (account == nullptr) return std::nullopt;
  AccountSight sight;
  sight.balance = account->balance().micros;
  sight.reserved = account->reserved_micros;
  sight.overage = account->overage_micros;
  sight.sessions = account->session_count;
  for (const engine::Bucket& bucket : account->buckets) {
    sight.buckets.push_back({bucket.number.value, bucket.remaining, bucket.reserved});
  }
  std::ranges::sort(sight.buckets, {}, &AccountSight::Bucket::number);
  return sight;
}

bool Server::is_open(const std::string& session_id) const {
  const engine::Book& book = shard_->book();
  return book.find_session(book.session_key(session_id)) != nullptr;
}

}  // namespace farthing::sim
