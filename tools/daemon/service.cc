#include "tools/daemon/service.h"

#include "diameter/file_limit.h"
#include "diameter/server.h"
#include "engine/admin/gateway.h"
#include "engine/admin/log.h"
#include "engine/admin/server.h"
#include "engine/records/exporter.h"
#include "engine/retention.h"
#include "tools/daemon/charging.h"
#include "tools/daemon/tracer.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <array>
#include <ctime>
#include <filesystem>
#include <mutex>
#include <random>
#include <utility>

namespace farthing::tools {

namespace {

namespace admin = engine::admin;

constexpr std::chrono::microseconds tick_interval{100'000};
constexpr std::chrono::microseconds tick_interval_filling{1'000};
constexpr std::chrono::microseconds tick_interval_behind{100};
constexpr std::uint64_t ticks_per_snapshot = 10;
constexpr std::uint64_t files_beside = 4096;         // the store's, the API's and those of others
constexpr std::size_t sessions_expected = 1u << 20;  // room for them in the directory

base::Time wall_clock() {
  return std::chrono::time_point_cast<base::Duration>(std::chrono::system_clock::now());
}

std::uint64_t random_u64() {
  std::random_device device;
  return std::uint64_t{device()} << 32 | device();
}

engine::ShardOptions shard_options(const engine::Config& config) {
  engine::ShardOptions options;
  options.book.duplicates.window = config.duplicates_window;
  options.book.duplicates.bytes_max = config.duplicates_bytes;
  options.book.session_key_seed = random_u64();
  options.book.accounts_memory_bytes = config.accounts_memory_bytes;
  options.book.sessions_expected = sessions_expected;
  options.book.changes_expected = options.checkpoint_rows_max;
  options.accounts_memory_bytes = config.accounts_memory_bytes;
  options.checkpoint_interval = config.checkpoint_interval;
  options.disk_reserve_bytes = config.storage_reserve_bytes;
  return options;
}

void log_diameter(diameter::LogLevel level, std::string_view text) {
  constexpr std::array levels = {admin::LogLevel::info, admin::LogLevel::warning,
                                 admin::LogLevel::error};
  admin::log(levels[static_cast<std::size_t>(level)], text);
}

// Its state id rises with every start (RFC 6733 8.16): seconds do.
diameter::Identity identity(const engine::Config& config) {
  return {config.origin_host, config.origin_realm, static_cast<std::uint32_t>(std::time(nullptr))};
}

diameter::ServerConfig server_config(const engine::Config& config) {
  diameter::ServerConfig server;
  server.listen.clear();
  for (const engine::Endpoint& endpoint : config.listen) {
    server.listen.push_back({endpoint.address, endpoint.port});
  }
  for (const engine::Endpoint& endpoint : config.listen_tls) {
    server.listen.push_back({endpoint.address, endpoint.port, true});
  }
  if (!config.tls.certificate.empty()) {
    server.tls = {config.tls.certificate, config.tls.key, config.tls.ca};
    server.has_inband_tls = config.tls.inband;
  }
  server.identity = identity(config);
  server.product_name = config.product_name;
  for (const engine::AllowedPeer& peer : config.peers) {
    diameter::PeerRule rule;
    rule.origin_host = peer.origin_host;
    if (auto network = diameter::IpNetwork::parse(peer.from)) rule.network = *network;
    rule.profile = peer.profile;
    rule.certificate_required = peer.certificate_required;
    server.peers_allowed.push_back(rule);
  }
  for (const engine::ConnectedPeer& peer : config.connect) {
    diameter::PeerRule rule;
    rule.origin_host = peer.origin_host;
    rule.profile = peer.profile;
    server.connect.push_back({peer.to.address, peer.to.port, peer.tls, rule});
  }
  server.reconnect_interval = config.reconnect;
  server.serves_any_destination = config.destinations == engine::Destinations::any;
  server.watchdog_interval = config.watchdog;
  server.message_size_bytes_max = static_cast<std::uint32_t>(config.limits.message_bytes);
  server.output_size_bytes_max = config.limits.peer_output_bytes;
  server.input_size_bytes_max = config.limits.peer_input_bytes;
  server.connections_max = config.limits.connections;
  server.random = [generator = std::mt19937(static_cast<std::uint32_t>(random_u64()))]() mutable {
    return static_cast<std::uint32_t>(generator());
  };
  server.log = log_diameter;
  return server;
}

engine::records::ExportOptions export_options(const engine::Config& config) {
  engine::records::ExportOptions options;
  options.folder = config.records.folder;
  options.archive = config.retention.archive;
  options.format = config.records.format == engine::RecordFormat::csv
                       ? engine::records::Format::csv
                       : engine::records::Format::json;
  options.rotate_bytes = config.records.rotate_bytes;
  options.rotate_after = config.records.rotate_after;
  return options;
}

engine::RetentionOptions retention_options(const engine::Config& config) {
  engine::RetentionOptions options;
  options.after = config.retention.after;
  options.archive = config.retention.archive;
  return options;
}

void log_job(bool is_error, std::string_view line) {
  admin::log(is_error ? admin::LogLevel::error : admin::LogLevel::info, line);
}

}  // namespace

class Service::Impl final : public admin::Gateway {
 public:
  Impl(boost::asio::io_context& io, std::unique_ptr<storage::LedgerStore> store,
       const engine::Config& config)
      : config_(config),
        store_(std::move(store)),
        shard_(*store_, shard_options(config), wall_clock),
        charging_(identity(config), shard_,
                  [this](std::string_view host) { return server_.find_peer(host); }),
        server_(io, server_config(config), charging_),
        timer_(io),
        visitors_(*this) {
    shard_.set_hooks({[this] { server_.seal_held(); }, [this] { server_.release_held(); },
                      [this](std::uint64_t ticket) { charging_.fetched(ticket); },
                      [this](std::function<void()> work) { post(std::move(work)); },
                      [this](const engine::ClientNotice& notice) { charging_.tell(notice); }});
    store_->set_durable(
        [this](engine::Sequence last) { server_.post([this, last] { shard_.durable(last); }); });
    store_->set_round_written([this] { post([this] { shard_.round_written(); }); });
  }

  // The threads of the API, of the exporter and of the store call into the rest: they end first.
  ~Impl() override {
    api_.reset();
    if (exporter_) exporter_->stop();
    if (retention_) retention_->stop();
    visitors_.stop();
    retention_.reset();
    exporter_.reset();
    store_.reset();
  }

  base::Result<void, std::string> start() {
    shard_.end_turn();
    admin::ApiOptions options;
    options.socket_path = engine::api_socket_path(config_);
    options.data_folder = config_.data;
    options.archive_folder = config_.retention.archive;
    options.clock = wall_clock;
    options.peers = [this] { return snapshot().peers; };
    options.samples = [this] { return snapshot().samples; };
    options.begin_trace = [this](admin::TraceWish wish, std::weak_ptr<admin::TraceQueue> queue) {
      post([this, wish = std::move(wish), queue = std::move(queue)] {
        tracer_.begin(wish, queue);
        show_messages(&tracer_);
      });
    };
    if (config_.metrics_listen) {
      options.metrics_address = config_.metrics_listen->address;
      options.metrics_port = config_.metrics_listen->port;
    }
    auto api = admin::ApiServer::start(std::move(options), *this, *store_, shard_.metrics());
    if (!api.has_value()) return api.error();
    api_ = std::move(*api);
    if (!config_.records.folder.empty()) start_exporter();
    if (!config_.retention.archive.empty()) start_retention();
    if (auto raised = diameter::raise_file_limit(config_.limits.connections + files_beside);
        raised.has_error()) {
      admin::log(admin::LogLevel::warning,
                 "limits.connections may not be reached: this process " + raised.error());
    }
    if (auto listening = server_.listen(); !listening.has_value()) return listening.error();
    tick();
    return {};
  }

  std::string diameter_endpoint() const { return server_.endpoint(); }

  void stop(std::function<void()> done) {
    if (retention_) retention_->stop();
    server_.stop([this, done] {
      if (api_) api_->stop();
      // Everything written back: the next start has nothing to replay.
      shard_.when_durable([this, done] {
        shard_.checkpoint([this, done] {
          stopping_ = true;
          timer_.cancel();
          done();
        });
      });
      shard_.end_turn();
    });
  }

  void run(std::function<void(engine::Shard&)> work) override {
    post([this, work = std::move(work)] { work(shard_); });
  }

  engine::Shard& shard() { return shard_; }

 private:
  // What the API shows of the Diameter side, taken every second so that no thread of the API ever
  // waits for this one.
  struct Snapshot {
    std::vector<admin::PeerStatus> peers;
    std::vector<admin::Sample> samples;
  };

  void show_messages(Tracer* tracer) {
    server_.set_tap(tracer);
    charging_.set_tracer(tracer);
  }

  // Brings work to the shard's thread; what it made ready to send goes out after it.
  void post(std::function<void()> work) {
    server_.post([this, work = std::move(work)] {
      work();
      shard_.end_turn();
    });
  }

  Snapshot snapshot() {
    const std::lock_guard lock(snapshot_mutex_);
    return snapshot_;
  }

  void start_exporter() {
    exporter_ = std::make_unique<engine::records::Exporter>(
        *store_,
        [this](std::span<engine::records::Who> who) {
          const auto asked = visitors_.glance(
              [who](engine::Shard& shard) { engine::records::find_names(shard.book(), who); });
          return asked && engine::records::find_names(*store_, who);
        },
        export_options(config_), wall_clock, log_job);
  }

  void start_retention() {
    engine::RetentionHooks hooks;
    hooks.enter = [this](const engine::LedgerCut& cut) {
      return bool(visitors_.visit([&](engine::Shard& shard) {
        shard.enter_cut(cut, std::filesystem::absolute(config_.retention.archive).string());
      }));
    };
    hooks.oldest_needed = [this]() -> std::optional<engine::Sequence> {
      if (!exporter_) return engine::Sequence(UINT64_MAX);
      const engine::Sequence oldest = exporter_->status().oldest_needed;
      if (oldest.value == 0) return std::nullopt;
      return oldest;
    };
    retention_ = std::make_unique<engine::RetentionJob>(
        *store_, retention_options(config_), std::move(hooks), wall_clock, log_job,
        engine::retention_interval(config_.retention.after));
  }

  void add_retention(Snapshot& snapshot) const {
    auto add = [&snapshot](const char* name, const char* help, std::uint64_t value) {
      snapshot.samples.push_back({name, help, false, {}, static_cast<double>(value)});
    };
    add("farthing_ledger_begin", "First entry that the ledger has; older ones are archived",
        store_->begin().last.value + 1);
    if (!retention_) return;
    const engine::RetentionStatus status = retention_->status();
    add("farthing_retention_last_cut_seconds",
        "When entries were last archived and removed since the start, as Unix time; 0: not yet",
        static_cast<std::uint64_t>(
            std::chrono::duration_cast<std::chrono::seconds>(status.cut_at.time_since_epoch())
                .count()));
    add("farthing_retention_failed", "1: the last attempt failed; the log says why",
        status.failed ? 1 : 0);
  }

  void add_exporter(Snapshot& snapshot) const {
    if (!exporter_) return;
    const engine::records::ExporterStatus status = exporter_->status();
    auto add = [&snapshot](const char* name, const char* help, bool counter, std::uint64_t value) {
      snapshot.samples.push_back({name, help, counter, {}, static_cast<double>(value)});
    };
    add("farthing_records_position", "Newest ledger entry whose charging data record is written",
        false, status.position.value);
    add("farthing_records_oldest_needed", "Oldest ledger entry that the records exporter needs",
        false, status.oldest_needed.value);
    add("farthing_records_lag_entries", "Ledger entries that the records exporter has not read",
        false, status.lag);
    add("farthing_records_written_total", "Charging data records written since the start", true,
        status.records);
    add("farthing_records_files_total", "Files of records completed since the start", true,
        status.files);
    add("farthing_records_bytes_total", "Bytes of records written since the start", true,
        status.bytes);
    add("farthing_records_failed",
        "1: the records exporter has stopped; the log says why, a restart makes it go on", false,
        status.failed ? 1 : 0);
  }

  void take_snapshot() {
    Snapshot fresh;
    add_exporter(fresh);
    add_retention(fresh);
    for (const diameter::PeerStatus& peer : server_.peers()) {
      fresh.peers.push_back(
          {peer.origin_host, peer.remote_address, std::string(diameter::name(peer.state))});
    }
    const diameter::Metrics& metrics = server_.metrics();
    auto add = [&fresh](const char* name, const char* help, bool counter, std::uint64_t value) {
      fresh.samples.push_back({name, help, counter, {}, static_cast<double>(value)});
    };
    add("farthing_peers_open", "Diameter peers past their capabilities exchange", false,
        metrics.peers_open);
    add("farthing_messages_received_total", "Diameter messages read", true, metrics.messages_in);
    add("farthing_messages_sent_total", "Diameter messages written", true, metrics.messages_out);
    add("farthing_reads_paused_total",
        "Times a peer was not read because its output queue was full", true, metrics.reads_paused);
    add("farthing_broken_streams_total", "Connections closed for bytes that were not Diameter",
        true, metrics.broken_streams);
    add("farthing_tls_handshakes_failed_total", "TLS handshakes that failed", true,
        metrics.tls_handshakes_failed);
    add("farthing_stalled_connections_total",
        "Connections closed because the peer took nothing of what was sent", true,
        metrics.stalled_closed);
    add("farthing_slow_connections_total",
        "Connections closed because a message did not come whole in time", true,
        metrics.slow_closed);
    add("farthing_watchdogs_failed_total", "Connections closed because the peer fell silent", true,
        metrics.watchdogs_failed);
    const diameter::SessionRequests::Metrics& asked = charging_.session_requests();
    const auto add_turned_away = [&](const char* urgency, std::uint64_t count) {
      fresh.samples.push_back({"farthing_requests_turned_away_total",
                               "Requests answered 3004 as they came, under pressure",
                               true,
                               {{"urgency", urgency}},
                               static_cast<double>(count)});
    };
    add_turned_away("begins", charging_.admission().turned_away()[0]);
    add_turned_away("asks", charging_.admission().turned_away()[1]);
    add("farthing_turning_away_microseconds_max",
        "The longest time from reading a request to sending that the server is too busy for it",
        false,
        static_cast<std::uint64_t>(
            std::chrono::duration_cast<std::chrono::microseconds>(metrics.turning_away_max)
                .count()));
    const std::optional<diameter::OverloadReport>& report = charging_.admission().report();
    add("farthing_overload_reduction_percent",
        "By how much clients that know RFC 7683 are asked to reduce what they send", false,
        report ? report->reduction_percent : 0);
    add("farthing_reauths_sent_total", "Clients asked to ask for credit again (RAR)", true,
        asked.reauths_sent);
    add("farthing_aborts_sent_total", "Clients asked to end a session (ASR)", true,
        asked.aborts_sent);
    add("farthing_session_requests_given_up_total",
        "Requests of ours about sessions that no client answered", true, asked.given_up);
    for (const auto& [code, count] : metrics.errors) {
      fresh.samples.push_back({"farthing_base_errors_total",
                               "Requests that the base protocol answered with an error",
                               true,
                               {{"result_code", std::to_string(code)}},
                               static_cast<double>(count)});
    }
    const std::lock_guard lock(snapshot_mutex_);
    snapshot_ = std::move(fresh);
  }

  void tick() {
    if (stopping_) return;
    const bool more = shard_.tick();
    charging_.tick();
    if (!tracer_.review()) show_messages(nullptr);
    shard_.end_turn();
    server_.flush();
    if (ticks_++ % ticks_per_snapshot == 0) take_snapshot();
    timer_.expires_after(shard_.is_behind() ? tick_interval_behind
                         : more             ? tick_interval_filling
                                            : tick_interval);
    timer_.async_wait([this](const boost::system::error_code& error) {
      if (!error) tick();
    });
  }

  const engine::Config config_;
  std::unique_ptr<storage::LedgerStore> store_;
  engine::Shard shard_;
  Tracer tracer_{wall_clock};
  Charging charging_;
  diameter::Server server_;
  boost::asio::steady_timer timer_;
  std::uint64_t ticks_ = 0;
  bool stopping_ = false;
  std::mutex snapshot_mutex_;
  Snapshot snapshot_;
  std::unique_ptr<admin::ApiServer> api_;
  admin::ShardAccess visitors_;  // the exporter's and retention's way to the shard
  std::unique_ptr<engine::records::Exporter> exporter_;
  std::unique_ptr<engine::RetentionJob> retention_;
};

Service::Service(boost::asio::io_context& io, std::unique_ptr<storage::LedgerStore> store,
                 const engine::Config& config)
    : impl_(std::make_unique<Impl>(io, std::move(store), config)) {}
Service::~Service() = default;

engine::Shard& Service::shard() { return impl_->shard(); }
base::Result<void, std::string> Service::start() { return impl_->start(); }
std::string Service::diameter_endpoint() const { return impl_->diameter_endpoint(); }
void Service::stop(std::function<void()> done) { impl_->stop(std::move(done)); }

}  // namespace farthing::tools
