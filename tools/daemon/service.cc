#include "tools/daemon/service.h"

#include "diameter/application.h"
#include "diameter/credit_control.h"
#include "diameter/server.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <utility>

namespace farthing::tools {

namespace {

constexpr std::chrono::seconds tick_interval{1};

base::Time wall_clock() {
  return std::chrono::time_point_cast<base::Duration>(std::chrono::system_clock::now());
}

// Credit control as the application of a Diameter server.
class Charging final : public diameter::Application {
 public:
  Charging(const diameter::Identity& identity, engine::Shard& shard)
      : credit_control_(identity, shard), shard_(shard) {}

  void on_request(diameter::Peer& peer, const diameter::Message& request) override {
    const bool held = credit_control_.decide(request) == engine::Shard::Hold::held;
    credit_control_.write(request, held ? peer.held_buffer() : peer.ready_buffer());
  }
  void on_turn_end() override { shard_.end_turn(); }

 private:
  diameter::CreditControl credit_control_;
  engine::Shard& shard_;
};

}  // namespace

class Service::Impl {
 public:
  Impl(boost::asio::io_context& io, std::unique_ptr<storage::LedgerStore> store,
       engine::ShardOptions shard_options, diameter::ServerConfig diameter_config)
      : store_(std::move(store)),
        shard_(*store_, shard_options, wall_clock),
        charging_(diameter_config.identity, shard_),
        server_(io, std::move(diameter_config), charging_),
        timer_(io) {
    shard_.set_hooks({[this] { server_.seal_held(); }, [this] { server_.release_held(); }});
    store_->set_durable([this](engine::Sequence last) {
      server_.post([this, last] { shard_.durable(last); });
    });
  }
  // The commit thread calls into the server: it goes first.
  ~Impl() { store_->set_durable(nullptr); }

  base::Result<void, std::string> start() {
    if (auto listening = server_.listen(); !listening.has_value()) return listening.error();
    shard_.end_turn();
    tick();
    return {};
  }

  void stop(std::function<void()> done) {
    server_.stop([this, done = std::move(done)] {
      timer_.cancel();
      stopping_ = true;
      shard_.when_durable(done);
      shard_.end_turn();
    });
  }

  void run_on_shard(std::function<void(engine::Shard&)> work) {
    server_.post([this, work = std::move(work)] {
      work(shard_);
      shard_.end_turn();
    });
  }

  engine::Shard& shard() { return shard_; }
  diameter::Server& server() { return server_; }
  storage::LedgerStore& store() { return *store_; }

 private:
  void tick() {
    if (stopping_) return;
    const bool more = shard_.tick();
    shard_.end_turn();
    timer_.expires_after(more ? std::chrono::milliseconds(1)
                              : std::chrono::milliseconds(tick_interval));
    timer_.async_wait([this](const boost::system::error_code& error) {
      if (!error) tick();
    });
  }

  std::unique_ptr<storage::LedgerStore> store_;
  engine::Shard shard_;
  Charging charging_;
  diameter::Server server_;
  boost::asio::steady_timer timer_;
  bool stopping_ = false;
};

Service::Service(boost::asio::io_context& io, std::unique_ptr<storage::LedgerStore> store,
                 engine::ShardOptions shard_options, diameter::ServerConfig diameter_config)
    : impl_(std::make_unique<Impl>(io, std::move(store), shard_options, std::move(diameter_config))) {}
Service::~Service() = default;

engine::Shard& Service::shard() { return impl_->shard(); }
diameter::Server& Service::diameter() { return impl_->server(); }
storage::LedgerStore& Service::store() { return impl_->store(); }
base::Result<void, std::string> Service::start() { return impl_->start(); }
void Service::stop(std::function<void()> done) { impl_->stop(std::move(done)); }
void Service::run_on_shard(std::function<void(engine::Shard&)> work) {
  impl_->run_on_shard(std::move(work));
}

}  // namespace farthing::tools
