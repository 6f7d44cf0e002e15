// What rating one report takes, by a histogram of single calls of decide(): a large tariff, and
// accounts with ten allowances and eight counters. 70 % of the requests are reports of data, 20 %
// of voice, 10 % are messages; destinations are random. How many came to another price, to a
// threshold or to the end of an allowance is said, too. Beside it: how long the tariff takes to
// load.
#include "bench/large_tariff.h"
#include "engine/decide.h"
#include "engine/operations.h"
#include "engine/shard.h"
#include "engine/tariff_tests.h"
#include "storage/null_store.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdlib>
#include <new>
#include <random>
#include <string>
#include <vector>

namespace {
std::uint64_t allocations = 0;
}

void* operator new(std::size_t bytes) {
  ++allocations;
  if (void* memory = std::malloc(bytes)) return memory;
  throw std::bad_alloc();
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }

namespace {

using namespace farthing;
using namespace farthing::engine;
using Clock = std::chrono::steady_clock;

constexpr std::uint64_t first_msisdn = 8619900000000;
constexpr std::uint32_t accounts = 1000;
constexpr std::uint32_t allowances = 10;  // of each account

enum Kind : std::size_t { data, voice, messages };
constexpr std::array<const char*, 3> kind_names = {"data", "voice", "messages"};

struct Session {
  std::string id;
  std::string called;
  std::uint32_t number = 0;
};

// Whether a request came to another price, to a threshold, to the end of an allowance, or into the
// next stretch of a cap that repeats.
bool crosses(const Entry& entry, const Account& account) {
  if (entry.session && (!entry.openings.empty() || !entry.thresholds.empty())) return true;
  const auto moves = [&entry](Side side) {
    return std::ranges::find(entry.legs, side, &Leg::side) != entry.legs.end();
  };
  if (moves(Side::consumed) && moves(Side::revenue)) return true;
  return std::ranges::any_of(entry.counter_changes, [&account](const CounterChange& change) {
    const auto counter = std::ranges::find(account.counters, change.counter, &Counter::number);
    if (counter == account.counters.end()) return false;
    const bool is_internet = counter->name == "data-month";
    if (!is_internet && counter->name != "data-paid") return false;
    const auto stretch = static_cast<std::int64_t>(is_internet ? bench::large_internet_stretch
                                                               : bench::large_video_stretch);
    return counter->value / stretch != (counter->value + change.counted) / stretch;
  });
}

class World {
 public:
  World() {
    static_cast<void>(shard_.recover([](Sequence) {}));
    const auto begun = Clock::now();
    const std::string bytes = tariffs::canonical_bytes(bench::large_tariff());
    const auto made = Clock::now();
    const auto source = tariffs::parse_source(bytes);
    const tariffs::CheckedTariff checked = engine::check_tariff("large.yaml", *source);
    if (checked.tariff == nullptr) {
      fmt::print(stderr, "{}\n", tariffs::to_string(checked.errors.front()));
      std::exit(1);
    }
    const std::chrono::duration<double> load = Clock::now() - made;
    const std::chrono::duration<double> make = made - begun;
    fmt::print("{} prefixes, {} offers: loaded in {:.3f} s (made in {:.3f} s)\n",
               bench::large_prefixes, bench::large_offers, load.count(), make.count());
    shard_.enter_tariff(checked.tariff, bytes);
    sync();
    for (std::uint32_t i = 0; i < accounts; ++i) add_account(i);
  }

  // Requests of these kinds, by any accounts, come as one read brings them.
  void expect(const std::vector<Kind>& kinds) {
    next_.clear();
    std::vector<std::string_view> ids;
    for (const Kind kind : kinds) {
      next_.push_back(static_cast<std::uint32_t>(random_() % accounts));
      if (kind != messages) ids.push_back(sessions_[kind][next_.back()].id);
    }
    shard_.expect(ids);
  }
  // The next one; what it takes to decide it, in nanoseconds.
  std::uint64_t measure(Kind kind, std::size_t place) {
    prepare(kind, next_[place]);
    const Book& book = shard_.book();
    const SubscriberRef subscriber = *book.find_subscriber(request_.identities[0]);
    const Account* const account = subscriber.account;
    const Situation situation{
        *account, subscriber.subscriber,
        kind == messages ? nullptr : book.find_session(book.session_key(request_.session_id)),
        *shard_.tariffs_shared(), now_};
    const std::uint64_t allocated = allocations;
    const auto begun = Clock::now();
    decide(situation, request_, decision_);
    const auto ended = Clock::now();
    allocations_ += allocations - allocated;
    borders_ += crosses(decision_.entry, *account) ? 1 : 0;
    shard_.handle(request_);
    now_ += std::chrono::milliseconds(20);
    if (++requests_ % 256 == 0) sync();
    return static_cast<std::uint64_t>(
        std::chrono::duration_cast<std::chrono::nanoseconds>(ended - begun).count());
  }
  void forget() { allocations_ = borders_ = 0; }
  std::uint64_t allocated() const { return allocations_; }
  std::uint64_t borders() const { return borders_; }

 private:
  void sync() {
    shard_.end_turn();
    if (!shard_.idle()) shard_.durable(store_.end().last);
  }

