#include "tools/sim/server.h"

#include <algorithm>
#include <utility>

namespace farthing::sim {

namespace {

engine::ShardOptions options() {
  engine::ShardOptions options;
  options.book.duplicates.bytes_max = 1u << 20;  // all of a run, and cheap to start
  options.book.session_key_seed = 1;
  return options;
}

}  // namespace

Server::Server(SimStore& store, const base::Time& clock,
               std::function<void(std::size_t)> acknowledged)
    : store_(store), clock_(clock), acknowledged_(std::move(acknowledged)) {}

Server::~Server() = default;

std::optional<std::string> Server::start() {
  shard_ = std::make_unique<engine::Shard>(store_, options(), [this] { return clock_; });
  shard_->set_hooks({[this] {
                       auto& [gathering, committing] = held_;
                       committing.insert(committing.end(), gathering.begin(), gathering.end());
                       gathering.clear();
                     },
                     [this] {
                       for (std::size_t call : std::exchange(held_[1], {})) acknowledged_(call);
                     }});
  store_.set_durable(
      [this](engine::Sequence last) { post([this, last] { shard_->durable(last); }); });
  const auto recovered = shard_->recover([](engine::Sequence) {});
  if (!recovered.has_value()) return recovered.error().message;
  shard_->end_turn();
  return std::nullopt;
}

void Server::kill() {
  shard_.reset();
  for (auto& generation : held_) generation.clear();
  unparked_.clear();
  posted_.clear();
}

Server::Fate Server::handle(engine::Request& request, std::size_t call) {
  if (shard_->handle(request) == engine::Shard::Hold::ready) return Fate::answered;
  held_[0].push_back(call);
  return Fate::held;
}

std::vector<std::size_t> Server::take_unparked() { return std::exchange(unparked_, {}); }

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
