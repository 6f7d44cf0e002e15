// Power cuts and failing disks: what was announced is there, byte for byte, and rounds whole.
#include "storage/rocksdb_store.h"
#include "tools/sim/lossy_file_system.h"
#include "tests/storage/store_fixture.h"
#include "tests/storage/traffic.h"

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <mutex>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>

namespace farthing::storage {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::HasSubstr;

class PowerCutTest : public testing::Test {
 protected:
  PowerCutTest() { fs::create_directories(data()); }

  // Everything on the disk lies in one folder.
  fs::path root() const { return folder_.path() / "disk"; }
  fs::path data() const { return root() / "data"; }
  StoreOptions options() const {
    StoreOptions options;
    options.folder = data();
    options.file_system = disk_.get();
    options.high_water_interval = std::chrono::milliseconds(1);
    options.ledger_file_bytes = 1 << 17;
    return options;
  }

  // In memory where that is possible: the real disk's pace is of no interest here.
  TempFolder folder_{fs::is_directory("/dev/shm") ? "/dev/shm" : fs::temp_directory_path()};
  sim::LossyFileSystem disk_{root(), folder_.path() / "attic", 1};
};

// A store under traffic that ends when a write fails, with what it announced until then.
class Boot {
 public:
  explicit Boot(StoreOptions options) {
    options.on_failed_write = [this](std::string_view line) {
      const std::lock_guard lock(mutex_);
      complaint_ = line;
      if (traffic_ != nullptr) traffic_->fail();
    };
    auto store = open_rocksdb_store(options);
    if (store.has_value()) {
      store_ = std::move(*store);
    } else {
      refusal_ = store.error().message;
    }
  }

  bool is_open() const { return store_ != nullptr; }
  const std::string& refusal() const { return refusal_; }
  LedgerStore& store() { return *store_; }
  std::string complaint() const {
    const std::lock_guard lock(mutex_);
    return complaint_;
  }

  // Until a write fails; the store is gone then. `meanwhile` runs on this thread beside the
  // traffic.
  template <class Meanwhile>
  void traffic(std::size_t body_bytes, Meanwhile meanwhile) {
    Traffic traffic(*store_, body_bytes);
    {
      const std::lock_guard lock(mutex_);
      traffic_ = &traffic;
      if (!complaint_.empty()) traffic.fail();
    }
    std::thread runner([&] { traffic.run(); });
    meanwhile();
    runner.join();
    store_.reset();
    durable_ = traffic.last_durable().value;
    rounds_ = traffic.rounds_written();
    const std::lock_guard lock(mutex_);
    traffic_ = nullptr;
  }
  std::uint64_t durable() const { return durable_; }
  std::uint64_t rounds() const { return rounds_; }

 private:
  std::unique_ptr<LedgerStore> store_;
  std::string refusal_;
  std::uint64_t durable_ = 0;
  std::uint64_t rounds_ = 0;
  mutable std::mutex mutex_;
  std::string complaint_;
  Traffic* traffic_ = nullptr;
};

std::uint64_t round_of(const LedgerStore& store) {
  const auto round = store.fetch(Table::meta, "round");
  return round.has_value() && round->has_value() ? std::stoull(**round) : 0;
}

// What was announced so far, over all boots of one disk.
struct Announced {
  std::uint64_t durable = 0;
  std::uint64_t rounds = 0;

  void add(const Boot& boot) {
    durable = std::max(durable, boot.durable());
    rounds = std::max(rounds, boot.rounds());
  }
  void expect_in(const LedgerStore& store) const {
    EXPECT_GE(store.end().last.value, durable);
    EXPECT_GE(round_of(store), rounds);
    EXPECT_EQ(wrong_with_traffic(store), "");
  }
};

TEST_F(PowerCutTest, WhatWasAnnouncedIsThere) {
  std::mt19937_64 random(3);
  Announced announced;
  int ran = 0;
  for (int cuts = 0; cuts < 24; ++cuts) {
    // Some of them while the folder is being made or opened.
    disk_.cut_power_after(1 + random() % (cuts % 3 == 0 ? 60 : 3000));
    {
      Boot boot(options());
      if (boot.is_open()) {
        announced.expect_in(boot.store());
        boot.traffic(random() % 3 == 0 ? 20'000 : 50, [&] {
          while (!disk_.is_off()) {
            if (random() % 50 == 0) (void)boot.store().cut(folded_end(boot.store()));
            std::this_thread::yield();
          }
        });
        announced.add(boot);
        EXPECT_THAT(boot.complaint(), HasSubstr(data().string()));
        ++ran;
      } else {
        EXPECT_THAT(boot.refusal(), HasSubstr("the power is off"));
      }
    }
    disk_.restart();
  }
  EXPECT_GT(ran, 10);
  EXPECT_GT(announced.durable, 100u);
  EXPECT_GT(announced.rounds, 5u);
  Boot last(options());
  ASSERT_TRUE(last.is_open()) << last.refusal();
  announced.expect_in(last.store());
}

// A process that was killed may leave what it wrote and did not sync. Its successor reads that,
// builds on it, and must not lose it to a power cut.
TEST_F(PowerCutTest, WhatANewProcessFindsIsDurable) {
  std::mt19937_64 random(5);
  Announced announced;
  std::uint64_t found_unannounced = 0;
  for (int kills = 0; kills < 24; ++kills) {
    disk_.cut_power_after(1 + random() % 1000);
    {
      Boot boot(options());
      if (boot.is_open()) {
        boot.traffic(50, [] {});
        announced.add(boot);
      }
    }
    disk_.restart_process();
    {
      Boot successor(options());
      ASSERT_TRUE(successor.is_open()) << successor.refusal();
      announced.expect_in(successor.store());
      found_unannounced += successor.store().end().last.value - announced.durable;
      announced = {successor.store().end().last.value, round_of(successor.store())};
      disk_.cut_power();
    }
    disk_.restart();
  }
  EXPECT_GT(found_unannounced, 0u);
  Boot last(options());
  ASSERT_TRUE(last.is_open()) << last.refusal();
  announced.expect_in(last.store());
}