  void add_account(std::uint32_t i) {
    const std::string name = std::to_string(first_msisdn + i);
    ImportRow row;
    row.msisdn = *parse_msisdn(name);
    row.account = name;
    row.balance = Money(1'000'000'000'000);
    static_cast<void>(import_row(shard_, row, {}));
    for (std::uint32_t n = 0; n < allowances; ++n) {
      const std::string offer = bench::large_offer_name((i * 7 + n) % bench::large_offers);
      static_cast<void>(add_subscription(shard_, name, offer, Note{"bench", "", ""}));
    }
    sync();
    for (Kind kind : {data, voice}) {
      Session& session = sessions_[kind].emplace_back();
      session.id = fmt::format("{}-1.example;1760000000;{:010}", kind_names[kind], i);
      session.called = any_number();
      begin(kind, i, RequestType::initial);
      ask(kind);
      shard_.handle(request_);
      sync();
    }
  }

  std::string any_number() {
    std::string number = "+";
    for (int i = 0; i < 12; ++i) number += static_cast<char>('1' + random_() % 9);
    return number;
  }

  void begin(Kind kind, std::uint32_t who, RequestType type) {
    constexpr std::array<std::string_view, 3> contexts = {"32251@3gpp.org", "32260@3gpp.org",
                                                          "32274@3gpp.org"};
    request_.clear();
    if (kind == messages) {
      event_id_ = fmt::format("event-1.example;1760000000;{:010}", requests_);
      called_ = any_number();
      request_.session_id = event_id_;
      request_.key = {type, 0, 0, requests_ * 77u, static_cast<std::uint32_t>(requests_)};
    } else {
      Session& session = sessions_[kind][who];
      request_.session_id = session.id;
      request_.key = {type, session.number, 0, requests_ * 77u + session.number, session.number};
      ++session.number;
      called_ = session.called;
    }
    request_.service_context = contexts[kind];
    request_.identities.push_back(*parse_msisdn(std::to_string(first_msisdn + who)));
    request_.event_time = now_;
    if (kind != data) {
      request_.attributes.push_back(
          {static_cast<std::uint8_t>(AttributeId::called_party), called_});
    }
  }

  void ask(Kind kind) {
    ServiceRequest& service = request_.add_service();
    if (kind == data) {
      service.rating_group = RatingGroup(requests_ % 2 == 0 ? 10 : 20);
      service.requested.emplace().total_octets = 1u << 20;
    } else if (kind == voice) {
      service.requested.emplace().seconds = 300;
    } else {
      service.requested.emplace().events = 1;
    }
  }

  void prepare(Kind kind, std::uint32_t who) {
    begin(kind, who, kind == messages ? RequestType::event : RequestType::update);
    ask(kind);
    if (kind == data) request_.services[0].used.emplace().octets = random_() % 400'000;
    if (kind == voice) request_.services[0].used.emplace().seconds = random_() % 120;
  }

  storage::NullStore store_;
  Time now_ = std::chrono::sys_days(std::chrono::year(2026) / 6 / 1);
  Shard shard_{store_, {}, [this] { return now_; }};
  std::mt19937_64 random_{11};
  std::array<std::vector<Session>, 2> sessions_;
  Request request_;
  Decision decision_;
  std::string event_id_;
  std::string called_;
  std::uint64_t requests_ = 0;
  std::uint64_t allocations_ = 0;
  std::uint64_t borders_ = 0;
  std::vector<std::uint32_t> next_;
};

void print(const char* what, std::vector<std::uint64_t>& times) {
  std::ranges::sort(times);
  const auto at = [&times](double part) {
    return static_cast<double>(
               times[static_cast<std::size_t>(part * static_cast<double>(times.size() - 1))]) /
           1000;
  };
  fmt::print("{:<9} {:>9} calls: median {:.2f} us, p90 {:.2f}, p99 {:.2f}, p99.9 {:.2f}\n", what,
             times.size(), at(0.5), at(0.9), at(0.99), at(0.999));
}

}  // namespace

// usage: rating_bench [CALLS]
int main(int count, char** arguments) {
  World world;
  constexpr std::size_t at_hand = 32;  // requests
  const std::size_t calls_asked = count > 1 ? std::strtoull(arguments[1], nullptr, 10) : 1'000'000;
  const std::size_t measured = std::max<std::size_t>(calls_asked / at_hand, 1) * at_hand;
  const std::size_t warm = measured / 5 / at_hand * at_hand;
  std::mt19937_64 random(3);
  const auto any_kind = [&random] {
    const std::uint64_t n = random() % 10;
    return n < 7 ? data : n < 9 ? voice : messages;
  };
  std::vector<std::uint64_t> all;
  std::array<std::vector<std::uint64_t>, 3> by_kind;
  all.reserve(measured);
  for (std::vector<std::uint64_t>& times : by_kind) times.reserve(measured);
  std::vector<Kind> kinds(at_hand);
  for (std::size_t i = 0; i < warm + measured; i += at_hand) {
    for (Kind& kind : kinds) kind = any_kind();
    world.expect(kinds);
    if (i == warm) world.forget();
    for (std::size_t place = 0; place < at_hand; ++place) {
      const std::uint64_t ns = world.measure(kinds[place], place);
      if (i < warm) continue;
      all.push_back(ns);
      by_kind[kinds[place]].push_back(ns);
    }
  }
  print("all", all);
  for (Kind kind : {data, voice, messages}) print(kind_names[kind], by_kind[kind]);
  const double calls = static_cast<double>(measured);
  fmt::print("{:.4f} allocations a call; {:.2f} % crossed a border\n",
             static_cast<double>(world.allocated()) / calls,
             100 * static_cast<double>(world.borders()) / calls);
}
