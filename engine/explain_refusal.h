// Why a request, or a service of it, was refused, and what would help: from the account as it stood
// and the tariff that decided.
//
// Pure; sentences and commands for people. Threads: no shared state.
#pragma once

#include "engine/account.h"
#include "engine/types.h"
#include "tariffs/conditions.h"
#include "tariffs/tariff.h"

#include <string>
#include <string_view>
#include <vector>

namespace farthing::engine {

struct RefusedIn {
  const Account& account;  // before the request
  SubscriberNumber subscriber;
  std::string_view service_context;
  const tariffs::Tariff* tariff = nullptr;  // that decided; nullptr: none was in force
  tariffs::Facts facts;                     // its counters' values with them
  Time at;                                  // from when on units would have been good
  Money available;                          // when all usage was charged
};

struct RefusalExplained {
  std::string why;                // "": it was not refused
  std::vector<std::string> help;  // each a sentence or a command
};

RefusalExplained explain_refusal(const RefusedIn& where, const ServiceAnswer& answer);
// Of a whole request, where no service was answered.
RefusalExplained explain_refusal(const RefusedIn& where, Outcome outcome);

}  // namespace farthing::engine