TEST_F(PowerCutTest, AfterAFailedWriteOrSyncNothingIsAnnounced) {
  Announced announced;
  for (const std::uint64_t nth : {3, 20, 90}) {
    for (const bool sync : {false, true}) {
      {
        Boot boot(options());
        ASSERT_TRUE(boot.is_open()) << boot.refusal();
        announced.expect_in(boot.store());
        boot.traffic(50, [&] {
          if (sync) {
            disk_.fail_sync_after(nth);
          } else {
            disk_.fail_write_after(nth);
          }
        });
        announced.add(boot);
        EXPECT_THAT(boot.complaint(), HasSubstr("as ordered"));
      }
      disk_.restart();
    }
  }
  EXPECT_GT(announced.durable, 20u);
}

TEST_F(PowerCutTest, AFullDiskLosesNothing) {
  Announced announced;
  {
    Boot boot(options());
    ASSERT_TRUE(boot.is_open()) << boot.refusal();
    boot.traffic(50, [&] {
      while (boot.store().end().last.value < 100) std::this_thread::yield();
      disk_.set_full(true);
    });
    announced.add(boot);
    EXPECT_THAT(boot.complaint(), HasSubstr("the disk is full"));
  }
  disk_.restart();
  Boot boot(options());
  ASSERT_TRUE(boot.is_open()) << boot.refusal();
  announced.expect_in(boot.store());
}

TEST_F(PowerCutTest, NothingIsDurableBeforeItsSync) {
  StoreOptions idle = options();
  idle.high_water_interval = std::chrono::hours(1);
  auto opened = open_rocksdb_store(idle);
  ASSERT_TRUE(opened.has_value());
  LedgerStore& store = **opened;
  std::atomic<std::uint64_t> durable = 0;
  std::atomic<int> rounds = 0;
  store.set_durable([&](Sequence last) {
    durable = last.value;
    durable.notify_one();
  });
  store.set_round_written([&] {
    ++rounds;
    rounds.notify_one();
  });
  disk_.hold_syncs(true);
  std::string body = "a";
  std::vector<Document> none;
  store.append(body, 1, at(1), none);
  Round round;
  round.put(Table::accounts, "k", "v");
  store.write_round(round);
  while (disk_.syncs_waiting() < 2) std::this_thread::yield();
  EXPECT_EQ(durable, 0u);
  EXPECT_EQ(rounds, 0);
  EXPECT_EQ(store.end().last, Sequence(0));
  EXPECT_FALSE(store.fetch(Table::accounts, "k")->has_value());
  disk_.hold_syncs(false);
  durable.wait(0);
  rounds.wait(0);
  EXPECT_EQ(store.end().last, Sequence(1));
  EXPECT_EQ(*store.fetch(Table::accounts, "k"), "v");
}

// A copy that was cut off is none; one that was reported is whole.
TEST_F(PowerCutTest, ACopyIsWholeOrNone) {
  std::vector<std::string> bodies;
  {
    Ledger ledger = open_ledger(options());
    for (int i = 0; i < 50; ++i) {
      bodies.push_back(std::string(5000, 'x') + std::to_string(i));
      ledger.append(bodies.back());
    }
  }
  int copied = 0;
  constexpr int cuts = 16;
  for (int cut = 1; cut <= cuts; ++cut) {
    const fs::path folder = root() / fmt::format("copy {}", cut);
    bool reported = false;
    {
      StoreOptions cut_off = options();
      cut_off.on_failed_write = [](std::string_view) {};
      const Ledger ledger = open_ledger(cut_off);
      disk_.cut_power_after(static_cast<std::uint64_t>(cut * cut));
      reported = ledger->copy_to(folder).has_value();
      disk_.cut_power();
    }
    disk_.restart();
    StoreOptions copy = options();
    copy.folder = folder;
    copy.create_if_missing = false;
    const auto opened = open_rocksdb_store(copy);
    EXPECT_TRUE(opened.has_value() || !reported) << opened.error().message;
    if (!opened.has_value()) continue;
    ++copied;
    EXPECT_EQ((*opened)->end().last.value, bodies.size());
    EXPECT_TRUE((*opened)->scan(Sequence(0), [](const Record&) { return true; }).has_value());
  }
  EXPECT_GT(copied, 0);
  EXPECT_LT(copied, cuts);
  EXPECT_EQ(open_ledger(options()).bodies(), bodies);
}

// A failed append ends the process as it always does, whatever a copy is at just then.
TEST_F(PowerCutTest, AnAppendThatFailsBesideACopyEndsTheProcessWithItsOwnCode) {
  fs::remove_all(root());
  for (int nth = 1; nth <= 24; ++nth) {
    const std::string command =
        fmt::format("{} {} {} {} 2> {}", COPY_UNTIL_FAILED, root().string(), nth,
                    nth % 2 == 0 ? "sync" : "write", (folder_.path() / "complaint").string());
    const int status = std::system(command.c_str());
    ASSERT_TRUE(WIFEXITED(status));
    std::string complaint;
    std::getline(std::ifstream(folder_.path() / "complaint"), complaint);
    EXPECT_EQ(WEXITSTATUS(status), 74) << nth << ": " << complaint;
    EXPECT_THAT(complaint, AllOf(HasSubstr("as ordered"), HasSubstr("writing the ledger in")));
    fs::remove_all(root());
  }
}

}  // namespace
}  // namespace farthing::storage
