// What was charged or refused and why, as JSON with the same in words: the same from a running
// server and from a stopped one's folder. Any thread.
#pragma once

#include "engine/explanation.h"

#include <boost/json/fwd.hpp>

#include <string>

namespace farthing::engine::admin {

inline constexpr std::size_t explained_entries_max = 1000;

// Step by step, one a line.
std::string explanation_text(const Explanation& explanation);

boost::json::object explanation_json(const Explanation& explanation);

}  // namespace farthing::engine::admin
