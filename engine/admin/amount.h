// Amounts of money as people write them, refused with a sentence that says what is wrong; and sums
// of them as texts.
#pragma once

#include "engine/base/result.h"
#include "engine/base/wide.h"
#include "tariffs/money.h"

#include <string>
#include <string_view>

namespace farthing::engine::admin {

// -?[0-9]+(\.[0-9]{1,6})? and within 64 bits of millionths; never rounded.
base::Result<tariffs::Money, std::string> parse_amount(std::string_view text);

// A sum of amounts in millionths, which 64 bits may not hold: "-12.345600".
std::string amount_text(base::Int128 micros);

}  // namespace farthing::engine::admin
