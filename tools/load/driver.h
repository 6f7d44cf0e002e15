// The driver: plays sessions against a Diameter server over several connections from one thread.
//
// It opens all sessions, then for the measured time sends their requests either as answers come
// back (closed loop: so many in flight) or at their intended times (open loop: a latency counts
// from the intended time, however late the request left), then waits for what is unanswered and
// ends the sessions. A session has one request unanswered at a time, so the hop-by-hop id is the
// session's index, and matching an answer is one look-up. A request that gets no answer in time, or
// whose connection broke, is sent again: same End-to-End-Id, new hop-by-hop id, T flag (RFC 6733
// 3).
//
// Threads: one. Times: nanoseconds of the steady clock.
#pragma once

#include "tools/load/connection.h"
#include "tools/load/draw.h"
#include "tools/load/histogram.h"
#include "tools/load/messages.h"

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace farthing::load {

struct LoadOptions {
  std::string host;
  std::uint16_t port = 0;
  std::shared_ptr<const TlsClient> tls;  // nullptr: without
  std::uint64_t first_msisdn = 8'619'900'000'000;
  std::uint32_t subscribers = 1000;
  std::uint32_t sessions = 1000;
  DrawRule draw = DrawRule::in_turn;  // of a session's subscriber
  unsigned connections = 4;
  std::string name = "load";     // its Origin-Hosts are NAME-1.farthing.example and so on
  std::uint32_t in_flight = 64;  // closed loop
  std::uint64_t rate = 0;        // requests a second; above 0: open loop
  double seconds = 10;           // measured
  double warm_up_seconds = 0;    // before that, not measured
  std::uint32_t updates_per_session = 1'000'000;
  std::chrono::milliseconds timeout{10'000};  // then sent again: Tx of RFC 8506 13
  std::chrono::milliseconds drain{30'000};    // how long to wait for any answer
  bool reconnect = true;
  bool end_sessions = true;
  int server_pid = 0;  // above 0: that process's processor time is measured too
};

// What a subscriber should have been charged, in millionths of the currency unit. The two differ
// where the run ended before a report was answered.
struct Charged {
  std::int64_t least = 0;
  std::int64_t most = 0;
};

struct LoadResult {
  std::uint64_t answered = 0;  // in the measured time, as are the next four
  double measured_seconds = 0;
  double cpu_seconds = 0;         // of the generator
  double server_cpu_seconds = 0;  // of the process `server_pid`
  Histogram latency;
  std::map<std::uint32_t, std::uint64_t> errors_by_code;  // of the whole run; 0: unreadable answer
  std::uint64_t sent_again = 0;
  std::uint64_t reconnects = 0;
  std::uint64_t late_answers = 0;  // to what had been answered already
  std::uint64_t unanswered = 0;    // at the end
  std::uint64_t sent = 0;          // open loop: in the measured time, without what is sent again
  // Open loop: sessions that the server was too busy to begin (3004), in the measured time; they
  // are among `answered`, not in the latency, and no errors.
  std::uint64_t refused = 0;
  Histogram refusal_latency;
  std::uint64_t not_sent = 0;  // open loop: due, but no session was free
  std::string complaint;       // why the run could not begin or go on; empty when it did
  bool never_connected = false;
  std::vector<Charged> charged;  // by subscriber

  std::uint64_t errors() const;
  double rate() const;
  double goodput() const;  // without what was refused
  double cpu_us_per_request() const;
  double server_cpu_us_per_request() const;
};

struct Progress {
  const char* phase = "";
  double seconds = 0;  // since the start
  std::uint64_t answered = 0;
  std::uint64_t in_flight = 0;
  std::uint64_t errors = 0;
};

class Driver {
 public:
  explicit Driver(const LoadOptions& options);
  ~Driver();

  // Called about once a second.
  void set_progress(std::function<void(const Progress&)> progress);
  LoadResult run();

 private:
  struct Session;
  enum class Phase { opening, warming, measuring, draining, closing, done };

  bool connect_all();
  void enter(Phase phase);
  bool phase_is_over() const;
  void send_what_may_be_sent();
  bool may_send() const;
  bool is_timed() const;
  std::int64_t due_of(std::uint64_t n) const;
  void end_measuring();
  void send_next(std::int64_t due);
  void send(std::uint32_t index, bool again);
  void on_message(std::size_t connection, std::string_view message);
  void on_answer(const Answer& answer);
  void settle(Session& session, const Answer& answer);
  bool is_refused(const Session& session, const Answer& answer) const;
  void close_account_of(Session& session);
  void wait_and_receive();
  void flush_all();
  void lose(std::size_t connection);
  void reconnect_what_is_lost();
  void send_again_what_is_overdue();
  void tick();
  void fill_result();

  const LoadOptions options_;
  std::function<void(const Progress&)> progress_;
  LoadResult result_;

  std::vector<Connection> connections_;
  std::vector<CcrTemplates> templates_;  // by connection
  std::vector<bool> wants_output_;       // by connection: what epoll was told
  int epoll_ = -1;

  SubscriberDraw draw_;
  std::vector<Session> sessions_;
  std::vector<std::uint32_t> ready_;  // a ring of sessions with nothing unanswered
  std::size_t ready_head_ = 0;
  std::size_t ready_count_ = 0;

  Phase phase_ = Phase::opening;
  std::int64_t start_ = 0;
  std::int64_t phase_start_ = 0;
  std::int64_t now_ = 0;
  std::int64_t measured_from_ = 0;
  std::int64_t measured_to_ = 0;
  std::uint64_t sent_in_phase_ = 0;
  std::uint64_t outstanding_ = 0;
  std::uint64_t answered_ = 0;
  std::uint64_t measured_answers_at_start_ = 0;
  std::uint64_t refused_ = 0;
  std::uint64_t refused_at_start_ = 0;
  double cpu_at_start_ = 0;
  double server_cpu_at_start_ = 0;
  std::uint32_t next_serial_ = 0;
  std::uint32_t next_end_to_end_ = 0;

  std::int64_t last_answer_ = 0;
  std::int64_t last_tick_ = 0;
  std::int64_t last_progress_ = 0;
  std::int64_t lost_at_ = 0;
  std::int64_t next_connect_ = 0;
  std::int64_t connect_pause_ = 0;
  std::size_t overdue_cursor_ = 0;
};

}  // namespace farthing::load
