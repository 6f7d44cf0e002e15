// The network elements of the simulation: clients that open sessions, report usage in pieces, send
// events, and send again what was not answered. They know what the answers that reached them say,
// and nothing else. Some break the rules: they use more than was granted, ask in the wrong unit,
// report late, or repeat a request with other content.
//
// Requests view texts that the traffic owns and keeps. Threads: one.
#pragma once

#include "engine/types.h"
#include "tools/sim/random.h"
#include "tools/sim/tariff_plan.h"

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <vector>

namespace farthing::sim {

using engine::Time;

struct Person {
  std::string account;
  engine::Identity msisdn;
  engine::Identity imsi;  // may be none
};

class Traffic {
 public:
  explicit Traffic(Random& random) : random_(random) {}

  struct Call {
    enum class State { on_its_way, parked, decided, to_send_again, answered, given_up };
    engine::Request request;
    std::size_t session = no_session;  // events and copies have none: nobody goes on with them
    State state = State::on_its_way;
    engine::Answer answer;
    engine::Sequence rests_on;
    Time first_sent;
    // The ledger's end when it was sent first; nullopt: it was not yet.
    std::optional<engine::Sequence> sent_after;
  };
  static constexpr std::size_t no_session = SIZE_MAX;

  void add_person(Person person) { people_.push_back(std::move(person)); }
  std::vector<Person>& people() { return people_; }
  Call& call(std::size_t number) { return calls_[number]; }

  // New calls; nullopt where there is nothing to do it with.
  std::optional<std::size_t> begin_session(Time now);
  std::optional<std::size_t> update_session(Time now);
  std::optional<std::size_t> end_session(Time now);
  std::optional<std::size_t> event(Time now);
  std::optional<std::size_t> stray(Time now);       // for a session or a user that is not there
  std::optional<std::size_t> duplicate(Time now);   // of a call sent before, or on its way
  std::optional<std::size_t> send_again(Time now);  // what got no answer, with the T flag
  // Whether a call is so old that neither its client nor the network still has it.
  bool is_given_up(std::size_t call, Time now);

  void sent(std::size_t call, engine::Sequence ledger_end);
  void reached(std::size_t call);      // the client has the answer
  void went_astray(std::size_t call);  // the answer, or the call, was lost on the way
  // Nothing that was sent and not answered will be; the ledger ends there.
  void server_lost(engine::Sequence end);
  // The first ledger entry that may be of a call which will be sent again.
  engine::Sequence oldest_needed() const;
  std::size_t waiting() const;  // calls that reached the server and have no answer
  // The id of a session that its client believes to be open.
  std::optional<std::string> some_session_id();

 private:
  // One rating group, or one set of service identifiers of it, that a client uses.
  struct Use {
    std::optional<std::uint32_t> rating_group;
    std::vector<engine::ServiceIdentifier> identifiers;
    std::uint64_t granted = 0;
  };
  struct Session {
    std::string id;
    Service service = Service::data;
    std::size_t person = 0;
    std::uint32_t next_number = 0;
    bool command_level = false;
    std::vector<Use> uses;
    std::string location;
  };

  std::size_t new_call(Time now, std::size_t session);
  std::string_view new_id(std::string_view prefix);
  void identify(engine::Request& request, const Person& person);
  void set_time(engine::Request& request, Time now);
  void add_use(Session& session);
  void ask(engine::ServiceRequest& service, Service of);
  void report(engine::ServiceRequest& service, Service of, std::uint64_t granted);
  std::optional<std::size_t> follow_up(engine::RequestType type, Time now);
  Session* open_session();

  Random& random_;
  std::vector<Person> people_;
  std::deque<Call> calls_;
  std::deque<Session> sessions_;
  std::vector<std::size_t> open_;  // places in sessions_
  std::deque<std::string> ids_;
  std::deque<std::size_t> to_send_again_;
};

}  // namespace farthing::sim
