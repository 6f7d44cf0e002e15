#include "tools/load/driver.h"

#include "engine/base/assert.h"
#include "tools/load/price.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <ctime>
#include <fstream>
#include <limits>
#include <sstream>
#include <utility>

#include <fmt/format.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <unistd.h>

namespace farthing::load {
namespace {

constexpr std::int64_t ns_per_ms = 1'000'000;
constexpr std::int64_t ns_per_second = 1'000'000'000;
constexpr std::uint32_t index_bits = 24;  // of the hop-by-hop id; the rest numbers the attempts
constexpr std::uint32_t index_mask = (1u << index_bits) - 1;
constexpr std::uint32_t side_window = 256;  // in flight while sessions are opened and ended
constexpr std::int64_t connect_pause_min = 50 * ns_per_ms;
constexpr std::int64_t connect_pause_max = ns_per_second;

std::int64_t steady_now() {
  timespec time{};
  ::clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * ns_per_second + time.tv_nsec;
}

double cpu_seconds_used() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

// User and system time of all threads of another process, from proc(5); 0 when it is not there.
double cpu_seconds_used_by(int pid) {
  std::ifstream file(fmt::format("/proc/{}/stat", pid));
  std::string text;
  std::getline(file, text);
  std::istringstream fields(text.substr(std::min(text.size(), text.rfind(')') + 1)));
  std::string skipped;
  for (int i = 3; i < 14; ++i) fields >> skipped;  // the third field follows the name
  double user_ticks = 0;
  double system_ticks = 0;
  fields >> user_ticks >> system_ticks;
  return (user_ticks + system_ticks) / static_cast<double>(::sysconf(_SC_CLK_TCK));
}

// Octets to report: any number up to 64 KiB, so that steps are met in the middle.
std::uint32_t next_usage(std::uint32_t serial, std::uint32_t number) {
  std::uint32_t mixed = serial * 2'654'435'761u + number * 2'246'822'519u;
  mixed ^= mixed >> 15;
  return 1 + (mixed & 0xffff);
}

}  // namespace

// One cache line: at high rates every request meets another session.
struct alignas(64) Driver::Session {
  std::int64_t due = 0;               // latency counts from here
  std::int64_t sent = 0;              // the newest attempt
  std::uint64_t used_octets = 0;      // reported and answered, in this session
  std::uint32_t reported_octets = 0;  // in the unanswered request
  std::uint32_t serial = 0;
  std::uint32_t subscriber = 0;
  std::uint32_t number = 0;
  std::uint32_t end_to_end = 0;
  RequestType type = RequestType::initial;
  std::uint8_t first_attempt = 0;
  std::uint8_t attempt = 0;
  std::uint8_t connection = 0;
  bool outstanding = false;
  bool open = false;
};

double LoadResult::server_cpu_us_per_request() const {
  return answered > 0 ? server_cpu_seconds * 1e6 / static_cast<double>(answered) : 0;
}

std::uint64_t LoadResult::errors() const {
  std::uint64_t sum = unanswered;
  for (const auto& [code, count] : errors_by_code) sum += count;
  return sum;
}

double LoadResult::rate() const {
  return measured_seconds > 0 ? static_cast<double>(answered) / measured_seconds : 0;
}

double LoadResult::goodput() const {
  if (measured_seconds <= 0) return 0;
  return static_cast<double>(answered - refused) / measured_seconds;
}

double LoadResult::cpu_us_per_request() const {
  return answered > 0 ? cpu_seconds * 1e6 / static_cast<double>(answered) : 0;
}

Driver::Driver(const LoadOptions& options)
    : options_(options),
      draw_(options.draw, options.subscribers),
      sessions_(options.sessions),
      ready_(options.sessions) {
  FARTHING_ASSERT(options.sessions > 0 && options.sessions <= index_mask);
  FARTHING_ASSERT(options.subscribers > 0);
  FARTHING_ASSERT(options.connections > 0 && options.connections <= 255);
  timespec wall{};
  ::clock_gettime(CLOCK_REALTIME, &wall);
  const auto run = static_cast<std::uint32_t>(wall.tv_sec);
  next_end_to_end_ = static_cast<std::uint32_t>(wall.tv_nsec) << 4;
  next_serial_ = static_cast<std::uint32_t>(wall.tv_nsec / 1000) * 2048u;  // two runs in one second
  for (unsigned i = 0; i < options.connections; ++i) {
    const std::string name = fmt::format("{}-{}.farthing.example", options.name, i + 1);
    connections_.emplace_back(name, options.tls.get());
    templates_.emplace_back(name, run);
    templates_.back().set_event_time(wall.tv_sec);
  }
  wants_output_.resize(options.connections);
  for (std::uint32_t i = 0; i < options.sessions; ++i) {
    sessions_[i].subscriber = draw_.next();
    sessions_[i].connection = static_cast<std::uint8_t>(i % options.connections);
    ready_[i] = i;
  }
  ready_count_ = options.sessions;
  result_.charged.resize(options.subscribers);
  epoll_ = ::epoll_create1(EPOLL_CLOEXEC);
  FARTHING_ASSERT(epoll_ >= 0);
}

Driver::~Driver() { ::close(epoll_); }

void Driver::set_progress(std::function<void(const Progress&)> progress) {
  progress_ = std::move(progress);
}

LoadResult Driver::run() {
  start_ = now_ = last_tick_ = last_progress_ = last_answer_ = steady_now();
  if (!connect_all()) {
    result_.never_connected = true;
    return std::move(result_);
  }
  enter(Phase::opening);
  while (phase_ != Phase::done) {
    send_what_may_be_sent();
    flush_all();
    wait_and_receive();
    tick();
    // A phase that is over at once (a warm-up of no time) is passed through here.
    if (outstanding_ > 0 && now_ - last_answer_ >= options_.drain.count() * ns_per_ms) {
      result_.complaint = fmt::format("no answer for {} ms", options_.drain.count());
      break;
    }
    while (phase_ != Phase::done && phase_is_over()) {
      enter(static_cast<Phase>(static_cast<int>(phase_) + 1));
    }
  }
  for (Connection& connection : connections_) connection.disconnect();
  fill_result();
  return std::move(result_);
}

bool Driver::connect_all() {
  for (std::size_t i = 0; i < connections_.size(); ++i) {
    if (connections_[i].is_open()) continue;
    const std::string complaint = connections_[i].open(options_.host, options_.port);
    if (!complaint.empty()) {
      result_.complaint = fmt::format("{}:{}: {}", options_.host, options_.port, complaint);
      return false;
    }
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.u64 = i;
    ::epoll_ctl(epoll_, EPOLL_CTL_ADD, connections_[i].socket(), &event);
    wants_output_[i] = false;
  }
  result_.complaint.clear();
  return true;
}

void Driver::enter(Phase phase) {
  if (phase_ == Phase::measuring) end_measuring();
  phase_ = phase;
  phase_start_ = now_;
  sent_in_phase_ = 0;
  if (phase == Phase::measuring) {
    measured_from_ = now_;
    measured_to_ = std::numeric_limits<std::int64_t>::max();
    measured_answers_at_start_ = answered_;
    refused_at_start_ = refused_;
    cpu_at_start_ = cpu_seconds_used();
    server_cpu_at_start_ = options_.server_pid != 0 ? cpu_seconds_used_by(options_.server_pid) : 0;
  }
}

void Driver::end_measuring() {
  measured_to_ = now_;
  result_.answered = answered_ - measured_answers_at_start_;
  result_.refused = refused_ - refused_at_start_;
  if (options_.rate > 0) result_.sent = sent_in_phase_;
  result_.measured_seconds = static_cast<double>(now_ - phase_start_) / ns_per_second;
  result_.cpu_seconds = cpu_seconds_used() - cpu_at_start_;
  if (options_.server_pid != 0) {
    result_.server_cpu_seconds = cpu_seconds_used_by(options_.server_pid) - server_cpu_at_start_;
  }
  if (options_.rate == 0) return;
  // Requests that were due and found no free session waited at least until now.
  const std::int64_t end =
      phase_start_ + static_cast<std::int64_t>(options_.seconds * ns_per_second);
  for (std::uint64_t n = sent_in_phase_; due_of(n) < end; ++n) {
    result_.latency.record(now_ - due_of(n));
    ++result_.not_sent;
  }
}

// When the n-th request of the phase is due in an open loop.
std::int64_t Driver::due_of(std::uint64_t n) const {
  const double offset_ns = static_cast<double>(n) * 1e9 / static_cast<double>(options_.rate);
  return phase_start_ + static_cast<std::int64_t>(offset_ns);
}

bool Driver::phase_is_over() const {
  const auto lasted = [this](double seconds) {
    return static_cast<double>(now_ - phase_start_) >= seconds * ns_per_second;
  };
  const std::int64_t patience = options_.drain.count() * ns_per_ms;
  const bool broken =
      !result_.complaint.empty() && (!options_.reconnect || now_ - lost_at_ >= patience);
  switch (phase_) {
    case Phase::opening:
      return broken || (sent_in_phase_ == sessions_.size() && outstanding_ == 0);
    case Phase::warming:
      return broken || lasted(options_.warm_up_seconds);
    case Phase::measuring:
      return broken || lasted(options_.seconds);
    case Phase::draining:
      return broken || outstanding_ == 0;
    case Phase::closing:
      return broken || !options_.end_sessions ||
             (sent_in_phase_ == sessions_.size() && outstanding_ == 0);
    case Phase::done:
      return true;
  }
  return true;
}

bool Driver::is_timed() const { return phase_ == Phase::warming || phase_ == Phase::measuring; }

bool Driver::may_send() const {
  if (ready_count_ == 0 || !result_.complaint.empty()) return false;
  switch (phase_) {
    case Phase::opening:
    case Phase::closing:
      return sent_in_phase_ < sessions_.size() &&
             outstanding_ < std::max(side_window, options_.in_flight);
    case Phase::warming:
    case Phase::measuring:
      return outstanding_ < options_.in_flight;
    default:
      return false;
  }
}

void Driver::send_what_may_be_sent() {
  if (options_.rate == 0 || !is_timed()) {
    while (may_send()) send_next(now_);
    return;
  }
  while (ready_count_ > 0 && result_.complaint.empty() && due_of(sent_in_phase_) <= now_) {
    send_next(due_of(sent_in_phase_));
  }
}

// The next request of the session that has waited longest.
void Driver::send_next(std::int64_t due) {
  const std::uint32_t index = ready_[ready_head_];
  ready_head_ = ready_head_ + 1 == ready_.size() ? 0 : ready_head_ + 1;
  --ready_count_;
  ++sent_in_phase_;
  Session& session = sessions_[index];
  if (!session.open) {
    if (phase_ == Phase::closing) return;  // refused or ended already: nothing to end
    session.serial = next_serial_++;
    session.number = 0;
    session.used_octets = 0;
    session.reported_octets = 0;
    session.type = RequestType::initial;
  } else {
    ++session.number;
    const bool ends = phase_ == Phase::closing || session.number > options_.updates_per_session;
    session.type = ends ? RequestType::termination : RequestType::update;
    session.reported_octets = next_usage(session.serial, session.number);
  }
  session.end_to_end = next_end_to_end_++;
  session.first_attempt = session.attempt + 1;
  session.due = due;
  session.outstanding = true;
  ++outstanding_;
  send(index, false);
}

void Driver::send(std::uint32_t index, bool again) {
  Session& session = sessions_[index];
  ++session.attempt;
  session.sent = now_;
  CcrFields fields;
  fields.type = session.type;
  fields.number = session.number;
  fields.serial = session.serial;
  fields.hop_by_hop = index | static_cast<std::uint32_t>(session.attempt) << index_bits;
  fields.end_to_end = session.end_to_end;
  fields.msisdn = options_.first_msisdn + session.subscriber;
  fields.input_octets = session.reported_octets / 4;
  fields.output_octets = session.reported_octets - fields.input_octets;
  fields.sent_before = again;
  templates_[session.connection].append(connections_[session.connection].out(), fields);
  if (again) ++result_.sent_again;
}

void Driver::on_message(std::size_t connection, std::string_view message) {
  const auto answer = parse_answer(message);
  if (!answer.has_value()) {
    ++result_.errors_by_code[0];
  } else if (answer->is_request) {
    Connection& peer = connections_[connection];
    peer.out().append(answer_to(message, peer.origin_host()));
  } else if (answer->command == command_credit_control) {
    on_answer(*answer);
  }
}

void Driver::on_answer(const Answer& answer) {
  const std::uint32_t index = answer.hop_by_hop & index_mask;
  const auto attempt = static_cast<std::uint8_t>(answer.hop_by_hop >> index_bits);
  if (index >= sessions_.size()) {
    ++result_.errors_by_code[0];
    return;
  }
  Session& session = sessions_[index];
  // Attempts are counted modulo 256; an answer to any attempt of this request settles it.
  const auto since_first = static_cast<std::uint8_t>(attempt - session.first_attempt);
  const auto attempts = static_cast<std::uint8_t>(session.attempt - session.first_attempt);
  if (!session.outstanding || since_first > attempts) {
    ++result_.late_answers;
    return;
  }
  session.outstanding = false;
  --outstanding_;
  ++answered_;
  last_answer_ = now_;
  // By when it was due: what is answered while draining belongs to the measured time as well.
  if (session.due >= measured_from_ && session.due < measured_to_) {
    const bool refused = is_refused(session, answer);
    (refused ? result_.refusal_latency : result_.latency).record(now_ - session.due);
  }
  settle(session, answer);
  std::size_t tail = ready_head_ + ready_count_;
  if (tail >= ready_.size()) tail -= ready_.size();
  ready_[tail] = index;
  ++ready_count_;
}

// In an open loop more may be asked for than can be answered.
bool Driver::is_refused(const Session& session, const Answer& answer) const {
  constexpr std::uint32_t result_too_busy = 3004;
  return options_.rate > 0 && session.type == RequestType::initial &&
         answer.result == result_too_busy;
}

// What the answer means for the session and for the subscriber's account.
void Driver::settle(Session& session, const Answer& answer) {
  if (is_refused(session, answer)) {
    ++refused_;
    return;
  }
  if (answer.result != result_success) {
    ++result_.errors_by_code[answer.result];
    if (session.open) close_account_of(session);
    return;
  }
  if (answer.service_result > result_success) ++result_.errors_by_code[answer.service_result];
  session.used_octets += session.reported_octets;
  session.reported_octets = 0;
  session.open = true;
  if (session.type == RequestType::termination) close_account_of(session);
}

void Driver::close_account_of(Session& session) {
  Charged& charged = result_.charged[session.subscriber];
  const std::int64_t charge = session_charge(session.used_octets);
  charged.least += charge;
  charged.most += charge;
  session.used_octets = 0;
  session.reported_octets = 0;
  session.open = false;
  session.subscriber = draw_.next();
}

void Driver::wait_and_receive() {
  std::int64_t wait = ns_per_ms;
  if (options_.rate > 0 && ready_count_ > 0 && is_timed()) {
    wait = std::clamp<std::int64_t>(due_of(sent_in_phase_) - steady_now(), 0, ns_per_ms);
  }
  std::array<epoll_event, 64> events;
  const timespec timeout{0, static_cast<long>(wait)};
  const int count =
      ::epoll_pwait2(epoll_, events.data(), static_cast<int>(events.size()), &timeout, nullptr);
  now_ = steady_now();
  for (int i = 0; i < count; ++i) {
    const std::size_t index = events[static_cast<std::size_t>(i)].data.u64;
    Connection& connection = connections_[index];
    if (!connection.is_open()) continue;
    const bool alive =
        connection.receive([this, index](std::string_view message) { on_message(index, message); });
    if (!alive) lose(index);
  }
}

void Driver::flush_all() {
  for (std::size_t i = 0; i < connections_.size(); ++i) {
    Connection& connection = connections_[i];
    if (!connection.is_open() || (!connection.has_output() && !wants_output_[i])) continue;
    if (!connection.flush()) {
      lose(i);
      continue;
    }
    if (connection.has_output() == wants_output_[i]) continue;
    wants_output_[i] = connection.has_output();
    epoll_event event{};
    event.events = EPOLLIN | (wants_output_[i] ? std::uint32_t{EPOLLOUT} : 0u);
    event.data.u64 = i;
    ::epoll_ctl(epoll_, EPOLL_CTL_MOD, connection.socket(), &event);
  }
}

void Driver::lose(std::size_t connection) {
  connections_[connection].close();
  if (result_.complaint.empty()) lost_at_ = now_;
  result_.complaint = fmt::format("connection {} was closed by the server", connection + 1);
  next_connect_ = now_;
  connect_pause_ = connect_pause_min;
}

// Opens what is lost, and sends again what was unanswered there.
void Driver::reconnect_what_is_lost() {
  std::vector<bool> was_open;
  for (const Connection& connection : connections_) was_open.push_back(connection.is_open());
  const bool all_open = connect_all();
  now_ = steady_now();
  if (!all_open) {
    next_connect_ = now_ + connect_pause_;
    connect_pause_ = std::min(2 * connect_pause_, connect_pause_max);
  }
  for (std::size_t i = 0; i < connections_.size(); ++i) {
    if (was_open[i] || !connections_[i].is_open()) continue;
    ++result_.reconnects;
    for (std::uint32_t index = static_cast<std::uint32_t>(i); index < sessions_.size();
         index += static_cast<std::uint32_t>(connections_.size())) {
      if (sessions_[index].outstanding) send(index, true);
    }
  }
}

// A part of the sessions each millisecond, all of them within a second: no pause of any length.
void Driver::send_again_what_is_overdue() {
  const std::int64_t patience = options_.timeout.count() * ns_per_ms;
  const std::size_t part = sessions_.size() / 1000 + 1;
  for (std::size_t i = 0; i < part; ++i) {
    overdue_cursor_ = overdue_cursor_ + 1 >= sessions_.size() ? 0 : overdue_cursor_ + 1;
    const Session& session = sessions_[overdue_cursor_];
    if (session.outstanding && now_ - session.sent > patience &&
        connections_[session.connection].is_open()) {
      send(static_cast<std::uint32_t>(overdue_cursor_), true);
    }
  }
}

void Driver::tick() {
  if (now_ - last_tick_ < ns_per_ms) return;
  last_tick_ = now_;
  if (!result_.complaint.empty() && options_.reconnect && now_ >= next_connect_) {
    reconnect_what_is_lost();
  }
  send_again_what_is_overdue();
  if (now_ - last_progress_ < ns_per_second) return;
  last_progress_ = now_;
  timespec wall{};
  ::clock_gettime(CLOCK_REALTIME, &wall);
  for (CcrTemplates& templates : templates_) templates.set_event_time(wall.tv_sec);
  if (!progress_) return;
  constexpr std::array<const char*, 6> names = {"opening",  "warming up", "measuring",
                                                "draining", "ending",     "done"};
  Progress progress;
  progress.phase = names[static_cast<std::size_t>(phase_)];
  progress.seconds = static_cast<double>(now_ - start_) / ns_per_second;
  progress.answered = answered_;
  progress.in_flight = outstanding_;
  progress.errors = result_.errors();
  progress_(progress);
}

void Driver::fill_result() {
  for (Session& session : sessions_) {
    Charged& charged = result_.charged[session.subscriber];
    charged.least += session_charge(session.used_octets);
    charged.most +=
        session_charge(session.used_octets + (session.outstanding ? session.reported_octets : 0));
  }
  result_.unanswered = outstanding_;
}

}  // namespace farthing::load
