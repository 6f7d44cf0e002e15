// A simulation: the real engine over a store in hand, clients, support staff and a clock, driven
// step by step from one seed, and judged after each step by the model.
//
// A step is one thing that somebody does: a request is sent, a turn ends, the disk syncs, an hour
// goes by, the server crashes. The seed decides everything but what the store does: over a
// SimStore a seed gives the same run wherever it runs. Which things happen often differs from seed
// to seed.
//
// Threads: one.
#pragma once

#include "tools/sim/audit.h"
#include "tools/sim/findings.h"
#include "tools/sim/model.h"
#include "tools/sim/random.h"
#include "tools/sim/server.h"
#include "tools/sim/stepped_store.h"
#include "tools/sim/temporary_folder.h"
#include "tools/sim/traffic.h"

#include <array>
#include <cstdint>
#include <deque>
#include <functional>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace farthing::sim {

struct Violation {
  std::uint64_t step = 0;
  std::string what;
};

class Simulation {
 public:
  // `tell`, where there is one, is called with each step in words.
  Simulation(std::uint64_t seed, std::unique_ptr<SteppedStore> store,
             std::function<void(std::string_view)> tell);

  // Runs so many steps, or up to the first violation.
  std::optional<Violation> run(std::uint64_t steps);

  std::uint64_t step() const { return step_; }
  // The last steps in words, the oldest first.
  std::vector<std::string_view> last_steps() const;
  // A number that differs where two runs differ: what the ledger has come to.
  std::uint64_t fingerprint() const;

 private:
  struct Action {
    bool (Simulation::*run)();  // false: it could not be done, and nothing was
    std::uint64_t weight = 0;
  };
  struct Money {  // what staff may do again under the same request id
    std::string account;
    std::int64_t micros = 0;
    bool is_top_up = false;
    std::string request_id;
  };

  void choose_weights();
  void set_up();
  bool take_step();
  // Keeps what is done at this step in words.
  template <class... Args>
  void note(fmt::format_string<Args...> format, Args&&... args) {
    std::string& text = notes_[notes_ever_++ % notes_max];
    text.clear();
    fmt::format_to(std::back_inserter(text), "{:>6} {:>12.6f} s  ", step_,
                   std::chrono::duration<double>(now_ - began_).count());
    fmt::format_to(std::back_inserter(text), format, std::forward<Args>(args)...);
    if (tell_) tell_(text);
  }

  // What clients do.
  bool begin_session();
  bool update_session();
  bool end_session();
  bool send_event();
  bool send_stray();
  bool send_duplicate();
  bool send_again();
  bool deliver_late();
  bool send(std::optional<std::size_t> call, std::string_view what);
  void deliver(std::size_t call);
  void acknowledged(std::size_t call);

  // What staff do (simulation_staff.cc).
  bool move_money();
  bool transfer();
  bool repeat_money();
  bool subscribe();
  bool end_subscription();
  bool change_state();
  bool close_session();
  bool add_account();
  bool add_subscriber();
  bool add_subscriber_to(const std::string& account);
  Person* find_former();
  void add_person_to(const std::string& account, const Person& person);
  bool load_tariff();
  bool read_account();
  void read(const std::string& account);
  void do_money(const Money& money, std::function<void(bool done)> then = nullptr);
  // Runs an operation as soon as what it needs is in memory, has the model follow it, and tells the
  // staff when its entry is durable.
  void operate(std::string what, const std::string& account, engine::Needs needs,
               std::function<engine::Operation(engine::Shard&)> run,
               std::function<Sequence(const OperationEnd&, const Entered&)> follow,
               std::function<void(bool done)> then = nullptr);
  // Tells the staff what rests on this entry, when the shard says that it may be told.
  void tell_staff(Sequence rests_on, std::string what);

  // What the machine does (simulation_machine.cc).
  bool end_turn();
  bool sync();
  bool finish_round();
  bool run_read();
  bool deliver_post();
  bool tick();
  bool seconds_go_by();
  bool minutes_go_by();
  bool hours_go_by();
  bool fill_disk();
  bool crash();
  void crash_store();
  bool restart();
  void start();
  void settle();
  bool retain();
  bool enter_cut(const engine::LedgerCut& cut);
  bool copy();
  void prove(const storage::LedgerStore& store);
  void compare(const std::string& account);  // as far as it is in memory
  void compare_all();

  Random random_;
  std::function<void(std::string_view)> tell_;
  Findings findings_;
  base::Time began_ = std::chrono::sys_days(std::chrono::year(2026) / 6 / 1);
  base::Time now_ = began_;
  const std::unique_ptr<SteppedStore> store_;
  bool disk_full_ = false;
  Model model_;
  Audit audit_;
  Traffic traffic_;
  Server server_;
  const TemporaryFolder archive_;
  std::vector<Action> actions_;
  std::uint64_t weight_sum_ = 0;
  std::vector<std::size_t> late_;  // calls on their way
  std::vector<Money> money_;
  std::vector<std::string> accounts_;
  std::uint64_t staff_waiting_ = 0;
  std::uint64_t names_ = 0;
  std::uint64_t step_ = 0;
  engine::Request scratch_;

  static constexpr std::size_t notes_max = 40;
  std::array<std::string, notes_max> notes_;
  std::uint64_t notes_ever_ = 0;
};

}  // namespace farthing::sim
