// The `tests:` section of a tariff file: situations, and what they must cost. It is read with the
// rest of the file and kept with the tariff; engine/tariff_tests.h runs it.
//
// Plain values; what is expected keeps its place in the file, for those who say that it was not
// met. Threads: no shared state.
#pragma once

#include "engine/base/time.h"
#include "tariffs/conditions.h"
#include "tariffs/file_error.h"
#include "tariffs/money.h"
#include "tariffs/percent.h"
#include "tariffs/subscriber.h"
#include "tariffs/units.h"

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace farthing::tariffs {

struct TariffParts;
struct YamlNode;

// How a situation ends that is not served to its end.
enum class TestRefusal : std::uint8_t {
  balance,   // 4012: nobody can pay
  no_price,  // 5031
  denied,    // 4010: this subscriber may not use it
};

std::string_view refusal_name(TestRefusal refusal);  // "balance", "no-price", "denied"

struct TariffTest {
  // Usage that is reported together.
  struct Use {
    std::uint64_t units = 0;       // more than 0
    std::optional<base::Time> at;  // nullopt: as the one before; never earlier than that
  };
  template <class Value>
  struct Expected {
    Value value;
    FilePosition position;
  };
  struct Left {
    std::string offer;
    Unit unit = Unit::octets;
    std::uint64_t units = 0;
  };
  // Another account that pays for the subscriber.
  struct Payer {
    std::vector<std::string> services;  // "data", "data/10"
    Money balance;
    std::optional<Money> cap;       // in a calendar month
    Percent share{Percent::whole};  // of what falls to it
  };

  std::string name;
  FilePosition position;

  // The situation.
  std::string context;  // of the service
  Unit unit = Unit::octets;
  std::optional<RatingGroup> rating_group;
  std::vector<Use> uses;
  base::Time at;                          // within the tariff's validity
  std::string called;                     // as Called-Party-Address has it; "": it is not there
  std::string calling;                    // likewise: Calling-Party-Address
  std::string routing_number;             // likewise: Number-Portability-Routing-Information
  std::string common_groups;              // what both parties are of (Facts::common_groups)
  std::optional<Leg> leg;                 // by Role-Of-Node; nullopt: it is not there
  std::string access_point;               // likewise: Called-Station-Id
  std::string serving_network;            // 3GPP-SGSN-MCC-MNC
  std::optional<std::uint8_t> rat_type;   // 3GPP-RAT-Type
  SubscriberAttributes attributes;        // of the subscriber
  std::vector<std::string> switched_off;  // likewise
  Money balance;
  Money credit_limit;
  std::vector<Payer> payers;               // in the order in which they pay
  std::vector<std::string> subscriptions;  // offers, bought and paid at that time

  // What is expected of it.
  std::optional<Expected<Money>> amount;
  std::optional<Expected<Money>> balance_left;
  std::optional<Expected<std::uint64_t>> served;  // units
  std::optional<Expected<TestRefusal>> refused;   // nullopt: it is served to its end
  std::vector<Expected<Left>> allowances;
};

// Reads the section. `parts` is the rest of the file, all of its errors told already; about the
// services `without_unit` nothing can be said.
std::vector<TariffTest> read_tests(const YamlNode& node, const TariffParts& parts,
                                   const std::set<ServiceKey>& without_unit, FileErrors& errors);

}  // namespace farthing::tariffs
