// Whether a subscriber may use what a rule prices: not where it is suspended (one way: but for what
// comes to it) or has a switch of the rule off, what is served always excepted. Where the rule asks
// for a subscription only with
// one to an offer that covers it (in the situations that the rule is of), whose time has come and
// not ended. An allowance that is eaten up still is a subscription. Nor what has a price once the
// account's validity is over (but for what comes to the subscriber), and once its grace is, nothing
// but what is served always. And not where a subscription
// covers it that is suspended until it is paid, unless there is another one.
//
// Pure; does not allocate.
#pragma once

#include "engine/account.h"
#include "tariffs/tariff.h"

#include <optional>

namespace farthing::engine {

struct Permission {
  bool is_given = true;
  bool lacks_subscription = false;  // and nothing else
  bool is_expired = false;          // the account's validity is over: a top-up extends it
  std::optional<Time> until;  // when what it rests on ends; nullopt: it rests on nothing that ends
};

// Whether nothing but what is served always may be used in this state.
bool is_suspended(LifeState state, bool is_terminating);

// `rule`: that wins for the rating group at that time; nullptr: none does. `is_terminating`: what
// is asked for comes to the subscriber.
Permission permission_of(const Account& account, SubscriberNumber subscriber,
                         const tariffs::Rule* rule, const std::optional<RatingGroup>& group,
                         Time at, bool is_terminating);

// The version by which a subscriber is charged at a time; nullptr: there is none.
const tariffs::VersionedTariff* version_for(const tariffs::TariffHistory& tariffs,
                                            const Account& account, SubscriberNumber subscriber,
                                            Time at);

}  // namespace farthing::engine
