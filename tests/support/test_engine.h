// A whole engine for tests: a shard over a store in memory, a clock that the test moves, and the
// demo's tariff and subscribers, or what the test fills it with. Nothing is durable until sync().
#pragma once

#include "engine/demo.h"
#include "engine/shard.h"
#include "storage/memory_store.h"

#include <chrono>
#include <functional>
#include <memory>

namespace farthing::test {

class TestEngine {
 public:
  explicit TestEngine(engine::ShardOptions options = {},
                      const std::function<void(engine::Shard&)>& fill = engine::enter_demo)
      : options_(options) {
    options_.book.duplicates.bytes_max = 1u << 20;  // cheap to start
    start();
    fill(*shard_);
    sync();
  }

  // Has a request decided, however long it has to wait for what is not in memory.
  engine::Shard::Hold handle(engine::Request& request) {
    return decide([&] { return shard_->handle(request); });
  }
  // The same where `attempt` hands the request to the shard.
  engine::Shard::Hold decide(const std::function<engine::Shard::Hold()>& attempt) {
    engine::Shard::Hold hold = attempt();
    resume_ = [&] { hold = attempt(); };
    while (hold == engine::Shard::Hold::fetching) {
      sync();
      if (!store_->read_next()) throw std::runtime_error("it waits for nothing");
    }
    resume_ = nullptr;
    return hold;
  }
  // Writes everything back.
  void checkpoint() {
    sync();
    bool done = false;
    shard_->checkpoint([&done] { done = true; });
    while (!done && store_->finish_round()) {
    }
    if (!done) throw std::runtime_error("the checkpoint does not end");
  }

  // What clients are told, from now on and after a restart.
  void on_notice(std::function<void(const engine::ClientNotice&)> notice) {
    notice_ = std::move(notice);
    set_hooks();
  }

  engine::Shard& shard() { return *shard_; }
  storage::MemoryStore& store() { return *store_; }
  base::Time now() const { return now_; }
  void advance(base::Duration by) { now_ += by; }

  // Makes everything entered so far durable.
  void sync() {
    shard_->end_turn();
    while (store_->sync()) {
    }
  }

  // The server dies: what is not durable is lost. A new one starts from the ledger.
  void crash_and_restart() {
    store_->crash();
    start();
    sync();
  }

 private:
  void start() {
    shard_ = std::make_unique<engine::Shard>(*store_, options_, [this] { return now_; });
    store_->set_durable([this](engine::Sequence last) { shard_->durable(last); });
    store_->set_round_written([this] { shard_->round_written(); });
    set_hooks();
    auto recovered = shard_->recover([](engine::Sequence) {});
    if (!recovered.has_value()) throw std::runtime_error(recovered.error().message);
  }

  void set_hooks() {
    engine::Shard::Hooks hooks;
    hooks.fetched = [this](std::uint64_t) {
      if (resume_) resume_();
    };
    hooks.notice = notice_;
    shard_->set_hooks(std::move(hooks));
  }

  std::function<void()> resume_;
  std::function<void(const engine::ClientNotice&)> notice_;
  engine::ShardOptions options_;
  base::Time now_ = std::chrono::sys_days(std::chrono::year(2026) / 6 / 1);
  std::unique_ptr<storage::MemoryStore> store_ = std::make_unique<storage::MemoryStore>();
  std::unique_ptr<engine::Shard> shard_;
};

}  // namespace farthing::test
