// An answer, encoded to be kept: in the ledger entry of the request and, for an open session, in
// memory. A repeated request gets the answer that it got, from these bytes, which it may view.
#pragma once

#include "engine/types.h"

#include <string>
#include <string_view>

namespace farthing::engine {

void encode_outcome(const Answer& answer, std::string& out);  // replaces `out`
[[nodiscard]] bool decode_outcome(std::string_view bytes, Answer& answer);

}  // namespace farthing::engine
