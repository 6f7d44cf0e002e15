// A shard on a thread of its own with the admin API before it, on a socket in a temporary folder.
#pragma once

#include "engine/admin/server.h"
#include "engine/shard.h"
#include "tools/cli/client.h"

#include <boost/json.hpp>
#include <gtest/gtest.h>

#include <condition_variable>
#include <deque>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

namespace farthing::engine::admin {

// A folder that is gone with the test.
class TemporaryFolder {
 public:
  TemporaryFolder();
  ~TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

// The shard's thread: a loop over posted work.
class ShardThread final : public Gateway {
 public:
  ShardThread(storage::LedgerStore& store, base::Clock clock);
  ~ShardThread() override;

  void run(std::function<void(Shard&)> work) override;
  // Runs `work` and waits for it, without waiting for the store.
  void run_and_wait(std::function<void(Shard&)> work);
  Shard& shard() { return shard_; }
  void join();

 private:
  void loop();

  Shard shard_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::function<void(Shard&)>> work_;
  bool stop_ = false;
  std::thread thread_;
};

struct JsonAnswer {
  unsigned status = 0;
  boost::json::value body;
};

// The whole of it over RocksDB, with the demo tariff loaded.
class ApiTest : public testing::Test {
 protected:
  ApiTest();
  ~ApiTest() override;

  void stop();
  // Stops everything and starts it again on the same folder.
  void restart();
  std::string socket_path() const { return (folder_.path() / "api.sock").string(); }
  ShardThread& shard_thread() { return *thread_; }
  tools::ApiClient client() const { return tools::ApiClient(socket_path()); }

  JsonAnswer get(const std::string& target);
  JsonAnswer post(const std::string& target, const std::string& body);
  JsonAnswer del(const std::string& target);
  // Expects success.
  boost::json::value ok(const JsonAnswer& answer);
  std::string error_of(const JsonAnswer& answer, unsigned status);
  void create_account(const std::string& id, const std::string& balance);
  std::string balance_of(const std::string& id);
  // One credit-control request on the shard, answered by the time that this returns.
  Outcome request(RequestType type, std::uint32_t number, const std::string& session,
                  const std::string& msisdn, std::optional<std::uint64_t> used,
                  std::optional<std::uint64_t> wanted);

  TemporaryFolder folder_;

 private:
  void start();

  std::unique_ptr<storage::LedgerStore> store_;
  std::unique_ptr<ShardThread> thread_;
  std::unique_ptr<ApiServer> server_;
};

}  // namespace farthing::engine::admin
