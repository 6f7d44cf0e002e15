// Why a grant has the size that it has: the request is decided again, by the account and the
// session as they stood before it.
//
// The ledger does not say what a client asked for. So the request is decided as if the service had
// asked for none, and as if it had asked for all that there is; where one of these gives the same
// grant, that is why. Else it is what was asked for. What payers had is not known either: they are
// taken to have enough. Where nothing gives the grant, nothing is said.
//
// Pure; for people. Threads: no shared state.
#pragma once

#include "engine/account_past.h"
#include "engine/types.h"
#include "tariffs/tariff.h"

#include <string>
#include <vector>

namespace farthing::engine {

// Of each service of the answer, in its order: a sentence without its end; "": nothing is known.
std::vector<std::string> explain_grants(const AccountPast::Moment& moment,
                                        const tariffs::TariffHistory& tariffs,
                                        const Answer& answer);

}  // namespace farthing::engine
