#include "tests/engine/admin/api_fixture.h"

#include "storage/rocksdb_store.h"
#include "tariffs/demo_tariff.h"
#include "tariffs/tariff_file.h"

#include <fmt/format.h>

#include <cstdlib>
#include <future>

namespace farthing::engine::admin {

namespace json = boost::json;

namespace {

Time wall_clock() {
  return std::chrono::time_point_cast<Duration>(std::chrono::system_clock::now());
}

}  // namespace

TemporaryFolder::TemporaryFolder() {
  std::string name = (std::filesystem::temp_directory_path() / "farthing-test-XXXXXX").string();
  EXPECT_NE(mkdtemp(name.data()), nullptr);
  path_ = name;
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

ShardThread::ShardThread(storage::LedgerStore& store, base::Clock clock)
    : shard_(store, ShardOptions{}, std::move(clock)) {
  store.set_durable([this](Sequence last) { run([last](Shard& shard) { shard.durable(last); }); });
  const auto recovered = shard_.recover([](Sequence) {});
  EXPECT_TRUE(recovered.has_value());
  thread_ = std::thread([this] { loop(); });
  run([](Shard&) {});
}

ShardThread::~ShardThread() { join(); }

void ShardThread::join() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
    changed_.notify_all();
  }
  if (thread_.joinable()) thread_.join();
}

void ShardThread::run(std::function<void(Shard&)> work) {
  const std::lock_guard lock(mutex_);
  work_.push_back(std::move(work));
  changed_.notify_all();
}

void ShardThread::run_and_wait(std::function<void(Shard&)> work) {
  std::promise<void> done;
  run([&](Shard& shard) {
    work(shard);
    done.set_value();
  });
  done.get_future().wait();
}

void ShardThread::loop() {
  while (true) {
    std::function<void(Shard&)> work;
    {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [this] { return stop_ || !work_.empty(); });
      if (work_.empty() && (shard_.idle() || stop_)) return;
      work = std::move(work_.front());
      work_.pop_front();
    }
    work(shard_);
    shard_.end_turn();
  }
}

ApiTest::ApiTest() { start(); }

ApiTest::~ApiTest() { stop(); }

void ApiTest::start() {
  auto store = storage::open_rocksdb_store({.folder = folder_.path() / "data"});
  ASSERT_TRUE(store.has_value());
  store_ = std::move(*store);
  const bool fresh = store_->end().last.value == 0;
  thread_ = std::make_unique<ShardThread>(*store_, wall_clock);
  ApiOptions options;
  options.socket_path = socket_path();
  options.metrics_port = 0;
  options.data_folder = folder_.path().string();
  options.clock = wall_clock;
  auto server = ApiServer::start(std::move(options), *thread_, *store_, thread_->shard().metrics());
  ASSERT_TRUE(server.has_value()) << server.error();
  server_ = std::move(*server);
  if (fresh) {
    ok(post("/v1/tariffs?file=demo.yaml", std::string(tariffs::demo_tariff_text())));
  }
}

void ApiTest::stop() {
  server_.reset();
  if (thread_) {
    std::promise<void> idle;
    thread_->run([&idle](Shard& shard) { shard.when_durable([&idle] { idle.set_value(); }); });
    idle.get_future().wait();
    thread_->join();
  }
  store_.reset();
  thread_.reset();
}

void ApiTest::restart() {
  stop();
  start();
}

JsonAnswer ApiTest::get(const std::string& target) {
  const auto answer = client().get(target);
  if (!answer.has_value()) return {0, json::value(answer.error())};
  json::error_code error;
  return {answer->status, json::parse(answer->body, error)};
}

JsonAnswer ApiTest::post(const std::string& target, const std::string& body) {
  const auto answer = client().send("POST", target, body);
  if (!answer.has_value()) return {0, json::value(answer.error())};
  json::error_code error;
  return {answer->status, json::parse(answer->body, error)};
}

JsonAnswer ApiTest::del(const std::string& target) {
  const auto answer = client().send("DELETE", target, "");
  if (!answer.has_value()) return {0, json::value(answer.error())};
  json::error_code error;
  return {answer->status, json::parse(answer->body, error)};
}

json::value ApiTest::ok(const JsonAnswer& answer) {
  EXPECT_GE(answer.status, 200u) << json::serialize(answer.body);
  EXPECT_LT(answer.status, 300u) << json::serialize(answer.body);
  return answer.body;
}

std::string ApiTest::error_of(const JsonAnswer& answer, unsigned status) {
  EXPECT_EQ(answer.status, status) << json::serialize(answer.body);
  const json::value* const message =
      answer.body.is_object() && answer.body.get_object().contains("error")
          ? &answer.body.at("error").at("message")
          : nullptr;
  return message == nullptr ? std::string() : std::string(message->as_string());
}

void ApiTest::create_account(const std::string& id, const std::string& balance) {
  ok(post("/v1/accounts", fmt::format(R"({{"id":"{}","kind":"prepaid"}})", id)));
  ok(post("/v1/subscribers", fmt::format(R"({{"msisdn":"{}","account":"{}"}})", id, id)));
  if (balance != "0") {
    ok(post(fmt::format("/v1/accounts/{}/topup", id),
            fmt::format(R"({{"amount":"{}"}})", balance)));
  }
}

std::string ApiTest::balance_of(const std::string& id) {
  return std::string(ok(get("/v1/accounts/" + id)).at("balance").as_string());
}

Outcome ApiTest::request(RequestType type, std::uint32_t number, const std::string& session,
                         const std::string& msisdn, std::optional<std::uint64_t> used,
                         std::optional<std::uint64_t> wanted) {
  Outcome outcome = Outcome::success;
  std::promise<void> done;
  thread_->run([&](Shard& shard) {
    Request made;
    made.session_id = session;
    made.key.type = type;
    made.key.number = number;
    made.key.content = number;
    made.service_context = "32251@3gpp.org";
    made.identities.push_back(*Identity::make(Identity::Kind::e164, msisdn));
    ServiceRequest& service = made.add_service();
    service.rating_group = RatingGroup(10);
    if (used) service.used.emplace().octets = *used;
    if (wanted) service.requested.emplace().total_octets = *wanted;
    shard.handle(made);
    outcome = shard.answer().outcome;
    shard.when_durable([&done] { done.set_value(); });
  });
  done.get_future().wait();
  return outcome;
}

}  // namespace farthing::engine::admin
